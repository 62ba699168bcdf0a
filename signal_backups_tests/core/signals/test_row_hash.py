"""The verification hash: the reference vectors, and SQL compared with Python."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from hashlib import sha256

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.row_hash import (
    CANONICAL_FORM,
    HASHED_NUMBERS,
    canonical_json,
    canonical_number_sql,
    integer_form_sql,
    matches_sql,
    matching_form,
    other_forms_sql,
)
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.examples import confidences, examples, finite, integral, prices, texts
from signal_backups_tests.samples.signals import HASHED, NUMBERS, TEXTS, Row, hash_vectors, producer_hash, signal

VECTORS = hash_vectors()
#: Replacement characters; every replacement must be found.
REPLACEMENTS = '0aZ é"\\\n'

rows = st.fixed_dictionaries(
    {
        **dict.fromkeys(TEXTS, texts),
        **dict.fromkeys(("entry_price", "target_price", "stop_price"), st.one_of(prices, finite, integral)),
        "confidence": st.one_of(confidences, finite),
    }
)


def as_texts(row: Row) -> Row:
    """A row with numbers as text, as in a CSV."""
    return row | {name: repr(row[name]) for name in NUMBERS if isinstance(row[name], float)}


def sql_forms(found: list[Row]) -> list[int | None]:
    """For each row of CSV text, the form in which SQL accepts it."""
    table = pa.Table.from_pylist([row | {"row": number} for number, row in enumerate(found)])
    with closing(duckdb_engine.cursor()) as cursor:
        cursor.register("texts", table)
        canonical = {row for (row,) in cursor.execute(f"SELECT row FROM texts WHERE {matches_sql()}").fetchall()}
        others = dict(cursor.execute(f"SELECT row, form FROM {other_forms_sql('texts')}").fetchall())
    return [CANONICAL_FORM if row in canonical else others.get(row) for row in range(len(found))]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["signal_id"]))
def test_every_reference_vector_matches_its_hash(vector: Row) -> None:
    assert matching_form(vector, str(vector["verification_hash"])) is not None


def test_sql_accepts_the_reference_vectors_in_the_same_forms_as_python() -> None:
    assert sql_forms([as_texts(vector) for vector in VECTORS]) == [
        matching_form(vector, str(vector["verification_hash"])) for vector in VECTORS
    ]


def test_the_reference_vectors_have_no_hash_fault(run_day: RunDay) -> None:
    days = [run_day(VECTORS, day=date(2026, month, day), file=f"{month}.db") for month, day in ((8, 31), (9, 1))]
    assert sum(day.extract.rows for day in days) == len(VECTORS)
    assert not any("hash" in day.report.faults for day in days)
    assert all(day.verify().ok for day in days)


def test_vectors_hashed_as_integers_are_counted_separately(run_day: RunDay) -> None:
    as_integers = [row for row in VECTORS if matching_form(row, str(row["verification_hash"])) != CANONICAL_FORM]
    with_text = [row for row in as_integers if row["symbol"] and row["strategy"]]
    first, second = (run_day(with_text, day=day, file=f"{day}.db") for day in (date(2026, 8, 31), date(2026, 9, 1)))
    assert len(with_text) > 100
    assert first.report.integer_form_records + second.report.integer_form_records == len(with_text)


def test_any_replaced_character_of_any_field_is_rejected() -> None:
    changed = [
        texts | {field: text[:place] + other + text[place + 1 :]}
        for turn, texts in enumerate(map(as_texts, VECTORS[::2]))
        for field in (*HASHED, "verification_hash")
        for text in [str(texts[field])]
        for place in range(len(text))
        for other in [_other(text[place], turn + place)]
    ]
    assert len(changed) > 15_000
    assert sql_forms(changed) == [None] * len(changed)


@pytest.mark.parametrize("text", ['momentum "breakout"', "back\\slash", "tab\there", "トレンド", "del\x7f"])
def test_text_that_is_already_escaped_does_not_match(text: str) -> None:
    original = as_texts(signal(strategy=text))
    escaped = original | {"strategy": json.dumps(text)[1:-1]}
    assert sql_forms([original, escaped]) == [CANONICAL_FORM, None]


def test_any_deleted_or_doubled_character_is_rejected() -> None:
    changed = [
        texts | {field: text[:place] + replacement + text[place + 1 :]}
        for texts in map(as_texts, VECTORS[::4])
        for field in HASHED
        for text in [str(texts[field])]
        for place in range(len(text))
        for replacement in ("", text[place] * 2)
    ]
    assert sql_forms(changed) == [None] * len(changed)


def _other(character: str, turn: int) -> str:
    return next(other for other in REPLACEMENTS[turn % len(REPLACEMENTS) :] + REPLACEMENTS if other != character)


@examples(200)
@given(data=st.data(), vector=st.sampled_from(VECTORS), field=st.sampled_from((*TEXTS, "verification_hash")))
def test_python_rejects_any_changed_text(data: st.DataObject, vector: Row, field: str) -> None:
    text = data.draw(texts.filter(lambda text: text != vector[field]))
    row = vector | {field: text}
    assert matching_form(row, str(row["verification_hash"])) is None


@examples(200)
@given(vector=st.sampled_from(VECTORS), field=st.sampled_from(NUMBERS), number=finite)
def test_python_rejects_any_changed_number(vector: Row, field: str, number: float) -> None:
    changed = number != vector[field]
    assert (matching_form(vector | {field: number}, str(vector["verification_hash"])) is None) == changed


@examples(80)
@given(st.lists(rows, min_size=1, max_size=8))
def test_sql_and_python_hash_any_row_equally(found: list[Row]) -> None:
    hashed = [row | {"verification_hash": sha256(canonical_json(row).encode()).hexdigest()} for row in found]
    assert [producer_hash(row) for row in found] == [row["verification_hash"] for row in hashed]
    assert sql_forms([as_texts(row) for row in hashed]) == [CANONICAL_FORM] * len(hashed)


@examples(100)
@given(st.data(), st.lists(rows, min_size=1, max_size=5))
def test_sql_and_python_agree_on_the_integer_form(data: st.DataObject, found: list[Row]) -> None:
    hashed = []
    for row in found:
        whole = [name for name in NUMBERS if float(str(row[name])).is_integer()]
        chosen = data.draw(st.lists(st.sampled_from(whole), unique=True)) if whole else []
        hashed.append(row | {"verification_hash": producer_hash(row, chosen)})
    forms = [matching_form(row, str(row["verification_hash"])) for row in hashed]
    assert None not in forms
    assert sql_forms([as_texts(row) for row in hashed]) == forms


@examples(200)
@given(st.lists(finite, min_size=1, max_size=50))
def test_sql_writes_a_double_as_repr_does(numbers: list[float]) -> None:
    assert in_sql(canonical_number_sql("number"), [repr(number) for number in numbers]) == [
        repr(number) for number in numbers
    ]


@examples(200)
@given(st.lists(finite, min_size=1, max_size=50))
def test_sql_casts_a_stored_double_to_repr(numbers: list[float]) -> None:
    assert in_sql("CAST(number AS VARCHAR)", numbers) == [repr(number) for number in numbers]


@examples(200)
@given(st.lists(st.one_of(finite, integral, integral.map(lambda number: -number)), min_size=1, max_size=50))
def test_sql_writes_integral_doubles_as_python_integers(numbers: list[float]) -> None:
    wanted = [str(int(number)) if number.is_integer() else None for number in numbers]
    assert in_sql(integer_form_sql("number"), [repr(number) for number in numbers]) == wanted


@examples(200)
@given(st.lists(texts, min_size=1, max_size=20))
def test_sql_escapes_text_as_json_does(found: list[str]) -> None:
    assert in_sql(f"{duckdb_engine.ESCAPED}(number)", found) == [json.dumps(text)[1:-1] for text in found]


def in_sql(expression: str, values: list[object] | list[float] | list[str]) -> list[object]:
    with closing(duckdb_engine.cursor()) as cursor:
        cursor.register("given", pa.table({"number": values}))
        return [value for (value,) in cursor.execute(f"SELECT {expression} FROM given").fetchall()]


def test_the_hash_is_of_sorted_ascii_json_with_spaces() -> None:
    row = signal(symbol="Zoë", entry_price=1e-05, target_price=150.0, stop_price=1e16, confidence=87.0)
    assert canonical_json(row) == (
        '{"action": "BUY", "confidence": 87.0, "entry_price": 1e-05, "signal_id": "signal-00001", '
        '"stop_price": 1e+16, "strategy": "trend", "symbol": "Zo\\u00eb", "target_price": 150.0, '
        '"timestamp": "2026-11-01T00:00:01+00:00"}'
    )


def test_integer_forms_are_written_as_integers() -> None:
    row = signal(entry_price=1e22)
    assert '"entry_price": 10000000000000000000000,' in canonical_json(row, ["entry_price"])


def test_a_number_that_is_not_integral_has_no_integer_form() -> None:
    row = signal(confidence=87.5)
    assert matching_form(row, producer_hash(row, ["confidence"])) is None


def test_an_upper_case_hash_does_not_match() -> None:
    row = signal()
    assert matching_form(row, str(row["verification_hash"]).upper()) is None


@pytest.mark.parametrize("field", HASHED)
def test_a_missing_field_never_matches(field: str) -> None:
    assert sql_forms([as_texts(signal()) | {field: None}, as_texts(signal())]) == [None, CANONICAL_FORM]


@pytest.mark.parametrize("text", ["150.00", "0150.0", "+150.0", " 150.0", "1.5e2", "1.5e+02", "15e1", "150.", "1_50.0"])
def test_another_spelling_of_a_number_does_not_match(text: str) -> None:
    row = signal(entry_price=150.0)
    assert sql_forms([as_texts(row) | {"entry_price": text}]) == [None]


@pytest.mark.parametrize("field", HASHED_NUMBERS)
def test_a_number_written_as_an_integer_matches_either_hash(field: str) -> None:
    row = signal(entry_price=87.0, target_price=88.0, stop_price=80.0, confidence=87.0)
    hashed_as_integer = row | {"verification_hash": producer_hash(row, [field])}
    written = [as_texts(found) | {field: str(int(str(row[field])[:-2]))} for found in (row, hashed_as_integer)]
    assert None not in sql_forms(written)
