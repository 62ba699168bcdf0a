"""One day through the selected stages, as a stream of Dagster events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import dagster as dg

from signal_backups.core.backup.extract import extract_day
from signal_backups.core.backup.hashed_csv import write_hashed_csv
from signal_backups.core.backup.plausibility import check_count
from signal_backups.core.backup.row_counts import row_counts
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.errors import ReadBackError, VerificationError
from signal_backups.core.base.local_files import written_locally
from signal_backups.core.ledger.event import Action
from signal_backups.core.signals.verify_csv import count_signals
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.assets import daily_backup_checks, partition_events
from signal_backups.orchestration.assets.daily_backup_checks import CheckAnswer
from signal_backups.orchestration.assets.daily_backup_metadata import csv_metadata, extract_metadata, stored_metadata
from signal_backups.orchestration.names import BACKUP_OBJECT, HASHED_CSV, SIGNAL_EXTRACT
from signal_backups.orchestration.resources import BackupStore, SignalsDatabase

DayEvent = dg.AssetMaterialization | dg.AssetCheckEvaluation


@dataclass(frozen=True)
class DayRun:
    """What the stages of each day share; database and store are opened by the first stage that needs them.

    Attributes:
        database: where signals are read.
        store: where backups are stored.
        days: all days of the run.
        run: its options.
        instance: where its events are recorded.
        assets: the selected assets.
        checks: the selected checks.
    """

    database: SignalsDatabase
    store: BackupStore
    days: Sequence[date]
    run: BackupRun
    instance: dg.DagsterInstance
    assets: frozenset[dg.AssetKey]
    checks: frozenset[dg.AssetCheckKey]

    @cached_property
    def source(self) -> SignalSource:
        """The signals table."""
        return self.database.open()

    @cached_property
    def vault(self) -> BackupVault:
        """The vault, which names this run in the audit trail."""
        return self.store.vault(self.run.run_id)

    @cached_property
    def counts(self) -> Mapping[date, int]:
        """How many signals the earlier days had that the days of this run are compared with."""
        return row_counts(self.vault, self.days)

    def events(self, folder: DayFolder) -> Iterator[DayEvent]:
        """Run the selected stages of the folder's day, one after another.

        Raises:
            SignalBackupsError: a stage failed; events yielded before stay valid.
        """
        for asset, stage in (
            (SIGNAL_EXTRACT, self._extract),
            (HASHED_CSV, self._hashed_csv),
            (BACKUP_OBJECT, self._backup_object),
        ):
            if asset in self.assets:
                with self._recording_failure(folder.day), written_locally(folder.path):
                    yield from stage(folder)

    def _recording_failure(self, day: date) -> AbstractContextManager[None]:
        """Writes an audit event if the day fails, in whichever stage."""
        if BACKUP_OBJECT not in self.assets:
            return nullcontext()
        return self.vault.trail.recording_failure(Action.BACKUP, {"day": day.isoformat()})

    def _extract(self, folder: DayFolder) -> Iterator[DayEvent]:
        report = extract_day(self.source, folder)
        metadata = extract_metadata(report, folder.extract)
        # The run id is the data version: what was extracted is hashed only by the next stage.
        yield partition_events.materialization(SIGNAL_EXTRACT, folder.day, metadata, self.run.run_id)
        yield from self._evaluations([daily_backup_checks.columns_answer(report.source)], folder)
        if daily_backup_checks.COUNT_PLAUSIBLE in self.checks:
            counts = self.counts
            if self.run.accept_changes is not None:
                # That there are fewer than in the stored backup is what was accepted.
                counts = {day: count for day, count in counts.items() if day != folder.day}
            judgement = check_count(folder.day, report.rows, counts)
            yield from self._evaluations([daily_backup_checks.count_answer(judgement)], folder)

    def _hashed_csv(self, folder: DayFolder) -> Iterator[DayEvent]:
        report = write_hashed_csv(folder)
        parsed = count_signals(folder.backup_csv)
        yield partition_events.materialization(HASHED_CSV, folder.day, csv_metadata(report), report.sha256)
        yield from self._evaluations(daily_backup_checks.csv_answers(report, parsed), folder)
        if parsed != report.records:
            raise VerificationError(
                f"the CSV of {folder.day} reads back to {parsed} of {report.records} signals",
                remedy="Nothing was uploaded; keep the database as it is and report this",
            )

    def _backup_object(self, folder: DayFolder) -> Iterator[DayEvent]:
        try:
            outcome = store_backup(self.vault, folder, self.run)
        except ReadBackError as error:
            yield from self._evaluations(daily_backup_checks.stored_failure_answers(str(error)), folder)
            raise
        metadata = stored_metadata(outcome, self.vault.store)
        yield partition_events.materialization(BACKUP_OBJECT, folder.day, metadata, outcome.manifest.backup.sha256)
        yield from self._evaluations(daily_backup_checks.stored_answers(outcome), folder)

    def _evaluations(self, answers: list[CheckAnswer], folder: DayFolder) -> Iterator[DayEvent]:
        selected = [answer for answer in answers if answer.key in self.checks]
        yield from partition_events.evaluations(self.instance, selected, folder.day)
