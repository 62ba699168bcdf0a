"""A bucket to measure, on the strict in-memory S3 with a simulated clock and exact counts of requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from signal_backups.core.base.days import last_complete_day
from signal_backups.core.ledger.chained_log import FIRST, Link
from signal_backups.core.ledger.event import Action, Actor, Occurrence
from signal_backups.core.monitoring.metrics.exporter import Exporter
from signal_backups.core.monitoring.metrics.measure import Criteria, Measurer
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.s3.prices import load_prices
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of, put_day
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class World:
    """An empty bucket and its clock."""

    def __init__(self, folder: Path, profile: str = "documented") -> None:
        self.clock = SimulatedClock(NOW)
        self.s3 = StrictS3(self.clock)
        self.profile = load_profile(profile)
        store = S3ObjectStore(self.s3.client(), "bucket", lock=self.profile.lock_policy, clock=self.clock)
        store.configuration.create(with_lock=True)
        self.vault = BackupVault(store, Layout())
        self._folder = folder

    @property
    def newest(self) -> date:
        """The newest complete day."""
        return last_complete_day(self.clock)

    def ago(self, days: int) -> date:
        """Return the day a number of days before the newest."""
        return self.newest - timedelta(days=days)

    def put_day(self, day: date, **claims: Any) -> StoredFile:
        """Store a day and its manifest."""
        return put_day(self.vault, day, self._folder, **claims)

    def put_days(self, count: int) -> None:
        """Store objects and manifests of a number of days up to the newest, and nothing else."""
        for day in (self.ago(number) for number in range(count)):
            key = self.vault.layout.backup_key(BackupSlot(day))
            version_id = self.vault.store.put_bytes(key, b"x" * 100, "text/csv")
            stored = StoredFile(key=key, version_id=version_id, bytes=100, sha256="0" * 64)
            body = manifest_of(stored, day).to_bytes()
            self.vault.store.put_bytes(self.vault.layout.manifest_key(BackupSlot(day)), body, "application/json")

    def record(self, action: Action, result: str, at: datetime | None = None, **details: Any) -> None:
        """Record an event."""
        self.vault.trail.record(action, result, details=details, at=at)

    def put_event(self, number: int, action: Action, result: str, **details: Any) -> None:
        """Store an event under a number, even if earlier events do not exist."""
        event = Occurrence(at=self.clock(), actor=Actor.here(), action=action, result=result, details=details)
        body = event.to_bytes(Link(number, FIRST))
        self.vault.store.put_bytes(self.vault.trail.log.key_of(number), body, "application/json")

    def measurer(self, start: date | None = None, quota_gb: float | None = None) -> Measurer:
        """Return a new measurer, as in a new process."""
        criteria = Criteria(start, self.profile, load_prices("us-east-1"), quota_gb)
        return Measurer(self.vault, criteria, self.clock)

    def exporter(self, start: date | None = None, quota_gb: float | None = None) -> Exporter:
        """Return a new exporter."""
        return Exporter(self.measurer(start, quota_gb), self.vault.store)

    @contextmanager
    def requests(self) -> Iterator[Counter[str]]:
        """Count the requests during the block; the counter is filled when the block ends."""
        before, arrived = self.s3.requests.copy(), Counter[str]()
        yield arrived
        arrived.update(self.s3.requests - before)


def samples(exporter: Exporter) -> dict[str, float]:
    """Return the values of an exporter by ``name`` or ``name{label="value"}``."""
    return {
        sample.name + _labels(sample.labels): sample.value
        for family in text_string_to_metric_families(generate_latest(exporter.registry).decode())
        for sample in family.samples
    }


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}" if labels else ""
