"""Reconciling the live source with its backups: exact counts on both engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.errors import RefusedBackupError
from signal_backups.core.restore.reconcile import Reconciliation, reconcile_day
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.samples.tables import postgres_table, sqlite_table

MakeTable = Callable[[Sequence[Row]], SignalSource]
Check = Callable[[Sequence[Row], Sequence[Row]], Reconciliation]


@pytest.fixture(params=["sqlite", "postgresql"])
def make_table(request: pytest.FixtureRequest, tmp_path: Path) -> MakeTable:
    """Creates a table of signals; each call replaces the last table."""
    made = iter(range(100))
    if request.param == "sqlite":
        return lambda rows: sqlite_table(tmp_path / f"{next(made)}.db", rows)
    url: str = request.getfixturevalue("postgres_database")
    return lambda rows: postgres_table(url, rows)


@pytest.fixture
def reconciled(make_table: MakeTable, vault: BackupVault, tmp_path: Path) -> Check:
    """Backs up the first rows, and reconciles the second rows with the backup."""

    def check(before: Sequence[Row], now: Sequence[Row]) -> Reconciliation:
        if before:
            store_backup(vault, extracted(make_table(before), tmp_path).folder, BackupRun("run"))
        with Scratch(tmp_path / "scratch").day("reconcile", DAY) as folder:
            return reconcile_day(vault, make_table(now), folder)

    return check


def counts(found: Reconciliation) -> tuple[int, int, int, int]:
    return found.unchanged, found.late.count, found.mutated.count, found.deleted.count


def test_nothing_changed(reconciled: Check) -> None:
    found = reconciled(signals(50), signals(50))
    assert found.is_equal
    assert (counts(found), found.source_rows) == ((50, 0, 0, 0), 50)


def test_each_kind_is_counted_and_named(reconciled: Check) -> None:
    rows = signals(50)
    now = [*rows[3:45], signal(46, symbol="GOOG"), signal(47, entry_price=9.0), *rows[47:], signal(51), signal(52)]
    found = reconciled(rows, now)
    assert counts(found) == (45, 2, 2, 3)
    assert found.late.signal_ids == ["signal-00051", "signal-00052"]
    assert found.mutated.signal_ids == ["signal-00046", "signal-00047"]
    assert found.deleted.signal_ids == ["signal-00001", "signal-00002", "signal-00003"]
    assert not found.only_late


def test_a_value_changed_without_its_hash_is_mutated(reconciled: Check) -> None:
    assert counts(reconciled(signals(3), [*signals(2), signal(3) | {"confidence": 1.0}])) == (2, 0, 1, 0)


def test_a_signal_moved_to_another_day_is_deleted_from_this_one(reconciled: Check) -> None:
    moved = signal(3, timestamp="2026-11-05T00:00:00Z")
    assert counts(reconciled(signals(3), [*signals(2), moved])) == (2, 0, 0, 1)


def test_only_late_is_true_for_late_signals_alone(reconciled: Check) -> None:
    found = reconciled(signals(3), signals(5))
    assert counts(found) == (3, 2, 0, 0)
    assert found.only_late


def test_quarantined_rows_are_not_late(reconciled: Check) -> None:
    rows = [*signals(3), signal(4, action="HOLD"), signal(5) | {"entry_price": 9.0}, signal(1)]
    assert counts(reconciled(rows, rows)) == (3, 0, 0, 0)


def test_a_quarantined_row_that_was_fixed_is_late(reconciled: Check) -> None:
    found = reconciled([*signals(3), signal(4, action="HOLD")], signals(4))
    assert counts(found) == (3, 1, 0, 0)
    assert found.late.signal_ids == ["signal-00004"]


def test_a_bad_late_row_is_late_too(reconciled: Check) -> None:
    assert counts(reconciled(signals(3), [*signals(3), signal(4, action="HOLD")])) == (3, 1, 0, 0)


def test_without_a_backup_all_signals_are_late(reconciled: Check) -> None:
    found = reconciled([], signals(4))
    assert counts(found) == (0, 4, 0, 0)
    assert (found.key, found.only_late) == (None, True)


def test_a_backup_that_does_not_verify_cannot_be_compared(
    reconciled: Check, vault: BackupVault, tmp_path: Path
) -> None:
    reconciled(signals(3), signals(3))
    manifest = vault.manifest(BackupSlot(DAY))
    assert manifest is not None
    lying = manifest.model_copy(update={"records": 4})
    write_manifest(vault, BackupSlot(DAY), lying)
    with pytest.raises(RefusedBackupError, match="3 signals, its manifest says 4") as refused:
        reconciled([], signals(3))
    assert "No other version of this day verifies" in refused.value.remedy
