"""Comparing a backup with rows of a table: added, changed and removed rows are counted exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.signals.compare_rows import NAMED_IDS, Difference, RowComparison, row_comparer
from signal_backups.core.signals.fields import CSV_COLUMNS
from signal_backups.core.source import SOURCE_SCHEMA
from signal_backups_tests.core.restore.backups import MakeDay
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.examples import examples
from signal_backups_tests.samples.signals import Row, signal, signals

BAD: list[Row] = [signal(21, action="HOLD"), signal(22, action="HOLD")]


def batches(rows: Sequence[Row]) -> Iterable[pa.RecordBatch]:
    """Return rows in small batches, as a database does."""
    whole = [{name: row.get(name) for name in SOURCE_SCHEMA.names} for row in rows]
    for start in range(0, len(whole), 3):
        yield pa.RecordBatch.from_pylist(whole[start : start + 3], schema=SOURCE_SCHEMA)


def compared(run: DayRun, held: Sequence[Row]) -> RowComparison:
    with row_comparer() as comparer:
        comparer.add_backup(run.folder.backup_csv)
        if run.report.quarantined:
            comparer.add_backup(run.folder.quarantine_csv, is_quarantine=True)
        comparer.add_database_rows(batches(held))
        return comparer.compare()


def difference(*ids: str) -> Difference:
    return Difference(count=len(ids), signal_ids=list(ids))


def test_equal_rows_are_unchanged(make_day: MakeDay) -> None:
    found = compared(make_day([*signals(9), *BAD]), [*reversed(signals(9)), *BAD])
    assert found == RowComparison(unchanged=9, mutated=Difference(), deleted=Difference(), late=Difference())
    assert found.is_equal


def test_late_changed_and_deleted_signals_are_counted_and_named(make_day: MakeDay) -> None:
    held = [
        *signals(9)[3:],
        signal(1, symbol="X"),
        signal(2, confidence=87.50000000000001),
        signal(10),
        signal(11, action="HOLD"),
    ]
    found = compared(make_day(signals(9)), held)
    assert found == RowComparison(
        unchanged=6,
        mutated=difference("signal-00001", "signal-00002"),
        deleted=difference("signal-00003"),
        late=difference("signal-00010", "signal-00011"),
    )
    assert not found.is_equal


def test_a_second_signal_with_the_same_id_is_late(make_day: MakeDay) -> None:
    found = compared(make_day(signals(3)), [*signals(3), signal(2, symbol="X")])
    assert (found.unchanged, found.late, found.mutated) == (3, difference("signal-00002"), Difference())


@pytest.mark.parametrize("column", [name for name in CSV_COLUMNS if name != "signal_id"])
def test_a_change_in_any_single_column_is_found(make_day: MakeDay, column: str) -> None:
    row = signal(1, generation_latency_ms=2.5, server_timestamp="x")
    other = 3.5 if isinstance(row[column], float) else "other"
    found = compared(make_day([row]), [{**row, column: other}])
    assert (found.mutated, found.unchanged) == (difference("signal-00001"), 0)


def test_null_and_the_empty_string_are_different(make_day: MakeDay) -> None:
    run = make_day([signal(1, server_timestamp=""), signal(2)])
    assert compared(run, [signal(1, server_timestamp=""), signal(2, server_timestamp=None)]).is_equal
    swapped = [signal(1, server_timestamp=None), signal(2, server_timestamp="")]
    assert compared(run, swapped).mutated == difference("signal-00001", "signal-00002")


@pytest.mark.parametrize("number", [5e-324, 1e-05, 0.1 + 0.2, 1e16, 1.7976931348623157e308])
def test_numbers_are_compared_as_doubles(make_day: MakeDay, number: float) -> None:
    run = make_day([signal(1, entry_price=number)])
    assert compared(run, [signal(1, entry_price=number)]).is_equal
    assert not compared(run, [{**signal(1, entry_price=number), "entry_price": number / 2 or 1e-323}]).is_equal


def test_quarantined_rows_are_neither_late_nor_deleted(make_day: MakeDay) -> None:
    run = make_day([*signals(3), *BAD])
    assert compared(run, signals(3)).is_equal
    assert compared(run, [*signals(3), *BAD]).is_equal


def test_a_quarantined_row_that_was_fixed_is_late(make_day: MakeDay) -> None:
    found = compared(make_day([*signals(3), *BAD]), [*signals(3), signal(21), BAD[1]])
    assert (found.late, found.unchanged) == (difference("signal-00021"), 3)


def test_all_differences_are_counted_and_the_first_are_named(make_day: MakeDay) -> None:
    found = compared(make_day([]), signals(25))
    assert found.late == Difference(count=25, signal_ids=[f"signal-{number:05}" for number in range(1, NAMED_IDS + 1)])
    assert compared(make_day(signals(25)), []).deleted == found.late


def test_the_rows_of_the_backup_may_come_from_a_database(tmp_path: Path) -> None:
    with row_comparer() as comparer:
        comparer.add_backup_rows(batches(signals(3)))
        comparer.add_database_rows(batches(signals(4)[1:]))
        found = comparer.compare()
    assert (found.unchanged, found.deleted, found.late) == (2, difference("signal-00001"), difference("signal-00004"))


#: Number of a signal -> what happened to it since its backup.
outcomes = st.dictionaries(st.integers(1, 30), st.sampled_from(["same", "changed", "deleted", "late"]), max_size=12)
bad_outcomes = st.dictionaries(st.integers(31, 40), st.sampled_from(["same", "changed", "deleted"]), max_size=4)


def model(
    saved: dict[str, Any], bad: dict[str, Any], held: dict[str, Any]
) -> tuple[int, list[str], list[str], list[str]]:
    """Return unchanged, mutated, deleted and late signals; ids are unique on each side."""
    unchanged = sum(held.get(name) == row for name, row in saved.items())
    mutated = [name for name, row in saved.items() if name in held and held[name] != row]
    deleted = [name for name in saved if name not in held]
    late = [name for name, row in held.items() if name not in saved and bad.get(name) != row]
    return unchanged, sorted(mutated), sorted(deleted), sorted(late)


@examples(25)
@given(outcomes=outcomes, bad_outcomes=bad_outcomes, values=st.data())
def test_the_counts_equal_those_of_a_simple_model(
    make_day: MakeDay, outcomes: dict[int, str], bad_outcomes: dict[int, str], values: st.DataObject
) -> None:
    changes: st.SearchStrategy[Row] = st.sampled_from(
        [{"symbol": "X"}, {"entry_price": 2.0}, {"server_timestamp": ""}, {"strategy": "NULL"}]
    )
    good = [signal(number) for number, outcome in outcomes.items() if outcome != "late"]
    bad = [signal(number, action="HOLD") for number in bad_outcomes]
    held: list[Row] = []
    for number, outcome in (outcomes | bad_outcomes).items():
        row = signal(number, action="HOLD") if number in bad_outcomes else signal(number)
        changed = values.draw(changes) if outcome == "changed" else {}
        if outcome != "deleted":
            held.append({**row, **changed})
    found = compared(make_day([*good, *bad]), values.draw(st.permutations(held)))

    def by_id(rows: Sequence[Row]) -> dict[str, Row]:
        return {str(row["signal_id"]): row for row in rows}

    unchanged, mutated, deleted, late = model(by_id(good), by_id(bad), by_id(held))
    assert (found.unchanged, found.mutated.count, found.deleted.count, found.late.count) == (
        unchanged,
        len(mutated),
        len(deleted),
        len(late),
    )
    assert found.mutated.signal_ids == mutated[:NAMED_IDS]
    assert found.deleted.signal_ids == deleted[:NAMED_IDS]
    assert found.late.signal_ids == late[:NAMED_IDS]
