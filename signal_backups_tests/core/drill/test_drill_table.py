"""A drill restores into a table with the definition of the source's, and fails where a real restore would."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.errors import TargetError
from signal_backups.core.drill.run import DrillReport
from signal_backups.core.drill.table_definition import create_like_source
from signal_backups.core.restore.report import Outcome
from signal_backups.core.source import open_source
from signal_backups.core.vault.findings import Examination, open_findings
from signal_backups_tests.core.drill.live import DAYS, LAST, Live, live_postgres, live_sqlite, stored_days
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import signal
from signal_backups_tests.samples.tables import POSTGRES_TYPES, SQLITE_TYPES
from signal_backups_tests.servers.strict_s3 import StrictS3


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StrictS3:
    """The backups of all days; tests use copies of it."""
    return stored_days(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def postgres_live(stored: StrictS3, tmp_path: Path, postgres_database: str) -> Live:
    return live_postgres(stored.copy(), tmp_path, postgres_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest, stored: StrictS3, tmp_path: Path) -> Live:
    if request.param == "sqlite":
        return live_sqlite(stored.copy(), tmp_path)
    found: Live = request.getfixturevalue("postgres_live")
    return found


def define(live: Live, more: str, values: str = "", where: str = "true", **types: str) -> None:
    """Give the source's table other column types, more columns (with the SQL of their values), constraints."""
    known = SQLITE_TYPES if live.url.startswith("sqlite") else POSTGRES_TYPES
    columns = ", ".join(f"{name} {kind}" for name, kind in {**known, **types}.items())
    live.execute("ALTER TABLE signals RENAME TO earlier")
    live.execute(f"CREATE TABLE signals ({columns}{more})")
    live.execute(f"INSERT INTO signals SELECT {', '.join(known)}{values} FROM earlier WHERE {where}")
    live.execute("DROP TABLE earlier")


def add(live: Live, signal_id: str, timestamp: str) -> None:
    """Add a good signal to the source."""
    row = signal(1, signal_id=signal_id, timestamp=timestamp)
    values = [row["verification_hash"] if name == "sha256" else row[name] for name in SQLITE_TYPES]
    live.execute(f"INSERT INTO signals VALUES ({', '.join(repr(value) for value in values)})")


def back_up_again(live: Live, folder: Path, *days: date) -> None:
    for day in days:
        store_backup(live.vault, extracted(open_source(live.url, "signals"), folder, day).folder, BackupRun("run"))


def passes(live: Live, recent_days: int = 2) -> DrillReport:
    report = live.drill(recent_days=recent_days)
    assert [day.restore.problem for day in report.failed_days] == []
    assert report.ok
    assert not report.differing_days
    return report


@pytest.mark.parametrize(
    ("more", "values", "where", "reason"),
    [
        (", trader_notes TEXT NOT NULL", ", 'mine'", "true", "trader_notes"),
        (", UNIQUE (strategy, action)", "", "false", "(UNIQUE|unique)"),
        (", CONSTRAINT known_symbols CHECK (symbol <> 'EURUSD')", "", "false", "known_symbols"),
    ],
)
def test_a_table_that_takes_no_restored_signal_fails_the_drill(
    live: Live, more: str, values: str, where: str, reason: str
) -> None:
    define(live, more, values, where)
    report = live.drill(recent_days=2)
    assert (report.restores_everything, report.ok) == (False, False)
    assert {day.restore.outcome for day in report.failed_days} == {Outcome.FAILED}
    assert [day.day for day in report.failed_days][-2:] == DAYS[-2:]
    for day in report.failed_days:
        assert re.search(f"does not accept these signals: .*{reason}", str(day.restore.problem))
    (finding,) = [each for each in open_findings(live.vault) if each.examination is Examination.DRILL]
    assert LAST in finding.days


def test_all_days_go_into_one_table_so_an_id_on_two_days_fails_where_ids_are_unique(live: Live, tmp_path: Path) -> None:
    add(live, f"{DAYS[-2]}-1", f"{DAYS[-1]}T08:00:00Z")
    back_up_again(live, tmp_path, DAYS[-1])
    assert [day.restore.restored for day in passes(live).days[-2:]] == [5, 6]
    define(live, "", "", f"timestamp NOT LIKE '{DAYS[-2]}%'", signal_id="TEXT PRIMARY KEY")
    report = live.drill(recent_days=2)
    assert [(day.day, day.restore.outcome) for day in report.failed_days] == [(DAYS[-1], Outcome.CONFLICT)]
    assert f"{DAYS[-2]}-1 ({DAYS[-2]})" in str(report.failed_days[0].restore.problem)


def test_a_table_with_more_columns_constraints_and_indexes_passes(live: Live) -> None:
    number = "REAL" if live.url.startswith("sqlite") else "double precision"
    define(
        live,
        f", note TEXT NOT NULL DEFAULT 'mine', spread {number} GENERATED ALWAYS AS (target_price - stop_price) STORED"
        ", CHECK (entry_price > 0), PRIMARY KEY (signal_id, timestamp)",
        ", 'mine'",
        symbol="TEXT NOT NULL",
    )
    live.execute("CREATE INDEX by_day ON signals (substr(timestamp, 1, 10))")
    live.execute("CREATE UNIQUE INDEX by_time ON signals (timestamp, signal_id) WHERE symbol <> 'X'")
    assert passes(live).left_out == []


def test_a_neighbouring_day_in_the_same_table_is_not_compared(live: Live, tmp_path: Path) -> None:
    for text in (f"{LAST}T00:30:00+01:00", f"{DAYS[-2]}T23:30:00-01:00"):
        add(live, text, text)
    back_up_again(live, tmp_path, *DAYS[-2:])
    assert [day.restore.records for day in passes(live).days[-2:]] == [6, 6]


def test_triggers_and_foreign_keys_are_named_as_not_drilled(live: Live) -> None:
    live.execute("CREATE TABLE desks (name TEXT PRIMARY KEY)")
    define(live, ", desk TEXT, CONSTRAINT of_desk FOREIGN KEY (desk) REFERENCES desks (name)", ", NULL")
    if live.url.startswith("sqlite"):
        live.execute("CREATE TRIGGER noted AFTER INSERT ON signals BEGIN DELETE FROM desks; END")
        assert passes(live).left_out == ["trigger noted"]
    else:
        live.execute("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        live.execute("CREATE TRIGGER noted AFTER INSERT ON signals FOR EACH ROW EXECUTE FUNCTION note()")
        assert passes(live).left_out == ["foreign key of_desk", "trigger noted"]


def test_a_view_is_drilled_into_a_table_as_a_restore_creates_it(live: Live) -> None:
    live.execute("ALTER TABLE signals RENAME TO kept")
    live.execute("CREATE VIEW signals AS SELECT * FROM kept")
    (left_out,) = passes(live).left_out
    assert left_out.startswith("the definition of ")


def test_types_of_the_source_are_made_in_the_scratch_database(postgres_live: Live) -> None:
    for statement in (
        "CREATE EXTENSION citext",
        "CREATE TYPE side AS ENUM ('SELL', 'BUY')",
        "CREATE SCHEMA desk",
        "CREATE DOMAIN desk.price AS numeric(12, 6) NOT NULL CHECK (value > 0)",
        "CREATE DOMAIN desk.limit_price AS desk.price CHECK (value < 1000)",
        "CREATE SEQUENCE desk.numbers",
    ):
        postgres_live.execute(statement)
    postgres_live.execute("ALTER TABLE signals RENAME TO earlier")
    types = {**POSTGRES_TYPES, "symbol": "citext", "entry_price": "desk.limit_price", "timestamp": "timestamptz"}
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    postgres_live.execute(
        f"CREATE TABLE signals ({columns}, sides side[] DEFAULT ARRAY['BUY']::side[] NOT NULL, "
        "number bigint NOT NULL DEFAULT nextval('desk.numbers'), row bigint GENERATED ALWAYS AS IDENTITY, "
        'note varchar(4) COLLATE "C", serial_number serial)'
    )
    values = ", ".join(f"{name}::{types[name]}" for name in types)
    postgres_live.execute(f"INSERT INTO signals ({', '.join(types)}) SELECT {values} FROM earlier")
    assert passes(postgres_live).left_out == []


def test_what_only_the_source_has_is_left_out_and_named(postgres_live: Live) -> None:
    for statement in (
        "CREATE FUNCTION mark() RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$",
        "CREATE TYPE pair AS (one text, other text)",
        "ALTER TABLE signals ADD COLUMN mark text NOT NULL DEFAULT mark()",
        "ALTER TABLE signals ADD COLUMN both_of pair",
        "ALTER TABLE signals ADD CONSTRAINT marked CHECK (mark <> '')",
        "CREATE RULE quiet AS ON DELETE TO signals DO INSTEAD NOTHING",
        "ALTER TABLE signals ENABLE ROW LEVEL SECURITY",
    ):
        postgres_live.execute(statement)
    left_out = passes(postgres_live).left_out
    assert left_out[:2] == ["row security", "rule quiet"]
    assert [part.partition(":")[0] for part in left_out[2:]] == ["column mark", "column both_of", "constraint marked"]
    assert "mark() does not exist" in " ".join(left_out)


def test_a_table_of_another_schema_is_drilled_there(postgres_live: Live) -> None:
    postgres_live.execute('CREATE SCHEMA "Desk 1"')
    postgres_live.execute('ALTER TABLE signals SET SCHEMA "Desk 1"')
    report = postgres_live.drill(recent_days=2, table="Desk 1.signals")
    assert (report.ok, report.left_out) == (True, [])


def test_a_scratch_database_that_cannot_be_used_is_named(postgres_live: Live) -> None:
    with pytest.raises(TargetError, match="cannot use the scratch database") as raised:
        create_like_source(postgres_live.url, "signals", "postgresql://user:secret@127.0.0.1:9/db")
    assert "secret" not in str(raised.value)


def test_a_scratch_database_of_another_engine_is_said_to_have_another_table(
    stored: StrictS3, tmp_path: Path, postgres_database: str
) -> None:
    live = live_sqlite(stored.copy(), tmp_path)
    report = live.drill(recent_days=2, scratch_url=postgres_database)
    assert report.ok
    assert report.left_out == ["the whole definition of the table: the scratch database has another engine"]
