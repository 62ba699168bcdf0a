"""``signal-backups status`` as a process: one screen, one document, one page."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.status.calendar import WEEKS
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, rows_of, stored_days
from signal_backups_tests.cli.terminal import Terminal

LINES, COLUMNS = 24, 100
STATUS = "from signal_backups.cli.app import main; main()"


@pytest.fixture
def days(tmp_path: Path, s3_server: S3Server) -> Iterator[StoredDays]:
    """An empty bucket to store days in."""
    with stored_days(tmp_path, s3_server) as made:
        yield made


@pytest.fixture
def last() -> date:
    """The day before the last that can be backed up: it is never due, whatever the hour."""
    return last_complete_day() - timedelta(days=1)


def terminal_of(days: StoredDays, start: date) -> Terminal:
    return days.terminal(days.folder, SIGNAL_BACKUPS_START_DATE=start.isoformat())


def test_everything_wrong_at_once_fits_on_one_screen(days: StoredDays, last: date) -> None:
    start = last - timedelta(days=200)
    deleted = last - timedelta(days=3)
    for number in range(9):
        days.store(last - timedelta(days=2 * number), rows_of(last - timedelta(days=2 * number), 2))
    days.store(deleted, rows_of(deleted, 2))
    days.delete(days.key(deleted))
    days.put(days.key(last), b"put over it")
    for reason in ("one line", "many words " * 30 + "\nand\nlines"):
        days.vault.trail.record(Action.BACKUP, "failed", details={"day": last.isoformat(), "error": reason})
    done = terminal_of(days, start).run("status")
    assert done.code == 1
    lines = done.out.splitlines()
    assert len(lines) < LINES
    assert max(map(len, lines)) <= COLUMNS
    assert lines[0].startswith("NOT SAFE: ")
    assert re.search(r"hidden +1: " + str(deleted), done.out)
    assert f"unverified   1: {last}" in done.out
    assert re.search(r"failures +2 recently; many words many words .* …", done.out)
    assert f"signal-backups verify --date {last}; " in done.out
    assert f"signal-backups undelete {deleted}" in done.out
    weekday = next(line.split() for line in lines if line.startswith(f"  {last:%a} "))
    assert len(weekday) - 1 in (WEEKS, WEEKS - 1)
    assert weekday.count("?") == 1
    assert "\x1b[" not in done.out


def test_of_an_empty_bucket_the_page_and_the_text_say_the_same(days: StoredDays, last: date) -> None:
    terminal = terminal_of(days, last - timedelta(days=5))
    done = terminal.run("status", "--html", "status.html")
    headline = done.out.splitlines()[0]
    assert (done.code, headline.startswith("NOT SAFE: nothing is backed up, ")) == (4, True)
    assert "days missing" in headline
    assert headline in (days.folder / "status.html").read_text()
    assert "signal-backups backup --from " in done.out
    document = terminal.run("status", "--json")
    assert (document.code, document.json["ok"], document.json["days_backed_up"]) == (4, False, 0)


def test_the_document_and_the_page(days: StoredDays, last: date) -> None:
    for day in (last, last + timedelta(days=1)):
        days.store(day, rows_of(day, 2))
    done = terminal_of(days, last).run("status", "--json", "--html", "status.html")
    found = done.json
    assert (done.code, found["ok"], found["failures"], found["due_days"]) == (0, True, [], [])
    assert found["next_run"].endswith("T02:00:00Z")
    shown = {each["day"]: each["state"] for each in found["calendar"]}
    assert shown[str(last)] == "verified"
    assert shown[str(last - timedelta(days=1))] == "before"
    assert shown[str(last + timedelta(days=2))] == "not_due"
    assert "Wrote status.html" in done.err
    page = (days.folder / "status.html").read_text(encoding="utf-8")
    assert f"SAFE: every day from {last} to {last + timedelta(days=1)} is backed up and verified" in page
    assert f'title="{last}: verified"' in page
    assert not re.search(r"\b(src|href|action)=|@import|url\(|https?://|<script", page)


def test_a_page_that_cannot_be_written_is_a_notice_after_the_result(days: StoredDays, last: date) -> None:
    days.store(last, rows_of(last, 2))
    done = terminal_of(days, last).run("status", "--html", "nowhere/status.html")
    assert done.code == 1
    assert "cannot write nowhere/status.html: No such file or directory" in done.err
    assert "last backup" in done.out


def test_where_everything_was_deleted_it_names_undelete(days: StoredDays, last: date) -> None:
    days.store(last, rows_of(last, 2))
    days.delete(days.key(last))
    done = days.terminal(days.folder).run("status", "--html", "status.html")
    assert done.code == 1
    assert done.out.startswith("NOT SAFE: ")
    assert f"signal-backups undelete {last}" in done.out
    assert f"signal-backups undelete {last}" in (days.folder / "status.html").read_text(encoding="utf-8")


def test_days_past_the_retention_of_the_profile_are_not_missed(days: StoredDays, last: date) -> None:
    days.store(last, rows_of(last, 2))
    found = terminal_of(days, date(2015, 1, 1)).run("status", "--json").json
    assert date.fromisoformat(found["first_day"]).year == (last + timedelta(days=2)).year - 7


def test_a_terminal_gets_colours(days: StoredDays, last: date) -> None:
    days.store(last, rows_of(last, 2))
    terminal = terminal_of(days, last)
    screen, end = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", STATUS, "status"]
    shown = b""
    with subprocess.Popen(command, env=environment | terminal.settings, cwd=days.folder, stdout=end):
        os.close(end)
        with suppress(OSError):  # which is how a terminal ends
            while part := os.read(screen, 65536):
                shown += part
    os.close(screen)
    assert b"\x1b[32m#\x1b[0m" in shown
