"""Where the assets read from and write to: what a resource names, else what the settings say."""

from pathlib import Path

import pytest

from signal_backups.core.base.errors import SettingsError, StoreError
from signal_backups.core.ledger.event import Actor
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups.orchestration.for_cli.launch import run_backup
from signal_backups.orchestration.resources import BackupStore, SignalsDatabase
from signal_backups_tests.orchestration.signals import FIRST_DAY, SignalsTable
from signal_backups_tests.orchestration.world import World
from signal_backups_tests.servers.s3 import client_for


@pytest.fixture
def world(world: World, s3_server: S3Server, bucket: str) -> World:
    """On the S3 server: resources that are named in full have an address."""
    return world.in_bucket(client_for(s3_server), bucket)


@pytest.fixture
def named_store(s3_server: S3Server, bucket: str) -> BackupStore:
    return BackupStore(
        bucket=bucket,
        prefix="desk/signals/",
        endpoint_url=s3_server.endpoint_url,
        region_name=s3_server.region,
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )


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
    trail = (named_store if named else BackupStore()).vault("run-1").trail
    assert trail.actor == Actor.here("run-1")
    assert trail.outbox is not None
    assert trail.outbox.folder == tmp_path / "unwritten_events"


@pytest.mark.usefixtures("environment")
def test_the_prefix_follows_the_settings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_PREFIX", "night")
    assert BackupStore().vault().layout.prefix == "night/"


@pytest.mark.usefixtures("environment")
def test_a_named_profile_locks_in_the_bucket_of_the_settings_too() -> None:
    assert BackupStore().vault().store.lock is None
    assert BackupStore(profile="recommended").vault().store.lock == LockPolicy(LockMode.COMPLIANCE, 7)


def test_a_store_can_be_named_in_full(world: World, named_store: BackupStore) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    overrides = {"signals_database": SignalsDatabase(url=world.table.url), "backup_store": named_store}
    assert run_backup(world.instance, FIRST_DAY, FIRST_DAY, resource_overrides=overrides).stored == {FIRST_DAY: True}
    assert {key.split("/")[0] for key, _ in world.store_versions()} == {"desk"}


def test_a_named_database_goes_before_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALS_DATABASE_URL", "sqlite:////nowhere.db")
    table = SignalsTable(tmp_path / "named.db")
    assert SignalsDatabase(url=table.url).open().describe().location == str(tmp_path / "named.db")


def test_unsigned_requests_are_refused() -> None:
    with pytest.raises(SettingsError, match="use_unsigned_session"):
        BackupStore(bucket="any", use_unsigned_session=True).get_client()


def test_an_embedded_store_that_never_ran_is_an_error_that_says_so() -> None:
    with pytest.raises(StoreError):
        BackupStore().vault()
