"""A real ``dagster dev``: starting it, asking it over GraphQL, stopping it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from signal_backups.orchestration.names import BACKUP_ASSETS
from signal_backups_tests.servers.waiting import HOST, free_port, wait_for

PROJECT = Path(__file__).parents[2]
START_TIMEOUT_S = 120
# The backfill daemon looks twice a minute: once to begin, once to see that all is done.
BACKFILL_TIMEOUT_S = 240
RUN_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
CONFIG = "telemetry:\n  enabled: false\nnux:\n  enabled: false\n"
# A shell that starts tests in the background makes them ignore SIGINT, which Dagster would take over for SIGTERM too.
LISTENING_TO_SIGINT = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('dagster', run_name='__main__')"
)


LAUNCH_BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
LAUNCH_JOB = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
BACKFILL = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill {
      status
      error { message }
      assetBackfillData { assetBackfillStatuses { ... on AssetPartitionsStatusCounts {
        assetKey { path } numPartitionsTargeted numPartitionsMaterialized numPartitionsFailed
      } } }
    }
  }
}"""
PARTITIONS = """
query ($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) {
    ... on AssetNode {
      assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } }
      assetChecksOrError { ... on AssetChecks { checks {
        name
        partitionStatuses { ... on AssetCheckTimePartitionStatuses { ranges { startKey endKey status } } }
      } } }
    }
  }
}"""
RUNS = """
query ($backfill: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $backfill}]}) {
    ... on Runs { results { runId status tags { key value } } }
  }
}"""
AUTOMATION = """
{
  workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { ... on RepositoryLocation {
    repositories {
      schedules { name scheduleState { status } }
      sensors { name sensorState { status ticks(limit: 1) { status error { message } } } }
    }
  } } } } }
}"""
FRESHNESS = """
{
  assetNodes {
    assetKey { path }
    internalFreshnessPolicy { ... on TimeWindowFreshnessPolicy { failWindowSeconds } }
    freshnessStatusInfo { freshnessStatus }
  }
}"""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
FINISHED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED")


@dataclass(frozen=True)
class StatusRange:
    """Partitions in a row that share a status; ISO dates."""

    first: str
    last: str
    status: str

    def covers(self, day: str) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class DagsterDev:
    """A running ``dagster dev``."""

    url: str

    def ask(self, query: str, **variables: Any) -> Any:
        """The data that answers a query."""
        response = requests.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=30)
        answer = response.json()
        if "errors" in answer:
            raise AssertionError(answer["errors"])
        return answer["data"]

    def run_job(self, job: str, **tags: str) -> str:
        """Run a job to its end; returns how it ended."""
        selector = {
            "repositoryLocationName": "signal_backups",
            "repositoryName": "__repository__",
            "pipelineName": job,
        }
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        answer = self.ask(LAUNCH_JOB, params={"selector": selector, "mode": "default", "executionMetadata": metadata})
        run = answer["launchPipelineExecution"]["run"]["runId"]

        def ended() -> str | None:
            status = str(self.ask(RUN, id=run)["runOrError"]["status"])
            return status if status in ENDED else None

        return wait_for(ended, RUN_TIMEOUT_S, f"run {run} of {job} to end")

    def start_backfill(self, days: Sequence[str]) -> str:
        """Ask for all three assets of some days, as the UI does; returns the backfill's id."""
        assets = [{"path": list(asset.path)} for asset in BACKUP_ASSETS]
        answer = self.ask(LAUNCH_BACKFILL, params={"assetSelection": assets, "partitionNames": list(days)})
        return str(answer["launchPartitionBackfill"]["backfillId"])

    def finished_backfill(self, backfill: str) -> dict[str, Any]:
        """Wait until a backfill has come to its end."""

        def finished() -> dict[str, Any] | None:
            found: dict[str, Any] = self.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]
            return found if found["status"] in FINISHED else None

        return wait_for(finished, BACKFILL_TIMEOUT_S, f"backfill {backfill} to finish")

    def runs_of(self, backfill: str) -> list[dict[str, Any]]:
        """The runs that a backfill started."""
        return list(self.ask(RUNS, backfill=backfill)["runsOrError"]["results"])

    def partition_statuses(self, asset: str, days: Sequence[str]) -> dict[str, str | None]:
        """What the UI shows of an asset's partitions."""
        node = self.ask(PARTITIONS, asset={"path": [asset]})["assetNodeOrError"]
        return _by_day(node["assetPartitionStatuses"], days)

    def check_statuses(self, asset: str, days: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """What the UI shows of the partitions of an asset's checks."""
        node = self.ask(PARTITIONS, asset={"path": [asset]})["assetNodeOrError"]
        checks = node["assetChecksOrError"]["checks"]
        return {check["name"]: _by_day(check["partitionStatuses"], days) for check in checks}

    def schedule_statuses(self) -> dict[str, str]:
        """Which schedules there are, and whether they run."""
        return {found["name"]: found["scheduleState"]["status"] for found in self._automation()["schedules"]}

    def sensor_states(self) -> dict[str, dict[str, Any]]:
        """Which sensors there are, whether they run, and their last tick."""
        return {found["name"]: found["sensorState"] for found in self._automation()["sensors"]}

    def freshness(self) -> dict[str, tuple[int, str]]:
        """By asset: after how many seconds it is stale, and whether it is; assets without a policy are left out."""
        return {
            node["assetKey"]["path"][0]: (
                node["internalFreshnessPolicy"]["failWindowSeconds"],
                node["freshnessStatusInfo"]["freshnessStatus"],
            )
            for node in self.ask(FRESHNESS)["assetNodes"]
            if node["internalFreshnessPolicy"]
        }

    def _automation(self) -> dict[str, Any]:
        (location,) = self.ask(AUTOMATION)["workspaceOrError"]["locationEntries"]
        (repository,) = location["locationOrLoadError"]["repositories"]
        return dict(repository)


@contextmanager
def running_dagster(folder: Path, environment: Mapping[str, str]) -> Iterator[DagsterDev]:
    """``dagster dev`` of this project for the duration of the block, all its state in ``folder``."""
    home = folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(CONFIG, encoding="utf-8")
    port, log = free_port(), folder / "dagster-dev.log"
    command = [sys.executable, "-c", LISTENING_TO_SIGINT, "dev", "-h", HOST, "-p", str(port)]
    whole = {"PATH": os.environ["PATH"], "HOME": str(folder), "DAGSTER_HOME": str(home), **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=whole, stdout=output, stderr=output, start_new_session=True
        )
        try:
            dagster = DagsterDev(f"http://{HOST}:{port}")
            wait_for(lambda: _is_ready(process, dagster, log), START_TIMEOUT_S, f"dagster dev, see {log}")
            yield dagster
        finally:
            _stop(process)


def _is_ready(process: subprocess.Popen[bytes], dagster: DagsterDev, log: Path) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"dagster dev ended:\n{log.read_text(encoding='utf-8', errors='replace')}")
    try:
        loaded = dagster.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }")
    except requests.ConnectionError:
        return False
    return bool(loaded["repositoriesOrError"].get("nodes"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C; what has not ended by then is killed, together with its children, who share its session."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _by_day(statuses: Mapping[str, Any] | None, days: Sequence[str]) -> dict[str, str | None]:
    found = statuses["ranges"] if statuses else []
    ranges = [StatusRange(item["startKey"], item["endKey"], item["status"]) for item in found]
    return {day: next((shown.status for shown in ranges if shown.covers(day)), None) for day in days}
