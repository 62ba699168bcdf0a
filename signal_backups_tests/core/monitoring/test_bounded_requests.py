"""``status`` and ``list`` take few requests, however many days and events there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import due_at
from signal_backups.core.integrity.log.write_segments import write_rolling_segments
from signal_backups.core.ledger.event import Action
from signal_backups.core.ledger.rolling_segments import RollingSegments
from signal_backups.core.monitoring.observation import observe
from signal_backups.core.monitoring.status.status import BackupStatus, backup_status
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.caching_vault import CachingVault
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.findings import Examination, record_findings
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.monitoring.watched import FIRST, Watched
from signal_backups_tests.core.monitoring.years import put_years
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of
from signal_backups_tests.servers.strict_s3.state import Version, version_of

#: How many requests each command may take.
MOST = 60

Answer = TypeVar("Answer")


def status_of(vault: BackupVault, watched: Watched) -> BackupStatus:
    return backup_status(vault, FIRST, watched.clock)


def listed(vault: BackupVault, _: Watched) -> dict[date, StoredDay]:
    """What ``signal-backups list`` shows."""
    return vault.stored_days(date.min, date.max)


def asked(watched: Watched, question: Callable[[BackupVault, Watched], Answer]) -> tuple[Answer, Counter[str]]:
    """The answer that a new process gets, and the requests that it takes."""
    before = watched.s3.requests.copy()
    answer = question(BackupVault(watched.vault.store, watched.vault.layout), watched)
    return answer, watched.s3.requests - before


def spend_a_day(watched: Watched, day: date) -> None:
    """A backup with a quarantine, its manifest, and eight events, all after the segments were written."""
    watched.clock.set(due_at(day) + timedelta(hours=3))
    stored = watched.put_object(BackupSlot(day))
    rows = stored.model_copy(update={"key": watched.vault.layout.quarantine_key(BackupSlot(day))})
    manifest = manifest_of(stored, day, quarantined=1, quarantine=rows)
    write_manifest(watched.vault, BackupSlot(day), manifest)
    watched.vault.trail.record(Action.BACKUP, "stored", details={"day": str(day)})
    for examination in Examination:
        record_findings(watched.vault, examination, days={day: "a finding"})
    for _ in range(7 - len(Examination)):
        watched.vault.trail.record(Action.VERIFICATION, "passed", details={"day": str(day)})


def test_seventy_days_and_five_hundred_events(watched: Watched) -> None:
    put_years(watched, 70, 500)
    write_rolling_segments(watched.vault)
    found, sent = asked(watched, status_of)
    assert (found.healthy, found.records, found.days_backed_up, found.unknown_days) == (True, 70, 70, [])
    # Manifests, their log, backups, findings and events; the segments of both logs; one segment of each.
    assert sent == {"ListObjectVersions": 5, "ListObjectsV2": 2, "GetObject": 2, "GetBucketLifecycleConfiguration": 1}
    days, sent = asked(watched, listed)
    assert {stored.state for stored in days.values()} == {DayState.VERIFIED}
    assert sent == {"ListObjectVersions": 3, "ListObjectsV2": 1, "GetObject": 1}


def test_answers_do_not_depend_on_segments(watched: Watched) -> None:
    put_years(watched, 70, 500)
    days = [FIRST + number * ONE_DAY for number in range(4)]
    for result, day in (("failed", days[0]), ("failed", days[1]), ("passed", days[1])):
        watched.clock.advance(timedelta(seconds=1))
        watched.vault.trail.record(Action.VERIFICATION, result, details={"day": str(day), "problems": ["row 1"]})
    watched.hide(watched.vault.layout.backup_key(BackupSlot(days[2])))
    forged = manifest_of(watched.put_object(BackupSlot(days[3])), days[3]).to_bytes()
    watched.vault.store.put_bytes(watched.vault.layout.manifest_key(BackupSlot(days[3])), forged, "application/json")
    without = asked(watched, status_of)[0], asked(watched, listed)[0]
    assert without[0].failing_days == [days[0]]
    assert write_rolling_segments(watched.vault)
    assert (asked(watched, status_of)[0], asked(watched, listed)[0]) == without


@pytest.mark.parametrize("number", [3, 67], ids=["an early one", "one of the last"])
def test_a_destroyed_event_is_seen_although_a_segment_has_it(watched: Watched, number: int) -> None:
    put_years(watched, 10, 70)
    write_rolling_segments(watched.vault)
    for version in watched.vault.store.list_versions(watched.vault.trail.log.key_of(number)):
        watched.vault.store._client.delete_object(Bucket="bucket", Key=version.key, VersionId=version.version_id)
    found = asked(watched, status_of)[0]
    assert found.damaged_logs == [f"event {number} is missing, hidden or overwritten"]


def test_a_manifest_put_over_the_one_that_a_segment_has_is_read(watched: Watched) -> None:
    put_years(watched, 20, 20)
    write_rolling_segments(watched.vault)
    key = watched.vault.layout.manifest_key(BackupSlot(FIRST))
    body = watched.vault.store.get_bytes(key)[0].replace(b'"records": 1,', b'"records": 2,')
    watched.s3._account.bucket("bucket").add(Version(key, watched.clock(), body))
    days, sent = asked(watched, listed)
    assert (days[FIRST].state, days[FIRST].manifest) == (DayState.TAMPERED, None)
    assert sent["GetObject"] < 8


def test_whoever_observes_again_reads_no_segment(watched: Watched) -> None:
    put_years(watched, 20, 20)
    write_rolling_segments(watched.vault)
    vault = CachingVault(watched.vault)
    found = observe(vault, FIRST, watched.clock)
    before = watched.s3.requests.copy()
    assert observe(vault, FIRST, watched.clock).days == found.days
    assert watched.s3.requests - before == {"ListObjectVersions": 5}


@pytest.fixture
def written_fast(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Writes the segments without a request for each of 22,555 entries."""

    def body(_: RollingSegments, version: ObjectVersion) -> bytes:
        return version_of(watched.s3._account.bucket("bucket"), version.key, version.version_id or None).body

    def write() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(RollingSegments, "_body", body)
            write_rolling_segments(watched.vault)

    return write


@pytest.mark.slow
def test_seven_years_and_twenty_thousand_events(watched: Watched, written_fast: Callable[[], None]) -> None:
    """With as many segments as there can be, a day since they were written, and open findings of every kind."""
    put_years(watched, 2_554, 19_992)
    written_fast()
    found, sent = asked(watched, status_of)
    assert (found.healthy, found.days_backed_up, found.unknown_days) == (True, 2_554, [])
    # 2,554 manifests, entries of their log and backups, 19,992 events, a thousand a page; findings.
    listings = {"ListObjectVersions": 3 + 3 + 3 + 20 + 1, "ListObjectsV2": 2}
    # Four segments of events and three of manifests.
    assert sent == {**listings, "GetObject": 4 + 3, "GetBucketLifecycleConfiguration": 1}
    days, sent = asked(watched, listed)
    assert len(days) == 2_554
    assert sent == {"ListObjectVersions": 3 + 3 + 3, "ListObjectsV2": 1, "GetObject": 3}
    spend_a_day(watched, FIRST + 2_554 * ONE_DAY)
    found, sent = asked(watched, status_of)
    assert len(found.findings) == len(Examination)
    assert (found.days_backed_up, found.unknown_days) == (2_555, [])
    # The quarantine besides; a manifest, eight events and the findings since the segments were written.
    assert sent.total() == 30 + 1 + 2 + 7 + 1 + 1 + 8 + len(Examination) <= MOST
