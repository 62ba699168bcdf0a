"""``signal-backups verify``: prove that stored backups, or a file, are whole and match their hashes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, Field, computed_field

from signal_backups.cli.options import JsonOption, SampleOption, ended_day, key_in
from signal_backups.cli.output import print_notice, print_table, progress, size
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.day_ranges import DayRange, ranges_of
from signal_backups.core.base.days import ONE_DAY, days_between, last_complete_day
from signal_backups.core.base.errors import ExitCode, NotFoundError, SettingsError, SignalBackupsError
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import VerifyReport
from signal_backups.core.vault.day_state import DayState, command_for
from signal_backups.core.vault.objects import StoredBackup
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored


class _Verified(VerifyReport):
    """The verification of a file, in the store or not."""

    has_manifest: bool

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class VerifiedBackup(_Verified):
    """The verification of a stored backup."""

    day: date
    key: str
    version_id: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.key


class VerifiedFile(_Verified):
    """The verification of a file on disk."""

    file: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.file


class MissingBackup(BaseModel, frozen=True):
    """A day whose backup cannot be verified: why it has none, or why it cannot be read."""

    day: date
    ok: bool = False
    problems: list[str]
    never_stored: bool = Field(default=False, exclude=True)


class Verifications(CommandResult):
    """The document of ``verify``."""

    results: list[VerifiedBackup | VerifiedFile | MissingBackup]


_LAST_HELP = "Every object of the last so many days; days before the first backup or the start date are no failure."


def verify(
    key: Annotated[str | None, typer.Argument(help="Key or s3:// URI of a backup; default: the latest.")] = None,
    day: Annotated[str | None, typer.Option("--date", metavar="DAY", help="The backup of a day, YYYY-MM-DD.")] = None,
    last: Annotated[int | None, typer.Option("--last", min=1, help=_LAST_HELP)] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A CSV file on disk; needs no store.")] = None,
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify backups: structure, number of signals, file hash and every row's hash."""
    if sum(choice is not None for choice in (key, day, last, file)) > 1:
        raise SettingsError("KEY, --date, --last and --file exclude each other", remedy="Give one of them")
    if file is not None:
        report = verify_csv(file, sample=sample)
        results: list[VerifiedBackup | VerifiedFile | MissingBackup] = [
            VerifiedFile(**dict(report), file=str(file), has_manifest=False)
        ]
    else:
        results = list(_verified(key, day, last, sample, as_json=as_json))
    ok = all(result.ok for result in results)
    show(Verifications(ok=ok, results=results), _print, as_json=as_json)
    raise typer.Exit(ExitCode.OK if ok else ExitCode.FAILED)


def _verified(
    key: str | None, day: str | None, last: int | None, sample: int | None, *, as_json: bool
) -> Iterator[VerifiedBackup | MissingBackup]:
    settings = settings_with_notice()
    wanted = ended_day(day) if day else None
    with opened_vault(settings) as vault:
        backups, missing = _chosen(vault, key, wanted, last, settings.start_date)
        yield from missing
        with progress("Verifying", len(backups), as_json=as_json) as advance:
            for backup in backups:
                yield _result(vault, backup, settings.scratch, sample, is_only=len(backups) == 1)
                advance(backup.slot.day)


def _result(
    vault: BackupVault, backup: StoredBackup, scratch: Path, sample: int | None, *, is_only: bool
) -> VerifiedBackup | MissingBackup:
    try:
        found = verify_stored(vault, backup, scratch, sample)
    except SignalBackupsError as error:
        # Of several days the others are verified all the same, unless the store cannot be reached at all.
        if is_only or error.exit_code is ExitCode.UNREACHABLE:
            raise
        return MissingBackup(day=backup.slot.day, problems=[str(error)])
    return VerifiedBackup(**dict(found.report), **found.model_dump(exclude={"report"}))


def _chosen(
    vault: BackupVault, key: str | None, day: date | None, last: int | None, start: date
) -> tuple[list[StoredBackup], list[MissingBackup]]:
    """The backups to verify, and the days that should have one and do not."""
    if key is not None:
        return [vault.find_key(key_in(vault.store, key))], []
    if day is not None:
        return [vault.find(day)], []
    newest = last_complete_day()
    if last is None:
        present = vault.backups(date.min, newest)
        if not present:
            raise _nothing(vault)
        return [vault.find(present[-1].slot.day)], []
    first = max(start, newest - timedelta(days=last - 1))
    stored = vault.stored_days(first, newest)
    if first not in stored and not vault.stored_days(date.min, first - ONE_DAY):
        # The first backup is younger than that: what was never backed up before it is not missing.
        if not stored:
            raise _nothing(vault)
        first = min(stored)
    manifests = vault.manifests(first, newest)
    backups = [
        StoredBackup(one.slot, one.current, manifests.get(one.slot))
        for one in stored.values()
        if one.current is not None
    ]
    present_days = {backup.slot.day for backup in backups}
    backups += [vault.find_key(other.key) for one in stored.values() for other in one.others]
    missing = [
        MissingBackup(day=absent, problems=[str(vault.absence(absent))])
        if absent in stored
        else MissingBackup(day=absent, problems=[str(vault.never_stored(absent))], never_stored=True)
        for absent in days_between(first, newest)
        if absent not in present_days
    ]
    return backups, missing


def _nothing(vault: BackupVault) -> NotFoundError:
    return NotFoundError(
        f"no backups in {vault.store.uri(vault.layout.prefix)}", remedy="Make one with: signal-backups backup"
    )


def _print(document: Verifications) -> None:
    verified = [result for result in document.results if not isinstance(result, MissingBackup)]
    print_table(
        "Verification",
        ("backup", "result", "records", "rows hashed", "bytes", "manifest", "seconds"),
        [
            (
                result.name,
                "verified" if result.ok else "FAILED",
                "-" if result.records is None else str(result.records),
                str(result.rows_hashed),
                size(result.bytes),
                "agrees" if result.has_manifest and result.ok else ("-" if result.ok else "see below"),
                f"{result.seconds:.2f}",
            )
            for result in verified
        ],
    )
    missing = [one for one in document.results if isinstance(one, MissingBackup) and one.never_stored]
    for days in ranges_of(one.day for one in missing):
        print_notice(f"FAILED {days}: {_words_for(days, missing)}")
    for result in document.results:
        if isinstance(result, MissingBackup) and result.never_stored:
            continue
        name = str(result.day) if isinstance(result, MissingBackup) else result.name
        for problem in result.problems:
            print_notice(f"FAILED {name}: {problem}")
        for row in [] if isinstance(result, MissingBackup) else result.bad_rows:
            print_notice(f"  row {row.row}, signal {row.signal_id} at {row.timestamp}: {row.reason}")


def _words_for(days: DayRange, missing: list[MissingBackup]) -> str:
    if days.first == days.last:
        return next(problem for one in missing if one.day == days.first for problem in one.problems)
    return f"no backup of these days. Make them with: {command_for(DayState.MISSING, [*days.days])}"
