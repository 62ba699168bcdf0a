"""Killed between manifest and event: the next command of the same machine that records anything writes the event."""

from __future__ import annotations

import signal as signals_of_the_system
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from signal_backups.connect import settling
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.ledger.announcements import AnnouncedManifest, HeldAnnouncement
from signal_backups.core.ledger.event import Action, Event, Result
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault import writing
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.backup.test_killed_runs import BUCKET, Killed, copied, kill_at
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import DAY, signals
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3


@pytest.fixture
def memory() -> StrictS3:
    memory = StrictS3(utc_now)
    create_versioned_bucket(memory.client(), BUCKET)
    return memory


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def vault_of(memory: StrictS3, outbox: Path) -> BackupVault:
    """The vault as another command of the same machine opens it."""
    return settling(BackupVault(S3ObjectStore(memory.client(), BUCKET), Layout(), outbox=outbox))


def announced(outbox: Path) -> list[Path]:
    return sorted(outbox.glob("*.announced"))


def events_of(vault: BackupVault, action: Action) -> list[Event]:
    return [event for event in vault.trail.events() if event.action is action]


def assert_every_manifest_has_its_event(memory: StrictS3, outbox: Path) -> None:
    """And no event names a manifest that was never written."""
    store = S3ObjectStore(memory.client(), BUCKET, clock=lambda: utc_now() + timedelta(days=1))
    later = BackupVault(store, Layout(), outbox=outbox)
    assert [str(finding) for finding in examine_trail(later).findings if "no event names" in str(finding)] == []
    logged = {entry.number: sha256(entry.body).hexdigest() for entry in later.manifest_log.entries()}
    named = [event.details["manifest"] for event in later.trail.events() if "manifest" in event.details]
    assert [name for name in named if logged.get(name["number"]) != name["sha256"]] == []
    assert sorted(name["number"] for name in named) == sorted(logged), "each once"


def test_a_backup_leaves_nothing_behind(memory: StrictS3, outbox: Path, run_day: RunDay) -> None:
    store_backup(vault_of(memory, outbox), run_day(signals(3)).folder, BackupRun("run"))
    assert announced(outbox) == []
    assert_every_manifest_has_its_event(memory, outbox)


@pytest.mark.slow
def test_wherever_it_is_killed_the_next_command_writes_what_is_missing(
    memory: StrictS3, tmp_path: Path, run_day: RunDay
) -> None:
    store_backup(vault_of(memory, tmp_path / "first"), run_day(signals(3), file="1.db").folder, BackupRun("first"))
    folder, were_announced = run_day(signals(4), file="2.db").folder, 0
    for write in count(1):
        bucket, outbox = memory.copy(), tmp_path / f"outbox-{write}"
        kill_at(bucket, write)
        vault = vault_of(bucket, outbox)
        try:
            store_backup(vault, copied(folder, tmp_path / f"killed-{write}"), BackupRun("killed"))
        except Killed:
            bucket.faults = lambda _: None
            vault.trail.release_announced()  # as the end of its process would
        else:
            break
        were_announced += len(announced(outbox))
        vault_of(bucket, outbox).trail.record(Action.DRILL, Result.PASSED)
        assert announced(outbox) == [], write
        assert_every_manifest_has_its_event(bucket, outbox)
    assert were_announced


def test_it_says_when_and_by_whom_the_backup_was_made(memory: StrictS3, outbox: Path, run_day: RunDay) -> None:
    vault = vault_of(memory, outbox)
    vault.trail.log.append = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        store_backup(vault, run_day(signals(3)).folder, BackupRun("killed"))
    vault.trail.release_announced()
    vault_of(memory, outbox).trail.record(Action.DRILL, Result.PASSED)
    afterwards, _ = vault_of(memory, outbox).trail.events()
    assert (afterwards.result, afterwards.details["run_id"]) == ("stored", "killed")
    assert afterwards.details["recorded_afterwards"] is True


def killed(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("earlier", [False, True], ids=["first backup", "second backup"])
def test_a_manifest_that_was_logged_and_not_put_is_unfinished_and_not_deleted(
    memory: StrictS3, outbox: Path, run_day: RunDay, monkeypatch: pytest.MonkeyPatch, *, earlier: bool
) -> None:
    if earlier:
        store_backup(vault_of(memory, outbox), run_day(signals(2), file="1.db").folder, BackupRun("first"))
    vault = vault_of(memory, outbox)
    folder = run_day(signals(3), file="2.db").folder
    monkeypatch.setattr(writing._ManifestWriter, "_put", killed)
    with pytest.raises(Killed):
        store_backup(vault, folder, BackupRun("killed"))
    vault.trail.release_announced()
    vault_of(memory, outbox).trail.record(Action.DRILL, Result.PASSED)
    assert [event.result for event in events_of(vault, Action.BACKUP)][-1] == "overtaken"
    store = S3ObjectStore(memory.client(), BUCKET, clock=lambda: utc_now() + timedelta(days=1))
    (finding,) = examine_trail(BackupVault(store, Layout(), outbox=outbox)).findings
    assert "a backup was interrupted" in str(finding)


def test_an_undelete_is_settled_as_one(memory: StrictS3, outbox: Path, run_day: RunDay, tmp_path: Path) -> None:
    vault = vault_of(memory, outbox)
    first = store_backup(vault, run_day(signals(3), file="1.db").folder, BackupRun("first")).manifest
    store_backup(vault, run_day(signals(4), file="2.db").folder, BackupRun("second"))
    undeleting = vault_of(memory, outbox)
    undeleting.trail.log.append = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        undelete(undeleting, DAY, first.backup.version_id, tmp_path / "scratch")
    undeleting.trail.release_announced()
    vault_of(memory, outbox).trail.record(Action.DRILL, Result.PASSED)
    (event,) = events_of(vault, Action.UNDELETE)
    assert event.result == "copied up"
    assert_every_manifest_has_its_event(memory, outbox)


@pytest.mark.parametrize("number", [1, 2], ids=["taken by another", "never taken"])
def test_a_manifest_that_was_never_written_gets_no_event(
    memory: StrictS3, outbox: Path, run_day: RunDay, number: int
) -> None:
    store_backup(vault_of(memory, outbox), run_day(signals(3)).folder, BackupRun("run"))
    HeldAnnouncement.create(outbox, AnnouncedManifest(day=DAY, number=number, sha256="0" * 64)).release()
    vault = vault_of(memory, outbox)
    vault.trail.record(Action.DRILL, Result.PASSED)
    assert announced(outbox) == []
    assert [event.action for event in vault.trail.events()] == [Action.BACKUP, Action.DRILL]


def test_killed_after_its_event_was_stored(memory: StrictS3, outbox: Path, run_day: RunDay) -> None:
    vault = vault_of(memory, outbox)
    store_backup(vault, run_day(signals(3)).folder, BackupRun("run"))
    (entry,) = vault.manifest_log.entries()
    HeldAnnouncement.create(outbox, AnnouncedManifest(day=DAY, number=1, sha256=entry.sha256)).release()
    vault_of(memory, outbox).trail.record(Action.DRILL, Result.PASSED)
    assert announced(outbox) == []
    assert [event.action for event in vault.trail.events()] == [Action.BACKUP, Action.DRILL]


def test_one_that_lives_is_left_alone(memory: StrictS3, outbox: Path) -> None:
    writing = HeldAnnouncement.create(outbox, AnnouncedManifest(day=DAY, number=1, sha256="0" * 64))
    vault_of(memory, outbox).trail.record(Action.DRILL, Result.PASSED)
    assert len(announced(outbox)) == 1
    writing.withdraw()
    assert announced(outbox) == []


def test_half_an_announcement_was_followed_by_nothing(memory: StrictS3, outbox: Path) -> None:
    outbox.mkdir()
    (outbox / "0000000001_00.announced").write_text('{"day": "2026', encoding="utf-8")
    vault_of(memory, outbox).trail.record(Action.DRILL, Result.PASSED)
    assert announced(outbox) == []


def test_one_that_cannot_be_settled_keeps_no_other_event_waiting(memory: StrictS3, outbox: Path) -> None:
    def settle(_: AnnouncedManifest) -> None:
        raise VerificationError("it is not a manifest")

    HeldAnnouncement.create(outbox, AnnouncedManifest(day=DAY, number=1, sha256="0" * 64)).release()
    vault = vault_of(memory, outbox)
    vault.trail.settle = settle
    assert vault.trail.record(Action.DRILL, Result.PASSED) is not None
    assert len(announced(outbox)) == 1


def test_while_the_store_is_away_it_keeps_waiting(memory: StrictS3, outbox: Path) -> None:
    HeldAnnouncement.create(outbox, AnnouncedManifest(day=DAY, number=1, sha256="0" * 64)).release()
    vault = vault_of(memory, outbox)
    memory.fail_next(100, "SlowDown", 503)
    assert vault.trail.record(Action.DRILL, Result.PASSED) is None
    assert (len(announced(outbox)), vault.trail.waiting()) == (1, 1)


def test_an_outbox_that_cannot_be_written_costs_no_backup(
    memory: StrictS3, outbox: Path, run_day: RunDay, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.write_text("a file", encoding="utf-8")
    assert store_backup(vault_of(memory, outbox), run_day(signals(3)).folder, BackupRun("run")).event == 1
    assert "manifest 1 is not announced in" in caplog.text


#: Announces a manifest, and is killed.
_KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from signal_backups.core.ledger.announcements import AnnouncedManifest, HeldAnnouncement
held = HeldAnnouncement.create(Path(sys.argv[1]), AnnouncedManifest(day=date(2026, 1, 1), number=1, sha256="0" * 64))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_system_releases_what_a_killed_process_held(memory: StrictS3, outbox: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, str(outbox)], check=False)
    assert done.returncode == -signals_of_the_system.SIGKILL
    assert len(announced(outbox)) == 1
    vault_of(memory, outbox).trail.record(Action.DRILL, Result.PASSED)
    assert announced(outbox) == []
