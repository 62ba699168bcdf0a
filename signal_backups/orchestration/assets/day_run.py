"""One day through the selected stages, as a stream of Dagster events.

What belongs here: the order of stages, materializations and checks of one partition. What does not: iterating
over partitions and collecting their failures (``assets``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date

import dagster as dg

from signal_backups.core.backup.extract import extract_day
from signal_backups.core.backup.hashed_csv import write_hashed_csv
from signal_backups.core.backup.plausibility import judge_count
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import BackupRun, store_backup
from signal_backups.core.base.errors import ReadBackError, VerificationError
from signal_backups.core.ledger.event import Action
from signal_backups.core.signals.verify_csv import count_records
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.assets import daily_backup_checks, partition_events
from signal_backups.orchestration.assets.daily_backup_checks import Verdict
from signal_backups.orchestration.assets.daily_backup_metadata import csv_metadata, extract_metadata, stored_metadata
from signal_backups.orchestration.names import BACKUP_OBJECT, HASHED_CSV, SIGNAL_EXTRACT

DayEvent = dg.AssetMaterialization | dg.AssetCheckEvaluation


@dataclass(frozen=True)
class DayRun:
    """What a day's stages need: where from, where to, and which were selected."""

    source: Callable[[], SignalSource]
    vault: Callable[[], BackupVault]
    counts: Callable[[], Mapping[date, int]]
    run: BackupRun
    instance: dg.DagsterInstance
    assets: frozenset[dg.AssetKey]
    checks: frozenset[dg.AssetCheckKey]

    def events(self, folder: DayFolder) -> Iterator[DayEvent]:
        """Run the selected stages of the folder's day, one after another.

        Raises:
            SignalBackupsError: a stage failed; what was yielded before stands.
        """
        for asset, stage in (
            (SIGNAL_EXTRACT, self._extract),
            (HASHED_CSV, self._hashed_csv),
            (BACKUP_OBJECT, self._backup_object),
        ):
            if asset in self.assets:
                with self._recording_failure(folder.day):
                    yield from stage(folder)

    def _recording_failure(self, day: date) -> AbstractContextManager[None]:
        """A day that is not backed up is an event too, whichever stage it fails in."""
        if BACKUP_OBJECT not in self.assets:
            return nullcontext()
        return self.vault().trail.recording_failure(Action.BACKUP, {"day": day.isoformat()})

    def _extract(self, folder: DayFolder) -> Iterator[DayEvent]:
        report = extract_day(self.source(), folder)
        metadata = extract_metadata(report, folder.extract)
        # The snapshot tells two extracts apart; their content is only known once hashed.
        yield partition_events.materialization(SIGNAL_EXTRACT, folder.day, metadata, self.run.run_id)
        if daily_backup_checks.COUNT_PLAUSIBLE in self.checks:
            judgement = judge_count(folder.day, report.rows, self.counts())
            yield from self._evaluations([daily_backup_checks.judge_count_verdict(judgement)], folder)

    def _hashed_csv(self, folder: DayFolder) -> Iterator[DayEvent]:
        report = write_hashed_csv(folder)
        parsed = count_records(folder.backup_csv)
        yield partition_events.materialization(HASHED_CSV, folder.day, csv_metadata(report), report.sha256)
        yield from self._evaluations(daily_backup_checks.csv_verdicts(report, parsed), folder)
        if parsed != report.records:
            raise VerificationError(
                f"the CSV of {folder.day} reads back to {parsed} of {report.records} records",
                remedy="Nothing was uploaded; keep the database as it is and report this",
            )

    def _backup_object(self, folder: DayFolder) -> Iterator[DayEvent]:
        vault = self.vault()
        try:
            outcome = store_backup(vault, folder, self.run)
        except ReadBackError as error:
            yield from self._evaluations(daily_backup_checks.stored_failure(str(error)), folder)
            raise
        metadata = stored_metadata(outcome, vault.store)
        yield partition_events.materialization(BACKUP_OBJECT, folder.day, metadata, outcome.manifest.backup.sha256)
        yield from self._evaluations(daily_backup_checks.stored_verdicts(outcome), folder)

    def _evaluations(self, verdicts: list[Verdict], folder: DayFolder) -> Iterator[DayEvent]:
        wanted = [verdict for verdict in verdicts if verdict.key in self.checks]
        yield from partition_events.evaluations(self.instance, wanted, folder.day)
