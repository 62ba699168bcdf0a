"""Which rows are quarantined and why; no row is ever lost."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.backup import extract, hashed_csv
from signal_backups.core.backup.quarantine import NAMED_ROWS, Fault
from signal_backups.core.signals.fields import QUARANTINE_COLUMNS
from signal_backups.core.source import sqlite
from signal_backups_tests.samples.days import RunDay, extracted
from signal_backups_tests.samples.examples import examples
from signal_backups_tests.samples.signals import DAY, HASHED, NUMBERS, TEXTS, Row, signal, signals
from signal_backups_tests.samples.tables import UNTYPED, sqlite_table

PRICES = ("entry_price", "target_price", "stop_price")

BAD: list[tuple[str, object, str]] = [
    *((name, "", f"{name} is empty") for name in ("signal_id", "symbol", "strategy")),
    ("action", "", "action is not BUY or SELL"),
    ("action", "buy", "action is not BUY or SELL"),
    ("action", "HOLD", "action is not BUY or SELL"),
    ("timestamp", f"{DAY} 25:00", "timestamp is not an instant"),
    *((name, None, f"{name} is missing") for name in HASHED if name != "timestamp"),
    ("verification_hash", None, "verification_hash is missing"),
    *((name, number, f"{name} is not above zero") for name in PRICES for number in (0.0, -0.0, -1.0, -math.inf)),
    *((name, math.inf, f"{name} is not finite") for name in PRICES),
    ("confidence", -0.001, "confidence is not within 0 to 100"),
    ("confidence", 100.001, "confidence is not within 0 to 100"),
    ("confidence", math.inf, "confidence is not within 0 to 100"),
    ("verification_hash", "", "verification_hash is not 64 characters long"),
    ("verification_hash", "ab" * 31, "verification_hash is not 64 characters long"),
    ("verification_hash", "ab" * 33, "verification_hash is not 64 characters long"),
    ("verification_hash", "xy" * 32, "verification_hash is not lower-case hex"),
    ("verification_hash", "AB" * 32, "verification_hash is not lower-case hex"),
    ("verification_hash", "a" * 63 + "\n", "verification_hash is not lower-case hex"),
]


@pytest.mark.parametrize(("field", "value", "reason"), BAD)
def test_a_row_that_breaks_a_rule_is_quarantined_with_its_reason(
    run_day: RunDay, field: str, value: object, reason: str
) -> None:
    run = run_day([signal(1, **{field: value}), signal(2)])
    assert run.ids() == ["signal-00002"]
    assert reason in run.reason()
    assert "schema" in run.faults()
    assert (run.report.records, run.report.quarantined) == (1, 1)
    assert run.verify().ok


@pytest.mark.parametrize(
    ("field", "value"),
    [("confidence", 0.0), ("confidence", 100.0), ("entry_price", 5e-324), ("stop_price", 1.7e308),
     ("action", "SELL"), ("symbol", " "), ("strategy", "\0"), ("signal_id", "'")],
)  # fmt: skip
def test_a_row_at_the_edge_of_a_rule_is_good(run_day: RunDay, field: str, value: object) -> None:
    run = run_day([signal(1, **{field: value})])
    assert (run.report.records, run.report.quarantined) == (1, 0)
    assert run.verify().ok


def test_a_row_that_does_not_match_its_hash_is_quarantined(run_day: RunDay) -> None:
    run = run_day([signal(1) | {"entry_price": 1.0843}, signal(2)])
    assert run.quarantined_ids() == ["signal-00001"]
    assert run.reason() == "verification_hash does not match the row"
    assert run.report.faults == {Fault.HASH: 1}


def test_a_row_with_a_correct_hash_can_violate_the_schema(run_day: RunDay) -> None:
    assert run_day([signal(action="HOLD")]).report.faults == {Fault.SCHEMA: 1}


def test_a_row_can_have_several_faults_and_has_all_their_reasons(run_day: RunDay) -> None:
    run = run_day([signal(1) | {"action": "HOLD", "confidence": 101.0, "symbol": ""}])
    for reason in ("action is not", "confidence is not within", "symbol is empty", "does not match the row"):
        assert reason in run.reason()
    assert run.report.faults == {Fault.SCHEMA: 1, Fault.HASH: 1}


def test_a_day_of_good_rows_has_no_quarantine_file(run_day: RunDay) -> None:
    run = run_day(signals(3))
    assert not run.folder.quarantine_csv.exists()
    assert run.report.quarantine_sha256 is None
    assert run.report.faults == {}


def test_the_quarantine_holds_the_row_verbatim(run_day: RunDay) -> None:
    row = signal(symbol='a "b", c\n', confidence=101.0)
    (found,) = run_day([row]).quarantine
    assert tuple(found) == QUARANTINE_COLUMNS
    assert {name: found[name] for name in TEXTS} == {name: row[name] for name in TEXTS}
    assert {name: found[name] for name in NUMBERS} == {name: repr(row[name]) for name in NUMBERS}


def test_the_first_of_rows_with_the_same_id_is_backed_up(run_day: RunDay) -> None:
    rows = [signal(3, signal_id="same"), signal(1, signal_id="same"), signal(2, signal_id="same"), signal(4)]
    run = run_day(rows)
    assert [record["timestamp"] for record in run.records] == ["2026-11-01T00:00:01+00:00", "2026-11-01T00:00:04+00:00"]
    assert [row["quarantine_reason"] for row in run.quarantine] == ["signal_id repeats within the day"] * 2
    assert run.report.faults == {Fault.DUPLICATE: 2}
    assert run.verify().ok


def test_the_first_good_one_of_rows_with_the_same_id_is_backed_up(run_day: RunDay) -> None:
    bad = signal(1, signal_id="same") | {"entry_price": 2.0}
    run = run_day([bad, signal(2, signal_id="same"), signal(3, signal_id="same")])
    assert [record["timestamp"] for record in run.records] == ["2026-11-01T00:00:02+00:00"]
    assert run.report.faults == {Fault.DUPLICATE: 2, Fault.HASH: 1}


def test_of_rows_with_the_same_id_none_is_backed_up_when_none_is_good(run_day: RunDay) -> None:
    run = run_day([signal(number, signal_id="same", action="HOLD") for number in (1, 2)])
    assert (run.report.records, run.report.quarantined) == (0, 2)
    assert run.report.faults == {Fault.SCHEMA: 2, Fault.DUPLICATE: 1}


def test_identical_rows_are_duplicates(run_day: RunDay) -> None:
    run = run_day([signal(1), signal(1), signal(1)])
    assert (run.report.records, run.report.quarantined) == (1, 2)


def test_rows_without_id_are_not_duplicates(run_day: RunDay) -> None:
    run = run_day([signal(number, signal_id=None) for number in (1, 2)])
    assert run.report.faults == {Fault.SCHEMA: 2}


def test_the_same_id_on_another_day_is_not_a_duplicate(run_day: RunDay) -> None:
    assert run_day([signal(1), signal(1, timestamp="2026-11-02T00:00:00Z")]).report.quarantined == 0


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BATCH_ROWS", 5)
    monkeypatch.setattr(extract, "BATCH_ROWS", 5)


def test_duplicates_are_found_across_batches(run_day: RunDay, small_batches: None) -> None:
    run = run_day([*signals(30), signal(31, signal_id="signal-00002")])
    assert run.report.faults == {Fault.DUPLICATE: 1}
    assert run.quarantine[0]["timestamp"] == "2026-11-01T00:00:31+00:00"


ORDERED = [
    signal(1, signal_id="b", timestamp="2026-11-01T00:00:00Z"),
    signal(2, signal_id="c", timestamp="2026-11-01 01:00:00+01:00"),
    signal(3, signal_id="d", timestamp="2026-10-31T12:00:00-12:00"),
    signal(4, signal_id="a", timestamp="2026-11-02T13:59:59+14:00"),
    signal(5, signal_id="Z", timestamp="2026-11-01T23:59:59.5"),
    signal(6, signal_id="é", timestamp="2026-11-01T23:59:59,500Z"),
]


@pytest.mark.parametrize("seed", range(5))
def test_rows_are_ordered_by_instant_then_id_whatever_the_table_order(run_day: RunDay, seed: int) -> None:
    rows = random.Random(seed).sample(ORDERED, len(ORDERED))  # noqa: S311 - a shuffle, not a secret
    assert run_day(rows).ids() == ["b", "c", "d", "a", "Z", "é"]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_rows_give_the_same_bytes_whatever_the_batches(
    run_day: RunDay, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rows = [*signals(60), *(row | {"entry_price": 7.0} for row in signals(60)[::7]), *ORDERED, *ORDERED]
    rows += [signal(90, signal_id="same", confidence=None), signal(91, timestamp="garbage")]
    whole = run_day(rows)
    monkeypatch.setattr(sqlite, "BATCH_ROWS", 4)
    monkeypatch.setattr(extract, "BATCH_ROWS", 3 + seed)
    rows = random.Random(seed).sample(rows, len(rows))  # noqa: S311 - a shuffle, not a secret
    parts = run_day(rows, file="shuffled.db")
    assert parts.csv == whole.csv
    assert parts.folder.quarantine_csv.read_bytes() == whole.folder.quarantine_csv.read_bytes()
    assert parts.report.sha256 == whole.report.sha256


def test_the_quarantine_is_the_same_bytes_when_only_unreadable_values_differ(run_day: RunDay) -> None:
    rows = [signal(1, confidence=stored, verification_hash="0" * 64) for stored in ("much", "more", "most")]
    runs = [run_day(order, file=f"{number}.db", types=UNTYPED) for number, order in enumerate((rows, rows[::-1]))]
    assert len({run.report.quarantine_sha256 for run in runs}) == 1


def test_rows_that_are_in_order_are_not_sorted_again(run_day: RunDay) -> None:
    assert not run_day(signals(10)).extract.sorted_by_engine
    assert run_day(ORDERED, file="other.db").extract.sorted_by_engine


def test_the_order_is_checked_across_batches(run_day: RunDay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BATCH_ROWS", 1)
    rows = [signal(number, timestamp="2026-11-01T00:00:00Z") for number in (2, 1)]
    assert run_day(rows).ids() == ["signal-00001", "signal-00002"]


@pytest.mark.parametrize("size", [2, 3])
def test_the_last_row_of_a_batch_is_compared_with_the_first_of_the_next(
    run_day: RunDay, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(sqlite, "BATCH_ROWS", size)
    rows = [signal(number, timestamp="2026-11-01T00:00:00Z") for number in (1, 3, 5, 2, 4, 6)]
    assert run_day(rows).ids() == [f"signal-{number:05}" for number in range(1, 7)]


def test_integer_forms_are_counted(run_day: RunDay) -> None:
    rows = [
        signal(1, confidence=87.0, as_integer=["confidence"]),
        signal(2, confidence=87.0, entry_price=2.0, as_integer=["entry_price"]),
        signal(3, confidence=87.0, entry_price=2.0, as_integer=["entry_price", "confidence"]),
        signal(4, confidence=87.0),
        signal(5, confidence=87.0, action="HOLD", as_integer=["confidence"]),
    ]
    run = run_day(rows)
    assert (run.report.records, run.report.integer_form_records) == (4, 3)
    assert run.verify().integer_form_rows == 3


def test_ten_rows_of_each_fault_are_named(run_day: RunDay) -> None:
    rows = [signal(number, action="HOLD") for number in range(1, 16)]
    rows += [signal(number) | {"entry_price": 9.0} for number in range(16, 31)]
    report = run_day(rows).report
    assert report.quarantined == 30
    assert [row.signal_id for row in report.rows_with(Fault.HASH)] == [f"signal-{n:05}" for n in range(16, 26)]
    assert len(report.rows_with(Fault.SCHEMA)) == NAMED_ROWS
    assert report.rows_with(Fault.DUPLICATE) == []


def test_no_part_file_is_left_behind(run_day: RunDay, small_batches: None) -> None:
    run = run_day([*signals(20), signal(21, action="HOLD")])
    names = {path.name for path in run.folder.path.iterdir()}
    assert names == {"extract.arrow", "backup.csv", "quarantine.csv", "ExtractReport.json", "CsvReport.json"}


def test_a_saved_report_is_loaded_unchanged(run_day: RunDay) -> None:
    run = run_day([*signals(3), signal(4, action="HOLD")])
    assert run.folder.load(hashed_csv.CsvReport, "hashed_csv") == run.report


any_values = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=8),
    st.sampled_from(["BUY", "2026-11-01T12:00:00Z", "0" * 64, 1.0, 50, 0, -1]),
)
maybe_bad_signals = st.builds(
    lambda number, changes: signal(number) | changes,
    st.integers(1, 6),
    st.dictionaries(st.sampled_from([*HASHED, "verification_hash"]), any_values, max_size=3),
)


@examples(25)
@given(st.lists(maybe_bad_signals, max_size=12))
def test_every_row_is_in_the_backup_or_in_quarantine_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("day")
    tagged = [row | {"server_timestamp": str(number)} for number, row in enumerate(rows)]
    run = extracted(sqlite_table(folder / "signals.db", tagged, UNTYPED | {"server_timestamp": "TEXT"}), folder)
    dated = [row for row in tagged if str(row["timestamp"]).startswith(str(DAY)) and isinstance(row["timestamp"], str)]
    found = sorted(str(row["server_timestamp"]) for row in [*run.records, *run.quarantine])
    assert found == sorted(str(row["server_timestamp"]) for row in dated)
    assert run.report.records + run.report.quarantined == run.extract.rows
    assert (run.report.records, run.report.quarantined) == (len(run.records), len(run.quarantine))
    assert run.verify().ok
