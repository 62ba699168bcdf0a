"""Every signal of every day of the reference database is backed up and verifies."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from signal_backups.core.base.days import days_between
from signal_backups_tests.samples.days import DayRun, extracted
from signal_backups_tests.samples.signals import DATA
from signal_backups_tests.samples.tables import sqlite_source

FIRST, LAST = date(2026, 9, 1), date(2026, 11, 14)
DATABASE = DATA / "argo_signals.db"


def test_all_75_days_are_backed_up_completely_and_verify(tmp_path: Path) -> None:
    source = sqlite_source(DATABASE)
    runs: list[DayRun] = [extracted(source, tmp_path, day) for day in days_between(FIRST, LAST)]
    assert len(runs) == 75
    assert all(run.report.records > 0 for run in runs)
    assert sum(run.report.records for run in runs) == 5757
    assert sum(run.report.quarantined for run in runs) == 0
    assert [problem for run in runs for problem in run.verify().problems] == []
    with closing(sqlite3.connect(f"{DATABASE.as_uri()}?mode=ro", uri=True)) as connection:
        stored = connection.execute("SELECT signal_id, sha256 FROM signals").fetchall()
    found = [(record["signal_id"], record["verification_hash"]) for run in runs for record in run.records]
    assert sorted(found) == sorted(stored)  # type: ignore[type-var]


def test_the_days_before_and_after_are_empty(tmp_path: Path) -> None:
    source = sqlite_source(DATABASE)
    around = [extracted(source, tmp_path, day) for day in (FIRST - timedelta(days=1), LAST + timedelta(days=1))]
    assert [run.extract.rows for run in around] == [0, 0]
