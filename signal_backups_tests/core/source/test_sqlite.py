"""Reading signals from SQLite: files that are not signals tables, consistent snapshots, and values of a wrong type."""

from __future__ import annotations

import json
import sqlite3
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
import pytest

from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.base.errors import ExitCode, SignalBackupsError, SourceError
from signal_backups.core.signals.extra_columns import ExtraColumn
from signal_backups.core.source import SOURCE_SCHEMA, SignalSource, open_source, sqlite
from signal_backups.core.source.adbc import fetch_all
from signal_backups.core.source.base import TableColumns
from signal_backups_tests.samples.days import RunDay, extracted
from signal_backups_tests.samples.signals import DAY, HASHED, signal, signals
from signal_backups_tests.samples.tables import (
    OPTIONAL_TYPES,
    SQLITE_TYPES,
    UNTYPED,
    another_process,
    copies,
    sqlite_source,
    sqlite_table,
)


def read_all(source: SignalSource) -> list[dict[str, object]]:
    with source.read_day(DAY) as snapshot:
        return [row for batch in snapshot.batches for row in batch.to_pylist()]


def refused(source: SignalSource, folder: Path) -> SourceError:
    """The error of an extract, which must leave no backup behind."""
    with pytest.raises(SourceError) as raised:
        extracted(source, folder)
    assert raised.value.exit_code == ExitCode.UNREACHABLE == 3
    assert not list(folder.rglob("backup.csv"))
    with pytest.raises(SourceError):
        source.describe()
    return raised.value


def test_a_missing_file_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.db"
    error = refused(sqlite_source(path), tmp_path)
    assert str(path) in str(error)
    assert not error.transient
    assert not path.exists()


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    refused(sqlite_source(tmp_path), tmp_path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    sqlite_table(tmp_path / "signals.db", [])
    assert "'trades'" in str(refused(open_source(f"sqlite:///{tmp_path}/signals.db", "trades"), tmp_path))


@pytest.mark.parametrize("column", [*HASHED, "sha256"])
def test_a_missing_required_column_is_named(tmp_path: Path, column: str) -> None:
    types = {name: kind for name, kind in SQLITE_TYPES.items() if name != column} | {"id": "INTEGER"}
    with closing(sqlite3.connect(tmp_path / "signals.db")) as connection:
        connection.execute(f"CREATE TABLE signals ({', '.join(types)})")
    assert column in str(refused(sqlite_source(tmp_path / "signals.db"), tmp_path)).split(". ")[0]


def test_a_file_that_is_not_a_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "signals.db"
    path.write_bytes(b"signal_id,symbol\n" * 1000)
    assert "not a database" in str(refused(sqlite_source(path), tmp_path))


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_database_in_utf_16_is_an_error_not_an_empty_backup(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "signals.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute("CREATE TABLE other (name TEXT)")
    error = refused(sqlite_table(path, signals(2)), tmp_path)
    assert f"{path} is in {encoding}, not UTF-8" in str(error)
    assert ".dump | sqlite3 " in str(error)
    assert not error.transient
    with closing(adbc.connect(str(path))) as connection, pytest.raises(SourceError, match=encoding):
        sqlite.SqliteSource(path, "signals").in_transaction(connection)


def test_an_empty_file_is_an_error_not_an_empty_backup(tmp_path: Path) -> None:
    path = tmp_path / "signals.db"
    path.touch()
    refused(sqlite_source(path), tmp_path)


def test_a_damaged_page_is_an_error_not_a_shorter_backup(tmp_path: Path) -> None:
    path = tmp_path / "signals.db"
    sqlite_table(path, signals(5000))
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 3] + b"\xff" * 40_000 + body[len(body) // 3 + 40_000 :])
    with pytest.raises(SourceError):
        extracted(sqlite_source(path), tmp_path)


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "signals.db"
    sqlite_table(path, signals(5000))
    path.write_bytes(path.read_bytes()[: 100 * 4096])
    with pytest.raises(SourceError):
        extracted(sqlite_source(path), tmp_path)


def locked_by_a_writer(path: Path) -> AbstractContextManager[None]:
    return another_process(path, "BEGIN EXCLUSIVE")


def test_a_locked_database_is_a_transient_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 10)
    source = sqlite_table(tmp_path / "signals.db", signals(3))
    with locked_by_a_writer(tmp_path / "signals.db"):
        error = refused(source, tmp_path)
    assert error.transient
    assert "locked" in str(error)
    assert extracted(source, tmp_path).report.records == 3


def test_a_lock_taken_after_reading_the_columns_is_a_transient_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 10)
    source = sqlite_table(tmp_path / "signals.db", signals(3))
    columns = TableColumns.match("signals", list(SQLITE_TYPES))
    monkeypatch.setattr(sqlite.SqliteSource, "_columns", lambda _: columns)
    with locked_by_a_writer(tmp_path / "signals.db"), pytest.raises(SourceError) as locked:
        read_all(source)
    assert locked.value.transient


def test_reading_while_a_writer_commits_gives_one_consistent_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BATCH_ROWS", 10)
    path = tmp_path / "signals.db"
    source = sqlite_table(path, signals(100))
    with another_process(path, "PRAGMA journal_mode = WAL"):
        with source.read_day(DAY) as snapshot:
            rows = next(snapshot.batches).num_rows
            # One row in the day's range, and one that only the later query for neighbouring days would return.
            with another_process(path, copies("late"), copies("offset", timestamp="2026-11-02T01:00:00+14:00")):
                rows += sum(batch.num_rows for batch in snapshot.batches)
        assert rows == 100
        assert len(read_all(source)) == 102


def test_a_snapshot_is_fixed_before_its_first_batch_is_read(tmp_path: Path) -> None:
    path = tmp_path / "signals.db"
    source = sqlite_table(path, signals(3))
    with (
        another_process(path, "PRAGMA journal_mode = WAL"),
        source.read_day(DAY) as snapshot,
        another_process(path, copies("late")),
    ):
        assert sum(batch.num_rows for batch in snapshot.batches) == 3


def test_rows_that_are_only_in_the_write_ahead_log_are_read(tmp_path: Path) -> None:
    path = tmp_path / "signals.db"
    source = sqlite_table(path, signals(3))
    with another_process(path, "PRAGMA journal_mode = WAL"):
        before = path.read_bytes()
        with another_process(path, copies("late")):
            assert path.read_bytes() == before
            assert len(read_all(source)) == 4
            assert path.read_bytes() == before


def test_reading_does_not_change_the_database(tmp_path: Path) -> None:
    path = tmp_path / "signals.db"
    source = sqlite_table(path, [*signals(10), signal(11, timestamp="garbage")])
    before = path.read_bytes()
    extracted(source, tmp_path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["signals.db"]


def test_batches_are_bounded_and_have_one_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BATCH_ROWS", 7)
    source = sqlite_table(tmp_path / "signals.db", signals(50))
    with source.read_day(DAY) as snapshot:
        batches = list(snapshot.batches)
    assert {batch.schema for batch in batches} == {SOURCE_SCHEMA}
    assert max(batch.num_rows for batch in batches) <= 7
    assert sum(batch.num_rows for batch in batches) == 50


def test_a_column_that_begins_with_nulls_keeps_its_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BATCH_ROWS", 2)
    rows = [
        *(signal(number, generation_latency_ms=None) for number in range(1, 6)),
        signal(6, generation_latency_ms=1.5),
    ]
    source = sqlite_table(tmp_path / "signals.db", rows, SQLITE_TYPES | OPTIONAL_TYPES)
    assert [row["generation_latency_ms"] for row in read_all(source)] == [None] * 5 + [1.5]


@pytest.mark.parametrize("column", ["sha256", "verification_hash", "SHA256", "Verification_Hash"])
def test_the_hash_column_is_found_by_name(tmp_path: Path, column: str) -> None:
    source = sqlite_table(tmp_path / "signals.db", signals(2), SQLITE_TYPES)
    with closing(sqlite3.connect(tmp_path / "signals.db")) as connection:
        connection.execute("ALTER TABLE signals RENAME COLUMN sha256 TO spare")
        connection.execute(f"ALTER TABLE signals RENAME COLUMN spare TO {column}")
    assert source.describe().hash_column == column
    assert extracted(source, tmp_path).verify().ok


def test_of_two_hash_columns_sha256_is_used(tmp_path: Path) -> None:
    rows = signals(2)
    source = sqlite_table(tmp_path / "signals.db", rows, {"other": "TEXT"} | SQLITE_TYPES)
    with closing(sqlite3.connect(tmp_path / "signals.db")) as connection:
        connection.execute("ALTER TABLE signals RENAME COLUMN other TO verification_hash")
    assert source.describe().hash_column == "sha256"
    assert extracted(source, tmp_path).report.records == 2


def test_column_names_may_be_in_another_case(tmp_path: Path) -> None:
    types = {name.upper(): kind for name, kind in (SQLITE_TYPES | OPTIONAL_TYPES).items()}
    source = sqlite_table(tmp_path / "signals.db", [signal(server_timestamp="then")], types)
    run = extracted(source, tmp_path)
    assert [record["server_timestamp"] for record in run.records] == ["then"]
    assert run.verify().ok


def test_absent_optional_columns_are_empty_in_the_csv(run_day: RunDay) -> None:
    run = run_day(signals(2))
    assert [(row["generation_latency_ms"], row["server_timestamp"]) for row in run.records] == [(None, None)] * 2
    assert run.extract.source.optional_columns == ()
    assert run.csv.splitlines()[1].endswith(b",,")


def test_present_optional_columns_are_kept(run_day: RunDay) -> None:
    rows = [signal(1, generation_latency_ms=12.25, server_timestamp="2026-11-01 x"), signal(2, server_timestamp="")]
    run = run_day(rows, types=SQLITE_TYPES | OPTIONAL_TYPES)
    assert [(row["generation_latency_ms"], row["server_timestamp"]) for row in run.records] == [
        ("12.25", "2026-11-01 x"),
        (None, ""),
    ]


def test_other_columns_are_ignored(run_day: RunDay) -> None:
    plain = run_day(signals(2), file="plain.db")
    wide = run_day(signals(2), types={"id": "INTEGER", "note": "BLOB"} | SQLITE_TYPES | {"instant_us": "TEXT"})
    assert wide.csv == plain.csv


def test_a_table_with_an_awkward_name_is_read(tmp_path: Path) -> None:
    sqlite_table(tmp_path / "a b%#?.db", signals(2))
    with closing(sqlite3.connect(tmp_path / "a b%#?.db")) as connection:
        connection.execute("""ALTER TABLE signals RENAME TO "my 'signals"" table" """)
    url = f"sqlite:///{tmp_path}/a b%25%23%3F.db"
    assert extracted(open_source(url, """my 'signals" table"""), tmp_path).report.records == 2


@pytest.mark.parametrize("condition", [0, 1, 2])
def test_each_query_of_a_day_is_a_range_of_the_timestamp_index(tmp_path: Path, condition: int) -> None:
    source = sqlite_table(tmp_path / "signals.db", signals(3))
    columns = TableColumns.match("signals", list(SQLITE_TYPES))
    query = sqlite._select("signals", columns, sqlite.row_filters(columns).of_day(DAY)[condition])
    # Not with Python's SQLite, which may be older than the driver's.
    with closing(adbc.connect((tmp_path / "signals.db").as_uri())) as connection:
        plan = " | ".join(str(row[3]) for row in fetch_all(connection, f"EXPLAIN QUERY PLAN {query}"))
    assert "SEARCH t USING INDEX by_time (timestamp>? AND timestamp<?)" in plan
    assert "SCAN t" not in plan
    assert "TEMP B-TREE" not in plan
    assert source.describe().engine == "sqlite"


@pytest.mark.parametrize(
    ("stored", "literal"),
    [
        ("a lot", "'a lot'"),
        ("", "''"),
        (b"\x00\xff", "X'00FF'"),
        (2**53 + 1, "9007199254740993"),
        (-(2**63), str(-(2**63))),
    ],
)
@pytest.mark.parametrize("column", ["entry_price", "generation_latency_ms"])
def test_a_value_that_is_not_a_double_is_quarantined_and_kept(
    run_day: RunDay, column: str, stored: object, literal: str
) -> None:
    row = signal(1, **{column: stored, "verification_hash": "0" * 64})
    run = run_day([row, signal(2)], types=UNTYPED | dict.fromkeys(OPTIONAL_TYPES, ""))
    assert run.ids() == ["signal-00002"]
    assert f"{column} cannot hold {literal}" in run.reason()
    kept = json.loads(str(run.quarantine[0]["unreadable_values"]))
    assert {name: value for name, value in kept.items() if value} == {column: literal}


@pytest.mark.parametrize("stored", [2**53, 87, 1])
def test_an_integer_that_a_double_holds_is_a_number(run_day: RunDay, stored: int) -> None:
    run = run_day([signal(entry_price=stored)], types=UNTYPED)
    assert [record["entry_price"] for record in run.records] == [repr(float(stored))]
    assert run.report.integer_form_records == 1


def test_text_that_is_not_utf8_is_quarantined_and_kept(run_day: RunDay) -> None:
    run = run_day([signal(symbol=b"EUR\xff\x00"), signal(2)], types=UNTYPED)
    assert run.ids() == ["signal-00002"]
    assert "symbol cannot hold X'455552FF00'" in run.reason()
    assert run.quarantine[0]["symbol"] == "EUR\\xff\x00"


def test_blobs_that_are_text_are_read_as_text(run_day: RunDay) -> None:
    row = signal(symbol="Zoë")
    run = run_day([{**row, "symbol": "Zoë".encode()}], types=UNTYPED)
    assert run.report.records == 1
    assert run.verify().ok


def test_a_description_names_the_table_and_the_file(tmp_path: Path) -> None:
    description = sqlite_table(tmp_path / "signals.db", []).describe()
    assert description.as_dict() == {
        "engine": "sqlite",
        "location": str(tmp_path / "signals.db"),
        "table": "signals",
        "hash_column": "sha256",
        "optional_columns": (),
        "extra_columns": (),
        "unknown_columns": (),
        "absent_columns": (),
        "is_settled": False,
    }


def test_a_description_names_the_columns_that_are_no_fields(tmp_path: Path) -> None:
    types = {"id": "INTEGER"} | SQLITE_TYPES | OPTIONAL_TYPES | {"Trader notes": "", "VERIFICATION_HASH": "TEXT"}
    found = sqlite_table(tmp_path / "signals.db", [], types).describe().unknown_columns
    assert found == (
        ExtraColumn("id", "INTEGER"),
        ExtraColumn("Trader notes", ""),
        ExtraColumn("VERIFICATION_HASH", "TEXT"),
    )


def test_a_day_without_rows_is_an_empty_backup_that_verifies(run_day: RunDay) -> None:
    run = run_day([signal(timestamp=f"{DAY + timedelta(days=2)}T00:00:00Z")])
    assert run.report.records == 0
    assert len(run.csv.splitlines()) == 1
    assert run.verify().ok


def test_a_finished_read_releases_the_database(tmp_path: Path) -> None:
    source = sqlite_table(tmp_path / "signals.db", signals(3))
    extracted(source, tmp_path)
    with locked_by_a_writer(tmp_path / "signals.db"):
        pass


def test_batches_end_with_their_context(tmp_path: Path) -> None:
    source = sqlite_table(tmp_path / "signals.db", signals(3))
    with source.read_day(DAY) as snapshot:
        batches = snapshot.batches
    assert list(batches) == []


def test_the_extract_file_contains_the_rows_that_were_read(tmp_path: Path) -> None:
    run = extracted(sqlite_table(tmp_path / "signals.db", signals(3)), tmp_path)
    assert isinstance(run.folder, DayFolder)
    with pa.OSFile(str(run.folder.extract)) as file:
        assert pa.ipc.open_file(file).read_all().num_rows == run.extract.rows == 3


@pytest.mark.parametrize(
    "url",
    ["mysql://u:secret@h/d", "signals.db", "", "sqlite://host/a.db", "sqlite:///", "sqlite:", "sqlite://",
     "postgresql://u:secret@host:port/d", "postgresql://u:sec/ret@host/d", "postgresql://u:secret@[::1/d"],
)  # fmt: skip
def test_a_malformed_url_is_a_usage_error_without_the_password(url: str) -> None:
    with pytest.raises(SignalBackupsError) as raised:
        open_source(url, "signals")
    assert raised.value.exit_code == ExitCode.USAGE
    assert "sec" not in str(raised.value).replace("user:password", "")
