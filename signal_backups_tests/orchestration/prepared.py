"""Days that are backed up and the instance that ran their backup: made once, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from signal_backups_tests.orchestration.world import World, empty_s3, own_settings, world_in
from signal_backups_tests.servers.strict_s3 import StrictS3

_DATABASE, _INSTANCE = "signals.db", "dagster"


@dataclass(frozen=True)
class PreparedDays:
    """A folder with a database and an instance, and the bucket in memory that goes with them."""

    folder: Path
    s3: StrictS3

    def on(self, instance: dg.DagsterInstance, folder: Path) -> World:
        """A world of the same database and bucket, on another instance."""
        shutil.copy(self.folder / _DATABASE, folder)
        return world_in(folder, self.s3.copy(), instance)

    @contextmanager
    def copied_to(self, folder: Path) -> Iterator[World]:
        """A world of the same content for the duration of the block."""
        shutil.copytree(self.folder / _INSTANCE, folder / _INSTANCE)
        with dg.instance_for_test(temp_dir=str(folder / _INSTANCE)) as instance:
            yield self.on(instance, folder)


def prepare_days(folder: Path, first: date, last: date, last_backup: date) -> PreparedDays:
    """Days with two signals each, backed up by one run as far as ``last_backup``."""
    s3 = empty_s3()
    (folder / _INSTANCE).mkdir()
    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test(temp_dir=str(folder / _INSTANCE)) as instance:
        own_settings(folder, patch)
        patch.setenv("SIGNAL_BACKUPS_START_DATE", first.isoformat())
        world = world_in(folder, s3, instance)
        world.table.add_days(first, last, signals_a_day=2)
        assert world.run(first, last_backup).success
    return PreparedDays(folder, s3)
