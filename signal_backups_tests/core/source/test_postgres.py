"""Reading signals from PostgreSQL: column types, collations, secrets, and lost connections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from signal_backups.core.base.errors import ExitCode, SourceError
from signal_backups.core.source import SignalSource, open_source, postgres
from signal_backups.core.source.adbc import execute
from signal_backups_tests.samples.days import extracted, undated_in
from signal_backups_tests.samples.signals import DAY, NUMBERS, Row, signal, signals
from signal_backups_tests.samples.tables import OPTIONAL_POSTGRES_TYPES, POSTGRES_TYPES, postgres_table

MOMENT = datetime(2026, 11, 1, 12, 30, 15, tzinfo=UTC)


def stamped(moment: datetime, number: int = 1) -> Row:
    """A signal whose hash is of the ISO text of ``moment``, stored as a timestamp."""
    return {**signal(number, timestamp=moment.isoformat()), "timestamp": moment}


def test_a_good_day_verifies(postgres_database: str, tmp_path: Path) -> None:
    run = extracted(postgres_table(postgres_database, signals(20)), tmp_path)
    assert run.report.records == 20
    assert run.verify().ok


@pytest.mark.parametrize("fraction", [0, 1, 999_999])
def test_timestamptz_is_written_as_isoformat(postgres_database: str, tmp_path: Path, fraction: int) -> None:
    moment = MOMENT.replace(microsecond=fraction)
    source = postgres_table(postgres_database, [stamped(moment)], POSTGRES_TYPES | {"timestamp": "timestamptz"})
    run = extracted(source, tmp_path)
    assert [record["timestamp"] for record in run.records] == [moment.isoformat()]
    assert moment.isoformat().endswith("+00:00")
    assert run.verify().ok


@pytest.mark.parametrize("fraction", [0, 1, 999_999])
def test_timestamp_is_written_as_naive_isoformat(postgres_database: str, tmp_path: Path, fraction: int) -> None:
    moment = MOMENT.replace(microsecond=fraction, tzinfo=None)
    source = postgres_table(postgres_database, [stamped(moment)], POSTGRES_TYPES | {"timestamp": "timestamp"})
    run = extracted(source, tmp_path)
    assert [record["timestamp"] for record in run.records] == [moment.isoformat()]
    assert run.verify().ok


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_a_day_of_a_timestamp_column_ends_at_midnight_utc(postgres_database: str, tmp_path: Path, kind: str) -> None:
    midnight, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    moments = [midnight - timedelta(microseconds=1), midnight, end - timedelta(microseconds=1), end]
    if kind == "timestamp":
        moments = [moment.replace(tzinfo=None) for moment in moments]
    rows = [stamped(moment, number) for number, moment in enumerate(moments)]
    run = extracted(postgres_table(postgres_database, rows, POSTGRES_TYPES | {"timestamp": kind}), tmp_path)
    assert run.ids() == ["signal-00001", "signal-00002"]


def test_the_zone_of_the_server_does_not_matter(postgres_database: str, tmp_path: Path) -> None:
    source = postgres_table(postgres_database, [stamped(MOMENT)], POSTGRES_TYPES | {"timestamp": "timestamptz"})
    name = urlsplit(postgres_database).path[1:]
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f"""ALTER DATABASE "{name}" SET timezone TO 'Asia/Kolkata'""")
        connection.execute(f"""ALTER DATABASE "{name}" SET datestyle TO 'German'""")
    assert extracted(source, tmp_path).records[0]["timestamp"] == MOMENT.isoformat()


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
@pytest.mark.parametrize("value", ["infinity", "-infinity", None])
def test_a_timestamp_that_is_not_an_instant_is_undated(
    postgres_database: str, tmp_path: Path, kind: str, value: str | None
) -> None:
    source = postgres_table(postgres_database, [signal(timestamp=value)], POSTGRES_TYPES | {"timestamp": kind})
    assert extracted(source, tmp_path).extract.rows == 0
    assert undated_in(source) == [str(value)]


UNREADABLE = ["", "garbage", "1793534400", "2026-02-30T00:00:00Z", "2026-13-01", "zzz", "2026-11-01T25:00:00Z", None]


@pytest.mark.parametrize("collation", ["C", "en-x-icu", "und-x-icu"])
def test_no_collation_loses_a_row(postgres_database: str, tmp_path: Path, collation: str) -> None:
    readable = [
        "2026-11-01T00:00:00Z",
        "2026-11-01 23:59:59.9",
        "2026-11-02T13:59:59+14:00",
        "2026-10-31T12:00:00-12:00",
    ]
    rows = [signal(number, timestamp=stamp) for number, stamp in enumerate([*readable, *UNREADABLE])]
    types = POSTGRES_TYPES | {"timestamp": f'text COLLATE "{collation}"'}
    source = postgres_table(postgres_database, rows, types)
    run = extracted(source, tmp_path)
    assert sorted(str(record["timestamp"]) for record in run.records) == sorted(readable)
    found = [*(str(row["timestamp"]) for row in run.quarantine), *undated_in(source)]
    assert sorted(found) == sorted(map(str, UNREADABLE))


WITHOUT_DAY = [
    None,
    "",
    "garbage",
    "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0660\u0661T12:00:00Z",
    "2020-02-30T00:00:00Z",
    "2020-04-31",
    "2021-02-29T00:00:00Z",
    "1900-02-29",
    "2020-00-10",
]


@pytest.mark.parametrize("collation", ["C", "en-x-icu"])
def test_a_row_that_begins_with_no_day_is_undated(postgres_database: str, tmp_path: Path, collation: str) -> None:
    types = POSTGRES_TYPES | {"timestamp": f'text COLLATE "{collation}"'}
    rows = [signal(number, timestamp=stamp) for number, stamp in enumerate(WITHOUT_DAY)]
    source = postgres_table(postgres_database, rows, types)
    assert extracted(source, tmp_path).extract.rows == 0
    assert undated_in(source) == sorted(map(str, WITHOUT_DAY))


def test_a_year_that_no_partition_has_is_undated_as_the_database_writes_it(postgres_database: str) -> None:
    stamps = [
        "0044-03-15 12:00:00+00 BC",
        "1970-01-01 00:00:00+00",
        "2199-01-01 00:00:00+00",
        "12026-11-01 00:00:00+00",
    ]
    source = postgres_table(
        postgres_database,
        [signal(number, timestamp=stamp) for number, stamp in enumerate(stamps)],
        POSTGRES_TYPES | {"timestamp": "timestamptz"},
    )
    assert undated_in(source) == [
        stamps[0],
        "12026-11-01 00:00:00+00",
        "1970-01-01T00:00:00+00:00",
        "2199-01-01T00:00:00+00:00",
    ]


def test_rows_that_begin_with_another_day_are_not_returned(postgres_database: str) -> None:
    stamps = ["2020-02-29T12:00:00Z", "2000-02-29", "2020-12-31T25:00:00", "2026-10-29T23:00:00Z"]
    source = postgres_table(postgres_database, [signal(timestamp=stamp) for stamp in stamps])
    with source.read_day(DAY) as snapshot:
        assert sum(batch.num_rows for batch in snapshot.batches) == 0


@pytest.mark.parametrize("offset", [timedelta(hours=14), timedelta(hours=-12), timedelta(hours=23, minutes=59)])
def test_a_row_with_an_offset_is_backed_up_with_its_utc_day(
    postgres_database: str, tmp_path: Path, offset: timedelta
) -> None:
    moments = [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC)]
    rows = [
        signal(number, timestamp=moment.astimezone(timezone(offset)).isoformat())
        for number, moment in enumerate(
            [*moments, moments[0] - timedelta(seconds=1), moments[1] + timedelta(seconds=1)]
        )
    ]
    assert extracted(postgres_table(postgres_database, rows), tmp_path).ids() == ["signal-00000", "signal-00001"]


def test_numeric_is_the_nearest_double_in_its_shortest_form(postgres_database: str, tmp_path: Path) -> None:
    prices = dict(zip(NUMBERS, (0.1, 1e-05, 123456.789, 50.0), strict=True))
    stored = {name: Decimal(repr(number)) for name, number in prices.items()}
    types = POSTGRES_TYPES | dict.fromkeys(NUMBERS, "numeric")
    run = extracted(postgres_table(postgres_database, [{**signal(**prices), **stored}], types), tmp_path)
    (record,) = run.records
    assert [record[name] for name in NUMBERS] == ["0.1", "1e-05", "123456.789", "50.0"]
    assert run.verify().ok


@pytest.mark.parametrize("kind", ["smallint", "integer", "bigint"])
def test_integer_columns_are_numbers(postgres_database: str, tmp_path: Path, kind: str) -> None:
    run = extracted(
        postgres_table(postgres_database, [signal(confidence=87)], POSTGRES_TYPES | {"confidence": kind}), tmp_path
    )
    assert [record["confidence"] for record in run.records] == ["87.0"]
    assert run.report.integer_form_records == 1


@pytest.mark.parametrize("column", ["entry_price", "generation_latency_ms"])
@pytest.mark.parametrize("kind", ["text", "jsonb"])
def test_a_number_column_of_another_type_is_an_error(
    postgres_database: str, tmp_path: Path, column: str, kind: str
) -> None:
    source = postgres_table(postgres_database, [], POSTGRES_TYPES | {column: kind})
    with pytest.raises(SourceError, match=rf"column {column} .* not a number"):
        extracted(source, tmp_path)


@pytest.mark.parametrize("column", NUMBERS)
def test_invalid_numbers_are_quarantined(postgres_database: str, tmp_path: Path, column: str) -> None:
    numbers = ["NaN", "Infinity", "-Infinity", "-1"]
    rows = [signal(number, **{column: float(value)}) for number, value in enumerate(numbers)]
    run = extracted(postgres_table(postgres_database, [*rows, signal(9)]), tmp_path)
    assert run.quarantined_ids() == [row["signal_id"] for row in rows]
    assert run.ids() == ["signal-00009"]


def test_optional_columns_are_kept_and_others_ignored(postgres_database: str, tmp_path: Path) -> None:
    types = {"id": "serial"} | POSTGRES_TYPES | OPTIONAL_POSTGRES_TYPES | {"note": "jsonb"}
    rows = [signal(id=1, generation_latency_ms=1.5, server_timestamp=""), signal(2, id=2)]
    run = extracted(postgres_table(postgres_database, rows, types), tmp_path)
    assert [(row["generation_latency_ms"], row["server_timestamp"]) for row in run.records] == [
        ("1.5", ""),
        (None, None),
    ]


def test_column_names_may_be_in_another_case(postgres_database: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_database) as connection:
        postgres_table(postgres_database, signals(2))
        connection.execute('ALTER TABLE signals RENAME COLUMN "timestamp" TO "TimeStamp"')
        connection.execute('ALTER TABLE signals RENAME COLUMN sha256 TO "Verification_Hash"')
    source = open_source(postgres_database, "signals")
    assert source.describe().hash_column == "Verification_Hash"
    assert extracted(source, tmp_path).report.records == 2


def test_a_table_in_another_schema_is_found(postgres_database: str, tmp_path: Path) -> None:
    postgres_table(postgres_database, signals(2))
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE SCHEMA desk")
        connection.execute("ALTER TABLE signals SET SCHEMA desk")
    assert extracted(open_source(postgres_database, "desk.signals"), tmp_path).report.records == 2


def test_a_view_is_read_like_a_table(postgres_database: str, tmp_path: Path) -> None:
    postgres_table(postgres_database, signals(2))
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE VIEW shown AS SELECT * FROM signals")
    assert extracted(open_source(postgres_database, "shown"), tmp_path).report.records == 2


def refused(source: SignalSource, folder: Path) -> SourceError:
    with pytest.raises(SourceError) as raised:
        extracted(source, folder)
    assert raised.value.exit_code == ExitCode.UNREACHABLE
    assert not list(folder.rglob("backup.csv"))
    return raised.value


def test_a_missing_table_is_an_error(postgres_database: str, tmp_path: Path) -> None:
    error = refused(open_source(postgres_database, "signals"), tmp_path)
    assert "'signals'" in str(error)
    assert not error.transient


@pytest.mark.parametrize("column", ["confidence", "timestamp", "sha256"])
def test_a_missing_required_column_is_named(postgres_database: str, tmp_path: Path, column: str) -> None:
    source = postgres_table(postgres_database, [])
    with psycopg.connect(postgres_database) as connection:
        connection.execute(f'ALTER TABLE signals DROP COLUMN "{column}"')
    assert column in str(refused(source, tmp_path))


def test_a_locked_table_is_a_transient_error(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_MS", 10)
    source = postgres_table(postgres_database, signals(1))
    with psycopg.connect(postgres_database) as connection:
        connection.execute("LOCK TABLE signals IN ACCESS EXCLUSIVE MODE")
        assert refused(source, tmp_path).transient


def with_password(url: str, password: str, port: int | None = None) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{port or parts.port}").geturl()


def test_a_server_that_is_down_is_a_transient_error(postgres_database: str, tmp_path: Path) -> None:
    error = refused(open_source(with_password(postgres_database, "hush-hush", 1), "signals"), tmp_path)
    assert error.transient
    assert "hush-hush" not in str(error)


def test_a_wrong_password_is_an_error_that_does_not_show_it(postgres_database: str, tmp_path: Path) -> None:
    error = refused(open_source(with_password(postgres_database, "hush-hush"), "signals"), tmp_path)
    assert "hush-hush" not in repr(error) + str(error)


def test_a_missing_database_is_an_error(postgres_database: str, tmp_path: Path) -> None:
    url = urlsplit(postgres_database)._replace(path="/nowhere").geturl()
    assert "nowhere" in str(refused(open_source(url, "signals"), tmp_path))


def test_a_description_shows_no_password(postgres_database: str) -> None:
    description = postgres_table(postgres_database, []).describe()
    parts = urlsplit(postgres_database)
    assert description.location == f"{parts.hostname}:{parts.port}{parts.path}"
    assert str(parts.password) not in str(description.as_dict())


@pytest.mark.parametrize(
    "query", ["?options=-c%20search_path%3Ddesk", "?connect_timeout=3&options=-csearch_path%3Ddesk"]
)
def test_options_in_the_url_reach_the_server(postgres_database: str, tmp_path: Path, query: str) -> None:
    postgres_table(postgres_database, signals(2))
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE SCHEMA desk")
        connection.execute("ALTER TABLE signals SET SCHEMA desk")
    assert extracted(open_source(postgres_database + query, "signals"), tmp_path).report.records == 2


def test_a_driver_suffix_in_the_url_is_accepted(postgres_database: str) -> None:
    postgres_table(postgres_database, [])
    url = postgres_database.replace("postgresql://", "postgresql+psycopg://")
    assert open_source(url, "signals").describe().engine == "postgresql"


@pytest.mark.parametrize("kind", ["text", "timestamptz", "timestamp", 'text COLLATE "en-x-icu"'])
def test_the_query_uses_the_timestamp_index(postgres_database: str, kind: str) -> None:
    source = postgres_table(postgres_database, [], POSTGRES_TYPES | {"timestamp": kind})
    assert isinstance(source, postgres.PostgresSource)
    with source._transaction() as connection:
        table = source._inspect(connection)
    query = postgres._select("signals", table, postgres.row_filters(table).of_day(DAY)[0])
    with psycopg.connect(postgres_database) as client:
        client.execute("SET enable_seqscan = off")
        client.execute("SET enable_bitmapscan = off")
        client.execute("SET enable_sort = off")
        plan = "\n".join(line for (line,) in client.execute(f"EXPLAIN {query}"))
    assert "Index Scan using by_time" in plan
    assert "Index Cond" in plan
    assert "Sort" not in plan


def test_reading_while_a_writer_commits_gives_one_consistent_snapshot(postgres_database: str) -> None:
    source = postgres_table(postgres_database, signals(3))
    with source.read_day(DAY) as snapshot:
        with psycopg.connect(postgres_database) as writer:
            columns = ", ".join(POSTGRES_TYPES)
            writer.execute(
                f"INSERT INTO signals SELECT {columns.replace('signal_id', 'signal_id || 1::text')} FROM signals"
            )
            writer.execute("UPDATE signals SET \"timestamp\" = 'garbage' WHERE signal_id = 'signal-00001'")
        rows = [row for batch in snapshot.batches for row in batch.to_pylist()]
    assert [row["signal_id"] for row in rows] == ["signal-00001", "signal-00002", "signal-00003"]
    assert "garbage" not in {row["timestamp"] for row in rows}


def test_the_transaction_is_read_only(postgres_database: str) -> None:
    source = postgres_table(postgres_database, signals(1))
    assert isinstance(source, postgres.PostgresSource)
    with pytest.raises(SourceError, match="read-only"), source._transaction() as connection:
        execute(connection, "DELETE FROM signals")


def test_a_connection_lost_while_reading_is_a_transient_error(postgres_database: str) -> None:
    rows = [signal(number, strategy="x" * 200) for number in range(20_000)]
    source = postgres_table(postgres_database, [])
    with psycopg.connect(postgres_database, autocommit=True) as client:
        columns = list(POSTGRES_TYPES)
        with client.cursor().copy(f"COPY signals ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row["verification_hash" if name == "sha256" else name] for name in columns])
        with pytest.raises(SourceError) as raised, source.read_day(DAY) as snapshot:  # noqa: PT012 - one act in two steps
            client.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            list(snapshot.batches)
    assert raised.value.transient
