"""The retention audit of a bucket on a real S3 server: what is there, what is not, and how many requests it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from signal_backups.core.backup.store_backup import BackupRun, store_backup
from signal_backups.core.base.days import ONE_DAY, last_complete_day, oldest_kept_day, start_of, utc_now
from signal_backups.core.base.errors import ExitCode, NotFoundError, ReadBackError
from signal_backups.core.drill.rto import RtoForecast
from signal_backups.core.drill.run import DrillDay, DrillReport
from signal_backups.core.ledger.event import Action
from signal_backups.core.restore.report import DayRestore, Outcome
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention_audit.report import Aspect, ProblemCode, ProblemSeverity, RetentionAudit, State
from signal_backups.core.retention_audit.run import audit_retention, store_report
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.retention.locked import delete, vault_in
from signal_backups_tests.core.retention_audit.audited import codes, days_from, finding, put_day, put_object
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import signal

NEWEST = last_complete_day()
DAYS = days_from(NEWEST - timedelta(days=4), 5)
#: After the newest day's backup was due, and on the real day: the server's own clock says when an object was stored.
NOW = start_of(NEWEST + ONE_DAY) + timedelta(hours=4)


#: Events, manifest log, their segments, the days' manifests, the anchors, the probe.
TRAIL_LISTINGS = 7


@pytest.fixture
def store(server_store: S3ObjectStore) -> S3ObjectStore:
    """A store that is not Amazon's: it is asked for its lifecycle rules."""
    return server_store


def audited(vault: BackupVault, profile: str = "documented", start: date | None = None) -> RetentionAudit:
    return audit_retention(vault, load_profile(profile), start=start, clock=lambda: NOW)


def requests(*, trail: int, **counts: int) -> dict[str, int]:
    """All requests of an audit: the fixed ones, ``trail`` reads of the logs, and the given counts."""
    fixed = {"GetBucketLifecycleConfiguration": 1, "ListObjectVersions": 3 + TRAIL_LISTINGS, "ListObjectsV2": 1}
    counts["GetObject"] += trail
    return dict(sorted({**fixed, **counts}.items()))


def test_good_days_have_no_problems_and_take_two_requests_each_and_three_for_the_trail(
    vault: BackupVault, tmp_path: Path
) -> None:
    for day in DAYS:
        put_day(vault, day, tmp_path)
    found = audited(vault)
    assert (found.ok, found.errors, found.warnings, codes(found)) == (True, 0, 0, {})
    assert [each.day for each in found.days] == DAYS
    assert found.requests == requests(HeadObject=5, GetObject=5, trail=3 * 5)
    for aspect in (Aspect.PRESENT, Aspect.NOT_HIDDEN, Aspect.VERIFIED, Aspect.MANIFEST_AGREES):
        assert found.counts[aspect] == {State.YES: 5, State.NO: 0, State.NOT_APPLICABLE: 0}
    for aspect in (Aspect.LOCKED, Aspect.CLASS_AS_PLANNED, Aspect.EXPIRATION_OK):
        assert found.counts[aspect][State.NOT_APPLICABLE] == 5
    assert found.counts[Aspect.DRILLED][State.NO] == 5


def test_a_backup_as_the_assets_make_it_passes(vault: BackupVault, run_day: RunDay) -> None:
    day = run_day([signal(number, timestamp=f"{NEWEST}T00:00:0{number}Z") for number in range(1, 4)], NEWEST)
    manifest = store_backup(vault, day.folder, BackupRun("tests")).manifest
    found = finding(audited(vault), NEWEST)
    assert (found.problems, found.version_id) == ([], manifest.backup.version_id)
    assert found.states[Aspect.MANIFEST_AGREES] is State.YES


def test_every_kind_of_bad_day_is_found_and_no_good_one(vault: BackupVault, tmp_path: Path) -> None:
    first = NEWEST - timedelta(days=9)
    days = days_from(first, 10)
    good, missing, hidden, unverified, lying, unmanifested, unmarked, broken, hidden_manifest, gone = days
    for day in (good, hidden, unverified, unmarked, hidden_manifest, gone):
        put_day(vault, day, tmp_path)
    delete(vault, vault.layout.backup_key(BackupSlot(hidden)))
    (tmp_path / "second").mkdir()
    overwritten = put_object(vault, unverified, tmp_path / "second", size=200)
    put_day(vault, lying, tmp_path, records=7)
    put_object(vault, unmanifested, tmp_path)
    put_object(vault, broken, tmp_path)
    vault.store.put_bytes(vault.layout.manifest_key(BackupSlot(broken)), b"{}", "application/json")
    delete(vault, vault.layout.manifest_key(BackupSlot(hidden_manifest)))
    for version in vault.store.list_versions(vault.layout.backup_key(BackupSlot(gone))):
        delete(vault, version.key, version.version_id)
    found = audited(vault)
    assert codes(found) == {
        missing: [ProblemCode.MISSING],
        hidden: [ProblemCode.HIDDEN],
        unverified: [ProblemCode.NOT_VERIFIED],
        lying: [ProblemCode.MANIFEST_DISAGREES],
        unmanifested: [ProblemCode.NO_MANIFEST],
        broken: [ProblemCode.MANIFEST_UNREADABLE],
        hidden_manifest: [ProblemCode.MANIFEST_HIDDEN],
        gone: [ProblemCode.MISSING],
        # A day's manifest that cannot be read, and one that is gone, are not those of the chain.
        None: [ProblemCode.TRAIL_BROKEN] * 2,
    }
    assert (found.ok, found.errors, found.warnings) == (False, 10, 0)
    assert finding(found, unverified).version_id == overwritten.version_id
    # Nothing is asked about what the listings show not to be there.
    assert found.requests == requests(HeadObject=8, GetObject=6, trail=22)


def test_an_older_tools_backup_counts_unless_the_scheduled_one_was_deleted(vault: BackupVault, tmp_path: Path) -> None:
    (day,) = days_from(NEWEST, 1)
    older = BackupSlot(day, datetime(2026, 1, 1, 9, 30, tzinfo=UTC).time())
    vault.store.put_bytes(vault.layout.backup_key(older), b"old", "text/csv")
    assert finding(audited(vault), day).key == vault.layout.backup_key(older)
    stored = put_day(vault, day, tmp_path)
    assert finding(audited(vault), day).version_id == stored.version_id
    delete(vault, stored.key)
    assert codes(audited(vault)) == {day: [ProblemCode.HIDDEN]}


def test_locks_are_asked_of_the_profile_that_promises_them(
    connection: S3Connection, locked_bucket: str, tmp_path: Path
) -> None:
    good, unlocked, short, weak = days_from(NEWEST - timedelta(days=3), 4)
    compliance = LockMode.COMPLIANCE
    for day, lock in (
        (good, LockPolicy(compliance, 7)),
        (unlocked, None),
        (short, LockPolicy(compliance, 6)),
        (weak, LockPolicy(LockMode.GOVERNANCE, 7)),
    ):
        put_day(vault_in(connection, locked_bucket, lock), day, tmp_path)
    vault = vault_in(connection, locked_bucket)
    found = audited(vault, "recommended")
    assert codes(found) == {
        unlocked: [ProblemCode.NOT_LOCKED],
        short: [ProblemCode.LOCK_TOO_SHORT],
        weak: [ProblemCode.LOCK_TOO_WEAK],
    }
    assert (finding(found, unlocked).locked_until, finding(found, good).states[Aspect.LOCKED]) == (None, State.YES)
    locked_until = finding(found, good).locked_until
    assert locked_until is not None
    assert locked_until >= utc_now() + timedelta(days=2555)
    assert (
        finding(found, unlocked).problems[0].remedy == f"signal-backups lock extend --from {unlocked} --to {unlocked}"
    )
    assert codes(audited(vault, "documented")) == {}


def test_a_hidden_day_is_still_held_by_its_lock(connection: S3Connection, locked_bucket: str, tmp_path: Path) -> None:
    vault = vault_in(connection, locked_bucket, LockPolicy(LockMode.COMPLIANCE, 7))
    stored = put_day(vault, NEWEST, tmp_path)
    delete(vault, stored.key)
    found = finding(audited(vault, "recommended"), NEWEST)
    assert [problem.code for problem in found.problems] == [ProblemCode.HIDDEN]
    assert (found.version_id, found.states[Aspect.LOCKED]) == (stored.version_id, State.YES)


def test_days_before_the_first_signal_are_explained_and_gaps_after_it_are_not(
    vault: BackupVault, tmp_path: Path
) -> None:
    put_day(vault, DAYS[2], tmp_path)
    put_day(vault, DAYS[4], tmp_path)
    unset = audited(vault)
    assert (unset.first_signal_day, codes(unset)) == (DAYS[2], {DAYS[3]: [ProblemCode.MISSING]})
    earlier = audited(vault, start=DAYS[1])
    assert codes(earlier) == {DAYS[1]: [ProblemCode.MISSING], DAYS[3]: [ProblemCode.MISSING]}
    # A start that was set too late hides nothing.
    assert codes(audited(vault, start=DAYS[4])) == codes(unset)
    assert unset.explained_days == (DAYS[2] - unset.retention_first_day).days > 2500


def test_a_backup_that_is_gone_for_good_is_missed_by_its_manifest(vault: BackupVault, tmp_path: Path) -> None:
    stored = put_day(vault, DAYS[0], tmp_path)
    delete(vault, stored.key, stored.version_id)
    put_day(vault, DAYS[1], tmp_path)
    found = audited(vault)
    assert (found.first_day, codes(found)[DAYS[0]]) == (DAYS[0], [ProblemCode.MISSING])


def test_the_range_can_be_narrowed(vault: BackupVault, tmp_path: Path) -> None:
    for day in DAYS:
        put_day(vault, day, tmp_path)
    found = audit_retention(
        vault, load_profile("documented"), start=None, clock=lambda: NOW, first=DAYS[1], last=DAYS[2]
    )
    assert [each.day for each in found.days] == DAYS[1:3]
    assert found.requests == requests(HeadObject=2, GetObject=2, trail=3 * 5)
    # What is asked of days before the first signal, or that have not ended, is not looked at.
    wide = audit_retention(
        vault, load_profile("documented"), start=None, clock=lambda: NOW, first=date(2000, 1, 1), last=date(2999, 1, 1)
    )
    assert (wide.first_day, wide.last_day) == (DAYS[0], DAYS[-1])


def test_an_empty_bucket_has_nothing_to_audit_unless_signals_are_expected(vault: BackupVault) -> None:
    with pytest.raises(NotFoundError, match="no day to audit"):
        audited(vault)
    with pytest.raises(NotFoundError, match="no day to audit"):
        audited(vault, start=NEWEST + ONE_DAY)
    assert codes(audited(vault, start=NEWEST)) == {NEWEST: [ProblemCode.MISSING]}


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2033, 1, 1), date(2026, 1, 1)),
        (date(2028, 2, 29), date(2021, 2, 28)),
        (date(2031, 3, 1), date(2024, 3, 1)),
        (date(2031, 2, 28), date(2024, 2, 28)),
    ],
)
def test_the_window_begins_with_the_oldest_day_still_under_retention(today: date, first: date) -> None:
    assert oldest_kept_day(start_of(today) + timedelta(hours=4), 7) == first


def test_a_day_older_than_the_retention_is_not_asked_for(vault: BackupVault, tmp_path: Path) -> None:
    first = oldest_kept_day(NOW, 7)
    for day in days_from(first - ONE_DAY, 3):
        put_day(vault, day, tmp_path)
    found = audit_retention(vault, load_profile("documented"), start=None, clock=lambda: NOW, last=first + ONE_DAY)
    assert [each.day for each in found.days] == [first, first + ONE_DAY]
    assert found.explained_days == 0


def drill_report(at: datetime, outcomes: dict[date, ExitCode]) -> DrillReport:
    days = [
        DrillDay(
            day=day,
            storage_class="STANDARD",
            restore=DayRestore(
                day=day,
                outcome=Outcome.RESTORED if code is ExitCode.OK else Outcome.REFUSED,
                problem=None if code is ExitCode.OK else "it does not verify",
                exit_code=code,
            ),
            reconciliation=None,
            bytes=1,
        )
        for day, code in outcomes.items()
    ]
    forecast = RtoForecast(days=1, bytes=1, restore_seconds=1, thaw_seconds=0)
    return DrillReport(
        at=at,
        run_id="r",
        engine="sqlite",
        days=days,
        archived_classes=[],
        seconds={},
        total_seconds=1,
        forecast=forecast,
    )


def keep(vault: BackupVault, report: DrillReport) -> str:
    key = vault.layout.drill_key(report.at)
    vault.store.put_bytes(key, report.model_dump_json().encode("utf-8"), "application/json")
    return key


def test_the_last_drill_of_a_day_counts(vault: BackupVault, tmp_path: Path) -> None:
    for day in DAYS:
        put_day(vault, day, tmp_path)
    earlier, later = NOW - timedelta(days=2), NOW - timedelta(days=1)
    keep(vault, drill_report(later, {DAYS[1]: ExitCode.OK, DAYS[2]: ExitCode.FAILED}))
    keep(vault, drill_report(earlier, {DAYS[0]: ExitCode.OK, DAYS[1]: ExitCode.FAILED, DAYS[2]: ExitCode.OK}))
    found = audited(vault)
    assert [finding(found, day).drilled_at for day in DAYS] == [earlier, later, later, None, None]
    assert [finding(found, day).states[Aspect.DRILLED] for day in DAYS[:3]] == [State.YES, State.YES, State.NO]
    assert codes(found) == {DAYS[2]: [ProblemCode.DRILL_FAILED]}
    assert "it does not verify" in finding(found, DAYS[2]).problems[0].what
    assert (found.ok, found.warnings, found.drill_reports) == (True, 1, 2)
    assert found.requests == requests(HeadObject=5, GetObject=7, trail=3 * 5)


def test_a_drills_report_that_cannot_be_read_is_a_warning_of_no_day(vault: BackupVault, tmp_path: Path) -> None:
    put_day(vault, NEWEST, tmp_path)
    vault.store.put_bytes(vault.layout.drill_key(NOW), b"not a report", "application/json")
    found = audited(vault)
    ((day, problem),) = found.problems()
    assert (day, problem.code, problem.severity, found.ok) == (
        None,
        ProblemCode.DRILL_UNREADABLE,
        ProblemSeverity.WARN,
        True,
    )
    assert vault.layout.drill_key(NOW) in problem.what


def test_the_report_is_kept_whole(vault: BackupVault, tmp_path: Path) -> None:
    put_day(vault, DAYS[3], tmp_path, records=3)
    found = audited(vault)
    key = store_report(vault, found)
    assert key == f"reports/retention/{NOW:%Y/%m}/retention_{NOW:%Y%m%dT%H%M%SZ}.json"
    body, _ = vault.store.get_bytes(key)
    kept = RetentionAudit.model_validate_json(body)
    assert kept == found
    assert b'"errors":2' in body


def test_a_report_that_comes_back_different_is_an_error(vault: BackupVault, tmp_path: Path) -> None:
    class Forgetful(S3ObjectStore):
        def get_bytes(self, key: str, version_id: str | None = None) -> tuple[bytes, str]:
            body, version = super().get_bytes(key, version_id)
            return body[:-2] if key.startswith("reports/") else body, version

    put_day(vault, NEWEST, tmp_path)
    forgetful = BackupVault(Forgetful(vault.store._client, vault.store.bucket), vault.layout)
    with pytest.raises(ReadBackError, match="reports/retention/"):
        store_report(forgetful, audited(forgetful))


def test_a_prefix_without_a_folder_of_its_own_is_audited_too(store: S3ObjectStore, tmp_path: Path) -> None:
    vault = BackupVault(store, Layout("desk/"))
    for day in DAYS:
        put_day(vault, day, tmp_path)
    put_day(BackupVault(store, Layout()), DAYS[0] - ONE_DAY, tmp_path)
    keep(vault, drill_report(NOW, {DAYS[0]: ExitCode.OK}))
    found = audited(vault)
    assert (found.first_day, codes(found)) == (DAYS[0], {})
    assert finding(found, DAYS[0]).states[Aspect.DRILLED] is State.YES


def test_an_edited_event_of_the_trail_is_an_error_of_no_day(vault: BackupVault, tmp_path: Path) -> None:
    put_day(vault, NEWEST, tmp_path)
    vault.trail.record(Action.VERIFICATION, "passed")
    vault.store.put_bytes(vault.trail.log.key_of(1), b"{}\n", "application/json")
    found = audited(vault)
    assert codes(found) == {None: [ProblemCode.TRAIL_BROKEN]}
    assert not found.ok
    (problem,) = found.general
    assert problem.what.startswith("events 1: ")
