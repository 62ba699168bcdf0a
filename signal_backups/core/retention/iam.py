"""Least-privilege IAM policies of the four roles that work with the backups, for one bucket and layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.vault.layout import Layout

Statement = dict[str, Any]

_READ_BUCKET = (
    "GetBucketVersioning",
    "GetBucketObjectLockConfiguration",
    "GetLifecycleConfiguration",
    "GetBucketPublicAccessBlock",
)
# Without the last two, S3 omits locks from an object's attributes.
_READ_OBJECTS = ("GetObject", "GetObjectVersion", "GetObjectRetention", "GetObjectLegalHold")
_AUDIT_BUCKET = ("GetBucketPolicy", "GetBucketPolicyStatus", "GetEncryptionConfiguration", "GetBucketLocation")
_WRITE_OBJECTS = ("PutObject", "AbortMultipartUpload", "ListMultipartUploadParts")

_NEVER_ON_BUCKET = (
    "DeleteBucket",
    "DeleteBucketPolicy",
    "PutBucketObjectLockConfiguration",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
    "PutBucketVersioning",
    "PutLifecycleConfiguration",
)
_NEVER_ON_OBJECTS = ("BypassGovernanceRetention", "DeleteObject", "DeleteObjectVersion", "PutObjectLegalHold")

_SPECIAL = re.compile(r"[*?$]")


class Role(StrEnum):
    """Who works with the backups every day; none of them can delete."""

    WRITER = "writer"
    VERIFIER = "verifier"
    RESTORER = "restorer"
    AUDITOR = "auditor"


def policy(role: Role, bucket: str, layout: Layout, lock: LockPolicy | None) -> dict[str, Any]:
    """The IAM policy of a role, as it is written in JSON.

    The writer backs up, reconciles and drills; the verifier reads everything and stores drill and retention reports;
    the restorer reads and thaws; the auditor reads, the bucket's set-up included. All of them add events to the audit
    trail for what they do, which keeps those that are there by its lock and its hashes. What changes protection,
    ``init``, ``lifecycle apply``, ``hold`` and ``lock``, is for an administrator with rights of his own. A bucket
    encrypted with a KMS key needs ``kms:Decrypt`` (all) and ``kms:GenerateDataKey`` (who writes) on that key besides.

    Args:
        role: whose.
        bucket: the bucket's name.
        layout: where the backups are in it.
        lock: what new versions are locked with; None when they are not.
    """
    # Appending to the trail probes first whether the store honours conditional writes.
    events = (layout.event_prefix, layout.probe_key)
    written = {
        Role.WRITER: layout.all_prefixes,
        Role.VERIFIER: (layout.drill_prefix, layout.report_prefix, *events),
    }.get(role, events)
    more = {
        Role.RESTORER: [_allow("ThawBackups", ["RestoreObject"], _objects(bucket, layout.all_prefixes))],
        Role.AUDITOR: [_allow("ReadWhatProtectsTheBucket", _AUDIT_BUCKET, [_arn(bucket)])],
    }.get(role, [])
    statements = [*_reading(bucket, layout), *_writing(bucket, written, lock), *more, *_never(bucket, layout)]
    return {"Version": "2012-10-17", "Statement": statements}


def _reading(bucket: str, layout: Layout) -> list[Statement]:
    prefixes = [f"{_literal(prefix)}*" for prefix in dict.fromkeys((layout.prefix, *layout.all_prefixes))]
    return [
        _allow("ReadBucketSetUp", _READ_BUCKET, [_arn(bucket)]),
        _allow("List", ["ListBucket", "ListBucketVersions"], [_arn(bucket)])
        | {"Condition": {"StringLike": {"s3:prefix": prefixes}}},
        # To HEAD an object that is missing takes the right to list, without a prefix: else the answer is "forbidden".
        _allow("TellMissingFromForbidden", ["ListBucket"], [_arn(bucket)])
        | {"Condition": {"Null": {"s3:prefix": "true"}}},
        _allow("ReadObjects", _READ_OBJECTS, _objects(bucket, layout.all_prefixes)),
    ]


def _writing(bucket: str, prefixes: Sequence[str], lock: LockPolicy | None) -> list[Statement]:
    objects = _objects(bucket, prefixes)
    statements = [_allow("WriteObjects", _WRITE_OBJECTS, objects)]
    if lock is not None:
        # No shorter than the years can be; and not by much longer, for which nobody could stop paying.
        bounds = {
            "NumericGreaterThanEquals": {"s3:object-lock-remaining-retention-days": str(lock.years * 365)},
            "NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": str(lock.years * 366 + 1)},
        }
        statements.append(_allow("LockWhatIsWritten", ["PutObjectRetention"], objects) | {"Condition": bounds})
    return statements


def _never(bucket: str, layout: Layout) -> list[Statement]:
    """What no other policy can give a role either."""
    objects = _objects(bucket, layout.all_prefixes)
    insecure = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    return [
        _deny("NeverDeleteOrUnlock", _NEVER_ON_OBJECTS, objects),
        _deny("NeverWeakenTheBucket", _NEVER_ON_BUCKET, [_arn(bucket)]),
        _deny("OnlyOverTls", ["*"], [_arn(bucket), *objects]) | insecure,
    ]


def _allow(name: str, actions: Iterable[str], resources: Sequence[str]) -> Statement:
    return _statement("Allow", name, actions, resources)


def _deny(name: str, actions: Iterable[str], resources: Sequence[str]) -> Statement:
    return _statement("Deny", name, actions, resources)


def _statement(effect: str, name: str, actions: Iterable[str], resources: Sequence[str]) -> Statement:
    return {
        "Sid": name,
        "Effect": effect,
        "Action": [f"s3:{action}" for action in actions],
        "Resource": list(resources),
    }


def _objects(bucket: str, prefixes: Iterable[str]) -> list[str]:
    return [f"{_arn(bucket)}/{_literal(prefix)}*" for prefix in prefixes]


def _arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _literal(text: str) -> str:
    """Text with IAM's wildcards and variables escaped."""
    return _SPECIAL.sub(lambda special: f"${{{special[0]}}}", text)
