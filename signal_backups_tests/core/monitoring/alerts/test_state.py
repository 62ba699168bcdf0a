"""When people are told: once, at an interval, and when it is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.state import AlertState, Change, after_telling, due_messages
from signal_backups_tests.samples.examples import examples

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
REMINDER = timedelta(hours=6)
MINUTE = timedelta(minutes=1)
DAYS = [date(2026, 11, number) for number in range(1, 29)]


def condition(key: str = "days/missing", *days: date, what: str = "it broke") -> Condition:
    return Condition(key=key, severity=AlertSeverity.CRITICAL, what=what, days=Days.of(days))


class Watch:
    """Looks one after another, the state kept as JSON in between."""

    def __init__(self) -> None:
        self.now = NOW
        self.state = AlertState(began=NOW)
        self.to: list[tuple[str, ...]] = []

    def look(
        self, *found: Condition, after: timedelta = MINUTE, reached: bool = True, missed_by: tuple[str, ...] = ()
    ) -> list[tuple[Change, str]]:
        self.now += after
        messages = due_messages(self.state, found, self.now, REMINDER)
        told = {message.condition.key for message in messages if not message.to} if reached else set()
        missed = {message.condition.key: missed_by for message in messages if message.to} | dict.fromkeys(
            told, missed_by
        )
        kept = after_telling(self.state, found, told, missed, self.now).model_dump_json()
        self.state = AlertState.model_validate_json(kept)
        self.to = [message.to for message in messages]
        return [(message.change, message.condition.key) for message in messages]


def test_a_new_condition_is_told_once() -> None:
    watch = Watch()
    assert watch.look(condition()) == [(Change.NEW, "days/missing")]
    assert [watch.look(condition()) for _ in range(5)] == [[]] * 5


def test_a_lasting_one_is_told_again_at_the_interval() -> None:
    watch = Watch()
    watch.look(condition())
    assert watch.look(condition(), after=REMINDER - MINUTE) == []
    assert watch.look(condition()) == [(Change.REMINDER, "days/missing")]
    assert watch.look(condition(), after=REMINDER - MINUTE) == []
    assert watch.look(condition()) == [(Change.REMINDER, "days/missing")]


def test_its_end_is_told_once_and_coming_back_is_new() -> None:
    watch = Watch()
    watch.look(condition())
    assert watch.look() == [(Change.RECOVERY, "days/missing")]
    assert watch.look() == []
    assert watch.look(condition()) == [(Change.NEW, "days/missing")]


def test_another_day_of_a_lasting_condition_is_new_and_one_day_less_is_not() -> None:
    watch = Watch()
    watch.look(condition("days/missing", DAYS[3]))
    assert watch.look(condition("days/missing", DAYS[3], DAYS[4])) == [(Change.NEW, "days/missing")]
    assert watch.look(condition("days/missing", DAYS[4])) == []
    # Nobody said that it was over, so nobody has to be told that it is there again.
    assert watch.look(condition("days/missing", DAYS[3], DAYS[4])) == []
    assert watch.look(condition("days/missing", DAYS[0], DAYS[4])) == [(Change.NEW, "days/missing")]


def test_other_words_for_the_same_are_not_new() -> None:
    watch = Watch()
    watch.look(condition(what="2 rows"))
    assert watch.look(condition(what="3 rows")) == []
    assert watch.state.open["days/missing"].condition.what == "3 rows"


def test_what_nobody_could_be_told_is_due_again_at_the_next_look() -> None:
    watch = Watch()
    assert watch.look(condition(), reached=False) == [(Change.NEW, "days/missing")]
    assert watch.look(condition(), reached=False) == [(Change.NEW, "days/missing")]
    assert watch.look(condition()) == [(Change.NEW, "days/missing")]
    assert watch.look(reached=False) == [(Change.RECOVERY, "days/missing")]
    assert watch.look() == [(Change.RECOVERY, "days/missing")]
    assert watch.look() == []


def test_what_a_channel_missed_is_due_to_it_alone_until_it_takes_it() -> None:
    watch = Watch()
    watch.look(condition(), missed_by=("2 mail", "3 chat"))
    assert watch.look(condition(), missed_by=("2 mail",)) == [(Change.NEW, "days/missing")]
    assert watch.to == [("2 mail", "3 chat")]
    assert watch.look(condition()) == [(Change.NEW, "days/missing")]
    assert watch.to == [("2 mail",)]
    assert watch.look(condition()) == []
    # The reminder goes to all, at the interval since all but these were told.
    assert watch.look(condition(), after=REMINDER - 3 * MINUTE) == [(Change.REMINDER, "days/missing")]
    assert watch.to == [()]


def test_news_goes_to_all_although_a_channel_missed_what_was_before() -> None:
    watch = Watch()
    watch.look(condition("days/missing", DAYS[0]), missed_by=("2 mail",))
    assert watch.look(condition("days/missing", DAYS[0], DAYS[1])) == [(Change.NEW, "days/missing")]
    assert watch.to == [()]
    assert watch.look(condition("days/missing", DAYS[0], DAYS[1])) == []


def test_a_state_from_before_channels_were_remembered_is_read() -> None:
    watch = Watch()
    watch.look(condition())
    old = watch.state.model_dump(mode="json", exclude={"last_good": True, "open": {"days/missing": {"missed_by"}}})
    watch.state = AlertState.model_validate(old)
    assert watch.look(condition()) == []


def test_what_ends_before_anybody_could_be_told_is_nothing_to_tell() -> None:
    watch = Watch()
    watch.look(condition(), reached=False)
    assert watch.look() == []


def test_it_began_when_it_says_or_else_when_it_was_seen_first() -> None:
    found = [condition("a/b"), condition("c/d").model_copy(update={"since": NOW - timedelta(days=1)})]
    watch = Watch()
    watch.look(*found)
    watch.look(*found, after=REMINDER)
    (first, second) = due_messages(watch.state, found, watch.now + REMINDER, REMINDER)
    assert (first.since, second.since) == (NOW + MINUTE, NOW - timedelta(days=1))


def test_what_nobody_could_look_at_stays_as_it_was() -> None:
    watch = Watch()
    watch.look(condition("days/missing", DAYS[0]), condition("check/x"))
    kept = watch.state.unseen({"days"})
    assert [each.key for each in kept] == ["days/missing"]
    assert watch.look(*kept) == [(Change.RECOVERY, "check/x")]


def test_what_is_kept_stays_small_whatever_is_wrong() -> None:
    many = [date(2019, 1, 1) + timedelta(days=2 * number) for number in range(1200)]
    found = condition("days/missing", *many, what="x" * 100_000)
    watch = Watch()
    watch.look(found)
    assert len(watch.state.model_dump_json()) < 8_000
    assert watch.look(condition("days/missing", *many[:-1])) == []
    assert watch.look(condition("days/missing", *many, many[-1] + timedelta(days=2))) != []


@given(st.lists(st.sets(st.sampled_from(DAYS)), max_size=30))
@examples(200)
def test_every_day_is_told_of_and_none_twice_while_it_lasts(looks: list[set[date]]) -> None:
    watch = Watch()
    known: set[date] = set()
    for days in looks:
        changes = [change for change, _ in watch.look(*([condition("days/missing", *days)] if days else []))]
        assert (Change.NEW in changes) == bool(days - known)
        assert (Change.RECOVERY in changes) == bool(known and not days)
        if Change.NEW in changes or not days:
            known = days
