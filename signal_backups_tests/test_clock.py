"""The clock of a run: as the machine's, but always within one UTC day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from signal_backups.core.base import days
from signal_backups_tests.clock import OneDay, in_other_process, within_day

LATE = datetime(2026, 11, 28, 23, 59, 59, 900_000, tzinfo=UTC)


def test_most_of_the_day_it_is_the_machines() -> None:
    noon = LATE.replace(hour=12)
    assert within_day(noon, LATE) == noon


def test_midnight_never_comes_and_time_goes_on() -> None:
    instants = [within_day(LATE + timedelta(seconds=seconds), LATE) for seconds in range(-120, 7200, 10)]
    assert {instant.date() for instant in instants} == {LATE.date()}
    assert instants == sorted(set(instants))


def test_the_product_follows_it_and_so_do_other_processes() -> None:
    assert isinstance(days.system_clock, OneDay)
    program = in_other_process()
    assert repr(str(days.system_clock)) in program
    assert days.utc_now().date() == days.system_clock.began.date()
