"""A bucket of backups in which tests can tamper with everything, as its administrator could."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.integrity.anchors.anchors import write_anchor
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.anchors.tree_head import LogHead, tree_head_of
from signal_backups.core.integrity.examine_trail import TrailReport, examine_trail
from signal_backups.core.integrity.log.findings import Fault, LogName
from signal_backups.core.ledger.chained_log import FIRST, Entry
from signal_backups.core.ledger.event import Action
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest, StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.trails import Admin
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of, vouch_without_object

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


class Backups:
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
        manifest = vouch_without_object(self.vault, slot, manifest_of(stored, slot.day, bucket=self.vault.store.bucket))
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
        assert not write_anchor(self.vault, tree_head, at, AnchorDestinations(second=second)).errors

    def examine(self, **how: Any) -> TrailReport:
        """Examine with segments and in full; both must give the same report."""
        report = examine_trail(self.vault, **how)
        full = examine_trail(self.vault, full=True, **how)
        differing = {"full", "requests", "at"}
        assert full.model_dump(exclude=differing) == report.model_dump(exclude=differing)
        return report


def without_number(body: bytes) -> bytes:
    manifest = Manifest.from_bytes(body, "it")
    return manifest.model_copy(update={"number": None, "previous": None}).to_bytes()
