"""``signal-backups backup``: back days up through the Dagster assets, so that the UI shows them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel

from signal_backups.cli.options import FromOption, JsonOption, ToOption, day_range
from signal_backups.cli.output import (
    SHORT_SHA256,
    print_line,
    print_notice,
    print_table,
    progress,
    size,
)
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.cli.undated import searched_undated
from signal_backups.core.base.days import last_complete_day, parse_day, require_complete
from signal_backups.core.base.errors import ExitCode, SettingsError, SignalBackupsError
from signal_backups.core.config.settings import Settings
from signal_backups.core.vault.manifest import Manifest, SourceDifference
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.core.vault.vault import BackupVault

if TYPE_CHECKING:
    from signal_backups.orchestration.for_cli.launch import BackupRunResult


class MadeBackup(BaseModel, frozen=True):
    """A day that S3 now holds verified; ``changed`` when anything new of it was written."""

    day: date
    changed: bool
    key: str
    version_id: str
    records: int
    quarantined: int
    bytes: int
    sha256: str
    verified_at: str
    differences: SourceDifference | None
    replacements: list[str]

    @classmethod
    def of(cls, manifest: Manifest, *, changed: bool) -> MadeBackup:
        """What the command says of a manifest."""
        return cls(
            day=manifest.day,
            changed=changed,
            key=manifest.backup.key,
            version_id=manifest.backup.version_id,
            records=manifest.records,
            quarantined=manifest.quarantined,
            bytes=manifest.backup.bytes,
            sha256=manifest.backup.sha256,
            verified_at=manifest.verification.verified_at.isoformat(),
            differences=manifest.differences,
            replacements=[str(replacement) for replacement in manifest.replacements],
        )


class FailedDay(BaseModel, frozen=True):
    """A day that could not be backed up; ``error`` is the code of the error."""

    day: date
    reason: str
    exit_code: ExitCode
    transient: bool
    error: str


class CheckFailure(BaseModel, frozen=True):
    """A check that a day did not pass."""

    day: date
    check: str
    severity: str
    description: str


class BackupReport(CommandResult):
    """The document of ``backup``; ``undated`` are rows that belong to no day, None when they were not looked for."""

    run_id: str
    backups: list[MadeBackup]
    failures: list[FailedDay]
    failed_checks: list[CheckFailure]
    undated: UndatedRows | None = None


def backup(
    day: Annotated[str | None, typer.Argument(metavar="[DATE]", help="Day, YYYY-MM-DD; default: yesterday.")] = None,
    first: FromOption = None,
    last: ToOption = None,
    accept_changes: Annotated[
        str | None,
        typer.Option(
            "--accept-changes",
            metavar="REASON",
            help="Take the database as it is, even if it altered or lost signals of the backup. Recorded.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Back up a day or a range of days, and verify what S3 then holds.

    A backup keeps every signal of the one before; what the database altered or lost is reported with exit code 1.
    """
    settings = settings_with_notice(creates=True)
    reason = _given(accept_changes, day)
    begin, end = _chosen_days(settings, day, first, last)
    # Dagster takes seconds to import, and the other commands do without it.
    from signal_backups.cli.runs import run_until_interrupted  # noqa: PLC0415
    from signal_backups.orchestration.instance.home import persistent_instance  # noqa: PLC0415

    with opened_vault(settings, creates=True) as vault, persistent_instance(settings.dagster_home) as instance:
        days = (end - begin).days + 1
        with progress("Backing up", days, as_json=as_json) as advance:
            result = run_until_interrupted(instance, begin, end, accept_changes=reason, on_stored=advance)
        undated = None if result.failures else _searched(vault, settings)
        report = _report(vault, result, begin, end)
    if isinstance(undated, SignalBackupsError):
        report = report.model_copy(update={"ok": False})
        print_notice(f"FAILED undated rows: {undated}")
    elif undated is not None:
        report = report.model_copy(update={"undated": undated})
    show(report, _print, as_json=as_json)
    code = exit_code(result)
    raise typer.Exit(undated.exit_code if isinstance(undated, SignalBackupsError) and code is ExitCode.OK else code)


def _searched(vault: BackupVault, settings: Settings) -> UndatedRows | SignalBackupsError:
    """The rows that belong to no day; what goes wrong with them must not hide what became of the days."""
    try:
        return searched_undated(vault, settings)
    except SignalBackupsError as error:
        return error


def exit_code(result: BackupRunResult) -> ExitCode:
    """0 when every day is stored and every check passed; 3 when all that failed was out of reach; else 1."""
    codes = {failure.exit_code for failure in result.failures}
    if codes:
        return codes.pop() if len(codes) == 1 else ExitCode.FAILED
    return ExitCode.FAILED if any(check.is_error for check in result.failed_checks) else ExitCode.OK


def _chosen_days(settings: Settings, day: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    if day and (first or last):
        raise SettingsError("both a day and a range were given", remedy="Give one of them")
    if first or last:
        begin, end = day_range(first, last, settings.start_date)
    else:
        begin = end = require_complete(parse_day(day)) if day else last_complete_day()
    if begin < settings.start_date:
        raise SettingsError(
            f"{begin} is before the first day to back up, {settings.start_date}",
            remedy="Set SIGNAL_BACKUPS_START_DATE to an earlier day",
        )
    return begin, end


def _given(reason: str | None, day: str | None) -> str | None:
    if reason is None:
        return None
    if day is None:
        raise SettingsError("--accept-changes needs a day", remedy="Name one: its backup is replaced")
    if not reason.strip():
        raise SettingsError("the reason is empty", remedy="Say why with --accept-changes: it is recorded")
    return reason.strip()


def _report(vault: BackupVault, result: BackupRunResult, begin: date, end: date) -> BackupReport:
    manifests = {slot.day: manifest for slot, manifest in vault.manifests(begin, end, only=result.stored).items()}
    return BackupReport(
        ok=exit_code(result) is ExitCode.OK,
        run_id=result.run_id,
        backups=[MadeBackup.of(manifests[day], changed=changed) for day, changed in sorted(result.stored.items())],
        failures=[FailedDay(**dict(failure)) for failure in result.failures],
        failed_checks=[
            CheckFailure(
                day=check.day,
                check=check.check,
                severity="ERROR" if check.is_error else "WARN",
                description=check.description,
            )
            for check in result.failed_checks
        ],
    )


def _print(report: BackupReport) -> None:
    if report.backups:
        print_table(
            "Backups",
            ("day", "result", "records", "quarantined", "bytes", "SHA-256", "version"),
            [
                (
                    item.day.isoformat(),
                    "stored, verified" if item.changed else "unchanged, verified",
                    str(item.records),
                    str(item.quarantined),
                    size(item.bytes),
                    item.sha256[:SHORT_SHA256],
                    item.version_id,
                )
                for item in report.backups
            ],
        )
    for check in report.failed_checks:
        print_notice(f"{check.severity} {check.day} {check.check}: {check.description}")
    for failure in report.failures:
        print_notice(f"FAILED {failure.day}: {failure.reason}")
    for item in report.backups:
        for line in item.replacements:
            print_notice(f"{item.day} {line}")
    if report.undated is not None and report.undated.in_database:
        print_notice(f"Undated rows in the database, {report.undated}. See: signal-backups quarantine")
    if not report.failures and not any(item.changed for item in report.backups):
        print_line("Nothing changed; no new versions were written")
