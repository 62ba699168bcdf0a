"""What Dagster finds when it loads the project, and that finding it needs nothing but the code."""

import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from signal_backups.core.signals.fields import CSV_COLUMNS, REQUIRED_COLUMNS
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import (
    BACKUP_ASSETS,
    BACKUP_OBJECT,
    HASHED_CSV,
    JOBS,
    SIGNAL_EXTRACT,
    SIGNALS_TABLE,
    WATCHING_ASSETS,
)
from signal_backups_tests.orchestration.signals import FIRST_DAY

PROJECT = Path(__file__).parents[2]
NOBODY_TO_CALL = """
import socket

def refuse(*_):
    raise AssertionError("somebody wants to talk over the network")

socket.socket.connect = socket.socket.connect_ex = refuse
"""
CHECKS = {
    SIGNAL_EXTRACT: {"record_count_is_plausible", "no_unknown_columns"},
    HASHED_CSV: {
        "rows_conform_to_schema",
        "row_hashes_match",
        "signal_ids_are_unique",
        "csv_parses_back_to_same_count",
    },
    BACKUP_OBJECT: {
        "stored_object_equals_csv",
        "stored_row_hashes_verify",
        "source_agrees_with_backup",
        "audit_event_is_written",
    },
}
GROUPS = {
    "signal_backups": {"signals_table", "signal_extract", "hashed_csv", "backup_object"},
    "restore_drills": {"restore_drill"},
    "bucket_watch": {
        "undated_signals",
        "bucket_policy",
        "audit_trail",
        "retention_audit",
        "storage_cost",
        "rolling_reconciliation",
        "scrub",
        "store_probes",
    },
}
#: Of a description, what the list of all assets has room for.
CATALOG_CHARACTERS = 56
BLOCKING = {"csv_parses_back_to_same_count", "stored_object_equals_csv", "stored_row_hashes_verify"}


@pytest.fixture
def defs() -> dg.Definitions:
    return build_defs()


@pytest.fixture
def graph(defs: dg.Definitions) -> AssetGraph:
    return defs.resolve_asset_graph()


def run_python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that knows where the project is, and nothing else."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_definitions_load_without_settings_database_bucket_or_network(tmp_path: Path) -> None:
    load = "import signal_backups.definitions as d; print(len(list(d.defs.resolve_asset_graph().get_all_asset_keys())))"
    done = run_python("-c", NOBODY_TO_CALL + load, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "13", "")


def test_the_names_of_all_jobs_and_assets_are_known_so_that_their_stuck_runs_are_found(
    defs: dg.Definitions, graph: AssetGraph
) -> None:
    jobs = {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert jobs == JOBS
    assert set(graph.materializable_asset_keys) == {*BACKUP_ASSETS, *WATCHING_ASSETS}


def test_what_draws_is_loaded_when_something_is_drawn(tmp_path: Path) -> None:
    loaded = "import sys, signal_backups.definitions; print('matplotlib' in sys.modules)"
    assert run_python("-c", loaded, cwd=tmp_path).stdout.strip() == "False"


def test_loading_definitions_leaves_no_file_behind(tmp_path: Path) -> None:
    run_python("-c", "import signal_backups.definitions", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("-w", "workspace.yaml")], ids=["pyproject.toml", "workspace.yaml"])
def test_dagster_validates_the_code_location(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command = ("-m", "dagster", "definitions", "validate", *arguments)
    done = run_python(
        *command, cwd=PROJECT, DAGSTER_HOME=str(tmp_path), PYTHONPATH="", SIGNAL_BACKUPS_HOME=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert "signal_backups" in done.stdout + done.stderr


def test_the_definitions_are_loadable(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_backup_assets_are_extract_then_csv_then_backup(graph: AssetGraph) -> None:
    assert [graph.get(asset).parent_keys for asset in BACKUP_ASSETS] == [
        {SIGNALS_TABLE},
        {SIGNAL_EXTRACT},
        {HASHED_CSV},
    ]


def test_the_database_table_is_an_external_asset(graph: AssetGraph) -> None:
    table = graph.get(SIGNALS_TABLE)
    assert table.is_external
    assert not table.is_materializable
    assert table.kinds == {"sql"}


def test_every_asset_has_a_group(graph: AssetGraph) -> None:
    for group, names in GROUPS.items():
        assert {key.to_user_string() for key in graph.asset_keys_for_group(group)} == names
    assert graph.get_all_asset_keys() == {dg.AssetKey(name) for names in GROUPS.values() for name in names}


def test_every_asset_has_an_owner_a_kind_and_a_description(graph: AssetGraph) -> None:
    for node in graph.asset_nodes:
        assert node.owners == ["team:signal-operations"]
        assert node.kinds
        assert node.description.endswith(".")


def test_the_catalog_has_room_for_what_an_asset_is(graph: AssetGraph) -> None:
    for node in graph.asset_nodes:
        first_sentence = re.split(r"(?<=[.?]) ", node.description)[0]
        assert len(first_sentence) <= CATALOG_CHARACTERS, first_sentence


@pytest.mark.parametrize("asset", [SIGNALS_TABLE, *BACKUP_ASSETS], ids=dg.AssetKey.to_user_string)
def test_every_asset_shows_the_columns_of_a_backup(graph: AssetGraph, asset: dg.AssetKey) -> None:
    columns = graph.get(asset).metadata["dagster/column_schema"].columns
    assert tuple(column.name for column in columns) == CSV_COLUMNS
    assert tuple(column.name for column in columns if not column.constraints.nullable) == REQUIRED_COLUMNS
    assert all(column.description for column in columns)


@pytest.mark.parametrize("asset", BACKUP_ASSETS, ids=dg.AssetKey.to_user_string)
def test_the_partitions_are_utc_days_from_the_start_date(graph: AssetGraph, asset: dg.AssetKey) -> None:
    node = graph.get(asset)
    assert node.partitions_def == dg.DailyPartitionsDefinition(FIRST_DAY.isoformat(), timezone="UTC")
    assert node.partitions_def.get_first_partition_key() == FIRST_DAY.isoformat()


@pytest.mark.parametrize("asset", BACKUP_ASSETS, ids=dg.AssetKey.to_user_string)
def test_a_backfill_runs_a_month_of_days_at_a_time(graph: AssetGraph, asset: dg.AssetKey) -> None:
    assert graph.get(asset).backfill_policy == dg.BackfillPolicy.multi_run(31)


@pytest.mark.parametrize("asset", BACKUP_ASSETS, ids=dg.AssetKey.to_user_string)
def test_the_checks_of_an_asset_are_claims(graph: AssetGraph, asset: dg.AssetKey) -> None:
    assert {key.name for key in graph.get_check_keys_for_assets([asset])} == CHECKS[asset]


def test_every_check_is_partitioned_like_its_asset_and_described(graph: AssetGraph) -> None:
    for key in graph.asset_check_keys:
        check = graph.get(key)
        assert check.partitions_def == graph.get(key.asset_key).partitions_def
        assert check.description


def test_exactly_the_checks_of_structure_and_storage_block(graph: AssetGraph) -> None:
    assert {key.name for key in graph.asset_check_keys if graph.get(key).blocking} == BLOCKING


def test_runs_use_one_process(defs: dg.Definitions) -> None:
    assert defs.resolve_job_def("daily_backup_job").executor_def is dg.in_process_executor


def test_the_job_covers_the_backup_assets_and_its_checks(defs: dg.Definitions) -> None:
    layer = defs.resolve_job_def("daily_backup_job").asset_layer
    assert layer.selected_asset_keys == set(BACKUP_ASSETS)
    assert {key.name for key in layer.asset_graph.asset_check_keys} == set().union(*CHECKS.values())


def test_resources_can_be_replaced() -> None:
    replaced = dg.ResourceDefinition.hardcoded_resource("another")
    assert build_defs(resource_overrides={"backup_store": replaced}).resources["backup_store"] is replaced
