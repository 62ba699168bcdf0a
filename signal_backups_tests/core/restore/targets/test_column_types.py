"""Existing tables with other column types: the day is rolled back unless every value survives."""

from __future__ import annotations

import pytest

from signal_backups.core.base.errors import ExitCode, ImportVerificationError, UnfitTargetError
from signal_backups.core.restore.targets.contract import OnConflict
from signal_backups_tests.core.restore.backups import MakeDay
from signal_backups_tests.core.restore.places import FULL_POSTGRES, FULL_SQLITE, Place, as_held
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import NUMBERS, Row, signal, signals

NUMERIC = dict.fromkeys(NUMBERS, "numeric")
WITH_FRACTION = "2026-11-01T12:30:15.000001+00:00"


def changed(number: int, changes: Row) -> Row:
    """Return a good signal with some values changed."""
    return signal(number, (), **changes)


def refused(place: Place, run: DayRun, count: int) -> None:
    """Assert that the import is refused and the table stays empty."""
    with pytest.raises(ImportVerificationError, match=f"{count} signals changed, 0 missing") as raised:
        place.restore(run)
    assert raised.value.exit_code is ExitCode.FAILED
    assert "--table" in raised.value.remedy
    assert place.run("SELECT count(*) FROM signals") == [(0,)]


@pytest.mark.parametrize(
    "types",
    [
        {"timestamp": "timestamptz"},
        {"timestamp": "timestamptz", **NUMERIC, "symbol": "varchar(20)"},
        {"signal_id": "varchar(40)", "sha256": "char(64)", "action": "varchar"},
        NUMERIC,
        dict.fromkeys(NUMBERS, "numeric(12, 4)"),
        {"confidence": "real"},
    ],
)
@pytest.mark.parametrize("on_conflict", [OnConflict.SKIP, OnConflict.REPLACE])
def test_a_day_that_the_column_types_can_store_is_restored(
    postgres_place: Place, make_day: MakeDay, types: dict[str, str], on_conflict: OnConflict
) -> None:
    rows = [*signals(3), signal(4, timestamp=WITH_FRACTION)]
    run = make_day(rows)
    postgres_place.make_table(FULL_POSTGRES | types)
    assert postgres_place.restore(run).restored == 4
    assert postgres_place.rows() == as_held(rows)
    again = postgres_place.restore(run, on_conflict)
    assert (again.replaced, again.skipped, again.skipped_different) == (0, 4, 0)
    postgres_place.run("UPDATE signals SET strategy = 'another' WHERE signal_id = 'signal-00001'")
    repaired = postgres_place.restore(run, on_conflict)
    assert (repaired.replaced, repaired.skipped_different) == ((0, 1) if on_conflict is OnConflict.SKIP else (1, 0))


@pytest.mark.parametrize(
    ("types", "changes"),
    [
        ({"entry_price": "numeric(10, 2)"}, {"entry_price": 1.0842}),
        ({"entry_price": "real"}, {"entry_price": 1.0842}),
        ({"timestamp": "timestamptz"}, {"timestamp": "2026-11-01T10:00:00Z"}),
        ({"timestamp": "timestamptz"}, {"timestamp": "2026-11-01T10:00:00"}),
        ({"timestamp": "timestamptz"}, {"timestamp": "2026-11-01T10:00:00.5+00:00"}),
        ({"timestamp": "timestamptz"}, {"timestamp": "2026-11-01T10:00:00+01:00"}),
        ({"timestamp": "timestamp"}, {"timestamp": "2026-11-01T10:00:00+00:00"}),
        ({"symbol": "char(7)"}, {"symbol": "EURUSD "}),
    ],
)
def test_a_day_that_the_column_types_would_change_is_rolled_back(
    postgres_place: Place, make_day: MakeDay, types: dict[str, str], changes: Row
) -> None:
    survives: Row = {
        "entry_price": 2.5,
        "timestamp": "2026-11-01T10:00:00" + ("" if "timestamp" in types.values() else "+00:00"),
    }
    run = make_day([changed(1, survives), changed(2, survives | changes)])
    postgres_place.make_table(FULL_POSTGRES | types)
    refused(postgres_place, run, count=1)


def test_a_refused_day_leaves_existing_rows_unchanged(postgres_place: Place, make_day: MakeDay) -> None:
    postgres_place.make_table(FULL_POSTGRES | {"entry_price": "numeric(10, 2)"})
    postgres_place.restore(make_day([signal(1, entry_price=2.5)]))
    for on_conflict in OnConflict:
        with pytest.raises(ImportVerificationError, match="1 signals changed"):
            postgres_place.restore(make_day([signal(2)]), on_conflict)
    assert postgres_place.rows() == as_held([signal(1, entry_price=2.5)])


@pytest.mark.parametrize("price", [0.1 + 0.2, 123456789.12345678, 1e-05, 5e-324, 1.7976931348623157e308])
def test_a_numeric_column_stores_any_double_exactly(postgres_place: Place, make_day: MakeDay, price: float) -> None:
    rows = [signal(1, entry_price=price)]
    postgres_place.make_table(FULL_POSTGRES | NUMERIC)
    assert postgres_place.restore(make_day(rows)).restored == 1
    assert postgres_place.rows() == as_held(rows)


def test_columns_of_a_domain_are_restored_like_their_base_type(postgres_place: Place, make_day: MakeDay) -> None:
    postgres_place.run(
        "CREATE SCHEMA desk",
        'CREATE DOMAIN desk."Price" AS numeric CHECK (value > 0)',
        "CREATE DOMAIN moment AS timestamptz",
        "CREATE DOMAIN ticker AS text",
        "CREATE DOMAIN level AS double precision",
    )
    types = {"entry_price": 'desk."Price"', "timestamp": "moment", "symbol": "ticker", "confidence": "level"}
    postgres_place.make_table(FULL_POSTGRES | types)
    assert postgres_place.restore(make_day(signals(3))).restored == 3
    assert postgres_place.rows() == as_held(signals(3))
    assert postgres_place.restore(make_day(signals(4)), OnConflict.SKIP).restored == 1
    postgres_place.run("DROP TABLE signals")
    postgres_place.make_table(FULL_POSTGRES | {"symbol": "ticker", "confidence": "level"})
    assert postgres_place.restore(make_day(signals(3))).restored == 3
    assert postgres_place.rows() == as_held(signals(3))


def test_a_text_that_is_too_long_fails_the_whole_day(postgres_place: Place, make_day: MakeDay) -> None:
    postgres_place.make_table(FULL_POSTGRES | {"symbol": "varchar(6)"})
    with pytest.raises(UnfitTargetError, match="too long"):
        postgres_place.restore(make_day([signal(1), signal(2, symbol="EURUSD1")]))
    assert postgres_place.run("SELECT count(*) FROM signals") == [(0,)]


def without_optional(place: Place) -> dict[str, str]:
    return {
        name: kind for name, kind in place.types.items() if name not in ("generation_latency_ms", "server_timestamp")
    }


def test_optional_columns_may_be_missing_when_they_would_be_empty(place: Place, three: DayRun) -> None:
    place.make_table(without_optional(place))
    assert place.restore(three).restored == 3
    assert place.rows() == as_held(signals(3))


def test_a_table_without_a_column_of_the_backup_is_refused(place: Place, make_day: MakeDay) -> None:
    place.make_table(without_optional(place))
    refused(place, make_day([signal(1), signal(2, server_timestamp="")]), count=1)


def test_a_type_affinity_that_changes_texts_is_refused(sqlite_place: Place, make_day: MakeDay) -> None:
    sqlite_place.make_table(FULL_SQLITE | {"symbol": "NUMERIC"})
    refused(sqlite_place, make_day([signal(1, symbol="007"), signal(2)]), count=1)


def test_an_sqlite_table_without_types_accepts_a_day(sqlite_place: Place, make_day: MakeDay) -> None:
    rows = [signal(1, symbol="007", entry_price=3.0), signal(2)]
    sqlite_place.make_table(dict.fromkeys(FULL_SQLITE, ""))
    sqlite_place.restore(make_day([rows[0]]))
    assert sqlite_place.restore(make_day(rows), OnConflict.SKIP).restored == 1
    assert sqlite_place.rows() == as_held(rows)
    assert sqlite_place.run("SELECT DISTINCT typeof(entry_price) FROM signals") == [("real",)]
