"""Where the S3 servers differ: one table, and every entry is tested on every server.

The in-memory S3 behaves like at least one real server, or as AWS documents at the address that ``source`` gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ServerName = Literal["memory", "seaweedfs", "ceph"]

USER_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
API = "https://docs.aws.amazon.com/AmazonS3/latest/API/"


@dataclass(frozen=True)
class Difference:
    """What the in-memory S3, SeaweedFS 4 and Ceph 16 do in one situation.

    Each is ``ok``, an error as ``outcome`` gives it, or what a test names. A server that is fixed, or breaks further,
    fails the test.

    Attributes:
        source: why a server differs, or where AWS documents what the in-memory S3 does.
    """

    memory: str
    seaweedfs: str
    ceph: str
    source: str

    def on(self, server: ServerName) -> str:
        """What one server does."""
        return {"memory": self.memory, "seaweedfs": self.seaweedfs, "ceph": self.ceph}[server]


# Buckets.
CREATE_BUCKET_TWICE = Difference(
    "409 BucketAlreadyOwnedByYou",
    "409 BucketAlreadyOwnedByYou",
    "ok",
    "Ceph answers as AWS does in us-east-1 alone",
)
DELETE_BUCKET_WITH_VERSIONS = Difference(
    "409 BucketNotEmpty",
    "ok",
    "409 BucketNotEmpty",
    "SeaweedFS deletes the versions with the bucket",
)
PUBLIC_ACCESS_BLOCK_NOT_SET = Difference(
    "404 NoSuchPublicAccessBlockConfiguration",
    "501 NotImplemented",
    "ok",
    f"{API}API_GetPublicAccessBlock.html; Ceph answers that nothing is blocked",
)
PUT_PUBLIC_ACCESS_BLOCK = Difference("ok", "501 NotImplemented", "ok", "SeaweedFS has no bucket-wide block")

# Objects.
DOUBLE_SLASH = Difference("//x", "/x", "//x", "SeaweedFS keeps keys as paths of files")
UNKNOWN_VERSION = Difference(
    "404 NoSuchVersion", "404 NoSuchVersion", "404 NoSuchKey", "Ceph has one code for keys and versions"
)
UNKNOWN_STORAGE_CLASS = Difference(
    "400 InvalidStorageClass", "400 InvalidStorageClass", "400 InvalidArgument", "Ceph checks its own placement"
)
GET_ARCHIVED = Difference(
    "403 InvalidObjectState", "ok", "ok", f"{USER_GUIDE}restoring-objects.html; the others keep GLACIER like STANDARD"
)
RESTORE_ARCHIVED = Difference(
    "ok", "405 MethodNotAllowed", "501 NotImplemented", f"{API}API_RestoreObject.html; the others archive nothing"
)

# Versions.
HEAD_DELETE_MARKER = Difference("405", "404", "404", f"{API}API_HeadObject.html")
GET_DELETE_MARKER = Difference("405 MethodNotAllowed", "404 NoSuchKey", "404 NoSuchKey", f"{API}API_GetObject.html")
NULL_VERSION_LISTED = Difference(
    "first, latest", "last, latest", "first, latest", "SeaweedFS lists the null version of a key last"
)

# Listings.
LARGEST_PAGE_OF_OBJECTS = Difference("1000", "1001", "1000", "SeaweedFS gives as many as it is asked for")
BYTE_ORDER = "- /1 /2 /a 0 A a ä 中 😀"
ORDER_OF_OBJECTS = Difference(
    BYTE_ORDER,
    "/1 /2 - /a 0 A ä a 中 😀",
    BYTE_ORDER,
    "SeaweedFS goes by the names of files and of folders of versions",
)
ORDER_OF_VERSIONS = Difference(
    BYTE_ORDER, "/1 /2 /a 0 A a ä 中 😀", BYTE_ORDER, "SeaweedFS leaves a key out when pages end within a folder"
)

# Conditions.
IF_NONE_MATCH_OVER_VERSION = Difference(
    "412 PreconditionFailed", "412 PreconditionFailed", "ok", "Ceph 16 ignores If-None-Match in a versioned bucket"
)
IF_MATCH_OF_CURRENT = Difference("ok", "ok", "412 PreconditionFailed", "Ceph 16 knows an ETag only without its quotes")
IF_MATCH_WITHOUT_OBJECT = Difference(
    "404 NoSuchKey",
    "412 PreconditionFailed",
    "412 PreconditionFailed",
    f"{USER_GUIDE}conditional-writes.html",
)

# Digests.
WRONG_CHECKSUM = Difference("400 BadDigest", "400 BadDigest", "ok", "Ceph 16 checks Content-MD5 alone")
MALFORMED_CHECKSUM = Difference(
    "400 InvalidRequest", "400 BadDigest", "ok", f"{USER_GUIDE}checking-object-integrity.html"
)
STORED_CHECKSUM = Difference("shown", "shown", "not kept", "Ceph 16 keeps no checksum")

# Object Lock of versions.
EMPTY_RETENTION = Difference(
    "400 MalformedXML", "400 InvalidRequest", "400 MalformedXML", "other codes, refused by all"
)
RETENTION_IN_THE_PAST = Difference(
    "400 InvalidArgument", "400 InvalidRequest", "400 InvalidArgument", "other codes, refused by all"
)
VERSION_WITHOUT_RETENTION = Difference(
    "404 NoSuchObjectLockConfiguration",
    "404 ObjectLockConfigurationNotFoundError",
    "404 ObjectLockConfigurationNotFoundError",
    f"{API}ErrorResponses.html; the others answer as for a bucket without Object Lock",
)
VERSION_WITHOUT_LEGAL_HOLD = Difference(
    "404 NoSuchObjectLockConfiguration",
    "404 NoSuchObjectLegalHold",
    "404 ObjectLockConfigurationNotFoundError",
    f"{API}ErrorResponses.html",
)

# Object Lock of buckets.
LOCK_UPLOAD_WITHOUT_DIGEST = Difference(
    "400 InvalidRequest", "ok", "ok", f"{API}API_PutObject.html; the others take a lock without a digest"
)
LOCK_OBJECT_WITHOUT_OBJECT_LOCK = Difference(
    "400 InvalidRequest", "ok", "400 InvalidRequest", "SeaweedFS locks single objects in any versioned bucket"
)
DEFAULT_OF_NO_DAYS = Difference(
    "400 InvalidArgument", "400 InvalidRetentionPeriod", "400 InvalidRetentionPeriod", f"{API}ErrorResponses.html"
)
DEFAULT_OF_101_YEARS = Difference(
    "400 InvalidArgument", "400 InvalidRetentionPeriod", "ok", f"{USER_GUIDE}object-lock-managing.html"
)
OBJECT_LOCK_FOR_OLD_BUCKET = Difference(
    "ok", "ok", "409 InvalidBucketState", "Ceph 16 knows Object Lock only from a bucket's creation on"
)

# Multipart uploads.
CREATE_MULTIPART_UPLOAD = Difference(
    "501 NotImplemented", "ok", "ok", "no test needs one in memory; the in-memory S3 refuses what it does not know"
)
IF_NONE_MATCH_COMPLETES = Difference(
    "501 NotImplemented", "412 PreconditionFailed", "ok", "Ceph 16 ignores If-None-Match here"
)
COMPLETE_ABORTED_UPLOAD = Difference(
    "501 NotImplemented", "404 NoSuchUpload", "500 InternalError", "a fault of Ceph 16"
)
PARTS_OUT_OF_ORDER = Difference("501 NotImplemented", "400 InvalidPartOrder", "ok", "Ceph 16 sorts them")
DELETE_LOCKED_UPLOAD = Difference(
    "501 NotImplemented", "403 AccessDenied", "ok", "Ceph 16 forgets the lock of a multipart upload"
)
