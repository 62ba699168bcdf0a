"""Sources and stores that fail on demand, and resources that hand them out. Faults of the network: ``servers``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from signal_backups.core.base.errors import SignalBackupsError, StoreError
from signal_backups.core.doctor.probes import OpenStore
from signal_backups.core.ledger.event import Actor
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import DEFAULT_PROFILE, Profile
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import DaySnapshot, SignalSource, SourceDescription
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class GivenDatabase:
    """Stands in for the resource ``signals_database``."""

    source: SignalSource

    def open(self) -> SignalSource:
        return self.source


@dataclass(frozen=True)
class GivenStore:
    """Stands in for the resource ``backup_store``."""

    given: BackupVault
    profile: str = DEFAULT_PROFILE

    def vault(self, run_id: str = "") -> BackupVault:
        self.given.trail.actor = Actor.here(run_id)
        return self.given

    def opened(self, run_id: str = "") -> OpenStore:
        return OpenStore(self.vault(run_id), self.given.store._client, S3Connection(), is_embedded=False)

    def retention_profile(self) -> Profile:
        return load_profile(self.profile)


class UnreadableDays:
    """A source that raises an error for some days, so many times for each."""

    def __init__(
        self, source: SignalSource, days: Collection[date], error: SignalBackupsError, times: int = 1_000
    ) -> None:
        self.source = source
        self.error = error
        self.left = dict.fromkeys(days, times)

    def describe(self) -> SourceDescription:
        return self.source.describe()

    @contextmanager
    def read_day(self, day: date) -> Iterator[DaySnapshot]:
        if self.left.get(day, 0):
            self.left[day] -= 1
            raise self.error
        with self.source.read_day(day) as snapshot:
            yield snapshot


class RefusingStore(S3ObjectStore):
    """A store that raises an error for backups of some days, so many times for each."""

    def __init__(
        self, store: S3ObjectStore, days: Collection[date], error: SignalBackupsError, times: int = 1_000
    ) -> None:
        super().__init__(store._client, store.bucket)
        self.error = error
        self.left = dict.fromkeys((f"signals_backup_{day:%Y%m%d}_020000.csv" for day in days), times)
        self.asked: list[str] = []

    def put_file(self, key: str, *args: Any, **named: Any) -> str:
        name = Path(key).name
        self.asked.append(name)
        if self.left.get(name, 0):
            self.left[name] -= 1
            raise self.error
        return super().put_file(key, *args, **named)


class DamagingStore(S3ObjectStore):
    """A store that returns a file other than it was sent."""

    def __init__(self, store: S3ObjectStore, damage: Callable[[bytes], bytes]) -> None:
        super().__init__(store._client, store.bucket)
        self.damage = damage

    def get_file(self, key: str, version_id: str, target: Path) -> None:
        super().get_file(key, version_id, target)
        target.write_bytes(self.damage(target.read_bytes()))


def flip_last_digit_of_price(content: bytes) -> bytes:
    """One character of one row."""
    return content.replace(b"110.25", b"110.26", 1)


class WithoutAudit(S3ObjectStore):
    """Refuses events of the audit trail while ``refuses`` is set."""

    refuses = True

    def put_bytes(self, key: str, body: bytes, content_type: str, **conditions: Any) -> str:
        if self.refuses and key.startswith("audit/events/"):
            raise StoreError(f"cannot write {key}")
        return super().put_bytes(key, body, content_type, **conditions)
