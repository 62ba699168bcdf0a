"""``signal-backups simulate``: simulate years of daily backups in a bucket configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line, print_table
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import ExitCode, UnsupportedError
from signal_backups.core.config.settings import Settings, load_settings
from signal_backups.core.cost.forecast import measured_growth
from signal_backups.core.cost.inventory import list_everything
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.lifecycle import Lifecycle, Transition
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.prices import load_prices
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.simulation.findings import kilobytes
from signal_backups.core.simulation.outcomes import ScenarioFigures
from signal_backups.core.simulation.run import DEFAULT_RECORD_BYTES, DEFAULT_YEARS, SimulationReport
from signal_backups.core.simulation.run import simulate as run_simulation
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault

_MOST_YEARS = 100


@dataclass(frozen=True)
class _Subject:
    """What is simulated."""

    name: str
    lifecycle: Lifecycle
    lock: LockPolicy | None
    record_bytes: int
    region: str


def simulate(
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME|FILE", help="Simulate this profile; default: the bucket as it is."),
    ] = None,
    years: Annotated[
        int, typer.Option("--years", min=1, max=_MOST_YEARS, help="Years of daily backups.")
    ] = DEFAULT_YEARS,
    size: Annotated[
        int | None,
        typer.Option("--size", min=1, metavar="BYTES", help="Size of a backup; default: the median of the newest."),
    ] = None,
    records: Annotated[
        bool, typer.Option("--records", help="With --json: the outcome of each backup as well.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate years of daily backups: which are lost, unlocked or slow, and what they cost.

    Exit code 1 when a record would be lost before its retention ends: because it expires, or because somebody deletes
    or overwrites it. Other findings are shown, and leave it at 0.
    """
    # A profile with a size needs no store.
    settings = load_settings() if profile and size else settings_with_notice()
    wanted = load_profile(profile or settings.profile)
    subject = _subject(settings, wanted if profile else None, size)
    report = run_simulation(
        subject.lifecycle,
        subject.lock,
        first_day=utc_now().date(),
        years=years,
        retention_years=wanted.retention_years,
        record_bytes=subject.record_bytes,
        layout=Layout(settings.prefix),
        prices=load_prices(subject.region),
        subject=subject.name,
    )
    show_report(
        report,
        _print,
        ok=not report.loses_backups,
        as_json=as_json,
        without=None if records else {"played": {"fates"}},
        holes=len(report.to_fix),
    )
    raise typer.Exit(ExitCode.FAILED if report.loses_backups else ExitCode.OK)


def _subject(settings: Settings, profile: Profile | None, size: int | None) -> _Subject:
    """What to simulate; a profile with a size needs no store."""
    layout = Layout(settings.prefix)
    if profile is not None and size is not None:
        region = settings.region or load_prices().region
        return _Subject(_name(profile), lifecycle_of(profile, layout), profile.lock_policy, size, region)
    with opened_vault(settings) as vault:
        store, bucket = vault.store, vault.store.configuration
        record_bytes = size or _median_bytes(vault) or DEFAULT_RECORD_BYTES
        if profile is not None:
            return _Subject(
                _name(profile), lifecycle_of(profile, layout), profile.lock_policy, record_bytes, bucket.region
            )
        # Without versions a delete or an overwrite is a loss at once: there is nothing to simulate.
        vault.require_versioning()
        name = f"bucket {store.bucket} as it is"
        return _Subject(name, bucket.lifecycle().parsed, _present_lock(store), record_bytes, bucket.region)


def _name(profile: Profile) -> str:
    return f"profile {profile.name}"


def _present_lock(store: S3ObjectStore) -> LockPolicy | None:
    try:
        return store.lock if store.configuration.is_lock_enabled() else None
    except UnsupportedError:
        return None


def _median_bytes(vault: BackupVault) -> int | None:
    growth = measured_growth(list_everything(vault.store, vault.layout), vault.layout)
    return growth.backup_bytes if growth else None


def _print(report: SimulationReport) -> None:
    played = report.played
    print_line(
        f"{report.subject}: {played.records} daily backups of {kilobytes(played.record_bytes)} from "
        f"{report.first_day}, each to be kept {played.retention_years} years"
    )
    print_table(
        "What becomes of them",
        ("scenario", "hidden early", "destroyed early", "bytes gone after"),
        [_scenario_row(figures) for figures in played.stories],
    )
    print_table(
        f"By size; cost of {played.retention_years} years, all in STANDARD, and until the bytes go",
        ("size", "transitions", "outside RTO", "cost", "in STANDARD", "until gone"),
        [
            (
                kilobytes(each.bytes),
                _transitions(each.moves),
                f"{each.outside_rto_share:.1%}",
                f"${each.usd_to_end:,.2f}",
                f"${each.usd_standard:,.2f}",
                f"${each.usd:,.2f}",
            )
            for each in played.sizes
        ],
    )
    for finding in report.findings:
        print_line(f"{finding.severity.upper():<6} {finding.sentence}")
    count = len(report.to_fix)
    print_line(f"{count or 'No'} {'finding' if count == 1 else 'findings'} to fix in {report.subject}")


def _scenario_row(figures: ScenarioFigures) -> tuple[str, ...]:
    after = "never" if figures.destroyed_after_days is None else f"{figures.destroyed_after_days} days"
    return figures.story, str(figures.hidden_early), str(figures.destroyed_early), after


def _transitions(transitions: Iterable[Transition]) -> str:
    # One a line: the table fits into 80 columns.
    return "\n".join(f"{each.storage_class} {each.days} d" for each in transitions) or "none"
