"""``signal-backups metrics``: figures for Prometheus, served over HTTP or written for node_exporter."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client.core import Metric

from signal_backups.cli.interrupts import ended_at_once
from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_json, print_notice
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import ExitCode, SettingsError
from signal_backups.core.config.settings import Settings
from signal_backups.core.monitoring.metrics.exporter import Exporter
from signal_backups.core.monitoring.metrics.measure import Criteria, Measurer
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.s3.prices import load_prices
from signal_backups.core.vault.vault import BackupVault

DEFAULT_PORT = 9108
DEFAULT_REFRESH_S = 300
_SHORTEST_REFRESH_S = 1
#: What node_exporter looks for.
_SUFFIX = ".prom"

metrics = typer.Typer(help="Serve or write figures for Prometheus.", no_args_is_help=True)


@metrics.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: any free one.")] = DEFAULT_PORT,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. Nothing is encrypted or asks for a password.")
    ] = "127.0.0.1",
    refresh: Annotated[
        int, typer.Option("--refresh", min=_SHORTEST_REFRESH_S, metavar="SECONDS", help="How often to read S3.")
    ] = DEFAULT_REFRESH_S,
    as_json: JsonOption = False,
) -> None:
    """Serve metrics on http://HOST:PORT/metrics until interrupted.

    All of it comes from S3, and from Dagster's instance where there is one on this machine. The first refresh reads
    every manifest and audit event once, later ones only what is new, and scrapes ask S3 for nothing. While S3 is out
    of reach the last values stay, and signal_backups_up is 0.
    """
    settings = settings_with_notice()
    # To be stopped is how serving ends.
    with ended_at_once(code=int(ExitCode.OK)), opened_vault(settings) as vault:
        exporter = _exporter(settings, vault)
        with exporter.serving(host, port) as listening:
            url = f"http://{host}:{listening}/metrics"
            if as_json:
                print_json({"ok": True, "url": url, "refresh_seconds": refresh})
                sys.stdout.flush()
            else:
                print_notice(f"Metrics on {url}, refreshed every {refresh} s")
            while True:
                exporter.refresh_or_log()
                time.sleep(refresh)


@metrics.command()
def textfile(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File to write, in node_exporter's folder: *.prom")],
    as_json: JsonOption = False,
) -> None:
    """Measure once and write a file for node_exporter's textfile collector.

    Every run reads every manifest and audit event anew: run it by the hour, or use serve. When S3 is out of reach
    the file stays as it was, and its signal_backups_last_refresh_timestamp_seconds tells how old it is.
    """
    if path.suffix != _SUFFIX:
        raise SettingsError(f"{path} does not end with {_SUFFIX}", remedy="node_exporter reads no other files")
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        exporter = _exporter(settings, vault)
        exporter.refresh()
    exporter.write(path)
    if as_json:
        print_json({"ok": True, "file": str(path)})
    else:
        print_notice(f"Wrote {path}")


def _exporter(settings: Settings, vault: BackupVault) -> Exporter:
    criteria = Criteria(
        start=settings.start_date if settings.start_date_is_set else None,
        profile=load_profile(settings.profile),
        prices=load_prices(vault.store.configuration.region),
        quota_gb=settings.storage_quota_gb,
        read_within=settings.read_within,
    )
    return Exporter(Measurer(vault, criteria), vault.store, _instance(settings))


def _instance(settings: Settings) -> Callable[[], Sequence[Metric]]:
    """The metrics of Dagster's instance, where there is one on this machine."""
    home = Path(os.environ.get("DAGSTER_HOME", settings.dagster_home))
    if not (home / "dagster.yaml").is_file():
        return tuple
    # Dagster takes seconds to import, and the other commands do without it.
    from signal_backups.orchestration.for_cli.metrics import instance_metrics  # noqa: PLC0415

    return instance_metrics(home)
