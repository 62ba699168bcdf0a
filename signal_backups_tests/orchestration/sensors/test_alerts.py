"""What is wrong with days, runs and checks: provoked for real, notified to a real mail server and a real web server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import SourceError, StoreError
from signal_backups.core.ledger.event import Action
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.setup import set_up_bucket
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups.orchestration.build import build_defs
from signal_backups_tests.orchestration.alerts import (
    DAYS,
    FIRST,
    LAST,
    REMINDER,
    Notified,
    arrives_once_reminds_and_recovers,
    hide,
    run_asset,
    the_only_alert,
)
from signal_backups_tests.orchestration.faulty import (
    DamagingStore,
    RefusingStore,
    UnreadableDays,
    flip_last_digit_of_price,
)
from signal_backups_tests.orchestration.signals import forged_signal
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World


def test_a_backup_that_is_withheld_is_missed_when_the_last_one_is_25_hours_old(
    ticks: Ticks, watched: World, notified: Notified
) -> None:
    ticks.now = ticks.at(2, 59) + ONE_DAY
    assert notified(timedelta(seconds=59)) == []
    (alert,) = notified(timedelta(seconds=1))
    today = LAST + ONE_DAY
    assert alert.title == "[signal-backups CRITICAL] 1 day is not backed up"
    assert f"Days (UTC): {today}" in alert.body
    assert f"Last good backup: {LAST}, made " in alert.body
    assert f"Run: signal-backups backup {today}" in alert.body
    # Dagster has no partition for a day of the future: the run that backs the day up is only simulated.
    # Meanwhile a schedule is missed too; that is a new alert, not a reminder.
    quiet, reminded = notified(REMINDER - timedelta(minutes=1)), notified()
    assert [found.title for found in quiet if "reminder" in found.title] == []
    assert [found.title for found in reminded] == ["[signal-backups CRITICAL, reminder] 1 day is not backed up"]


def test_a_missing_day_and_its_backup(
    ticks: Ticks, watched: World, notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = FIRST - ONE_DAY
    watched.table.add_days(before, before)
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", before.isoformat())
    ticks.use_vault(None)
    alert = arrives_once_reminds_and_recovers(notified, lambda: watched.run(before), "CRITICAL] 1 day is not backed up")
    assert f"Days (UTC): {before}\n" in alert.body


def test_a_hidden_day_and_its_undelete(watched: World, notified: Notified) -> None:
    hide(watched, FIRST)
    alert = arrives_once_reminds_and_recovers(
        notified, lambda: watched.run(FIRST), "CRITICAL] 1 day is hidden by a delete marker"
    )
    assert f"Run: signal-backups undelete {FIRST}" in alert.body


def test_a_second_hidden_day_is_news(watched: World, notified: Notified) -> None:
    hide(watched, FIRST)
    assert len(notified()) == 1
    hide(watched, LAST)
    (news,) = notified()
    assert news.title == "[signal-backups CRITICAL] 2 days are hidden by delete markers"
    assert notified() == []


def test_an_object_that_nothing_vouches_for(watched: World, notified: Notified) -> None:
    watched.vault.store.put_bytes(watched.vault.layout.backup_key(BackupSlot(LAST)), b"other", "text/csv")
    arrives_once_reminds_and_recovers(
        notified, lambda: watched.run(LAST), "CRITICAL] 1 day has a backup that no manifest vouches for"
    )


def test_an_upload_that_is_refused(watched: World, notified: Notified) -> None:
    store = RefusingStore(watched.vault.store, [LAST], StoreError("cannot write s3://x: refused"))
    watched.vault.store.put_bytes(watched.vault.layout.backup_key(BackupSlot(LAST)), b"foreign", "text/csv")
    result = watched.run(LAST, vault=BackupVault(store, watched.vault.layout))
    assert not result.success
    alert = arrives_once_reminds_and_recovers(
        notified, lambda: watched.run(LAST), "CRITICAL] 1 day could not be stored: cannot write s3://x: refused"
    )
    assert f"See: http://127.0.0.1:3000/runs/{result.run_id}" in alert.body
    assert f"Run: signal-backups backup {LAST}" in alert.body


def test_a_database_that_is_away(watched: World, notified: Notified) -> None:
    sick = UnreadableDays(watched.source, DAYS[1:], SourceError("the database is away"))
    assert not watched.run(FIRST, LAST, source=sick).success
    arrives_once_reminds_and_recovers(
        notified,
        lambda: watched.run(FIRST, LAST),
        "CRITICAL] 2 days could not be read from the database: the database is away",
    )


def test_a_stored_object_that_comes_back_other_than_it_was_sent(watched: World, notified: Notified) -> None:
    hide(watched, LAST)
    damaged = BackupVault(DamagingStore(watched.vault.store, flip_last_digit_of_price), watched.vault.layout)
    assert not watched.run(LAST, vault=damaged).success
    arrives_once_reminds_and_recovers(notified, lambda: watched.run(LAST), "CRITICAL] 1 day did not verify: ")


def test_a_failed_error_check_of_a_day(watched: World, notified: Notified) -> None:
    good = watched.table
    good.add(forged_signal(LAST, 90))
    assert watched.run(LAST).success

    def fix() -> None:
        good.remove_day(LAST)
        good.add_days(LAST, LAST, signals_a_day=2)
        assert watched.run(LAST).success

    words = f"hashed_csv, row_hashes_match: 1 day does not pass; {LAST}: 1 of 3 rows do not match their hash"
    arrives_once_reminds_and_recovers(notified, fix, f"CRITICAL] {words}")


def test_a_verification_that_fails(watched: World, notified: Notified, ticks: Ticks) -> None:
    assert notified() == []
    backup = watched.vault.find(LAST)
    assert backup.manifest is not None
    wrong = backup.manifest.model_copy(update={"records": 99})
    verify_stored(watched.vault, replace(backup, manifest=wrong), watched.scratch)
    alert = arrives_once_reminds_and_recovers(
        notified, lambda: verify_stored(watched.vault, backup, watched.scratch), "CRITICAL] 1 day did not verify"
    )
    assert f"Run: signal-backups verify --date {LAST}" in alert.body


def suspend_versioning(world: World) -> None:
    bucket, client = world.vault.store.bucket, world.vault.store._client
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def delete_lifecycle(world: World) -> None:
    world.vault.store._client.delete_bucket_lifecycle(Bucket=world.vault.store.bucket)


@pytest.mark.parametrize(
    ("drift", "check"),
    [(suspend_versioning, "versioning_enabled"), (delete_lifecycle, "lifecycle_matches_profile")],
)
def test_drift_of_the_bucket_policy(
    watched: World, notified: Notified, drift: Callable[[World], None], check: str
) -> None:
    def fix() -> None:
        set_up_bucket(watched.vault, load_profile("documented"), confirmed=True)
        assert run_asset(watched, "bucket_policy").success

    fix()
    assert notified() == []
    drift(watched)
    assert run_asset(watched, "bucket_policy").success
    arrives_once_reminds_and_recovers(notified, fix, f"CRITICAL] bucket_policy, {check}: ")


@pytest.mark.parametrize(("share", "severity"), [(0.5, "CRITICAL"), (1.1, "WARNING")], ids=["over", "nearly full"])
def test_the_storage_quota(
    watched: World, notified: Notified, monkeypatch: pytest.MonkeyPatch, share: float, severity: str
) -> None:
    used = sum(version.size for version in watched.vault.store.list_versions(""))
    monkeypatch.setenv("SIGNAL_BACKUPS_STORAGE_QUOTA_GB", f"{used * share / 1e9:.12f}")
    assert run_asset(watched, "storage_cost").success

    def fix() -> None:
        monkeypatch.delenv("SIGNAL_BACKUPS_STORAGE_QUOTA_GB")
        assert run_asset(watched, "storage_cost").success

    arrives_once_reminds_and_recovers(notified, fix, f"{severity}] storage_cost, storage_within_quota: ")


def test_a_broken_trail(watched: World, notified: Notified) -> None:
    watched.vault.store._client.delete_object(Bucket=watched.vault.store.bucket, Key=watched.vault.trail.log.key_of(1))
    watched.vault.store.put_bytes(watched.vault.trail.log.key_of(2), b"another", "application/json")
    run_asset(watched, "audit_trail")
    # The failed check, and the open finding that the status shows as well.
    alert = the_only_alert(notified, conditions=2)
    assert alert.title.startswith("[signal-backups CRITICAL] audit_trail, trail_is_unbroken: ")
    assert notified() == []


def test_a_run_of_another_asset_that_fails(watched: World, notified: Notified) -> None:
    gone = BackupVault(S3ObjectStore(watched.vault.store._client, "no-such-bucket"), watched.vault.layout)
    result = run_asset(watched, "audit_trail", vault=gone)
    assert not result.success
    alert = arrives_once_reminds_and_recovers(
        notified, lambda: run_asset(watched, "audit_trail"), "WARNING] audit_trail failed: "
    )
    assert f"/runs/{result.run_id}" in alert.body


def test_an_overdue_drill_and_audit(watched: World, ticks: Ticks, notified: Notified) -> None:
    assert notified() == []
    # A start that moves along keeps the days of the future out of it.
    (alert,) = [each for each in notified(timedelta(days=8)) if "restore drill" in each.title]
    assert (
        alert.title == "[signal-backups WARNING] no restore drill was held for more than 8 days: there is none at all"
    )


def test_drill_and_audit_reports_and_scrubs_in_the_bucket_count(
    watched: World, ticks: Ticks, notified: Notified
) -> None:
    read_at = ticks.now
    read = {"days": [], "oldest_unread": {"day": str(LAST), "read_at": read_at.isoformat()}}
    watched.vault.trail.record(Action.VERIFICATION, "passed", details=read)
    watched.vault.store.put_bytes(watched.vault.layout.drill_key(ticks.now), b"{}", "application/json")
    assert run_asset(watched, "retention_audit").success
    notified()
    ticks.now = ticks.at(0) + timedelta(days=33)
    bodies = "".join(each.body for each in notified())
    assert "no restore drill was held for more than 8 days: the last one" in bodies
    assert "no retention audit was made for more than 32 days: the last one" in bodies
    assert f"some backups were not read back for more than 30 days: since {read_at:%Y-%m-%d %H:%M}Z" in bodies


def test_while_a_run_has_a_day_it_neither_fails_nor_recovers(watched: World, ticks: Ticks, notified: Notified) -> None:
    hide(watched, LAST)
    assert len(notified()) == 1
    defs = build_defs(resource_overrides=watched.overrides(), retry_policy=None)
    run = watched.instance.create_run_for_job(
        defs.resolve_job_def("daily_backup_job"),
        tags={"dagster/partition": LAST.isoformat()},
        status=dg.DagsterRunStatus.NOT_STARTED,
    )
    key = watched.vault.layout.backup_key(BackupSlot(LAST))
    watched.vault.store.put_bytes(key, b"unfinished", "text/csv")
    assert notified() == []
    watched.instance.report_run_canceled(run)
    assert sorted(each.title for each in notified()) == [
        "[signal-backups CRITICAL] 1 day has a backup that no manifest vouches for",
        "[signal-backups RECOVERED] 1 day is hidden by a delete marker",
    ]
