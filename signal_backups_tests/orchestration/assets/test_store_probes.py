"""The weekly probes of the store as Dagster shows them."""

from __future__ import annotations

import dagster as dg
import pytest

from signal_backups.core.doctor import probes
from signal_backups.core.ledger.event import Action
from signal_backups.orchestration.assets.store_probes import LOCKED_STAYS, ONE_WRITER_WINS
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import STORE_PROBES, job_name
from signal_backups_tests.core.ledger.recorded_events import recorded_events
from signal_backups_tests.orchestration.world import QUIET, World, evaluations, materializations, metadata_of


def probed(world: World) -> dg.ExecuteInProcessResult:
    job = build_defs(resource_overrides=world.overrides()).resolve_job_def(job_name(STORE_PROBES))
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def passed(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in evaluations(result)}


def test_the_outcome_is_in_the_checks_and_in_the_audit_trail(world: World) -> None:
    result = probed(world)
    assert passed(result) == {LOCKED_STAYS: True, ONE_WRITER_WINS: True}
    (event,) = materializations(result, STORE_PROBES)
    assert metadata_of(event)["conditional_writes"] == "ok: 4 writers created one object at once, 1 succeeded"
    (recorded,) = recorded_events(world.vault, Action.PROBE)
    assert (recorded.result, recorded.actor.run_id) == ("passed", result.run_id)


def test_a_promise_that_is_not_kept_fails_its_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "in_parallel", lambda *_, **__: [False, False])
    result = probed(world)
    assert passed(result) == {LOCKED_STAYS: True, ONE_WRITER_WINS: False}
    (failed,) = [each for each in evaluations(result) if not each.passed]
    assert failed.severity is dg.AssetCheckSeverity.ERROR
    assert "each was refused as if it existed" in (failed.description or "")
    (recorded,) = recorded_events(world.vault, Action.PROBE)
    assert recorded.result == "failed"
