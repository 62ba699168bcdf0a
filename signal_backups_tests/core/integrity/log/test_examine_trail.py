"""Events, manifest log, days and anchors are compared with each other, so a change of one of them is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.integrity.examine_trail import MAX_FINDINGS, examine_trail
from signal_backups.core.integrity.log.findings import Fault
from signal_backups.core.ledger.chained_log import Entry, Link
from signal_backups.core.ledger.event import Action
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.integrity.log.tampered_backups import (
    DAYS,
    EVENTS,
    MANIFESTS,
    SLOTS,
    Backups,
    Named,
    later,
    named,
    without_number,
)
from signal_backups_tests.core.ledger.trails import bodies_of, failed
from signal_backups_tests.servers.s3 import create_versioned_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def backups(client: S3Client, vault: BackupVault) -> Backups:
    """Three days, one of them backed up twice; manifests 1 to 4, events 1 to 4."""
    backups = Backups(client, vault.store.bucket, vault.layout)
    for slot in (*SLOTS[:3], SLOTS[0]):
        backups.back_up(slot, version="v2" if slot == SLOTS[0] else "v1")
    return backups


def changed(body: bytes) -> bytes:
    manifest = Manifest.from_bytes(body, "it")
    return manifest.model_copy(update={"records": 7}).to_bytes()


def remove_newest(backups: Backups, slot: BackupSlot) -> None:
    newest = backups.vault.store.list_versions(backups.key(slot))[0]
    backups.client.delete_object(Bucket=backups.vault.store.bucket, Key=newest.key, VersionId=newest.version_id)


def forge_ahead(backups: Backups) -> None:
    manifest = Manifest.from_bytes(backups.body(SLOTS[1]), "it")
    backups.client.put_object(
        Bucket=backups.vault.store.bucket,
        Key=backups.key(SLOTS[1]),
        Body=manifest.model_copy(update={"number": 9}).to_bytes(),
    )


TAMPERINGS: dict[str, tuple[Callable[[Backups], object], Named]] = {
    "a day's manifest overwritten": (
        lambda backups: backups.manifests.put(backups.key(SLOTS[1]), changed(backups.body(SLOTS[1]))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "a day's manifest, the original deleted": (
        lambda backups: backups.manifests.replace(backups.key(SLOTS[1]), changed(backups.body(SLOTS[1]))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "a day's manifest loses its number": (
        lambda backups: backups.manifests.replace(backups.key(SLOTS[1]), without_number(backups.body(SLOTS[1]))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "a day's manifest replaced by garbage": (
        lambda backups: backups.manifests.replace(backups.key(SLOTS[1]), b"{}"),
        [(MANIFESTS, Fault.UNREADABLE, None)],
    ),
    "the manifest of another day": (
        lambda backups: backups.manifests.put(backups.key(SLOTS[1]), backups.body(SLOTS[2])),
        [(MANIFESTS, Fault.REORDERED, 3)],
    ),
    "a day's manifest hidden": (
        lambda backups: backups.manifests.hide(backups.key(SLOTS[1])),
        [(MANIFESTS, Fault.REMOVED, 2)],
    ),
    "a day's manifest deleted": (
        lambda backups: backups.manifests.erase(backups.key(SLOTS[1])),
        [(MANIFESTS, Fault.REMOVED, 2)],
    ),
    "a day's newest manifest deleted": (
        lambda backups: remove_newest(backups, SLOTS[0]),
        [(MANIFESTS, Fault.REMOVED, 4)],
    ),
    "a day's manifest with a number beyond the log": (forge_ahead, [(MANIFESTS, Fault.REMOVED, 9)]),
    "the last entry of the manifest log deleted": (
        lambda backups: backups.manifests.erase(backups.manifests.log.key_of(4)),
        [(MANIFESTS, Fault.REMOVED, 4)],
    ),
    "the whole manifest log deleted": (
        lambda backups: [backups.manifests.erase(backups.manifests.log.key_of(number)) for number in (1, 2, 3, 4)],
        [(MANIFESTS, Fault.REMOVED, number) for number in (1, 2, 3, 4)],
    ),
    "the last entry of the manifest log edited": (
        lambda backups: backups.manifests.replace(backups.manifests.log.key_of(4), changed(backups.manifests.body(4))),
        [(MANIFESTS, Fault.EDITED, 4)],
    ),
    "an entry of the manifest log edited": (
        lambda backups: backups.manifests.replace(backups.manifests.log.key_of(2), changed(backups.manifests.body(2))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "the last event deleted": (
        lambda backups: backups.events.erase(backups.events.log.key_of(4)),
        [(MANIFESTS, Fault.WITHOUT_EVENT, 4)],
    ),
    "an event edited": (lambda backups: backups.events.edit(2, failed), [(EVENTS, Fault.EDITED, 2)]),
}


@pytest.mark.parametrize(("tampering", "expected"), TAMPERINGS.values(), ids=list(TAMPERINGS))
def test_each_tampering_is_found(backups: Backups, tampering: Callable[[Backups], object], expected: Named) -> None:
    tampering(backups)
    report = backups.examine()
    assert (named(report), report.ok, report.finding_count) == (expected, False, len(expected))


def test_an_untouched_bucket_has_no_findings(backups: Backups) -> None:
    report = backups.examine()
    assert (report.ok, report.events, report.manifests, report.warnings) == (True, 4, 4, [])
    assert (report.anchors, report.anchored, report.events_since_anchor, report.unchained) == (0, None, 4, None)


def test_days_manifests_are_read_only_when_full_or_different(backups: Backups) -> None:
    before = examine_trail(backups.vault).requests["GetObject"]
    assert before == 8  # the entries of both logs
    backups.back_up(SLOTS[3])
    assert examine_trail(backups.vault).requests["GetObject"] == before + 2
    assert examine_trail(backups.vault, full=True).requests["GetObject"] == 10 + 5


def test_an_empty_bucket_has_no_findings(client: S3Client, vault: BackupVault) -> None:
    report = Backups(client, vault.store.bucket, vault.layout).examine()
    assert (report.ok, report.events, report.manifests, report.anchored) == (True, 0, 0, None)


@pytest.mark.parametrize("clock", [utc_now, later])
def test_a_manifest_that_no_event_names(backups: Backups, clock: Clock) -> None:
    backups.back_up(SLOTS[3], with_event=False)
    at_once = Backups(backups.client, backups.vault.store.bucket, backups.vault.layout, clock).examine()
    assert named(at_once) == ([] if clock is utc_now else [(MANIFESTS, Fault.WITHOUT_EVENT, 5)])


@pytest.mark.parametrize("clock", [utc_now, later])
def test_a_backup_that_was_killed_after_appending_to_the_manifest_log(backups: Backups, clock: Clock) -> None:
    backups.record_event(backups.back_up(SLOTS[3], with_event=False))
    newest = Manifest.from_bytes(backups.body(SLOTS[3]), "it")
    backups.vault.manifest_log.append(
        lambda link: newest.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
    )
    report = Backups(backups.client, backups.vault.store.bucket, backups.vault.layout, clock).examine()
    unfinished = [finding for finding in report.findings if finding.kind is Fault.UNFINISHED]
    assert len(unfinished) == (0 if clock is utc_now else 1)
    if unfinished:
        assert (unfinished[0].number, unfinished[0].key) == (6, backups.key(SLOTS[3]))
        assert f"signal-backups backup {DAYS[3]}" in unfinished[0].words


def test_an_older_manifest_on_top_was_rolled_back(backups: Backups) -> None:
    backups.manifests.put(backups.key(SLOTS[0]), backups.manifests.body(1))
    assert named(backups.examine()) == [(MANIFESTS, Fault.EDITED, 4)]


def test_manifests_that_may_have_expired_are_no_finding(backups: Backups) -> None:
    for slot in SLOTS[:2]:
        backups.manifests.hide(backups.key(slot))
    assert named(backups.examine(kept_from=DAYS[1])) == [(MANIFESTS, Fault.REMOVED, 2)]
    assert backups.examine(kept_from=DAYS[2]).ok


class TestAnchors:
    """A log that is consistent in itself, but differs from its anchor."""

    @pytest.fixture
    def second(self, backups: Backups) -> S3ObjectStore:
        """Another bucket."""
        create_versioned_bucket(backups.client, "second")
        return S3ObjectStore(backups.client, "second")

    @pytest.fixture(autouse=True)
    def anchored(self, backups: Backups, second: S3ObjectStore) -> None:
        backups.anchor(second)

    @staticmethod
    def rewrite_events(backups: Backups, first: int) -> None:
        before = Link(first, Entry(0, "", "", backups.events.body(first - 1)).sha256)
        for number, body in enumerate(bodies_of(5 - first, before), first):
            backups.events.replace(backups.events.log.key_of(number), body)

    def test_the_last_anchored_event(self, backups: Backups, second: S3ObjectStore) -> None:
        report = backups.examine(second=second)
        assert (report.ok, report.anchors, report.events_since_anchor, report.warnings) == (True, 1, 0, [])
        assert report.anchored is not None
        assert report.anchored.event == 4
        assert utc_now() - report.anchored.at < timedelta(hours=1)
        backups.vault.trail.record(Action.DRILL, "passed")
        assert backups.examine(second=second).events_since_anchor == 1

    def test_an_anchor_that_is_only_in_its_own_bucket_is_not_confirmed(self, backups: Backups) -> None:
        report = backups.examine()
        assert (report.ok, report.anchors, report.anchored, report.events_since_anchor) == (True, 1, None, 4)
        assert len(report.warnings) == 1

    def test_rewritten_events(self, backups: Backups, second: S3ObjectStore) -> None:
        self.rewrite_events(backups, 4)
        found = backups.examine(second=second)
        assert (EVENTS, Fault.REWRITTEN, 4) in named(found)
        assert (found.anchored, found.events_since_anchor) == (None, 4)

    def test_the_last_event_edited(self, backups: Backups) -> None:
        backups.vault.trail.record(Action.DRILL, "passed")
        backups.events.edit(5, failed)
        assert backups.examine().ok
        backups.anchor()
        backups.events.edit(5, failed)
        assert named(backups.examine()) == [(EVENTS, Fault.REWRITTEN, 5)]

    def test_an_overwritten_anchor(self, backups: Backups) -> None:
        (key,) = [item.key for item in backups.vault.store.list_current(backups.vault.layout.anchor_prefix)]
        backups.manifests.put(key, b"{}")
        report = backups.examine()
        assert named(report) == [(EVENTS, Fault.ANCHOR, None)]
        assert report.findings[0].key == backups.vault.store.uri(key)

    def test_anchors_deleted_from_the_bucket_are_read_from_the_second_one(
        self, backups: Backups, second: S3ObjectStore
    ) -> None:
        backups.vault.trail.record(Action.DRILL, "passed")
        backups.anchor(second)
        assert backups.examine(second=second).ok
        for key in [item.key for item in backups.vault.store.list_current(backups.vault.layout.anchor_prefix)]:
            backups.manifests.erase(key)
        backups.events.edit(5, failed)
        assert backups.examine().ok
        assert (EVENTS, Fault.REWRITTEN, 5) in named(backups.examine(second=second))


def test_only_the_first_findings_are_listed_and_all_are_counted(backups: Backups) -> None:
    count = MAX_FINDINGS + 2
    for number in range(count):
        backups.manifests.put(f"{backups.events.log.prefix}foreign{number}", b"")
    report = backups.examine()
    assert (len(report.findings), report.finding_count) == (MAX_FINDINGS, count)


def test_a_time_that_runs_backwards_is_a_warning(backups: Backups) -> None:
    backups.vault.trail.record(Action.DRILL, "passed", at=later())
    assert backups.examine().warnings == []
    backups.vault.trail.record(Action.DRILL, "passed", at=datetime(2020, 1, 1, tzinfo=UTC))
    report = backups.examine()
    assert report.ok
    (warning,) = report.warnings
    assert warning.startswith("event 6 is dated 2020-01-01 00:00:00Z")


def test_a_store_that_ignores_conditional_writes_is_a_warning(backups: Backups) -> None:
    # A writer leaves a second version of the probe object when the store ignores conditional writes.
    backups.manifests.put(backups.vault.layout.probe_key, b"again")
    (warning,) = backups.examine().warnings
    assert "IGNORES CONDITIONAL WRITES" in warning
