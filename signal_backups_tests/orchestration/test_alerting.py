"""Everything that people are told of, provoked for real and delivered to a real mail server and a real web server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

from signal_backups.core.alerts.notifier import NOTHING_CONFIGURED
from signal_backups.core.days import ONE_DAY, days_between, last_complete_day
from signal_backups.core.errors import SourceError, StoreError
from signal_backups.core.layout import BackupSlot
from signal_backups.core.store import S3ObjectStore
from signal_backups.core.trail.event import Action
from signal_backups.core.vault import BackupVault
from signal_backups.core.verification import verify_stored
from signal_backups.orchestration.alerting import ALERT_SENSOR
from signal_backups.orchestration.build import build_defs
from signal_backups_tests.core.watch.watched import Watched
from signal_backups_tests.orchestration.faulty import (
    DamagingStore,
    RefusingStore,
    UnreadableDays,
    flip_last_digit_of_price,
)
from signal_backups_tests.orchestration.signals import forged_signal
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import QUIET, World
from signal_backups_tests.servers.receivers import Received, Receiver, http_receiver, smtp_receiver

LAST = last_complete_day()
FIRST = LAST - 2 * ONE_DAY
DAYS = [FIRST, FIRST + ONE_DAY, LAST]
REMINDER = timedelta(hours=6)


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def smtp() -> Iterator[Receiver]:
    with smtp_receiver() as receiver:
        yield receiver


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """One that keeps schedules and sensors too."""
    with dg.instance_for_test() as persistent:
        yield persistent


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three days with signals."""
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", FIRST.isoformat())
    world.table.add_days(FIRST, LAST, signals_a_day=2)
    return world


@pytest.fixture
def ticks(world: World, http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """Everything is backed up, and both channels are set."""
    assert world.run(FIRST, LAST).success
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS", f"{http.url} {smtp.url}")
    return Ticks(world, ALERT_SENSOR)


@pytest.fixture
def told(ticks: Ticks, http: Receiver, smtp: Receiver) -> Callable[..., list[Received]]:
    """What a tick tells, by both ways the same."""

    def tick(after: timedelta = timedelta(minutes=1)) -> list[Received]:
        ticks.tick(after)
        posted, mailed = http.take(), smtp.take()
        assert [each.title for each in posted] == [each.title for each in mailed]
        return posted

    return tick


Told = Callable[..., list[Received]]


def arrives_once_reminds_and_recovers(told: Told, mend: Callable[[], object], title: str) -> Received:
    """A condition that is there now: told once, again at the interval, and when it is over."""
    (alert,) = told()
    assert alert.title == f"[signal-backups {title}"
    assert [told(), told()] == [[], []]
    (reminder,) = told(REMINDER - timedelta(minutes=2))
    severity, _, what = title.partition("] ")
    assert reminder.title == f"[signal-backups {severity}, reminder] {what}"
    mend()
    (over,) = told()
    assert over.title == f"[signal-backups RECOVERED] {what}"
    assert [told(), told()] == [[], []]
    return alert


def the_only_alert(told: Told) -> Received:
    """What a tick tells, which is one thing: several would come in one text."""
    (alert,) = told()
    assert alert.body.count("Since: ") == 1, alert.body
    return alert


def run_asset(world: World, asset: str, vault: BackupVault | None = None) -> dg.ExecuteInProcessResult:
    """Run an asset without partitions by its job."""
    defs = build_defs(resource_overrides=world.overrides(vault=vault), retry_policy=None)
    job = defs.resolve_job_def(f"{asset}_job")
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def hide(world: World, day: date) -> None:
    key = world.vault.layout.backup_key(BackupSlot(day))
    world.vault.store._client.delete_object(Bucket=world.vault.store.bucket, Key=key)


def test_it_is_on_by_default_and_starts_nothing(ticks: Ticks) -> None:
    sensor = ticks.repository.get_sensor_def(ALERT_SENSOR)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 120
    found = ticks.tick()
    assert (found.run_requests, found.skip_message) == ([], "0 conditions, nothing to tell")


def test_a_backup_that_is_withheld_is_missed_when_the_last_one_is_25_hours_old(
    ticks: Ticks, world: World, told: Told
) -> None:
    ticks.now = ticks.at(2, 59) + ONE_DAY
    assert told(timedelta(seconds=59)) == []
    (alert,) = told(timedelta(seconds=1))
    today = LAST + ONE_DAY
    assert alert.title == "[signal-backups CRITICAL] 1 day is not backed up"
    assert f"Days (UTC): {today}" in alert.body
    assert f"Last good backup: {LAST}, made " in alert.body
    assert f"Run: signal-backups backup --from {today} --to {today}" in alert.body
    # Dagster has no partition for a day of the future: the run that closes the hole is only played.
    assert told(REMINDER - timedelta(minutes=1)) == []
    assert len(told()) == 1


def test_a_missing_day_and_its_backup(ticks: Ticks, world: World, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    before = FIRST - ONE_DAY
    world.table.add_days(before, before)
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", before.isoformat())
    ticks.look_at(None)
    alert = arrives_once_reminds_and_recovers(told, lambda: world.run(before), "CRITICAL] 1 day is not backed up")
    assert f"Days (UTC): {before}\n" in alert.body


def test_a_hidden_day_and_its_undelete(world: World, told: Told) -> None:
    hide(world, FIRST)
    alert = arrives_once_reminds_and_recovers(
        told, lambda: world.run(FIRST), "CRITICAL] 1 day is hidden by a delete marker"
    )
    assert f"Run: signal-backups undelete {FIRST}" in alert.body


def test_a_second_hidden_day_is_news(world: World, told: Told) -> None:
    hide(world, FIRST)
    assert len(told()) == 1
    hide(world, LAST)
    (news,) = told()
    assert news.title == "[signal-backups CRITICAL] 2 days are hidden by delete markers"
    assert told() == []


def test_an_object_that_nothing_vouches_for(world: World, told: Told) -> None:
    world.vault.store.put_bytes(world.vault.layout.backup_key(BackupSlot(LAST)), b"other", "text/csv")
    arrives_once_reminds_and_recovers(
        told, lambda: world.run(LAST), "CRITICAL] 1 day has a backup that no manifest vouches for"
    )


def test_an_upload_that_is_refused(world: World, told: Told) -> None:
    store = RefusingStore(world.vault.store, [LAST], StoreError("cannot write s3://x: refused"))
    world.vault.store.put_bytes(world.vault.layout.manifest_key(BackupSlot(LAST)), b"{}", "application/json")
    result = world.run(LAST, vault=BackupVault(store, world.vault.layout))
    assert not result.success
    alert = arrives_once_reminds_and_recovers(
        told, lambda: world.run(LAST), "CRITICAL] 1 day could not be stored: cannot write s3://x: refused"
    )
    assert f"See: http://127.0.0.1:3000/runs/{result.run_id}" in alert.body
    assert f"Run: signal-backups backup --from {LAST} --to {LAST}" in alert.body


def test_a_database_that_is_away(world: World, told: Told) -> None:
    sick = UnreadableDays(world.source, DAYS[1:], SourceError("the database is away"))
    assert not world.run(FIRST, LAST, source=sick).success
    arrives_once_reminds_and_recovers(
        told,
        lambda: world.run(FIRST, LAST),
        "CRITICAL] 2 days could not be read from the database: the database is away",
    )


def test_a_stored_object_that_comes_back_other_than_it_was_sent(world: World, told: Told) -> None:
    hide(world, LAST)
    damaged = BackupVault(DamagingStore(world.vault.store, flip_last_digit_of_price), world.vault.layout)
    assert not world.run(LAST, vault=damaged).success
    alert = the_only_alert(told)
    assert alert.title.startswith("[signal-backups CRITICAL] 1 day did not verify: ")
    assert [told(), told()] == [[], []]
    assert len(told(REMINDER)) == 1
    assert world.run(LAST).success
    assert [each.title[:26] for each in told()] == ["[signal-backups RECOVERED]"]


def test_a_failed_error_check_of_a_day(world: World, told: Told) -> None:
    good = world.table
    good.add(forged_signal(LAST, 90))
    assert world.run(LAST).success
    alert = the_only_alert(told)
    words = "hashed_csv, row_hashes_match: 1 day does not pass"
    assert alert.title.startswith(f"[signal-backups CRITICAL] {words}; {LAST}: 1 of 3 rows do not match their hash")
    assert told() == []
    assert len(told(REMINDER)) == 1
    good.remove_day(LAST)
    assert world.run(LAST).success
    (over,) = told()
    assert over.title.startswith(f"[signal-backups RECOVERED] {words}")


def test_a_verification_that_fails(world: World, told: Told, ticks: Ticks) -> None:
    assert told() == []
    backup = world.vault.find(LAST)
    assert backup.manifest is not None
    wrong = backup.manifest.model_copy(update={"records": 99})
    verify_stored(world.vault, replace(backup, manifest=wrong), world.scratch)
    alert = arrives_once_reminds_and_recovers(
        told, lambda: verify_stored(world.vault, backup, world.scratch), "CRITICAL] 1 day did not verify"
    )
    assert f"Run: signal-backups verify --date {LAST}" in alert.body


def test_drift_of_the_bucket_policy(world: World, told: Told) -> None:
    assert run_asset(world, "bucket_policy").success
    before = {each.title for each in told()}
    client, bucket = world.vault.store._client, world.vault.store.bucket
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert run_asset(world, "bucket_policy").success
    alert = the_only_alert(told)
    assert alert.title.startswith("[signal-backups CRITICAL] bucket_policy, ")
    assert alert.title not in before
    assert told() == []
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert run_asset(world, "bucket_policy").success
    assert [each.title[:26] for each in told()] == ["[signal-backups RECOVERED]"]


@pytest.mark.parametrize(("share", "severity"), [(0.5, "CRITICAL"), (1.1, "WARNING")], ids=["over", "nearly full"])
def test_the_storage_quota(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch, share: float, severity: str
) -> None:
    used = sum(version.size for version in world.vault.store.list_versions(""))
    monkeypatch.setenv("SIGNAL_BACKUPS_STORAGE_QUOTA_GB", f"{used * share / 1e9:.12f}")
    assert run_asset(world, "storage_cost").success
    alert = the_only_alert(told)
    assert alert.title.startswith(f"[signal-backups {severity}] storage_cost, storage_within_quota: ")
    assert told() == []
    monkeypatch.delenv("SIGNAL_BACKUPS_STORAGE_QUOTA_GB")
    assert run_asset(world, "storage_cost").success
    assert [each.title[:26] for each in told()] == ["[signal-backups RECOVERED]"]


def test_a_broken_trail(world: World, told: Told) -> None:
    world.vault.store._client.delete_object(Bucket=world.vault.store.bucket, Key=world.vault.trail.log.key_of(1))
    world.vault.store.put_bytes(world.vault.trail.log.key_of(2), b"another", "application/json")
    run_asset(world, "audit_trail")
    alert = the_only_alert(told)
    assert alert.title.startswith("[signal-backups CRITICAL] audit_trail, trail_is_unbroken: ")
    assert told() == []


def test_a_run_of_another_asset_that_fails(world: World, told: Told) -> None:
    gone = BackupVault(S3ObjectStore(world.vault.store._client, "no-such-bucket"), world.vault.layout)
    result = run_asset(world, "audit_trail", vault=gone)
    assert not result.success
    alert = the_only_alert(told)
    assert alert.title.startswith("[signal-backups WARNING] audit_trail failed: ")
    assert f"/runs/{result.run_id}" in alert.body
    assert told() == []
    assert run_asset(world, "audit_trail").success
    assert [each.title[:26] for each in told()] == ["[signal-backups RECOVERED]"]


def test_an_overdue_drill_and_audit(world: World, ticks: Ticks, told: Told) -> None:
    assert told() == []
    # A start that moves along keeps the days of the future out of it.
    (alert,) = [each for each in told(timedelta(days=8)) if "restore drill" in each.title]
    assert (
        alert.title == "[signal-backups WARNING] no restore drill was held for more than 8 days: there is none at all"
    )


def test_drill_and_audit_reports_in_the_bucket_count(world: World, ticks: Ticks, told: Told) -> None:
    world.vault.store.put_bytes(world.vault.layout.drill_key(ticks.now), b"{}", "application/json")
    assert run_asset(world, "retention_audit").success
    told()
    ticks.now = ticks.at(0) + timedelta(days=33)
    bodies = "".join(each.body for each in told())
    assert "no restore drill was held for more than 8 days: the last one" in bodies
    assert "no retention audit was made for more than 32 days: the last one" in bodies


def origin(world: World, name: str) -> RemoteInstigatorOrigin:
    place = RegisteredCodeLocationOrigin("signal_backups")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(place, "__repository__"), name)


def schedule_state(world: World, name: str, status: InstigatorStatus, since: datetime) -> InstigatorState:
    data = ScheduleInstigatorData("0 2 * * *", since.timestamp())
    return InstigatorState(origin(world, name), InstigatorType.SCHEDULE, status, data)


def test_a_schedule_that_is_off(world: World, ticks: Ticks, told: Told) -> None:
    on = schedule_state(world, "daily_backup_schedule", InstigatorStatus.RUNNING, ticks.now)
    world.instance.add_instigator_state(on)
    assert told() == []
    world.instance.update_instigator_state(on.with_status(InstigatorStatus.STOPPED))
    alert = arrives_once_reminds_and_recovers(
        told,
        lambda: world.instance.update_instigator_state(on),
        "CRITICAL] schedule daily_backup_schedule is switched off",
    )
    assert "Run: dagster schedule start daily_backup_schedule" in alert.body


def test_a_sensor_that_is_off(world: World, told: Told) -> None:
    on = InstigatorState(
        origin(world, "stale_partition_sensor"),
        InstigatorType.SENSOR,
        InstigatorStatus.RUNNING,
        SensorInstigatorData(min_interval=300),
    )
    world.instance.add_instigator_state(on)
    assert told() == []
    world.instance.update_instigator_state(on.with_status(InstigatorStatus.STOPPED))
    arrives_once_reminds_and_recovers(
        told,
        lambda: world.instance.update_instigator_state(on),
        "CRITICAL] sensor stale_partition_sensor is switched off",
    )


def tick_of(state: InstigatorState, at: datetime, status: TickStatus, error: str = "") -> TickData:
    return TickData(
        instigator_origin_id=state.instigator_origin_id,
        instigator_name=state.instigator_name,
        instigator_type=state.instigator_type,
        status=status,
        timestamp=at.timestamp(),
        selector_id=state.selector_id,
        run_ids=[],
        error=SerializableErrorInfo(error, [], "Error") if error else None,
    )


def test_a_schedule_that_did_not_run_when_it_should_have(world: World, ticks: Ticks, told: Told) -> None:
    # Switched on before 2 o'clock, and an hour after it there is still no tick.
    state = schedule_state(world, "bucket_policy_schedule", InstigatorStatus.RUNNING, ticks.at(1))
    world.instance.add_instigator_state(state)
    ticks.now = ticks.at(3, 28)
    assert told() == []
    alert = arrives_once_reminds_and_recovers(
        told,
        lambda: world.instance.create_tick(tick_of(state, ticks.at(2, 30), TickStatus.SUCCESS)),
        f"CRITICAL] schedule bucket_policy_schedule did not run at {LAST + ONE_DAY} 02:30Z: it never did",
    )
    assert alert.body


def test_a_sensor_whose_ticks_fail(world: World, ticks: Ticks, told: Told) -> None:
    state = InstigatorState(
        origin(world, "late_rows_sensor"), InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData()
    )
    world.instance.add_instigator_state(state)
    world.instance.create_tick(tick_of(state, ticks.now, TickStatus.FAILURE, "no SQLite database"))
    arrives_once_reminds_and_recovers(
        told,
        lambda: world.instance.create_tick(tick_of(state, ticks.now, TickStatus.SKIPPED)),
        "CRITICAL] sensor late_rows_sensor fails: no SQLite database",
    )


def test_a_bucket_that_cannot_be_reached_ends_nothing_and_is_told(world: World, ticks: Ticks, told: Told) -> None:
    hide(world, LAST)
    assert len(told()) == 1
    ticks.look_at(BackupVault(S3ObjectStore(world.vault.store._client, "no-such-bucket"), world.vault.layout))
    alert = the_only_alert(told)
    assert alert.title.startswith("[signal-backups CRITICAL] nobody can see what is backed up: ")
    assert told() == []
    ticks.look_at(None)
    (over,) = told()
    assert over.title.startswith("[signal-backups RECOVERED] nobody can see what is backed up: ")


def test_while_a_run_has_a_day_it_neither_fails_nor_recovers(world: World, ticks: Ticks, told: Told) -> None:
    hide(world, LAST)
    assert len(told()) == 1
    defs = build_defs(resource_overrides=world.overrides(), retry_policy=None)
    run = world.instance.create_run_for_job(
        defs.resolve_job_def("daily_backup_job"),
        tags={"dagster/partition": LAST.isoformat()},
        status=dg.DagsterRunStatus.NOT_STARTED,
    )
    key = world.vault.layout.backup_key(BackupSlot(LAST))
    world.vault.store.put_bytes(key, b"unfinished", "text/csv")
    assert told() == []
    world.instance.report_run_canceled(run)
    assert sorted(each.title for each in told()) == [
        "[signal-backups CRITICAL] 1 day has a backup that no manifest vouches for",
        "[signal-backups RECOVERED] 1 day is hidden by a delete marker",
    ]


def test_a_channel_that_fails_is_told_to_the_other_and_so_is_its_return(
    world: World, ticks: Ticks, http: Receiver, smtp: Receiver
) -> None:
    hide(world, LAST)
    http.refuses = True
    ticks.tick()
    assert [len(smtp.take()), http.refused] == [1, 1]
    ticks.tick()
    (told_of_it,) = smtp.take()
    words = "alert channel 1 json://127.0.0.1 does not take alerts: Failed to send JSON POST notification: "
    assert told_of_it.title.startswith(f"[signal-backups WARNING] {words}")
    assert "Run: signal-backups alert test" in told_of_it.body
    ticks.tick()
    assert smtp.take() == []
    http.refuses = False
    ticks.tick(REMINDER)
    assert len(http.take()) == len(smtp.take()) == 2
    ticks.tick()
    assert [each.title[:26] for each in smtp.take()] == ["[signal-backups RECOVERED]"]


def test_what_no_channel_took_is_told_when_one_is_back(
    world: World, ticks: Ticks, http: Receiver, smtp: Receiver
) -> None:
    hide(world, LAST)
    http.refuses = smtp.refuses = True
    ticks.tick()
    ticks.tick()
    http.refuses = smtp.refuses = False
    ticks.tick()
    assert "[signal-backups CRITICAL] 1 day is hidden by a delete marker" in http.titles
    assert Counter(http.titles) == Counter(smtp.titles)


def test_without_a_channel_it_says_that_alerts_are_logged_only(
    world: World, ticks: Ticks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("SIGNAL_BACKUPS_ALERT_URLS")
    hide(world, LAST)
    found = ticks.tick()
    assert NOTHING_CONFIGURED in (found.skip_message or "")
    assert "1 day is hidden by a delete marker" in caplog.text
    assert ticks.tick().skip_message == "1 conditions, nothing to tell"


def test_the_secret_of_a_channel_is_in_no_cursor_message_or_log(
    world: World, ticks: Ticks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS", "json://user:hush-hush@127.0.0.1:1/hush-hush")
    hide(world, LAST)
    found = [ticks.tick() for _ in range(3)]
    assert "json://127.0.0.1" in str(found[-1].cursor)
    assert "hush-hush" not in caplog.text + "".join(f"{each.cursor}{each.skip_message}" for each in found)


def test_a_cursor_that_cannot_be_read_tells_everything_again(world: World, ticks: Ticks, told: Told) -> None:
    hide(world, LAST)
    assert len(told()) == 1
    ticks.cursor = "{broken"
    assert len(told()) == 1


def test_seven_years_take_a_bounded_number_of_requests(
    world: World, http: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "2019-01-01")
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS", http.url)
    bucket = Watched()
    bucket.put_at_once(*days_between(date(2019, 1, 1), date(2025, 12, 29)))
    ticks = Ticks(world, ALERT_SENSOR, bucket.vault)
    ticks.now = datetime(2025, 12, 30, 12, tzinfo=UTC)
    ticks.tick()
    bucket.vault.trail.record(Action.VERIFICATION, "passed")
    before = bucket.s3.requests.copy()
    ticks.tick()
    # Days, drills and audits; a new event takes two, and one more tells that there is no other.
    assert bucket.s3.requests - before == Counter(ListObjectVersions=3 + 3 + 2, ListObjectsV2=2, GetObject=1 + 1)
    assert http.titles == []
