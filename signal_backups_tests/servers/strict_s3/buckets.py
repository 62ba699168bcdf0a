"""Operations on buckets and their settings, but for Object Lock (``locks``) and what is in them (``listings``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signal_backups_tests.servers.strict_s3.rules import rule_of
from signal_backups_tests.servers.strict_s3.state import DEFAULT_MINIMUM, Account, Bucket, S3Error
from signal_backups_tests.servers.strict_s3.validation import validate

if TYPE_CHECKING:
    from collections.abc import Mapping


def create_bucket(
    account: Account,
    *,
    bucket: str,
    create_bucket_configuration: Mapping[str, Any] | None = None,
    object_lock_enabled_for_bucket: bool = False,
) -> dict[str, Any]:
    """Create a bucket; with Object Lock it is versioned at once."""
    if (create_bucket_configuration or {}).get("LocationConstraint") == "us-east-1":
        raise S3Error(400, "InvalidLocationConstraint", "The specified location-constraint is not valid")
    if bucket in account.buckets:
        raise S3Error(409, "BucketAlreadyOwnedByYou", "Your previous request to create the bucket succeeded")
    locked = object_lock_enabled_for_bucket
    account.buckets[bucket] = Bucket(bucket, versioning="Enabled" if locked else None, lock_enabled=locked)
    return {"Location": f"/{bucket}"}


def head_bucket(account: Account, *, bucket: str) -> dict[str, Any]:
    """Whether a bucket is there."""
    account.bucket(bucket)
    return {}


def delete_bucket(account: Account, *, bucket: str) -> dict[str, Any]:
    """Delete an empty bucket."""
    if account.bucket(bucket).keys:
        raise S3Error(
            409, "BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions"
        )
    del account.buckets[bucket]
    return {}


def put_bucket_versioning(
    account: Account, *, bucket: str, versioning_configuration: Mapping[str, Any]
) -> dict[str, Any]:
    """Switch versioning on, or suspend it."""
    found, status = account.bucket(bucket), versioning_configuration.get("Status")
    if status not in {"Enabled", "Suspended"}:
        raise S3Error(400, "MalformedXML", "Versioning is Enabled or Suspended")
    if status == "Suspended" and found.lock_enabled:
        raise S3Error(
            409, "InvalidBucketState", "An Object Lock configuration is present, so versioning cannot be changed"
        )
    found.versioning = status
    found.changed.update(found.keys)
    return {}


def get_bucket_versioning(account: Account, *, bucket: str) -> dict[str, Any]:
    """Whether a bucket keeps versions; no status when it never did."""
    return {"Status": account.bucket(bucket).versioning}


def put_bucket_lifecycle_configuration(
    account: Account,
    *,
    bucket: str,
    lifecycle_configuration: Mapping[str, Any] | None = None,
    transition_default_minimum_object_size: str = DEFAULT_MINIMUM,
) -> dict[str, Any]:
    """Replace the whole lifecycle of a bucket."""
    found, rules = account.bucket(bucket), (lifecycle_configuration or {}).get("Rules", [])
    validate(rules)
    if transition_default_minimum_object_size not in {DEFAULT_MINIMUM, "varies_by_storage_class"}:
        raise S3Error(400, "InvalidArgument", "Invalid transition default minimum object size")
    found.lifecycle = [{"ID": f"rule-{number}", **rule} for number, rule in enumerate(rules)]
    found.rules = [rule_of(rule) for rule in found.lifecycle]
    found.minimum_size = transition_default_minimum_object_size
    found.changed.update(found.keys)
    return {"TransitionDefaultMinimumObjectSize": found.minimum_size}


def get_bucket_lifecycle_configuration(account: Account, *, bucket: str) -> dict[str, Any]:
    """The lifecycle of a bucket, as it was put."""
    found = account.bucket(bucket)
    if not found.lifecycle:
        raise S3Error(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
    return {"Rules": found.lifecycle, "TransitionDefaultMinimumObjectSize": found.minimum_size}


def delete_bucket_lifecycle(account: Account, *, bucket: str) -> dict[str, Any]:
    """Leave a bucket's objects where they are for ever."""
    found = account.bucket(bucket)
    found.lifecycle, found.rules, found.minimum_size = [], [], DEFAULT_MINIMUM
    return {}


def put_public_access_block(
    account: Account, *, bucket: str, public_access_block_configuration: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep the public out; what is not said is off."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    account.bucket(bucket).public_access_block = {
        name: public_access_block_configuration.get(name, False) for name in names
    }
    return {}


def get_public_access_block(account: Account, *, bucket: str) -> dict[str, Any]:
    """How the public is kept out."""
    found = account.bucket(bucket).public_access_block
    if found is None:
        raise S3Error(
            404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"
        )
    return {"PublicAccessBlockConfiguration": found}
