"""The state of each day in an observation, and the requests that it takes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY, days_between
from signal_backups.core.base.objectives import due_at
from signal_backups.core.monitoring.observation import Observation, observe
from signal_backups.core.vault.caching_vault import CachingVault
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

VERIFIED, UNVERIFIED, MISSING, DUE = DayState.VERIFIED, DayState.UNVERIFIED, DayState.MISSING, DayState.NOT_DUE
SECOND, THIRD = FIRST + ONE_DAY, FIRST + 2 * ONE_DAY


def states(found: Observation) -> list[DayState]:
    return list(found.days.values())


def test_days_with_a_manifest_are_verified_and_others_missing(watched: Watched) -> None:
    watched.put(FIRST, THIRD)
    watched.clock.set(due_at(THIRD) + timedelta(hours=3))
    found = watched.observe()
    assert found.days == {FIRST: VERIFIED, SECOND: MISSING, THIRD: VERIFIED}
    assert (found.first_day, found.last_day, found.at) == (FIRST, THIRD, watched.clock())
    assert found.latest is not None
    assert found.latest.day == THIRD
    assert found.in_state(MISSING, UNVERIFIED) == [SECOND]


def test_an_object_that_nothing_vouches_for_is_unverified(watched: Watched) -> None:
    watched.put(FIRST)
    watched.put_object(BackupSlot(SECOND))
    watched.clock.set(due_at(SECOND) + timedelta(hours=3))
    assert states(watched.observe()) == [VERIFIED, UNVERIFIED]


@pytest.mark.parametrize(
    ("after_due", "state"),
    [(timedelta(hours=-2), DUE), (timedelta(minutes=59, seconds=59), DUE), (timedelta(hours=1), MISSING)],
    ids=["day is over", "last second of grace", "grace is over"],
)
def test_a_complete_day_is_due_until_its_grace_ends(watched: Watched, after_due: timedelta, state: DayState) -> None:
    watched.clock.set(due_at(FIRST) + after_due)
    assert states(watched.observe()) == [state]


def test_an_unverified_object_within_grace_is_due(watched: Watched) -> None:
    watched.clock.set(due_at(FIRST))
    watched.put_object(BackupSlot(FIRST))
    assert states(watched.observe()) == [DUE]
    assert states(watched.observe(grace=timedelta())) == [UNVERIFIED]


def test_a_day_that_is_not_over_is_left_out(watched: Watched) -> None:
    watched.clock.set(due_at(FIRST) - timedelta(hours=2, seconds=1))
    found = watched.observe()
    assert (found.days, found.latest) == ({}, None)


def test_a_delete_marker_hides_a_day(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    watched.clock.set(due_at(SECOND) + timedelta(hours=3))
    watched.hide(watched.vault.layout.backup_key(BackupSlot(FIRST)))
    found = watched.observe()
    assert states(found) == [DayState.HIDDEN, VERIFIED]


def test_without_its_manifest_a_day_is_unverified(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.set(due_at(FIRST) + timedelta(hours=3))
    watched.hide(watched.vault.layout.manifest_key(BackupSlot(FIRST)))
    found = watched.observe()
    assert (states(found), found.latest) == ([UNVERIFIED], None)


def test_an_object_put_over_a_backup_is_unverified(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.advance(timedelta(hours=5))
    watched.put_object(BackupSlot(FIRST))
    assert states(watched.observe()) == [UNVERIFIED]


@pytest.mark.parametrize("again", [False, True], ids=["of this version", "of the noncurrent version"])
def test_a_manifest_from_the_same_second_is_read(watched: Watched, again: bool) -> None:
    watched.put(FIRST, seconds_between=0)
    if again:
        watched.put_object(BackupSlot(FIRST))
    watched.put(SECOND)
    watched.clock.advance(timedelta(hours=5))
    assert states(watched.observe()) == [UNVERIFIED if again else VERIFIED, VERIFIED]


def test_the_newest_manifest_is_read_although_it_is_newer_than_its_object(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    watched.vault.store.put_bytes(watched.vault.layout.manifest_key(BackupSlot(SECOND)), b"{}", "application/json")
    watched.clock.set(due_at(SECOND) + timedelta(hours=3))
    found = watched.observe()
    assert states(found) == [VERIFIED, UNVERIFIED]
    assert found.latest is not None
    assert found.latest.day == FIRST


def test_a_backup_of_an_older_tool_counts_until_there_is_one_of_ours(watched: Watched) -> None:
    watched.clock.set(due_at(FIRST))
    other = BackupSlot(FIRST, time(5))
    stored = watched.put_object(other)
    watched.clock.advance(timedelta(hours=5))
    watched.put_manifest(other, stored)
    assert states(watched.observe()) == [VERIFIED]
    watched.put_object(BackupSlot(FIRST))
    assert states(watched.observe()) == [UNVERIFIED]


def test_without_a_start_the_first_day_is_the_oldest_ever_backed_up_even_if_hidden(watched: Watched) -> None:
    watched.put(FIRST, THIRD)
    watched.hide(watched.vault.layout.backup_key(BackupSlot(FIRST)))
    watched.clock.set(due_at(THIRD) + timedelta(hours=3))
    found = watched.observe(None)
    assert found.days == {FIRST: DayState.HIDDEN, SECOND: MISSING, THIRD: VERIFIED}


def test_in_an_empty_bucket_without_a_start_only_the_last_day_is_missing(watched: Watched) -> None:
    watched.clock.set(due_at(FIRST) + timedelta(hours=3))
    assert watched.observe(None).days == {FIRST: MISSING}


def test_days_past_their_retention_are_left_out(watched: Watched) -> None:
    watched.clock.set(datetime(2033, 3, 2, 12, tzinfo=UTC))
    found = watched.observe(date(2020, 1, 1), retention_years=7)
    assert (found.first_day, len(found.days)) == (date(2026, 3, 2), 2557)


def test_seven_years_take_few_listings_and_each_manifest_is_read_once(watched: Watched) -> None:
    days = list(days_between(FIRST, FIRST + 2554 * ONE_DAY))
    watched.put_at_once(*days)
    watched.clock.set(due_at(days[-1]) + timedelta(hours=3))
    vault = CachingVault(watched.vault)
    before = watched.s3.requests.copy()
    found = observe(vault, FIRST, watched.clock)
    # 2,555 objects and as many manifests, a thousand a page; the manifest log, the audit trail and the findings.
    listings = {"ListObjectVersions": 3 + 3 + 1 + 1 + 1}
    assert watched.s3.requests - before == Counter(listings, GetObject=2555)
    assert found.requests == 2555 + 9
    assert set(states(found)) == {VERIFIED}
    before = watched.s3.requests.copy()
    assert observe(vault, FIRST, watched.clock).days == found.days
    assert watched.s3.requests - before == Counter(listings)
