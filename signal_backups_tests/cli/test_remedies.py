"""What an error tells people to do works in the state in which it is printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from signal_backups.core.vault.manifest import Manifest
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import FIRST, TYPES, StoredDays, day_at, rows_of, stored_days
from signal_backups_tests.cli.terminal import Finished, Terminal
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import sqlite_table

FRESH_DAYS = count()
_WORD = r'(?: (?:verify|--[a-z-]+|"[^"]*"|\d{4}-\d\d-\d\d|TARGET|DATE|VERSION_ID|[\w/-]*\d[\w/-]*(?:\.csv)?))'
_COMMAND = re.compile(rf"signal-backups ([a-z]+{_WORD}*)")
#: The others only look.
_MENDING = ("undelete", "backup", "restore")


@dataclass(frozen=True)
class Day:
    """A day that was backed up with four good rows, and then with six and one in quarantine."""

    stored: StoredDays
    older: Manifest
    newest: Manifest

    @property
    def day(self) -> date:
        return self.newest.day

    def destroy_version(self, manifest: Manifest) -> None:
        key, version_id = manifest.backup.key, manifest.backup.version_id
        self.stored.client.delete_object(Bucket=self.stored.bucket, Key=key, VersionId=version_id)

    def damage(self) -> None:
        """Let the newest manifest name a damaged version; two good ones are below."""
        body = self.stored.body(self.day).replace(b"-00002,EURUSD", b"-00002,USDEUR")
        self.stored.claim(self.newest, version_id=self.stored.put(self.newest.backup.key, body))


def hidden(day: Day) -> None:
    day.stored.delete(day.newest.backup.key)


def hidden_and_never_vouched(day: Day) -> None:
    day.stored.remove(day.stored.manifest_key(day.day))
    hidden(day)


def destroyed(day: Day) -> None:
    day.stored.remove(day.newest.backup.key)


def newest_version_gone(day: Day) -> None:
    day.destroy_version(day.newest)


def damaged(day: Day) -> None:
    day.damage()


def no_good_version(day: Day) -> None:
    day.damage()
    for manifest in (day.older, day.newest):
        day.destroy_version(manifest)


def without_quarantine(day: Day) -> None:
    assert day.newest.quarantine is not None
    day.stored.remove(day.newest.quarantine.key)


def unreadable_manifest(day: Day) -> None:
    day.stored.put(day.stored.manifest_key(day.day), b"{}")


def never_backed_up(day: Day) -> None:
    for key in (day.newest.backup.key, day.stored.manifest_key(day.day)):
        day.stored.remove(key)


RESTORE = "restore {day} --target TARGET"
RECONCILE = "reconcile --from {day} --to {day}"
#: Harm, command, what the database has of the day by now: rows as before, or fewer.
CASES = [
    (hidden, RESTORE, 6),
    (hidden_and_never_vouched, RESTORE, 6),
    (destroyed, RESTORE, 6),
    (destroyed, RESTORE, 5),
    (damaged, RESTORE, 6),
    (no_good_version, RESTORE, 6),
    (no_good_version, RESTORE, 5),
    (without_quarantine, f"{RESTORE} --include-quarantined", 6),
    (damaged, RECONCILE, 6),
    (no_good_version, RECONCILE, 6),
    (destroyed, RECONCILE, 6),
    (without_quarantine, RECONCILE, 6),
    (hidden_and_never_vouched, "undelete {day}", 6),
    (no_good_version, "undelete {day}", 6),
    (destroyed, "undelete {day}", 5),
    (never_backed_up, "undelete {day}", 6),
    (newest_version_gone, "backup {day}", 5),
    (no_good_version, "backup {day}", 5),
    (damaged, "backup {day}", 5),
    (destroyed, "backup {day}", 5),
    (hidden, "verify --date {day}", 6),
    (unreadable_manifest, "verify --date {day}", 6),
    (without_quarantine, "verify --date {day}", 6),
    (newest_version_gone, "verify --date {day}", 6),
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[StoredDays]:
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        yield stored


def rows(day: date, good: int) -> list[Row]:
    """Good rows, and one that goes to quarantine."""
    bad = signal(9, (), signal_id=f"{day:%Y%m%d}-bad", timestamp=f"{day}T00:00:09Z", action="HOLD")
    return [*rows_of(day, good), bad]


def run(terminal: Terminal, command: str, target: str) -> Finished:
    return terminal.run(*(target if word == "TARGET" else word for word in shlex.split(command)))


def ended_well(command: str, done: Finished) -> bool:
    """Whether it did what it is for: a backup ends with 1 because of quarantined rows, too."""
    return done.code == 0 or (command.startswith("backup") and "FAILED" not in done.err)


def mended(terminal: Terminal, failed: Finished, meant: dict[str, str], depth: int = 0) -> bool:
    """Do what a failed command says, one thing after the other until one of them ends well.

    Args:
        terminal: where.
        failed: the command.
        meant: what the words in capitals of its remedy stand for.
        depth: how many remedies led to it.
    """
    named = _COMMAND.findall(failed.out + failed.err)
    assert named, failed.err
    for command in (" ".join(meant.get(word, word) for word in command.split(" ")) for command in named):
        done = run(terminal, command, "sqlite:///remedy.db")
        assert done.code not in {2, 3}, (command, done.err)
        if not command.startswith(_MENDING):
            continue
        if ended_well(command, done) or (depth < 2 and mended(terminal, done, meant, depth + 1)):
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "command", "left"), CASES, ids=[f"{harm.__name__}, {what.split()[0]}, {n}" for harm, what, n in CASES]
)
def test_what_an_error_says_helps(
    stored: StoredDays, tmp_path: Path, harm: Callable[[Day], None], command: str, left: int
) -> None:
    day = day_at(next(FRESH_DAYS))
    made = rows if harm is without_quarantine else rows_of
    older, newest = (stored.store(day, of_day) for of_day in (rows_of(day, 4), made(day, 6)))
    sqlite_table(tmp_path / "source.db", made(day, left), TYPES)
    terminal = stored.terminal(tmp_path, SIGNAL_BACKUPS_START_DATE=FIRST.isoformat())
    harm(Day(stored, older, newest))
    first = run(terminal, command.format(day=day), "sqlite:///first.db")
    assert first.code not in {2, 3}, first.err
    assert not ended_well(command, first), first.out + first.err
    assert mended(terminal, first, {"DATE": str(day), "VERSION_ID": older.backup.version_id}), first.err
    again = run(terminal, command.format(day=day), "sqlite:///first.db")
    assert ended_well(command, again), f"{first.err}\n{again.out}\n{again.err}"


def test_the_good_rows_of_the_only_version_are_for_a_person_to_ask_for(stored: StoredDays, tmp_path: Path) -> None:
    day = day_at(next(FRESH_DAYS))
    older, newest = (stored.store(day, of_day) for of_day in (rows_of(day, 4), rows(day, 6)))
    no_good_version(Day(stored, older, newest))
    terminal = stored.terminal(tmp_path)
    for command, is_offered in ((RESTORE, True), ("undelete {day}", False)):
        refused = run(terminal, command.format(day=day), "sqlite:///target.db")
        assert ("--allow-corrupt-rows" in refused.err) is is_offered
    taken = run(terminal, f"{RESTORE} --allow-corrupt-rows".format(day=day), "sqlite:///target.db")
    assert (taken.code, "5 restored" in taken.out) == (1, True)
