"""Whether the current backups are locked as the profile requires: one HEAD request each, repeated after a day.

They are repeated because somebody with the right to do so may change a version's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signal_backups.core.base.days import ONE_DAY, years_after
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore


class LockStates:
    """The locks of a store's backups, cached for a day."""

    def __init__(self, store: S3ObjectStore, policy: LockPolicy | None) -> None:
        self._store = store
        self._policy = policy
        self._locked: dict[ObjectVersion, bool] = {}
        self._since: datetime | None = None

    def unlocked(self, backups: Sequence[ObjectVersion], now: datetime) -> int | None:
        """Return how many backups have a lock that is shorter or weaker than the policy requires; None without one."""
        policy = self._policy
        if policy is None:
            return None
        if self._since is None or now - self._since >= ONE_DAY:
            self._locked, self._since = {}, now
        new = [version for version in backups if version not in self._locked]
        locked = in_parallel(lambda version: self._is_locked(version, policy), new)
        self._locked.update(zip(new, locked, strict=True))
        return sum(not self._locked[version] for version in backups)

    def _is_locked(self, version: ObjectVersion, policy: LockPolicy) -> bool:
        head = self._store.head(version.key, version.version_id)
        # Without the right to read a lock, S3 leaves it out of the response; that counts as no lock.
        if head is None or head.lock is None:
            return False
        end = years_after(head.last_modified, policy.years)
        return head.lock.holds_until(end) and policy.mode.is_met_by(head.lock.mode)
