"""Reading signals from PostgreSQL: column types, collations, secrets, and lost connections."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from signal_backups.core.base.errors import ExitCode, SourceError
from signal_backups.core.signals.extra_columns import ExtraColumn
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


def test_a_year_that_no_partition_has_is_undated(postgres_database: str) -> None:
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
        "12026-11-01 00:00:00+00",
        "1970-01-01T00:00:00+00:00",
        "2199-01-01T00:00:00+00:00",
        "BC 0044-03-15 12:00:00+00",
    ]


@pytest.mark.parametrize(("kind", "offset"), [("timestamp", ""), ("timestamptz", "+00")])
def test_a_year_before_christ_is_undated_although_its_number_is_that_of_a_partition(
    postgres_database: str, tmp_path: Path, kind: str, offset: str
) -> None:
    rows = [signal(1), signal(2, timestamp="2026-11-01 12:00:00 BC"), signal(3, timestamp="-infinity")]
    source = postgres_table(postgres_database, rows, POSTGRES_TYPES | {"timestamp": kind})
    assert extracted(source, tmp_path).extract.rows == 1
    assert undated_in(source) == ["-infinity", f"BC 2026-11-01 12:00:00{offset}"]


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


def test_a_description_names_the_columns_that_are_no_fields(postgres_database: str) -> None:
    types = POSTGRES_TYPES | {"notes": "text[]", "fee": "numeric(38,18)", "twice": "int GENERATED ALWAYS AS (2) STORED"}
    found = postgres_table(postgres_database, [], types).describe().unknown_columns
    assert found == (ExtraColumn("notes", "text[]"), ExtraColumn("fee", "numeric(38,18)"))


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


def read_until_the_connection_is_lost(url: str, source: SignalSource) -> list[int]:
    """Read the day batch by batch; after the first one an administrator ends the connection."""
    read: list[int] = []
    with psycopg.connect(url, autocommit=True) as client, source.read_day(DAY) as snapshot:
        for batch in snapshot.batches:
            read.append(batch.num_rows)
            client.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    return read


def test_a_connection_lost_between_two_batches_is_a_transient_error(postgres_database: str) -> None:
    source = postgres_table(postgres_database, [signal(0, strategy="x" * 1_000_000)])
    with psycopg.connect(postgres_database) as client:
        # Random texts, because PostgreSQL compresses others and sends them slower than it reads them.
        client.execute(
            "INSERT INTO signals SELECT n::text, symbol, action, entry_price, target_price, stop_price, confidence, "
            "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 1000)) || n, \"timestamp\", sha256 "
            "FROM signals, generate_series(1, 1000) AS n"
        )
    with pytest.raises(SourceError) as raised:
        read_until_the_connection_is_lost(postgres_database, source)
    assert raised.value.transient
    assert raised.value.exit_code is ExitCode.UNREACHABLE
    assert "cannot read PostgreSQL database" in str(raised.value)


EXACT = ["0.1", "123.45", "1.500000000000000000", "5e-324", "1.7976931348623157e308", "0", "1e22"]
INEXACT = ["1.123456789012345678", "1e400", "-1e400", "1e-400", "9007199254740993", "1.0841999999999999415"]
#: Bigints that a double holds, but not for certain.
INEXACT_INTEGERS = [2**53 + 1, -(2**53) - 1, 2**63 - 1]


@pytest.mark.parametrize("kind", ["numeric", "wide"])
def test_a_number_that_a_double_cannot_hold_is_quarantined_with_its_digits(
    postgres_database: str, tmp_path: Path, kind: str
) -> None:
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE DOMAIN wide AS numeric")
    rows = [{**signal(number), "entry_price": Decimal(text)} for number, text in enumerate([*EXACT, *INEXACT])]
    source = postgres_table(postgres_database, rows, POSTGRES_TYPES | {"entry_price": kind})
    with source.read_day(DAY) as snapshot:
        read = [row for batch in snapshot.batches for row in batch.to_pylist()]
    assert [row["entry_price"] for row in read] == [*map(float, EXACT), *[None] * len(INEXACT)]
    assert [row["unreadable_values"] for row in read[: len(EXACT)]] == [None] * len(EXACT)
    kept = [Decimal(json.loads(row["unreadable_values"])["entry_price"]) for row in read[len(EXACT) :]]
    assert kept == list(map(Decimal, INEXACT))
    run = extracted(postgres_table(postgres_database, rows[-3:-2], POSTGRES_TYPES | {"entry_price": kind}), tmp_path)
    assert run.reason() == f"entry_price cannot hold 0.{'0' * 399}1"


@pytest.mark.parametrize("column", ["entry_price", "generation_latency_ms"])
def test_a_bigint_that_may_not_be_a_double_is_quarantined(postgres_database: str, tmp_path: Path, column: str) -> None:
    types = POSTGRES_TYPES | OPTIONAL_POSTGRES_TYPES | {column: "bigint"}
    rows = [{**signal(number), column: value} for number, value in enumerate([2**53, *INEXACT_INTEGERS])]
    run = extracted(postgres_table(postgres_database, rows, types), tmp_path)
    quarantined = run.quarantine[-len(INEXACT_INTEGERS) :]
    assert [row["quarantine_reason"] for row in quarantined] == [
        f"{column} cannot hold {value}" for value in INEXACT_INTEGERS
    ]
    assert "signal-00000" not in [row["signal_id"] for row in quarantined]


@pytest.mark.parametrize(("value", "reason"), [("NaN", "not a number"), ("Infinity", "not finite")])
def test_a_numeric_that_is_no_finite_number_is_quarantined(
    postgres_database: str, tmp_path: Path, value: str, reason: str
) -> None:
    rows = [{**signal(), "entry_price": Decimal(value)}]
    run = extracted(postgres_table(postgres_database, rows, POSTGRES_TYPES | {"entry_price": "numeric"}), tmp_path)
    assert reason in run.reason()


def test_a_row_of_no_day_may_hold_any_number(postgres_database: str) -> None:
    rows = [{**signal(number, timestamp=None), "entry_price": Decimal(text)} for number, text in enumerate(INEXACT)]
    source = postgres_table(postgres_database, rows, POSTGRES_TYPES | {"entry_price": "numeric"})
    assert undated_in(source) == ["None"] * len(INEXACT)


def test_a_server_that_shortens_doubles_does_not_quarantine_them(postgres_database: str, tmp_path: Path) -> None:
    prices = dict.fromkeys(NUMBERS, 0.1 + 0.2)
    row = {**signal(**prices), **dict.fromkeys(NUMBERS, Decimal(repr(0.1 + 0.2)))}
    source = postgres_table(postgres_database, [row], POSTGRES_TYPES | dict.fromkeys(NUMBERS, "numeric"))
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        name = urlsplit(postgres_database).path[1:]
        connection.execute(f'ALTER DATABASE "{name}" SET extra_float_digits TO -3')
    assert extracted(source, tmp_path).ids() == ["signal-00001"]


def test_no_number_column_of_doubles_costs_a_condition(postgres_database: str) -> None:
    types = POSTGRES_TYPES | {"entry_price": "real", "target_price": "integer", "stop_price": "smallint"}
    source = postgres_table(postgres_database, [], types)
    assert isinstance(source, postgres.PostgresSource)
    with source._transaction() as connection:
        table = source._inspect(connection)
    assert "float8::text" not in postgres._select("signals", table, "true")


@pytest.mark.parametrize("base", ["timestamptz", "timestamp", "text", "varchar(40)"])
def test_a_domain_is_read_as_its_base_type(postgres_database: str, tmp_path: Path, base: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        connection.execute(f"CREATE DOMAIN moment AS {base}")
        connection.execute("CREATE DOMAIN event_time AS moment NOT NULL")
        connection.execute("CREATE DOMAIN price AS double precision CHECK (value > 0)")
    types = POSTGRES_TYPES | {"timestamp": "event_time", "entry_price": "price"}
    moment = MOMENT if base == "timestamptz" else MOMENT.replace(tzinfo=None)
    row = signal(timestamp=moment.isoformat())
    source = postgres_table(postgres_database, [row], types)
    run = extracted(source, tmp_path)
    assert run.ids() == ["signal-00001"]
    assert run.verify().ok
    assert undated_in(source) == []


@pytest.mark.parametrize("kind", ["date", "bigint", "time", "days"])
def test_a_timestamp_column_of_another_type_is_named(postgres_database: str, tmp_path: Path, kind: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE DOMAIN days AS date")
    source = postgres_table(postgres_database, [], POSTGRES_TYPES | {"timestamp": kind})
    error = refused(source, tmp_path)
    shown = "date" if kind == "days" else {"bigint": "int8"}.get(kind, kind)
    assert f"column timestamp of table 'signals' is {shown}, not text or a timestamp" in str(error)
    assert "view" in error.remedy
    assert "server is up" not in str(error)
    assert not error.transient


def test_of_two_columns_that_differ_in_case_the_exact_name_counts(postgres_database: str, tmp_path: Path) -> None:
    source = postgres_table(postgres_database, signals(2))
    with psycopg.connect(postgres_database) as connection:
        connection.execute('ALTER TABLE signals RENAME COLUMN symbol TO "SYMBOL"')
        connection.execute('ALTER TABLE signals ADD symbol text; UPDATE signals SET symbol = "SYMBOL", "SYMBOL" = NULL')
    assert extracted(source, tmp_path).ids() == ["signal-00001", "signal-00002"]


def test_two_columns_that_both_differ_from_the_name_are_ambiguous(postgres_database: str, tmp_path: Path) -> None:
    source = postgres_table(postgres_database, [])
    with psycopg.connect(postgres_database) as connection:
        connection.execute(
            'ALTER TABLE signals RENAME COLUMN symbol TO "SYMBOL"; ALTER TABLE signals ADD "Symbol" text'
        )
    error = refused(source, tmp_path)
    assert "has 2 columns for symbol: SYMBOL, Symbol" in str(error)
    assert not error.transient
