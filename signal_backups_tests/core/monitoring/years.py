"""A bucket as it is after years: verified days, their manifest log, and an audit trail, put into memory directly."""

from __future__ import annotations

from datetime import date, timedelta

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import due_at
from signal_backups.core.ledger.chained_log import FIRST as NOTHING_BEFORE
from signal_backups.core.ledger.chained_log import Entry, Link
from signal_backups.core.ledger.event import Action, Occurrence, Result
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import StoredFile
from signal_backups_tests.core.ledger.trails import ACTOR
from signal_backups_tests.core.monitoring.watched import FIRST, Watched
from signal_backups_tests.core.retention_audit.audit_samples import fake_sha256, manifest_of
from signal_backups_tests.servers.strict_s3.state import Version


def put_years(watched: Watched, days: int, events: int) -> None:
    """Store so many verified days in a row, and events that name them, with the backup of each day first."""
    manifests, trail = Link(1, NOTHING_BEFORE), Link(1, NOTHING_BEFORE)
    for number in range(days):
        day = FIRST + number * ONE_DAY
        watched.clock.set(due_at(day))
        manifests = _put_day(watched, day, manifests)
        last = (number + 1) * events // days
        for action in [Action.BACKUP, *[Action.VERIFICATION] * (last - trail.number)]:
            trail = _put_event(watched, action, day, trail)
    watched.clock.advance(timedelta(hours=3))


def _put_day(watched: Watched, day: date, link: Link) -> Link:
    layout, held = watched.vault.layout, watched.s3._account.bucket("bucket")
    backup = Version(layout.backup_key(BackupSlot(day)), watched.clock(), b"csv")
    held.add(backup)
    stored = StoredFile(key=backup.key, version_id=backup.id, bytes=3, sha256=fake_sha256("csv"))
    body = manifest_of(stored, day, number=link.number, previous=link.previous).to_bytes()
    for key in (watched.vault.manifest_log.key_of(link.number), layout.manifest_key(BackupSlot(day))):
        held.add(Version(key, watched.clock(), body))
    return _after(link, body)


def _put_event(watched: Watched, action: Action, day: date, link: Link) -> Link:
    result = Result.STORED if action is Action.BACKUP else Result.PASSED
    event = Occurrence(at=watched.clock(), actor=ACTOR, action=action, result=result, details={"day": str(day)})
    body = event.to_bytes(link)
    key = watched.vault.trail.log.key_of(link.number)
    watched.s3._account.bucket("bucket").add(Version(key, watched.clock(), body))
    return _after(link, body)


def _after(link: Link, body: bytes) -> Link:
    return Link(link.number + 1, Entry(0, "", "", body).sha256)
