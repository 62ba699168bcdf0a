"""Permissions and promises of the store, tried out with tiny objects.

Probe objects are small, under a prefix that the lifecycle covers, and disturb nothing: Object Lock
may keep it for years. One object gets a new version each time; the race needs an object that nobody has created yet.
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
from signal_backups.core.doctor.finding import DoctorResult, failed, warning, well
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.error_translation import error_code, s3_errors
from signal_backups.core.vault.vault import BackupVault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Two alone could miss each other.
RACING_WRITERS = 4
_TEXT = "text/plain"
_DENIED = {"AccessDenied", "Forbidden", "403"}
_WRONG_CHECKSUM = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_WRITER_POLICY = "signal-backups iam-policy writer prints what the daily role needs"


@dataclass(frozen=True)
class OpenStore:
    """The store as the settings name it.

    Attributes:
        vault: its backups; it locks as the profile says.
        client: for requests that no backup ever makes.
        connection: how ``client`` was made.
        is_embedded: whether it is the embedded server, whose only user may do everything.
    """

    vault: BackupVault
    client: S3Client
    connection: S3Connection
    is_embedded: bool


class Probes:
    """What is tried, in this order: ``put`` first."""

    def __init__(self, opened: OpenStore) -> None:
        self._opened = opened
        self._store = opened.vault.store
        self._folder = opened.vault.layout.doctor_prefix
        self._key = f"{self._folder}probe"
        self._began = self._store.clock()
        self._body = self._words("probe")
        self._version = ""
        #: Bytes of each version that was written.
        self.written: list[int] = []

    def may_list_versions(self) -> DoctorResult:
        """The versions of objects may be listed."""
        self._store.holds_anything(self._opened.vault.layout.prefix)
        return well("allowed")

    def may_put(self) -> DoctorResult:
        """Objects may be written, locked as backups are."""
        self._version = self._store.put_bytes(self._key, self._body, _TEXT)
        self.written.append(len(self._body))
        return well(f"allowed ({self._store.uri(self._folder)})")

    def may_get(self) -> DoctorResult:
        """The written version can be read back."""
        body, _ = self._store.get_bytes(self._key, self._version)
        if body != self._body:
            return failed(
                f"{self._store.uri(self._key)} is not what was sent", "Suspect the store, or what is before it"
            )
        return well("allowed, and the same bytes come back")

    def is_locked(self) -> DoctorResult:
        """What was written is locked as the profile says."""
        policy = self._store.lock
        if policy is None:
            return well("the profile asks for no lock")
        lock = self._store.lock_of(self._key, self._version)
        wanted = policy.retain_until(self._began)
        if policy.mode.is_met_by(lock.mode) and lock.holds_until(wanted):
            return well(str(lock))
        return failed(
            f"a new object has lock {lock}, wanted {policy.mode.lower()} until {wanted:%Y-%m-%d}",
            "This store does not keep the lock it is given: use another, or a profile without lock",
        )

    def is_delete_denied(self) -> DoctorResult:
        """The key that makes the daily backups cannot delete a version."""
        is_locked = self._store.lock is not None
        with s3_errors(self._store.bucket, f"cannot try to delete {self._store.uri(self._key)}"):
            try:
                self._opened.client.delete_object(Bucket=self._store.bucket, Key=self._key, VersionId=self._version)
            except ClientError as error:
                if error_code(error) not in _DENIED:
                    raise
                return well("denied by its lock, whatever the role may do" if is_locked else "denied")
        if is_locked:
            return failed("a version was deleted in spite of its lock", "Use a store that keeps its locks")
        if self._opened.is_embedded:
            return well("not denied, which is normal for the embedded store: its only user may do everything")
        return warning("these credentials may delete versions, and with them backups", _WRITER_POLICY)

    def refuses_second_writer(self) -> DoctorResult:
        """Of several writers that create the same object at once, one succeeds."""
        key = f"{self._folder}race_{self._began:%Y%m%dT%H%M%S%fZ}"
        start = Barrier(RACING_WRITERS)

        def writes(number: int) -> bool:
            body = self._words(f"writer {number}")
            start.wait()
            try:
                self._store.put_bytes(key, body, _TEXT, only_new=True)
            except ConflictError:
                return False
            self.written.append(len(body))
            return True

        winners = sum(in_parallel(writes, range(RACING_WRITERS), workers=RACING_WRITERS))
        if winners == 0:
            return failed(
                f"none of {RACING_WRITERS} writers could create a new object: each was refused as if it existed",
                "Suspect the store, or what is before it: no backup or audit event can be created like that",
            )
        if winners == 1:
            return well(f"{RACING_WRITERS} writers created one object at once, {winners} succeeded")
        return limit(
            self._store.configuration,
            f"not honoured: {winners} of {RACING_WRITERS} writers created the same object",
            "Let only ONE machine write backups and audit events to this store",
        )

    def refuses_damage(self) -> DoctorResult:
        """Bytes that are not what their SHA-256 says are refused."""
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
                return well(f"wrong ones are refused; {mode}")
        self.written.append(len(self._body))
        return limit(
            self._store.configuration,
            f"the store ignores them; {mode}",
            "Every backup is read back and verified all the same; to have uploads checked too, use another store",
        )

    def _words(self, what: str) -> bytes:
        return f"signal-backups doctor, {what}, {self._began:%Y-%m-%dT%H:%M:%S.%fZ}. Of no further use.\n".encode()
