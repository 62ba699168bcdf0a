"""The audit trail as Dagster shows it: examined, anchored, and what waits is written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.core.ledger.event import Action
from signal_backups.core.ledger.rolling_segments import FEW
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups.orchestration.assets.audit_trail import HEADS_ANCHORED, TRAIL_UNBROKEN
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import AUDIT_TRAIL, job_name
from signal_backups_tests.orchestration.faulty import WithoutAudit
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import (
    QUIET,
    World,
    evaluations,
    materializations,
    metadata_of,
    table_rows,
)
from signal_backups_tests.servers.s3 import client_for


@pytest.fixture
def backed_up(world: World) -> World:
    """Two days with backups."""
    world.table.add_days(FIRST_DAY, day_number(1))
    world.run(FIRST_DAY, day_number(1))
    return world


def examine(world: World, vault: BackupVault | None = None) -> dg.ExecuteInProcessResult:
    job = build_defs(resource_overrides=world.overrides(vault=vault)).resolve_job_def(job_name(AUDIT_TRAIL))
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def answer(result: dg.ExecuteInProcessResult, check: str) -> dg.AssetCheckEvaluation:
    (found,) = [each for each in evaluations(result) if each.check_name == check]
    return found


def test_an_unbroken_trail_passes_and_says_that_nothing_outside_is_set(backed_up: World) -> None:
    result = examine(backed_up)
    (event,) = materializations(result, AUDIT_TRAIL)
    shown = metadata_of(event)
    assert (shown["events"], shown["manifests"], shown["findings"], shown["anchors"]) == (2, 2, 0, 0)
    assert shown["anchored_up_to_event"] == "nothing is anchored"
    unbroken, anchored = answer(result, TRAIL_UNBROKEN), answer(result, HEADS_ANCHORED)
    assert (unbroken.passed, unbroken.description) == (True, "2 events and 2 manifests, unbroken")
    assert anchored.passed
    assert "SIGNAL_BACKUPS_ANCHOR_BUCKET" in str(anchored.description)


def test_days_that_the_chain_does_not_know_are_counted(backed_up: World) -> None:
    (event,) = materializations(examine(backed_up), AUDIT_TRAIL)
    assert metadata_of(event)["days_from_before_the_chain"] == 0
    vault = backed_up.vault
    for slot, manifest in vault.manifests(date.min, date.max).items():
        unnumbered = manifest.model_copy(update={"number": None, "previous": None}).to_bytes()
        vault.store.put_bytes(vault.layout.manifest_key(slot), unnumbered, "application/json")
    for version in vault.store.list_versions(vault.layout.audit_prefix):
        vault.store._client.delete_object(Bucket=vault.store.bucket, Key=version.key, VersionId=version.version_id)
    (event,) = materializations(examine(backed_up), AUDIT_TRAIL)
    assert metadata_of(event)["days_from_before_the_chain"] == 2


def test_an_edited_event_fails_the_check_and_is_named(backed_up: World) -> None:
    log = backed_up.vault.trail.log
    backed_up.vault.store.put_bytes(log.key_of(1), b"{}\n", "application/json")
    result = examine(backed_up)
    assert result.success  # the run did its work: the check says what it found
    broken = answer(result, TRAIL_UNBROKEN)
    assert (broken.passed, broken.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert str(broken.description).startswith("1 findings, first: events 1: ")
    (row,) = table_rows(broken.metadata["findings"])
    assert (row["log"], row["number"], row["kind"], row["object"]) == ("events", "1", "edited", log.key_of(1))


@pytest.fixture
def second_bucket(backed_up: World, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> S3ObjectStore:
    """A second bucket that the settings name for anchors."""
    monkeypatch.setenv("BACKUP_BUCKET_NAME", backed_up.vault.store.bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    monkeypatch.setenv("SIGNAL_BACKUPS_ANCHOR_BUCKET", bucket)
    return S3ObjectStore(client_for(s3_server), bucket)


def test_each_run_anchors_the_heads_in_the_second_bucket(backed_up: World, second_bucket: S3ObjectStore) -> None:
    first = examine(backed_up)
    assert answer(first, HEADS_ANCHORED).passed
    (anchor,) = second_bucket.list_current("audit/anchors/")
    assert answer(first, HEADS_ANCHORED).description == f"anchored in {anchor.key}"
    assert anchor.key.endswith("_0000000002.json")
    (event,) = materializations(examine(backed_up), AUDIT_TRAIL)
    shown = metadata_of(event)
    assert (shown["anchors"], shown["events_since_anchor"]) == (1, 0)
    assert str(shown["anchored_up_to_event"]).startswith("2 at ")


def test_what_the_second_bucket_knows_shows_a_trail_that_was_cut_off(
    backed_up: World, second_bucket: S3ObjectStore
) -> None:
    assert answer(examine(backed_up), TRAIL_UNBROKEN).passed
    store, client = backed_up.vault.store, backed_up.vault.store._client
    for prefix in (backed_up.vault.trail.log.key_of(2), "audit/anchors/"):
        for version in store.list_versions(prefix):
            client.delete_object(Bucket=store.bucket, Key=version.key, VersionId=version.version_id)
    broken = answer(examine(backed_up), TRAIL_UNBROKEN)
    assert not broken.passed
    kinds = {row["kind"] for row in table_rows(broken.metadata["findings"])}
    assert {"rewritten", "anchor"} <= kinds


@pytest.mark.usefixtures("second_bucket")
def test_an_anchor_that_cannot_be_made_warns_and_hides_nothing(
    backed_up: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_TSA_URL", "http://127.0.0.1:9/")
    result = examine(backed_up)
    warned = answer(result, HEADS_ANCHORED)
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "127.0.0.1:9" in str(warned.description)
    assert answer(result, TRAIL_UNBROKEN).passed


def test_events_that_wait_are_written(backed_up: World, tmp_path: Path) -> None:
    store, outbox = backed_up.vault.store, tmp_path / "outbox"
    mute = BackupVault(WithoutAudit(store._client, store.bucket), Layout(), outbox=outbox)
    assert mute.trail.record(Action.VERIFICATION, "passed") is None
    examine(backed_up, BackupVault(S3ObjectStore(store._client, store.bucket), Layout(), outbox=outbox))
    assert [event.action for event in backed_up.vault.trail.events(3)] == [Action.VERIFICATION]


def test_a_trail_that_cannot_be_written_is_examined_all_the_same(backed_up: World, tmp_path: Path) -> None:
    store = backed_up.vault.store
    mute = BackupVault(WithoutAudit(store._client, store.bucket), Layout(), outbox=tmp_path / "outbox")
    mute.trail.record(Action.VERIFICATION, "passed")
    result = examine(backed_up, mute)
    (event,) = materializations(result, AUDIT_TRAIL)
    assert (metadata_of(event)["events_waiting"], answer(result, TRAIL_UNBROKEN).passed) == (1, True)


def test_each_run_writes_the_rolling_segments(backed_up: World) -> None:
    for _ in range(FEW):
        backed_up.vault.trail.record(Action.VERIFICATION, "passed")
    examine(backed_up)
    prefix = backed_up.vault.layout.rolling_segment_prefix("events")
    assert [found.key for found in backed_up.vault.store.list_current(prefix)] == [f"{prefix}1.jsonl.gz"]
