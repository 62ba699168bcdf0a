"""A strict S3 behind a real boto3 client: requests in, answers out, faults in between, lifecycle as time passes."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, HTTPClientError

from signal_backups_tests.servers.faults import Answer, Refuse
from signal_backups_tests.servers.strict_s3 import buckets, listings, locks, objects, thawing, wire
from signal_backups_tests.servers.strict_s3.clock import ONE_DAY, SimulatedClock
from signal_backups_tests.servers.strict_s3.digests import checked_body
from signal_backups_tests.servers.strict_s3.lifecycle import LifecycleEvent, run_pass
from signal_backups_tests.servers.strict_s3.state import Account, S3Error

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

_MODULES = (buckets, listings, locks, objects, thawing)
#: Parameters that are about the transport of a request, not about what is asked for.
_TRANSPORT = {"content_length", "content_encoding", "content_md5", "checksum_algorithm", "expected_bucket_owner"}


@dataclass(frozen=True)
class LostAnswer:
    """Do what is asked, then break the connection: the client does not know that it was done."""


FaultPlan = Callable[[str], Answer | Refuse | LostAnswer | None]
"""Called with the operation (``PutObject``) once for each request; None lets it pass."""


class StrictS3:
    """A strict S3 in memory.

    Lifecycle is up to date whenever a request is answered, whoever moved the clock.

    Args:
        clock: returns the present instant (UTC).
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.requests: Counter[str] = Counter()
        self.faults: FaultPlan = lambda _operation: None
        self.lifecycle_log: list[LifecycleEvent] = []
        self._clock = clock
        self._account = Account(now=clock())
        self._last_pass = datetime.combine(self._account.now.date(), time(0), tzinfo=UTC)
        self._lock = RLock()

    def client(self, *, region: str = "us-east-1", max_attempts: int = 1) -> S3Client:
        """A boto3 client of this S3; it tries again at once, never asleep."""
        client = _session().client(
            "s3",
            region_name=region,
            aws_access_key_id="strict",
            aws_secret_access_key="strict",
            # Nobody looks at a signature or a user agent: making them is a third of a request.
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 1}, signature_version=UNSIGNED, user_agent="strict"
            ),
        )

        def try_again(
            attempts: int, response: tuple[AWSResponse, Any] | None, caught_exception: Exception | None, **_: Any
        ) -> float | None:
            broken = isinstance(caught_exception, HTTPClientError)
            refused = response is not None and response[0].status_code >= 500 and response[0].status_code != 501
            return 0.0 if attempts < max_attempts and (broken or refused) else None

        client.meta.events.register_first("needs-retry.s3", try_again)
        self.attach(client)
        return client

    def attach(self, client: S3Client) -> None:
        """Answer all requests of a client, whatever endpoint it has; its own retries stay as they are."""
        model = client.meta.service_model

        def before_send(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            return self._answered(model.operation_model(event_name.rpartition(".")[2]), request)

        client.meta.events.register("before-send.s3", before_send)

    def copy(self) -> StrictS3:
        """Another S3 that holds the same, and goes its own way from here."""
        other = StrictS3(self._clock)
        with self._lock:
            other._account, other._last_pass = deepcopy(self._account), self._last_pass
        return other

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> None:
        """Move the simulated clock on, and do what lifecycle does meanwhile."""
        if not isinstance(self._clock, SimulatedClock):
            raise TypeError("only a SimulatedClock can be moved from here")
        self._clock.advance(timedelta(days=days, hours=hours, minutes=minutes))
        self.run_lifecycle()

    def run_lifecycle(self) -> None:
        """Make the lifecycle pass of each midnight (UTC) that has gone by since the last one."""
        with self._lock:
            now = self._clock()
            while self._last_pass + ONE_DAY <= now:
                self._last_pass += ONE_DAY
                for bucket in self._account.buckets.values():
                    self.lifecycle_log.extend(run_pass(bucket, self._last_pass))
            self._account.now = now

    def fail_next(self, times: int, code: str, status: int, *, operation: str | None = None) -> None:
        """Answer the next requests (of an operation) with an error and do nothing; then go on by the plan there was."""
        before, left = self.faults, times

        def plan(called: str) -> Answer | Refuse | LostAnswer | None:
            nonlocal left
            if left == 0 or operation not in {None, called}:
                return before(called)
            left -= 1
            return Answer(status, code)

        self.faults = plan

    def _answered(self, operation: OperationModel, request: AWSPreparedRequest) -> AWSResponse:
        with self._lock:
            self.requests[operation.name] += 1
            fault = self.faults(operation.name)
            if isinstance(fault, Answer):
                return wire.error_answer(operation, request.url, S3Error(fault.status, fault.code, "As planned"))
            if isinstance(fault, Refuse):
                raise ConnectionClosedError(endpoint_url=request.url)
            self.run_lifecycle()
            answer = self._served(operation, request)
            if isinstance(fault, LostAnswer):
                raise ConnectionClosedError(endpoint_url=request.url)
            return answer

    def _served(self, operation: OperationModel, request: AWSPreparedRequest) -> AWSResponse:
        try:
            result = self._done(operation, request)
        except S3Error as error:
            return wire.error_answer(operation, request.url, error)
        status = result.pop("HTTPStatusCode", operation.http.get("responseCode", 200))
        return wire.answer(operation, request.url, result, status)

    def _done(self, operation: OperationModel, request: AWSPreparedRequest) -> dict[str, Any]:
        handler = _handler(xform_name(operation.name))
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        body, checksums = checked_body(headers, _bytes(request.body))
        asked = {
            xform_name(name): value
            for name, value in wire.parameters(operation, request.url, headers, body).items()
            if not name.startswith("Checksum") or name == "ChecksumMode"
        }
        if operation.name == "PutObject":
            asked.update(checksums=checksums, has_digest=bool(checksums) or "content-md5" in headers)
        known = {name: value for name, value in asked.items() if name not in _TRANSPORT}
        _check_names(operation.name, handler, set(known))
        return handler(self._account, **known)


@cache
def _session() -> boto3.session.Session:
    # Reading S3's model takes longer than most tests.
    return boto3.session.Session()


@cache
def _handler(name: str) -> Callable[..., dict[str, Any]]:
    # Only what a module defines itself and shows counts as an operation.
    for module in _MODULES:
        found = getattr(module, name, None)
        if inspect.isfunction(found) and found.__module__ == module.__name__:
            return found
    raise S3Error(501, "NotImplemented", f"The in-memory S3 has no {name}")


def _check_names(operation: str, handler: Callable[..., Any], given: set[str]) -> None:
    parameters = _parameters(handler)
    if unknown := given - set(parameters):
        raise S3Error(501, "NotImplemented", f"{operation} of the in-memory S3 does not know {sorted(unknown)}")
    required = {name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty}
    if missing := required - given - {"account"}:
        raise S3Error(400, "MalformedXML", f"{operation} without {sorted(missing)}")


@cache
def _parameters(handler: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(handler).parameters


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        return body.read()
    return body.encode() if isinstance(body, str) else bytes(body)
