"""Ticks of the sensors that watch, one after another, with the cursor kept in between and a clock that tests move.

What belongs here: making a tick happen. What does not: assertions.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.sensor_definition import SensorExecutionData

from signal_backups.core.base.days import start_of, utc_now
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.build import build_defs
from signal_backups_tests.orchestration.world import World

#: Late enough in the day that the backup of the day before is missed, whatever the time of the real clock.
_NOON = timedelta(hours=12)


class Ticks:
    """One sensor in a world; ``now`` (UTC) begins with noon of this day."""

    def __init__(self, world: World, sensor: str, vault: BackupVault | None = None) -> None:
        self.world, self.name = world, sensor
        self._today = start_of(utc_now().date())
        self.now = self._today + _NOON
        self.cursor: str | None = None
        self.look_at(vault)

    def look_at(self, vault: BackupVault | None) -> None:
        """From now on look at the bucket through another vault; None: the world's own."""
        self._overrides = self.world.overrides(vault=vault)
        defs = build_defs(resource_overrides=self._overrides, retry_policy=None, clock=lambda: self.now)
        self.repository = defs.get_repository_def()

    def tick(self, after: timedelta = timedelta(minutes=5)) -> SensorExecutionData:
        """Let time go by, then look."""
        self.now += after
        context = dg.build_sensor_context(
            self.world.instance, cursor=self.cursor, repository_def=self.repository, resources=self._overrides
        )
        with context:
            found = self.repository.get_sensor_def(self.name).evaluate_tick(context)
        self.cursor = found.cursor
        return found

    def at(self, hours: int, minutes: int = 0) -> datetime:
        """A time of this day."""
        return self._today + timedelta(hours=hours, minutes=minutes)
