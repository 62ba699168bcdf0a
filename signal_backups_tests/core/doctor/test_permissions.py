"""The check of deletions, on a server that enforces the writer's policy."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from signal_backups.core.doctor.finding import DoctorCheck, State
from signal_backups.core.retention.iam import Role, policy
from signal_backups.core.vault.layout import Layout
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.core.doctor.installations import Installation, database_settings, faulty, finding_of
from signal_backups_tests.servers.s3 import client_for
from signal_backups_tests.servers.two_users import two_users_in


@pytest.fixture(scope="module")
def two_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[S3Server, S3Server]]:
    with two_users_in(tmp_path_factory.mktemp("users")) as users:
        yield users


def installation_of_writer(two_users: tuple[S3Server, S3Server], database: Path, *more: str) -> Installation:
    """Return the installation of a user with the writer's policy without its TLS statement, and ``more`` actions."""
    administrator, stranger = (client_for(user, max_attempts=1) for user in two_users)
    bucket = f"test-{uuid.uuid4().hex}"
    settings = database_settings(database) | {"SIGNAL_BACKUPS_PROFILE": "documented"}
    Installation(settings, administrator, bucket).make_bucket()
    document = policy(Role.WRITER, bucket, Layout(), None)
    wanted = [one for one in document["Statement"] if one["Sid"] != "OnlyOverTls"]
    if more:
        wanted = [one for one in wanted if one["Effect"] == "Allow"]
        arn = f"arn:aws:s3:::{bucket}/*"
        wanted.append({"Sid": "More", "Effect": "Allow", "Action": [f"s3:{one}" for one in more], "Resource": [arn]})
    statements = [{**one, "Principal": {"AWS": "*"}} for one in wanted]
    administrator.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": document["Version"], "Statement": statements})
    )
    return Installation(settings, stranger, bucket)


def test_a_user_with_the_writers_policy_cannot_delete(two_users: tuple[S3Server, S3Server], database: Path) -> None:
    report = installation_of_writer(two_users, database).examined()
    assert faulty(report) == {DoctorCheck.LATEST_BACKUP}
    assert finding_of(report, DoctorCheck.DELETE).found == "denied"


def test_a_writer_who_may_delete_gets_a_warning(two_users: tuple[S3Server, S3Server], database: Path) -> None:
    report = installation_of_writer(two_users, database, "DeleteObject", "DeleteObjectVersion").examined()
    assert faulty(report) == {DoctorCheck.LATEST_BACKUP, DoctorCheck.DELETE}
    assert finding_of(report, DoctorCheck.DELETE).state is State.WARNING
    assert "signal-backups iam-policy writer" in str(finding_of(report, DoctorCheck.DELETE).remedy)
