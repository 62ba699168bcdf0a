"""A log of what a store does to versions by itself: each state, and whether the version could be read and verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import NotFoundError
from signal_backups.core.restore.fetch import fetch
from signal_backups.core.restore.selection import choose_key
from signal_backups.core.s3.object_lock import ObjectLock
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups.embedded.processes import wait_until

GONE = "gone"


@dataclass(frozen=True)
class Subject:
    """One version that is watched, from when it was stored or hidden, UTC."""

    vault: BackupVault
    day: date
    key: str
    version_id: str
    since: datetime


@dataclass(frozen=True)
class Sight:
    """A state of a version, and when (UTC) it was first seen.

    ``state`` is the storage class while the version is current, ``noncurrent`` and the class below another version
    or a delete marker, ``GONE`` when it was deleted for good. ``proven`` is whether it was read and verified.
    """

    state: str
    at: datetime
    lock: ObjectLock | None = None
    proven: bool = False


class Watch:
    """A log of the states of versions, in any number of buckets at once."""

    def __init__(self, scratch: Path, *, patience_s: float) -> None:
        self._scratch = scratch
        self._patience = patience_s
        self._seen: dict[Subject, list[Sight]] = {}

    def follow(self, vault: BackupVault, day: date, key: str, version_id: str, since: datetime) -> Subject:
        """Watch a version from now on; its earlier states are dropped."""
        subject = Subject(vault, day, key, version_id, since)
        self._seen[subject] = []
        # All of them, so that no state of another version is missed meanwhile.
        self.look()
        return subject

    @property
    def subjects(self) -> list[Subject]:
        """All watched versions."""
        return list(self._seen)

    def sights(self, subject: Subject) -> list[Sight]:
        """The states of a version with their times, in order."""
        return self._seen[subject]

    def states(self, subject: Subject) -> list[str]:
        """The states a version was seen in, in order."""
        return [sight.state for sight in self._seen[subject]]

    def is_gone(self, *subjects: Subject) -> bool:
        """Whether all of the versions were deleted for good."""
        return all(self.states(subject)[-1] == GONE for subject in subjects)

    def seconds_until(self, subject: Subject, state: str) -> float:
        """How long it took until a version was seen in a state."""
        return next((sight.at - subject.since).total_seconds() for sight in self._seen[subject] if sight.state == state)

    def until(self, condition: Callable[[], bool]) -> None:
        """Look again and again until the condition is met."""

        def met() -> bool:
            self.look()
            return condition()

        assert wait_until(met, self._patience), self._summary()

    def look(self) -> None:
        """Look at every version once."""
        listings = {vault: self._listed(vault) for vault in {subject.vault for subject in self._seen}}
        for subject in self._seen:
            self._note(subject, listings[subject.vault].get((subject.key, subject.version_id)))

    def _listed(self, vault: BackupVault) -> dict[tuple[str, str], ObjectVersion]:
        return {(version.key, version.version_id): version for version in vault.store.list_versions("")}

    def _note(self, subject: Subject, found: ObjectVersion | None) -> None:
        state = _state(found)
        if self._seen[subject] and state == self.states(subject)[-1]:
            return
        at = utc_now()
        if found is None:
            self._seen[subject].append(Sight(GONE, at))
            return
        try:
            lock = subject.vault.store.lock_of(subject.key, subject.version_id)
            self._seen[subject].append(Sight(state, at, lock, self._is_proven(subject, found)))
        except NotFoundError:
            pass  # It went meanwhile, which the next look sees.

    def _is_proven(self, subject: Subject, found: ObjectVersion) -> bool:
        """Read a version the way the product does: current backups to verify, noncurrent ones to restore."""
        vault = subject.vault
        if vault.layout.slot_of(subject.key) is None:
            body, _ = vault.store.get_bytes(subject.key, subject.version_id)
            return Manifest.from_bytes(body, subject.key).day == subject.day
        described = {version.version.version_id: version for version in vault.versions(subject.day)}
        if described[subject.version_id].verified_at is None:
            return False
        if not found.is_latest:
            return fetch(vault, choose_key(vault, subject.key, subject.version_id), self._scratch).report.ok
        (listed,) = vault.backups_with_manifests(subject.day, subject.day)
        return listed.is_vouched and verify_stored(vault, listed, self._scratch).report.ok

    def _summary(self) -> str:
        return "\n".join(f"{subject.key} {subject.version_id}: {sights}" for subject, sights in self._seen.items())


def _state(found: ObjectVersion | None) -> str:
    if found is None:
        return GONE
    return found.storage_class if found.is_latest else f"noncurrent {found.storage_class}"
