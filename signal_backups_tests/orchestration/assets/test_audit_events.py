"""Audit events of runs: backups, failed days, and a trail that cannot be written for a while."""

from pathlib import Path

from signal_backups.core.base.errors import SourceError, StoreError
from signal_backups.core.ledger.event import Event
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import DaySnapshot
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.assets.daily_backup_checks import AUDIT_EVENT_WRITTEN
from signal_backups.orchestration.names import BACKUP_OBJECT, SIGNAL_EXTRACT
from signal_backups_tests.orchestration.faulty import RefusingStore, UnreadableDays, WithoutAudit
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import World, evaluations, materialized_days

LAST_DAY = day_number(2)


def days_and_results(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.details["day"], event.result) for event in events]


def test_every_day_of_a_range_is_an_event_with_the_id_of_the_run(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    result = world.run(FIRST_DAY, LAST_DAY)
    events = list(world.vault.trail.events())
    days = [day.isoformat() for day in (FIRST_DAY, day_number(1), LAST_DAY)]
    assert days_and_results(events) == [(day, "stored") for day in days]
    assert {event.actor.run_id for event in events} == {result.run_id}
    answers = evaluations(result, AUDIT_EVENT_WRITTEN)
    assert [(answer.partition, answer.passed, answer.description) for answer in answers] == [
        (day, True, f"event {number} of the audit trail") for number, day in enumerate(days, start=1)
    ]


def test_a_day_that_cannot_be_read_is_an_event_that_says_why(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    broken = UnreadableDays(world.source, [day_number(1)], SourceError("the disk is broken"))
    world.run(FIRST_DAY, LAST_DAY, source=broken)
    events = list(world.vault.trail.events())
    assert [result for _, result in days_and_results(events)] == ["stored", "failed", "stored"]
    why = {"error": "the disk is broken", "error_type": "source"}
    assert events[1].details == {"day": day_number(1).isoformat(), **why}


def test_a_day_that_is_refused_is_one_event(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    vault = BackupVault(RefusingStore(world.vault.store, [FIRST_DAY], StoreError("no space")), Layout())
    world.run(FIRST_DAY, vault=vault)
    assert days_and_results(list(world.vault.trail.events())) == [(FIRST_DAY.isoformat(), "failed")]


class Mistaken(UnreadableDays):
    """A source with a bug."""

    def read_day(self, day: object) -> DaySnapshot:  # type: ignore[override]
        raise ZeroDivisionError(f"on {day}")


def test_an_unexpected_failure_is_an_event_without_its_words(world: World) -> None:
    world.run(FIRST_DAY, source=Mistaken(world.source, [], SourceError("")))
    (event,) = world.vault.trail.events()
    assert (event.result, event.details["error"]) == ("failed", "unexpected ZeroDivisionError")
    assert event.details["error_type"] == "unexpected"


def test_an_extract_alone_is_no_backup_and_no_event(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    world.run(FIRST_DAY, assets=[SIGNAL_EXTRACT])
    assert list(world.vault.trail.events()) == []


def test_when_the_trail_cannot_be_written_the_backup_stands_the_check_fails_and_the_event_comes_later(
    world: World, tmp_path: Path
) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    outbox, store = tmp_path / "outbox", world.vault.store
    mute = BackupVault(WithoutAudit(store._client, store.bucket), Layout(), outbox=outbox)
    result = world.run(FIRST_DAY, vault=mute)
    assert result.success
    assert materialized_days(result, BACKUP_OBJECT) == [FIRST_DAY]
    (answer,) = evaluations(result, AUDIT_EVENT_WRITTEN)
    assert (answer.passed, answer.blocking) == (False, False)
    assert world.vault.find(FIRST_DAY).is_vouched
    assert list(world.vault.trail.events()) == []
    recovered = BackupVault(S3ObjectStore(store._client, store.bucket), Layout(), outbox=outbox)
    world.run(LAST_DAY, vault=recovered)
    assert days_and_results(list(world.vault.trail.events())) == [
        (FIRST_DAY.isoformat(), "stored"),
        (LAST_DAY.isoformat(), "stored"),
    ]
