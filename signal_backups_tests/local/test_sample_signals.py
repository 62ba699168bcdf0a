"""Sample signals are plausible, hashed as producers do, and the same for the same day."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from signal_backups.core.signals.row_hash import CANONICAL_FORM, matching_form
from signal_backups.local.sample_signals import HISTORY_DAYS, extend_sample_database, sample_signals

DAY = date(2026, 11, 20)


def test_a_day_has_some_hundred_signals_of_several_symbols_from_micro_prices_to_five_figures() -> None:
    signals = list(sample_signals(DAY))
    prices = [float(str(signal["entry_price"])) for signal in signals]
    assert 200 < len(signals) < 400
    assert len({signal["symbol"] for signal in signals}) >= 4
    assert min(prices) < 1e-4
    assert max(prices) > 10_000


def test_every_sample_signal_gives_its_hash() -> None:
    assert all(matching_form(signal, str(signal["sha256"])) == CANONICAL_FORM for signal in sample_signals(DAY))


def test_a_day_is_the_same_whenever_it_is_made() -> None:
    assert list(sample_signals(DAY)) == list(sample_signals(DAY))
    assert list(sample_signals(DAY)) != list(sample_signals(DAY + timedelta(days=1)))


def test_the_database_is_extended_and_never_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "signals.db"
    assert extend_sample_database(path, DAY) > 0
    before = _rows(path)
    assert extend_sample_database(path, DAY) == 0
    added = extend_sample_database(path, DAY + timedelta(days=2))
    after = _rows(path)
    assert after[: len(before)] == before
    assert len(after) == len(before) + added
    assert len({str(row[0])[:10] for row in after}) == HISTORY_DAYS + 2


def test_undated_rows_do_not_matter_to_the_days_that_are_added(tmp_path: Path) -> None:
    path, undated = tmp_path / "signals.db", ("yesterday", "2026-13-45T00:00:00Z", "9999-01-01T00:00:00Z")
    extend_sample_database(path, DAY)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("UPDATE signals SET timestamp = ? WHERE rowid = ?", zip(undated, (1, 2, 3), strict=True))
    assert extend_sample_database(path, DAY) == 0
    tomorrow = DAY + timedelta(days=1)
    assert extend_sample_database(path, tomorrow) == len(list(sample_signals(tomorrow)))


def _rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT timestamp, signal_id FROM signals ORDER BY rowid").fetchall()
