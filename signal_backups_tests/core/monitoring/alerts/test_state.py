"""When people are notified: at once, at an interval, and when it is over."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.state import AlertState, Change, after_notifying, due_messages
from signal_backups_tests.samples.examples import examples

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
REMINDER = timedelta(hours=6)
MINUTE = timedelta(minutes=1)
DAYS = [date(2026, 11, number) for number in range(1, 29)]


def condition(key: str = "days/missing", *days: date, what: str = "it broke") -> Condition:
    return Condition(key=key, severity=AlertSeverity.CRITICAL, what=what, days=Days.of(days))


class Watch:
    """One tick after another, with the state kept as JSON in between."""

    def __init__(self) -> None:
        self.now = NOW
        self.state = AlertState(began=NOW)
        self.to: list[tuple[str, ...]] = []

    def tick(
        self, *found: Condition, after: timedelta = MINUTE, reached: bool = True, missed_by: tuple[str, ...] = ()
    ) -> list[tuple[Change, str]]:
        self.now += after
        messages = due_messages(self.state, found, self.now, REMINDER)
        notified = {message.condition.key for message in messages if not message.to} if reached else set()
        missed = {message.condition.key: missed_by for message in messages if message.to} | dict.fromkeys(
            notified, missed_by
        )
        kept = after_notifying(self.state, found, notified, missed, self.now).model_dump_json()
        self.state = AlertState.model_validate_json(kept)
        self.to = [message.to for message in messages]
        return [(message.change, message.condition.key) for message in messages]


def test_a_new_condition_is_notified_once() -> None:
    watch = Watch()
    assert watch.tick(condition()) == [(Change.NEW, "days/missing")]
    assert [watch.tick(condition()) for _ in range(5)] == [[]] * 5


def test_a_lasting_one_is_notified_again_at_the_interval() -> None:
    watch = Watch()
    watch.tick(condition())
    assert watch.tick(condition(), after=REMINDER - MINUTE) == []
    assert watch.tick(condition()) == [(Change.REMINDER, "days/missing")]
    assert watch.tick(condition(), after=REMINDER - MINUTE) == []
    assert watch.tick(condition()) == [(Change.REMINDER, "days/missing")]


def test_its_end_is_notified_once_and_coming_back_is_new() -> None:
    watch = Watch()
    watch.tick(condition())
    assert watch.tick() == [(Change.RECOVERY, "days/missing")]
    assert watch.tick() == []
    assert watch.tick(condition()) == [(Change.NEW, "days/missing")]


def test_another_day_of_a_lasting_condition_is_new_and_one_day_less_is_not() -> None:
    watch = Watch()
    watch.tick(condition("days/missing", DAYS[3]))
    assert watch.tick(condition("days/missing", DAYS[3], DAYS[4])) == [(Change.NEW, "days/missing")]
    assert watch.tick(condition("days/missing", DAYS[4])) == []
    # No recovery was sent for that day, so its return is not new.
    assert watch.tick(condition("days/missing", DAYS[3], DAYS[4])) == []
    assert watch.tick(condition("days/missing", DAYS[0], DAYS[4])) == [(Change.NEW, "days/missing")]


def test_other_words_for_the_same_are_not_new() -> None:
    watch = Watch()
    watch.tick(condition(what="2 rows"))
    assert watch.tick(condition(what="3 rows")) == []
    assert watch.state.open["days/missing"].condition.what == "3 rows"


def test_what_no_channel_took_is_due_again_at_the_next_tick() -> None:
    watch = Watch()
    assert watch.tick(condition(), reached=False) == [(Change.NEW, "days/missing")]
    assert watch.tick(condition(), reached=False) == [(Change.NEW, "days/missing")]
    assert watch.tick(condition()) == [(Change.NEW, "days/missing")]
    assert watch.tick(reached=False) == [(Change.RECOVERY, "days/missing")]
    assert watch.tick() == [(Change.RECOVERY, "days/missing")]
    assert watch.tick() == []


def test_what_a_channel_missed_is_due_to_it_alone_until_it_takes_it() -> None:
    watch = Watch()
    watch.tick(condition(), missed_by=("2 mail", "3 chat"))
    assert watch.tick(condition(), missed_by=("2 mail",)) == [(Change.NEW, "days/missing")]
    assert watch.to == [("2 mail", "3 chat")]
    assert watch.tick(condition()) == [(Change.NEW, "days/missing")]
    assert watch.to == [("2 mail",)]
    assert watch.tick(condition()) == []
    # The reminder goes to all, at the interval since the other channels were notified.
    assert watch.tick(condition(), after=REMINDER - 3 * MINUTE) == [(Change.REMINDER, "days/missing")]
    assert watch.to == [()]


def test_news_goes_to_all_although_a_channel_missed_what_was_before() -> None:
    watch = Watch()
    watch.tick(condition("days/missing", DAYS[0]), missed_by=("2 mail",))
    assert watch.tick(condition("days/missing", DAYS[0], DAYS[1])) == [(Change.NEW, "days/missing")]
    assert watch.to == [()]
    assert watch.tick(condition("days/missing", DAYS[0], DAYS[1])) == []


def test_a_state_from_before_missed_channels_were_stored_is_read() -> None:
    watch = Watch()
    watch.tick(condition())
    old = watch.state.model_dump(mode="json", exclude={"last_good": True, "open": {"days/missing": {"missed_by"}}})
    watch.state = AlertState.model_validate(old)
    assert watch.tick(condition()) == []


#: As earlier releases stored it.
STORED = """{"began": "2026-11-01T00:00:00Z", "open": {"days/missing": {
    "condition": {"key": "days/missing", "severity": "critical", "what": "it broke",
        "days": {"ranges": [["2026-11-01", "2026-11-01"]], "more": false},
        "since": null, "last_good": "", "command": "", "link": ""},
    "since": "2026-11-20T01:00:00Z", "told_at": "2026-11-20T02:00:00Z",
    "told_days": {"ranges": [["2026-11-01", "2026-11-01"]], "more": false}, "missed_by": []}},
    "failed_channels": {}, "last_event": 7, "failed_verifications": {"2026-11-02": "2026-11-20T01:00:00Z"},
    "last_good": "none"}"""


def test_a_stored_state_is_read_and_written_in_the_form_of_earlier_releases() -> None:
    state = AlertState.model_validate_json(STORED)
    (alert,) = state.open.values()
    assert (alert.notified_at, str(alert.notified_days)) == (datetime(2026, 11, 20, 2, 0, tzinfo=UTC), "2026-11-01")
    assert json.loads(state.model_dump_json()) == json.loads(STORED) | {"all_read_since": None}
    found = condition("days/missing", DAYS[0])
    assert due_messages(state, [found], NOW, REMINDER) == []
    assert [each.change for each in due_messages(state, [], NOW, REMINDER)] == [Change.RECOVERY]


def test_what_ends_before_anybody_was_notified_sends_nothing() -> None:
    watch = Watch()
    watch.tick(condition(), reached=False)
    assert watch.tick() == []


def test_it_began_when_it_says_or_else_when_it_was_found_first() -> None:
    found = [condition("a/b"), condition("c/d").model_copy(update={"since": NOW - timedelta(days=1)})]
    watch = Watch()
    watch.tick(*found)
    watch.tick(*found, after=REMINDER)
    (first, second) = due_messages(watch.state, found, watch.now + REMINDER, REMINDER)
    assert (first.since, second.since) == (NOW + MINUTE, NOW - timedelta(days=1))


def test_conditions_that_could_not_be_checked_stay_as_they_were() -> None:
    watch = Watch()
    watch.tick(condition("days/missing", DAYS[0]), condition("check/x"))
    kept = watch.state.unchanged({"days"})
    assert [each.key for each in kept] == ["days/missing"]
    assert watch.tick(*kept) == [(Change.RECOVERY, "check/x")]


def test_what_is_kept_stays_small_whatever_is_wrong() -> None:
    many = [date(2019, 1, 1) + timedelta(days=2 * number) for number in range(1200)]
    found = condition("days/missing", *many, what="x" * 100_000)
    watch = Watch()
    watch.tick(found)
    assert len(watch.state.model_dump_json()) < 8_000
    assert watch.tick(condition("days/missing", *many[:-1])) == []
    assert watch.tick(condition("days/missing", *many, many[-1] + timedelta(days=2))) != []


@given(st.lists(st.sets(st.sampled_from(DAYS)), max_size=30))
@examples(200)
def test_every_day_is_notified_and_none_twice_while_it_lasts(ticks: list[set[date]]) -> None:
    watch = Watch()
    known: set[date] = set()
    for days in ticks:
        changes = [change for change, _ in watch.tick(*([condition("days/missing", *days)] if days else []))]
        assert (Change.NEW in changes) == bool(days - known)
        assert (Change.RECOVERY in changes) == bool(known and not days)
        if Change.NEW in changes or not days:
            known = days
