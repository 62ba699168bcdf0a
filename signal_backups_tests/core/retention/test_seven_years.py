"""Seven years of daily backups on a simulated clock, with faults, unexpected deletes and bad overwrites.

The store is the strict S3, which applies the lifecycle rules of the profile, enforces locks and uses no product code.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import BACKUP_TIME, days_between, years_after
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import set_up_bucket, setup_plan_of
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.servers.faults import Answer, Refuse
from signal_backups_tests.servers.strict_s3 import LostAnswer, SimulatedClock, StrictS3

pytestmark = pytest.mark.slow

FIRST, LAST = date(2026, 1, 1), date(2032, 12, 31)
ALL_DAYS = list(days_between(FIRST, LAST))
FAULT_SHARE = 0.01
FAULTS = (Answer(503, "SlowDown"), Answer(500, "InternalError"), Refuse(), LostAnswer())


@dataclass
class Years:
    """A bucket under a profile, the days still to be backed up, and the good version of each backed-up day."""

    profile: Profile
    template: DayFolder
    random: random.Random
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC)))
    waiting: list[date] = field(default_factory=list)
    failed_runs: int = 0
    good: dict[date, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.s3 = StrictS3(self.clock)
        self.client = self.s3.client()
        store = S3ObjectStore(self.client, "bucket", lock=self.profile.lock_policy, clock=self.clock)
        self.vault = BackupVault(store, Layout())
        set_up_bucket(self.vault, self.profile, confirmed=True)
        self.s3.faults = lambda _: self.random.choice(FAULTS) if self.random.random() < FAULT_SHARE else None

    def run_days(self, days: list[date]) -> None:
        """At 02:00 of the next day, back up each day, and again the days whose runs failed."""
        for day in days:
            self.clock.set(datetime.combine(day + timedelta(days=1), BACKUP_TIME, tzinfo=UTC))
            self.waiting = [each for each in [*self.waiting, day] if not self.back_up(each)]

    def back_up(self, day: date) -> bool:
        """One run; returns whether it succeeded, which a fault of the store prevents."""
        try:
            outcome = store_backup(self.vault, DayFolder(self.template.path, day), BackupRun("run", clock=self.clock))
        except SignalBackupsError:
            self.failed_runs += 1
            return False
        self.good[day] = outcome.manifest.backup.version_id
        return True

    def make_mistakes(self, days: list[date]) -> None:
        """Delete every second backup of the days and overwrite the others, as a user with the right to do so."""
        faults, self.s3.faults = self.s3.faults, lambda _: None
        for number, day in enumerate(days):
            key = self.vault.layout.backup_key(BackupSlot(day))
            if number % 2:
                self.client.delete_object(Bucket="bucket", Key=key)
            else:
                self.client.put_object(Bucket="bucket", Key=key, Body=b"garbage")
        self.s3.faults = faults

    def bytes_of(self, day: date) -> bytes | None:
        """The good version of a day as the store returns it; None if it is destroyed or needs a thaw."""
        key = self.vault.layout.backup_key(BackupSlot(day))
        try:
            found = self.client.get_object(Bucket="bucket", Key=key, VersionId=self.good[day])
        except ClientError:
            return None
        return found["Body"].read()

    def end_of(self, day: date) -> datetime:
        """Seven calendar years after the good version of a day was stored."""
        key = self.vault.layout.backup_key(BackupSlot(day))
        (version,) = [v for v in self.vault.store.list_versions(key) if v.version_id == self.good[day]]
        return years_after(version.last_modified, 7)


def years(profile: str, three: DayRun) -> Years:
    return Years(load_profile(profile), three.folder, random.Random(20260101))  # noqa: S311 - the same faults every time


def test_seven_years_under_recommended_lose_nothing_and_stay_readable(three: DayRun, tmp_path: Path) -> None:
    lived = years("recommended", three)
    half = len(ALL_DAYS) // 2
    lived.run_days(ALL_DAYS[:half])
    mistakes = lived.random.sample(ALL_DAYS[:half], 20)
    lived.make_mistakes(mistakes)
    lived.run_days(ALL_DAYS[half:])
    assert len(ALL_DAYS) == 2557
    assert lived.failed_runs > 100

    lived.s3.faults = lambda _: None
    for day in lived.waiting:
        assert lived.back_up(day)
    assert set(lived.good) == set(ALL_DAYS)
    assert setup_plan_of(lived.vault, lived.profile).in_order

    body = three.folder.backup_csv.read_bytes()
    assert {lived.bytes_of(day) for day in ALL_DAYS} == {body}
    current = {backup.slot.day: backup for backup in lived.vault.backups_with_manifests(FIRST, LAST)}
    assert {day for day in ALL_DAYS if day not in current or not current[day].is_vouched} == set(mistakes)

    ends = {day: lived.end_of(day) for day in ALL_DAYS}
    for day in sorted(ALL_DAYS, key=lambda day: ends[day]):
        lived.clock.set(max(lived.clock(), ends[day] - timedelta(seconds=1)))
        assert lived.bytes_of(day) == body, f"{day} is not there before its end {ends[day]}"


def test_the_same_mistakes_under_documented_destroy_the_only_good_copies(three: DayRun) -> None:
    lived = years("documented", three)
    lived.run_days(ALL_DAYS[:60])
    lived.s3.faults = lambda _: None
    mistakes = sorted(lived.good)[:10]
    lived.make_mistakes(mistakes)
    lived.clock.advance(timedelta(days=90))
    assert None not in {lived.bytes_of(day) for day in mistakes}
    lived.clock.advance(timedelta(days=1))
    assert {lived.bytes_of(day) for day in mistakes} == {None}
    assert None not in {lived.bytes_of(day) for day in sorted(lived.good)[10:]}


def test_under_documented_every_backup_is_hidden_before_its_seven_years_end(three: DayRun) -> None:
    lived = years("documented", three)
    lived.s3.faults = lambda _: None
    lived.run_days(ALL_DAYS[:4])
    end = min(lived.end_of(day) for day in ALL_DAYS[:4])
    lived.clock.set(end - timedelta(hours=26, seconds=1))
    assert len(lived.vault.backups(FIRST, LAST)) == 4
    lived.clock.set(end - timedelta(hours=26))
    assert len(lived.vault.backups(FIRST, LAST)) == 3
