"""The fingerprint of a day: equal for equal signals in any database, different after any change."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import md5
from pathlib import Path
from types import ModuleType

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
import pytest
from adbc_driver_manager import AdbcStatusCode, dbapi

from signal_backups.core.backup.fingerprint import fingerprint_of_extract, fingerprint_of_source
from signal_backups.core.base.errors import SourceError
from signal_backups.core.source import postgres, sqlite
from signal_backups.core.source.adbc import fetch_all
from signal_backups.core.source.base import TableColumns
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.samples.tables import SQLITE_TYPES, postgres_table, sqlite_table

Fingerprint = Callable[[list[Row]], str]


@pytest.fixture
def fingerprint(tmp_path: Path) -> Fingerprint:
    numbers = iter(range(100))
    return lambda rows: fingerprint_of_source(sqlite_table(tmp_path / f"{next(numbers)}.db", rows), DAY)


def test_source_and_extract_have_equal_fingerprints(tmp_path: Path) -> None:
    source = sqlite_table(tmp_path / "signals.db", [*signals(20), signal(21, timestamp="no instant")])
    assert fingerprint_of_source(source, DAY) == fingerprint_of_extract(extracted(source, tmp_path).folder.extract)


def test_both_databases_give_equal_fingerprints(fingerprint: Fingerprint, postgres_database: str) -> None:
    rows = [*signals(5), signal(6, symbol="Ω"), signal(7, timestamp="2026-11-02T00:30:00+01:00")]
    assert fingerprint_of_source(postgres_table(postgres_database, rows), DAY) == fingerprint(rows)


@pytest.mark.parametrize("engine", [sqlite, postgres])
def test_a_connection_lost_while_reading_is_an_error_of_the_source(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: ModuleType
) -> None:
    def lost(_: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        raise dbapi.OperationalError("the connection is lost", status_code=AdbcStatusCode.IO)
        yield

    if engine is sqlite:
        source = sqlite_table(tmp_path / "signals.db", signals(3))
    else:
        source = postgres_table(request.getfixturevalue("postgres_database"), signals(3))
    monkeypatch.setattr(engine, "read_stream", lost)
    with pytest.raises(SourceError, match="the connection is lost"):
        fingerprint_of_source(source, DAY)


def test_it_does_not_depend_on_order(fingerprint: Fingerprint) -> None:
    assert fingerprint(signals(9)) == fingerprint(signals(9)[::-1])


def test_neighbouring_days_do_not_count(fingerprint: Fingerprint) -> None:
    others = [signal(50, timestamp="2026-11-02T00:00:00Z"), signal(51, timestamp="2026-11-01T00:30:00+01:00")]
    assert fingerprint([*signals(3), *others]) == fingerprint(signals(3))


@pytest.mark.parametrize(
    "changed",
    [
        signals(4),
        signals(2),
        [*signals(2), signal(3, symbol="GOOG")],
        [*signals(2), signal(3, signal_id="other")],
        [*signals(2), signal(3) | {"verification_hash": None}],
        [*signals(3), signal(3)],
        [],
    ],
    ids=["late", "deleted", "mutated", "another id", "hash missing", "twice", "empty"],
)
def test_any_change_of_ids_or_hashes_gives_another_fingerprint(fingerprint: Fingerprint, changed: list[Row]) -> None:
    assert fingerprint(changed) != fingerprint(signals(3))


def test_the_stored_format_never_changes(fingerprint: Fingerprint) -> None:
    texts = [f"{row['signal_id']}|{row['verification_hash']}" for row in signals(3)]
    halves = [int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[8:], "little") for text in texts]
    assert fingerprint(signals(3)) == f"3-{sum(halves):x}"


def test_a_covering_index_is_read_instead_of_the_table(tmp_path: Path) -> None:
    sqlite_table(tmp_path / "signals.db", signals(3))
    columns = TableColumns.match("signals", list(SQLITE_TYPES))
    query = sqlite._select_identities("signals", columns, sqlite.row_filters(columns).of_day(DAY)[0])
    with closing(sqlite3.connect(tmp_path / "signals.db")) as connection:
        connection.execute("CREATE INDEX identities ON signals (timestamp, signal_id, sha256)")
        connection.execute("DROP INDEX by_time")
    # Not with Python's SQLite, which may be older than the driver's.
    with closing(adbc.connect((tmp_path / "signals.db").as_uri())) as driver:
        plan = " | ".join(str(row[3]) for row in fetch_all(driver, f"EXPLAIN QUERY PLAN {query}"))
    assert "USING COVERING INDEX identities" in plan
