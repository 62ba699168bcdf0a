"""How a bucket itself is set up: versioning, lifecycle, public access, Object Lock.

Everything is read and written as it is, nothing is judged or merged. ``UnsupportedError`` says that the store does not
have a feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from signal_backups.core.base.errors import UnsupportedError
from signal_backups.core.s3.connection import DEFAULT_REGION
from signal_backups.core.s3.error_translation import MISSING_CODES, error_code, s3_errors
from signal_backups.core.s3.lifecycle import DEFAULT_TRANSITION_MINIMUM, Lifecycle, LifecycleRule, TransitionMinimum

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Ignoring public ACLs is as safe as refusing them, and a Ceph that refuses them refuses every upload.
_REFUSE_PUBLIC_ACLS = "BlockPublicAcls"
_BLOCKS_EVERYWHERE = ("IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")


@dataclass(frozen=True)
class StoredLifecycle:
    """The lifecycle configuration as the bucket holds it: rules in S3's own form, foreign ones included.

    ``transition_minimum`` is None when the store does not say.
    """

    rules: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    transition_minimum: TransitionMinimum | None = None

    @property
    def parsed(self) -> Lifecycle:
        """The same as our own rules; S3's default minimum size if the store reports none."""
        rules = [LifecycleRule.from_s3(rule) for rule in self.rules]
        return Lifecycle.of(rules, self.transition_minimum or DEFAULT_TRANSITION_MINIMUM)


class BucketConfiguration:
    """The set-up of one bucket."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client = client
        self.name = name

    @property
    def is_amazon(self) -> bool:
        """Whether the store is Amazon S3: there a missing feature is a fault, elsewhere a limit of the store."""
        host = urlsplit(self._client.meta.endpoint_url).hostname or ""
        return host.endswith(_AMAZON)

    @property
    def region(self) -> str:
        """The region the client speaks to."""
        return self._client.meta.region_name

    def exists(self) -> bool:
        """Whether the bucket is there."""
        with s3_errors(self.name, f"cannot look at bucket {self.name}"):
            try:
                self._client.head_bucket(Bucket=self.name)
            except ClientError as error:
                if error_code(error) not in MISSING_CODES:
                    raise
                return False
        return True

    def create(self, *, with_lock: bool = False) -> None:
        """Create the bucket; some stores can switch Object Lock on only when a bucket is created."""
        # us-east-1 is the one region that must not be named.
        constraint: Any = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        lock: Any = {"ObjectLockEnabledForBucket": True}
        with s3_errors(self.name, f"cannot create bucket {self.name}"):
            self._client.create_bucket(
                Bucket=self.name,
                **({} if self.region == DEFAULT_REGION else constraint),
                **(lock if with_lock else {}),
            )

    def is_versioned(self) -> bool:
        """Whether the bucket keeps overwritten versions."""
        with s3_errors(self.name, f"cannot read the versioning of bucket {self.name}"):
            return self._client.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled"

    def enable_versioning(self) -> None:
        """Make the bucket keep every version."""
        with s3_errors(self.name, f"cannot switch on versioning for bucket {self.name}"):
            self._client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def lifecycle(self) -> StoredLifecycle:
        """The lifecycle configuration; without rules when there is none."""
        with s3_errors(self.name, f"cannot read the lifecycle of bucket {self.name}"):
            try:
                found = self._client.get_bucket_lifecycle_configuration(Bucket=self.name)
            except ClientError as error:
                if error_code(error) != "NoSuchLifecycleConfiguration":
                    raise
                return StoredLifecycle()
        return StoredLifecycle(found.get("Rules", []), found.get("TransitionDefaultMinimumObjectSize"))

    def put_lifecycle(self, wanted: StoredLifecycle) -> None:
        """Replace the whole lifecycle configuration; without rules, remove it."""
        with s3_errors(self.name, f"cannot write the lifecycle of bucket {self.name}"):
            if not wanted.rules:
                self._client.delete_bucket_lifecycle(Bucket=self.name)
                return
            minimum: Any = (
                {"TransitionDefaultMinimumObjectSize": wanted.transition_minimum} if wanted.transition_minimum else {}
            )
            rules: Any = {"Rules": [dict(rule) for rule in wanted.rules]}
            self._client.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration=rules, **minimum)

    def is_public_access_blocked(self) -> bool:
        """Whether public access is blocked: on Amazon S3 by all four blocks, elsewhere by the three that suffice."""
        with s3_errors(self.name, f"cannot read the public access block of bucket {self.name}"):
            try:
                found: Any = self._client.get_public_access_block(Bucket=self.name)
            except ClientError as error:
                if error_code(error) != "NoSuchPublicAccessBlockConfiguration":
                    raise
                return False
        blocks = found["PublicAccessBlockConfiguration"]
        return all(blocks.get(name, False) for name in self._public_access_blocks)

    def block_public_access(self) -> None:
        """Switch the public access blocks on."""
        blocks: Any = dict.fromkeys(self._public_access_blocks, True)
        with s3_errors(self.name, f"cannot block public access to bucket {self.name}"):
            self._client.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=blocks)

    @property
    def _public_access_blocks(self) -> tuple[str, ...]:
        return (_REFUSE_PUBLIC_ACLS, *_BLOCKS_EVERYWHERE) if self.is_amazon else _BLOCKS_EVERYWHERE

    def is_lock_enabled(self) -> bool:
        """Whether objects of the bucket can be locked."""
        with s3_errors(self.name, f"cannot read the Object Lock of bucket {self.name}"):
            try:
                found: Any = self._client.get_object_lock_configuration(Bucket=self.name)
            except ClientError as error:
                if error_code(error) != "ObjectLockConfigurationNotFoundError":
                    raise
                return False
        return bool(found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")

    def enable_lock(self) -> None:
        """Let objects of the bucket be locked; without a default, so that only what is meant to be locked is locked.

        Raises:
            UnsupportedError: this store can switch it on only when a bucket is created.
        """
        with s3_errors(self.name, f"cannot switch on Object Lock for bucket {self.name}"):
            try:
                self._client.put_object_lock_configuration(
                    Bucket=self.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
                )
            except ClientError as error:
                if error_code(error) not in {"InvalidBucketState", "InvalidBucket"}:
                    raise
                raise UnsupportedError(
                    f"bucket {self.name} was created without Object Lock, and this store cannot add it",
                    remedy="Make a new bucket with: signal-backups init, and name it in BACKUP_BUCKET_NAME",
                ) from error
