"""Several processes write to one trail at once: no number twice, none left out, no event lost."""

from __future__ import annotations

import multiprocessing

import pytest

from signal_backups.core.ledger import chained_log
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.ledger.event import Action, Actor
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault


def write_events(connection: S3Connection, bucket: str, writer: int, events: int, folder_size: int) -> None:
    """What one process writes."""
    chained_log.FOLDER_SIZE = folder_size
    vault = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout(), actor=Actor.here(f"writer {writer}"))
    for number in range(events):
        assert vault.trail.record(Action.VERIFICATION, "passed", details={"number": number}) is not None


@pytest.mark.parametrize(
    ("writers", "events", "folder_size"),
    [
        pytest.param(4, 25, 10, id="4 x 25, ten folders"),
        pytest.param(8, 200, chained_log.FOLDER_SIZE, id="8 x 200, folders of their real size", marks=pytest.mark.slow),
    ],
)
def test_several_processes_write_to_one_trail_at_once(
    connection: S3Connection, bucket: str, monkeypatch: pytest.MonkeyPatch, writers: int, events: int, folder_size: int
) -> None:
    assert writers * events > folder_size, "the writers fill more than one folder"
    monkeypatch.setattr(chained_log, "FOLDER_SIZE", folder_size)
    # Spawned, not forked: this process has threads and open connections.
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=write_events, args=(connection, bucket, number, events, folder_size))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * writers
    vault = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout())
    assert all(len(versions) == 1 for versions in vault.trail.log.versions().values())
    entries = list(vault.trail.log.entries())
    assert [entry.number for entry in entries] == list(range(1, writers * events + 1))
    found = list(vault.trail.events())
    assert [event.number for event in found] == [entry.number for entry in entries]
    assert [event.previous for event in found] == [FIRST, *(entry.sha256 for entry in entries[:-1])]
    written = sorted((event.actor.run_id, event.details["number"]) for event in found)
    assert written == sorted((f"writer {writer}", number) for writer in range(writers) for number in range(events))
