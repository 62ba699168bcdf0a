"""Checks of the store's answer to a first request: reachable, clock, credentials, bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, NoCredentialsError

from signal_backups.core.base.days import Clock
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.doctor.finding import DoctorResult, failed, not_checked, ok, warning
from signal_backups.core.s3.error_translation import error_code, s3_errors
from signal_backups.core.s3.store import date_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: S3 refuses requests whose clock is 15 minutes off.
MAX_SKEW = timedelta(minutes=5)
WARN_SKEW = timedelta(seconds=30)

_BAD_CREDENTIALS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
    "TokenRefreshRequired",
    "InvalidClientTokenId",
}
_SKEWED = "RequestTimeTooSkewed"


@dataclass(frozen=True)
class FirstAnswer:
    """The store's answer to a request to list the bucket.

    Attributes:
        host: the host that answered.
        bucket: the bucket to list.
        error: the error it answered with; None if it listed the bucket.
        store_time: its clock (UTC), whole seconds; None if the answer has no Date header, or no request was sent.
        asked_at: our clock (UTC) before the request.
        answered_at: our clock (UTC) after the answer.
        has_credentials: whether there were credentials; without them no request is sent.
    """

    host: str
    bucket: str
    error: ClientError | None
    store_time: datetime | None
    asked_at: datetime
    answered_at: datetime
    has_credentials: bool = True

    @property
    def code(self) -> str:
        """S3's error code; empty without an error."""
        return error_code(self.error) if self.error else ""

    @property
    def skew(self) -> timedelta | None:
        """How far our clock is ahead of the store's; zero when they may agree; None if unknown."""
        if self.store_time is None:
            return None
        # The Date header has whole seconds, rounded down.
        if self.asked_at > self.store_time + timedelta(seconds=1):
            return self.asked_at - self.store_time - timedelta(seconds=1)
        return min(self.answered_at - self.store_time, timedelta(0))


def ask(client: S3Client, bucket: str, prefix: str, clock: Clock) -> FirstAnswer:
    """List at most one object.

    Raises:
        StoreError: the store does not answer.
    """
    endpoint = urlsplit(client.meta.endpoint_url)
    host, asked_at = endpoint.netloc.rpartition("@")[2], clock()
    with s3_errors(bucket, f"the store at {host} does not answer"):
        try:
            answer: Any = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
            error = None
        except NoCredentialsError:
            return FirstAnswer(host, bucket, None, None, asked_at, clock(), has_credentials=False)
        except ClientError as refused:
            answer, error = refused.response, refused
    return FirstAnswer(host, bucket, error, date_of(answer), asked_at, clock())


def check_store(answer: FirstAnswer) -> DoctorResult:
    """Check that the store is reachable."""
    if not answer.has_credentials:
        return warning(f"{answer.host} was not asked: there are no credentials", "See credentials, below")
    return ok(f"{answer.host} answers")


def check_clock(answer: FirstAnswer) -> DoctorResult:
    """Check that the store's clock and ours agree."""
    skew = answer.skew
    if skew is None:
        return not_checked("the store did not send its time")
    side = "ahead of" if skew > timedelta(0) else "behind"
    found = f"this machine's clock is {abs(skew).total_seconds():.0f} s {side} the store's"
    if abs(skew) <= WARN_SKEW:
        return ok(found)
    result = failed if abs(skew) > MAX_SKEW else warning
    return result(found, "Set this machine's clock, best with NTP (timedatectl set-ntp true)")


def check_credentials(answer: FirstAnswer) -> DoctorResult:
    """Check that there are credentials, and that the store accepts them."""
    if not answer.has_credentials:
        return failed(
            "there are none", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile", ExitCode.UNREACHABLE
        )
    if answer.code == _SKEWED:
        return not_checked("the store refuses requests because this machine's clock is too far off")
    if answer.code in _BAD_CREDENTIALS:
        return failed(
            f"the store refuses them: {answer.code}",
            "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
            ExitCode.UNREACHABLE,
        )
    return ok("the store accepts them")


def check_bucket(answer: FirstAnswer) -> DoctorResult:
    """Check that the bucket exists and can be listed.

    Raises:
        StoreError: it does not exist, or listing is denied.
    """
    if answer.error is not None:
        with s3_errors(answer.bucket, f"cannot list bucket {answer.bucket}"):
            raise answer.error
    return ok(f"{answer.bucket} exists and can be listed")
