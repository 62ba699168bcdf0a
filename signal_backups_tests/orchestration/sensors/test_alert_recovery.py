"""Conditions at their limits: no alert just before, one just after, and a recovery when really fixed."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import SettingsError, StoreError
from signal_backups.core.base.objectives import MAX_AUDIT_AGE, MAX_DRILL_AGE
from signal_backups.core.monitoring.alerts.state import AlertState
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import open_source
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.sensors.conditions import runs
from signal_backups_tests.orchestration.alerts import (
    LAST,
    Notified,
    arrives_once_reminds_and_recovers,
    hide,
    run_asset,
    schedule_state,
    the_only_alert,
    tick_of,
)
from signal_backups_tests.orchestration.faulty import RefusingStore, UnreadableDays
from signal_backups_tests.orchestration.signals import signal
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World
from signal_backups_tests.samples.tables import postgres_table
from signal_backups_tests.servers.chaos import ChaosProxy
from signal_backups_tests.servers.faults import Refuse

MINUTE = timedelta(minutes=1)


def switch_schedules_on(world: World, ticks: Ticks, since: datetime) -> None:
    """Until then none of them is missed."""
    for schedule in ticks.repository.schedule_defs:
        world.instance.add_instigator_state(schedule_state(schedule.name, InstigatorStatus.RUNNING, since))


def watching_since(ticks: Ticks, began: datetime) -> None:
    """The sensor has run since then, and nothing was wrong."""
    ticks.cursor = AlertState(began=began).model_dump_json()


@pytest.mark.parametrize("watched", [LAST - ONE_DAY], indirect=True, ids=["without the last day"])
def test_a_withheld_backup_alerts_between_24_h_59_and_25_h_01_and_is_over_when_made(
    watched: World, ticks: Ticks, notified: Notified
) -> None:
    switch_schedules_on(watched, ticks, ticks.at(23, 59))
    ticks.now = ticks.at(2, 58)
    assert notified(MINUTE) == []
    ticks.now = ticks.at(3, 0)
    alert = arrives_once_reminds_and_recovers(notified, lambda: watched.run(LAST), "CRITICAL] 1 day is not backed up")
    assert f"Days (UTC): {LAST}\n" in alert.body
    assert f"Last good backup: {LAST - ONE_DAY}, made " in alert.body


def test_an_overdue_drill_is_over_when_one_was_held(watched: World, ticks: Ticks, notified: Notified) -> None:
    switch_schedules_on(watched, ticks, ticks.now)
    watching_since(ticks, ticks.now + 2 * MINUTE - MAX_DRILL_AGE)
    assert notified(MINUTE) == []
    alert = arrives_once_reminds_and_recovers(
        notified,
        lambda: run_asset(watched, "restore_drill"),
        "WARNING] no restore drill was held for more than 8 days: there is none at all",
    )
    assert "Run: signal-backups drill" in alert.body


def test_an_overdue_audit_is_over_when_one_was_made(watched: World, ticks: Ticks, notified: Notified) -> None:
    switch_schedules_on(watched, ticks, ticks.now)
    run_asset(watched, "restore_drill")
    run_asset(watched, "scrub")
    watching_since(ticks, ticks.now + 2 * MINUTE - MAX_AUDIT_AGE)
    assert notified(MINUTE) == []
    alert = arrives_once_reminds_and_recovers(
        notified,
        lambda: run_asset(watched, "retention_audit"),
        "WARNING] no retention audit was made for more than 32 days: there is none at all",
    )
    assert "Run: signal-backups audit retention" in alert.body


def test_a_broken_trail_is_over_when_its_event_is_back(watched: World, notified: Notified) -> None:
    client, bucket, key = watched.vault.store._client, watched.vault.store.bucket, watched.vault.trail.log.key_of(1)
    watched.vault.store.put_bytes(key, b"{}\n", "application/json")
    run_asset(watched, "audit_trail")

    def put_back() -> None:
        edited = watched.vault.store.list_versions(key)[0]
        client.delete_object(Bucket=bucket, Key=key, VersionId=edited.version_id)
        run_asset(watched, "audit_trail")

    arrives_once_reminds_and_recovers(
        notified, put_back, "CRITICAL] audit_trail, trail_is_unbroken: 1 findings, first: ", conditions=2
    )


def test_a_database_that_is_away_and_comes_back(watched: World, notified: Notified, postgres_database: str) -> None:
    rows = [signal(LAST, number) for number in range(2)]
    postgres_table(postgres_database, [{**row, "verification_hash": row["sha256"]} for row in rows])
    with ChaosProxy(postgres_database) as proxy:
        address, real = urlsplit(proxy.url).netloc, urlsplit(postgres_database)
        behind = real._replace(netloc=f"{real.username}:{real.password}@{address}").geturl()
        source = open_source(behind, "signals")
        proxy.strike(Refuse())
        assert not watched.run(LAST, source=source).success

        def come_back() -> None:
            proxy.heal()
            assert watched.run(LAST, source=source).success

        arrives_once_reminds_and_recovers(notified, come_back, "CRITICAL] 1 day could not be read from the database: ")


def test_a_day_that_fails_for_another_reason(watched: World, notified: Notified) -> None:
    sick = UnreadableDays(watched.source, [LAST], SettingsError("SIGNALS_TABLE is no table"))
    assert not watched.run(LAST, source=sick).success
    arrives_once_reminds_and_recovers(
        notified, lambda: watched.run(LAST), "CRITICAL] 1 day failed: SIGNALS_TABLE is no table"
    )


def test_a_run_that_fails_without_a_step(watched: World, notified: Notified) -> None:
    job = build_defs(resource_overrides=watched.overrides(), retry_policy=None).resolve_job_def("daily_backup_job")
    run = watched.instance.create_run_for_job(job, tags={"dagster/partition": LAST.isoformat()})
    watched.instance.report_run_failed(run)
    arrives_once_reminds_and_recovers(notified, lambda: watched.run(LAST), "CRITICAL] 1 day failed: ")


def test_a_failure_that_lasts_is_not_over_because_many_other_runs_failed_since(
    watched: World, notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(watched, LAST)
    store = RefusingStore(watched.vault.store, [LAST], StoreError("refused"))
    assert not watched.run(LAST, vault=BackupVault(store, watched.vault.layout)).success
    assert the_only_alert(notified).title == "[signal-backups CRITICAL] 1 day could not be stored: refused"
    monkeypatch.setattr(runs, "MAX_RUNS", 1)
    gone = BackupVault(S3ObjectStore(store._client, "no-such-bucket"), watched.vault.layout)
    assert not run_asset(watched, "audit_trail", vault=gone).success
    assert the_only_alert(notified).title.startswith("[signal-backups WARNING] audit_trail failed: ")
    assert watched.run(LAST).success
    (over,) = notified()
    assert over.title.startswith("[signal-backups RECOVERED] 1 day could not be stored: ")


def test_schedules_that_the_daemon_has_never_seen(watched: World, ticks: Ticks, notified: Notified) -> None:
    watching_since(ticks, ticks.at(1) - ONE_DAY)
    (alert,) = notified()
    today = LAST + ONE_DAY
    assert f"schedule daily_backup_schedule did not run at {today} 02:00Z: it never did" in alert.body
    assert [notified(), notified()] == [[], []]
    switch_schedules_on(watched, ticks, ticks.now)
    (over,) = notified()
    assert over.title.startswith("[signal-backups RECOVERED] schedule ")
    assert over.body.count("Since: ") == alert.body.count("Since: ")
    assert notified() == []


def test_a_bucket_that_cannot_be_reached(watched: World, ticks: Ticks, notified: Notified) -> None:
    ticks.use_vault(BackupVault(S3ObjectStore(watched.vault.store._client, "no-such-bucket"), watched.vault.layout))
    arrives_once_reminds_and_recovers(
        notified, lambda: ticks.use_vault(None), "CRITICAL] nobody can see what is backed up: "
    )


def test_a_schedule_whose_ticks_fail(watched: World, ticks: Ticks, notified: Notified) -> None:
    state = schedule_state("daily_backup_schedule", InstigatorStatus.RUNNING, ticks.now)
    watched.instance.add_instigator_state(state)
    watched.instance.create_tick(tick_of(state, ticks.now, TickStatus.FAILURE, "no such job"))
    arrives_once_reminds_and_recovers(
        notified,
        lambda: watched.instance.create_tick(tick_of(state, ticks.now, TickStatus.SUCCESS)),
        "CRITICAL] schedule daily_backup_schedule fails: no such job",
    )


def test_a_tick_that_has_only_begun_ends_nothing(watched: World, ticks: Ticks, notified: Notified) -> None:
    state = schedule_state("daily_backup_schedule", InstigatorStatus.RUNNING, ticks.now)
    watched.instance.add_instigator_state(state)
    watched.instance.create_tick(tick_of(state, ticks.now, TickStatus.FAILURE, "no such job"))
    assert len(notified()) == 1
    watched.instance.create_tick(tick_of(state, ticks.now, TickStatus.STARTED))
    assert notified() == []


def test_a_run_that_is_cancelled_ends_nothing(watched: World, notified: Notified) -> None:
    gone = BackupVault(S3ObjectStore(watched.vault.store._client, "no-such-bucket"), watched.vault.layout)
    assert not run_asset(watched, "audit_trail", vault=gone).success
    assert len(notified()) == 1
    job = build_defs(resource_overrides=watched.overrides(), retry_policy=None).resolve_job_def("audit_trail_job")
    run = watched.instance.create_run_for_job(job)
    assert notified() == []
    watched.instance.report_run_canceled(run)
    assert notified() == []
    assert run_asset(watched, "audit_trail").success
    assert [each.title[:26] for each in notified()] == ["[signal-backups RECOVERED]"]
