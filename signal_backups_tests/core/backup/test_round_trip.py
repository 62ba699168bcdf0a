"""Any value in the database is read unchanged from the CSV, and verifies."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.source import SignalSource
from signal_backups_tests.samples.days import RunDay, extracted
from signal_backups_tests.samples.examples import confidences, examples, nonempty_texts, prices, texts
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import (
    OPTIONAL_POSTGRES_TYPES,
    OPTIONAL_TYPES,
    POSTGRES_TYPES,
    SQLITE_TYPES,
    postgres_table,
    sqlite_table,
)

FIELDS = [*(name for name in SQLITE_TYPES if name != "sha256"), "verification_hash", *OPTIONAL_TYPES]
AWKWARD = [
    "NULL",
    "null",
    "",
    '""',
    '"',
    '""",',
    "a\rb",
    "a\nb",
    "a\r\nb",
    "\n",
    " x ",
    "#x",
    "\0",
    "\\N",
    "=1+1",
    "﻿",
    "é",
    "😀",
    "\u2028",
]


#: SQLite stores -0.0 as 0.0.
without_negative_zero = st.floats(allow_nan=False).map(lambda number: number + 0.0)


@st.composite
def good_rows(draw: st.DrawFn) -> list[Row]:
    """Good signals with arbitrary texts and numbers."""
    ids = draw(st.lists(nonempty_texts, max_size=6, unique=True))
    return [
        signal(
            number,
            signal_id=signal_id,
            symbol=draw(nonempty_texts),
            action=draw(st.sampled_from(["BUY", "SELL"])),
            strategy=draw(nonempty_texts),
            entry_price=draw(prices),
            target_price=draw(prices),
            stop_price=draw(prices),
            confidence=draw(confidences),
            generation_latency_ms=draw(st.none() | without_negative_zero),
            server_timestamp=draw(st.none() | texts),
        )
        for number, signal_id in enumerate(ids)
    ]


def check(source: SignalSource, rows: list[Row], folder: pytest.TempPathFactory) -> None:
    run = extracted(source, folder.mktemp("day"))
    assert run.quarantine == []
    assert run.records == [{name: as_text(row[name]) for name in FIELDS} for row in rows]
    verification = run.verify()
    assert verification.problems == []
    assert verification.records == verification.rows_hashed == len(rows)


def as_text(value: object) -> object:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else {math.inf: "inf", -math.inf: "-inf"}[value]
    return value


@examples(40)
@given(good_rows())
def test_sqlite_to_csv_to_verified(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    path = tmp_path_factory.mktemp("database") / "signals.db"
    check(sqlite_table(path, rows, SQLITE_TYPES | OPTIONAL_TYPES), rows, tmp_path_factory)


def without_nul(row: Row) -> bool:
    """PostgreSQL cannot store NUL in text."""
    return "\0" not in "".join(value for value in row.values() if isinstance(value, str))


@pytest.fixture
def database(postgres_database: str) -> str:
    return postgres_database


@examples(15)
@given(rows=good_rows().map(lambda rows: [row for row in rows if without_nul(row)]))
def test_postgres_to_csv_to_verified(database: str, tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    source = postgres_table(database, rows, POSTGRES_TYPES | OPTIONAL_POSTGRES_TYPES)
    check(source, rows, tmp_path_factory)


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text_survives(run_day: RunDay, text: str) -> None:
    run = run_day(
        [signal(1, symbol=text or "-", signal_id=text or "-", server_timestamp=text)],
        types=SQLITE_TYPES | OPTIONAL_TYPES,
    )
    (record,) = run.records
    assert (record["symbol"], record["signal_id"], record["server_timestamp"]) == (text or "-", text or "-", text)
    assert run.verify().ok


def test_null_and_the_empty_string_are_distinguished(run_day: RunDay) -> None:
    rows = [signal(1, server_timestamp=None), signal(2, server_timestamp="")]
    run = run_day(rows, types=SQLITE_TYPES | OPTIONAL_TYPES)
    assert [line.split(b",")[-1] for line in run.csv.splitlines()[1:]] == [b"", b'""']


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (150.0, "150.0"),
        (1e-05, "1e-05"),
        (1e16, "1e+16"),
        (0.1, "0.1"),
        (5e-324, "5e-324"),
        (123456789012345.6, "123456789012345.6"),
    ],
)
def test_numbers_are_written_as_repr(run_day: RunDay, number: float, text: str) -> None:
    (record,) = run_day([signal(entry_price=number)]).records
    assert record["entry_price"] == text == repr(number)


def test_the_file_is_utf8_with_lf_and_a_header_in_order(run_day: RunDay) -> None:
    run = run_day([signal(symbol="Zoë")])
    header, row = run.csv.decode("utf-8").splitlines()
    assert header == (
        "signal_id,symbol,action,entry_price,target_price,stop_price,confidence,strategy,timestamp,"
        "verification_hash,generation_latency_ms,server_timestamp"
    )
    assert row.startswith("signal-00001,Zoë,BUY,1.0842,1.0923,1.0799,87.5,trend,2026-11-01T00:00:01+00:00,")
    assert b"\r" not in run.csv
    assert run.csv.endswith(b",,\n")
