"""Archived objects: whether they can be read, what a thaw costs and how long it takes, waiting for it.

The archive tiers of INTELLIGENT_TIERING are not supported: the storage class does not say that they are in use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from pydantic import BaseModel, computed_field

from signal_backups.core.base.days import Clock
from signal_backups.core.base.errors import ArchivedError, NotFoundError, SettingsError, StoreError
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.prices import BYTES_PER_GB, DAYS_PER_MONTH, load_prices
from signal_backups.core.s3.store import S3ObjectStore

#: Storage classes whose objects cannot be read as they are; GLACIER_IR is not one of them.
ARCHIVED_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})

_PRICES = load_prices()
#: What S3 charges for the readable copy; the archived object is billed besides.
COPY_USD_PER_GB_MONTH = _PRICES.of_class("STANDARD").gb_month

_ONGOING = re.compile(r'ongoing-request\s*=\s*"(true|false)"', re.IGNORECASE)
_EXPIRY = re.compile(r'expiry-date\s*=\s*"([^"]+)"', re.IGNORECASE)


class Tier(StrEnum):
    """How fast S3 thaws; the faster, the dearer."""

    EXPEDITED = "Expedited"
    STANDARD = "Standard"
    BULK = "Bulk"


class ThawState(StrEnum):
    """Whether an object's bytes can be read."""

    FROZEN = "frozen"
    THAWING = "thawing"
    READABLE = "readable"


@dataclass(frozen=True)
class ThawTerms:
    """What a thaw from one storage class costs at one tier, how long it takes, and how often to check it."""

    shortest_wait: timedelta
    longest_wait: timedelta
    usd_per_request: float
    usd_per_gb: float
    poll_every: timedelta


_HALF_MINUTE, _MINUTE, _HOUR = timedelta(seconds=30), timedelta(minutes=1), timedelta(hours=1)


def _terms_of(
    storage_class: str, tier: Tier, shortest_wait: timedelta, longest_wait: timedelta, poll_every: timedelta
) -> ThawTerms:
    price = _PRICES.of_class(storage_class).thaw[tier]
    return ThawTerms(shortest_wait, longest_wait, price.per_1000 / 1000, price.gb, poll_every)


#: By storage class and tier; S3 does not offer what is missing.
# Typical waits, from the user guide's "Archive retrieval options".
THAW_TERMS = {
    (storage_class, tier): _terms_of(storage_class, tier, *waits)
    for storage_class, tier, *waits in (
        ("GLACIER", Tier.EXPEDITED, 1 * _MINUTE, 5 * _MINUTE, _HALF_MINUTE),
        ("GLACIER", Tier.STANDARD, 3 * _HOUR, 5 * _HOUR, 5 * _MINUTE),
        ("GLACIER", Tier.BULK, 5 * _HOUR, 12 * _HOUR, 15 * _MINUTE),
        ("DEEP_ARCHIVE", Tier.STANDARD, 12 * _HOUR, 12 * _HOUR, 5 * _MINUTE),
        ("DEEP_ARCHIVE", Tier.BULK, 48 * _HOUR, 48 * _HOUR, 15 * _MINUTE),
    )
}


class ThawOffer(BaseModel, frozen=True):
    """What one tier would cost for all objects of a plan (US dollars), and how long it would take."""

    tier: Tier
    shortest_wait: timedelta
    longest_wait: timedelta
    requests_usd: float
    retrieval_usd: float
    copy_usd: float

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total_usd(self) -> float:
        """All costs together."""
        return self.requests_usd + self.retrieval_usd + self.copy_usd


class ThawPlan(BaseModel, frozen=True):
    """How much is to be thawed, for how many days, and the tiers at which all of it can be, fastest first."""

    objects: int
    bytes: int
    days: int
    offers: tuple[ThawOffer, ...]


@dataclass(frozen=True)
class ThawProgress:
    """How many of all objects can be read by now; ``eta`` (UTC) is when the slowest usually follow."""

    readable: int
    total: int
    eta: datetime | None


def needs_thaw(storage_class: str) -> bool:
    """Whether objects of the class must be thawed before they can be read."""
    return storage_class in ARCHIVED_CLASSES


def thaw_state(head: ObjectVersion, now: datetime) -> ThawState:
    """Whether a version can be read, from the answer to a HEAD; a listing does not show how far a thaw is.

    Raises:
        StoreError: the store describes the thaw in another way than S3.
    """
    # A thawed object keeps its storage class: only the header shows it.
    if not needs_thaw(head.storage_class):
        return ThawState.READABLE
    if head.restore_header is None:
        return ThawState.FROZEN
    ongoing = _ONGOING.search(head.restore_header)
    if ongoing is None:
        raise _not_understood(head)
    if ongoing[1].lower() == "true":
        return ThawState.THAWING
    return ThawState.READABLE if now < _expiry(head, head.restore_header) else ThawState.FROZEN


def state_of(store: S3ObjectStore, version: ObjectVersion, now: datetime) -> ThawState:
    """Whether a version can be read, asking the store.

    Raises:
        NotFoundError: the version is gone.
    """
    head = store.head(version.key, version.version_id)
    if head is None:
        raise NotFoundError(f"{store.uri(version.key)} version {version.version_id} is gone")
    return thaw_state(head, now)


def plan_thaw(frozen: Sequence[ObjectVersion], days: int) -> ThawPlan:
    """What thawing these versions would cost and how long it would take; the copies stay readable for some days.

    Versions that need no thaw are left out; if none is left, there are no offers. Costs are list prices.
    """
    archived = [version for version in frozen if needs_thaw(version.storage_class)]
    return ThawPlan(
        objects=len(archived),
        bytes=sum(version.size for version in archived),
        days=days,
        offers=tuple(_offer(archived, tier, days) for tier in Tier if archived and _is_offered(archived, tier)),
    )


def wait_until_readable(
    store: S3ObjectStore,
    versions: Sequence[ObjectVersion],
    *,
    tier: Tier,
    requested_at: datetime | None,
    clock: Clock,
    sleep: Callable[[float], None],
    on_progress: Callable[[ThawProgress], None],
    poll_s: float | None = None,
) -> None:
    """Wait until all versions can be read, checking those again that cannot yet.

    A store that cannot be reached for a while does not end the waiting.

    Args:
        store: where they are.
        versions: all of them; those that need no thaw count as readable.
        tier: the tier at which they were requested.
        requested_at: when the first of them was requested, UTC; None when it is not known: then there is no ETA.
        clock: the present.
        sleep: waits for seconds.
        on_progress: called after every check.
        poll_s: seconds between two checks; None for what suits the tier.

    Raises:
        ArchivedError: a thaw of one of them was never requested, or its copy has expired: waiting would never end.
        NotFoundError: one of them is gone.
        SettingsError: one of them cannot be thawed at that tier.
    """
    waiting = archived_versions(versions, tier)
    while True:
        waiting = _still_waiting(store, waiting, clock)
        eta = _eta(waiting, tier, requested_at)
        on_progress(ThawProgress(readable=len(versions) - len(waiting), total=len(versions), eta=eta))
        if not waiting:
            return
        sleep(_poll_seconds(waiting, tier) if poll_s is None else poll_s)


def archived_versions(versions: Iterable[ObjectVersion], tier: Tier) -> list[ObjectVersion]:
    """The versions that must be thawed before they can be read.

    Raises:
        SettingsError: one of them cannot be thawed at that tier.
    """
    archived = [version for version in versions if needs_thaw(version.storage_class)]
    for version in archived:
        if not _is_offered([version], tier):
            raise SettingsError(
                f"{version.key} is in {version.storage_class}, which has no {tier} thaw",
                remedy=f"Use {Tier.STANDARD} or {Tier.BULK}",
            )
    return archived


def _is_offered(archived: Iterable[ObjectVersion], tier: Tier) -> bool:
    return all((version.storage_class, tier) in THAW_TERMS for version in archived)


def _terms(archived: Iterable[ObjectVersion], tier: Tier) -> list[ThawTerms]:
    return [THAW_TERMS[version.storage_class, tier] for version in archived]


def _offer(archived: Sequence[ObjectVersion], tier: Tier, days: int) -> ThawOffer:
    terms = _terms(archived, tier)
    sizes = [version.size / BYTES_PER_GB for version in archived]
    return ThawOffer(
        tier=tier,
        shortest_wait=max(each.shortest_wait for each in terms),
        longest_wait=max(each.longest_wait for each in terms),
        requests_usd=sum(each.usd_per_request for each in terms),
        retrieval_usd=sum(each.usd_per_gb * size for each, size in zip(terms, sizes, strict=True)),
        copy_usd=sum(sizes) * COPY_USD_PER_GB_MONTH * days / DAYS_PER_MONTH,
    )


def _still_waiting(store: S3ObjectStore, waiting: Sequence[ObjectVersion], clock: Clock) -> list[ObjectVersion]:
    left: list[ObjectVersion] = []
    for position, version in enumerate(waiting):
        try:
            state = state_of(store, version, clock())
        except StoreError as error:
            if not error.transient:
                raise
            # To ask a store that is down or busy for all the others would take longer than the next check.
            return [*left, *waiting[position:]]
        if state is ThawState.FROZEN:
            raise ArchivedError(
                f"{store.uri(version.key)} version {version.version_id} is archived, and no thaw of it is under way",
                remedy="Run it again to ask for one",
            )
        if state is ThawState.THAWING:
            left.append(version)
    return left


def _eta(waiting: Sequence[ObjectVersion], tier: Tier, requested_at: datetime | None) -> datetime | None:
    if requested_at is None or not waiting:
        return None
    return requested_at + max(terms.longest_wait for terms in _terms(waiting, tier))


def _poll_seconds(waiting: Sequence[ObjectVersion], tier: Tier) -> float:
    return min(terms.poll_every for terms in _terms(waiting, tier)).total_seconds()


def _expiry(head: ObjectVersion, header: str) -> datetime:
    found = _EXPIRY.search(header)
    if found is None:
        raise _not_understood(head)
    try:
        expiry = parsedate_to_datetime(found[1])
    except ValueError as error:
        raise _not_understood(head) from error
    return expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC)


def _not_understood(head: ObjectVersion) -> StoreError:
    return StoreError(
        f"{head.key} version {head.version_id}: the store describes its thaw as {head.restore_header!r}",
        remedy="Only S3's own format is understood: check that the store is compatible with S3",
    )
