"""Which days the repair requests, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.base.day_ranges import DayRange, ranges_of
from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import FIRST_REPAIR_PAUSE, MAX_REPAIRS, REPAIR_INTERVAL, due_at
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.monitoring.repair_plan import Attempt, Attempts, DagsterDays, Plan, plan_repair, stale_days
from signal_backups.core.vault.day_state import DayState
from signal_backups_tests.core.monitoring.watched import FIRST
from signal_backups_tests.samples.examples import examples

DAYS = [FIRST + number * ONE_DAY for number in range(200)]
NOW = due_at(DAYS[-1]) + timedelta(hours=5)
VERIFIED, UNVERIFIED, MISSING, DUE = DayState.VERIFIED, DayState.UNVERIFIED, DayState.MISSING, DayState.NOT_DUE


def observed(days: Mapping[date, DayState]) -> Observation:
    return Observation(NOW, min(days), max(days), days)


def plan(
    days: Mapping[date, DayState],
    *,
    failed: set[date] | None = None,
    in_progress: set[date] | None = None,
    before: Attempts | None = None,
    now: datetime = NOW,
) -> Plan:
    return plan_repair(observed(days), DagsterDays(failed or set(), in_progress or set()), before or Attempts(), now)


def requested(found: Plan) -> list[tuple[date, date]]:
    return [(attempt.first, attempt.last) for attempt in found.requested]


def days_requested(found: Plan) -> list[date]:
    return [day for attempt in found.requested for day in DayRange(attempt.first, attempt.last).days]


def test_missing_and_unverified_days_are_requested_as_ranges_newest_first() -> None:
    states = [MISSING, UNVERIFIED, VERIFIED, MISSING, VERIFIED, DUE]
    found = plan(dict(zip(DAYS, states, strict=False)))
    assert list(found.stale) == [DAYS[0], DAYS[1], DAYS[3]]
    assert requested(found) == [(DAYS[3], DAYS[3]), (DAYS[0], DAYS[1])]


def test_when_every_day_is_verified_nothing_is_requested() -> None:
    found = plan(dict.fromkeys(DAYS, VERIFIED))
    assert (found.stale, found.requested, found.attempts) == ([], [], Attempts())


def test_a_verified_day_whose_last_run_failed_is_stale() -> None:
    assert requested(plan({DAYS[0]: VERIFIED}, failed={DAYS[0]})) == [(DAYS[0], DAYS[0])]


def test_a_failed_day_is_not_stale_within_its_grace_period() -> None:
    assert plan({DAYS[0]: DUE}, failed={DAYS[0]}).stale == []


def test_a_deleted_day_is_not_stale_even_if_its_run_failed() -> None:
    found = observed(dict(zip(DAYS, [MISSING, DayState.HIDDEN, MISSING], strict=False)))
    assert stale_days(found, failed={DAYS[1]}) == [DAYS[0], DAYS[2]]


def test_a_failed_day_outside_the_observed_days_is_ignored() -> None:
    assert plan({DAYS[1]: VERIFIED}, failed={DAYS[0]}).stale == []


def test_a_day_in_progress_is_not_requested_and_splits_the_range() -> None:
    found = plan(dict.fromkeys(DAYS[:5], MISSING), in_progress={DAYS[2]})
    assert requested(found) == [(DAYS[3], DAYS[4]), (DAYS[0], DAYS[1])]
    assert list(found.stale) == DAYS[:5]


def test_a_long_gap_is_requested_in_at_most_five_ranges_of_a_month() -> None:
    found = plan(dict.fromkeys(DAYS, MISSING))
    assert len(found.requested) == 5
    assert max((attempt.last - attempt.first).days + 1 for attempt in found.requested) == 31
    assert max(days_requested(found)) == DAYS[-1]


def test_the_pause_doubles_with_every_attempt() -> None:
    before, now, pauses = Attempts(), NOW, []
    for _ in range(MAX_REPAIRS):
        found = plan({DAYS[0]: MISSING}, before=before, now=now)
        assert requested(found) == [(DAYS[0], DAYS[0])]
        before, requested_at = found.attempts, now
        while (
            not requested(plan({DAYS[0]: MISSING}, before=before, now=now))
            and now - requested_at < 400 * FIRST_REPAIR_PAUSE
        ):
            now += FIRST_REPAIR_PAUSE
        pauses.append((now - requested_at) // FIRST_REPAIR_PAUSE)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 400]


def test_after_the_last_attempt_a_day_is_reported_as_given_up() -> None:
    last = Attempt(first=DAYS[0], last=DAYS[0], times=MAX_REPAIRS, at=NOW - timedelta(days=300))
    found = plan({DAYS[0]: MISSING, DAYS[1]: MISSING}, before=Attempts(attempts=[last]))
    assert (found.given_up, requested(found)) == ([DAYS[0]], [(DAYS[1], DAYS[1])])
    still = plan({DAYS[0]: MISSING}, before=Attempts(attempts=[last]), in_progress={DAYS[0]})
    assert still.given_up == []


def test_a_day_that_was_fixed_starts_with_no_attempts() -> None:
    last = Attempt(first=DAYS[0], last=DAYS[1], times=MAX_REPAIRS, at=NOW)
    found = plan({DAYS[0]: VERIFIED, DAYS[1]: MISSING}, before=Attempts(attempts=[last]))
    assert found.attempts.by_day() == {DAYS[1]: last.model_copy(update={"first": DAYS[1]})}
    again = plan({DAYS[0]: MISSING}, before=found.attempts)
    assert [attempt.times for attempt in again.requested] == [1]


def test_days_with_different_numbers_of_attempts_are_not_one_range() -> None:
    before = Attempts(attempts=[Attempt(first=DAYS[0], last=DAYS[0], times=2, at=NOW - timedelta(days=1))])
    found = plan({DAYS[0]: MISSING, DAYS[1]: MISSING}, before=before)
    assert [(attempt.first, attempt.times) for attempt in found.requested] == [(DAYS[1], 1), (DAYS[0], 3)]


def test_the_cursor_stays_small_and_survives_as_json() -> None:
    found = plan(dict.fromkeys(DAYS, MISSING))
    body = found.attempts.model_dump_json()
    assert Attempts.model_validate_json(body) == found.attempts
    assert len(found.attempts.attempts) == 1


@given(st.sets(st.sampled_from(DAYS)), st.one_of(st.none(), st.integers(1, 40)))
@examples(200)
def test_ranges_hold_exactly_the_days(days: set[date], longest: int | None) -> None:
    found = ranges_of(days, longest)
    assert [day for each in found for day in each.days] == sorted(days)
    assert all(longest is None or (each.last - each.first).days < longest for each in found)


class Simulated:
    """A simulated Dagster: each day's run takes some ticks, and fails a number of times before it succeeds."""

    def __init__(self, ticks: Mapping[date, int], failures: Mapping[date, int]) -> None:
        self.ticks, self.failures = dict(ticks), dict(failures)
        self.running: dict[date, int] = {}
        self.done: set[date] = set()
        self.failed: set[date] = set()
        self.requested: Counter[date] = Counter()

    def request(self, day: date) -> None:
        assert day not in self.running, "requested while a run is in progress"
        assert day not in self.done
        self.requested[day] += 1
        self.running[day] = self.ticks[day]

    def tick(self) -> None:
        for day in [day for day, left in self.running.items() if left <= 0]:
            del self.running[day]
            if self.failures[day]:
                self.failures[day] -= 1
                self.failed.add(day)
            else:
                self.failed.discard(day)
                self.done.add(day)
        self.running = {day: left - 1 for day, left in self.running.items()}


@st.composite
def simulations(draw: st.DrawFn) -> Simulated:
    days = draw(st.sets(st.sampled_from(DAYS), min_size=1))
    ticks = {day: draw(st.integers(0, 6)) for day in days}
    failures = {day: draw(st.sampled_from([0, 0, 0, 1, 3, MAX_REPAIRS - 1, 100])) for day in days}
    return Simulated(ticks, failures)


@given(simulations())
@examples(30)
def test_every_day_is_requested_until_it_succeeds_but_never_during_a_run_or_too_often(dagster: Simulated) -> None:
    before, now, hopeless = Attempts(), NOW, {day for day, times in dagster.failures.items() if times == 100}
    for _ in range(700):
        states = {day: VERIFIED if day in dagster.done else MISSING for day in dagster.ticks}
        found = plan(states, failed=dagster.failed, in_progress=set(dagster.running), before=before, now=now)
        assert len(days_requested(found)) == len(set(days_requested(found)))
        for day in days_requested(found):
            dagster.request(day)
        before = Attempts.model_validate_json(found.attempts.model_dump_json())
        dagster.tick()
        now += REPAIR_INTERVAL
    assert dagster.done == set(dagster.ticks) - hopeless
    assert {dagster.requested[day] for day in hopeless} <= {MAX_REPAIRS}
    assert set(found.given_up) == hopeless
