"""The key of every object in the bucket, and the way back from a key; the only place that knows them.

With the default prefix: ``signals/2026/11/signals_backup_20261101_020000.csv``,
``quarantine/2026/11/signals_quarantine_20261101_020000.csv`` and
``manifests/2026/11/signals_backup_20261101_020000.json``. A prefix ``desk/signals/`` puts all three under ``desk/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from signal_backups.core.base.days import BACKUP_TIME

DEFAULT_PREFIX = "signals/"

_KEY_TAIL = re.compile(r"(\d{4})/(\d{2})/signals_backup_(\d{8})_(\d{6})\.csv")
_QUARANTINE_TAIL = re.compile(r"\d{4}/\d{2}/signals_quarantine_(\d{8})_(\d{6})\.csv")
_REPLACED_TAIL = re.compile(r"\d{4}/\d{2}/signals_replaced_(\d{8})_(\d{6})\.csv")
_FINDING_TAIL = re.compile(r"([a-z_]+)/\d{10}\.json")
_MANIFEST_TAIL = re.compile(r"\d{4}/\d{2}/signals_backup_(\d{8})_(\d{6})\.json")


@dataclass(frozen=True, order=True)
class BackupSlot:
    """One day's backup: its UTC day, and the time in its key (older tools used other times)."""

    day: date
    at: time = BACKUP_TIME

    @property
    def stamp(self) -> str:
        """``YYYYMMDD_HHMMSS``, as in keys."""
        return f"{self.day:%Y%m%d}_{self.at:%H%M%S}"


def slot_that_counts(slots: Iterable[BackupSlot]) -> BackupSlot:
    """Of a day's slots that have a backup, the one that is the day's: that of the backup time, else the latest."""
    return max(slots, key=lambda slot: (slot.at == BACKUP_TIME, slot))


@dataclass(frozen=True)
class Layout:
    """The keys of one vault; each function that makes a key has its inverse beside it."""

    prefix: str = DEFAULT_PREFIX

    @property
    def root(self) -> str:
        """The prefix of everything: the prefix of the backups without its final ``signals/``."""
        own_folder = self.prefix == DEFAULT_PREFIX or self.prefix.endswith(f"/{DEFAULT_PREFIX}")
        return self.prefix.removesuffix(DEFAULT_PREFIX) if own_folder else self.prefix

    @property
    def manifest_prefix(self) -> str:
        """Prefix of every manifest."""
        return f"{self.root}manifests/"

    @property
    def quarantine_prefix(self) -> str:
        """Prefix of every quarantine object."""
        return f"{self.root}quarantine/"

    def backup_key(self, slot: BackupSlot) -> str:
        """Key of a day's CSV."""
        return f"{self.prefix}{slot.day:%Y/%m}/signals_backup_{slot.stamp}.csv"

    def slot_of(self, key: str) -> BackupSlot | None:
        """Inverse of ``backup_key``; None for a foreign object."""
        if not key.startswith(self.prefix):
            return None
        match = _KEY_TAIL.fullmatch(key[len(self.prefix) :])
        if match is None:
            return None
        slot = _slot(match[3], match[4])
        return slot if slot is not None and self.backup_key(slot) == key else None

    def manifest_key(self, slot: BackupSlot) -> str:
        """Key of a day's manifest."""
        return f"{self.manifest_prefix}{slot.day:%Y/%m}/signals_backup_{slot.stamp}.json"

    def slot_of_manifest(self, key: str) -> BackupSlot | None:
        """Inverse of ``manifest_key``; None for a foreign object."""
        match = _MANIFEST_TAIL.fullmatch(key.removeprefix(self.manifest_prefix))
        slot = _slot(match[1], match[2]) if match else None
        return slot if slot is not None and self.manifest_key(slot) == key else None

    @property
    def drill_prefix(self) -> str:
        """Prefix of every drill's report."""
        return f"{self.root}drills/"

    @property
    def record_prefix(self) -> str:
        """Prefix of what earlier releases wrote in place of the audit trail; it is kept."""
        return f"{self.root}records/"

    @property
    def report_prefix(self) -> str:
        """Prefix of every report on all backups together."""
        return f"{self.root}reports/"

    @property
    def finding_prefix(self) -> str:
        """Prefix of the findings of examinations."""
        return f"{self.report_prefix}findings/"

    def finding_key(self, examination: str, event: int) -> str:
        """Key of what an examination found, with the number of its audit event; the newest sorts last."""
        return f"{self.finding_prefix}{examination}/{event:010d}.json"

    def finding_number(self, key: str) -> int:
        """The number of the audit event in the key of a finding."""
        return int(key.rpartition("/")[2].removesuffix(".json"))

    def examination_of(self, key: str) -> str | None:
        """The examination in the key of a finding; None for a foreign object."""
        match = _FINDING_TAIL.fullmatch(key.removeprefix(self.finding_prefix))
        return match[1] if match else None

    @property
    def audit_prefix(self) -> str:
        """Prefix of the audit trail and of everything else that proves the backups."""
        return f"{self.root}audit/"

    @property
    def event_prefix(self) -> str:
        """Prefix of the events of the audit trail."""
        return f"{self.audit_prefix}events/"

    @property
    def manifest_log_prefix(self) -> str:
        """Prefix of the manifest log: every manifest ever written, in order."""
        return f"{self.audit_prefix}manifests/"

    @property
    def segment_prefix(self) -> str:
        """Prefix of the segments of both logs."""
        return f"{self.audit_prefix}checkpoints/"

    def rolling_segment_prefix(self, log: str) -> str:
        """Prefix of the rolling segments of a log: ``events`` or ``manifests``."""
        return f"{self.segment_prefix}rolling/{log}_"

    @property
    def anchor_prefix(self) -> str:
        """Prefix of the anchors."""
        return f"{self.audit_prefix}anchors/"

    def anchor_key(self, at: datetime, number: int) -> str:
        """Key of an anchor made at an instant (UTC), when the audit trail had so many events."""
        return f"{self.anchor_prefix}{at:%Y%m%dT%H%M%SZ}_{number:010d}.json"

    @property
    def probe_key(self) -> str:
        """Key of the object that shows whether the store refuses to create what exists."""
        return f"{self.audit_prefix}conditional_writes"

    @property
    def doctor_prefix(self) -> str:
        """Prefix of the objects with which the doctor tests its rights."""
        return f"{self.audit_prefix}doctor/"

    def prefixes_of(self, kind: str) -> tuple[str, ...]:
        """The prefixes of one kind of objects: ``backups``, ``manifests``, ``quarantine`` or ``evidence``."""
        return {
            # Backups without a folder of their own share the root with the others: only the "20" of the year differs.
            "backups": (f"{self.prefix}20" if self.root == self.prefix else self.prefix,),
            "manifests": (self.manifest_prefix,),
            "quarantine": (self.quarantine_prefix,),
            "evidence": (self.drill_prefix, self.record_prefix, self.report_prefix, self.audit_prefix),
        }[kind]

    @property
    def all_prefixes(self) -> tuple[str, ...]:
        """Every prefix of this layout; none is part of another."""
        return tuple(
            prefix for kind in ("backups", "manifests", "quarantine", "evidence") for prefix in self.prefixes_of(kind)
        )

    def report_key(self, kind: str, at: datetime) -> str:
        """Key of a report of a kind (such as ``retention``), made at an instant (UTC)."""
        return f"{self.report_prefix}{kind}/{at:%Y/%m}/{kind}_{at:%Y%m%dT%H%M%SZ}.json"

    def drill_key(self, at: datetime) -> str:
        """Key of the report of a drill that began at an instant (UTC)."""
        return f"{self.drill_prefix}{at:%Y/%m}/drill_{at:%Y%m%dT%H%M%SZ}.json"

    def quarantine_key(self, slot: BackupSlot) -> str:
        """Key of a day's quarantine CSV."""
        return f"{self.quarantine_prefix}{slot.day:%Y/%m}/signals_quarantine_{slot.stamp}.csv"

    def slot_of_quarantine(self, key: str) -> BackupSlot | None:
        """Inverse of ``quarantine_key``; None for a foreign object."""
        match = _QUARANTINE_TAIL.fullmatch(key.removeprefix(self.quarantine_prefix))
        slot = _slot(match[1], match[2]) if match else None
        return slot if slot is not None and self.quarantine_key(slot) == key else None

    @property
    def undated_key(self) -> str:
        """Key of the rows that belong to no day."""
        return f"{self.quarantine_prefix}signals_undated.csv"

    def replaced_key(self, slot: BackupSlot) -> str:
        """Key of the signals that a replacement of a day's backup left out."""
        return f"{self.quarantine_prefix}{slot.day:%Y/%m}/signals_replaced_{slot.stamp}.csv"

    def slot_of_replaced(self, key: str) -> BackupSlot | None:
        """Inverse of ``replaced_key``; None for a foreign object."""
        match = _REPLACED_TAIL.fullmatch(key.removeprefix(self.quarantine_prefix))
        slot = _slot(match[1], match[2]) if match else None
        return slot if slot is not None and self.replaced_key(slot) == key else None


def _slot(day: str, at: str) -> BackupSlot | None:
    try:
        moment = datetime.strptime(day + at, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return BackupSlot(moment.date(), moment.time())
