"""Debian's Prometheus and Alertmanager on the real exporter: a backup is withheld, and later made."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import last_complete_day, utc_now
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import open_source
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups.local.sample_signals import extend_sample_database
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.deploy.exposition import dashboard_queries
from signal_backups_tests.orchestration.heartbeats import beat
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.servers.prometheus import Receiver, running_alertmanager, running_prometheus
from signal_backups_tests.servers.s3 import client_for
from signal_backups_tests.servers.waiting import HOST, free_port, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus", "alertmanager")]

PROFILE = "recommended"
TOO_OLD = "SignalBackupsTooOld"
TIMEOUT_S = 60
PROGRAM = "from signal_backups.cli.entry import main; main()"


def a_day_ago() -> datetime:
    """The clock of a backup that is too old by now."""
    return utc_now() - timedelta(hours=26)


@pytest.fixture
def terminal(tmp_path: Path, s3_server: S3Server, locked_bucket: str) -> Terminal:
    """A terminal with sample signals, and a bucket in which the last backup and a drill were made 26 hours ago."""
    newest, database = last_complete_day(), tmp_path / "signals.db"
    extend_sample_database(database, newest)
    url = f"sqlite:///{database}"
    store = S3ObjectStore(client_for(s3_server), locked_bucket, lock=load_profile(PROFILE).lock_policy)
    _store_day(BackupVault(store, Layout()), url, last_complete_day(a_day_ago), tmp_path)
    return Terminal(
        tmp_path,
        {
            "SIGNALS_DATABASE_URL": url,
            "SIGNAL_BACKUPS_HOME": str(tmp_path / "home"),
            "SIGNAL_BACKUPS_PROFILE": PROFILE,
            "SIGNAL_BACKUPS_STORAGE_QUOTA_GB": "1",
            "BACKUP_BUCKET_NAME": locked_bucket,
            "AWS_ENDPOINT_URL_S3": s3_server.endpoint_url,
            "AWS_ACCESS_KEY_ID": s3_server.access_key,
            "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
            "AWS_DEFAULT_REGION": s3_server.region,
        },
    )


def _store_day(vault: BackupVault, url: str, day: date, folder: Path) -> None:
    days = extracted(open_source(url, "signals"), folder, day)
    store_backup(vault, days.folder, BackupRun("tests", clock=a_day_ago))


@contextmanager
def exporting(terminal: Terminal, port: int) -> Iterator[None]:
    """``signal-backups metrics serve`` for the duration of the block; a SIGTERM ends it well."""
    command = [sys.executable, "-c", PROGRAM, "metrics", "serve", "--port", str(port), "--refresh", "1"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), **terminal.settings}
    log = terminal.folder / "exporter.log"
    with (
        log.open("ab") as output,
        subprocess.Popen(command, cwd=terminal.folder, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            wait_for(lambda: process.poll() is not None or _scraped(port), TIMEOUT_S, f"the exporter, see {log}")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(TIMEOUT_S)
    assert code == 0, log.read_text(encoding="utf-8")


def _scraped(port: int) -> str:
    """What the exporter shows once it has measured."""
    try:
        text = requests.get(f"http://{HOST}:{port}/metrics", timeout=5).text
    except requests.ConnectionError:
        return ""
    return text if "signal_backups_up 1.0" in text else ""


def test_a_withheld_backup_is_told_and_so_is_the_one_that_ends_it(terminal: Terminal, tmp_path: Path) -> None:
    drilled = terminal.run("drill")
    assert drilled.code == 0, drilled.err
    beat(Path(terminal.settings["SIGNAL_BACKUPS_HOME"]) / "dagster")
    port = free_port()
    with (
        Receiver() as receiver,
        running_alertmanager(tmp_path, receiver) as alertmanager,
        running_prometheus(tmp_path, f"{HOST}:{port}", alertmanager) as prometheus,
    ):
        with exporting(terminal, port):
            fired = wait_for(lambda: receiver.alerts(TOO_OLD, "firing"), TIMEOUT_S, "the alert")
            path, alert = fired[0]
            assert (path, alert["labels"]["severity"], alert["labels"]["job"]) == (
                "/pager",
                "critical",
                "signal_backups",
            )
            assert re.fullmatch(r"The last verified backup is 1d 2h \d+m \d+s old", alert["annotations"]["summary"]), (
                alert
            )
            assert not receiver.alerts(TOO_OLD, "resolved")
            wait_for(lambda: len(prometheus.query("signal_backups_up[1h]")[0]["values"]) > 2, TIMEOUT_S, "scrapes")
            for panel, query in dashboard_queries().items():
                assert prometheus.query(query), panel
            rules = prometheus.rules()
            assert {rule["health"] for rule in rules} == {"ok"}, rules

        # Its process ends and another one begins: no recovery is reported.
        wait_for(lambda: prometheus.query('up{job="signal_backups"} == 0'), TIMEOUT_S, "the exporter to be missed")
        with exporting(terminal, port):
            wait_for(lambda: prometheus.query("signal_backups_up == 1"), TIMEOUT_S, "the new exporter")
            assert not receiver.alerts(TOO_OLD, "resolved")

            made = terminal.run("backup")
            assert made.code == 0, made.err
            wait_for(lambda: receiver.alerts(TOO_OLD, "resolved"), TIMEOUT_S, "the resolution")
            assert not prometheus.query(f'ALERTS{{alertname="{TOO_OLD}"}}')
