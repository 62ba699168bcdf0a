"""Thawing on moto's S3, where a thaw ends after a number of HEAD requests: plans, requests, waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.moto_api import state_manager

from signal_backups.core.base.days import Clock
from signal_backups.core.base.errors import ArchivedError, ExitCode, NotFoundError, SettingsError, StoreError
from signal_backups.core.ledger.event import Action
from signal_backups.core.restore import request_thaw
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.s3.thaw import (
    ARCHIVED_CLASSES,
    THAW_TERMS,
    ThawOffer,
    ThawProgress,
    ThawState,
    Tier,
    needs_thaw,
    plan_thaw,
    state_of,
    thaw_state,
    wait_until_readable,
)
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GIB = 2**30
HOUR = timedelta(hours=1)
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAYS = 7
#: How many HEAD requests moto answers with an unfinished thaw.
THAWING_LOOKS = 2
#: How many state transitions moto counts for one HEAD request.
COUNTED_FOR_A_LOOK = 2


class FakeTime:
    """A clock that advances only by sleeping; it starts at the real time, by which moto's copies expire."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class Calls:
    """The requests to S3 as ``(operation, key)``, and the parameters of every thaw request."""

    def __init__(self, client: S3Client) -> None:
        self.made: list[tuple[str, str]] = []
        self.thaws: list[dict[str, Any]] = []
        client.meta.events.register("before-parameter-build.s3", self._note)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.made.append((model.name, params.get("Key", "")))
        if model.name == "RestoreObject":
            self.thaws.append(dict(params))

    def of(self, operation: str) -> list[str]:
        return [key for name, key in self.made if name == operation]


@pytest.fixture
def client() -> Iterator[S3Client]:
    """A client of moto's S3 without retries."""
    state_manager.set_transition(
        "s3::keyrestore", {"progression": "manual", "times": THAWING_LOOKS * COUNTED_FOR_A_LOOK}
    )
    try:
        with mock_aws():
            client = s3_client(S3Connection(access_key_id="test", secret_access_key="test", max_attempts=1))
            client.create_bucket(Bucket="vault")
            client.put_bucket_versioning(Bucket="vault", VersioningConfiguration={"Status": "Enabled"})
            yield client
    finally:
        state_manager.unset_transition("s3::keyrestore")


@pytest.fixture
def store(client: S3Client) -> S3ObjectStore:
    """A store on moto's S3."""
    return S3ObjectStore(client, "vault")


@pytest.fixture
def calls(client: S3Client) -> Calls:
    return Calls(client)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def put(store: S3ObjectStore, key: str, storage_class: Any = "GLACIER") -> ObjectVersion:
    """A stored object, as a listing shows it."""
    store._client.put_object(Bucket=store.bucket, Key=key, Body=b"signals", StorageClass=storage_class)
    return store.list_versions(key)[0]


def answer(client: S3Client, operation: str, status: int, code: str, times: int = 1) -> None:
    """Make the next calls of an operation return this answer instead of moto's."""
    left = iter(range(times))

    def respond(**_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        if next(left, None) is None:
            return None
        error = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse("", status, {}, None), error

    client.meta.events.register(f"before-call.s3.{operation}", respond)


def waited(
    store: S3ObjectStore, versions: list[ObjectVersion], time: FakeTime, tier: Tier = Tier.STANDARD, **options: Any
) -> list[ThawProgress]:
    """Wait until all are thawed; returns the reported progress."""
    recorded_events: list[ThawProgress] = []
    wait: dict[str, Any] = {"requested_at": time(), "sleep": time.sleep, **options}
    wait_until_readable(store, versions, tier=tier, clock=time, on_progress=recorded_events.append, **wait)
    return recorded_events


def sized(storage_class: str, size: int) -> ObjectVersion:
    return ObjectVersion("key", "v1", size, NOON, "etag", storage_class=storage_class)


def headed(restore_header: str | None, storage_class: str = "GLACIER") -> ObjectVersion:
    return replace(sized(storage_class, 1), restore_header=restore_header)


def figures(offer: ThawOffer) -> tuple[Tier, timedelta, timedelta, float, float, float, float]:
    usd = (offer.requests_usd, offer.retrieval_usd, offer.copy_usd, offer.total_usd)
    return (offer.tier, offer.shortest_wait, offer.longest_wait, *(round(each, 9) for each in usd))  # type: ignore[return-value]


def test_two_classes_need_a_thaw() -> None:
    classes = ["STANDARD", "STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE"]
    assert [each for each in classes if needs_thaw(each)] == ["GLACIER", "DEEP_ARCHIVE"]
    assert {"GLACIER", "DEEP_ARCHIVE"} == ARCHIVED_CLASSES


@pytest.mark.parametrize(
    ("header", "state"),
    [
        (None, ThawState.FROZEN),
        ('ongoing-request="true"', ThawState.THAWING),
        ('Ongoing-Request = "TRUE"', ThawState.THAWING),
        ('ongoing-request="false", expiry-date="Tue, 01 Dec 2026 12:00:01 GMT"', ThawState.READABLE),
        ('expiry-date="Tue, 01 Dec 2026 12:00:01 GMT",ongoing-request="false"', ThawState.READABLE),
        ('ongoing-request="false", expiry-date="Tue, 01 Dec 2026 12:00:01 -0000"', ThawState.READABLE),
        ('ongoing-request="false", expiry-date="Tue, 01 Dec 2026 13:00:00 +0100"', ThawState.FROZEN),
        ('ongoing-request="false", expiry-date="Tue, 01 Dec 2026 12:00:00 GMT"', ThawState.FROZEN),
    ],
)
def test_the_header_gives_the_state_of_the_thaw(header: str | None, state: ThawState) -> None:
    assert thaw_state(headed(header), NOON) is state
    assert thaw_state(headed(header, "DEEP_ARCHIVE"), NOON) is state
    assert thaw_state(headed(header, "GLACIER_IR"), NOON) is ThawState.READABLE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "thawed",
        'ongoing-request="perhaps"',
        'ongoing-request="false"',
        'ongoing-request="false", expiry-date="soon"',
        'ongoing-request="false", expiry-date="Tue, 41 Dec 2026 12:00:00 GMT"',
    ],
)
def test_an_unknown_header_is_an_error_that_names_it(header: str) -> None:
    with pytest.raises(StoreError) as raised:
        thaw_state(headed(header), NOON)
    assert f"key version v1: the store describes its thaw as {header!r}" in str(raised.value)
    assert not raised.value.transient


def test_a_plan_for_glacier_offers_every_tier() -> None:
    plan = plan_thaw([sized("GLACIER", 3 * GIB), sized("GLACIER", GIB)], days=15)
    assert (plan.objects, plan.bytes, plan.days) == (2, 4 * GIB, 15)
    # Copy: 4 GB x $0.023 x 15 days of a month of 365.25/12.
    assert [figures(offer) for offer in plan.offers] == [
        (Tier.EXPEDITED, timedelta(minutes=1), timedelta(minutes=5), 0.02, 0.12, 0.045338809, 0.185338809),
        (Tier.STANDARD, 3 * HOUR, 5 * HOUR, 0.0001, 0.04, 0.045338809, 0.085438809),
        (Tier.BULK, 5 * HOUR, 12 * HOUR, 0, 0, 0.045338809, 0.045338809),
    ]


def test_a_plan_for_deep_archive_offers_no_expedited() -> None:
    plan = plan_thaw([sized("DEEP_ARCHIVE", 2 * GIB)], days=30)
    assert [figures(offer) for offer in plan.offers] == [
        (Tier.STANDARD, 12 * HOUR, 12 * HOUR, 0.0001, 0.04, 0.045338809, 0.085438809),
        (Tier.BULK, 48 * HOUR, 48 * HOUR, 0.000025, 0.005, 0.045338809, 0.050363809),
    ]


def test_a_plan_for_both_classes_waits_for_the_slower_and_adds_their_prices() -> None:
    plan = plan_thaw([sized("GLACIER", GIB), sized("DEEP_ARCHIVE", GIB), sized("GLACIER_IR", GIB)], days=30)
    assert (plan.objects, plan.bytes) == (2, 2 * GIB)
    assert [figures(offer) for offer in plan.offers] == [
        (Tier.STANDARD, 12 * HOUR, 12 * HOUR, 0.00015, 0.03, 0.045338809, 0.075488809),
        (Tier.BULK, 48 * HOUR, 48 * HOUR, 0.000025, 0.0025, 0.045338809, 0.047863809),
    ]


def test_a_plan_for_nothing_offers_nothing() -> None:
    plan = plan_thaw([sized("STANDARD", GIB)], days=1)
    assert (plan.objects, plan.bytes, plan.offers) == (0, 0, ())


def test_reading_a_frozen_object_fails_and_says_that_it_must_be_thawed(store: S3ObjectStore, tmp_path: Path) -> None:
    frozen = put(store, "a")
    reads: list[Callable[[], object]] = [
        lambda: store.get_file("a", frozen.version_id, tmp_path / "a"),
        lambda: store.get_bytes("a"),
    ]
    for read in reads:
        with pytest.raises(ArchivedError, match=r"cannot read s3://vault/a.* archived.* thawed first") as raised:
            read()
        assert raised.value.exit_code == ExitCode.THAWING == 5


def request_all(
    store: S3ObjectStore, versions: Iterable[ObjectVersion], tier: Tier, days: int, *, clock: Clock
) -> list[ObjectVersion]:
    return request_thaw.request_all(BackupVault(store, Layout()), versions, tier, days, clock=clock)


def test_a_request_writes_an_audit_event_and_no_request_writes_none(store: S3ObjectStore, time: FakeTime) -> None:
    frozen, instant = put(store, "a"), put(store, "b", "GLACIER_IR")
    for _ in range(2):
        request_all(store, [frozen, instant], Tier.BULK, DAYS, clock=time)
    (event,) = recorded_events(BackupVault(store, Layout()))
    assert (event.action, event.result) == (Action.THAW, "requested")
    assert (objects(event), event.details) == ({("a", frozen.version_id)}, {"tier": "Bulk", "days": DAYS})


def test_requests_before_an_error_are_recorded(
    store: S3ObjectStore, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [put(store, key) for key in ("a", "b", "c")]
    plain = store.request_thaw

    def refusing(key: str, version_id: str, tier: str, days: int) -> bool:
        if key == "b":
            raise StoreError("denied")
        return plain(key, version_id, tier, days)

    monkeypatch.setattr(store, "request_thaw", refusing)
    with pytest.raises(StoreError, match="denied"):
        request_all(store, versions, Tier.BULK, DAYS, clock=time)
    (event,) = recorded_events(BackupVault(store, Layout()))
    assert objects(event) == {("a", versions[0].version_id)}


def test_a_thaw_is_requested_and_awaited(store: S3ObjectStore, calls: Calls, time: FakeTime, tmp_path: Path) -> None:
    frozen = put(store, "a")
    assert request_all(store, [frozen], Tier.BULK, DAYS, clock=time) == [frozen]
    assert calls.thaws == [
        {
            "Bucket": "vault",
            "Key": "a",
            "VersionId": frozen.version_id,
            "RestoreRequest": {"Days": DAYS, "GlacierJobParameters": {"Tier": "Bulk"}},
        }
    ]
    eta = time() + 12 * HOUR
    assert waited(store, [frozen], time, Tier.BULK) == [
        ThawProgress(0, 1, eta),
        ThawProgress(0, 1, eta),
        ThawProgress(1, 1, None),
    ]
    assert time.slept == [15 * 60, 15 * 60]
    head = store.head("a")
    assert head is not None
    assert head.storage_class == "GLACIER"
    store.get_file("a", frozen.version_id, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"signals"


@pytest.mark.parametrize(("tier", "seconds"), [(Tier.EXPEDITED, 30), (Tier.STANDARD, 300), (Tier.BULK, 900)])
def test_the_interval_of_checks_fits_the_tier(store: S3ObjectStore, time: FakeTime, tier: Tier, seconds: float) -> None:
    frozen = put(store, "a")
    request_all(store, [frozen], tier, DAYS, clock=time)
    assert waited(store, [frozen], time, tier)[0].eta == time.now - timedelta(seconds=sum(time.slept)) + (
        THAW_TERMS["GLACIER", tier].longest_wait
    )
    assert time.slept == [seconds] * THAWING_LOOKS


def test_the_caller_may_shorten_the_interval(store: S3ObjectStore, time: FakeTime) -> None:
    frozen = put(store, "a")
    request_all(store, [frozen], Tier.BULK, DAYS, clock=time)
    waited(store, [frozen], time, Tier.BULK, poll_s=0.5)
    assert time.slept == [0.5] * THAWING_LOOKS


def test_only_unfinished_thaws_are_checked_and_the_slowest_gives_the_eta(
    store: S3ObjectStore, calls: Calls, time: FakeTime
) -> None:
    glacier, deep, warm = put(store, "g"), put(store, "d", "DEEP_ARCHIVE"), put(store, "s", "STANDARD")
    versions = [glacier, deep, warm]
    request_all(store, versions, Tier.STANDARD, DAYS, clock=time)
    # One HEAD request more for Deep, so that only Glacier remains.
    assert state_of(store, deep, time()) is ThawState.THAWING
    calls.made.clear()
    asked_at = time()
    assert waited(store, versions, time) == [
        ThawProgress(1, 3, asked_at + 12 * HOUR),
        ThawProgress(2, 3, asked_at + 5 * HOUR),
        ThawProgress(3, 3, None),
    ]
    assert calls.of("HeadObject") == ["g", "d", "g", "d", "g"]


def test_versions_that_need_no_thaw_cause_no_requests(store: S3ObjectStore, calls: Calls, time: FakeTime) -> None:
    versions = [put(store, "instant", "GLACIER_IR"), put(store, "standard", "STANDARD")]
    assert request_all(store, versions, Tier.EXPEDITED, DAYS, clock=time) == []
    assert waited(store, versions, time) == [ThawProgress(2, 2, None)]
    assert (calls.of("RestoreObject"), calls.of("HeadObject"), time.slept) == ([], [], [])
    assert [store.get_bytes(version.key)[0] for version in versions] == [b"signals"] * 2


def test_a_repeated_request_covers_only_frozen_versions(store: S3ObjectStore, calls: Calls, time: FakeTime) -> None:
    first, second = put(store, "a"), put(store, "b", "DEEP_ARCHIVE")
    assert request_all(store, [first], Tier.STANDARD, DAYS, clock=time) == [first]
    assert request_all(store, [first, second], Tier.STANDARD, DAYS, clock=time) == [second]
    assert request_all(store, [first, second], Tier.STANDARD, DAYS, clock=time) == []
    waited(store, [first, second], time)
    assert request_all(store, [first, second], Tier.STANDARD, DAYS, clock=time) == []
    assert calls.of("RestoreObject") == ["a", "b"]


def test_an_interrupted_wait_can_be_continued(store: S3ObjectStore, calls: Calls, time: FakeTime) -> None:
    frozen = put(store, "a")
    request_all(store, [frozen], Tier.STANDARD, DAYS, clock=time)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        waited(store, [frozen], time, sleep=interrupted)
    assert state_of(store, frozen, time()) is ThawState.THAWING
    assert request_all(store, [frozen], Tier.STANDARD, DAYS, clock=time) == []
    assert waited(store, [frozen], time, requested_at=None)[-1] == ThawProgress(1, 1, None)
    assert calls.of("RestoreObject") == ["a"]


def test_without_the_time_of_the_request_there_is_no_eta(store: S3ObjectStore, time: FakeTime) -> None:
    frozen = put(store, "a")
    request_all(store, [frozen], Tier.STANDARD, DAYS, clock=time)
    assert {progress.eta for progress in waited(store, [frozen], time, requested_at=None)} == {None}
    assert time.slept


def test_an_expired_copy_is_requested_again(store: S3ObjectStore, calls: Calls, time: FakeTime) -> None:
    frozen = put(store, "a")
    request_all(store, [frozen], Tier.STANDARD, DAYS, clock=time)
    waited(store, [frozen], time)
    assert state_of(store, frozen, time()) is ThawState.READABLE
    time.sleep(timedelta(days=DAYS, minutes=1).total_seconds())
    assert state_of(store, frozen, time()) is ThawState.FROZEN
    assert request_all(store, [frozen], Tier.STANDARD, DAYS, clock=time) == [frozen]
    assert calls.of("RestoreObject") == ["a", "a"]


def test_waiting_for_a_thaw_that_was_not_requested_fails(store: S3ObjectStore, time: FakeTime) -> None:
    frozen = put(store, "a")
    with pytest.raises(ArchivedError, match=f"s3://vault/a version {frozen.version_id} .* no thaw of it is under way"):
        waited(store, [frozen], time)
    assert time.slept == []


def test_waiting_for_a_removed_version_fails(store: S3ObjectStore, time: FakeTime) -> None:
    gone = replace(put(store, "a"), key="b")
    with pytest.raises(NotFoundError, match=r"s3://vault/b version .* is gone"):
        waited(store, [gone], time)
    assert time.slept == []


def test_nothing_is_requested_if_one_version_cannot_be_thawed_at_the_tier(
    store: S3ObjectStore, calls: Calls, time: FakeTime
) -> None:
    versions = [put(store, "a"), put(store, "b", "DEEP_ARCHIVE")]
    for use in (
        lambda: request_all(store, versions, Tier.EXPEDITED, DAYS, clock=time),
        lambda: waited(store, versions, time, Tier.EXPEDITED),
    ):
        with pytest.raises(SettingsError, match=r"b is in DEEP_ARCHIVE, which has no Expedited thaw\. Use Standard"):
            use()
    assert (calls.of("RestoreObject"), calls.of("HeadObject")) == ([], [])


def test_a_temporarily_unreachable_store_is_retried(
    store: S3ObjectStore, client: S3Client, calls: Calls, time: FakeTime
) -> None:
    versions = [put(store, "a"), put(store, "b")]
    request_all(store, versions, Tier.STANDARD, DAYS, clock=time)
    calls.made.clear()
    answer(client, "HeadObject", 503, "ServiceUnavailable")
    assert [progress.readable for progress in waited(store, versions, time)] == [0, 0, 0, 2]
    assert calls.of("HeadObject") == ["a", *["a", "b"] * 3]


def test_a_store_that_refuses_is_not_retried(store: S3ObjectStore, client: S3Client, time: FakeTime) -> None:
    frozen = put(store, "a")
    request_all(store, [frozen], Tier.STANDARD, DAYS, clock=time)
    answer(client, "HeadObject", 403, "AccessDenied")
    with pytest.raises(StoreError, match="cannot look at s3://vault/a"):
        waited(store, [frozen], time)
    assert time.slept == []


def test_a_thaw_requested_by_somebody_else_is_not_counted_as_ours(
    store: S3ObjectStore, client: S3Client, time: FakeTime
) -> None:
    versions = [put(store, "a"), put(store, "b")]
    answer(client, "RestoreObject", 409, "RestoreAlreadyInProgress")
    assert request_all(store, versions, Tier.STANDARD, DAYS, clock=time) == versions[1:]


def test_expedited_thaws_may_be_sold_out(store: S3ObjectStore, client: S3Client) -> None:
    frozen = put(store, "a")
    answer(client, "RestoreObject", 503, "GlacierExpeditedRetrievalNotAvailable")
    with pytest.raises(StoreError, match=r"thaw of s3://vault/a .*no capacity for Expedited now\. Use the Standard"):
        store.request_thaw("a", frozen.version_id, Tier.EXPEDITED, DAYS)


def test_a_version_that_is_not_archived_cannot_be_thawed(store: S3ObjectStore) -> None:
    warm = put(store, "a", "STANDARD")
    with pytest.raises(StoreError, match=r"cannot ask for a thaw of s3://vault/a version .*: InvalidObjectState"):
        store.request_thaw("a", warm.version_id, Tier.STANDARD, DAYS)


def test_a_thaw_creates_no_version(store: S3ObjectStore, time: FakeTime) -> None:
    frozen = put(store, "a")
    before = store.head("a")
    request_all(store, [frozen], Tier.STANDARD, DAYS, clock=time)
    after = store.head("a")
    assert before is not None
    assert after is not None
    assert (before.restore_header, after.restore_header) == (None, 'ongoing-request="true"')
    assert before == after
