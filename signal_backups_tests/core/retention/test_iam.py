"""IAM policies: each role may make the calls of its commands and nothing destructive, also on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.errors import ExitCode, StoreError
from signal_backups.core.drill.run import DrillRun, drill
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.restore.reconcile import reconcile_day
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.retention.iam import Role, policy
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.policy import examine_policy
from signal_backups.core.retention_audit.run import audit_retention, store_report
from signal_backups.core.s3 import store as store_module
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.thaw import Tier
from signal_backups.core.source import open_source
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.core.ledger.recorded_events import recorded_events
from signal_backups_tests.core.restore.backups import restore
from signal_backups_tests.core.restore.places import Place
from signal_backups_tests.core.retention.iam_evaluation import REMAINING_DAYS, Permission, Recorder, allowed, denied
from signal_backups_tests.core.retention.locked import NOW, delete, vault_in
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import DAY, signal, signals
from signal_backups_tests.servers.s3 import client_for
from signal_backups_tests.servers.two_users import two_users_in

LOCK = LockPolicy(LockMode.COMPLIANCE, 7)
TLS = "OnlyOverTls"
BUCKET = "arn:aws:s3:::desk-backups"
PREFIXES = ["signals/", "desk/signals/", "desk/", "a*b?/${aws:username}/$/signals/"]
OBJECTS = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectLegalHold"]
BUCKETS = ["s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketPolicy",
           "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"]  # fmt: skip

each_role = pytest.mark.parametrize("role", Role)
each_prefix = pytest.mark.parametrize("prefix", PREFIXES)


def policy_of(role: Role, prefix: str = "signals/", lock: LockPolicy | None = LOCK) -> dict[str, Any]:
    return policy(role, "desk-backups", Layout(prefix), lock)


def sample_keys(layout: Layout) -> list[str]:
    slot = BackupSlot(DAY)
    evidence = [f"{prefix}x.json" for prefix in layout.prefixes_of("evidence")]
    days = [layout.backup_key(slot), layout.manifest_key(slot), layout.quarantine_key(slot)]
    return [*days, *evidence, f"{layout.manifest_log_prefix}x.json", *event_keys(layout)]


def event_keys(layout: Layout) -> list[str]:
    """Keys that every role writes to append an event to the audit trail."""
    return [f"{layout.event_prefix}0000000/0000000001.json", layout.probe_key]


def may(policy: Mapping[str, Any], action: str, resource: str, **context: str) -> bool:
    return allowed(policy, Permission(f"s3:{action}", resource, context))


@each_role
@each_prefix
@pytest.mark.parametrize("lock", [LOCK, None])
def test_a_policy_is_a_valid_document(role: Role, prefix: str, lock: LockPolicy | None) -> None:
    document = json.loads(json.dumps(policy_of(role, prefix, lock)))
    assert document["Version"] == "2012-10-17"
    names = [statement["Sid"] for statement in document["Statement"]]
    assert all(name.isalnum() for name in names)
    assert len(set(names)) == len(names)
    for statement in document["Statement"]:
        assert statement["Effect"] in ("Allow", "Deny")
        assert all(resource == BUCKET or resource.startswith(f"{BUCKET}/") for resource in statement["Resource"])
        # No wildcard allows actions: it would include actions that Amazon adds later.
        assert statement["Effect"] == "Deny" or not any("*" in action for action in statement["Action"])


@each_role
@each_prefix
def test_no_role_can_delete_or_weaken_protection_whatever_other_policies_allow(role: Role, prefix: str) -> None:
    document = policy_of(role, prefix)
    for key in sample_keys(Layout(prefix)):
        assert all(denied(document, Permission(action, f"{BUCKET}/{key}")) for action in OBJECTS)
    assert all(denied(document, Permission(action, BUCKET)) for action in BUCKETS)
    allowing = {action for one in document["Statement"] if one["Effect"] == "Allow" for action in one["Action"]}
    assert not any(word in action for action in allowing for word in ("Delete", "Bypass", "PutBucket", "PutLifecycle"))


@each_role
@each_prefix
def test_every_role_reads_the_backups_and_nothing_else(role: Role, prefix: str) -> None:
    layout, document = Layout(prefix), policy_of(role, prefix)
    for key in sample_keys(layout):
        assert may(document, "GetObject", f"{BUCKET}/{key}")
        assert may(document, "GetObjectVersion", f"{BUCKET}/{key}")
        assert not may(document, "GetObject", f"{BUCKET}-2/{key}")
        assert not may(document, "GetObject", f"{BUCKET}/other/{key}")
    for action in ("ListBucket", "ListBucketVersions"):
        for inside in (layout.prefix, *layout.all_prefixes):
            assert allowed(document, Permission(f"s3:{action}", BUCKET, {"s3:prefix": inside}))
        for outside in ("", "other/"):
            assert not allowed(document, Permission(f"s3:{action}", BUCKET, {"s3:prefix": outside}))
    assert not may(document, "ListBucketVersions", BUCKET)


@given(st.text(st.sampled_from("ab*?${}:"), min_size=1))
def test_wildcards_in_a_prefix_are_escaped(prefix: str) -> None:
    document = policy_of(Role.WRITER, f"{prefix}/signals/")
    assert may(document, "PutObject", f"{BUCKET}/{prefix}/signals/x")
    for wildcard in "*?":
        matching = prefix.replace(wildcard, "c")
        is_same = matching == prefix
        assert may(document, "PutObject", f"{BUCKET}/{matching}/signals/x") == is_same
        assert may(document, "ListBucket", BUCKET, **{"s3:prefix": f"{matching}/signals/"}) == is_same


@each_role
def test_each_role_writes_only_its_own_objects(role: Role) -> None:
    document, layout = policy_of(role), Layout()
    written = {key for key in sample_keys(layout) if may(document, "PutObject", f"{BUCKET}/{key}")}
    events = set(event_keys(layout))
    reports = {f"{prefix}x.json" for prefix in (layout.drill_prefix, layout.report_prefix)}
    assert written == {Role.WRITER: set(sample_keys(layout)), Role.VERIFIER: reports | events}.get(role, events)
    for key in sample_keys(layout):
        # A role that may start a multipart upload may also abort it.
        assert may(document, "AbortMultipartUpload", f"{BUCKET}/{key}") == (key in written)
    assert may(document, "RestoreObject", f"{BUCKET}/{sample_keys(layout)[0]}") == (role is Role.RESTORER)
    assert may(document, "GetBucketPolicy", BUCKET) == (role is Role.AUDITOR)


@each_role
@pytest.mark.parametrize("years", [1, 7, 30])
def test_a_lock_may_differ_from_the_profile_only_by_leap_days(role: Role, years: int) -> None:
    document = policy_of(role, lock=LockPolicy(LockMode.COMPLIANCE, years))
    key = f"{BUCKET}/{Layout().event_prefix}x"

    def may_lock(days: int) -> bool:
        return allowed(document, Permission("s3:PutObjectRetention", key, {REMAINING_DAYS: str(days)}))

    # No leap day; and a leap day every fourth year, one more, and the hours to midnight.
    assert may_lock(years * 365)
    assert may_lock(years * 365 + years // 4 + 2)
    assert not may_lock(years * 365 - 1)
    assert not may_lock(years * 366 + 2)
    assert not may(document, "PutObjectRetention", key)


@each_role
def test_without_a_lock_policy_no_role_may_lock(role: Role) -> None:
    key = f"{BUCKET}/{Layout().event_prefix}x"
    assert not allowed(policy_of(role, lock=None), Permission("s3:PutObjectRetention", key, {REMAINING_DAYS: "2557"}))


@each_role
def test_requests_without_tls_are_denied(role: Role) -> None:
    permission = Permission("s3:GetObject", f"{BUCKET}/{sample_keys(Layout())[0]}", {"aws:SecureTransport": "false"})
    assert denied(policy_of(role), permission)
    assert allowed(policy_of(role), replace(permission, context={"aws:SecureTransport": "true"}))


def work_as_writer(vault: BackupVault, run_day: RunDay, folder: Path) -> None:
    """RunDay up three times, once with a multipart upload; reconcile; drill; compare the bucket with its profile."""
    vault.require_versioning()
    store_backup(vault, run_day([*signals(3), signal(5, action="HOLD")]).folder, BackupRun("1"))
    vault.store._multipart_threshold = 1
    store_backup(vault, run_day(signals(4), file="more.db").folder, BackupRun("2"))
    vault.store._multipart_threshold = store_module.MULTIPART_THRESHOLD_BYTES
    again = store_backup(vault, run_day([*signals(5), signal(6, action="HOLD")], file="most.db").folder, BackupRun("3"))
    database = f"sqlite:///{folder / 'most.db'}"
    found = reconcile_day(vault, open_source(database, "signals"), DayFolder(new_folder(folder, "reconcile"), DAY))
    assert found.is_equal
    run = DrillRun("drill-1", database, "signals", folder / "drill", clock=lambda: NOW)
    assert drill(vault, run).ok
    backup_status(vault, DAY)
    examine_policy(vault, load_profile("recommended"))
    assert vault.find(DAY).manifest == again.manifest


def work_as_verifier(vault: BackupVault, folder: Path) -> None:
    for backup in vault.backups_with_manifests(DAY, DAY):
        assert verify_stored(vault, backup, folder / "verify").report.ok
    vault.versions(DAY)
    backup_status(vault, DAY)
    store_report(vault, audit_retention(vault, load_profile("recommended"), start=DAY))


def work_as_restorer(vault: BackupVault, folder: Path) -> None:
    place = Place("sqlite", f"sqlite:///{folder / 'restored.db'}")
    assert restore(vault, place.target(), folder / "restore").exit_code is ExitCode.OK
    backup = vault.find(DAY)
    # This server cannot thaw, but the request was sent.
    with pytest.raises(StoreError):
        vault.store.request_thaw(backup.key, backup.current.version_id, Tier.STANDARD, 3)


def work_as_auditor(vault: BackupVault) -> None:
    audit_retention(vault, load_profile("recommended"), start=DAY)
    examine_policy(vault, load_profile("recommended"))
    vault.versions(DAY)
    backup_status(vault, DAY)


def new_folder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


@pytest.mark.parametrize("prefix", ["signals/", "desk/"])
def test_each_role_may_make_all_calls_of_its_work(
    connection: S3Connection, locked_bucket: str, run_day: RunDay, tmp_path: Path, prefix: str
) -> None:
    layout = Layout(prefix)
    work: dict[Role, Callable[[BackupVault], None]] = {
        Role.WRITER: lambda vault: work_as_writer(vault, run_day, tmp_path),
        Role.VERIFIER: lambda vault: work_as_verifier(vault, tmp_path),
        Role.RESTORER: lambda vault: work_as_restorer(vault, tmp_path),
        Role.AUDITOR: work_as_auditor,
    }
    for role, do in work.items():
        if role is Role.AUDITOR:
            delete(vault_in(connection, locked_bucket), layout.backup_key(BackupSlot(DAY)))
        vault = vault_in(connection, locked_bucket, LOCK, layout)
        recorder = Recorder(vault.store._client)
        do(vault)
        document = policy(role, locked_bucket, layout, LOCK)
        assert [each for each in recorder.needed if not allowed(document, each)] == [], role
        expected = {Role.WRITER: "UploadPart", Role.RESTORER: "RestoreObject"}.get(role, "HeadObject")
        assert expected in recorder.operations
        assert "PutObject" in recorder.operations, role
    assert {event.action for event in recorded_events(vault_in(connection, locked_bucket, layout=layout))} == {
        *(Action.BACKUP, Action.DRILL, Action.VERIFICATION, Action.RESTORE, Action.DELETION)
    }


@pytest.fixture(scope="module")
def two_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[S3Server, S3Server]]:
    with two_users_in(tmp_path_factory.mktemp("users")) as users:
        yield users


def vault_of(server: S3Server, bucket: str) -> BackupVault:
    connection = S3Connection(server.endpoint_url, server.region, server.access_key, server.secret_key)
    return vault_in(connection, bucket, LOCK)


def grant(two_users: tuple[S3Server, S3Server], role: Role, bucket: str, *, without: str = "") -> BackupVault:
    """Give everybody a role's policy, without one statement; returns the vault of a user with no other rights."""
    administrator, other_user = two_users
    document = policy(role, bucket, Layout(), LOCK)
    document["Statement"] = [
        {**one, "Principal": {"AWS": "*"}} for one in document["Statement"] if one["Sid"] != without
    ]
    for statement in document["Statement"]:
        if statement["Sid"] == "LockWhatIsWritten":
            del statement["Condition"]  # this server does not support the condition key
    client_for(administrator).put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    return vault_of(other_user, bucket)


def fresh_bucket(two_users: tuple[S3Server, S3Server]) -> str:
    name = f"test-{uuid4().hex}"
    client_for(two_users[0]).create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def test_a_server_lets_the_writer_back_up_but_not_destroy(
    two_users: tuple[S3Server, S3Server], run_day: RunDay
) -> None:
    vault = grant(two_users, Role.WRITER, fresh_bucket(two_users), without=TLS)
    manifest = store_backup(vault, run_day([*signals(3), signal(4, action="HOLD")]).folder, BackupRun("1")).manifest
    assert vault.find(DAY).manifest == manifest
    store, key, bucket = vault.store, manifest.backup.key, vault.store.bucket
    before = store.list_versions("signals/")
    client = store._client
    refused: list[Callable[[], object]] = [
        lambda: delete(vault, key),
        lambda: delete(vault, key, manifest.backup.version_id),
        lambda: client.delete_bucket_lifecycle(Bucket=bucket),
        lambda: client.delete_bucket_policy(Bucket=bucket),
        lambda: client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
        lambda: client.put_object(Bucket=bucket, Key="other/x", Body=b"x"),
        lambda: client.put_object_legal_hold(Bucket=bucket, Key=key, LegalHold={"Status": "ON"}),
    ]
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    assert store.list_versions("signals/") == before


def test_a_server_lets_the_writer_undelete_without_deleting_the_marker(
    two_users: tuple[S3Server, S3Server], run_day: RunDay, tmp_path: Path
) -> None:
    bucket = fresh_bucket(two_users)
    administrator = vault_of(two_users[0], bucket)
    manifest = store_backup(administrator, run_day(signals(3)).folder, BackupRun("1")).manifest
    delete(administrator, manifest.backup.key)
    vault = grant(two_users, Role.WRITER, bucket, without=TLS)
    done = undelete(vault, DAY, None, tmp_path / "scratch")
    assert (done.copied_from, done.removed_markers) == (manifest.backup.version_id, [])
    assert vault.find(DAY).is_vouched


@pytest.mark.parametrize("role", [Role.VERIFIER, Role.RESTORER, Role.AUDITOR])
def test_a_server_lets_no_other_role_write_a_backup(two_users: tuple[S3Server, S3Server], role: Role) -> None:
    vault = grant(two_users, role, fresh_bucket(two_users), without=TLS)
    key = vault.layout.backup_key(BackupSlot(DAY))
    with pytest.raises(StoreError, match="AccessDenied"):
        vault.store.put_bytes(key, b"x", "text/csv")
    assert vault.backups(DAY, DAY) == []
    assert vault.store.head(key) is None


@each_role
def test_a_server_lets_every_role_append_events_and_delete_none(
    two_users: tuple[S3Server, S3Server], role: Role
) -> None:
    bucket = fresh_bucket(two_users)
    vault = grant(two_users, role, bucket, without=TLS)
    for number in (1, 2):
        event = vault.trail.record(Action.VERIFICATION, "passed")
        assert event is not None
        assert event.number == number
    assert [event.number for event in recorded_events(vault)] == [1, 2]
    (stored,) = vault.store.list_versions(vault.trail.log.key_of(1))
    for version_id in (None, stored.version_id):
        with pytest.raises(ClientError, match="AccessDenied"):
            delete(vault, stored.key, version_id)
    if role is not Role.WRITER:
        with pytest.raises(StoreError, match="AccessDenied"):
            vault.store.put_bytes(vault.manifest_log.key_of(1), b"{}", "application/json")


def test_a_server_refuses_requests_without_tls(two_users: tuple[S3Server, S3Server]) -> None:
    vault = grant(two_users, Role.WRITER, fresh_bucket(two_users))
    with pytest.raises(StoreError, match="AccessDenied"):
        vault.backups(DAY, DAY)
