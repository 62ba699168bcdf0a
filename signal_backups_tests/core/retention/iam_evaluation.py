"""Evaluates IAM policies, and records the permissions that the calls of a boto3 client need.

Uses no code of the product.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REMAINING_DAYS = "s3:object-lock-remaining-retention-days"
_TOKEN = re.compile(r"\$\{([*?$])\}|(\*)|(\?)|(.)", re.DOTALL)


@dataclass(frozen=True)
class Permission:
    """One permission that a call needs: action, resource, and the values of condition keys."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def allowed(policy: Mapping[str, Any], permission: Permission) -> bool:
    """Whether a statement allows it and none denies it."""
    effects = {statement["Effect"] for statement in policy["Statement"] if _matches(statement, permission)}
    return effects == {"Allow"}


def denied(policy: Mapping[str, Any], permission: Permission) -> bool:
    """Whether it is denied explicitly, so that no other policy can allow it."""
    return any(statement["Effect"] == "Deny" and _matches(statement, permission) for statement in policy["Statement"])


class Recorder:
    """Collects the permissions that the calls of a client need."""

    def __init__(self, client: S3Client) -> None:
        self.needed: list[Permission] = []
        self.operations: set[str] = set()
        client.meta.events.register("before-parameter-build.s3", self._record)

    def _record(self, params: dict[str, Any], model: Any, **_: object) -> None:
        self.operations.add(model.name)
        self.needed += _NEEDS[model.name](params)


def _matches(statement: Mapping[str, Any], permission: Permission) -> bool:
    return (
        any(_like(pattern, permission.action) for pattern in statement["Action"])
        and any(_like(pattern, permission.resource) for pattern in statement["Resource"])
        and all(
            _CONDITIONS[operator](permission.context.get(key), wanted)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _like(pattern: str, text: str) -> bool:
    """Matches IAM wildcards, and their escaped form ``${*}``."""
    parts = [
        re.escape(escaped or plain) if escaped or plain else ".*" if star else "."
        for escaped, star, _, plain in _TOKEN.findall(pattern)
    ]
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


_CONDITIONS: dict[str, Callable[[str | None, Any], bool]] = {
    "StringLike": lambda found, wanted: found is not None and any(_like(pattern, found) for pattern in wanted),
    "Null": lambda found, wanted: (found is None) == (wanted == "true"),
    "Bool": lambda found, wanted: found == wanted,
    "NumericGreaterThanEquals": lambda found, wanted: found is not None and float(found) >= float(wanted),
    "NumericLessThanEquals": lambda found, wanted: found is not None and float(found) <= float(wanted),
}


def _bucket(params: Mapping[str, Any]) -> str:
    return f"arn:aws:s3:::{params['Bucket']}"


def _object(params: Mapping[str, Any]) -> str:
    return f"{_bucket(params)}/{params['Key']}"


def _of_bucket(action: str) -> Callable[[Mapping[str, Any]], list[Permission]]:
    return lambda params: [Permission(f"s3:{action}", _bucket(params))]


def _of_object(action: str) -> Callable[[Mapping[str, Any]], list[Permission]]:
    return lambda params: [Permission(f"s3:{action}", _object(params))]


def _listing(action: str) -> Callable[[Mapping[str, Any]], list[Permission]]:
    return lambda params: [Permission(f"s3:{action}", _bucket(params), {"s3:prefix": params["Prefix"]})]


def _reading(params: Mapping[str, Any]) -> list[Permission]:
    action = "s3:GetObjectVersion" if "VersionId" in params else "s3:GetObject"
    # With ListBucket, a missing object is a 404 and not a 403.
    return [Permission(action, _object(params)), Permission("s3:ListBucket", _bucket(params))]


def _heading(params: Mapping[str, Any]) -> list[Permission]:
    locks = [Permission(f"s3:{action}", _object(params)) for action in ("GetObjectRetention", "GetObjectLegalHold")]
    return [*_reading(params), *locks]


def _putting(params: Mapping[str, Any]) -> list[Permission]:
    needed = [Permission("s3:PutObject", _object(params))]
    if "IfMatch" in params:
        needed.append(Permission("s3:GetObject", _object(params)))
    if "ObjectLockMode" in params:
        days = (params["ObjectLockRetainUntilDate"] - datetime.now(UTC)).days
        needed.append(Permission("s3:PutObjectRetention", _object(params), {REMAINING_DAYS: str(days)}))
    return needed


def _deleting(params: Mapping[str, Any]) -> list[Permission]:
    return [Permission("s3:DeleteObjectVersion" if "VersionId" in params else "s3:DeleteObject", _object(params))]


_NEEDS: dict[str, Callable[[Mapping[str, Any]], list[Permission]]] = {
    "AbortMultipartUpload": _of_object("AbortMultipartUpload"),
    "CompleteMultipartUpload": _of_object("PutObject"),
    "CreateMultipartUpload": _putting,
    "DeleteObject": _deleting,
    "GetBucketLifecycleConfiguration": _of_bucket("GetLifecycleConfiguration"),
    "GetBucketVersioning": _of_bucket("GetBucketVersioning"),
    "GetObject": _reading,
    "GetObjectLockConfiguration": _of_bucket("GetBucketObjectLockConfiguration"),
    "GetPublicAccessBlock": _of_bucket("GetBucketPublicAccessBlock"),
    "HeadBucket": _of_bucket("ListBucket"),
    "HeadObject": _heading,
    "ListObjectVersions": _listing("ListBucketVersions"),
    "ListObjectsV2": _listing("ListBucket"),
    "PutObject": _putting,
    "RestoreObject": _of_object("RestoreObject"),
    "UploadPart": _of_object("PutObject"),
}
