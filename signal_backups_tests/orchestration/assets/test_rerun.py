"""Running a day again: unchanged days cost nothing, and S3 is the truth, not Dagster's memory."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from signal_backups.core.base.days import days_between
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.names import BACKUP_ASSETS, BACKUP_OBJECT
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number, signal
from signal_backups_tests.orchestration.world import (
    MATERIALIZED,
    World,
    evaluations,
    materializations,
    metadata_of,
)

LAST_DAY = day_number(2)


def changed(result: dg.ExecuteInProcessResult) -> list[bool]:
    return [metadata_of(event)["changed"] for event in materializations(result, BACKUP_OBJECT)]


def test_an_unchanged_day_writes_no_new_version(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    world.run(FIRST_DAY)
    before = world.store_versions()
    again = world.run(FIRST_DAY)
    assert again.success
    assert changed(again) == [False]
    assert world.store_versions() == before


def test_an_unchanged_day_keeps_its_data_version_and_its_version_id(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    (first,), (second,) = (materializations(world.run(FIRST_DAY), BACKUP_OBJECT) for _ in range(2))
    assert first.tags["dagster/data_version"] == second.tags["dagster/data_version"]
    assert metadata_of(first)["version_id"] == metadata_of(second)["version_id"]


def test_an_unchanged_day_is_proved_again(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    world.run(FIRST_DAY)
    answers = evaluations(world.run(FIRST_DAY))
    assert len(answers) == 10
    assert all(answer.passed for answer in answers)


def test_in_a_range_only_days_with_late_rows_get_a_new_version(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    world.run(FIRST_DAY, LAST_DAY)
    world.table.add(signal(day_number(1), 50))
    assert changed(world.run(FIRST_DAY, LAST_DAY)) == [False, True, False]
    key = world.vault.layout.backup_key(BackupSlot(day_number(1)))
    assert [name for name, _ in world.store_versions()].count(key) == 2


def test_the_state_of_the_backups_is_known_without_the_instance(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    world.run(FIRST_DAY, LAST_DAY)
    noon = datetime.combine(LAST_DAY + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
    status = backup_status(world.vault, FIRST_DAY, clock=lambda: noon)
    assert (status.days_backed_up, status.last_backup_day, status.healthy) == (3, LAST_DAY, True)


def test_a_fresh_instance_relearns_every_day_without_writing_to_s3(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    world.run(FIRST_DAY, LAST_DAY)
    before = world.store_versions()
    with dg.DagsterInstance.ephemeral() as fresh:
        relearnt = world.on(fresh)
        assert changed(relearnt.run(FIRST_DAY, LAST_DAY)) == [False, False, False]
        for asset in BACKUP_ASSETS:
            assert relearnt.partition_statuses(asset, FIRST_DAY, LAST_DAY) == dict.fromkeys(
                days_between(FIRST_DAY, LAST_DAY), MATERIALIZED
            )
    assert world.store_versions() == before
