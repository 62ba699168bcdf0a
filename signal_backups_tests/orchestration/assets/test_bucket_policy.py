"""The bucket's set-up as Dagster shows it."""

from __future__ import annotations

import dagster as dg
import pytest

from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.policy import PolicyCheck
from signal_backups.core.retention.setup import set_up_bucket
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import BUCKET_POLICY, job_name
from signal_backups_tests.orchestration.signals import FIRST_DAY, signal
from signal_backups_tests.orchestration.world import QUIET, World, evaluations, materializations, metadata_of
from signal_backups_tests.servers.s3 import client_for

ERROR = dg.AssetCheckSeverity.ERROR


def examined(world: World) -> dg.ExecuteInProcessResult:
    """Run the job."""
    job = build_defs(resource_overrides=world.overrides()).resolve_job_def(job_name(BUCKET_POLICY))
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def answers(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {answer.check_name: answer.passed for answer in evaluations(result)}


@pytest.fixture
def world(world: World, s3_server: S3Server, bucket: str) -> World:
    """On the S3 server, which cannot do everything."""
    return world.in_bucket(client_for(s3_server), bucket)


@pytest.fixture
def right(world: World) -> World:
    set_up_bucket(world.vault, load_profile("documented"), confirmed=True)
    return world


def test_a_bucket_made_right_passes_every_check_and_says_what_the_store_cannot(right: World) -> None:
    result = examined(right)
    assert result.success
    assert answers(result) == {check.value: True for check in PolicyCheck}
    (event,) = materializations(result, BUCKET_POLICY)
    shown = metadata_of(event)
    assert (shown["bucket"], shown["profile"]) == (right.vault.store.bucket, "documented")
    assert shown["claims_that_fail"] == 0
    assert "public_access_blocked" in shown["this_store_cannot"]


def test_drift_fails_its_check_with_the_difference_and_the_remedy(right: World) -> None:
    right.vault.store._client.delete_bucket_lifecycle(Bucket=right.vault.store.bucket)
    result = examined(right)
    assert result.success
    assert [name for name, passed in answers(result).items() if not passed] == ["lifecycle_matches_profile"]
    (answer,) = evaluations(result, dg.AssetCheckKey(BUCKET_POLICY, "lifecycle_matches_profile"))
    assert answer.severity is ERROR
    shown = metadata_of(answer)
    assert "+ signals/*" in shown["against"]
    assert shown["remedy"] == "signal-backups lifecycle apply"


def test_a_deleted_backup_fails_the_check_of_delete_markers(right: World) -> None:
    right.table.add(signal(FIRST_DAY, 1))
    right.run(FIRST_DAY)
    (backup,) = right.vault.backups(FIRST_DAY, FIRST_DAY)
    right.vault.store._client.delete_object(Bucket=right.vault.store.bucket, Key=backup.key)
    assert not answers(examined(right))["no_unexpected_delete_markers"]


def test_a_bucket_that_is_gone_fails_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.vault.store, "bucket", "no-such-bucket")
    result = examined(world)
    assert not result.success
    assert answers(result) == {}
