"""Runs a drill: restores days into a scratch database, compares them with the live source, and stores a report."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.base.days import Clock, last_complete_day, utc_now
from signal_backups.core.base.errors import ExitCode, NotFoundError
from signal_backups.core.base.logs import log_step
from signal_backups.core.drill.choose_days import RECENT_DAYS, DrillChoice, choose_drill_days
from signal_backups.core.drill.rto import WARN_SHARE, RtoForecast, forecast_rto
from signal_backups.core.drill.scratch_database import scratch_database
from signal_backups.core.drill.table_definition import create_like_source
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.restore.reconcile import Reconciliation, add_quarantine, compare_with_source
from signal_backups.core.restore.report import DayRestore, Outcome
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import ChosenBackup, UnavailableDay, choose_days
from signal_backups.core.restore.targets.database import DatabaseTarget
from signal_backups.core.restore.targets.open_target import open_database
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.compare_rows import RowComparer
from signal_backups.core.signals.extra_columns import NO_EXTRAS, ExtraChoice
from signal_backups.core.signals.timestamps import rows_of_day
from signal_backups.core.source import SignalSource, open_source
from signal_backups.core.vault.findings import Examination, open_findings, record_findings
from signal_backups.core.vault.objects import StoredBackup
from signal_backups.core.vault.vault import BackupVault

_log = logging.getLogger(__name__)


class DrillDay(BaseModel, frozen=True):
    """One day: its restore, and its comparison with the source (None if it was not restored)."""

    day: date
    storage_class: str
    restore: DayRestore
    reconciliation: Reconciliation | None
    bytes: int


class DrillReport(BaseModel, frozen=True):
    """The result of a drill. Times are in UTC, durations in seconds.

    Attributes:
        seconds: duration of each phase: download, verify, import, verify_import, compare.
        archived_classes: storage classes that were left out, because their objects must be thawed first.
        left_out: what of the definition of the source's table the scratch database did not have.
    """

    at: datetime
    run_id: str
    engine: str
    days: list[DrillDay]
    archived_classes: list[str]
    seconds: dict[str, float]
    total_seconds: float
    forecast: RtoForecast
    left_out: list[str] = []

    @property
    def rows(self) -> int:
        """Number of restored signals."""
        return sum(day.restore.restored for day in self.days)

    @property
    def restore_seconds(self) -> float:
        """Duration of the restores, without the comparison with the source."""
        return sum(seconds for phase, seconds in self.seconds.items() if phase != "compare")

    @property
    def rows_per_second(self) -> float:
        """Restored signals per second."""
        return self.rows / self.restore_seconds if self.restore_seconds else 0.0

    @property
    def failed_days(self) -> list[DrillDay]:
        """Days that were not restored completely."""
        return [day for day in self.days if day.restore.exit_code is not ExitCode.OK]

    @property
    def differing_days(self) -> list[Reconciliation]:
        """Days that differ between source and backup."""
        return [day.reconciliation for day in self.days if day.reconciliation and not day.reconciliation.is_equal]

    @property
    def restores_everything(self) -> bool:
        """Whether every chosen day was restored completely and equals its backup."""
        return not self.failed_days

    @property
    def source_matches(self) -> bool:
        """Whether no backed-up signal was changed or deleted in the source; late signals are allowed."""
        return all(day.only_late for day in self.differing_days)

    @property
    def rto_within_objective(self) -> bool:
        """Whether the forecast is below the share at which a drill warns."""
        return self.forecast.share < WARN_SHARE

    @property
    def ok(self) -> bool:
        """Whether restore and comparison both passed."""
        return self.restores_everything and self.source_matches


@dataclass(frozen=True)
class DrillRun:
    """The parameters of a drill.

    Attributes:
        run_id: for the report.
        extras: which extra columns the source reads.
        source_url: the live source; the scratch database has the same engine.
        table: the source's table.
        scratch: folder for files.
        scratch_url: where scratch databases are created; None: on the source's own server.
        recent_days: how many of the last days are restored.
        clock: the present (UTC).
        rng: chooses the older days.
    """

    run_id: str
    source_url: str
    table: str
    scratch: Path
    extras: ExtraChoice = NO_EXTRAS
    scratch_url: str | None = None
    recent_days: int = RECENT_DAYS
    clock: Clock = utc_now
    rng: random.Random = field(default_factory=random.Random)


def drill(vault: BackupVault, run: DrillRun, on_day: Callable[[DrillDay], None] = lambda _: None) -> DrillReport:
    """Restore some days into a scratch database, compare them with the source, and store and record the report.

    Raises:
        NotFoundError: there is no backup.
        SourceError: the live source cannot be read.
        TargetError: no scratch database can be created.
        StoreError: the store cannot be reached.
    """
    with vault.trail.recording_failure(Action.DRILL, {"run_id": run.run_id}):
        report = _restore_and_compare(vault, run, on_day)
        stored = _store(vault, report)
    result = Result.PASSED if report.ok else Result.FAILED
    log_step(
        _log,
        "drill",
        None,
        seconds=report.total_seconds,
        uri=vault.store.uri(stored.key),
        days=len(report.days),
        rows=report.rows,
        result=result,
    )
    vault.trail.record(Action.DRILL, result, [stored], _details(report))
    _record_findings(vault, report)
    return report


def _record_findings(vault: BackupVault, report: DrillReport) -> None:
    differing = {
        day.day: f"the source and the backup differ: {day}" for day in report.differing_days if not day.only_late
    }
    failed = {
        day.day: f"it was not restored: {day.restore.problem}"
        for day in report.failed_days
        if day.restore.exit_code is ExitCode.FAILED
    }
    drilled = {day.day for day in report.days if day.restore.exit_code in {ExitCode.OK, ExitCode.FAILED}}
    record_findings(vault, Examination.DRILL, days={**differing, **failed}, was_examined=lambda day: day in drilled)


def _restore_and_compare(vault: BackupVault, run: DrillRun, on_day: Callable[[DrillDay], None]) -> DrillReport:
    started, at = time.perf_counter(), run.clock()
    last = last_complete_day(run.clock)
    backups, stored = vault.backups(date.min, last), vault.stored_days(date.min, last)
    if not stored:
        raise NotFoundError(
            f"no backups in {vault.store.uri(vault.layout.prefix)}", remedy="Make one with: signal-backups backup"
        )
    # A hidden or destroyed day cannot be restored; leaving it out would make the drill look complete.
    gone = {day for day, one in stored.items() if one.current is None and day > last - timedelta(days=run.recent_days)}
    choice = choose_drill_days(backups, last, run.recent_days, run.rng, _found_before(vault) | gone)
    source = open_source(run.source_url, run.table, run.extras)
    engine = source.describe().engine
    days: list[DrillDay] = []
    with scratch_database(run.scratch_url or run.source_url, run.scratch, at) as scratch_url:
        table = create_like_source(run.source_url, run.table, scratch_url)
        target = open_database(scratch_url, table.name, owns_table=True)
        for day in choice.days:
            days.append(_drill_day(vault, source, target, day, run))
            on_day(days[-1])
    report = _report(run, engine, at, days, choice, backups, time.perf_counter() - started)
    return report.model_copy(update={"left_out": list(table.left_out)})


def _found_before(vault: BackupVault) -> set[date]:
    """The days that an earlier drill could not restore: only restoring them again clears that."""
    return {day for each in open_findings(vault) if each.examination is Examination.DRILL for day in each.days}


def _drill_day(vault: BackupVault, source: SignalSource, target: DatabaseTarget, day: date, run: DrillRun) -> DrillDay:
    (chosen,) = choose_days(vault, day, day)
    restored = Restore(vault, target, RestoreOptions(is_drill=True), run.scratch).run([chosen]).days[0]
    if isinstance(chosen, ChosenBackup) and chosen.lost is not None and restored.exit_code is ExitCode.OK:
        problem = f"the newest backup of the day, version {chosen.lost.backup.version_id}, is gone"
        lost = {"outcome": Outcome.FAILED, "problem": problem, "exit_code": ExitCode.FAILED}
        restored = restored.model_copy(update=lost)
    if isinstance(chosen, UnavailableDay) or restored.exit_code is not ExitCode.OK:
        return DrillDay(day=day, storage_class="", restore=restored, reconciliation=None, bytes=0)
    started = time.perf_counter()
    reconciliation = _compare(vault, source, target.source, chosen, run)
    seconds = {**restored.seconds, "compare": time.perf_counter() - started}
    return DrillDay(
        day=day,
        storage_class=chosen.version.storage_class,
        restore=restored.model_copy(update={"seconds": seconds}),
        reconciliation=reconciliation,
        bytes=chosen.version.size,
    )


def _compare(
    vault: BackupVault, source: SignalSource, restored: SignalSource, chosen: ChosenBackup, run: DrillRun
) -> Reconciliation:
    with Scratch(run.scratch).day(f"drill-{run.run_id}", chosen.day) as folder:

        def add_restored(comparer: RowComparer) -> None:
            with restored.read_day(chosen.day) as snapshot, closing(duckdb_engine.cursor()) as cursor:
                batches = (rows_of_day(cursor, batch, chosen.day) for batch in snapshot.batches)
                comparer.add_backup_rows(batches, snapshot.extras)
            add_quarantine(comparer, vault, chosen, folder.path)

        return compare_with_source(source, folder, chosen, add_restored)


def _report(
    run: DrillRun,
    engine: str,
    at: datetime,
    days: list[DrillDay],
    choice: DrillChoice,
    backups: list[StoredBackup],
    total_seconds: float,
) -> DrillReport:
    seconds: Counter[str] = Counter()
    for day in days:
        seconds.update(day.restore.seconds)
    restore_seconds = sum(duration for phase, duration in seconds.items() if phase != "compare")
    restored = [day for day in days if day.restore.exit_code is ExitCode.OK]
    return DrillReport(
        at=at,
        run_id=run.run_id,
        engine=engine,
        days=days,
        archived_classes=list(choice.archived_classes),
        seconds=dict(seconds),
        total_seconds=total_seconds,
        forecast=forecast_rto(backups, len(restored), sum(day.bytes for day in restored), restore_seconds),
    )


def _store(vault: BackupVault, report: DrillReport) -> ObjectName:
    key, body = vault.layout.drill_key(report.at), report.model_dump_json(indent=2) + "\n"
    return ObjectName(key=key, version_id=vault.store.put_bytes(key, body.encode("utf-8"), JSON_TYPE))


def _details(report: DrillReport) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "run_id": report.run_id,
        "days": len(report.days),
        "failed_days": [day.day.isoformat() for day in report.failed_days],
        "differing_days": [day.day.isoformat() for day in report.differing_days],
        "rows": report.rows,
        "rto_seconds": round(report.forecast.seconds, 1),
    }
