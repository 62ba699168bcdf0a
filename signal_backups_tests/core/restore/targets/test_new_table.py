"""Importing a day into a missing table: the table is created, and equals the source."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signal_backups.core.base.errors import ExitCode, ImportVerificationError, UnfitTargetError
from signal_backups.core.signals.fields import CSV_COLUMNS, OPTIONAL_COLUMNS
from signal_backups_tests.core.restore.backups import MakeDay
from signal_backups_tests.core.restore.places import FULL_POSTGRES, FULL_SQLITE, Place, as_held, importing
from signal_backups_tests.samples.days import DayRun, extracted
from signal_backups_tests.samples.examples import confidences, examples, nonempty_texts, prices, texts
from signal_backups_tests.samples.signals import DAY, NUMBERS, Row, signal, signals
from signal_backups_tests.samples.tables import postgres_table, sqlite_table

FLOATS = {*NUMBERS, "generation_latency_ms"}


def columns(place: Place) -> list[tuple[str, str, bool]]:
    """Return name, type and NOT NULL of each column, in order."""
    if place.engine == "postgres":
        query = (
            "SELECT column_name, data_type, is_nullable = 'NO' FROM information_schema.columns "
            "WHERE table_name = 'signals' ORDER BY ordinal_position"
        )
    else:
        query = "SELECT name, type, \"notnull\" FROM pragma_table_info('signals')"
    return [(name, kind, bool(not_null)) for name, kind, not_null in place.run(query)]


def indexes(place: Place) -> set[tuple[str, bool]]:
    """Return the columns of each index, and whether it is unique."""
    if place.engine == "postgres":
        query = (
            "SELECT string_agg(a.attname, ' ' ORDER BY array_position(i.indkey::int2[], a.attnum)), i.indisunique "
            "FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
            "WHERE i.indrelid = 'signals'::regclass GROUP BY i.indexrelid, i.indisunique"
        )
    else:
        query = (
            "SELECT group_concat(i.name, ' '), l.\"unique\" "
            "FROM pragma_index_list('signals') l, pragma_index_info(l.name) i GROUP BY l.name"
        )
    return {(names, bool(unique)) for names, unique in place.run(query)}


def test_a_missing_table_is_created_with_the_types_of_the_fields(place: Place, three: DayRun) -> None:
    place.restore(three)
    text, number = ("text", "double precision") if place.engine == "postgres" else ("TEXT", "REAL")
    names = ["sha256" if name == "verification_hash" else name for name in CSV_COLUMNS]
    assert columns(place) == [
        (name, number if name in FLOATS else text, name not in OPTIONAL_COLUMNS) for name in names
    ]


def test_a_created_table_has_an_index_on_time_and_takes_an_id_on_several_days(place: Place, three: DayRun) -> None:
    place.restore(three)
    assert indexes(place) == {("signal_id timestamp", True), ("timestamp", False)}


@pytest.mark.parametrize("name", ["sha256", "verification_hash", "SHA256"])
def test_a_created_table_has_the_requested_hash_column(place: Place, three: DayRun, name: str) -> None:
    place.target().import_day(importing(three, hash_column=name))
    assert [column for column, _, _ in columns(place)][9] == name
    assert place.rows() == as_held(signals(3))


def test_a_restored_day_equals_the_source(place: Place, make_day: MakeDay) -> None:
    rows = [signal(1, server_timestamp="", generation_latency_ms=0.1 + 0.2), signal(2), signal(3, symbol="x,\"'\r\n😀")]
    imported = place.restore(make_day(rows))
    assert (imported.restored, imported.replaced, imported.skipped, imported.skipped_different) == (3, 0, 0, 0)
    assert place.rows() == as_held(rows)


def test_a_day_without_signals_creates_an_empty_table(place: Place, make_day: MakeDay) -> None:
    assert place.restore(make_day([])).restored == 0
    assert place.target().count_signals(make_day([]).folder.day) == 0
    assert place.rows() == []


def test_count_signals_distinguishes_a_missing_table_from_an_empty_one(place: Place, make_day: MakeDay) -> None:
    run = make_day(signals(3))
    assert place.target().count_signals(run.folder.day) is None
    place.restore(run)
    assert place.target().count_signals(run.folder.day) == 3


def test_counting_in_a_missing_sqlite_file_does_not_create_it(tmp_path: Path) -> None:
    place = Place("sqlite", f"sqlite:///{tmp_path / 'missing.db'}")
    assert place.target().count_signals(DAY) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["With Space", 'quote"d', "select", "Ünï"])
def test_a_table_may_have_any_name(place: Place, three: DayRun, name: str) -> None:
    place.restore(three, table=name)
    assert name in place.tables()
    assert place.rows(table=name) == as_held(signals(3))


def test_a_postgres_table_may_be_in_another_schema(postgres_place: Place, three: DayRun) -> None:
    postgres_place.run("CREATE SCHEMA archive")
    postgres_place.restore(three, table="archive.signals")
    assert postgres_place.run("SELECT count(*) FROM archive.signals") == [(3,)]
    assert postgres_place.rows(table="archive.signals") == as_held(signals(3))


def test_a_nul_that_postgres_cannot_store_fails_the_whole_day(postgres_place: Place, make_day: MakeDay) -> None:
    with pytest.raises(UnfitTargetError, match="does not accept these signals") as raised:
        postgres_place.restore(make_day([signal(1), signal(2, symbol="a\0b")]))
    assert raised.value.exit_code is ExitCode.FAILED
    assert postgres_place.tables() == set()


def test_a_nul_survives_in_sqlite(sqlite_place: Place, make_day: MakeDay) -> None:
    rows = [signal(1), signal(2, symbol="a\0b", server_timestamp="\0")]
    sqlite_place.restore(make_day(rows))
    assert sqlite_place.rows() == as_held(rows)


#: SQLite does not keep -0.0, and PostgreSQL does not accept NUL; both have tests of their own.
latencies = st.none() | st.floats(allow_nan=False).map(lambda number: number + 0.0)
plain_texts = texts.map(lambda text: text.replace("\0", "0"))
names = nonempty_texts.map(lambda text: text.replace("\0", "0"))


@st.composite
def good_rows(draw: st.DrawFn) -> list[Row]:
    """Generate good signals with any texts and numbers."""
    ids = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    return [
        signal(
            number,
            signal_id=signal_id,
            symbol=draw(names),
            strategy=draw(names),
            entry_price=draw(prices),
            target_price=draw(prices),
            stop_price=draw(prices),
            confidence=draw(confidences),
            generation_latency_ms=draw(latencies),
            server_timestamp=draw(st.none() | plain_texts),
        )
        for number, signal_id in enumerate(ids)
    ]


HARD = [
    signal(1, signal_id='"', symbol="a\nb\r\n\"'", entry_price=5e-324, stop_price=1e-05, server_timestamp=""),
    signal(2, signal_id="😀;--", entry_price=1e16, target_price=1.7976931348623157e308, server_timestamp=None),
]


def round_trip(source: Place, into: Place, rows: list[Row], folder: pytest.TempPathFactory) -> None:
    into.run("DROP TABLE IF EXISTS restored")
    path = folder.mktemp("day")
    table = postgres_table(source.url, rows, FULL_POSTGRES) if source.engine == "postgres" else None
    run = extracted(table or sqlite_table(path / "source.db", rows, FULL_SQLITE), path)
    assert run.quarantine == []
    assert into.restore(run, table="restored").restored == len(rows)
    assert into.rows(table="restored") == as_held(rows)


@examples(15)
@given(rows=good_rows())
@example(rows=HARD)
def test_sqlite_to_csv_to_any_target(place: Place, tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    round_trip(Place("sqlite", ""), place, rows, tmp_path_factory)


@examples(8)
@given(rows=good_rows())
@example(rows=HARD)
def test_postgres_to_csv_to_any_target(
    postgres_place: Place, place: Place, tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    round_trip(postgres_place, place, rows, tmp_path_factory)


@pytest.mark.parametrize("latency", [math.inf, -math.inf])
def test_an_infinite_latency_is_restored(
    postgres_place: Place, place: Place, tmp_path_factory: pytest.TempPathFactory, latency: float
) -> None:
    round_trip(postgres_place, place, [signal(1, generation_latency_ms=latency)], tmp_path_factory)


def test_a_minus_zero_that_sqlite_cannot_store_is_refused(
    postgres_place: Place, sqlite_place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [signal(1, generation_latency_ms=-0.0)]
    with pytest.raises(ImportVerificationError, match="1 signals changed, 0 missing, 0 too many: signal-00001"):
        round_trip(postgres_place, sqlite_place, rows, tmp_path_factory)
    assert sqlite_place.tables() == set()
    round_trip(postgres_place, postgres_place, rows, tmp_path_factory)
    assert math.copysign(1, postgres_place.rows(table="restored")[0]["generation_latency_ms"]) == -1
