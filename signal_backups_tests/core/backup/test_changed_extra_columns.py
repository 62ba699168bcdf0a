"""Extra columns that go, or are renamed, while a day is backed up again: no value is lost with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import StoreOutcome, store_backup
from signal_backups.core.signals.extra_columns import ExtraChoice
from signal_backups.core.source import open_source
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import extracted, read_csv
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import SQLITE_TYPES, sqlite_table

#: Backs up a day whose table has the given rows; without a column there is no extra one.
BackUp = Callable[..., StoreOutcome]
Values = list[tuple[str | None, str | None]]


@pytest.fixture
def back_up(vault: BackupVault, tmp_path: Path) -> BackUp:
    numbers = iter(range(100))

    def run(rows: list[Row], column: str | None = "note", choice: str = "all") -> StoreOutcome:
        path = tmp_path / f"table-{next(numbers)}.db"
        sqlite_table(path, rows, SQLITE_TYPES | ({column: "TEXT"} if column else {}))
        source = open_source(f"sqlite:///{path}", "signals", ExtraChoice.parse(choice))
        return store_backup(vault, extracted(source, tmp_path).folder, BackupRun(path.stem))

    return run


def values(vault: BackupVault, tmp_path: Path, file: StoredFile | None, column: str = "note") -> Values:
    """Id and extra value of each row of a stored file."""
    assert file is not None
    body, _ = vault.store.get_bytes(file.key, file.version_id)
    path = tmp_path / "stored.csv"
    path.write_bytes(body)
    return [(row["signal_id"], row[column]) for row in read_csv(path)]


def noted(number: int, note: str | None, **fields: str) -> Row:
    return signal(number, **fields) | {"note": note}


@pytest.mark.parametrize(("column", "choice"), [("note", "ignore"), (None, "all")], ids=["not wanted", "gone"])
def test_a_quarantined_row_keeps_what_it_had_in_a_column_that_is_gone(
    back_up: BackUp, vault: BackupVault, tmp_path: Path, column: str | None, choice: str
) -> None:
    rows = [noted(1, "good"), noted(2, "bad", action="HOLD")]
    first = back_up(rows).manifest
    second = back_up(rows, column, choice).manifest
    assert values(vault, tmp_path, second.backup) == [("signal-00001", "good")]
    assert values(vault, tmp_path, second.quarantine) == [("signal-00002", "bad")]
    assert (second.backup, second.quarantine) == (first.backup, first.quarantine)
    assert not back_up(rows, column, choice).changed


def test_rows_that_differ_only_in_a_column_that_is_gone_all_keep_their_value(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    rows = [noted(1, "a"), noted(1, "b"), noted(2, "c", action="HOLD"), noted(2, "d", action="HOLD"), noted(3, "e")]
    first = back_up(rows).manifest
    again = back_up(rows, choice="ignore").manifest
    kept = [("signal-00001", "b"), ("signal-00002", "c"), ("signal-00002", "d")]
    assert values(vault, tmp_path, again.quarantine) == kept
    assert (again.backup, again.quarantine) == (first.backup, first.quarantine)
    # Of two rows that only the lost column told apart one is in the database: the other is carried.
    fewer = back_up([*rows[:3], rows[4]], choice="ignore").manifest
    assert values(vault, tmp_path, fewer.quarantine) == kept
    assert not back_up([*rows[:3], rows[4]], choice="ignore").changed


def test_a_row_in_quarantine_for_its_difference_keeps_its_value_and_its_reason(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([noted(1, "a"), noted(2, "b")])
    altered = [noted(1, "a"), noted(2, "B", action="SELL")]
    first = back_up(altered).manifest
    second = back_up(altered, choice="ignore").manifest
    assert values(vault, tmp_path, second.quarantine) == [("signal-00002", "B")]
    assert (second.backup, second.quarantine) == (first.backup, first.quarantine)


def test_a_row_that_differed_only_in_a_column_that_is_gone_does_not_take_the_place_of_the_backed_up_one(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([noted(1, "b")])
    first = back_up([noted(1, "a"), noted(1, "b")]).manifest
    again = back_up([noted(1, "a"), noted(1, "b")], choice="ignore").manifest
    assert values(vault, tmp_path, again.backup) == [("signal-00001", "b")]
    assert values(vault, tmp_path, again.quarantine) == [("signal-00001", "a")]
    assert (again.backup, again.quarantine) == (first.backup, first.quarantine)


def test_a_column_renamed_in_case_only_is_the_same_column(back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    rows = [noted(1, "a"), noted(2, "b"), noted(3, "c", action="HOLD")]
    back_up(rows)
    renamed = back_up(rows, "Note").manifest
    assert (renamed.extra_columns, renamed.differences) == (("Note",), None)
    assert values(vault, tmp_path, renamed.backup, "Note") == [("signal-00001", "a"), ("signal-00002", "b")]
    assert values(vault, tmp_path, renamed.quarantine, "Note") == [("signal-00003", "c")]


def test_of_a_column_renamed_in_case_only_no_row_is_lost(back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    back_up([noted(1, "a"), noted(2, "b"), noted(3, "c", action="HOLD")])
    renamed = back_up([noted(1, "changed")], "Note").manifest
    assert renamed.differences is not None
    assert (renamed.differences.altered.count, renamed.differences.vanished.count) == (1, 1)
    assert values(vault, tmp_path, renamed.backup, "Note") == [("signal-00001", "a"), ("signal-00002", "b")]
    assert values(vault, tmp_path, renamed.quarantine, "Note") == [("signal-00001", "changed"), ("signal-00003", "c")]


def test_a_signal_that_differs_only_in_an_extra_column_is_quarantined_for_that_column(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    column = "it's a note"
    back_up([signal(1) | {column: "a"}, signal(2) | {column: "b"}], column)
    rows = [signal(1) | {column: "a"}, signal(2)]
    changed = back_up(rows, column).manifest
    ((_, reason),) = values(vault, tmp_path, changed.quarantine, "quarantine_reason")
    assert str(reason).endswith(
        f"in the database {signal(2)['verification_hash']}), extra columns that differ: {column}"
    )
    assert not back_up(rows, column).changed
