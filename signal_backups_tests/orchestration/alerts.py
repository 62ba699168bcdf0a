"""What tests of alerts share: causing conditions, and the notifications that every condition has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

from signal_backups.core.base.days import ONE_DAY, last_complete_day
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.build import build_defs
from signal_backups_tests.orchestration.world import QUIET, World
from signal_backups_tests.servers.receivers import Received

LAST = last_complete_day()
FIRST = LAST - 2 * ONE_DAY
DAYS = [FIRST, FIRST + ONE_DAY, LAST]
REMINDER = timedelta(hours=6)

Notified = Callable[..., list[Received]]


def arrives_once_reminds_and_recovers(
    notified: Notified, fix: Callable[[], object], title: str, *, conditions: int = 1
) -> Received:
    """A condition that exists now is notified at once, at the interval and when it is over; ``title`` is its start."""
    alert = the_only_alert(notified, conditions=conditions)
    assert alert.title.startswith(f"[signal-backups {title}")
    severity, _, what = alert.title.partition("] ")
    assert [notified(), notified()] == [[], []]
    (reminder,) = notified(REMINDER - timedelta(minutes=2))
    assert reminder.title == f"{severity}, reminder] {what}"
    fix()
    (over,) = notified()
    assert over.title == f"[signal-backups RECOVERED] {what}"
    assert over.body.count("Since: ") == conditions, over.body
    assert [notified(), notified()] == [[], []]
    return alert


def the_only_alert(notified: Notified, *, conditions: int = 1) -> Received:
    """The alert of a tick that finds so many conditions: several come in one text."""
    (alert,) = notified()
    assert alert.body.count("Since: ") == conditions, alert.body
    return alert


def run_asset(world: World, asset: str, vault: BackupVault | None = None) -> dg.ExecuteInProcessResult:
    """Run an asset without partitions by its job."""
    overrides = {**world.overrides(vault=vault), **world.named_database()}
    job = build_defs(resource_overrides=overrides, retry_policy=None).resolve_job_def(f"{asset}_job")
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def hide(world: World, day: date) -> None:
    key = world.vault.layout.backup_key(BackupSlot(day))
    world.vault.store._client.delete_object(Bucket=world.vault.store.bucket, Key=key)


def origin(name: str) -> RemoteInstigatorOrigin:
    place = RegisteredCodeLocationOrigin("signal_backups")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(place, "__repository__"), name)


def schedule_state(name: str, status: InstigatorStatus, since: datetime) -> InstigatorState:
    data = ScheduleInstigatorData("0 2 * * *", since.timestamp())
    return InstigatorState(origin(name), InstigatorType.SCHEDULE, status, data)


def tick_of(state: InstigatorState, at: datetime, status: TickStatus, error: str = "") -> TickData:
    return TickData(
        instigator_origin_id=state.instigator_origin_id,
        instigator_name=state.instigator_name,
        instigator_type=state.instigator_type,
        status=status,
        timestamp=at.timestamp(),
        selector_id=state.selector_id,
        run_ids=[],
        error=SerializableErrorInfo(error, [], "Error") if error else None,
    )
