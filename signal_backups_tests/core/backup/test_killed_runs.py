"""A run that is killed before any of its writes: the next backup of its day leaves nothing to report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.integrity.log.findings import Fault
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3

BUCKET = "backups"
BAD = signal(7, action="HOLD")


class Killed(BaseException):
    """The process is gone."""


def vault_of(memory: StrictS3, **options: Any) -> BackupVault:
    return BackupVault(S3ObjectStore(memory.client(), BUCKET, **options), Layout())


def kill_at(memory: StrictS3, write: int) -> None:
    """Kill a run before its write of that number; what it reads between two writes makes no difference."""
    numbers = count(1)

    def plan(operation: str) -> None:
        if operation == "PutObject" and next(numbers) == write:
            raise Killed

    memory.faults = plan


def examined(memory: StrictS3) -> list[Fault]:
    """What an examination finds a day later."""
    later = vault_of(memory, clock=lambda: utc_now() + timedelta(days=1))
    return [finding.kind for finding in examine_trail(later).findings]


def copied(folder: DayFolder, path: Path) -> DayFolder:
    shutil.copytree(folder.path, path)
    return DayFolder(path, folder.day)


def events_of(memory: StrictS3, action: Action) -> list[Event]:
    return [event for event in vault_of(memory).trail.events() if event.action is action]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "then", "accept"),
    [
        ([], signals(4), None),
        (signals(3), signals(4), None),
        (signals(3), [*signals(3), BAD], None),
        ([*signals(4), BAD], signals(2), "ticket 17"),
    ],
    ids=["first", "more", "quarantine", "accepted"],
)
def test_the_next_backup_writes_the_events_that_are_missing(
    run_day: RunDay, tmp_path: Path, first: Sequence[Row], then: Sequence[Row], accept: str | None
) -> None:
    memory = StrictS3(utc_now)
    create_versioned_bucket(memory.client(), BUCKET)
    if first:
        store_backup(vault_of(memory), run_day(first, file="first.db").folder, BackupRun("first"))
    folder = run_day(then, file="then.db").folder
    run, was_missing = BackupRun("then", accept_changes=accept), False
    for write in count(1):
        bucket = memory.copy()
        kill_at(bucket, write)
        try:
            store_backup(vault_of(bucket), copied(folder, tmp_path / f"killed-{write}"), run)
        except Killed:
            bucket.faults = lambda _: None
        else:
            break
        was_missing |= Fault.WITHOUT_EVENT in examined(bucket)
        store_backup(vault_of(bucket), copied(folder, tmp_path / f"again-{write}"), run)
        assert examined(bucket) == [], write
        assert vault_of(bucket).find(DAY).is_vouched
        accepted = events_of(bucket, Action.CHANGES_ACCEPTED)
        assert [event.details["reason"] for event in accepted] == ([accept] if accept else []), write
        numbers = [event.number for event in vault_of(bucket).trail.events()]
        store_backup(vault_of(bucket), copied(folder, tmp_path / f"third-{write}"), BackupRun("third"))
        assert len(list(vault_of(bucket).trail.events())) == len(numbers) + 1, "once only"
    assert was_missing


def test_it_says_that_it_was_written_afterwards(run_day: RunDay, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = StrictS3(utc_now)
    create_versioned_bucket(memory.client(), BUCKET)
    vault = vault_of(memory)

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(vault.trail, "record", killed)
        with pytest.raises(Killed):
            store_backup(vault, run_day(signals(3), file="one.db").folder, BackupRun("killed"))
    manifest = vault.manifest(BackupSlot(DAY))
    assert manifest is not None
    store_backup(vault, run_day(signals(3), file="two.db").folder, BackupRun("next"))
    afterwards, own = vault.trail.events()
    assert afterwards.details["recorded_afterwards"] is True
    assert (afterwards.result, afterwards.details["run_id"], afterwards.at) == (
        "stored",
        "killed",
        manifest.finished_at,
    )
    assert afterwards.details["manifest"]["number"] == manifest.number
    assert (own.result, "recorded_afterwards" in own.details) == ("unchanged", False)


def test_an_undelete_that_was_killed_gets_its_event_too(run_day: RunDay, tmp_path: Path) -> None:
    memory = StrictS3(utc_now)
    create_versioned_bucket(memory.client(), BUCKET)
    first = store_backup(vault_of(memory), run_day(signals(3), file="one.db").folder, BackupRun("first")).manifest
    store_backup(vault_of(memory), run_day(signals(4), file="two.db").folder, BackupRun("second"))
    for write in count(1):
        bucket = memory.copy()
        kill_at(bucket, write)
        try:
            undelete(vault_of(bucket), DAY, first.backup.version_id, tmp_path / "scratch")
        except Killed:
            bucket.faults = lambda _: None
        else:
            break
        store_backup(vault_of(bucket), run_day(signals(4), file=f"again-{write}.db").folder, BackupRun("again"))
        assert examined(bucket) == [], write


def test_the_first_backup_of_a_day_looks_for_nothing(run_day: RunDay, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = StrictS3(utc_now)
    create_versioned_bucket(memory.client(), BUCKET)
    looked: list[object] = []
    monkeypatch.setattr(
        "signal_backups.core.backup.store_backup.record_missing_events", lambda *arguments: looked.append(arguments)
    )
    store_backup(vault_of(memory), run_day(signals(3), file="one.db").folder, BackupRun("first"))
    assert looked == []
    store_backup(vault_of(memory), run_day(signals(3), file="two.db").folder, BackupRun("second"))
    assert len(looked) == 1
