"""Least-privilege IAM policies of the four roles, for one bucket and layout."""

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
    """A set of rights for everyday work; none of them allows deleting."""

    WRITER = "writer"
    VERIFIER = "verifier"
    RESTORER = "restorer"
    AUDITOR = "auditor"


def policy(role: Role, bucket: str, layout: Layout, lock: LockPolicy | None) -> dict[str, Any]:
    """The IAM policy document of a role.

    The writer backs up, reconciles and drills. The verifier reads everything and stores drill and retention reports.
    The restorer reads and thaws. The auditor reads, the bucket's configuration included. All of them append events to
    the audit trail, and record what they find; locks and hashes protect the existing events. ``init``,
    ``lifecycle apply``, ``hold`` and ``lock`` need an administrator's rights. With a KMS key, all roles also need
    ``kms:Decrypt`` on it, and those that write ``kms:GenerateDataKey``.

    Args:
        role: the role.
        bucket: name of the bucket.
        layout: where the backups are in the bucket.
        lock: lock that each new version gets; None for no lock.
    """
    # Before it appends, the audit trail probes whether the store honours conditional writes.
    events = (layout.event_prefix, layout.probe_key, layout.finding_prefix)
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
        # Without the right to list (requests without a prefix), HEAD of a missing object returns 403 instead of 404.
        _allow("TellMissingFromForbidden", ["ListBucket"], [_arn(bucket)])
        | {"Condition": {"Null": {"s3:prefix": "true"}}},
        _allow("ReadObjects", _READ_OBJECTS, _objects(bucket, layout.all_prefixes)),
    ]


def _writing(bucket: str, prefixes: Sequence[str], lock: LockPolicy | None) -> list[Statement]:
    objects = _objects(bucket, prefixes)
    statements = [_allow("WriteObjects", _WRITE_OBJECTS, objects)]
    if lock is not None:
        # No shorter than these years can be, and hardly longer: a longer lock costs money and cannot be undone.
        bounds = {
            "NumericGreaterThanEquals": {"s3:object-lock-remaining-retention-days": str(lock.years * 365)},
            "NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": str(lock.years * 366 + 1)},
        }
        statements.append(_allow("LockWhatIsWritten", ["PutObjectRetention"], objects) | {"Condition": bounds})
    return statements


def _never(bucket: str, layout: Layout) -> list[Statement]:
    """Denied explicitly, so that no other policy can allow it."""
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
