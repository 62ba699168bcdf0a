"""``signal-backups reconcile``: hold the live source against the backups, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import uuid4

import typer
from pydantic import BaseModel

from signal_backups.cli.options import JsonOption, ToOption, day_range, from_option
from signal_backups.cli.output import print_notice, print_table, progress
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.backup.undated import compare_undated
from signal_backups.core.backup.undated_tables import Partitions
from signal_backups.core.base.days import days_between, last_complete_day, utc_now
from signal_backups.core.base.errors import ExitCode, SignalBackupsError
from signal_backups.core.config.settings import Settings
from signal_backups.core.restore.reconcile import Reconciliation, reconcile_day, record_reconciliations
from signal_backups.core.source import open_source
from signal_backups.core.vault.findings import Examination
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.core.vault.vault import BackupVault

_KINDS = ("late", "mutated", "deleted")


class ReconciledDay(Reconciliation, frozen=True):
    """What differs on a day; ``ok`` when nothing does."""

    ok: bool


class UncomparedDay(BaseModel, frozen=True):
    """A day whose backup could not be compared with the source, and why."""

    day: date
    problem: str
    remedy: str


class ReconcileResult(CommandResult, frozen=True):
    """The days, and those that were backed up again because only late signals were missing.

    ``undated`` are the rows of the database that belong to no day, ``undated_not_kept`` those that are not kept yet.
    """

    undated: UndatedRows
    undated_not_kept: int
    backed_up_again: list[date]
    days: list[ReconciledDay]
    failures: list[UncomparedDay]


def reconcile(
    first: Annotated[str | None, from_option("yesterday")] = None,
    last: ToOption = None,
    backup_late: Annotated[
        bool, typer.Option("--backup-late", help="Back days up again whose only difference is late signals.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find signals that came late, were changed or were deleted in the source since their backup."""
    settings = settings_with_notice()
    begin, end = day_range(first, last, last_complete_day())
    with opened_vault(settings) as vault:
        found = _reconciled(vault, settings, list(days_between(begin, end)), as_json=as_json)
        late = [day for day, one in found.items() if isinstance(one, Reconciliation) and one.only_late]
        backed_up = _back_up(settings, late) if backup_late else []
        if backup_late and late:
            found |= _reconciled(vault, settings, late, as_json=as_json)
        record_reconciliations(vault, found)
        undated, not_kept = _undated(vault, settings)
    result = _result(found, backed_up, undated, not_kept.in_database)
    show(result, _print, as_json=as_json)
    raise typer.Exit(ExitCode.OK if result.ok else ExitCode.FAILED)


def _undated(vault: BackupVault, settings: Settings) -> tuple[UndatedRows, UndatedRows]:
    """The rows of the source that belong to no day, and those of them that are not kept yet."""
    source, today = open_source(settings.source_url, settings.table, settings.extra_columns), utc_now().date()
    with Scratch(settings.scratch).day(f"reconcile-{uuid4().hex[:8]}", today) as folder:
        return compare_undated(vault, source, folder.path, Partitions(settings.start_date, today))


def _result(
    found: Mapping[date, Reconciliation | SignalBackupsError],
    backed_up: list[date],
    undated: UndatedRows,
    not_kept: int,
) -> ReconcileResult:
    days, failures = [], []
    for day, one in found.items():
        if isinstance(one, Reconciliation):
            days.append(ReconciledDay(**dict(one), ok=one.is_equal))
        else:
            failures.append(UncomparedDay(day=day, problem=one.what, remedy=one.remedy))
    return ReconcileResult(
        ok=not failures and not not_kept and all(day.ok for day in days),
        undated=undated,
        undated_not_kept=not_kept,
        backed_up_again=backed_up,
        days=days,
        failures=failures,
    )


def _reconciled(
    vault: BackupVault, settings: Settings, days: Sequence[date], *, as_json: bool
) -> dict[date, Reconciliation | SignalBackupsError]:
    """The result of each day, or why its backup could not be compared."""
    source = open_source(settings.source_url, settings.table, settings.extra_columns)
    scratch = Scratch(settings.scratch)
    found: dict[date, Reconciliation | SignalBackupsError] = {}
    with progress("Reconciling", len(days), as_json=as_json) as advance:
        for day in days:
            with scratch.day(f"reconcile-{uuid4().hex[:8]}", day) as folder:
                try:
                    found[day] = reconcile_day(vault, source, folder)
                except SignalBackupsError as error:
                    # The other days are compared all the same, unless the store or the source cannot be reached.
                    if error.exit_code is ExitCode.UNREACHABLE:
                        raise
                    found[day] = error
            advance(day)
    return found


def _back_up(settings: Settings, days: Sequence[date]) -> list[date]:
    """Back days up through the Dagster assets; returns those that S3 now holds anew."""
    if not days:
        return []
    # Dagster takes seconds to import, and the other commands do without it.
    from signal_backups.cli.runs import run_until_interrupted  # noqa: PLC0415
    from signal_backups.orchestration.instance.home import persistent_instance  # noqa: PLC0415

    stored = []
    with persistent_instance(settings.dagster_home) as instance:
        for day in days:
            result = run_until_interrupted(instance, day, day)
            stored += [done for done, changed in result.stored.items() if changed]
            for failure in result.failures:
                print_notice(f"FAILED {failure.day}: {failure.reason}")
    return stored


def _print(result: ReconcileResult) -> None:
    print_table(
        "Source and backups",
        ("day", "result", "in source", "unchanged", *_KINDS),
        [
            (
                day.day.isoformat(),
                "equal" if day.is_equal else "no backup" if day.key is None else "DIFFERENT",
                str(day.source_rows),
                str(day.unchanged),
                *(str(getattr(day, kind).count) for kind in _KINDS),
            )
            for day in result.days
        ],
    )
    for day in result.days:
        _print_differences(day)
    if result.undated.in_database:
        print_notice(f"Undated rows in the database, {result.undated}")
    if result.undated_not_kept:
        command = Examination.UNDATED_SIGNALS.command
        print_notice(f"{result.undated_not_kept:,} undated rows are not kept yet; keep them with: {command}")
    for failure in result.failures:
        print_notice(f"FAILED {failure.day}: {failure.problem}. {failure.remedy}")
    if result.backed_up_again:
        print_notice(f"Backed up again: {', '.join(map(str, result.backed_up_again))}")


def _print_differences(day: Reconciliation) -> None:
    counts: dict[str, Any] = {kind: getattr(day, kind) for kind in _KINDS}
    for kind, difference in counts.items():
        if difference.count:
            print_notice(f"{day.day} {kind}: {', '.join(map(str, difference.signal_ids))}")
    if day.only_late:
        command = f"signal-backups reconcile --from {day.day} --to {day.day} --backup-late"
        print_notice(f"{day.day}: take the late signals in with: {command}")
