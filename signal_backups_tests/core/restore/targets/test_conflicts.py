"""Importing a day whose signals are already there: changes only on request, and never removes a signal."""

from __future__ import annotations

from typing import Any

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import ExitCode, ImportVerificationError, SignalConflictError, UnfitTargetError
from signal_backups.core.restore.targets.contract import Imported, OnConflict
from signal_backups_tests.core.restore.backups import MakeDay
from signal_backups_tests.core.restore.places import Place, as_held, importing
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY, Row, signal, signals

EVERY = list(OnConflict)


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.restored, imported.replaced, imported.skipped, imported.skipped_different


def everything(place: Place) -> list[tuple[Any, ...]]:
    return place.run("SELECT * FROM signals ORDER BY signal_id")


@pytest.fixture
def held(place: Place, make_day: MakeDay) -> Place:
    """A table with signals 2 (equal), 3 (changed) and 9 (not in the backup)."""
    place.restore(make_day([signal(2), signal(3, strategy="another"), signal(9)]))
    return place


def test_a_conflict_names_the_ids_and_changes_nothing(held: Place, three: DayRun) -> None:
    before = everything(held)
    with pytest.raises(SignalConflictError) as raised:
        held.restore(three)
    assert "2 of 3 signals of 2026-11-01 are already in table signals" in raised.value.what
    assert "(1 of them different): signal-00002, signal-00003" in raised.value.what
    assert "--on-conflict skip" in raised.value.remedy
    assert "--on-conflict replace" in raised.value.remedy
    assert raised.value.exit_code is ExitCode.FAILED
    assert everything(held) == before


def test_equal_signals_are_a_conflict_too(place: Place, three: DayRun) -> None:
    place.restore(three)
    with pytest.raises(SignalConflictError, match=r"3 of 3 signals .* \(0 of them different\)"):
        place.restore(three)
    assert place.rows() == as_held(signals(3))


def test_a_conflict_names_at_most_ten_ids(place: Place, make_day: MakeDay) -> None:
    run = make_day(signals(12))
    place.restore(run)
    with pytest.raises(SignalConflictError) as raised:
        place.restore(run)
    assert "signal-00010" in raised.value.what
    assert "signal-00011" not in raised.value.what


def test_skip_adds_missing_signals_and_keeps_different_ones(held: Place, three: DayRun) -> None:
    assert counts(held.restore(three, OnConflict.SKIP)) == (1, 0, 2, 1)
    assert held.rows() == as_held([signal(1), signal(2), signal(3, strategy="another"), signal(9)])


def test_skipping_twice_changes_nothing(held: Place, three: DayRun) -> None:
    held.restore(three, OnConflict.SKIP)
    before = everything(held)
    assert counts(held.restore(three, OnConflict.SKIP)) == (0, 0, 3, 1)
    assert everything(held) == before


def test_replace_updates_only_different_signals(held: Place, three: DayRun) -> None:
    assert counts(held.restore(three, OnConflict.REPLACE)) == (1, 1, 1, 0)
    assert held.rows() == as_held([*signals(3), signal(9)])
    assert counts(held.restore(three, OnConflict.REPLACE)) == (0, 0, 3, 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("server_timestamp", "NULL"),
        ("server_timestamp", "'x'"),
        ("generation_latency_ms", "NULL"),
        ("generation_latency_ms", "7.000000000000001"),
        ("sha256", "'0'"),
        ("symbol", "'eurusd'"),
        ("timestamp", "'2026-11-01T00:00:01Z'"),
        ("entry_price", "1.0842000000000003"),
    ],
)
def test_a_difference_in_any_single_column_counts(place: Place, make_day: MakeDay, column: str, value: str) -> None:
    run = make_day([signal(1, server_timestamp="", generation_latency_ms=7.0)])
    place.restore(run)
    place.run(f'UPDATE signals SET "{column}" = {value}')
    assert counts(place.restore(run, OnConflict.SKIP)) == (0, 0, 1, 1)
    assert counts(place.restore(run, OnConflict.REPLACE)) == (0, 1, 0, 0)
    assert place.rows() == as_held([signal(1, server_timestamp="", generation_latency_ms=7.0)])


@pytest.mark.parametrize("on_conflict", EVERY)
def test_signals_of_other_days_stay(place: Place, make_day: MakeDay, three: DayRun, on_conflict: OnConflict) -> None:
    other = signal(7, timestamp="2026-10-31T12:00:00Z")
    place.restore(make_day([other], day=DAY.replace(month=10, day=31)))
    assert counts(place.restore(three, on_conflict)) == (3, 0, 0, 0)
    assert place.ids() == ["signal-00001", "signal-00002", "signal-00003", "signal-00007"]


def with_note(place: Place) -> None:
    """Create a table with another order of columns, and an additional column with a default value."""
    place.make_table({"note": "TEXT DEFAULT 'mine'"} | dict(reversed(place.types.items())))


def test_columns_of_an_existing_table_may_be_in_any_order(place: Place, make_day: MakeDay) -> None:
    with_note(place)
    rows = [signal(1, server_timestamp="x"), signal(2, generation_latency_ms=3.5)]
    assert place.restore(make_day(rows)).restored == 2
    assert place.rows() == as_held(rows)


def test_additional_columns_are_kept(place: Place, three: DayRun) -> None:
    with_note(place)
    place.restore(three)
    place.run("UPDATE signals SET note = 'kept ' || signal_id, strategy = 'another' WHERE signal_id <> 'signal-00001'")
    place.run("DELETE FROM signals WHERE signal_id = 'signal-00003'")
    assert counts(place.restore(three, OnConflict.REPLACE)) == (1, 1, 1, 0)
    assert place.run("SELECT signal_id, strategy, note FROM signals ORDER BY signal_id") == [
        ("signal-00001", "trend", "mine"),
        ("signal-00002", "trend", "kept signal-00002"),
        ("signal-00003", "trend", "mine"),
    ]


def test_a_table_without_a_unique_constraint_gets_no_duplicates(place: Place, three: DayRun, make_day: MakeDay) -> None:
    place.make_table(place.types)
    place.restore(make_day([signal(1), signal(2, strategy="another")]))
    with pytest.raises(SignalConflictError):
        place.restore(three)
    assert counts(place.restore(three, OnConflict.SKIP)) == (1, 0, 2, 1)
    assert counts(place.restore(three, OnConflict.REPLACE)) == (0, 1, 2, 0)
    assert place.rows() == as_held(signals(3))


@pytest.mark.parametrize("name", ["verification_hash", "sha256", "SHA256"])
@pytest.mark.parametrize("on_conflict", EVERY)
def test_the_hash_goes_into_the_existing_hash_column(
    place: Place, three: DayRun, name: str, on_conflict: OnConflict
) -> None:
    types = {name if column == "sha256" else column: kind for column, kind in place.types.items()}
    place.make_table(types)
    place.run(
        f"INSERT INTO signals (signal_id, symbol, action, entry_price, target_price, stop_price, confidence, "
        f"strategy, \"timestamp\", \"{name}\") VALUES ('other', 'A', 'BUY', 1, 1, 1, 1, 's', '2020-01-01', 'x')"
    )
    assert counts(place.restore(three, on_conflict)) == (3, 0, 0, 0)
    assert place.rows() == as_held(signals(3))
    assert len(place.run(f'SELECT "{name}" FROM signals WHERE length("{name}") = 64')) == 3


def test_a_day_of_an_interrupted_restore_is_no_conflict(place: Place, three: DayRun) -> None:
    place.restore(three)
    imported = place.target().import_day(importing(three, may_exist=True))
    assert counts(imported) == (0, 0, 3, 0)


@pytest.mark.parametrize(
    "changed", ["DELETE FROM signals WHERE signal_id = 'signal-00002'", "UPDATE signals SET strategy = 'another'"]
)
def test_a_day_that_is_incomplete_or_changed_is_always_a_conflict(place: Place, three: DayRun, changed: str) -> None:
    place.restore(three)
    place.run(changed)
    before = everything(place)
    with pytest.raises(SignalConflictError):
        place.target().import_day(importing(three, may_exist=True))
    assert everything(place) == before


def test_values_changed_by_a_trigger_are_found_and_rolled_back(sqlite_place: Place, three: DayRun) -> None:
    sqlite_place.make_table(sqlite_place.types)
    sqlite_place.run(
        "CREATE TRIGGER meddle AFTER INSERT ON signals WHEN new.signal_id = 'signal-00002' "
        "BEGIN UPDATE signals SET symbol = 'X' WHERE signal_id = 'signal-00002'; END"
    )
    with pytest.raises(ImportVerificationError, match="1 signals changed, 0 missing, 0 too many: signal-00002"):
        sqlite_place.restore(three)
    assert everything(sqlite_place) == []


NEXT = DAY + ONE_DAY


def on_next_day(number: int, **changes: object) -> Row:
    """Return a signal of the day after ``DAY``."""
    return signal(number, (), **{"timestamp": f"{NEXT}T00:00:00+00:00"} | changes)


@pytest.mark.parametrize("is_created", [True, False])
@pytest.mark.parametrize("on_conflict", EVERY)
def test_a_signal_of_another_day_with_the_same_id_is_another_signal(
    place: Place, three: DayRun, make_day: MakeDay, on_conflict: OnConflict, *, is_created: bool
) -> None:
    if not is_created:
        place.make_table(place.types)
    place.restore(three)
    next_day = make_day([on_next_day(2), on_next_day(4)], NEXT)
    assert counts(place.restore(next_day, on_conflict)) == (2, 0, 0, 0)
    assert place.rows() == as_held(signals(3))
    assert place.rows(NEXT) == as_held([on_next_day(2), on_next_day(4)])
    with pytest.raises(SignalConflictError, match=r"2 of 2 signals of 2026-11-02 .* \(0 of them different\)"):
        place.restore(next_day)


@pytest.mark.parametrize("kind", ["TEXT", "timestamptz"])
def test_only_the_signal_of_the_day_is_compared_and_replaced(
    place: Place, three: DayRun, make_day: MakeDay, kind: str
) -> None:
    place.make_table(place.types | {"timestamp": kind if place.engine == "postgres" else "TEXT"})
    place.restore(three)
    next_day = make_day([on_next_day(2)], NEXT)
    place.restore(next_day)
    place.run("UPDATE signals SET strategy = 'another'")
    assert counts(place.restore(next_day, OnConflict.SKIP)) == (0, 0, 1, 1)
    assert counts(place.restore(next_day, OnConflict.REPLACE)) == (0, 1, 0, 0)
    assert place.rows(NEXT) == as_held([on_next_day(2)])
    assert place.rows() == as_held([{**row, "strategy": "another"} for row in signals(3)])


def test_a_signal_that_has_another_time_in_the_target_is_restored_beside_it(place: Place, three: DayRun) -> None:
    place.restore(three)
    place.run(f"UPDATE signals SET \"timestamp\" = '{NEXT}T05:00:00Z' WHERE signal_id = 'signal-00002'")
    assert counts(place.restore(three, OnConflict.SKIP)) == (1, 0, 2, 0)
    assert place.rows() == as_held(signals(3))
    assert [row["timestamp"] for row in place.rows(NEXT)] == [f"{NEXT}T05:00:00Z"]


@pytest.mark.parametrize(
    ("held_at", "is_of_the_day"),
    [
        ("2026-10-31T23:30:00-01:00", True),
        ("2026-11-02 00:30+0100", True),
        ("2026-11-02T00:30:00,5+01", True),
        ("2026-11-01T23:30:00-01:00", False),
        ("2026-11-01T00:30:00+01:00", False),
        ("2026-11-02T00:30:00Z", False),
        ("2026-11-01 in the morning", True),
    ],
)
def test_the_day_of_a_held_signal_is_that_of_its_instant(
    place: Place, three: DayRun, held_at: str, *, is_of_the_day: bool
) -> None:
    place.make_table(place.types)
    place.restore(three)
    place.run(f"UPDATE signals SET \"timestamp\" = '{held_at}' WHERE signal_id = 'signal-00002'")
    restored = (0, 0, 3, 1) if is_of_the_day else (1, 0, 2, 0)
    assert counts(place.restore(three, OnConflict.SKIP)) == restored


@pytest.mark.parametrize("unique", ["", "DEFERRABLE INITIALLY DEFERRED"])
@pytest.mark.parametrize("on_conflict", EVERY)
def test_a_table_that_takes_each_id_once_refuses_the_day_and_names_ids_and_days(
    place: Place, three: DayRun, make_day: MakeDay, on_conflict: OnConflict, unique: str
) -> None:
    place.make_table(place.types | {"signal_id": f"TEXT UNIQUE {unique if place.engine == 'postgres' else ''}"})
    place.restore(three)
    before = everything(place)
    next_day = make_day([on_next_day(2), on_next_day(3), on_next_day(4)], NEXT)
    with pytest.raises(SignalConflictError) as raised:
        place.restore(next_day, on_conflict)
    assert raised.value.exit_code is ExitCode.FAILED
    assert "2 of 3 signals of 2026-11-02 have an id that table signals" in raised.value.what
    assert "for another day: signal-00002 (2026-11-01), signal-00003 (2026-11-01)" in raised.value.what
    assert "unique" in raised.value.what.lower()
    assert "--table" in raised.value.remedy
    assert everything(place) == before
    assert place.restore(next_day, on_conflict, table="second").restored == 3


def test_another_constraint_that_is_violated_is_no_conflict(place: Place, three: DayRun, make_day: MakeDay) -> None:
    place.make_table(place.types | {"sha256": "TEXT UNIQUE"})
    place.restore(three)
    next_day = make_day([on_next_day(8)], NEXT)
    place.run(f"UPDATE signals SET sha256 = '{on_next_day(8)['verification_hash']}' WHERE signal_id = 'signal-00001'")
    with pytest.raises(UnfitTargetError, match="sha256"):
        place.restore(next_day)
    assert len(place.ids()) == 3
