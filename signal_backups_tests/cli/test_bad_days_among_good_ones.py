"""A day that is deleted, destroyed or has two objects, among good ones: each command says the same of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from signal_backups.core.vault.layout import BackupSlot
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import TYPES, StoredDays, day_at, rows_of, stored_days
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.damage.damages import OLDER_TIME
from signal_backups_tests.samples.tables import sqlite_table

DAYS = [day_at(number) for number in range(3)]
MIDDLE = DAYS[1]


@pytest.fixture
def stored(tmp_path: Path, s3_server: S3Server) -> Iterator[StoredDays]:
    """Three days."""
    with stored_days(tmp_path, s3_server) as stored:
        for day in DAYS:
            stored.store(day, rows_of(day, 2))
        sqlite_table(tmp_path / "source.db", [row for day in DAYS for row in rows_of(day, 2)], TYPES)
        yield stored


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    """A terminal that looks at them."""
    return stored.terminal(tmp_path, SIGNAL_BACKUPS_START_DATE=DAYS[0].isoformat())


@pytest.mark.parametrize(("is_destroyed", "words"), [(False, "was deleted"), (True, "was destroyed")])
def test_reconcile_compares_the_other_days(
    stored: StoredDays, terminal: Terminal, words: str, *, is_destroyed: bool
) -> None:
    (stored.remove if is_destroyed else stored.delete)(stored.key(MIDDLE))
    done = terminal.run("reconcile", "--from", str(DAYS[0]), "--to", str(DAYS[2]), "--json")
    assert done.code == 1
    assert [day["day"] for day in done.json["days"] if day["ok"]] == [str(DAYS[0]), str(DAYS[2])]
    (failure,) = done.json["failures"]
    assert (failure["day"], words in failure["problem"]) == (str(MIDDLE), True)


@pytest.mark.parametrize(("is_destroyed", "state"), [(False, "hidden"), (True, "destroyed")])
def test_list_and_status_name_the_same_state(
    stored: StoredDays, terminal: Terminal, state: str, *, is_destroyed: bool
) -> None:
    (stored.remove if is_destroyed else stored.delete)(stored.key(MIDDLE))
    listed = terminal.run("list", "--json").json["backups"]
    assert [each["state"] for each in listed] == ["verified", state, "verified"]
    assert terminal.run("status", "--json").json["day_states"][str(MIDDLE)] == [state]


def test_the_verification_of_another_object_says_nothing_of_the_day(stored: StoredDays, terminal: Terminal) -> None:
    stored.put(stored.vault.layout.backup_key(BackupSlot(MIDDLE, OLDER_TIME)), b"other")
    key = stored.vault.layout.backup_key(BackupSlot(MIDDLE, OLDER_TIME))
    assert terminal.run("verify", key).code == 1
    assert terminal.run("status", "--json").json["day_states"][str(MIDDLE)] == ["other_object", "verified"]
    assert terminal.run("verify", "--date", str(MIDDLE)).code == 0
