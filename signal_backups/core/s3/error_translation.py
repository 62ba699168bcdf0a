"""What S3's errors mean: from error codes and broken connections to the project's typed errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
)

from signal_backups.core.base.errors import (
    ArchivedError,
    ConflictError,
    NotFoundError,
    SettingsError,
    SignalBackupsError,
    StoreError,
    UnsupportedError,
    VerificationError,
)

MISSING_CODES = {"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"}
_TRANSIENT_CODES = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "503", "500"}
_DENIED_CODES = {"AccessDenied", "403", "SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "Forbidden"}
_ARCHIVED_CODES = {"InvalidObjectState", "ObjectNotInActiveTierError"}
_LOCKING = {"PutObject", "CreateMultipartUpload", "PutObjectRetention", "PutObjectLegalHold"}
_UNSUPPORTED_CODES = {"NotImplemented", "MethodNotAllowed", "501", "405"}


@contextmanager
def s3_errors(bucket: str, doing: str) -> Iterator[None]:
    """Turn what goes wrong inside into typed errors.

    Args:
        bucket: the bucket that is asked.
        doing: what was tried, with which object; the message begins with it.
    """
    try:
        yield
    except ClientError as error:
        raise _explained(bucket, doing, error) from error
    except NoCredentialsError as error:
        raise StoreError(
            f"{doing}: no credentials", remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except ParamValidationError as error:
        # Nothing was sent: no bucket can have such a name.
        raise SettingsError(
            f"cannot ask for bucket {bucket}: {' '.join(str(error).split())}",
            remedy="Name another with BACKUP_BUCKET_NAME (SIGNAL_BACKUPS_ANCHOR_BUCKET if it is that of the anchors)",
        ) from error
    except FlexibleChecksumError as error:
        raise VerificationError(
            f"{doing}: it is not what was stored: {error}",
            remedy="Run it again; if it repeats, the store has damaged it. See what is wrong with: "
            "signal-backups status",
            transient=True,
        ) from error
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise StoreError(
            f"{doing}: {error}", remedy="Check AWS_ENDPOINT_URL_S3 and that the store is up", transient=True
        ) from error


def error_code(error: ClientError) -> str:
    """S3's code of an error; the HTTP status when the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _explained(bucket: str, doing: str, error: ClientError) -> SignalBackupsError:
    code = error_code(error)
    reason = f"{doing}: {code} {error.response.get('Error', {}).get('Message', '')}".rstrip()
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if about_archives := _about_archives(doing, code, error.operation_name):
        return about_archives
    if code == "InvalidRequest" and error.operation_name in _LOCKING:
        # Stores have no error code for a lock on a bucket without Object Lock.
        return StoreError(
            f"{reason} (has bucket {bucket} Object Lock?)",
            remedy="Switch Object Lock on for good with: signal-backups init --profile recommended --confirm",
        )
    if code == "NoSuchBucket":
        return StoreError(f"{doing}: no bucket {bucket}", remedy="Create it with: signal-backups init")
    if code in _DENIED_CODES:
        return StoreError(reason, remedy="Check the AWS credentials and what they are allowed to do")
    if code in _UNSUPPORTED_CODES:
        return UnsupportedError(reason, remedy="This store cannot do it")
    known = _about_objects(doing, code, reason)
    return known or StoreError(reason, transient=code in _TRANSIENT_CODES or status >= 500)


def _about_objects(doing: str, code: str, reason: str) -> SignalBackupsError | None:
    if code in MISSING_CODES:
        return NotFoundError(reason)
    if code in {"PreconditionFailed", "ConditionalRequestConflict", "412"}:
        return ConflictError(f"{doing}: somebody else wrote it meanwhile", remedy="Run it again", transient=True)
    if code in {"BadDigest", "XAmzContentSHA256Mismatch"}:
        return VerificationError(f"{reason}: damaged on the way", remedy="Run it again", transient=True)
    return None


def _about_archives(doing: str, code: str, operation: str) -> SignalBackupsError | None:
    # To RestoreObject the same code means the opposite: the object is not archived.
    if code in _ARCHIVED_CODES and operation != "RestoreObject":
        return ArchivedError(f"{doing}: it is archived", remedy="It must be thawed first; a thaw takes up to 48 hours")
    if code == "GlacierExpeditedRetrievalNotAvailable":
        return StoreError(
            f"{doing}: S3 has no capacity for Expedited now", remedy="Use the Standard tier", transient=True
        )
    return None
