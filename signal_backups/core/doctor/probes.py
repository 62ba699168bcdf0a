"""Tests permissions and behaviour of the store with tiny objects.

Object Lock may keep them for years, so they are small and under a prefix that the lifecycle covers. The same object
gets a new version in each examination; the test of conditional writes needs a new object each time.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from threading import Barrier
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from signal_backups.core.base.errors import ConflictError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.doctor.bucket import limit
from signal_backups.core.doctor.finding import DoctorResult, failed, ok, warning
from signal_backups.core.ledger.event import ObjectName
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.error_translation import error_code, s3_errors
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Two writers alone might not overlap in time.
RACING_WRITERS = 4
_TEXT = "text/plain"
_DENIED = {"AccessDenied", "Forbidden", "403"}
_WRONG_CHECKSUM = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_WRITER_POLICY = "signal-backups iam-policy writer prints what the daily role needs"


@dataclass(frozen=True)
class OpenStore:
    """The store named in the settings.

    Attributes:
        vault: its backups, with the lock policy of the profile.
        client: for requests that backups never send.
        connection: the parameters of ``client``.
        is_embedded: whether it is the embedded server, whose only user may do everything.
        anchors: the second bucket for anchors; None when the settings name none.
    """

    vault: BackupVault
    client: S3Client
    connection: S3Connection
    is_embedded: bool
    anchors: S3ObjectStore | None = None


class Probes:
    """The tests; ``can_put`` writes the version that the tests after it use."""

    def __init__(self, opened: OpenStore) -> None:
        self._opened = opened
        self._store = opened.vault.store
        self._folder = opened.vault.layout.doctor_prefix
        self._key = f"{self._folder}probe"
        self._started_at = self._store.clock()
        self._body = self._text("probe")
        self._version = ""
        #: The size in bytes of each version that was written.
        self.written: list[int] = []

    @property
    def probe(self) -> ObjectName:
        """The version that ``can_put`` wrote."""
        return ObjectName(key=self._key, version_id=self._version)

    def can_list_versions(self) -> DoctorResult:
        """Check that the versions of objects can be listed."""
        self._store.holds_anything(self._opened.vault.layout.prefix)
        return ok("allowed")

    def can_put(self) -> DoctorResult:
        """Check that objects can be written, with the same lock as backups."""
        self._version = self._store.put_bytes(self._key, self._body, _TEXT)
        self.written.append(len(self._body))
        return ok(f"allowed ({self._store.uri(self._folder)})")

    def can_get(self) -> DoctorResult:
        """Check that the written version can be read back."""
        body, _ = self._store.get_bytes(self._key, self._version)
        if body != self._body:
            return failed(
                f"{self._store.uri(self._key)} is not what was sent", "Check the store, and any proxy in front of it"
            )
        return ok("allowed, and returns the same bytes")

    def is_locked(self) -> DoctorResult:
        """Check that the written version is locked as the profile requires."""
        policy = self._store.lock
        if policy is None:
            return ok("the profile requires no lock")
        lock = self._store.lock_of(self._key, self._version)
        wanted = policy.retain_until(self._started_at)
        if policy.mode.is_met_by(lock.mode) and lock.holds_until(wanted):
            return ok(str(lock))
        return failed(
            f"a new object has lock {lock}, wanted {policy.mode.lower()} until {wanted:%Y-%m-%d}",
            "This store ignores the requested lock: use another store, or a profile without lock",
        )

    def is_delete_denied(self) -> DoctorResult:
        """Check that the credentials of the daily backups cannot delete a version."""
        is_locked = self._store.lock is not None
        with s3_errors(self._store.bucket, f"cannot try to delete {self._store.uri(self._key)}"):
            try:
                self._opened.client.delete_object(Bucket=self._store.bucket, Key=self._key, VersionId=self._version)
            except ClientError as error:
                if error_code(error) not in _DENIED:
                    raise
                return ok("denied by its lock, whatever the role may do" if is_locked else "denied")
        if is_locked:
            return failed("a version was deleted in spite of its lock", "Use a store that enforces Object Lock")
        if self._opened.is_embedded:
            return ok("not denied, which is normal for the embedded store: its only user may do everything")
        return warning("these credentials may delete versions, and with them backups", _WRITER_POLICY)

    def allows_one_writer(self) -> DoctorResult:
        """Check that of several writers creating the same object at once, exactly one succeeds."""
        key = f"{self._folder}race_{self._started_at:%Y%m%dT%H%M%S%fZ}"
        start = Barrier(RACING_WRITERS)

        def writes(number: int) -> bool:
            body = self._text(f"writer {number}")
            start.wait()
            try:
                self._store.put_bytes(key, body, _TEXT, only_new=True)
            except ConflictError:
                return False
            self.written.append(len(body))
            return True

        succeeded = sum(in_parallel(writes, range(RACING_WRITERS), workers=RACING_WRITERS))
        if succeeded == 0:
            return failed(
                f"none of {RACING_WRITERS} writers could create a new object: each was refused as if it existed",
                "Check the store, and any proxy in front of it: it would refuse backups and audit events too",
            )
        if succeeded == 1:
            return ok(f"{RACING_WRITERS} writers created one object at once, {succeeded} succeeded")
        return limit(
            self._store.configuration,
            f"ignored: {succeeded} of {RACING_WRITERS} writers created the same object",
            "Let only ONE machine write backups and audit events to this store",
        )

    def rejects_wrong_checksum(self) -> DoctorResult:
        """Check that an upload whose SHA-256 does not match its bytes is refused."""
        mode = f"mode {self._opened.connection.chosen_checksums}, SHA-256 with every upload"
        wrong = base64.b64encode(hashlib.sha256(b"something else").digest()).decode("ascii")
        with s3_errors(self._store.bucket, f"cannot try a wrong checksum on {self._store.uri(self._key)}"):
            try:
                self._opened.client.put_object(
                    Bucket=self._store.bucket, Key=self._key, Body=self._body, ContentType=_TEXT, ChecksumSHA256=wrong
                )
            except ClientError as error:
                if error_code(error) not in _WRONG_CHECKSUM:
                    raise
                return ok(f"wrong ones are refused; {mode}")
        self.written.append(len(self._body))
        return limit(
            self._store.configuration,
            f"the store ignores them; {mode}",
            "Every backup is still read back and verified; to have uploads checked too, use another store",
        )

    def _text(self, what: str) -> bytes:
        return f"signal-backups doctor, {what}, {self._started_at:%Y-%m-%dT%H:%M:%S.%fZ}. Of no further use.\n".encode()
