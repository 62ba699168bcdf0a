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

WRITERS = 4
EVENTS = 25
#: The hundred events fill ten folders.
FOLDER_SIZE = 10


def write_events(connection: S3Connection, bucket: str, writer: int) -> None:
    """What one process writes."""
    chained_log.FOLDER_SIZE = FOLDER_SIZE
    vault = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout(), actor=Actor.here(f"writer {writer}"))
    for number in range(EVENTS):
        assert vault.trail.record(Action.VERIFICATION, "passed", details={"number": number}) is not None


def test_several_processes_write_to_one_trail_at_once(
    connection: S3Connection, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chained_log, "FOLDER_SIZE", FOLDER_SIZE)
    # Spawned, not forked: this process has threads and open connections.
    processes = multiprocessing.get_context("spawn")
    writers = [processes.Process(target=write_events, args=(connection, bucket, number)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    vault = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout())
    assert all(len(versions) == 1 for versions in vault.trail.log.versions().values())
    entries = list(vault.trail.log.entries())
    assert [entry.number for entry in entries] == list(range(1, WRITERS * EVENTS + 1))
    events = list(vault.trail.events())
    assert [event.number for event in events] == [entry.number for entry in entries]
    assert [event.previous for event in events] == [FIRST, *(entry.sha256 for entry in entries[:-1])]
    written = sorted((event.actor.run_id, event.details["number"]) for event in events)
    assert written == sorted((f"writer {writer}", number) for writer in range(WRITERS) for number in range(EVENTS))
