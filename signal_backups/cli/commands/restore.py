"""``signal-backups restore``: bring days back into a database or a folder, proven before and after."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from signal_backups.cli.options import FromOption, JsonOption, ToOption, day_range, ended_day, key_in
from signal_backups.cli.output import moment, print_line, print_notice, print_table, progress, size
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.cli.thaw import ThawChoice, await_thaw
from signal_backups.core.base.days import parse_instant
from signal_backups.core.base.errors import ExitCode, SettingsError
from signal_backups.core.restore.journal import RestoreJournal, restore_journal
from signal_backups.core.restore.report import DayRestore, RestoreReport
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import (
    ChosenBackup,
    Selection,
    UnavailableDay,
    choose_days,
    choose_key,
    choose_version_of_day,
)
from signal_backups.core.restore.targets.contract import OnConflict, RestoreTarget
from signal_backups.core.restore.targets.open_target import open_target, refuse_source
from signal_backups.core.s3.thaw import ThawPlan, Tier
from signal_backups.core.vault.vault import BackupVault


class PlannedDay(DayRestore, frozen=True):
    """What the restore of one day would come to; ``there_now`` counts the target's rows of that day."""

    bytes: int | None = None
    storage_class: str | None = None
    verified_at: str | None = None
    there_now: int | None = None

    @classmethod
    def of(cls, item: ChosenBackup | UnavailableDay, found: DayRestore, target: RestoreTarget) -> PlannedDay:
        """The rehearsed result of a day, with what is stored of it."""
        known = vars(found)
        if not isinstance(item, ChosenBackup):
            return cls(**known)
        manifest = item.manifest
        known = {**known, "records": manifest.records if manifest else found.records}
        return cls(
            **known,
            bytes=item.version.size,
            storage_class=item.version.storage_class,
            verified_at=moment(manifest.verification.verified_at) if manifest else None,
            there_now=None if found.exit_code is ExitCode.UNREACHABLE else target.count_signals(item.day),
        )


class RestorePlan(CommandResult):
    """The document of ``restore --dry-run``; ``ok`` as the restore itself would end."""

    dry_run: bool = True
    target: str
    warnings: list[str]
    days: list[PlannedDay]
    thaw: ThawPlan | None

    @classmethod
    def of(
        cls, report: RestoreReport, days: list[PlannedDay], thaw: ThawPlan | None, *, asked_for_older: bool
    ) -> RestorePlan:
        """The plan of a rehearsed restore."""
        return cls(
            ok=report.exit_code is ExitCode.OK,
            target=report.target,
            warnings=[] if asked_for_older else _about_older_versions(report),
            days=days,
            thaw=thaw,
        )


class RestoreResult(CommandResult):
    """The document of ``restore``; counts are signals over all days."""

    target: str
    records: int
    restored: int
    replaced: int
    skipped: int
    refused: int
    quarantined: int
    seconds: float
    warnings: list[str]
    days: list[DayRestore]

    @classmethod
    def of(cls, report: RestoreReport, *, asked_for_older: bool) -> RestoreResult:
        """A report with its totals; an older version is remarked on, unless somebody asked for one."""
        return cls(
            ok=report.exit_code is ExitCode.OK,
            target=report.target,
            **{count: report.total(count) for count in _COUNTS},
            seconds=round(report.seconds, 3),
            warnings=[] if asked_for_older else _about_older_versions(report),
            days=report.days,
        )


def _about_older_versions(report: RestoreReport) -> list[str]:
    return [
        f"{day.day}: restored from version {day.version_id}, which is not the current one: no genuine manifest "
        f"vouches for that. See: signal-backups versions {day.day}"
        for day in report.days
        if day.is_current is False and day.lost_version_id is None
    ] + [
        f"{day.day}: version {day.version_id} is older than the newest backup of the day, version "
        f"{day.lost_version_id}, which is gone. See: signal-backups versions {day.day}"
        for day in report.days
        if day.lost_version_id is not None
    ]


_COUNTS = ("records", "restored", "replaced", "skipped", "refused", "quarantined")


def restore(
    target: Annotated[
        str,
        typer.Option("--target", metavar="URL|FOLDER", help="sqlite:///…, postgresql://… or a folder for CSV files."),
    ],
    day: Annotated[str | None, typer.Argument(metavar="[DATE]", help="Day, YYYY-MM-DD.")] = None,
    first: FromOption = None,
    last: ToOption = None,
    key: Annotated[str | None, typer.Option("--key", help="Key or s3:// URI of one backup.")] = None,
    version_id: Annotated[str | None, typer.Option("--version-id", help="That version of DATE or KEY.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="What was current and verified then, UTC.")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", help="Table to restore into, made when it is not there; default: SIGNALS_TABLE."),
    ] = None,
    on_conflict: Annotated[
        OnConflict,
        typer.Option(
            "--on-conflict",
            metavar="WHAT",
            help="What to do with signals that are already there: error, skip or replace.",
        ),
    ] = OnConflict.ERROR,
    allow_corrupt_rows: Annotated[
        bool,
        typer.Option(
            "--allow-corrupt-rows", help="Import the good rows of a damaged backup; the others are written to a file."
        ),
    ] = False,
    include_quarantined: Annotated[
        bool,
        typer.Option(
            "--include-quarantined", help="Bring quarantined rows back too, into a table or file of their own."
        ),
    ] = False,
    into_source: Annotated[
        bool, typer.Option("--into-source", help="Allow the very database that is backed up as the target.")
    ] = False,
    tier: Annotated[
        Tier,
        typer.Option(
            "--tier",
            metavar="TIER",
            case_sensitive=False,
            show_default=False,
            help="How fast to thaw archived objects: expedited, standard or bulk; default: standard.",
        ),
    ] = Tier.STANDARD,
    thaw_days: Annotated[int, typer.Option("--thaw-days", min=1, help="How long thawed copies stay readable.")] = 7,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for a thaw: exit with code 5 instead.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but keep nothing: show how it would end.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore days; each is verified before the import and compared before it is committed."""
    instant = parse_instant(as_of) if as_of else None
    settings = settings_with_notice()
    opened = open_target(target, table or settings.table, dry_run=dry_run)
    if not into_source:
        refuse_source(target, settings.source_url)
    with opened_vault(settings) as vault:
        selection = _selection(vault, day, first, last, key, version_id, instant)
        chosen = [item for item in selection if isinstance(item, ChosenBackup)]
        thaw = ThawChoice(tier, thaw_days, wait=not no_wait)
        thaw_plan = thaw.plan(vault, chosen) if dry_run else None
        if not dry_run:
            await_thaw(vault, chosen, thaw, as_json=as_json)
        rejected = settings.refused_rows if allow_corrupt_rows else None
        options = RestoreOptions(on_conflict, rejected, include_quarantined, dry_run=dry_run)
        with (
            _journal(settings.restores, opened.location, dry_run=dry_run) as journal,
            progress("Checking" if dry_run else "Restoring", len(selection), as_json=as_json) as advance,
        ):
            work = Restore(vault, opened, options, settings.scratch, journal)
            report = work.run(selection, on_day=lambda done: advance(done.day))
    asked_for_older = version_id is not None or as_of is not None
    if dry_run:
        days = [PlannedDay.of(*pair, opened) for pair in zip(selection, report.days, strict=True)]
        plan = RestorePlan.of(report, days, thaw_plan, asked_for_older=asked_for_older)
        show(plan, lambda found: _print_plan(found, thaw), as_json=as_json)
    else:
        show(RestoreResult.of(report, asked_for_older=asked_for_older), _print, as_json=as_json)
    raise typer.Exit(report.exit_code)


def _journal(folder: Path, target: str, *, dry_run: bool) -> AbstractContextManager[RestoreJournal | None]:
    """The journal of a target; a dry run only reads it: what an unfinished restore has imported is no conflict."""
    return nullcontext(RestoreJournal(folder, target)) if dry_run else restore_journal(folder, target)


def _selection(
    vault: BackupVault,
    day: str | None,
    first: str | None,
    last: str | None,
    key: str | None,
    version_id: str | None,
    as_of: datetime | None,
) -> Selection:
    if sum((day is not None, first is not None or last is not None, key is not None)) != 1:
        raise SettingsError(
            "give a DATE, or --from and --to, or --key",
            remedy="For example: signal-backups restore 2026-11-01 --target …",
        )
    if version_id is not None and (as_of is not None or first is not None or last is not None):
        raise SettingsError("--version-id names one version of a DATE or --key", remedy="Leave --as-of and ranges out")
    if key is not None:
        return [choose_key(vault, key_in(vault.store, key), version_id, as_of)]
    if day is not None:
        wanted = ended_day(day)
        return (
            [choose_version_of_day(vault, wanted, version_id)]
            if version_id
            else choose_days(vault, wanted, wanted, as_of)
        )
    return choose_days(vault, *day_range(first, last, date.min), as_of)


def _print_plan(plan: RestorePlan, thaw: ThawChoice) -> None:
    print_table(
        f"Would restore into {plan.target}",
        ("day", "outcome", "records", "bytes", "verified", "storage class", "there now", "version"),
        [
            (
                item.day.isoformat(),
                item.outcome,
                str(item.records) if item.key else "-",
                "-" if item.bytes is None else size(item.bytes),
                item.verified_at or "-",
                item.storage_class or "-",
                "-" if item.there_now is None else str(item.there_now),
                item.version_id or "-",
            )
            for item in plan.days
        ],
    )
    for item in plan.days:
        _print_remarks(item)
    for warning in plan.warnings:
        print_notice(f"Warning: {warning}")
    thaw.show(plan.thaw)
    print_line("Nothing was changed")


def _print(result: RestoreResult) -> None:
    print_table(
        f"Restore into {result.target}",
        ("day", "outcome", *_COUNTS, "seconds", "version"),
        [
            (
                item.day.isoformat(),
                item.outcome,
                *(str(getattr(item, count)) for count in _COUNTS),
                f"{sum(item.seconds.values()):.2f}",
                item.version_id or "-",
            )
            for item in result.days
        ],
    )
    for item in result.days:
        _print_remarks(item)
    for warning in result.warnings:
        print_notice(f"Warning: {warning}")
    print_line(
        f"{result.restored} restored, {result.replaced} replaced, {result.skipped} already there, {result.refused} "
        f"refused, in {result.seconds:.1f} s"
    )


def _print_remarks(item: DayRestore) -> None:
    if item.problem:
        print_notice(f"{item.outcome.upper()} {item.day}: {item.problem}{f'. {item.remedy}' if item.remedy else ''}")
    if item.skipped_different:
        print_notice(f"{item.day}: {item.skipped_different} of the skipped signals differ from the backup")
    if item.has_manifest is False:
        print_notice(f"{item.day}: no manifest vouches for this backup; the file was judged on its own")
