"""Which days a drill chooses, and its forecast for restoring everything."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.drill.choose_days import choose_drill_days
from signal_backups.core.drill.rto import forecast_rto
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.objects import StoredBackup

LAST = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def backup(age: int, storage_class: str = "STANDARD", size: int = 1000) -> StoredBackup:
    """Return a backup of the day that is ``age`` days before the last."""
    return StoredBackup(
        BackupSlot(LAST - timedelta(days=age)),
        ObjectVersion(f"key-{age}", "v", size, NOW, "etag", storage_class=storage_class),
    )


def chosen_ages(backups: list[StoredBackup], seed: int = 1, recent_days: int = 7) -> list[int]:
    choice = choose_drill_days(backups, LAST, recent_days, random.Random(seed))  # noqa: S311 - no secret
    return [(LAST - day).days for day in choice.days]


def test_the_last_seven_days_are_always_chosen() -> None:
    assert chosen_ages([backup(age) for age in range(7)]) == [6, 5, 4, 3, 2, 1, 0]


def test_a_day_without_a_backup_is_not_chosen() -> None:
    assert chosen_ages([backup(0), backup(2)]) == [2, 0]


def test_one_older_day_of_each_storage_class_is_added() -> None:
    backups = [backup(age, name) for name, ages in _CLASSES.items() for age in ages]
    older = [age for age in chosen_ages(backups) if age > 6]
    assert len(older) == 3
    assert all(any(age in ages for age in older) for ages in _CLASSES.values())


def test_the_older_day_differs_between_drills() -> None:
    backups = [backup(age) for age in range(100)]
    older = {chosen_ages(backups, seed)[0] for seed in range(40)}
    assert len(older) > 10
    assert min(older) > 6


def test_archived_classes_are_named_and_left_out() -> None:
    backups = [backup(0), backup(400, "GLACIER"), backup(500, "DEEP_ARCHIVE"), backup(300, "GLACIER_IR")]
    choice = choose_drill_days(backups, LAST, 7, random.Random(1))  # noqa: S311 - no secret
    assert [(LAST - day).days for day in choice.days] == [300, 0]
    assert choice.archived_classes == ("DEEP_ARCHIVE", "GLACIER")


def test_with_small_days_the_forecast_is_by_number_of_days() -> None:
    forecast = forecast_rto([backup(age, size=10) for age in range(100)], 10, 10_000, 5.0)
    assert forecast.seconds == pytest.approx(50.0)
    assert (forecast.days, forecast.bytes) == (100, 1000)


def test_with_large_days_the_forecast_is_by_bytes() -> None:
    forecast = forecast_rto([backup(age, size=1000) for age in range(100)], 10, 1_000, 5.0)
    assert forecast.seconds == pytest.approx(500.0)


@pytest.mark.parametrize(
    ("classes", "hours"), [({"GLACIER"}, 5), ({"GLACIER", "DEEP_ARCHIVE"}, 12), ({"GLACIER_IR"}, 0)]
)
def test_the_longest_standard_thaw_is_added(classes: set[str], hours: int) -> None:
    backups = [backup(400 + number, name) for number, name in enumerate(sorted(classes))]
    forecast = forecast_rto(backups, 1, 1000, 1.0)
    assert forecast.thaw_seconds == hours * 3600
    assert forecast.seconds == pytest.approx(hours * 3600 + len(classes))
    assert (forecast.share > 1) == (forecast.seconds > RTO_OBJECTIVE_S)


_CLASSES = {"STANDARD": range(7, 90), "STANDARD_IA": range(90, 365), "GLACIER_IR": range(365, 500)}
