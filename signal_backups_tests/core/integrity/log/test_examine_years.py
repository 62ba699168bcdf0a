"""Ten thousand events and a thousand days are examined with few requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.integrity.log.examine_log import examine_log
from signal_backups.core.integrity.log.findings import Fault, LogName
from signal_backups.core.integrity.log.segments import Segments, numbers_of
from signal_backups.core.integrity.log.write_segments import write_segments
from signal_backups.core.ledger.chained_log import FIRST, FOLDER_SIZE, Entry, Link
from signal_backups.core.ledger.segment_line import Line
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.trails import BUCKET, START, Admin, bodies_of, failed, occurrence
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of
from signal_backups_tests.servers.strict_s3 import StrictS3
from signal_backups_tests.servers.strict_s3.state import Version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COUNT = 10_000
DAYS = 1_020


@pytest.fixture
def client(s3: StrictS3) -> S3Client:
    return s3.client()


@pytest.fixture
def vault(client: S3Client) -> BackupVault:
    return BackupVault(S3ObjectStore(client, BUCKET), Layout())


@pytest.fixture
def admin(client: S3Client, vault: BackupVault) -> Admin:
    return Admin(client, vault.trail.log)


def fill(s3: StrictS3, objects: Mapping[str, bytes]) -> None:
    """Add objects to the bucket directly; requests would take a minute."""
    bucket = s3._account.bucket(BUCKET)
    for key, body in objects.items():
        bucket.add(Version(key=key, created=START, body=body))


def put_segments(vault: BackupVault, bodies: Sequence[bytes]) -> None:
    """Write the segments of the finished folders of the events."""
    segments = Segments(vault, LogName.EVENTS)
    stored = {version.key: version for version in vault.store.list_versions(vault.trail.log.prefix)}
    for folder in range(len(bodies) // FOLDER_SIZE):
        numbers = numbers_of(folder)
        lines = [Line.of(stored[vault.trail.log.key_of(number)], bodies[number - 1]) for number in numbers]
        segments.write(folder, lines)


def days_of(vault: BackupVault, count: int) -> dict[str, bytes]:
    """The manifests in the manifest log and of the days, and the events, of backups of so many days."""
    link, before = Link(1, FIRST), Link(1, FIRST)
    objects = {}
    for number in range(1, count + 1):
        slot = BackupSlot(date(2020, 1, 1) + timedelta(days=number))
        stored = StoredFile(key=vault.layout.backup_key(slot), version_id=f"v{number}", bytes=1, sha256=FIRST)
        place = {"number": link.number, "previous": link.previous}
        body = manifest_of(stored, slot.day, **place).to_bytes()
        objects[vault.manifest_log.key_of(number)] = objects[vault.layout.manifest_key(slot)] = body
        link = Link(number + 1, Entry(0, "", "", body).sha256)
        body = occurrence(number, details={"manifest": {"number": number, "sha256": link.previous}}).to_bytes(before)
        objects[vault.trail.log.key_of(number)] = body
        before = Link(number + 1, Entry(0, "", "", body).sha256)
    return objects


def test_ten_thousand_events(vault: BackupVault, admin: Admin, s3: StrictS3) -> None:
    bodies = bodies_of(COUNT)
    fill(s3, {vault.trail.log.key_of(number): body for number, body in enumerate(bodies, 1)})
    put_segments(vault, bodies)
    s3.requests.clear()
    examined = examine_log(Segments(vault, LogName.EVENTS))
    assert (examined.findings, len(examined.entries), examined.folders_by_segment) == ([], COUNT, 10)
    # Ten segments and the event after them; ten pages of events and one of segments.
    assert s3.requests == {"GetObject": 11, "ListObjectVersions": 11}
    assert examined.sha256_of(COUNT) == Entry(0, "", "", bodies[-1]).sha256
    admin.edit(4_321, failed)
    s3.requests.clear()
    examined = examine_log(Segments(vault, LogName.EVENTS))
    assert [(finding.kind, finding.number) for finding in examined.findings] == [(Fault.EDITED, 4_321)]
    # Only the folder that differs from its segment is read.
    assert s3.requests["GetObject"] == 11 + 1_000
    # When nothing is missing: the folders of both logs, and their segments.
    s3.requests.clear()
    assert write_segments(vault) == []
    assert s3.requests == {"ListObjectVersions": 4}


def test_years_of_manifests(vault: BackupVault, s3: StrictS3) -> None:
    fill(s3, days_of(vault, DAYS))
    assert len(write_segments(vault)) == 2
    s3.requests.clear()
    report = examine_trail(vault)
    assert (report.findings, report.events, report.manifests) == ([], DAYS, DAYS)
    # Of each log one segment and 21 entries; no day's manifest, because each has the ETag of its log entry.
    assert s3.requests["GetObject"] == 2 * (1 + 21)
    assert sum(report.requests.values()) == sum(s3.requests.values()) < 60


def test_no_segment_is_written_of_a_log_with_findings(vault: BackupVault, admin: Admin, s3: StrictS3) -> None:
    bodies = bodies_of(1_000)
    fill(s3, {vault.trail.log.key_of(number): body for number, body in enumerate(bodies, 1)})
    admin.edit(500, failed)
    with pytest.raises(VerificationError, match=r"no segment was written of the events: entry 500, or"):
        write_segments(vault)
    assert Segments(vault, LogName.EVENTS).versions() == {}
