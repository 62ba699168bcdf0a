"""The exporter's values, over HTTP and in a file, also while S3 cannot be reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from prometheus_client.core import GaugeMetricFamily, Metric

from signal_backups.core.base.errors import LocalStorageError, SettingsError, StoreError
from signal_backups.core.cost.billing import bill
from signal_backups.core.cost.inventory import Inventory, StoredGroup, VersionState
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.metrics.exporter import Exporter
from signal_backups.core.monitoring.metrics.families import measured_families
from signal_backups.core.monitoring.metrics.measurements import StorageUse
from signal_backups.core.s3.prices import load_prices
from signal_backups_tests.core.monitoring.metrics.measured import NOW, World, samples
from signal_backups_tests.servers.faults import Answer

HOST = "127.0.0.1"


def make_unreachable(world: World) -> None:
    world.s3.faults = lambda _operation: Answer(503, "SlowDown")


def make_reachable(world: World) -> None:
    world.s3.faults = lambda _operation: None


def test_the_measured_values_are_shown(world: World) -> None:
    world.put_day(world.ago(1), quarantined=1)
    started_at = NOW - timedelta(hours=10, seconds=90)
    last = world.put_day(world.newest, records=7, started_at=started_at)
    for seconds in (0.5, 2.0, 4.0, 9999.0):
        world.record(Action.BACKUP, "stored", day=str(world.newest), seconds=seconds)
    world.record(Action.DRILL, "passed", at=NOW, rto_seconds=60.0)
    exporter = world.exporter(start=world.ago(3), quota_gb=2)
    exporter.refresh()
    shown = samples(exporter)
    stored_at = shown["last_backup_timestamp"]
    assert stored_at == (NOW - timedelta(hours=10)).timestamp()
    expected = {
        "signal_backups_up": 1,
        "signal_backups_last_refresh_timestamp_seconds": NOW.timestamp(),
        "signal_backups_last_success_timestamp_seconds": stored_at,
        "signal_backups_first_success_timestamp_seconds": stored_at - 86400,
        "backup_duration_seconds": 90,
        'signal_backups_backup_duration_seconds_bucket{le="1.0"}': 1,
        'signal_backups_backup_duration_seconds_bucket{le="5.0"}': 3,
        'signal_backups_backup_duration_seconds_bucket{le="3600.0"}': 3,
        'signal_backups_backup_duration_seconds_bucket{le="+Inf"}': 4,
        "signal_backups_backup_duration_seconds_sum": 10005.5,
        "signal_backups_last_backup_records": 7,
        "signal_backups_last_backup_bytes": last.bytes,
        "signal_backups_verified_backups": 2,
        "signal_backups_missing_backups": 2,
        "signal_backups_quarantined_rows": 1,
        "signal_backups_last_drill_timestamp_seconds": NOW.timestamp(),
        "signal_backups_last_drill_success": 1,
        "signal_backups_rto_forecast_seconds": 60,
        "signal_backups_storage_quota_bytes": 2 * 2**30,
        "signal_backups_delete_markers": 0,
    }
    assert {name: shown[name] for name in expected} == expected
    assert shown['signal_backups_storage_bytes{storage_class="STANDARD"}'] >= 2 * last.bytes


def test_the_last_values_stay_while_s3_cannot_be_reached(world: World) -> None:
    world.put_day(world.newest)
    exporter = world.exporter()
    exporter.refresh()
    good = samples(exporter)
    world.clock.advance(timedelta(minutes=5))
    make_unreachable(world)
    with pytest.raises(StoreError):
        exporter.refresh()
    shown = samples(exporter)
    changed = {name for name in good if shown[name] != good[name]}
    assert changed == {
        "signal_backups_up",
        "signal_backups_refresh_failures_total",
        'signal_backups_s3_requests_total{operation="HeadBucket"}',
    }
    assert (shown["signal_backups_up"], shown["signal_backups_refresh_failures_total"]) == (0, 1)
    make_reachable(world)
    exporter.refresh()
    shown = samples(exporter)
    assert shown["signal_backups_up"] == 1
    assert shown["signal_backups_last_refresh_timestamp_seconds"] == (NOW + timedelta(minutes=5)).timestamp()


def test_a_failed_refresh_is_logged_and_not_raised(world: World, caplog: pytest.LogCaptureFixture) -> None:
    make_unreachable(world)
    exporter = world.exporter()
    exporter.refresh_or_log()
    assert "cannot measure, the last values stay: cannot look at bucket bucket" in caplog.text


def test_before_the_first_measurement_only_the_exporters_own_metrics_are_shown(world: World) -> None:
    make_unreachable(world)
    exporter = world.exporter()
    exporter.refresh_or_log()
    shown = samples(exporter)
    assert set(shown) == {
        "signal_backups_up",
        "signal_backups_last_refresh_timestamp_seconds",
        "signal_backups_refresh_duration_seconds",
        "signal_backups_refresh_failures_total",
        'signal_backups_s3_requests_total{operation="HeadBucket"}',
    }
    assert (shown["signal_backups_up"], shown["signal_backups_last_refresh_timestamp_seconds"]) == (0, 0)


def test_other_metrics_are_shown_and_an_error_in_them_hides_no_metric(world: World) -> None:
    answers: Iterator[Metric | None] = iter([GaugeMetricFamily("other", "Another.", 1), None])

    def others() -> list[Metric]:
        found = next(answers)
        if found is None:
            raise SettingsError("nobody there")
        return [found]

    exporter = Exporter(world.measurer(), world.vault.store, others)
    exporter.refresh()
    assert samples(exporter)["other"] == 1
    world.put_day(world.newest)
    exporter.refresh_or_log()
    shown = samples(exporter)
    assert (shown["signal_backups_up"], shown["other"], shown["signal_backups_verified_backups"]) == (0, 1, 1)


def test_the_counted_requests_are_those_that_s3_received(world: World) -> None:
    world.put_day(world.newest)
    exporter = world.exporter()
    with world.requests() as sent:
        exporter.refresh()
        exporter.refresh()
        make_unreachable(world)
        exporter.refresh_or_log()
    shown = samples(exporter)
    counted = {name: shown[f'signal_backups_s3_requests_total{{operation="{name}"}}'] for name in sent}
    assert counted == dict(sent)


def test_a_scrape_sends_no_request_to_s3_and_has_no_metrics_of_the_process(world: World) -> None:
    exporter = world.exporter()
    exporter.refresh()
    with exporter.serving(HOST, 0) as port, world.requests() as sent:
        text = requests.get(f"http://{HOST}:{port}/metrics", timeout=10).text
    assert not sent
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert {name for name in names if not name.startswith("signal_backups_")} == {
        "last_backup_timestamp",
        "backup_duration_seconds",
    }
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{HOST}:{port}/metrics", timeout=10)


def test_a_port_that_is_taken_is_a_usage_error(world: World) -> None:
    with closing(socket.create_server((HOST, 0))) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(SettingsError, match=f"cannot listen on {HOST} port {port}: Address already in use"),
            world.exporter().serving(HOST, port),
        ):
            pass


def test_a_file_is_replaced_atomically(world: World, tmp_path: Path) -> None:
    exporter, path, kept = world.exporter(), tmp_path / "backups.prom", tmp_path / "kept"
    exporter.refresh()
    exporter.write(path)
    before = path.read_text(encoding="utf-8")
    assert "signal_backups_up 1.0" in before
    kept.hardlink_to(path)
    world.put_day(world.newest)
    exporter.refresh()
    exporter.write(path)
    # A reader that has the old file open still reads the old content.
    assert kept.read_text(encoding="utf-8") == before
    assert "signal_backups_verified_backups 1.0" in path.read_text(encoding="utf-8")
    assert {file.name for file in tmp_path.iterdir()} >= {"backups.prom", "kept"}
    assert not list(tmp_path.glob("backups.prom.*"))


def test_a_file_that_cannot_be_written_is_an_error_of_this_machine(world: World, tmp_path: Path) -> None:
    with pytest.raises(LocalStorageError, match="No such file or directory"):
        world.exporter().write(tmp_path / "nowhere" / "backups.prom")


def test_storage_classes_that_s3_does_not_have_share_a_label(world: World) -> None:
    groups = [
        StoredGroup(kind="backups", storage_class=name, state=state, objects=2, bytes=size, padding_bytes=0)
        for name, state, size in (
            ("STANDARD", VersionState.CURRENT, 100),
            ("STANDARD", VersionState.NONCURRENT, 10),
            ("COLD", VersionState.CURRENT, 3),
            ("FROZEN", VersionState.CURRENT, 4),
            ("STANDARD", VersionState.DELETE_MARKER, 0),
        )
    ]
    storage = StorageUse(NOW, bill(Inventory(groups=tuple(groups)), load_prices("us-east-1")), None)
    found = replace(world.measurer().measure(), storage=storage)
    shown = {family.name: family.samples for family in measured_families(found)}
    stored = {sample.labels["storage_class"]: sample.value for sample in shown["signal_backups_storage_bytes"]}
    billed = {sample.labels["storage_class"] for sample in shown["signal_backups_storage_cost_dollars_per_month"]}
    assert (stored, billed) == ({"STANDARD": 110, "other": 7}, {"STANDARD", "other"})
    assert [sample.value for sample in shown["signal_backups_delete_markers"]] == [2]
    assert "signal_backups_storage_quota_bytes" not in shown
