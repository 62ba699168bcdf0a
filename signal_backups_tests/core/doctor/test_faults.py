"""Faults of settings and database are reported under their own check with a remedy; no other check fails."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.doctor.finding import DoctorCheck, State
from signal_backups_tests.core.doctor.installations import Installation, faulty, finding_of, states
from signal_backups_tests.samples.signals import signals
from signal_backups_tests.samples.tables import POSTGRES_TYPES, postgres_table

CREATE_INDEX = 'CREATE INDEX "signals_by_timestamp" ON "signals" ("timestamp")'
WITHOUT_DAGSTER = set(DoctorCheck) - {
    DoctorCheck.INSTANCE,
    DoctorCheck.DAEMON,
    DoctorCheck.SCHEDULES,
    DoctorCheck.SENSORS,
}


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("SIGNALS_DATABASE_URL", "mysql://desk/signals", "Use sqlite:"),
        ("SIGNALS_DATABASE_URL", "postgresql://u:hunter2/3@host/db", "write / # ? @ : in a password"),
        ("SIGNAL_BACKUPS_DRILL_DATABASE_URL", "signals.db", "Use sqlite:"),
        ("SIGNAL_BACKUPS_PROFILE", "for-ever", "Use one of: documented, recommended"),
    ],
)
def test_wrong_settings(amazon: Installation, name: str, value: str, remedy: str) -> None:
    report = amazon.set(**{name: value}).examined()
    assert faulty(report) == {DoctorCheck.SETTINGS}
    assert states(report, State.NOT_CHECKED) == WITHOUT_DAGSTER - {DoctorCheck.SETTINGS}
    found = finding_of(report, DoctorCheck.SETTINGS)
    assert remedy in str(found.remedy)
    assert "hunter2" not in report.model_dump_json()
    assert report.exit_code is ExitCode.USAGE
    assert finding_of(report, DoctorCheck.BUCKET).found == "needs credentials first"


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def remove_file(database: Path) -> None:
    database.unlink()


def overwrite(database: Path) -> None:
    database.write_bytes(b"no database at all" * 100)


def rename_table(database: Path) -> None:
    execute(database, "ALTER TABLE signals RENAME TO signals_2026")


def rewrite_in_utf_16(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        dump = "\n".join(connection.iterdump())
    database.unlink()
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(f"PRAGMA encoding = 'UTF-16le'; {dump}")


def drop_column(database: Path) -> None:
    execute(database, "ALTER TABLE signals DROP COLUMN stop_price")


def add_column(database: Path) -> None:
    execute(database, "ALTER TABLE signals ADD COLUMN trader_notes VARCHAR(20)")


def drop_hash(database: Path) -> None:
    execute(database, "ALTER TABLE signals RENAME COLUMN sha256 TO checksum")


def drop_index(database: Path) -> None:
    execute(database, "DROP INDEX by_time")


def index_another_column_first(database: Path) -> None:
    """Leave an index that SQLite uses by looking up each of the few symbols, and then has to sort."""
    more = "INSERT INTO signals SELECT a.* FROM signals a, signals b, signals c, signals d"
    execute(database, more, "DROP INDEX by_time", "CREATE INDEX by_symbol ON signals (symbol, timestamp)", "ANALYZE")


@pytest.mark.parametrize(
    ("fault", "check", "state", "found", "remedy"),
    [
        (remove_file, DoctorCheck.DATABASE, State.FAILED, "no SQLite database at", "SIGNALS_DATABASE_URL"),
        (overwrite, DoctorCheck.DATABASE, State.FAILED, "not a database", "readable SQLite database"),
        (rename_table, DoctorCheck.DATABASE, State.FAILED, "no table 'signals'", "SIGNALS_TABLE"),
        (rewrite_in_utf_16, DoctorCheck.COLUMNS, State.FAILED, "is in UTF-16le, not UTF-8", ".dump | sqlite3 NEW.db"),
        (drop_column, DoctorCheck.COLUMNS, State.FAILED, "no column stop_price", "It has: signal_id"),
        (drop_hash, DoctorCheck.COLUMNS, State.FAILED, "sha256", "It has: signal_id"),
        (
            drop_index,
            DoctorCheck.INDEX,
            State.WARNING,
            "no index on timestamp",
            CREATE_INDEX,
        ),
        (
            add_column,
            DoctorCheck.EXTRA_COLUMNS,
            State.WARNING,
            "backups leave out trader_notes (VARCHAR(20))",
            "SIGNAL_BACKUPS_EXTRA_COLUMNS=all",
        ),
        (index_another_column_first, DoctorCheck.INDEX, State.WARNING, "no index on timestamp", "CREATE INDEX"),
    ],
)
def test_a_faulty_sqlite_database(
    amazon: Installation, database: Path, fault: object, check: DoctorCheck, state: State, found: str, remedy: str
) -> None:
    fault(database)  # type: ignore[operator]
    report = amazon.examined()
    assert faulty(report) == {check}
    finding = finding_of(report, check)
    assert finding.state is state
    assert found in finding.found
    assert remedy in str(finding.remedy)
    later = {
        DoctorCheck.DATABASE: {DoctorCheck.COLUMNS, DoctorCheck.EXTRA_COLUMNS, DoctorCheck.INDEX},
        DoctorCheck.COLUMNS: {DoctorCheck.EXTRA_COLUMNS, DoctorCheck.INDEX},
        DoctorCheck.EXTRA_COLUMNS: set(),
        DoctorCheck.INDEX: set(),
    }[check]
    assert states(report, State.NOT_CHECKED) == later | {DoctorCheck.CLOCK}
    assert report.exit_code is (ExitCode.UNREACHABLE if state is State.FAILED else ExitCode.OK)


def test_the_remedy_for_a_missing_index_creates_it(amazon: Installation, database: Path) -> None:
    execute(database, "DROP INDEX by_time")
    remedy = finding_of(amazon.examined(), DoctorCheck.INDEX).remedy
    execute(database, str(remedy))
    assert faulty(amazon.examined()) == set()


@pytest.fixture
def on_postgres(amazon: Installation, postgres_database: str) -> Installation:
    """The installation with a PostgreSQL table."""
    postgres_table(postgres_database, signals(3))
    return amazon.set(SIGNALS_DATABASE_URL=postgres_database)


def run_sql(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_small_postgres_table_with_an_index_is_ok(on_postgres: Installation) -> None:
    run_sql(on_postgres.settings["SIGNALS_DATABASE_URL"], "ANALYZE signals")
    report = on_postgres.examined()
    assert faulty(report) == set()
    assert "by_time" in finding_of(report, DoctorCheck.INDEX).found


def test_an_index_counts_even_if_a_bitmap_scan_and_a_sort_would_be_cheaper(
    amazon: Installation, postgres_database: str
) -> None:
    postgres_table(postgres_database, signals(1), POSTGRES_TYPES | {"timestamp": "timestamptz"})
    # Rows stored far from the order of their timestamps.
    disorder = "now() - interval '60 days' * random()"
    names = ", ".join(f'"{name}"' if name != "timestamp" else disorder for name in POSTGRES_TYPES)
    run_sql(
        postgres_database,
        f"INSERT INTO signals SELECT {names} FROM signals, generate_series(1, 30000)",
        "ANALYZE signals",
    )
    assert faulty(amazon.set(SIGNALS_DATABASE_URL=postgres_database).examined()) == set()


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_an_index_on_a_timestamp_column_counts(amazon: Installation, postgres_database: str, kind: str) -> None:
    postgres_table(postgres_database, signals(3), POSTGRES_TYPES | {"timestamp": kind})
    assert faulty(amazon.set(SIGNALS_DATABASE_URL=postgres_database).examined()) == set()


def test_a_table_in_a_schema_with_an_unusual_name(on_postgres: Installation, postgres_database: str) -> None:
    run_sql(postgres_database, 'CREATE SCHEMA "Desk"', 'ALTER TABLE signals SET SCHEMA "Desk"')
    assert faulty(on_postgres.examined()) == {DoctorCheck.DATABASE}
    assert faulty(on_postgres.set(SIGNALS_TABLE="Desk.signals").examined()) == set()


def test_the_remedy_for_a_missing_index_creates_it_in_postgres_too(
    on_postgres: Installation, postgres_database: str
) -> None:
    run_sql(postgres_database, "DROP INDEX by_time", 'CREATE SCHEMA "Desk"', 'ALTER TABLE signals SET SCHEMA "Desk"')
    installation = on_postgres.set(SIGNALS_TABLE="Desk.signals")
    run_sql(postgres_database, str(finding_of(installation.examined(), DoctorCheck.INDEX).remedy))
    assert faulty(installation.examined()) == set()


@pytest.mark.parametrize(
    ("statement", "check", "found", "remedy"),
    [
        ("DROP TABLE signals", DoctorCheck.DATABASE, "no table 'signals'", "schema.table"),
        ("ALTER TABLE signals DROP COLUMN action", DoctorCheck.COLUMNS, "no column action", "It has: signal_id"),
        ("ALTER TABLE signals ALTER confidence TYPE text", DoctorCheck.COLUMNS, "confidence", "double precision"),
        (
            "DROP INDEX by_time",
            DoctorCheck.INDEX,
            "no index on timestamp",
            CREATE_INDEX,
        ),
        (
            "DROP INDEX by_time; CREATE INDEX ON signals (symbol, timestamp)",
            DoctorCheck.INDEX,
            "no index on timestamp",
            CREATE_INDEX,
        ),
    ],
)
def test_a_faulty_postgres_table(
    on_postgres: Installation, postgres_database: str, statement: str, check: DoctorCheck, found: str, remedy: str
) -> None:
    run_sql(postgres_database, statement)
    report = on_postgres.examined()
    assert faulty(report) == {check}
    finding = finding_of(report, check)
    assert found in finding.found
    assert remedy in str(finding.remedy)


def test_a_user_who_may_not_read_the_table(on_postgres: Installation, postgres_database: str) -> None:
    user = f"reader_{urlsplit(postgres_database).path[-12:]}"
    run_sql(postgres_database, f"CREATE ROLE {user} LOGIN PASSWORD 'hunter2'")
    parts = urlsplit(postgres_database)
    url = parts._replace(netloc=f"{user}:hunter2@{parts.hostname}:{parts.port}").geturl()
    try:
        report = on_postgres.set(SIGNALS_DATABASE_URL=url).examined()
        assert faulty(report) == {DoctorCheck.DATABASE}
        finding = finding_of(report, DoctorCheck.DATABASE)
        assert "permission denied" in finding.found
        assert 'GRANT SELECT ON "signals"' in str(finding.remedy)
        assert "hunter2" not in report.model_dump_json()
        run_sql(postgres_database, f"GRANT SELECT ON signals TO {user}")
        assert faulty(on_postgres.set(SIGNALS_DATABASE_URL=url).examined()) == set()
    finally:
        run_sql(postgres_database, f"DROP OWNED BY {user}", f"DROP ROLE {user}")


def test_a_postgres_server_that_is_down(amazon: Installation) -> None:
    report = amazon.set(SIGNALS_DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/x").examined()
    assert faulty(report) == {DoctorCheck.DATABASE}
    assert "127.0.0.1:1/x" in finding_of(report, DoctorCheck.DATABASE).found
    assert "the server is up" in str(finding_of(report, DoctorCheck.DATABASE).remedy)
    assert "hunter2" not in report.model_dump_json()
    assert report.exit_code is ExitCode.UNREACHABLE


def test_faults_with_different_exit_codes_give_exit_code_1(amazon: Installation, database: Path) -> None:
    execute(database, "DROP TABLE signals")
    empty = replace(amazon, bucket="empty")
    empty.make_bucket()
    report = empty.examined()
    assert faulty(report) == {DoctorCheck.DATABASE, DoctorCheck.LATEST_BACKUP}
    assert report.exit_code is ExitCode.FAILED
