"""Restoring archived days on the command line: asking, not waiting, waiting, going on. On moto, which can thaw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from moto.moto_api import state_manager
from typer.testing import CliRunner, Result

from signal_backups.cli.app import app
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.errors import ArchivedError
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import DAY, signal
from signal_backups_tests.samples.tables import sqlite_table

BUCKET, REGION = "archived-signals", "us-east-1"
DAYS = [DAY + timedelta(days=number) for number in range(3)]
KEYREST = "s3::keyrestore"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BackupVault]:
    """Three days in moto, the first two of them archived; a thaw takes a few looks."""
    settings = {
        "SIGNALS_DATABASE_URL": f"sqlite:///{tmp_path / 'live.db'}",
        "BACKUP_BUCKET_NAME": BUCKET,
        "SIGNAL_BACKUPS_HOME": str(tmp_path / "home"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket=BUCKET)
        vault = BackupVault(S3ObjectStore(client, BUCKET), Layout())
        vault.store.configuration.enable_versioning()
        rows = [signal(1, signal_id=f"{day}", timestamp=f"{day}T00:00:00Z") for day in DAYS]
        source = sqlite_table(tmp_path / "live.db", rows)
        for day in DAYS:
            store_backup(vault, extracted(source, tmp_path, day).folder, BackupRun("run"))
        for day in DAYS[:2]:
            archive(vault, day)
        state_manager.set_transition(KEYREST, {"progression": "manual", "times": 16})
        yield vault
        state_manager.unset_transition(KEYREST)


def archive(vault: BackupVault, day: date) -> None:
    """Give a day's current version the class GLACIER, as a lifecycle rule would."""
    from moto.s3.models import s3_backends  # noqa: PLC0415 - moto has no public way to do what time does

    (backup,) = vault.backups(day, day)
    key = s3_backends["123456789012"]["aws"].buckets[BUCKET].keys[backup.key]
    key.set_storage_class("GLACIER")
    # moto begins a thaw at the first look, and counts the looks from then on: these begin with the request.
    key.status, key._tick = "IN_PROGRESS", 0


def restore(*arguments: str) -> Result:
    command = ["restore", "--from", str(DAYS[0]), "--to", str(DAYS[2]), "--target", "sqlite:///restored.db"]
    return CliRunner().invoke(app, [*command, *arguments])


def outcomes(result: Result) -> list[str]:
    return [day["outcome"] for day in json.loads(result.stdout)["days"]]


def test_a_dry_run_says_what_a_thaw_takes_and_costs_and_asks_for_nothing(bucket: BackupVault) -> None:
    done = restore("--dry-run")
    assert done.exit_code == ArchivedError.exit_code
    assert "2 archived objects" in done.stderr
    for line in (
        "--tier Expedited: 1 min to 5 min, about $",
        "--tier Standard: 3 h to 5 h",
        "--tier Bulk: 5 h to 12 h",
    ):
        assert line in done.stderr
    (backup,) = bucket.backups(DAYS[0], DAYS[0])
    head = bucket.store.head(backup.key)
    assert head is not None
    assert head.restore_header is None


@pytest.mark.usefixtures("bucket")
def test_a_dry_run_ends_as_the_restore_that_does_not_wait() -> None:
    dry = restore("--dry-run", "--json")
    wet = restore("--no-wait", "--json")
    assert (dry.exit_code, outcomes(dry)) == (wet.exit_code, outcomes(wet)) == (5, ["archived", "archived", "restored"])


@pytest.mark.usefixtures("bucket")
def test_not_waiting_restores_what_can_be_read_and_ends_with_5() -> None:
    done = restore("--no-wait", "--json")
    assert done.exit_code == ArchivedError.exit_code == 5
    assert outcomes(done) == ["archived", "archived", "restored"]
    assert "Asked for 2 of them (Standard)" in done.stderr


@pytest.mark.usefixtures("bucket")
def test_run_again_it_asks_nothing_twice_and_goes_on_where_it_stopped() -> None:
    restore("--no-wait", "--json")
    again = restore("--no-wait", "--json")
    assert (again.exit_code, outcomes(again)) == (5, ["archived", "archived", "already there"])
    assert "Asked for 0 of them (Standard); 2 were asked for before" in again.stderr
    looks = (restore("--no-wait", "--json") for _ in range(10))
    last = next(look for look in looks if look.exit_code == 0)
    assert (last.exit_code, outcomes(last)) == (0, ["restored", "restored", "already there"])


@pytest.mark.usefixtures("bucket")
def test_waiting_shows_progress_and_restores_all(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("signal_backups.cli.thaw.time.sleep", slept.append)
    done = restore("--tier", "expedited")
    assert done.exit_code == 0
    assert slept
    assert set(slept) == {30.0}
    assert "0 of 2 thawed, expected by " in done.stderr
    assert "3 restored" in done.stdout
