"""Which runs the sensor of stale days requests, and that these runs make the days good."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from signal_backups.core.base.days import ONE_DAY, days_between, last_complete_day, utc_now
from signal_backups.core.base.errors import SourceError
from signal_backups.core.config.expected_days import observe_expected_days
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import BACKUP_OBJECT, DAILY_BACKUP_JOB, STALE_PARTITION_SENSOR
from signal_backups.orchestration.partitions import range_tags
from signal_backups_tests.core.monitoring.watched import Watched
from signal_backups_tests.orchestration.faulty import UnreadableDays
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World, materialized_days

LAST = last_complete_day()
DAYS = [LAST - number * ONE_DAY for number in range(4, -1, -1)]


@pytest.fixture
def ticks(world: World, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """Five days with signals and no backup."""
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", DAYS[0].isoformat())
    world.table.add_days(DAYS[0], DAYS[-1], signals_a_day=2)
    return Ticks(world, STALE_PARTITION_SENSOR)


def requested(found: SensorExecutionData) -> list[tuple[date, date]]:
    tags = [request.tags for request in found.run_requests or []]
    return [
        (
            date.fromisoformat(tag["dagster/asset_partition_range_start"]),
            date.fromisoformat(tag["dagster/asset_partition_range_end"]),
        )
        for tag in tags
    ]


def destroy(world: World, day: date) -> None:
    """Take every version of a day's backup away, as nobody can where it is locked."""
    store = world.vault.store
    for version in store.list_versions(world.vault.layout.backup_key(BackupSlot(day))):
        store._client.delete_object(Bucket=store.bucket, Key=version.key, VersionId=version.version_id)


def overwrite(world: World, day: date) -> None:
    """Store something else under the key of a day's backup."""
    world.vault.store.put_bytes(world.vault.layout.backup_key(BackupSlot(day)), b"something else", "text/csv")


def waiting_run(world: World, first: date, last: date) -> dg.DagsterRun:
    """A run that nobody has started yet."""
    defs = build_defs(resource_overrides=world.overrides(), retry_policy=None)
    return world.instance.create_run_for_job(
        defs.resolve_job_def(DAILY_BACKUP_JOB),
        tags=range_tags(first, last),
        status=dg.DagsterRunStatus.NOT_STARTED,
    )


def test_it_is_on_by_default_and_starts_the_daily_job(ticks: Ticks) -> None:
    sensor = ticks.repository.get_sensor_def(STALE_PARTITION_SENSOR)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert (sensor.job_name, sensor.minimum_interval_seconds) == (DAILY_BACKUP_JOB, 300)


def test_stale_days_in_a_row_are_requested_as_one_run_and_that_run_backs_them_up(world: World, ticks: Ticks) -> None:
    world.run(DAYS[0])
    world.run(DAYS[4])
    found = ticks.tick()
    assert requested(found) == [(DAYS[1], DAYS[3])]
    (request,) = found.run_requests or []
    assert materialized_days(world.run_tagged(request.tags), BACKUP_OBJECT) == DAYS[1:4]
    after = ticks.tick()
    assert requested(after) == []
    assert (after.skip_message or "").startswith("all 5 days are as they should be")


def test_when_repair_is_off_nothing_is_requested_and_nothing_read(
    world: World, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_REPAIR", "off")
    with world.vault.store.counted_requests() as sent:
        found = ticks.tick()
    assert (found.run_requests, sent) == ([], [])
    assert "repair is off" in (found.skip_message or "")


def test_a_day_that_was_written_over_in_s3_is_requested_although_dagster_has_it(world: World, ticks: Ticks) -> None:
    assert world.run(DAYS[0], DAYS[4]).success
    assert requested(ticks.tick()) == []
    overwrite(world, DAYS[3])
    assert requested(ticks.tick()) == [(DAYS[3], DAYS[3])]


def test_a_destroyed_day_is_left_to_people_and_named(world: World, ticks: Ticks) -> None:
    assert world.run(DAYS[0], DAYS[4]).success
    destroy(world, DAYS[1])
    found = ticks.tick()
    assert requested(found) == []
    assert f"destroyed, left to people, see signal-backups audit verify: {DAYS[1]}" in (found.skip_message or "")


def test_a_deleted_day_is_left_to_people_and_named(world: World, ticks: Ticks) -> None:
    assert world.run(DAYS[0], DAYS[4]).success
    store, layout = world.vault.store, world.vault.layout
    world.table.remove_day(DAYS[1])
    store._client.delete_object(Bucket=store.bucket, Key=layout.backup_key(BackupSlot(DAYS[1])))
    found = ticks.tick()
    assert requested(found) == []
    assert f"signal-backups undelete {DAYS[1]}: {DAYS[1]}" in (found.skip_message or "")


def test_a_day_that_s3_holds_is_fine_although_dagster_knows_nothing_of_it(world: World, ticks: Ticks) -> None:
    assert world.run(DAYS[0], DAYS[4]).success
    with dg.DagsterInstance.ephemeral() as forgetful:
        assert requested(Ticks(world.on(forgetful), STALE_PARTITION_SENSOR).tick()) == []


def test_a_day_whose_last_run_failed_is_requested_although_a_backup_stands(world: World, ticks: Ticks) -> None:
    assert world.run(DAYS[0], DAYS[4]).success
    sick = UnreadableDays(world.source, [DAYS[2]], SourceError("the database is away"))
    assert not world.run(DAYS[2], source=sick).success
    assert requested(ticks.tick()) == [(DAYS[2], DAYS[2])]


def test_it_is_requested_again_only_after_a_pause_and_with_another_key(world: World, ticks: Ticks) -> None:
    assert world.run(DAYS[0], DAYS[3]).success
    first = ticks.tick()
    pauses = [requested(ticks.tick()) for _ in range(2)]
    again = ticks.tick()
    assert (requested(first), pauses, requested(again)) == ([(LAST, LAST)], [[], []], [(LAST, LAST)])
    keys = [request.run_key for found in (first, again) for request in found.run_requests or []]
    assert [key.split("/")[:4] for key in keys if key] == [["repair", str(LAST), str(LAST), n] for n in ("1", "2")]


def test_a_day_lost_a_second_time_has_another_key(world: World, ticks: Ticks) -> None:
    keys = set()
    for _ in range(2):
        assert world.run(DAYS[0], LAST).success
        assert requested(ticks.tick()) == []
        overwrite(world, LAST)
        (request,) = ticks.tick().run_requests or []
        keys.add(request.run_key)
    assert len(keys) == 2


def test_a_day_that_a_waiting_run_has_is_not_requested(world: World, ticks: Ticks) -> None:
    run = waiting_run(world, DAYS[1], DAYS[2])
    assert requested(ticks.tick()) == [(DAYS[3], DAYS[4]), (DAYS[0], DAYS[0])]
    world.instance.report_run_canceled(run)
    assert requested(ticks.tick()) == [(DAYS[1], DAYS[2])]


def test_a_day_that_a_backfill_still_asks_for_is_not_requested(world: World, ticks: Ticks) -> None:
    graph = build_defs().resolve_asset_graph()
    partitions = graph.get(BACKUP_OBJECT).partitions_def
    assert partitions is not None
    target = AssetGraphSubset({BACKUP_OBJECT: partitions.subset_with_partition_keys([str(DAYS[2])])})
    data = AssetBackfillData.from_asset_graph_subset(
        target, dynamic_partitions_store=world.instance, backfill_start_timestamp=0.0
    )
    backfill = PartitionBackfill(
        backfill_id="one",
        status=BulkActionStatus.REQUESTED,
        from_failure=False,
        tags={},
        backfill_timestamp=utc_now().timestamp(),
        asset_selection=[BACKUP_OBJECT],
        asset_backfill_data=data,
    )
    world.instance.add_backfill(backfill)
    assert requested(ticks.tick()) == [(DAYS[3], DAYS[4]), (DAYS[0], DAYS[1])]
    world.instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_FAILED))
    assert requested(ticks.tick()) == [(DAYS[2], DAYS[2])]


def test_within_grace_the_last_day_is_left_to_its_schedule(world: World, ticks: Ticks) -> None:
    assert world.run(DAYS[0], DAYS[3]).success
    ticks.now = ticks.at(2, 59)
    assert requested(ticks.tick(timedelta(seconds=59))) == []
    assert requested(ticks.tick(timedelta(seconds=1))) == [(LAST, LAST)]


def test_days_past_their_retention_are_not_observed(world: World) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    found = observe_expected_days(
        world.vault, load_profile("documented"), lambda: now, start_date=date(2001, 1, 1), start_date_is_set=True
    )
    assert (found.first_day, found.last_day) == (date(2019, 11, 23), date(2026, 11, 22))


def test_a_cursor_that_cannot_be_read_begins_anew(ticks: Ticks) -> None:
    ticks.cursor = "{broken"
    assert requested(ticks.tick()) == [(DAYS[0], DAYS[4])]


def test_seven_years_take_a_bounded_number_of_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "2019-01-01")
    bucket = Watched()
    bucket.put_at_once(*days_between(date(2019, 1, 1), date(2025, 12, 29)))
    ticks = Ticks(world, STALE_PARTITION_SENSOR, bucket.vault)
    ticks.now = datetime(2025, 12, 30, 12, tzinfo=UTC)
    assert ticks.tick().skip_message
    before = bucket.s3.requests.copy()
    # Each manifest was read once.
    assert ticks.tick().skip_message == "all 2555 days are as they should be (9 requests)"
    # Days, both logs, and the findings.
    assert bucket.s3.requests - before == Counter(ListObjectVersions=3 + 3 + 1 + 1 + 1)


def test_without_a_start_date_days_before_the_oldest_backup_are_not_missed(
    world: World, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIGNAL_BACKUPS_START_DATE")
    world.run(DAYS[2])
    assert requested(ticks.tick()) == [(DAYS[3], DAYS[4])]
