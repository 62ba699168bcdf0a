"""``signal-backups undelete`` and ``versions``: a backup that somebody deleted comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from itertools import count
from pathlib import Path

import pytest

from signal_backups.core.ledger.event import Action
from signal_backups.core.vault.manifest import Manifest
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import (
    StoredDays,
    as_held,
    day_at,
    held_in_sqlite,
    rows_of,
    stored_days,
)
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.core.ledger.recorded_events import beside_the_trail, recorded_events

DAYS = count()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[StoredDays]:
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        yield stored


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    return stored.terminal(tmp_path)


@pytest.fixture
def backup(stored: StoredDays) -> Manifest:
    """The backup of a day that belongs to the test alone."""
    day = day_at(next(DAYS))
    return stored.store(day, rows_of(day, 6))


def deleted_later(stored: StoredDays, backup: Manifest) -> str:
    """Delete the object in a later second than it was stored in, and return an instant between the two."""
    key = backup.backup.key
    while True:
        stored.delete(key)
        marker = stored.vault.store.list_versions(key)[0]
        # Stores keep whole seconds.
        before = marker.last_modified.replace(microsecond=0) - timedelta(microseconds=1)
        if before > backup.verification.verified_at:
            return before.astimezone(UTC).isoformat()
        stored.vault.store.remove_delete_marker(marker)


def test_a_deleted_backup_is_restored_as_of_before_and_after_undelete(
    stored: StoredDays, terminal: Terminal, backup: Manifest, tmp_path: Path
) -> None:
    day, expected = backup.day.isoformat(), as_held(rows_of(backup.day, 6))
    before = deleted_later(stored, backup)
    refused = terminal.run("restore", day, "--target", "sqlite:///now.db")
    assert refused.code == 4
    assert f"signal-backups undelete {day}" in refused.err
    assert terminal.run("restore", day, "--target", "sqlite:///then.db", "--as-of", before).code == 0
    assert held_in_sqlite(tmp_path / "then.db") == expected

    undone = terminal.run("undelete", day, "--json")

    assert undone.code == 0, undone.err
    assert set(undone.json) == {"ok", "day", "key", "version_id", "removed_markers", "copied_from", "event"}
    assert (undone.json["version_id"], undone.json["copied_from"]) == (backup.backup.version_id, None)
    assert len(undone.json["removed_markers"]) == 1
    event = recorded_events(stored.vault, Action.UNDELETE)[-1]
    assert (event.number, event.details["day"]) == (undone.json["event"], day)
    assert terminal.run("restore", day, "--target", "sqlite:///now.db").code == 0
    assert held_in_sqlite(tmp_path / "now.db") == expected


def test_undeleting_says_what_it_did_and_does_nothing_the_second_time(
    stored: StoredDays, terminal: Terminal, backup: Manifest
) -> None:
    stored.delete(backup.backup.key)
    first = terminal.run("undelete", backup.day.isoformat())
    assert first.code == 0
    assert "Removed the delete marker" in first.out
    assert f"Recorded as event {recorded_events(stored.vault)[-1].number}\n" in first.out
    objects = stored.vault.store.list_versions("")
    second = terminal.run("undelete", backup.day.isoformat())
    assert second.code == 0
    assert "nothing to undo" in second.out
    assert stored.vault.store.list_versions("") == objects


def test_an_older_version_is_copied_up_and_all_versions_stay(
    stored: StoredDays, terminal: Terminal, backup: Manifest, tmp_path: Path
) -> None:
    newer = stored.store(backup.day, rows_of(backup.day, 3), accept="a test")
    done = terminal.run("undelete", backup.day.isoformat(), "--version-id", backup.backup.version_id)
    assert done.code == 0, done.err
    assert f"Copied version {backup.backup.version_id} up" in done.out
    versions = terminal.run("versions", backup.day.isoformat(), "--json").json["versions"]
    assert [version["records"] for version in versions] == [6, 3, 6]
    assert [version["version_id"] for version in versions[1:]] == [newer.backup.version_id, backup.backup.version_id]
    assert [version["is_current"] for version in versions] == [True, False, False]
    assert terminal.run("restore", backup.day.isoformat(), "--target", "sqlite:///now.db").code == 0
    assert held_in_sqlite(tmp_path / "now.db") == as_held(rows_of(backup.day, 6))


def test_a_version_that_does_not_verify_is_not_brought_back(
    stored: StoredDays, terminal: Terminal, backup: Manifest
) -> None:
    damaged = stored.put(backup.backup.key, stored.body(backup.day)[:-30])
    stored.claim(backup, version_id=damaged)
    stored.put(backup.backup.key, b"overwritten")
    before = beside_the_trail(stored.vault)
    done = terminal.run("undelete", backup.day.isoformat(), "--version-id", damaged)
    assert done.code == 1
    assert "does not verify" in done.err
    assert beside_the_trail(stored.vault) == before


def test_versions_shows_states_and_locks(stored: StoredDays, terminal: Terminal, backup: Manifest) -> None:
    stored.put(backup.backup.key, b"overwritten")
    marker = stored.delete(backup.backup.key)
    shown = terminal.run("versions", backup.day.isoformat())
    assert shown.code == 0
    header, *_ = (line for line in shown.out.splitlines() if "stored at" in line)
    assert "lock" in header
    rows = [line for line in shown.out.splitlines() if backup.backup.key in line]
    assert ["delete marker, current" in row for row in rows] == [True, False, False]
    assert "older, not verified" in rows[1]
    assert "older, verified" in rows[2]
    document = terminal.run("versions", backup.day.isoformat(), "--json").json["versions"]
    assert [version["lock"] for version in document] == [None, "none", "none"]
    assert document[0]["version_id"] == marker


def test_what_was_never_there_is_code_4_and_wrong_usage_code_2(
    stored: StoredDays, terminal: Terminal, backup: Manifest
) -> None:
    before = stored.vault.store.list_versions("")
    for arguments, code in (
        (("1999-01-01",), 4),
        ((backup.day.isoformat(), "--version-id", "unknown"), 4),
        (("yesterday",), 2),
        ((), 2),
    ):
        done = terminal.run("undelete", *arguments)
        assert done.code == code, (arguments, done.err)
        assert done.out == ""
    assert stored.vault.store.list_versions("") == before
