"""What the acceptance suite stores: days of real backups, large enough for every rule about sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import LockSetting, Profile
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import DayRun, extracted
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import sqlite_table

DOCUMENTED = load_profile("documented")
#: Under the mode that can be lifted: seven years under the other nobody could clean up after this suite.
RECOMMENDED = load_profile("recommended").model_copy(update={"lock": LockSetting(mode=LockMode.GOVERNANCE)})
PROFILES = (DOCUMENTED, RECOMMENDED)

# Above 128 KiB: many stores, and rules of ours, leave smaller objects where they are.
SIGNALS_A_DAY = 1000


def made_days(folder: Path, days: Iterable[date], more: int = 0) -> dict[date, DayRun]:
    """Days ready to be stored; with ``more`` signals each, other backups of the same days."""
    numbers = range(SIGNALS_A_DAY + more)
    wanted = list(days)
    rows = [row for day in wanted for row in _signals(day, numbers)]
    source = sqlite_table(folder / f"signals_{more}.db", rows)
    return {day: extracted(source, folder, day) for day in wanted}


def back_up(vault: BackupVault, run: DayRun) -> str:
    """Store a day; the version id of its backup."""
    return store_backup(vault, run.folder, BackupRun("acceptance")).manifest.backup.version_id


def locking(vault: BackupVault, policy: LockPolicy | None) -> BackupVault:
    """The same vault, which locks what it stores from now on."""
    return BackupVault(S3ObjectStore(vault.store._client, vault.store.bucket, lock=policy), vault.layout)


def key_of(vault: BackupVault, day: date) -> str:
    """The key of a day's backup."""
    return vault.layout.backup_key(BackupSlot(day))


def profile_name(profile: Profile) -> str:
    """What a parametrized test is called after."""
    return profile.name


def _signals(day: date, numbers: Sequence[int]) -> list[Row]:
    return [
        signal(number, signal_id=f"{day}-{number:05}", timestamp=f"{day}T{number // 60:02}:{number % 60:02}:00+00:00")
        for number in numbers
    ]
