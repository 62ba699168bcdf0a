"""Comparing the events, the manifest log and the days' own manifests with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import map_in_order
from signal_backups.core.integrity.log.entries import EntrySummary, ManifestReference, manifest_reference
from signal_backups.core.integrity.log.examine_log import LogExamination
from signal_backups.core.integrity.log.findings import Fault, LogFinding, LogName
from signal_backups.core.ledger.event import Occurrence
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.log_index import VersionsBySlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault

#: A running backup writes its manifest to the log before it stores it for its day.
GRACE = timedelta(hours=1)


@dataclass
class CrossChecks:
    """The findings, and the days whose manifest is older than the manifest log."""

    findings: list[LogFinding] = field(default_factory=list)
    unchained: list[date] = field(default_factory=list)


def cross_check(
    vault: BackupVault,
    events: LogExamination,
    days: VersionsBySlot,
    manifests: LogExamination,
    waiting: Iterable[Occurrence] = (),
    *,
    full: bool,
    kept_from: date,
) -> CrossChecks:
    """Compare the events, the manifest log and the days' manifests with each other.

    Args:
        vault: the vault that contains them.
        events: the examined events.
        days: the versions of the days' manifests, listed before the manifest log, so that the log must contain them.
        manifests: the examined manifest log.
        waiting: events in the outbox, read before the events; they count as events of the manifests that they name.
        full: read every day's manifest, even if the listing shows that it equals its log entry.
        kept_from: the manifests of earlier days may have expired.

    Raises:
        StoreError: the store cannot be read.
    """
    return _CrossChecker(vault, manifests, events, full=full, kept_from=kept_from).check(days, waiting)


class _CrossChecker:
    def __init__(
        self, vault: BackupVault, manifests: LogExamination, events: LogExamination, *, full: bool, kept_from: date
    ) -> None:
        self._vault = vault
        self._layout: Layout = vault.layout
        self._manifests = manifests
        self._full = full
        self._kept_from = kept_from
        self._settled_before = vault.store.clock() - GRACE
        self._named: dict[ManifestReference, int] = {
            entry.manifest: number for number, entry in events.entries.items() if entry.manifest is not None
        }
        self._stood = {entry.manifest for entry in events.entries.values() if entry.is_standing}
        self._log_began = min((entry.stored.last_modified for entry in manifests.entries.values()), default=None)
        self._found = CrossChecks()

    def check(self, days: VersionsBySlot, waiting: Iterable[Occurrence]) -> CrossChecks:
        self._check_named_manifests()
        self._find_without_event(waiting)
        self._check_days(days)
        return self._found

    def _check_named_manifests(self) -> None:
        """Compare the manifests that events name with the manifest log."""
        for named, event in sorted(self._named.items()):
            entry = self._manifests.entries.get(named.number)
            if entry is not None and entry.sha256 != named.sha256:
                words = f"manifest {named.number} is not the one that event {event} names"
                self._add(Fault.EDITED, named.number, entry.stored, words)
            elif named.number > self._manifests.last:
                self._add_removed(named.number, f"event {event} names it")

    def _find_without_event(self, waiting: Iterable[Occurrence]) -> None:
        references = [*self._named, *(manifest_reference(event.details) for event in waiting)]
        named = {reference.number for reference in references if reference is not None}
        for number, entry in self._manifests.entries.items():
            if number not in named and entry.stored.last_modified < self._settled_before:
                words = (
                    f"no event names manifest {number} of {entry.day}: a run was killed, or events were removed; if a "
                    f"run was, the next backup writes the event: signal-backups backup {entry.day}"
                )
                self._add(Fault.WITHOUT_EVENT, number, entry.stored, words)

    def _check_days(self, days: VersionsBySlot) -> None:
        entries: dict[BackupSlot, list[EntrySummary]] = {}
        for number, entry in sorted(self._manifests.entries.items()):
            slot = self._layout.slot_of(entry.backup_key)
            if slot is not None and slot.day == entry.day:
                entries.setdefault(slot, []).append(entry)
            else:
                words = f"manifest {number} of {entry.day} names {entry.backup_key}, which is not a backup of this day"
                self._add(Fault.INSERTED, number, entry.stored, words)
        entry_of = self._entries_of_versions(days, entries)
        for slot in sorted(days.keys() | entries.keys()):
            self._check_day(slot, days.get(slot, []), entries.get(slot, []), entry_of)

    def _entries_of_versions(
        self, days: VersionsBySlot, entries: Mapping[BackupSlot, list[EntrySummary]]
    ) -> dict[ObjectVersion, EntrySummary | None]:
        """The log entry of each version of the days' manifests; None for a version that is older than the log."""
        entry_of: dict[ObjectVersion, EntrySummary | None] = {}
        to_read = []
        for slot, versions in days.items():
            # Equal bytes have equal ETags, except with KMS encryption; then every manifest is read.
            by_etag = {(entry.stored.etag, entry.stored.size): entry for entry in entries.get(slot, [])}
            for version in versions:
                entry = None if self._full else by_etag.get((version.etag, version.size))
                if entry is not None:
                    entry_of[version] = entry
                elif not version.is_delete_marker:
                    to_read.append((slot, version))
        bodies = map_in_order(lambda one: self._vault.store.get_bytes(one[1].key, one[1].version_id)[0], to_read)
        for (slot, version), body in zip(to_read, bodies, strict=True):
            self._find_entry(slot, version, body, entry_of)
        return entry_of

    def _find_entry(
        self, slot: BackupSlot, version: ObjectVersion, body: bytes, entry_of: dict[ObjectVersion, EntrySummary | None]
    ) -> None:
        """Find the log entry of a manifest; it is a finding if the entry should exist and does not."""
        try:
            number = Manifest.from_bytes(body, "it").number
        except VerificationError as error:
            self._add(Fault.UNREADABLE, None, version, error.what)
            return
        entry = self._manifests.entries.get(number) if number is not None else None
        if number is None:
            entry_of[version] = None
        elif number > self._manifests.last:
            self._add_removed(number, f"it is the manifest of {slot.day}, version {version.version_id}")
        elif entry is not None and sha256(body).hexdigest() == entry.sha256:
            if self._layout.slot_of(entry.backup_key) == slot:
                entry_of[version] = entry
            else:
                self._add(Fault.REORDERED, number, version, f"{slot.day} has the manifest of another day")
        elif entry is not None:
            words = f"the manifest of {slot.day} was changed: it differs from manifest {number} of the log"
            self._add(Fault.EDITED, number, version, words)

    def _check_day(
        self,
        slot: BackupSlot,
        versions: list[ObjectVersion],
        entries: list[EntrySummary],
        entry_of: Mapping[ObjectVersion, EntrySummary | None],
    ) -> None:
        """Check that the current manifest of a day is its newest log entry."""
        current = versions[0] if versions else None
        if not entries:
            if current is not None and current in entry_of and entry_of[current] is None:
                self._add_unchained(slot, current)
            return
        newest = entries[-1]
        is_gone = current is None or current.is_delete_marker
        if is_gone and slot.day < self._kept_from:
            return
        if current is not None and not is_gone:
            if current not in entry_of:
                return  # already a finding
            if entry_of[current] is None:
                words = f"a manifest without a number overwrote manifest {newest.number} of {slot.day}"
                self._add(Fault.EDITED, newest.number, current, words)
                return
            if entry_of[current] == newest:
                return
        self._check_newest(slot, newest, versions, entry_of)

    def _check_newest(
        self,
        slot: BackupSlot,
        newest: EntrySummary,
        versions: list[ObjectVersion],
        entry_of: Mapping[ObjectVersion, EntrySummary | None],
    ) -> None:
        """Say why the newest manifest of a day in the log is not its current one."""
        is_gone = not versions or versions[0].is_delete_marker
        is_stored = any(entry_of.get(version) == newest for version in versions)
        older = None if is_gone else entry_of.get(versions[0])
        if is_stored and older is not None:
            words = f"manifest {newest.number} of {slot.day} was rolled back: manifest {older.number} lies on top of it"
            self._add(Fault.EDITED, newest.number, versions[0], words)
            return
        stood = ManifestReference(newest.number, newest.sha256) in self._stood
        self._add_not_current(slot, newest, removed=is_gone if is_stored else stood)

    def _add_unchained(self, slot: BackupSlot, current: ObjectVersion) -> None:
        if self._log_began is None or current.last_modified <= self._log_began:
            self._found.unchained.append(slot.day)
        else:
            words = f"the manifest of {slot.day} is not in the manifest log, although it was stored after the log began"
            self._add(Fault.INSERTED, None, current, words)

    def _add_not_current(self, slot: BackupSlot, newest: EntrySummary, *, removed: bool) -> None:
        key, number = self._layout.manifest_key(slot), newest.number
        if removed:
            words = f"manifest {number} is no longer the manifest of {slot.day}: it was deleted"
            self._found.findings.append(_finding(Fault.REMOVED, number, key, None, words))
        elif newest.stored.last_modified < self._settled_before:
            words = (
                f"manifest {number} is not the current one of {slot.day}: a backup was interrupted; "
                f"back the day up again with: signal-backups backup {slot.day}"
            )
            self._found.findings.append(_finding(Fault.UNFINISHED, number, key, None, words))

    def _add(self, kind: Fault, number: int | None, version: ObjectVersion, words: str) -> None:
        self._found.findings.append(_finding(kind, number, version.key, version.version_id, words))

    def _add_removed(self, number: int, because: str) -> None:
        key = self._vault.manifest_log.key_of(number)
        words = f"manifest {number} is missing from the manifest log: {because}"
        self._found.findings.append(_finding(Fault.REMOVED, number, key, None, words))


def _finding(kind: Fault, number: int | None, key: str, version_id: str | None, words: str) -> LogFinding:
    return LogFinding(log=LogName.MANIFESTS, kind=kind, number=number, key=key, version_id=version_id, words=words)
