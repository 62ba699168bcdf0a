"""Faults of store, bucket and permissions are reported under their own check with a remedy; no other check fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups.core.base.errors import ExitCode, StoreError
from signal_backups.core.doctor.finding import DoctorCheck, State, from_error
from signal_backups.core.doctor.probes import RACING_WRITERS
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.core.doctor.installations import BUCKET, Installation, faulty, finding_of, states
from signal_backups_tests.servers.chaos import ChaosProxy
from signal_backups_tests.servers.faults import Answer, Hang
from signal_backups_tests.servers.strict_s3 import StrictS3

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_s3 import S3Client

INDEPENDENT_OF_STORE = {
    DoctorCheck.SETTINGS,
    DoctorCheck.DATABASE,
    DoctorCheck.COLUMNS,
    DoctorCheck.EXTRA_COLUMNS,
    DoctorCheck.INDEX,
    DoctorCheck.AUDIT_EVENTS,
    DoctorCheck.DISK,
}


def at(connection: S3Connection, **changed: Any) -> S3Client:
    return s3_client(replace(connection, max_attempts=1, **changed))


def test_a_store_that_is_down(installation: Installation, connection: S3Connection) -> None:
    report = replace(installation, client=at(connection, endpoint_url="http://127.0.0.1:1")).examined()
    assert faulty(report) == {DoctorCheck.STORE}
    assert states(report, State.OK) == INDEPENDENT_OF_STORE
    assert "127.0.0.1:1 does not answer" in finding_of(report, DoctorCheck.STORE).found
    assert "AWS_ENDPOINT_URL_S3" in str(finding_of(report, DoctorCheck.STORE).remedy)
    assert report.exit_code is ExitCode.UNREACHABLE


def test_a_store_that_never_answers(
    installation: Installation, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal_backups.core.s3.client.READ_TIMEOUT_S", 0.2)
    with ChaosProxy(s3_server.endpoint_url) as proxy:
        proxy.strike(Hang())
        connection = S3Connection(proxy.url, s3_server.region, s3_server.access_key, s3_server.secret_key)
        report = replace(installation, client=at(connection)).examined()
    assert faulty(report) == {DoctorCheck.STORE}


@pytest.mark.parametrize(
    ("changed", "found"),
    [({"access_key_id": "NOBODY"}, "InvalidAccessKeyId"), ({"secret_access_key": "wrong"}, "SignatureDoesNotMatch")],
)
def test_wrong_credentials(
    installation: Installation, connection: S3Connection, changed: dict[str, str], found: str
) -> None:
    report = replace(installation, client=at(connection, **changed)).examined()
    assert faulty(report) == {DoctorCheck.CREDENTIALS}
    assert states(report, State.OK) == {*INDEPENDENT_OF_STORE, DoctorCheck.STORE, DoctorCheck.CLOCK}
    assert found in finding_of(report, DoctorCheck.CREDENTIALS).found
    assert "AWS_SECRET_ACCESS_KEY" in str(finding_of(report, DoctorCheck.CREDENTIALS).remedy)
    assert report.exit_code is ExitCode.UNREACHABLE


def test_no_credentials(installation: Installation, connection: S3Connection) -> None:
    report = replace(installation, client=at(connection, access_key_id=None, secret_access_key=None)).examined()
    assert states(report, State.FAILED) == {DoctorCheck.CREDENTIALS}
    assert finding_of(report, DoctorCheck.CREDENTIALS).found == "there are none"
    assert "not asked" in finding_of(report, DoctorCheck.STORE).found
    assert DoctorCheck.CLOCK in states(report, State.NOT_CHECKED)
    assert report.exit_code is ExitCode.UNREACHABLE


@pytest.mark.parametrize(
    ("seconds", "state", "side"),
    [
        (20, State.OK, "ahead of"),
        (40, State.WARNING, "ahead of"),
        (-40, State.WARNING, "behind"),
        (320, State.FAILED, "ahead of"),
        (-320, State.FAILED, "behind"),
    ],
)
def test_a_clock_that_is_off(installation: Installation, seconds: int, state: State, side: str) -> None:
    off = timedelta(seconds=seconds)
    report = replace(installation, clock=lambda: datetime.now(UTC) + off).examined()
    found = finding_of(report, DoctorCheck.CLOCK)
    assert found.state is state
    assert faulty(report) == ({DoctorCheck.CLOCK} if state is not State.OK else set())
    assert f"{side} the store's" in found.found
    assert found.remedy is None if state is State.OK else "NTP" in str(found.remedy)


def test_a_clock_so_far_off_that_the_store_refuses_everything(installation: Installation, s3_server: S3Server) -> None:
    with ChaosProxy(s3_server.endpoint_url) as proxy:
        proxy.strike(Answer(403, "RequestTimeTooSkewed"))
        connection = S3Connection(proxy.url, s3_server.region, s3_server.access_key, s3_server.secret_key)
        report = replace(installation, client=at(connection)).examined()
    assert "clock" in finding_of(report, DoctorCheck.CREDENTIALS).found
    assert faulty(report) == set()


def test_a_bucket_that_does_not_exist(installation: Installation) -> None:
    report = replace(installation, bucket="there-is-no-such-bucket").examined()
    assert faulty(report) == {DoctorCheck.BUCKET}
    assert finding_of(report, DoctorCheck.BUCKET).remedy == "Create it with: signal-backups init"
    assert finding_of(report, DoctorCheck.PUT).found == "needs object lock first"
    assert report.exit_code is ExitCode.UNREACHABLE


def test_an_invalid_bucket_name_is_a_wrong_setting(amazon: Installation) -> None:
    report = replace(amazon, bucket="Not_A_Bucket!").examined()
    assert faulty(report) == {DoctorCheck.STORE}
    found = finding_of(report, DoctorCheck.STORE)
    assert found.found.startswith("cannot ask for bucket Not_A_Bucket!: ")
    assert "\n" not in found.found
    assert "BACKUP_BUCKET_NAME" in str(found.remedy)
    assert report.exit_code is ExitCode.USAGE


def test_a_finding_is_one_line() -> None:
    assert from_error(StoreError("refused:\n  why")).found == "refused: why"


def test_a_store_that_refuses_every_writer(amazon: Installation, s3: StrictS3) -> None:
    puts = itertools.count()

    def refuse_racing_writers(operation: str) -> Answer | None:
        return (
            Answer(412, "PreconditionFailed")
            if operation == "PutObject" and 1 <= next(puts) <= RACING_WRITERS
            else None
        )

    s3.faults = refuse_racing_writers
    report = amazon.examined()
    assert states(report, State.FAILED) == {DoctorCheck.CONDITIONAL_WRITES}
    assert f"none of {RACING_WRITERS} writers" in finding_of(report, DoctorCheck.CONDITIONAL_WRITES).found


def open_to_public(client: S3Client, bucket: str) -> None:
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})


def remove_lifecycle(client: S3Client, bucket: str) -> None:
    client.delete_bucket_lifecycle(Bucket=bucket)


def add_foreign_rule(client: S3Client, bucket: str) -> None:
    found: Any = client.get_bucket_lifecycle_configuration(Bucket=bucket)
    foreign = {"ID": "cleanup", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [*found["Rules"], foreign]}
    )


@pytest.mark.parametrize(
    ("fault", "check", "remedy"),
    [
        (open_to_public, DoctorCheck.PUBLIC_ACCESS, "signal-backups init"),
        (remove_lifecycle, DoctorCheck.LIFECYCLE, "signal-backups lifecycle apply"),
        (add_foreign_rule, DoctorCheck.LIFECYCLE, "Remove or narrow the foreign rule"),
    ],
)
def test_a_bucket_that_does_not_match_the_profile(
    amazon: Installation, fault: Callable[[S3Client, str], None], check: DoctorCheck, remedy: str
) -> None:
    fault(amazon.client, BUCKET)
    report = amazon.examined()
    assert faulty(report) == {check}
    assert remedy in str(finding_of(report, check).remedy)
    assert report.exit_code is ExitCode.FAILED


def test_a_bucket_without_versioning(amazon: Installation) -> None:
    plain = without_lock(amazon)
    plain.client.put_bucket_versioning(Bucket=plain.bucket, VersioningConfiguration={"Status": "Suspended"})
    report = plain.examined()
    assert faulty(report) == {DoctorCheck.VERSIONING, DoctorCheck.LATEST_BACKUP}
    assert finding_of(report, DoctorCheck.VERSIONING).remedy == "signal-backups init"


def test_a_bucket_without_the_object_lock_that_the_profile_requires(amazon: Installation) -> None:
    without_lock(amazon)
    report = replace(amazon, bucket="unlocked").examined()
    assert states(report, State.FAILED) == {DoctorCheck.OBJECT_LOCK, DoctorCheck.LIFECYCLE, DoctorCheck.LATEST_BACKUP}
    assert "init --profile recommended" in str(finding_of(report, DoctorCheck.OBJECT_LOCK).remedy)
    assert finding_of(report, DoctorCheck.PUT).state is State.NOT_CHECKED


def denying(operation: str) -> Callable[[str], Answer | None]:
    return lambda asked: Answer(403, "AccessDenied") if asked == operation else None


@pytest.mark.parametrize(
    ("operation", "check"),
    [
        ("ListObjectsV2", DoctorCheck.BUCKET),
        ("ListObjectVersions", DoctorCheck.LIST_VERSIONS),
        ("PutObject", DoctorCheck.PUT),
        ("GetObject", DoctorCheck.GET),
        ("GetBucketVersioning", DoctorCheck.VERSIONING),
        ("GetPublicAccessBlock", DoctorCheck.PUBLIC_ACCESS),
        ("GetBucketLifecycleConfiguration", DoctorCheck.LIFECYCLE),
        ("GetObjectLockConfiguration", DoctorCheck.OBJECT_LOCK),
    ],
)
def test_a_missing_permission(amazon: Installation, s3: StrictS3, operation: str, check: DoctorCheck) -> None:
    s3.faults = denying(operation)
    report = amazon.examined()
    # The age of the last backup comes from reading its manifest.
    expected = {DoctorCheck.GET, DoctorCheck.LATEST_BACKUP} if check is DoctorCheck.GET else {check}
    assert faulty(report) == expected
    assert "AccessDenied" in finding_of(report, check).found
    assert "what they are allowed to do" in str(finding_of(report, check).remedy)
    assert report.exit_code is ExitCode.UNREACHABLE


def ignore_headers(client: S3Client, *names: str) -> None:
    """Make the store ignore some headers of a PUT."""

    def remove(params: dict[str, Any], **_: Any) -> None:
        for name in names:
            params["headers"].pop(name, None)

    client.meta.events.register("before-call.s3.PutObject", remove)


def without_lock(installation: Installation) -> Installation:
    """Return the installation with an empty bucket without Object Lock."""
    unlocked = replace(installation.set(SIGNAL_BACKUPS_PROFILE="documented"), bucket="unlocked", is_embedded=True)
    unlocked.make_bucket()
    return unlocked


@pytest.mark.parametrize(
    ("header", "check", "found", "remedy"),
    [
        (
            "If-None-Match",
            DoctorCheck.CONDITIONAL_WRITES,
            f"{RACING_WRITERS} of {RACING_WRITERS} writers",
            "ONE machine",
        ),
        ("x-amz-checksum-sha256", DoctorCheck.CHECKSUMS, "ignores them", "read back and verified"),
    ],
)
def test_a_store_that_ignores_a_header(
    amazon: Installation, other: Installation, header: str, check: DoctorCheck, found: str, remedy: str
) -> None:
    for installation, state in ((without_lock(amazon), State.FAILED), (without_lock(other), State.WARNING)):
        ignore_headers(installation.client, header)
        report = installation.examined()
        finding = finding_of(report, check)
        assert finding.state is state
        assert found in finding.found
        assert remedy in str(finding.remedy)
        assert faulty(report) == {check, DoctorCheck.LATEST_BACKUP}


def test_a_store_that_ignores_the_lock(amazon: Installation) -> None:
    ignore_headers(amazon.client, "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date")
    report = amazon.examined()
    assert faulty(report) == {DoctorCheck.LOCKED}
    assert finding_of(report, DoctorCheck.LOCKED).found.startswith(
        "a new object has lock none, wanted compliance until 20"
    )
    assert "ignores the requested lock" in str(finding_of(report, DoctorCheck.LOCKED).remedy)


def test_a_store_that_deletes_a_locked_version(amazon: Installation, tmp_path: Path) -> None:
    text = (resources.files("signal_backups.core.retention") / "profiles" / "recommended.toml").read_text()
    weaker = text.replace('name = "recommended"', 'name = "trying"').replace('"COMPLIANCE"', '"GOVERNANCE"')
    (tmp_path / "trying.toml").write_text(weaker)

    def bypass(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-amz-bypass-governance-retention"] = "true"

    governed = replace(amazon.set(SIGNAL_BACKUPS_PROFILE=str(tmp_path / "trying.toml")), bucket="governed")
    governed.make_bucket()
    assert faulty(governed.examined()) == {DoctorCheck.LATEST_BACKUP}
    governed.client.meta.events.register("before-call.s3.DeleteObject", bypass)
    report = governed.examined()
    assert faulty(report) == {DoctorCheck.LATEST_BACKUP, DoctorCheck.DELETE}
    assert "in spite of its lock" in finding_of(report, DoctorCheck.DELETE).found


def test_a_store_that_returns_other_bytes(amazon: Installation) -> None:
    def tamper(http_response: AWSResponse, parsed: dict[str, Any], **_: Any) -> None:
        if "audit/doctor/" in http_response.url:
            parsed["Body"] = BytesIO(b"other bytes")

    amazon.client.meta.events.register("after-call.s3.GetObject", tamper)
    report = amazon.examined()
    assert faulty(report) == {DoctorCheck.GET}
    assert "is not what was sent" in finding_of(report, DoctorCheck.GET).found
