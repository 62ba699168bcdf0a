"""Ticks of a sensor, one after another, with the cursor kept in between and a clock that tests move."""

from __future__ import annotations

from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.sensor_definition import SensorExecutionData

from signal_backups.core.base.days import start_of, utc_now
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.build import build_defs
from signal_backups_tests.orchestration.world import World

#: Late enough in the day that the last backup is no longer due but missing, whatever the real time.
_NOON = timedelta(hours=12)


class Ticks:
    """One sensor in a world; ``now`` (UTC) starts at noon of this day."""

    def __init__(self, world: World, sensor: str, vault: BackupVault | None = None) -> None:
        self.world, self.name = world, sensor
        self._today = start_of(utc_now().date())
        self.now = self._today + _NOON
        self.cursor: str | None = None
        self.use_vault(vault)

    def use_vault(self, vault: BackupVault | None) -> None:
        """From now on the sensor uses another vault; None: the world's own."""
        overrides = self.world.overrides(vault=vault)
        defs = build_defs(resource_overrides=overrides, retry_policy=None, clock=lambda: self.now)
        self._resources = defs.resources
        self.repository = defs.get_repository_def()

    def tick(self, after: timedelta = timedelta(minutes=5)) -> SensorExecutionData:
        """Move the clock, then evaluate the sensor."""
        self.now += after
        context = dg.build_sensor_context(
            self.world.instance, cursor=self.cursor, repository_def=self.repository, resources=self._resources
        )
        with context:
            found = self.repository.get_sensor_def(self.name).evaluate_tick(context)
        self.cursor = found.cursor
        return found

    def at(self, hours: int, minutes: int = 0) -> datetime:
        """A time of this day."""
        return self._today + timedelta(hours=hours, minutes=minutes)
