"""Rows that are not good: the day is backed up all the same, and the check that found them fails."""

import dagster as dg

from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.assets.daily_backup_checks import HASHES_MATCH, IDS_UNIQUE, SCHEMA_CONFORMS
from signal_backups.orchestration.names import BACKUP_ASSETS, BACKUP_OBJECT, HASHED_CSV
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number, forged_signal, signal
from signal_backups_tests.orchestration.world import (
    CHECK_FAILED,
    CHECK_PASSED,
    World,
    evaluations,
    materializations,
    materialized_days,
    metadata_of,
    table_rows,
)

DAY = FIRST_DAY


def test_a_quarantined_row_fails_neither_the_run_nor_the_upload(world: World) -> None:
    world.table.add(signal(DAY, 0), forged_signal(DAY, 1))
    result = world.run(DAY)
    assert result.success
    assert [materialized_days(result, asset) for asset in BACKUP_ASSETS] == [[DAY]] * 3


def test_only_the_check_that_found_the_row_fails_and_as_an_error(world: World) -> None:
    world.table.add(signal(DAY, 0), forged_signal(DAY, 1))
    failed = [answer for answer in evaluations(world.run(DAY)) if not answer.passed]
    assert [(answer.asset_check_key, answer.severity, answer.partition, answer.blocking) for answer in failed] == [
        (HASHES_MATCH, dg.AssetCheckSeverity.ERROR, DAY.isoformat(), False)
    ]


def test_the_failed_check_names_the_row_and_the_reason(world: World) -> None:
    bad = forged_signal(DAY, 1)
    world.table.add(signal(DAY, 0), bad)
    (answer,) = evaluations(world.run(DAY), HASHES_MATCH)
    assert table_rows(answer.metadata["first_rows"]) == [
        {
            "signal_id": bad["signal_id"],
            "timestamp": bad["timestamp"],
            "reason": "verification_hash does not match the row",
        }
    ]
    assert (metadata_of(answer)["rows"], metadata_of(answer)["rows_failed"]) == (2, 1)
    assert answer.description == "1 of 2 rows do not match their hash; they are in quarantine"


def test_a_check_names_the_first_ten_rows_of_many(world: World) -> None:
    world.table.add(*(forged_signal(DAY, number) for number in range(12)))
    (answer,) = evaluations(world.run(DAY), HASHES_MATCH)
    named = [row["signal_id"] for row in table_rows(answer.metadata["first_rows"])]
    assert named == [signal(DAY, number)["signal_id"] for number in range(10)]
    assert metadata_of(answer)["rows_failed"] == 12


def test_a_row_outside_its_bounds_fails_the_schema_check_alone(world: World) -> None:
    world.table.add(signal(DAY, 0), signal(DAY, 1, confidence=100.5))
    failed = [answer.asset_check_key for answer in evaluations(world.run(DAY)) if not answer.passed]
    assert failed == [SCHEMA_CONFORMS]


def test_a_repeated_id_fails_the_uniqueness_check_alone(world: World) -> None:
    world.table.add(signal(DAY, 0), signal(DAY, 1, signal_id=signal(DAY, 0)["signal_id"]))
    failed = [answer.asset_check_key for answer in evaluations(world.run(DAY)) if not answer.passed]
    assert failed == [IDS_UNIQUE]


def test_the_csv_asset_shows_the_quarantine(world: World) -> None:
    world.table.add(signal(DAY, 0), forged_signal(DAY, 1))
    (event,) = materializations(world.run(DAY), HASHED_CSV)
    assert (metadata_of(event)["quarantined"], metadata_of(event)["records"]) == (1, 1)
    assert [row["signal_id"] for row in table_rows(event.metadata["quarantined_rows"])] == [signal(DAY, 1)["signal_id"]]


def test_the_backup_asset_says_where_the_quarantine_lies(world: World) -> None:
    world.table.add(signal(DAY, 0), forged_signal(DAY, 1))
    (event,) = materializations(world.run(DAY), BACKUP_OBJECT)
    key = world.vault.layout.quarantine_key(BackupSlot(DAY))
    assert metadata_of(event)["quarantine_uri"] == world.vault.store.uri(key)
    assert world.vault.store.head(key) is not None


def test_in_a_range_only_the_check_of_that_day_fails(world: World) -> None:
    world.table.add_days(DAY, day_number(3))
    world.table.add(forged_signal(day_number(2), 99))
    assert world.run(DAY, day_number(3)).success
    assert world.check_days(HASHES_MATCH, CHECK_FAILED) == {day_number(2)}
    assert world.check_days(HASHES_MATCH, CHECK_PASSED) == {DAY, day_number(1), day_number(3)}
    assert world.check_days(SCHEMA_CONFORMS, CHECK_FAILED) == set()
