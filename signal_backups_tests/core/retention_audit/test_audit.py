"""The retention audit of a bucket on a real S3 server: problems, and the number of requests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
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
from signal_backups_tests.core.retention_audit.audit_samples import codes, days_from, finding, put_day, put_object
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import signal

NEWEST = last_complete_day()
DAYS = days_from(NEWEST - timedelta(days=4), 5)
#: After the backup of the newest day was due, and on the real day, because the server's clock dates the objects.
NOW = start_of(NEWEST + ONE_DAY) + timedelta(hours=4)
#: Listings of events, manifest log, their segments, the days' manifests, anchors and the probe.
TRAIL_LISTINGS = 7


@pytest.fixture
def store(server_store: S3ObjectStore) -> S3ObjectStore:
    """A store that is not Amazon's, so its lifecycle rules are read."""
    return server_store


def audit(vault: BackupVault, profile: str = "documented", start: date | None = None) -> RetentionAudit:
    return audit_retention(vault, load_profile(profile), start=start, clock=lambda: NOW)


def requests(*, trail: int, **counts: int) -> dict[str, int]:
    """All requests of an audit: the fixed ones, ``trail`` reads of the logs, and the given counts."""
    fixed = {"GetBucketLifecycleConfiguration": 1, "ListObjectVersions": 3 + 3 + 1 + TRAIL_LISTINGS, "ListObjectsV2": 1}
    counts["GetObject"] += trail
    return dict(sorted({**fixed, **counts}.items()))


def test_good_days_have_no_problems_and_need_two_requests_each_and_three_for_the_logs(
    vault: BackupVault, tmp_path: Path
) -> None:
    for day in DAYS:
        put_day(vault, day, tmp_path)
    found = audit(vault)
    assert (found.ok, found.errors, found.warnings, codes(found)) == (True, 0, 0, {})
    assert [each.day for each in found.days] == DAYS
    assert found.requests == requests(HeadObject=5, GetObject=5, trail=3 * 5)
    for aspect in (Aspect.PRESENT, Aspect.NOT_HIDDEN, Aspect.VERIFIED, Aspect.MANIFEST_AGREES):
        assert found.counts[aspect] == {State.YES: 5, State.NO: 0, State.NOT_APPLICABLE: 0}
    for aspect in (Aspect.LOCKED, Aspect.CLASS_AS_PLANNED, Aspect.EXPIRATION_OK):
        assert found.counts[aspect][State.NOT_APPLICABLE] == 5
    assert found.counts[Aspect.DRILLED][State.NO] == 5


def test_a_real_backup_passes(vault: BackupVault, run_day: RunDay) -> None:
    day = run_day([signal(number, timestamp=f"{NEWEST}T00:00:0{number}Z") for number in range(1, 4)], NEWEST)
    manifest = store_backup(vault, day.folder, BackupRun("tests")).manifest
    found = finding(audit(vault), NEWEST)
    assert (found.problems, found.version_id) == ([], manifest.backup.version_id)
    assert found.states[Aspect.MANIFEST_AGREES] is State.YES


def test_every_kind_of_bad_day_is_found_and_good_days_have_no_problems(vault: BackupVault, tmp_path: Path) -> None:
    first = NEWEST - timedelta(days=9)
    days = days_from(first, 10)
    good, missing, hidden, unverified, disagreeing, without_manifest, also_good, broken, hidden_manifest, gone = days
    for day in (good, hidden, unverified, also_good, hidden_manifest, gone):
        put_day(vault, day, tmp_path)
    delete(vault, vault.layout.backup_key(BackupSlot(hidden)))
    (tmp_path / "second").mkdir()
    overwritten = put_object(vault, unverified, tmp_path / "second", size=200)
    put_day(vault, disagreeing, tmp_path, records=7)
    put_object(vault, without_manifest, tmp_path)
    put_object(vault, broken, tmp_path)
    vault.store.put_bytes(vault.layout.manifest_key(BackupSlot(broken)), b"{}", "application/json")
    delete(vault, vault.layout.manifest_key(BackupSlot(hidden_manifest)))
    for version in vault.store.list_versions(vault.layout.backup_key(BackupSlot(gone))):
        delete(vault, version.key, version.version_id)
    found = audit(vault)
    assert codes(found) == {
        missing: [ProblemCode.MISSING],
        hidden: [ProblemCode.HIDDEN],
        unverified: [ProblemCode.NOT_VERIFIED],
        disagreeing: [ProblemCode.MANIFEST_DISAGREES],
        without_manifest: [ProblemCode.NO_MANIFEST],
        broken: [ProblemCode.MANIFEST_UNREADABLE],
        hidden_manifest: [ProblemCode.MANIFEST_HIDDEN],
        gone: [ProblemCode.DESTROYED],
        # An unreadable manifest and a missing one differ from the manifest log.
        None: [ProblemCode.TRAIL_BROKEN] * 2,
    }
    assert (found.ok, found.errors, found.warnings) == (False, 10, 0)
    assert finding(found, unverified).version_id == overwritten.version_id
    # Objects that are not listed need no request.
    assert found.requests == requests(HeadObject=8, GetObject=11, trail=22)


def test_a_backup_of_an_older_tool_counts_unless_the_scheduled_one_was_deleted(
    vault: BackupVault, tmp_path: Path
) -> None:
    (day,) = days_from(NEWEST, 1)
    older = BackupSlot(day, datetime(2026, 1, 1, 9, 30, tzinfo=UTC).time())
    vault.store.put_bytes(vault.layout.backup_key(older), b"old", "text/csv")
    assert finding(audit(vault), day).key == vault.layout.backup_key(older)
    stored = put_day(vault, day, tmp_path)
    assert finding(audit(vault), day).version_id == stored.version_id
    delete(vault, stored.key)
    assert codes(audit(vault)) == {day: [ProblemCode.HIDDEN]}


def test_locks_are_checked_if_the_profile_has_one(connection: S3Connection, locked_bucket: str, tmp_path: Path) -> None:
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
    found = audit(vault, "recommended")
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
    assert codes(audit(vault, "documented")) == {}


def test_the_lock_of_a_hidden_day_is_checked(connection: S3Connection, locked_bucket: str, tmp_path: Path) -> None:
    vault = vault_in(connection, locked_bucket, LockPolicy(LockMode.COMPLIANCE, 7))
    stored = put_day(vault, NEWEST, tmp_path)
    delete(vault, stored.key)
    found = finding(audit(vault, "recommended"), NEWEST)
    assert [problem.code for problem in found.problems] == [ProblemCode.HIDDEN]
    assert (found.version_id, found.states[Aspect.LOCKED]) == (stored.version_id, State.YES)


def test_missing_days_are_explained_only_before_the_first_signal(vault: BackupVault, tmp_path: Path) -> None:
    put_day(vault, DAYS[2], tmp_path)
    put_day(vault, DAYS[4], tmp_path)
    unset = audit(vault)
    assert (unset.first_signal_day, codes(unset)) == (DAYS[2], {DAYS[3]: [ProblemCode.MISSING]})
    earlier = audit(vault, start=DAYS[1])
    assert codes(earlier) == {DAYS[1]: [ProblemCode.MISSING], DAYS[3]: [ProblemCode.MISSING]}
    # A start that is set too late hides nothing.
    assert codes(audit(vault, start=DAYS[4])) == codes(unset)
    assert unset.explained_days == (DAYS[2] - unset.retention_first_day).days > 2500


def test_a_permanently_deleted_backup_is_destroyed_because_its_manifest_exists(
    vault: BackupVault, tmp_path: Path
) -> None:
    stored = put_day(vault, DAYS[0], tmp_path)
    delete(vault, stored.key, stored.version_id)
    put_day(vault, DAYS[1], tmp_path)
    found = audit(vault)
    assert (found.first_day, codes(found)[DAYS[0]]) == (DAYS[0], [ProblemCode.DESTROYED])


def test_the_range_of_days_can_be_narrowed(vault: BackupVault, tmp_path: Path) -> None:
    for day in DAYS:
        put_day(vault, day, tmp_path)
    found = audit_retention(
        vault, load_profile("documented"), start=None, clock=lambda: NOW, first=DAYS[1], last=DAYS[2]
    )
    assert [each.day for each in found.days] == DAYS[1:3]
    assert found.requests == requests(HeadObject=2, GetObject=2, trail=3 * 5)
    # Days before the first signal, and days that have not ended, are not audited.
    wide = audit_retention(
        vault, load_profile("documented"), start=None, clock=lambda: NOW, first=date(2000, 1, 1), last=date(2999, 1, 1)
    )
    assert (wide.first_day, wide.last_day) == (DAYS[0], DAYS[-1])


def test_an_empty_bucket_has_nothing_to_audit_unless_signals_are_expected(vault: BackupVault) -> None:
    with pytest.raises(NotFoundError, match="no day to audit"):
        audit(vault)
    with pytest.raises(NotFoundError, match="no day to audit"):
        audit(vault, start=NEWEST + ONE_DAY)
    assert codes(audit(vault, start=NEWEST)) == {NEWEST: [ProblemCode.MISSING]}


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2033, 1, 1), date(2026, 1, 1)),
        (date(2028, 2, 29), date(2021, 2, 28)),
        (date(2031, 3, 1), date(2024, 3, 1)),
        (date(2031, 2, 28), date(2024, 2, 28)),
    ],
)
def test_the_retention_window_begins_with_the_oldest_day_to_keep(today: date, first: date) -> None:
    assert oldest_kept_day(start_of(today) + timedelta(hours=4), 7) == first


def test_a_day_before_the_retention_window_is_not_audited(vault: BackupVault, tmp_path: Path) -> None:
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


def store_drill_report(vault: BackupVault, report: DrillReport) -> str:
    key = vault.layout.drill_key(report.at)
    vault.store.put_bytes(key, report.model_dump_json().encode("utf-8"), "application/json")
    return key


def test_only_the_last_drill_of_a_day_counts(vault: BackupVault, tmp_path: Path) -> None:
    for day in DAYS:
        put_day(vault, day, tmp_path)
    earlier, later = NOW - timedelta(days=2), NOW - timedelta(days=1)
    store_drill_report(vault, drill_report(later, {DAYS[1]: ExitCode.OK, DAYS[2]: ExitCode.FAILED}))
    store_drill_report(
        vault, drill_report(earlier, {DAYS[0]: ExitCode.OK, DAYS[1]: ExitCode.FAILED, DAYS[2]: ExitCode.OK})
    )
    found = audit(vault)
    assert [finding(found, day).drilled_at for day in DAYS] == [earlier, later, later, None, None]
    assert [finding(found, day).states[Aspect.DRILLED] for day in DAYS[:3]] == [State.YES, State.YES, State.NO]
    assert codes(found) == {DAYS[2]: [ProblemCode.DRILL_FAILED]}
    assert "it does not verify" in finding(found, DAYS[2]).problems[0].what
    assert (found.ok, found.warnings, found.drill_reports) == (True, 1, 2)
    assert found.requests == requests(HeadObject=5, GetObject=7, trail=3 * 5)


def test_an_unreadable_drill_report_is_a_general_warning(vault: BackupVault, tmp_path: Path) -> None:
    put_day(vault, NEWEST, tmp_path)
    vault.store.put_bytes(vault.layout.drill_key(NOW), b"not a report", "application/json")
    found = audit(vault)
    ((day, problem),) = found.problems()
    assert (day, problem.code, problem.severity, found.ok) == (
        None,
        ProblemCode.DRILL_UNREADABLE,
        ProblemSeverity.WARN,
        True,
    )
    assert vault.layout.drill_key(NOW) in problem.what


def test_the_stored_report_is_complete(vault: BackupVault, tmp_path: Path) -> None:
    put_day(vault, DAYS[3], tmp_path, records=3)
    found = audit(vault)
    key = store_report(vault, found)
    assert key == f"reports/retention/{NOW:%Y/%m}/retention_{NOW:%Y%m%dT%H%M%SZ}.json"
    body, _ = vault.store.get_bytes(key)
    stored = RetentionAudit.model_validate_json(body)
    assert stored == found
    assert b'"errors":2' in body


def test_a_report_that_is_read_back_differently_is_an_error(vault: BackupVault, tmp_path: Path) -> None:
    class TruncatingStore(S3ObjectStore):
        def get_bytes(self, key: str, version_id: str | None = None) -> tuple[bytes, str]:
            body, version = super().get_bytes(key, version_id)
            return body[:-2] if key.startswith("reports/") else body, version

    put_day(vault, NEWEST, tmp_path)
    truncating = BackupVault(TruncatingStore(vault.store._client, vault.store.bucket), vault.layout)
    with pytest.raises(ReadBackError, match="reports/retention/"):
        store_report(truncating, audit(truncating))


def test_a_prefix_that_is_not_signals_is_audited(store: S3ObjectStore, tmp_path: Path) -> None:
    vault = BackupVault(store, Layout("desk/"))
    for day in DAYS:
        put_day(vault, day, tmp_path)
    put_day(BackupVault(store, Layout()), DAYS[0] - ONE_DAY, tmp_path)
    store_drill_report(vault, drill_report(NOW, {DAYS[0]: ExitCode.OK}))
    found = audit(vault)
    assert (found.first_day, codes(found)) == (DAYS[0], {})
    assert finding(found, DAYS[0]).states[Aspect.DRILLED] is State.YES


def test_an_edited_event_is_a_general_error(vault: BackupVault, tmp_path: Path) -> None:
    put_day(vault, NEWEST, tmp_path)
    vault.trail.record(Action.VERIFICATION, "passed")
    vault.store.put_bytes(vault.trail.log.key_of(1), b"{}\n", "application/json")
    found = audit(vault)
    assert codes(found) == {None: [ProblemCode.TRAIL_BROKEN]}
    assert not found.ok
    (problem,) = found.general
    assert problem.what.startswith("events 1: ")
