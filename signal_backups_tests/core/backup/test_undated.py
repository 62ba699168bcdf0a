"""Rows that belong to no day are kept in one object of their own, and never dropped from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import pytest

from signal_backups.core.backup import large_values
from signal_backups.core.backup.undated import compare_undated, keep_undated
from signal_backups.core.backup.undated_tables import Partitions
from signal_backups.core.integrity.examine_trail import accept_lost_undated
from signal_backups.core.ledger.event import Action
from signal_backups.core.signals.extra_columns import ExtraChoice
from signal_backups.core.signals.fields import PIECE
from signal_backups.core.source import SignalSource, open_source
from signal_backups.core.vault.findings import Examination, newest_findings
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import recorded_events
from signal_backups_tests.samples.days import CsvRow, read_csv
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import SQLITE_TYPES, UNTYPED, sqlite_table
from signal_backups_tests.servers.strict_s3 import StrictS3

DAYS = Partitions(date(2026, 11, 1), date(2026, 11, 10))
#: One row for each reason, and rows that belong to days.
STAMPS: list[object] = [
    None,
    "yesterday",
    "1970-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2199-01-01T00:00:00Z",
    1793534400,
    "2026-11-01T00:30:00+02:00",
    "2026-11-10T23:30:00-02:00",
    "2026-11-01T00:00:00Z",
    "2026-11-10T23:59:59Z",
    "2026-11-02T25:00:00Z",
    "2026-10-31T23:30:00-02:00",
    "2026-11-11T01:00:00+02:00",
]
UNDATED_ROWS = [signal(number, timestamp=stamp) for number, stamp in enumerate(STAMPS[:8])]
DATED_ROWS = [signal(number + 8, timestamp=stamp) for number, stamp in enumerate(STAMPS[8:])]

Table = Callable[[list[Row]], SignalSource]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Makes a new table with the given rows."""
    return lambda rows: sqlite_table(Path(mkdtemp(dir=tmp_path)) / "signals.db", rows, UNTYPED)


@pytest.fixture
def keep(vault: BackupVault, table: Table, tmp_path: Path) -> Callable[[list[Row]], UndatedRows]:
    """Keeps the undated rows of a table with the given rows."""
    return lambda rows: keep_undated(vault, table(rows), Path(mkdtemp(dir=tmp_path)), DAYS)


def stored_rows(vault: BackupVault, undated: UndatedRows, folder: Path) -> list[CsvRow]:
    assert undated.stored is not None
    vault.store.get_file(undated.stored.key, undated.stored.version_id, folder / "stored.csv")
    return read_csv(folder / "stored.csv")


def events(vault: BackupVault) -> list[str]:
    return [event.result for event in reversed(recorded_events(vault, Action.EXAMINATION))]


def test_every_undated_row_is_kept_with_its_reason(
    keep: Callable[[list[Row]], UndatedRows], vault: BackupVault, tmp_path: Path
) -> None:
    undated = keep([*DATED_ROWS, *UNDATED_ROWS])
    assert undated.reasons == {
        "before the start date 2026-11-01": 3,
        "in the future": 2,
        "with a timestamp that names no day": 2,
        "without timestamp": 1,
    }
    stored = stored_rows(vault, undated, tmp_path)
    assert sorted(str(row["signal_id"]) for row in stored) == [row["signal_id"] for row in UNDATED_ROWS]
    assert {row["quarantine_faults"] for row in stored} == {"undated"}
    assert {row["timestamp"]: row["quarantine_reason"] for row in stored}["yesterday"] == (
        "with a timestamp that names no day"
    )
    assert (undated.rows, undated.in_database, len(undated.named)) == (8, 8, 8)


def test_without_undated_rows_nothing_is_written(keep: Callable[[list[Row]], UndatedRows], vault: BackupVault) -> None:
    assert keep(DATED_ROWS) == UndatedRows()
    assert list(vault.store.list_versions("")) == []


def test_the_same_rows_again_write_nothing(keep: Callable[[list[Row]], UndatedRows], vault: BackupVault) -> None:
    first = keep(UNDATED_ROWS)
    before = [version.key for version in vault.store.list_versions("")]
    assert keep(UNDATED_ROWS) == first
    assert [version.key for version in vault.store.list_versions("")] == before


def test_a_row_that_leaves_the_database_stays_kept(
    keep: Callable[[list[Row]], UndatedRows], vault: BackupVault, tmp_path: Path
) -> None:
    keep(UNDATED_ROWS)
    undated = keep([*DATED_ROWS, *UNDATED_ROWS[2:], signal(99, timestamp="tomorrow")])
    assert (undated.rows, undated.in_database) == (9, 7)
    assert len(stored_rows(vault, undated, tmp_path)) == 9


def test_once_no_row_is_left_in_the_database_nothing_is_open(
    keep: Callable[[list[Row]], UndatedRows], vault: BackupVault
) -> None:
    keep(UNDATED_ROWS)
    undated = keep(DATED_ROWS)
    assert (undated.rows, undated.in_database, undated.reasons) == (8, 0, {})
    assert newest_findings(vault)[Examination.UNDATED_SIGNALS].undated == undated
    assert events(vault) == ["passed", "failed"]


def test_rows_of_the_same_id_and_equal_rows_are_all_kept(
    keep: Callable[[list[Row]], UndatedRows], vault: BackupVault, tmp_path: Path
) -> None:
    rows = [signal(1, timestamp="x"), signal(1, timestamp="x"), signal(1, timestamp="x", symbol="other")]
    assert len(stored_rows(vault, keep(rows), tmp_path)) == 3
    assert len(stored_rows(vault, keep(rows[1:]), tmp_path)) >= 2


def test_extra_columns_are_kept_and_stay_kept_when_they_are_no_longer_wanted(
    vault: BackupVault, tmp_path: Path
) -> None:
    row = signal(1, timestamp="yesterday", note='a "note"')
    sqlite_table(tmp_path / "signals.db", [row], SQLITE_TYPES | {"note": "TEXT"})
    url = f"sqlite:///{tmp_path}/signals.db"
    with_note = keep_undated(
        vault, open_source(url, "signals", ExtraChoice(keeps_all=True)), Path(mkdtemp(dir=tmp_path)), DAYS
    )
    assert [found["note"] for found in stored_rows(vault, with_note, tmp_path)] == ['a "note"']
    without = keep_undated(vault, open_source(url, "signals"), Path(mkdtemp(dir=tmp_path)), DAYS)
    assert [found["note"] for found in stored_rows(vault, without, tmp_path)] == ['a "note"']
    assert (without.rows, without.stored) == (1, with_note.stored)


def test_extra_columns_that_come_later_or_change_their_case_make_no_new_rows(
    vault: BackupVault, tmp_path: Path
) -> None:
    everything = ExtraChoice(keeps_all=True)
    kept = []
    for number, name in enumerate(("note", "Note", "NOTE")):
        sqlite_table(
            tmp_path / f"{number}.db", [signal(1, timestamp="yesterday", note="x")], SQLITE_TYPES | {name: "TEXT"}
        )
        choices = (ExtraChoice(), everything) if number == 0 else (everything,)
        for choice in choices:
            source = open_source(f"sqlite:///{tmp_path}/{number}.db", "signals", choice)
            kept.append(keep_undated(vault, source, Path(mkdtemp(dir=tmp_path)), DAYS))
    assert [each.rows for each in kept] == [1, 1, 1, 1]
    assert [row["note"] for row in stored_rows(vault, kept[-1], tmp_path)] == ["x"]


def wrong(vault: BackupVault) -> list[str]:
    return newest_findings(vault)[Examination.UNDATED_SIGNALS].general


def accepted(vault: BackupVault) -> list[str]:
    return [what for each in newest_findings(vault)[Examination.UNDATED_SIGNALS].accepted for what in each.findings]


def test_kept_rows_that_were_destroyed_are_reported_until_somebody_accepts_that(
    keep: Callable[[list[Row]], UndatedRows], vault: BackupVault, memory: StrictS3
) -> None:
    stored = keep(UNDATED_ROWS).stored
    assert stored is not None
    memory.client().delete_object(Bucket=vault.store.bucket, Key=stored.key, VersionId=stored.version_id)
    again = keep(UNDATED_ROWS)
    assert again.stored != stored
    assert wrong(vault) == [what for what in wrong(vault) if stored.version_id in what] != []
    keep(DATED_ROWS)
    assert len(wrong(vault)) == 1
    assert accept_lost_undated(vault, "ticket 4711") == [*accepted(vault)]
    keep(UNDATED_ROWS)
    assert wrong(vault) == []
    assert len(accepted(vault)) == 1


def test_only_rows_that_are_not_kept_yet_are_new(
    keep: Callable[[list[Row]], UndatedRows], vault: BackupVault, table: Table, tmp_path: Path
) -> None:
    keep(UNDATED_ROWS)
    source = table([*UNDATED_ROWS, signal(99, timestamp="tomorrow")])
    everything, found = compare_undated(vault, source, Path(mkdtemp(dir=tmp_path)), DAYS)
    assert everything.in_database == 9
    assert [row.signal_id for row in found.named] == ["signal-00099"]
    assert found.in_database == 1


def test_a_value_that_is_too_long_is_kept_whole(
    keep: Callable[[list[Row]], UndatedRows], vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_values, "MAX_VALUE_BYTES", 1_000)
    texts = ["x" * 1_001, "y" * 1_002]
    rows = [signal(number, timestamp="yesterday", symbol=text) for number, text in enumerate(texts)]
    first = keep([*DATED_ROWS, *rows])
    assert (first.rows, first.in_database) == (2, 2)
    assert keep(rows).stored == first.stored
    for now in (rows[:1], rows[1:], []):
        undated = keep(now)
        assert (undated.rows, undated.in_database) == (2, len(now))
        kept = stored_rows(vault, undated, tmp_path)
        assert sorted(str(row["unreadable_values"]) for row in kept if row["quarantine_faults"] == PIECE) == texts
        assert sorted(str(row["signal_id"]) for row in kept if row["quarantine_faults"] != PIECE) == [
            "signal-00000",
            "signal-00001",
        ]
