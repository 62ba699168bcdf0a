"""``signal-backups drill``: restore for real into a scratch database, compare, and measure."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line, print_notice, print_table, progress
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.drill.choose_days import RECENT_DAYS
from signal_backups.core.drill.run import DrillDay, DrillReport, DrillRun
from signal_backups.core.drill.run import drill as hold_drill


def drill(
    days: Annotated[
        int,
        typer.Option("--days", min=1, help="How many of the last days; one older day of each storage class is added."),
    ] = RECENT_DAYS,
    as_json: JsonOption = False,
) -> None:
    """Restore sample days into a scratch database, compare them, and forecast a full restore."""
    settings = settings_with_notice()
    run = DrillRun(
        run_id=f"cli-{uuid4().hex[:8]}",
        source_url=settings.source_url,
        table=settings.table,
        extras=settings.extra_columns,
        scratch_url=settings.drill_url,
        scratch=settings.scratch,
        recent_days=days,
    )
    with opened_vault(settings) as vault, progress("Drilling", days, as_json=as_json) as advance:
        report = hold_drill(vault, run, on_day=lambda done: advance(done.day))
        where = vault.store.uri(vault.layout.drill_key(report.at))
    show_report(
        report,
        lambda found: _print(found, where),
        ok=report.ok,
        as_json=as_json,
        report=where,
        restores_everything=report.restores_everything,
        source_matches_backup=report.source_matches,
        rto_within_objective=report.rto_within_objective,
        rto_forecast_seconds=round(report.forecast.seconds, 1),
        rto_objective_seconds=RTO_OBJECTIVE_S,
        rows=report.rows,
        rows_per_second=round(report.rows_per_second, 1),
    )
    raise typer.Exit(ExitCode.OK if report.ok else ExitCode.FAILED)


def _print(report: DrillReport, where: str) -> None:
    kinds = ("unchanged", "late", "mutated", "deleted")
    print_table(
        f"Restore drill, {report.engine}",
        ("day", "outcome", "storage class", "restored", *kinds, "seconds"),
        [
            (
                day.day.isoformat(),
                day.restore.outcome,
                day.storage_class or "-",
                str(day.restore.restored),
                *_counts(day),
                f"{sum(day.restore.seconds.values()):.2f}",
            )
            for day in report.days
        ],
    )
    for day in report.failed_days:
        print_notice(f"FAILED {day.day}: {day.restore.problem}. {day.restore.remedy or ''}")
    for part in report.left_out:
        print_notice(f"Not drilled: {part}")
    for name in report.archived_classes:
        print_notice(f"Not drilled: days in storage class {name} have to thaw first")
    print_line(", ".join(f"{phase} {seconds:.2f} s" for phase, seconds in report.seconds.items()))
    forecast = report.forecast
    print_line(
        f"RTO forecast: {forecast.seconds:.0f} s for {forecast.days} days, {forecast.share:.0%} of the objective of "
        f"{RTO_OBJECTIVE_S:.0f} s ({report.rows_per_second:.0f} signals a second)"
    )
    print_line(f"Recorded in {where}")


def _counts(day: DrillDay) -> tuple[str, ...]:
    found = day.reconciliation
    if found is None:
        return ("-",) * 4
    return tuple(str(count) for count in (found.unchanged, found.late.count, found.mutated.count, found.deleted.count))
