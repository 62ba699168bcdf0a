"""Runs a restore: verifies, imports and compares day after day, and fetches the next day during an import."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from signal_backups.core.base.errors import (
    ArchivedError,
    ExitCode,
    LocalStorageError,
    NotFoundError,
    SignalBackupsError,
    SignalConflictError,
    TargetError,
    VerificationError,
)
from signal_backups.core.base.local_files import scratch_folder, written_locally
from signal_backups.core.base.logs import log_step
from signal_backups.core.base.parallel import read_ahead
from signal_backups.core.restore.audit_event import record_restore
from signal_backups.core.restore.fetch import (
    FetchedBackup,
    FetchFailure,
    fetch_or_failure,
    fetch_quarantine,
    nearest_good_version,
    refusal,
)
from signal_backups.core.restore.journal import RestoreJournal
from signal_backups.core.restore.report import DayRestore, Outcome, RestoreReport
from signal_backups.core.restore.salvage import salvage
from signal_backups.core.restore.selection import ChosenBackup, Selection, UnavailableDay
from signal_backups.core.restore.targets.contract import DayToImport, Imported, OnConflict, RestoreTarget
from signal_backups.core.signals.csv_file import extras_of
from signal_backups.core.signals.fields import OPTIONAL_COLUMNS, VERIFICATION_HASH
from signal_backups.core.vault.vault import BackupVault

Fetched = FetchedBackup | FetchFailure | UnavailableDay

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RestoreOptions:
    """The options of a restore.

    Attributes:
        on_conflict: what to do with signals that are already there.
        rejected_folder: import the good rows of a damaged backup and write the others to this folder; None refuses
            damaged backups.
        include_quarantined: also restore quarantined rows, beside the others.
        is_drill: the restore is part of a drill, which writes its own audit event.
        dry_run: leave no trace: no audit event, no entry in the journal, no file of rejected rows. The target has to
            be one that keeps nothing.
    """

    on_conflict: OnConflict = OnConflict.ERROR
    rejected_folder: Path | None = None
    include_quarantined: bool = False
    is_drill: bool = False
    dry_run: bool = False


class Restore:
    """One restore of a selection into a target."""

    def __init__(
        self,
        vault: BackupVault,
        target: RestoreTarget,
        options: RestoreOptions,
        scratch: Path,
        journal: RestoreJournal | None = None,
    ) -> None:
        self._vault = vault
        self._target = target
        self._options = options
        self._scratch = scratch
        self._journal = journal

    def run(self, selection: Selection, on_day: Callable[[DayRestore], None] = lambda _: None) -> RestoreReport:
        """Restore every day that can be restored; failures are in the report and do not stop other days.

        Only an unreachable store or target ends the run early; the days after it are "not attempted".
        """
        started = time.perf_counter()
        days: list[DayRestore] = []
        try:
            self._restore(selection, days, on_day)
        finally:
            # Record the finished days even if the restore is interrupted.
            report = RestoreReport(target=self._target.location, days=days, seconds=time.perf_counter() - started)
            if not (self._options.is_drill or self._options.dry_run):
                wanted = [item.day for item in selection]
                record_restore(self._vault.trail, report, wanted, self._options.on_conflict)
        if self._journal is not None and report.exit_code is ExitCode.OK and not self._options.dry_run:
            self._journal.close()
        return report

    def _restore(self, selection: Selection, days: list[DayRestore], on_day: Callable[[DayRestore], None]) -> None:
        with (
            scratch_folder(self._scratch, "restore-") as folder,
            closing(read_ahead(self._fetched(selection, folder))) as fetched,
        ):
            for item in fetched:
                days.append(self._restored(item))
                _log_day(self._vault, days[-1], item)
                on_day(days[-1])
                if days[-1].exit_code is ExitCode.UNREACHABLE:
                    break
        days += [_not_attempted(item) for item in selection[len(days) :]]

    def _fetched(self, selection: Selection, folder: Path) -> Iterator[Fetched]:
        for number, item in enumerate(selection):
            if isinstance(item, UnavailableDay):
                yield item
            else:
                yield fetch_or_failure(self._vault, item, folder / str(number))

    def _restored(self, item: Fetched) -> DayRestore:
        if isinstance(item, UnavailableDay):
            return DayRestore.failed(item.day, Outcome.MISSING, item.error)
        if isinstance(item, FetchFailure):
            if self._options.is_drill and isinstance(item.error, LocalStorageError):
                raise item.error  # says nothing about the backup, so the drill has no result
            return DayRestore.failed(item.chosen.day, _outcome(item.error), item.error, **_identity(item.chosen))
        try:
            return self._import(item)
        except SignalBackupsError as error:
            known = {**_identity(item.chosen), "records": item.report.records or 0}
            return DayRestore.failed(item.chosen.day, _outcome(error), error, **known)
        finally:
            shutil.rmtree(item.csv.parent, ignore_errors=True)

    def _import(self, fetched: FetchedBackup) -> DayRestore:
        chosen, refused = fetched.chosen, _RefusedRows()
        csv, records = fetched.csv, fetched.report.records or 0
        if not fetched.report.ok:
            csv, records, refused = self._salvaged(fetched)
        imported = self._import_rows(chosen, csv, records)
        is_new = imported.restored or imported.replaced or not records
        outcome = Outcome.IN_PART if refused.problem else Outcome.RESTORED if is_new else Outcome.ALREADY_THERE
        day = DayRestore(
            day=chosen.day,
            outcome=outcome,
            **_identity(chosen),
            records=records,
            restored=imported.restored,
            replaced=imported.replaced,
            skipped=imported.skipped,
            skipped_different=imported.skipped_different,
            refused=refused.rows,
            refused_file=refused.file,
            seconds={
                "download": fetched.download_seconds,
                "verify": fetched.report.seconds,
                "import": imported.import_seconds,
                "verify_import": imported.verify_seconds,
            },
            problem=refused.problem,
            remedy=f"The rows left out are in {refused.file}" if refused.rows and refused.file else None,
            exit_code=ExitCode.FAILED if refused.problem else ExitCode.OK,
        )
        return self._with_quarantine(chosen, csv.parent, day) if self._options.include_quarantined else day

    def _with_quarantine(self, chosen: ChosenBackup, folder: Path, day: DayRestore) -> DayRestore:
        """Restore the quarantined rows too; the good rows are in the target already, whatever happens to these."""
        try:
            csv = fetch_quarantine(self._vault, chosen, folder)
            found = self._target.import_quarantine(chosen.day, csv, self._options.on_conflict) if csv else 0
        except SignalBackupsError as error:
            return day.in_part(error)
        return day.model_copy(update={"quarantined": found})

    def _import_rows(self, chosen: ChosenBackup, csv: Path, records: int) -> Imported:
        version = f"{chosen.version.key}?versionId={chosen.version.version_id}"
        was_interrupted = self._journal is not None and self._journal.contains(version)
        if self._journal is not None and not self._options.dry_run:
            self._journal.add(version)
        try:
            return self._target.import_day(
                DayToImport(
                    day=chosen.day,
                    csv=csv,
                    records=records,
                    hash_column=chosen.manifest.source.hash_column if chosen.manifest else VERIFICATION_HASH,
                    on_conflict=self._options.on_conflict,
                    may_exist=was_interrupted,
                )
            )
        except SignalBackupsError as error:
            # After a lost connection nobody knows whether the target committed the day.
            is_certain = not isinstance(error, TargetError) and not self._options.dry_run
            if self._journal is not None and not was_interrupted and is_certain:
                self._journal.remove(version)
            raise

    def _salvaged(self, fetched: FetchedBackup) -> tuple[Path, int, _RefusedRows]:
        """Return the good rows of a damaged backup, if the user asked for them.

        Raises:
            RefusedBackupError: the user did not.
        """
        folder = self._options.rejected_folder
        if folder is None:
            good = nearest_good_version(self._vault, fetched.chosen, fetched.csv.parent)
            raise refusal(fetched, good, otherwise=". Import its good rows only with --allow-corrupt-rows")
        if self._options.dry_run:
            folder = fetched.csv.parent
        rejected = folder / f"refused_rows_of_{fetched.csv.name}"
        with written_locally(folder):
            folder.mkdir(parents=True, exist_ok=True)
            salvaged = salvage(fetched.csv, fetched.csv.with_suffix(".good.csv"), rejected)
        problem = f"{'; '.join(fetched.report.problems)}. {salvaged.rejected_rows} rows were left out"
        problem += f"; the others match their hash, which does not cover {' and '.join(OPTIONAL_COLUMNS)}"
        if extras_of(fetched.csv):
            problem += f" and {', '.join(extras_of(fetched.csv))}"
        return (
            salvaged.good,
            salvaged.good_rows,
            _RefusedRows(salvaged.rejected_rows, None if self._options.dry_run else str(rejected), problem),
        )


@dataclass(frozen=True)
class _RefusedRows:
    rows: int = 0
    file: str | None = None
    problem: str | None = None


def _identity(chosen: ChosenBackup) -> dict[str, object]:
    return {
        "key": chosen.version.key,
        "version_id": chosen.version.version_id,
        "is_current": chosen.version.is_latest,
        "lost_version_id": chosen.lost.backup.version_id if chosen.lost else None,
        "has_manifest": chosen.manifest is not None,
    }


def _log_day(vault: BackupVault, day: DayRestore, item: Fetched) -> None:
    log_step(
        _log,
        "restore",
        day.day,
        seconds=sum(day.seconds.values()),
        uri=vault.store.uri(day.key) if day.key else None,
        size=None if isinstance(item, UnavailableDay) else item.chosen.version.size,
        version_id=day.version_id,
        restored=day.restored,
        result=day.outcome.value,
    )


def _outcome(error: SignalBackupsError) -> Outcome:
    if isinstance(error, SignalConflictError):
        return Outcome.CONFLICT
    if isinstance(error, VerificationError):
        return Outcome.REFUSED
    if isinstance(error, NotFoundError):
        return Outcome.MISSING
    return Outcome.ARCHIVED if isinstance(error, ArchivedError) else Outcome.FAILED


def _not_attempted(item: ChosenBackup | UnavailableDay) -> DayRestore:
    return DayRestore(
        day=item.day,
        outcome=Outcome.NOT_ATTEMPTED,
        problem="the failure of an earlier day ended the restore",
        remedy="Run the same command again when that failure is fixed",
        exit_code=ExitCode.UNREACHABLE,
    )
