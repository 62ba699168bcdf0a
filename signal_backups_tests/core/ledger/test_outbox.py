"""Events that cannot be written wait on this machine, and each is written once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from signal_backups.core.base.errors import StoreError
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.ledger.outbox import Outbox
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.trails import BUCKET, START, occurrence
from signal_backups_tests.servers.faults import Answer
from signal_backups_tests.servers.strict_s3 import LostAnswer, StrictS3


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def vault_of(s3: StrictS3, outbox: Path | None) -> BackupVault:
    """A vault as another process would open it."""
    return BackupVault(S3ObjectStore(s3.client(), BUCKET), Layout(), outbox=outbox)


def refuse(s3: StrictS3, operation: str) -> None:
    s3.faults = lambda called: Answer(503, "SlowDown") if called == operation else None


def heal(s3: StrictS3) -> None:
    s3.faults = lambda _operation: None


def results(vault: BackupVault) -> list[str]:
    return [event.result for event in vault.trail.events()]


def test_an_event_that_is_refused_waits_and_goes_first(
    s3: StrictS3, outbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vault = vault_of(s3, outbox)
    refuse(s3, "PutObject")
    assert vault.trail.record(Action.BACKUP, "one", at=START) is None
    assert vault.trail.record(Action.BACKUP, "two") is None
    assert vault.trail.waiting() == 2
    assert "the audit event of this backup is not written yet and waits in" in caplog.text
    heal(s3)
    event = vault_of(s3, outbox).trail.record(Action.DRILL, "three")
    assert event is not None
    assert event.number == 3
    assert results(vault) == ["one", "two", "three"]
    assert next(iter(vault.trail.events())).at == START
    assert (vault.trail.waiting(), list(outbox.glob("*.json"))) == (0, [])


def test_without_an_outbox_it_is_an_error(s3: StrictS3) -> None:
    vault = vault_of(s3, None)
    refuse(s3, "PutObject")
    with pytest.raises(StoreError):
        vault.trail.record(Action.BACKUP, "one")
    assert (vault.trail.waiting(), vault.trail.write_waiting()) == (0, 0)


@pytest.mark.parametrize("operation", ["PutObject", "GetObject"])
def test_an_event_that_was_stored_although_no_answer_came(s3: StrictS3, outbox: Path, operation: str) -> None:
    vault = vault_of(s3, outbox)
    vault.trail.record(Action.BACKUP, "one")
    # The answer to the event, or to reading it back.
    s3.faults = lambda called: LostAnswer() if called == operation else None
    assert vault.trail.record(Action.BACKUP, "two") is None
    assert vault.trail.waiting() == 1
    heal(s3)
    assert vault_of(s3, outbox).trail.record(Action.BACKUP, "three") is not None
    assert results(vault) == ["one", "two", "three"]
    assert vault.trail.waiting() == 0


def test_an_answer_that_is_lost_again_while_the_outbox_is_written(s3: StrictS3, outbox: Path) -> None:
    vault = vault_of(s3, outbox)
    refuse(s3, "PutObject")
    vault.trail.record(Action.BACKUP, "one")
    s3.faults = lambda called: LostAnswer() if called == "PutObject" else None
    with pytest.raises(StoreError):
        vault.trail.write_waiting()
    heal(s3)
    assert vault_of(s3, outbox).trail.write_waiting() == 1
    assert results(vault) == ["one"]


@pytest.mark.parametrize("refused", ["PutObject", "ListObjectVersions"])
def test_a_process_that_is_killed_between_storing_an_event_and_removing_its_file(
    s3: StrictS3, outbox: Path, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = vault_of(s3, outbox)
    refuse(s3, refused)
    vault.trail.record(Action.BACKUP, "one")
    heal(s3)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _killed)
        with pytest.raises(KeyboardInterrupt):
            vault.trail.write_waiting()
    assert (results(vault), vault.trail.waiting()) == (["one"], 1)
    assert vault_of(s3, outbox).trail.write_waiting() == 1
    assert (results(vault), vault.trail.waiting()) == (["one"], 0)


def _killed(_path: Path) -> None:
    raise KeyboardInterrupt


def test_an_event_of_somebody_else_under_a_tried_number_is_not_taken_for_ours(s3: StrictS3, outbox: Path) -> None:
    vault = vault_of(s3, outbox)
    refuse(s3, "PutObject")
    vault.trail.record(Action.BACKUP, "mine")
    heal(s3)
    vault_of(s3, None).trail.record(Action.BACKUP, "another's")
    vault.trail.write_waiting()
    assert results(vault) == ["another's", "mine"]


def test_a_file_that_is_no_event_is_set_aside(s3: StrictS3, outbox: Path, caplog: pytest.LogCaptureFixture) -> None:
    vault = vault_of(s3, outbox)
    refuse(s3, "PutObject")
    vault.trail.record(Action.BACKUP, "one")
    (outbox / "0.json").write_text("{", encoding="utf-8")
    heal(s3)
    assert vault.trail.record(Action.BACKUP, "two") is not None
    assert (results(vault), vault.trail.waiting()) == (["one", "two"], 0)
    assert (outbox / "0.unreadable").read_text(encoding="utf-8") == "{"
    assert "0.json is no audit event: it was set aside" in caplog.text


def test_an_outbox_that_cannot_be_made_loses_nothing_while_the_store_takes_events(s3: StrictS3, outbox: Path) -> None:
    outbox.write_text("a file", encoding="utf-8")
    assert vault_of(s3, outbox).trail.record(Action.BACKUP, "one") is not None


def test_an_event_that_nothing_takes_is_in_the_log_output(
    s3: StrictS3, outbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.write_text("a file", encoding="utf-8")
    refuse(s3, "PutObject")
    assert vault_of(s3, outbox).trail.record(Action.BACKUP, "one") is None
    (logged,) = [each for each in caplog.records if each.levelname == "CRITICAL"]
    assert "THE AUDIT EVENT OF THIS backup IS LOST" in logged.getMessage()
    assert '"result":"one"' in logged.getMessage()


def test_an_outbox_that_cannot_be_locked_keeps_only_its_own_events_waiting(
    s3: StrictS3, outbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vault = vault_of(s3, outbox)
    refuse(s3, "PutObject")
    vault.trail.record(Action.BACKUP, "one")
    heal(s3)
    (outbox / "lock").mkdir()  # cannot be opened, like that of another user
    assert vault.trail.record(Action.BACKUP, "two") is not None
    assert (results(vault), vault.trail.waiting()) == (["two"], 1)
    assert f"the audit events in {outbox} keep waiting" in caplog.text


def flush(connection: S3Connection, bucket: str, outbox: Path) -> None:
    """One process that writes what waits."""
    vault = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout(), outbox=outbox)
    vault.trail.write_waiting()


def test_two_processes_that_write_the_same_outbox_store_each_event_once(
    connection: S3Connection, bucket: str, outbox: Path
) -> None:
    count = 20
    for number in range(count):
        Outbox(outbox).keep(occurrence(number), [])
    processes = multiprocessing.get_context("spawn")
    writers = [processes.Process(target=flush, args=(connection, bucket, outbox)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    log = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout()).trail.log
    events = [Event.from_bytes(entry.body, entry.key) for entry in log.entries()]
    assert [event.details["count"] for event in events] == list(range(count))
