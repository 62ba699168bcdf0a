"""A run of one day: what Dagster records of it."""

import dagster as dg
import pytest

from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.names import BACKUP_ASSETS, BACKUP_OBJECT, HASHED_CSV, SIGNAL_EXTRACT
from signal_backups_tests.orchestration.signals import FIRST_DAY, SIGNALS_A_DAY, signal
from signal_backups_tests.orchestration.world import World, evaluations, materializations, metadata_of, table_rows

DAY = FIRST_DAY


@pytest.fixture
def result(world: World) -> dg.ExecuteInProcessResult:
    world.table.add_days(DAY, DAY)
    return world.run(DAY)


def test_every_asset_is_materialized_once_for_the_day(result: dg.ExecuteInProcessResult) -> None:
    assert result.success
    for asset in BACKUP_ASSETS:
        assert [event.partition for event in materializations(result, asset)] == [DAY.isoformat()]


def test_the_extract_shows_its_rows_its_source_and_how_long_it_took(result: dg.ExecuteInProcessResult) -> None:
    (event,) = materializations(result, SIGNAL_EXTRACT)
    metadata = metadata_of(event)
    assert metadata["rows"] == SIGNALS_A_DAY
    assert metadata["rows_without_instant"] == 0
    assert (metadata["source"]["engine"], metadata["source"]["table"]) == ("sqlite", "signals")
    assert metadata["source"]["snapshot"]
    assert isinstance(metadata["seconds"], float)


def test_the_extract_previews_its_first_rows_as_the_csv_will_have_them(world: World) -> None:
    world.table.add_days(DAY, DAY, signals_a_day=8)
    (event,) = materializations(world.run(DAY), SIGNAL_EXTRACT)
    rows = table_rows(event.metadata["preview"])
    assert [row["signal_id"] for row in rows] == [signal(DAY, number)["signal_id"] for number in range(5)]
    assert rows[0]["verification_hash"] == signal(DAY, 0)["sha256"]


def test_an_empty_day_is_backed_up_with_an_empty_preview(world: World) -> None:
    result = world.run(DAY)
    (event,) = materializations(result, SIGNAL_EXTRACT)
    assert table_rows(event.metadata["preview"]) == []
    assert metadata_of(materializations(result, BACKUP_OBJECT)[0])["records"] == 0


def test_the_csv_shows_its_records_its_bytes_and_its_hash(world: World, result: dg.ExecuteInProcessResult) -> None:
    manifest = world.vault.manifest(BackupSlot(DAY))
    metadata = metadata_of(materializations(result, HASHED_CSV)[0])
    assert metadata["records"] == SIGNALS_A_DAY
    assert (metadata["bytes"], metadata["sha256"]) == (manifest.backup.bytes, manifest.backup.sha256)
    assert (metadata["quarantined"], metadata["hashed_with_integers"]) == (0, 0)
    assert "quarantined_rows" not in metadata
    assert isinstance(metadata["seconds"], float)


def test_the_backup_shows_where_it_lies_and_what_was_proved(world: World, result: dg.ExecuteInProcessResult) -> None:
    manifest = world.vault.manifest(BackupSlot(DAY))
    metadata = metadata_of(materializations(result, BACKUP_OBJECT)[0])
    assert metadata["dagster/uri"] == world.vault.store.uri("signals/2024/01/signals_backup_20240101_020000.csv")
    assert metadata["version_id"] == manifest.backup.version_id
    assert (metadata["bytes"], metadata["sha256"]) == (manifest.backup.bytes, manifest.backup.sha256)
    assert metadata["records"] == metadata["rows_verified"] == SIGNALS_A_DAY
    assert (metadata["changed"], metadata["quarantined"]) == (True, 0)
    for name in ("verification_seconds", "backup_duration_seconds"):
        assert isinstance(metadata[name], float)


def test_the_manifest_names_the_run(world: World, result: dg.ExecuteInProcessResult) -> None:
    assert world.vault.manifest(BackupSlot(DAY)).run_id == result.run_id


def test_the_data_version_of_csv_and_backup_is_the_hash(result: dg.ExecuteInProcessResult) -> None:
    for asset in (HASHED_CSV, BACKUP_OBJECT):
        (event,) = materializations(result, asset)
        assert event.tags["dagster/data_version"] == event.metadata["sha256"].value


def test_the_data_version_of_the_extract_is_new_with_every_run(world: World, result: dg.ExecuteInProcessResult) -> None:
    again = world.run(DAY)
    versions = {materializations(run, SIGNAL_EXTRACT)[0].tags["dagster/data_version"] for run in (result, again)}
    assert len(versions) == 2


def test_all_ten_checks_pass_for_the_day(result: dg.ExecuteInProcessResult) -> None:
    answers = evaluations(result)
    assert len(answers) == 10
    assert {(answer.passed, answer.partition) for answer in answers} == {(True, DAY.isoformat())}


def test_every_check_answer_points_at_the_materialization_it_speaks_of(
    world: World, result: dg.ExecuteInProcessResult
) -> None:
    answers = evaluations(result)
    assert len({answer.asset_key for answer in answers}) == len(BACKUP_ASSETS)
    for answer in answers:
        target = answer.target_materialization_data
        (record,) = world.instance.fetch_materializations(answer.asset_key, limit=1).records
        assert (target.run_id, target.storage_id) == (result.run_id, record.storage_id)
        assert world.check_infos(answer.asset_check_key)[DAY.isoformat()].is_current


def test_the_checks_on_the_stored_object_tell_how_much_was_proved(result: dg.ExecuteInProcessResult) -> None:
    by_name = {answer.check_name: metadata_of(answer) for answer in evaluations(result)}
    assert by_name["stored_row_hashes_verify"]["rows_hashed"] == SIGNALS_A_DAY
    assert by_name["stored_object_equals_csv"]["bytes"] > 0
    assert by_name["csv_parses_back_to_same_count"] == {
        "records_written": SIGNALS_A_DAY,
        "records_read_back": SIGNALS_A_DAY,
    }


def test_a_run_may_verify_a_sample_of_the_rows_only(world: World) -> None:
    world.table.add_days(DAY, DAY, signals_a_day=20)
    result = world.run(DAY, config={"verify_sample": 2})
    assert metadata_of(materializations(result, BACKUP_OBJECT)[0])["rows_verified"] == 2


def test_a_row_hashed_with_integers_is_counted_apart(world: World) -> None:
    world.table.add(signal(DAY, 0, confidence=87))
    result = world.run(DAY)
    assert metadata_of(materializations(result, HASHED_CSV)[0])["hashed_with_integers"] == 1
    assert all(answer.passed for answer in evaluations(result))


def test_nothing_is_left_in_scratch(world: World, result: dg.ExecuteInProcessResult) -> None:
    assert result.success
    assert list(world.scratch.rglob("*")) == []
