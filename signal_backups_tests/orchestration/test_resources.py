"""Where the assets read from and write to: what a resource names, else what the settings say."""

from pathlib import Path

import dagster as dg
import pytest
from dagster_aws.s3 import S3Resource

from signal_backups.core.base.errors import SettingsError, StoreError
from signal_backups.core.config.settings import Settings
from signal_backups.core.ledger.event import Actor
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.for_cli.launch import run_backup
from signal_backups.orchestration.names import (
    BACKUP_OBJECT,
    DAILY_BACKUP_JOB,
    STALE_PARTITION_SENSOR,
    STORAGE_COST,
    job_name,
)
from signal_backups.orchestration.resources import BackupStore, SettingsSource, SignalsDatabase
from signal_backups_tests.orchestration.signals import FIRST_DAY, SignalsTable
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import QUIET, World
from signal_backups_tests.servers.s3 import client_for


@pytest.fixture
def world(world: World, s3_server: S3Server, bucket: str) -> World:
    """On the S3 server: resources that are named in full have an address."""
    return world.in_bucket(client_for(s3_server), bucket)


@pytest.fixture
def named_store(s3_server: S3Server, bucket: str) -> BackupStore:
    s3 = S3Resource(
        endpoint_url=s3_server.endpoint_url,
        region_name=s3_server.region,
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )
    return BackupStore(settings=SettingsSource(), s3=s3, bucket=bucket, prefix="desk/signals/")


def unnamed_store(profile: str | None = None) -> BackupStore:
    """It follows the settings in everything but the profile."""
    return BackupStore(settings=SettingsSource(), s3=S3Resource(), profile=profile)


@pytest.fixture
def environment(world: World, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SIGNALS_DATABASE_URL": world.table.url,
        "BACKUP_BUCKET_NAME": bucket,
        "AWS_ENDPOINT_URL_S3": s3_server.endpoint_url,
        "AWS_DEFAULT_REGION": s3_server.region,
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_resources_left_unset_follow_the_settings(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    assert run_backup(world.instance, FIRST_DAY, FIRST_DAY).stored == {FIRST_DAY: True}
    assert [backup.slot.day for backup in world.vault.backups(FIRST_DAY, FIRST_DAY)] == [FIRST_DAY]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("named", [False, True])
def test_a_run_is_named_in_the_audit_trail_and_its_events_can_wait(
    named_store: BackupStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_HOME", str(tmp_path))
    trail = (named_store if named else unnamed_store()).vault("run-1").trail
    assert trail.actor == Actor.here("run-1")
    assert trail.outbox is not None
    assert trail.outbox.folder == tmp_path / "unwritten_events"


@pytest.mark.usefixtures("environment")
def test_the_prefix_follows_the_settings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_PREFIX", "night")
    assert unnamed_store().vault().layout.prefix == "night/"


@pytest.mark.usefixtures("environment")
def test_a_named_profile_locks_in_the_bucket_of_the_settings_too() -> None:
    assert unnamed_store().vault().store.lock is None
    assert unnamed_store("recommended").vault().store.lock == LockPolicy(LockMode.COMPLIANCE, 7)


def test_a_store_can_be_named_in_full(world: World, named_store: BackupStore) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    overrides = {**world.named_database(), "backup_store": named_store}
    assert run_backup(world.instance, FIRST_DAY, FIRST_DAY, resource_overrides=overrides).stored == {FIRST_DAY: True}
    assert {key.split("/")[0] for key, _ in world.store_versions()} == {"desk"}


def test_a_named_database_goes_before_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALS_DATABASE_URL", "sqlite:////nowhere.db")
    table = SignalsTable(tmp_path / "named.db")
    source = SignalsDatabase(settings=SettingsSource(), url=table.url).open()
    assert source.describe().location == str(tmp_path / "named.db")


def test_unsigned_requests_are_refused() -> None:
    with pytest.raises(SettingsError, match="use_unsigned_session"):
        BackupStore(settings=SettingsSource(), s3=S3Resource(use_unsigned_session=True), bucket="any").vault()


def test_a_named_store_is_reached_as_the_resource_says(monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[S3Connection] = []
    monkeypatch.setattr("signal_backups.orchestration.resources.s3_client", connections.append)
    s3 = S3Resource(
        endpoint_url="http://s3.example",
        region_name="eu-north-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        aws_session_token="token",
        max_attempts=7,
        profile_name="desk",
        verify=False,
    )
    BackupStore(
        settings=SettingsSource(), s3=s3, bucket="any", addressing_style="path", checksum_mode="when_required"
    ).vault()
    assert connections == [
        S3Connection(
            endpoint_url="http://s3.example",
            region="eu-north-1",
            access_key_id="key",
            secret_access_key="secret",
            session_token="token",
            addressing_style="path",
            checksum_mode="when_required",
            max_attempts=7,
            profile="desk",
            verify_tls=False,
        )
    ]


class FixedSettings(SettingsSource):
    """Settings that do not come from the environment."""

    def load(self) -> Settings:
        return Settings(SIGNALS_DATABASE_URL="sqlite:////fixed.db", SIGNAL_BACKUPS_START_DATE="2025-05-05")


def test_settings_that_are_replaced_reach_partitions_and_resources() -> None:
    defs = build_defs(resource_overrides={"settings": FixedSettings()})
    partitions = defs.resolve_asset_graph().get(BACKUP_OBJECT).partitions_def
    assert partitions is not None
    assert partitions.get_first_partition_key() == "2025-05-05"
    assert defs.resources["signals_database"].source_url == "sqlite:////fixed.db"
    assert defs.resources["backup_store"].settings is defs.resources["settings"]


def test_a_malformed_setting_keeps_the_definitions_from_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "no day")
    with pytest.raises(SettingsError, match="SIGNAL_BACKUPS_START_DATE"):
        build_defs()


@pytest.mark.parametrize("asset", [STORAGE_COST, BACKUP_OBJECT], ids=dg.AssetKey.to_user_string)
def test_a_setting_that_is_malformed_when_a_run_begins_fails_it_and_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, asset: dg.AssetKey
) -> None:
    defs = build_defs(resource_overrides=world.overrides(), retry_policy=None)
    monkeypatch.setenv("SIGNAL_BACKUPS_UI_URL", "no url")
    job = defs.resolve_job_def(DAILY_BACKUP_JOB if asset == BACKUP_OBJECT else job_name(asset))
    day = {"partition_key": FIRST_DAY.isoformat()} if asset == BACKUP_OBJECT else {}
    run = job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False, **day)
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    assert "wrong setting: SIGNAL_BACKUPS_UI_URL" in failure.step_failure_data.error_display_string


def test_a_setting_that_is_malformed_when_a_sensor_ticks_fails_the_tick_and_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(world, STALE_PARTITION_SENSOR)
    monkeypatch.setenv("SIGNAL_BACKUPS_UI_URL", "no url")
    with pytest.raises(SettingsError, match="wrong setting: SIGNAL_BACKUPS_UI_URL"):
        ticks.tick()


def test_an_embedded_store_that_never_ran_is_an_error_that_says_so() -> None:
    with pytest.raises(StoreError):
        unnamed_store().vault()
