"""Events, manifest log, days and anchors are compared with each other, so a change of one of them is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.integrity.anchors.anchors import write_anchor
from signal_backups.core.integrity.anchors.tree_head import LogHead, tree_head_of
from signal_backups.core.integrity.examine_trail import MAX_FINDINGS, TrailReport, examine_trail
from signal_backups.core.integrity.log.findings import Fault, LogName
from signal_backups.core.ledger.chained_log import FIRST, Entry, Link
from signal_backups.core.ledger.event import Action
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest, StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.ledger.trails import Admin, bodies_of, failed
from signal_backups_tests.core.retention_audit.audited import manifest_of
from signal_backups_tests.servers.s3 import create_versioned_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DAYS = [date(2026, 11, number) for number in (1, 2, 3, 4)]
SLOTS = [BackupSlot(day) for day in DAYS]
EVENTS, MANIFESTS = LogName.EVENTS, LogName.MANIFESTS
Named = list[tuple[LogName, Fault, int | None]]


def later() -> datetime:
    """A time at which no backup is running any more."""
    return utc_now() + timedelta(hours=2)


def named(report: TrailReport) -> Named:
    return [(finding.log, finding.kind, finding.number) for finding in report.findings]


class World:
    """A bucket of backups, and its administrator."""

    def __init__(self, client: S3Client, bucket: str, layout: Layout, clock: Clock = later) -> None:
        self.client, self.clock = client, clock
        self.vault = BackupVault(S3ObjectStore(client, bucket, clock=clock), layout)
        self.events = Admin(client, self.vault.trail.log)
        self.manifests = Admin(client, self.vault.manifest_log)

    def back_up(self, slot: BackupSlot, *, with_event: bool = True, version: str = "v1") -> Manifest:
        """Store the manifest and the event of a backup, without the CSV."""
        key = self.vault.layout.backup_key(slot)
        stored = StoredFile(key=key, version_id=version, bytes=1, sha256=FIRST)
        manifest = write_manifest(self.vault, slot, manifest_of(stored, slot.day, bucket=self.vault.store.bucket))
        if with_event:
            self.record_event(manifest)
        return manifest

    def record_event(self, manifest: Manifest) -> None:
        """Record the event of a backup."""
        assert manifest.number is not None
        place = {"number": manifest.number, "sha256": Entry(0, "", "", self.manifests.body(manifest.number)).sha256}
        self.vault.trail.record(Action.BACKUP, "stored", details={"day": f"{manifest.day}", "manifest": place})

    def key(self, slot: BackupSlot) -> str:
        return self.vault.layout.manifest_key(slot)

    def body(self, slot: BackupSlot) -> bytes:
        return self.vault.store.get_bytes(self.key(slot))[0]

    def anchor(self, second: S3ObjectStore | None = None) -> None:
        """Anchor the logs as they are now."""
        at = utc_now()
        events = list(self.vault.trail.log.entries())
        head = LogHead(number=len(events), sha256=events[-1].sha256 if events else FIRST)
        hashes = [entry.sha256 for entry in self.vault.manifest_log.entries()]
        tree_head = tree_head_of(at, self.vault.store.bucket, head, hashes).to_bytes()
        assert not write_anchor(self.vault, tree_head, at, None, second).errors

    def examine(self, **how: Any) -> TrailReport:
        """Examine with segments and in full; both must give the same report."""
        report = examine_trail(self.vault, **how)
        full = examine_trail(self.vault, full=True, **how)
        differing = {"full", "requests", "at"}
        assert full.model_dump(exclude=differing) == report.model_dump(exclude=differing)
        return report


@pytest.fixture
def world(client: S3Client, vault: BackupVault) -> World:
    """Three days, one of them backed up twice; manifests 1 to 4, events 1 to 4."""
    world = World(client, vault.store.bucket, vault.layout)
    for slot in (*SLOTS[:3], SLOTS[0]):
        world.back_up(slot, version="v2" if slot == SLOTS[0] else "v1")
    return world


def changed(body: bytes) -> bytes:
    manifest = Manifest.from_bytes(body, "it")
    return manifest.model_copy(update={"records": 7}).to_bytes()


def without_number(body: bytes) -> bytes:
    manifest = Manifest.from_bytes(body, "it")
    return manifest.model_copy(update={"number": None, "previous": None}).to_bytes()


def remove_newest(world: World, slot: BackupSlot) -> None:
    newest = world.vault.store.list_versions(world.key(slot))[0]
    world.client.delete_object(Bucket=world.vault.store.bucket, Key=newest.key, VersionId=newest.version_id)


def forge_ahead(world: World) -> None:
    manifest = Manifest.from_bytes(world.body(SLOTS[1]), "it")
    world.client.put_object(
        Bucket=world.vault.store.bucket,
        Key=world.key(SLOTS[1]),
        Body=manifest.model_copy(update={"number": 9}).to_bytes(),
    )


TAMPERINGS: dict[str, tuple[Callable[[World], object], Named]] = {
    "a day's manifest overwritten": (
        lambda world: world.manifests.put(world.key(SLOTS[1]), changed(world.body(SLOTS[1]))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "a day's manifest, the original deleted": (
        lambda world: world.manifests.replace(world.key(SLOTS[1]), changed(world.body(SLOTS[1]))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "a day's manifest loses its number": (
        lambda world: world.manifests.replace(world.key(SLOTS[1]), without_number(world.body(SLOTS[1]))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "a day's manifest replaced by garbage": (
        lambda world: world.manifests.replace(world.key(SLOTS[1]), b"{}"),
        [(MANIFESTS, Fault.UNREADABLE, None)],
    ),
    "the manifest of another day": (
        lambda world: world.manifests.put(world.key(SLOTS[1]), world.body(SLOTS[2])),
        [(MANIFESTS, Fault.REORDERED, 3)],
    ),
    "a day's manifest hidden": (
        lambda world: world.manifests.hide(world.key(SLOTS[1])),
        [(MANIFESTS, Fault.REMOVED, 2)],
    ),
    "a day's manifest deleted": (
        lambda world: world.manifests.erase(world.key(SLOTS[1])),
        [(MANIFESTS, Fault.REMOVED, 2)],
    ),
    "a day's newest manifest deleted": (
        lambda world: remove_newest(world, SLOTS[0]),
        [(MANIFESTS, Fault.REMOVED, 4)],
    ),
    "a day's manifest with a number beyond the log": (forge_ahead, [(MANIFESTS, Fault.REMOVED, 9)]),
    "the last entry of the manifest log deleted": (
        lambda world: world.manifests.erase(world.manifests.log.key_of(4)),
        [(MANIFESTS, Fault.REMOVED, 4)],
    ),
    "the whole manifest log deleted": (
        lambda world: [world.manifests.erase(world.manifests.log.key_of(number)) for number in (1, 2, 3, 4)],
        [(MANIFESTS, Fault.REMOVED, number) for number in (1, 2, 3, 4)],
    ),
    "the last entry of the manifest log edited": (
        lambda world: world.manifests.replace(world.manifests.log.key_of(4), changed(world.manifests.body(4))),
        [(MANIFESTS, Fault.EDITED, 4)],
    ),
    "an entry of the manifest log edited": (
        lambda world: world.manifests.replace(world.manifests.log.key_of(2), changed(world.manifests.body(2))),
        [(MANIFESTS, Fault.EDITED, 2)],
    ),
    "the last event deleted": (
        lambda world: world.events.erase(world.events.log.key_of(4)),
        [(MANIFESTS, Fault.WITHOUT_EVENT, 4)],
    ),
    "an event edited": (lambda world: world.events.edit(2, failed), [(EVENTS, Fault.EDITED, 2)]),
}


@pytest.mark.parametrize(("tampering", "expected"), TAMPERINGS.values(), ids=list(TAMPERINGS))
def test_each_tampering_is_found(world: World, tampering: Callable[[World], object], expected: Named) -> None:
    tampering(world)
    report = world.examine()
    assert (named(report), report.ok, report.finding_count) == (expected, False, len(expected))


def test_an_untouched_bucket_has_no_findings(world: World) -> None:
    report = world.examine()
    assert (report.ok, report.events, report.manifests, report.warnings) == (True, 4, 4, [])
    assert (report.anchors, report.anchored, report.events_since_anchor, report.unchained) == (0, None, 4, None)


def test_days_manifests_are_read_only_when_full_or_different(world: World) -> None:
    before = examine_trail(world.vault).requests["GetObject"]
    assert before == 8  # the entries of both logs
    world.back_up(SLOTS[3])
    assert examine_trail(world.vault).requests["GetObject"] == before + 2
    assert examine_trail(world.vault, full=True).requests["GetObject"] == 10 + 5


def test_an_empty_bucket_has_no_findings(client: S3Client, vault: BackupVault) -> None:
    report = World(client, vault.store.bucket, vault.layout).examine()
    assert (report.ok, report.events, report.manifests, report.anchored) == (True, 0, 0, None)


@pytest.mark.parametrize("clock", [utc_now, later])
def test_a_manifest_that_no_event_names(world: World, clock: Clock) -> None:
    world.back_up(SLOTS[3], with_event=False)
    at_once = World(world.client, world.vault.store.bucket, world.vault.layout, clock).examine()
    assert named(at_once) == ([] if clock is utc_now else [(MANIFESTS, Fault.WITHOUT_EVENT, 5)])


@pytest.mark.parametrize("clock", [utc_now, later])
def test_a_backup_that_was_killed_after_appending_to_the_manifest_log(world: World, clock: Clock) -> None:
    world.record_event(world.back_up(SLOTS[3], with_event=False))
    newest = Manifest.from_bytes(world.body(SLOTS[3]), "it")
    world.vault.manifest_log.append(
        lambda link: newest.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
    )
    report = World(world.client, world.vault.store.bucket, world.vault.layout, clock).examine()
    unfinished = [finding for finding in report.findings if finding.kind is Fault.UNFINISHED]
    assert len(unfinished) == (0 if clock is utc_now else 1)
    if unfinished:
        assert (unfinished[0].number, unfinished[0].key) == (6, world.key(SLOTS[3]))
        assert f"signal-backups backup {DAYS[3]}" in unfinished[0].words


def test_an_older_manifest_on_top_is_an_unfinished_backup(world: World) -> None:
    # Two backups of a day at once can leave this behind.
    world.manifests.put(world.key(SLOTS[0]), world.manifests.body(1))
    assert named(world.examine()) == [(MANIFESTS, Fault.UNFINISHED, 4)]


def test_manifests_that_may_have_expired_are_no_finding(world: World) -> None:
    for slot in SLOTS[:2]:
        world.manifests.hide(world.key(slot))
    assert named(world.examine(kept_from=DAYS[1])) == [(MANIFESTS, Fault.REMOVED, 2)]
    assert world.examine(kept_from=DAYS[2]).ok


class TestAnchors:
    """A log that is consistent in itself, but differs from its anchor."""

    @pytest.fixture
    def second(self, world: World) -> S3ObjectStore:
        """Another bucket."""
        create_versioned_bucket(world.client, "second")
        return S3ObjectStore(world.client, "second")

    @pytest.fixture(autouse=True)
    def anchored(self, world: World, second: S3ObjectStore) -> None:
        world.anchor(second)

    @staticmethod
    def rewrite_events(world: World, first: int) -> None:
        before = Link(first, Entry(0, "", "", world.events.body(first - 1)).sha256)
        for number, body in enumerate(bodies_of(5 - first, before), first):
            world.events.replace(world.events.log.key_of(number), body)

    def test_the_last_anchored_event(self, world: World, second: S3ObjectStore) -> None:
        report = world.examine(second=second)
        assert (report.ok, report.anchors, report.events_since_anchor, report.warnings) == (True, 1, 0, [])
        assert report.anchored is not None
        assert report.anchored.event == 4
        assert utc_now() - report.anchored.at < timedelta(hours=1)
        world.vault.trail.record(Action.DRILL, "passed")
        assert world.examine(second=second).events_since_anchor == 1

    def test_an_anchor_that_is_only_in_its_own_bucket_is_not_confirmed(self, world: World) -> None:
        report = world.examine()
        assert (report.ok, report.anchors, report.anchored, report.events_since_anchor) == (True, 1, None, 4)
        assert len(report.warnings) == 1

    def test_rewritten_events(self, world: World, second: S3ObjectStore) -> None:
        self.rewrite_events(world, 4)
        found = world.examine(second=second)
        assert (EVENTS, Fault.REWRITTEN, 4) in named(found)
        assert (found.anchored, found.events_since_anchor) == (None, 4)

    def test_the_last_event_edited(self, world: World) -> None:
        world.vault.trail.record(Action.DRILL, "passed")
        world.events.edit(5, failed)
        assert world.examine().ok
        world.anchor()
        world.events.edit(5, failed)
        assert named(world.examine()) == [(EVENTS, Fault.REWRITTEN, 5)]

    def test_an_overwritten_anchor(self, world: World) -> None:
        (key,) = [item.key for item in world.vault.store.list_current(world.vault.layout.anchor_prefix)]
        world.manifests.put(key, b"{}")
        report = world.examine()
        assert named(report) == [(EVENTS, Fault.ANCHOR, None)]
        assert report.findings[0].key == world.vault.store.uri(key)

    def test_anchors_deleted_from_the_bucket_are_read_from_the_second_one(
        self, world: World, second: S3ObjectStore
    ) -> None:
        world.vault.trail.record(Action.DRILL, "passed")
        world.anchor(second)
        assert world.examine(second=second).ok
        for key in [item.key for item in world.vault.store.list_current(world.vault.layout.anchor_prefix)]:
            world.manifests.erase(key)
        world.events.edit(5, failed)
        assert world.examine().ok
        assert (EVENTS, Fault.REWRITTEN, 5) in named(world.examine(second=second))


def test_only_the_first_findings_are_listed_and_all_are_counted(world: World) -> None:
    count = MAX_FINDINGS + 2
    for number in range(count):
        world.manifests.put(f"{world.events.log.prefix}foreign{number}", b"")
    report = world.examine()
    assert (len(report.findings), report.finding_count) == (MAX_FINDINGS, count)


def test_a_time_that_runs_backwards_is_a_warning(world: World) -> None:
    world.vault.trail.record(Action.DRILL, "passed", at=later())
    assert world.examine().warnings == []
    world.vault.trail.record(Action.DRILL, "passed", at=datetime(2020, 1, 1, tzinfo=UTC))
    report = world.examine()
    assert report.ok
    (warning,) = report.warnings
    assert warning.startswith("event 6 is dated 2020-01-01 00:00:00Z")


def test_a_store_that_ignores_conditional_writes_is_a_warning(world: World) -> None:
    # A writer leaves a second version of the probe object when the store ignores conditional writes.
    world.manifests.put(world.vault.layout.probe_key, b"again")
    (warning,) = world.examine().warnings
    assert "IGNORES CONDITIONAL WRITES" in warning
