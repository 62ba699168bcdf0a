"""What one bad day, or one bad object, does to the others: nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.assets import day_run
from signal_backups.orchestration.assets.daily_backup_checks import OBJECT_EQUALS_CSV
from signal_backups.orchestration.failures import failed_days
from signal_backups.orchestration.names import BACKUP_OBJECT
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import (
    World,
    evaluations,
    materializations,
    materialized_days,
    metadata_of,
)

LAST_DAY = day_number(2)


def test_a_bug_that_one_day_triggers_does_not_cost_the_others_their_backup(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    healthy = day_run.count_signals
    calls = iter(range(10))

    def buggy(path):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - stands in for any function of ours
        if next(calls) == 1:
            raise TypeError("a bug")
        return healthy(path)

    monkeypatch.setattr(day_run, "count_signals", buggy)
    result = world.run(FIRST_DAY, LAST_DAY)

    assert not result.success
    assert materialized_days(result, BACKUP_OBJECT) == [FIRST_DAY, LAST_DAY]
    (failure,) = failed_days(result)
    assert (failure.day, failure.transient) == (day_number(1), False)
    assert "TypeError: a bug" in failure.reason


def test_a_damaged_manifest_is_no_claim_and_is_written_anew(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)
    assert world.run(FIRST_DAY, LAST_DAY).success
    key = world.vault.layout.manifest_key(BackupSlot(FIRST_DAY))
    world.vault.store.put_bytes(key, b"not a manifest", "application/json")
    clock = world.vault.store.head(key)
    assert clock is not None
    status = backup_status(world.vault, FIRST_DAY, lambda: clock.last_modified + timedelta(days=1))
    assert status.unverified_days == [FIRST_DAY]

    again = world.run(FIRST_DAY, LAST_DAY)

    assert again.success
    changed = [metadata_of(event)["changed"] for event in materializations(again, BACKUP_OBJECT)]
    assert changed == [False, False, False]
    manifest = world.vault.manifest(BackupSlot(FIRST_DAY))
    assert manifest is not None
    assert [version.verified_at is not None for version in world.vault.versions(FIRST_DAY)] == [True]


def test_a_manifest_that_does_not_come_back_says_nothing_against_the_object(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    monkeypatch.setattr(world.vault.store, "get_bytes", lambda _key, _version=None: (b"something else", "v"))
    result = world.run(FIRST_DAY)
    (failure,) = failed_days(result)
    assert "is not what was sent" in failure.reason
    assert evaluations(result, OBJECT_EQUALS_CSV) == []
