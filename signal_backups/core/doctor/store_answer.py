"""The store's first answer: is it up, does its clock agree with ours, does it accept our key, is the bucket there?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, NoCredentialsError

from signal_backups.core.base.days import Clock
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.doctor.finding import DoctorResult, failed, unknown, warning, well
from signal_backups.core.s3.error_translation import error_code, s3_errors
from signal_backups.core.s3.store import date_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Stores refuse requests of a clock that is 15 minutes off.
MAX_SKEW = timedelta(minutes=5)
WARN_SKEW = timedelta(seconds=30)

_UNKNOWN_USER = {
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
    """What the store said when it was asked to list something.

    Attributes:
        host: the host that answered.
        bucket: what was asked for.
        error: what it said instead; None: all is well.
        store_time: its clock (UTC), whole seconds; None: it did not say, or was not asked.
        asked: ours, just before; ``answered``: just after.
        is_known: whether there were credentials to ask with.
    """

    host: str
    bucket: str
    error: ClientError | None
    store_time: datetime | None
    asked: datetime
    answered: datetime
    is_known: bool = True

    @property
    def code(self) -> str:
        """S3's error code; empty when all is well."""
        return error_code(self.error) if self.error else ""

    @property
    def skew(self) -> timedelta | None:
        """By how much our clock is ahead of the store's; zero when both may be the same; None: unknown."""
        if self.store_time is None:
            return None
        # The store cuts the fraction of its second off.
        if self.asked > self.store_time + timedelta(seconds=1):
            return self.asked - self.store_time - timedelta(seconds=1)
        return min(self.answered - self.store_time, timedelta(0))


def ask(client: S3Client, bucket: str, prefix: str, clock: Clock) -> FirstAnswer:
    """List one object.

    Raises:
        StoreError: nobody answers.
    """
    endpoint = urlsplit(client.meta.endpoint_url)
    host, asked = endpoint.netloc.rpartition("@")[2], clock()
    with s3_errors(bucket, f"the store at {host} does not answer"):
        try:
            answer: Any = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
            error = None
        except NoCredentialsError:
            return FirstAnswer(host, bucket, None, None, asked, clock(), is_known=False)
        except ClientError as refused:
            answer, error = refused.response, refused
    return FirstAnswer(host, bucket, error, date_of(answer), asked, clock())


def of_store(answer: FirstAnswer) -> DoctorResult:
    """It is up."""
    if not answer.is_known:
        return warning(f"{answer.host} was not asked: there are no credentials", "See credentials, below")
    return well(f"{answer.host} answers")


def of_clock(answer: FirstAnswer) -> DoctorResult:
    """Its clock and ours agree."""
    skew = answer.skew
    if skew is None:
        return unknown("the store did not send its time")
    words = (
        f"this machine's clock is {abs(skew).total_seconds():.0f} s {'ahead of' if skew > timedelta(0) else 'behind'}"
    )
    if abs(skew) <= WARN_SKEW:
        return well(f"{words} the store's")
    judge = failed if abs(skew) > MAX_SKEW else warning
    return judge(f"{words} the store's", "Set this machine's clock, best with NTP (timedatectl set-ntp true)")


def of_credentials(answer: FirstAnswer) -> DoctorResult:
    """The store accepts our credentials."""
    if not answer.is_known:
        return failed(
            "there are none", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile", ExitCode.UNREACHABLE
        )
    if answer.code == _SKEWED:
        return unknown("the store refuses requests with a clock that is so far off")
    if answer.code in _UNKNOWN_USER:
        return failed(
            f"the store refuses them: {answer.code}",
            "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
            ExitCode.UNREACHABLE,
        )
    return well("the store accepts them")


def of_bucket(answer: FirstAnswer) -> DoctorResult:
    """The bucket is there and may be listed.

    Raises:
        StoreError: it is not, or may not.
    """
    if answer.error is not None:
        with s3_errors(answer.bucket, f"cannot list bucket {answer.bucket}"):
            raise answer.error
    return well(f"{answer.bucket} is there and may be listed")
