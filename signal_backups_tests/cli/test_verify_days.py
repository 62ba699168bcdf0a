"""Which days ``verify --last`` judges, and the words for days and places where no backup can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, rows_of, stored_days
from signal_backups_tests.cli.terminal import Terminal

FUTURE = "2999-01-01"


@pytest.fixture(scope="module")
def newest() -> date:
    """The newest day that can be backed up."""
    return last_complete_day()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, newest: date) -> Iterator[StoredDays]:
    """Backups of the day 5 days before the newest, the one after it, and the newest but one."""
    with stored_days(tmp_path_factory.mktemp("stored"), s3_server) as stored:
        for back in (5, 4, 1):
            day = newest - timedelta(days=back)
            stored.store(day, rows_of(day, 2))
        yield stored


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    """A terminal that looks at them."""
    return stored.terminal(tmp_path, SIGNAL_BACKUPS_START_DATE="2026-01-01")


def days_of(terminal: Terminal, last: int, *, missing: bool) -> list[int]:
    """How many days before the newest the days are that are missing, or verified."""
    results = terminal.run("verify", "--last", str(last), "--json").json["results"]
    found = [last_complete_day() - date.fromisoformat(one["day"]) for one in results if ("key" in one) != missing]
    return [each.days for each in found]


def test_days_before_the_first_backup_are_not_missing(terminal: Terminal) -> None:
    assert days_of(terminal, 30, missing=False) == [5, 4, 1]
    assert days_of(terminal, 30, missing=True) == [3, 2, 0]
    assert days_of(terminal, 4, missing=True) == [3, 2, 0]


def test_the_first_backup_may_be_before_the_start_date(terminal: Terminal, newest: date) -> None:
    later = {"SIGNAL_BACKUPS_START_DATE": str(newest - timedelta(days=2))}
    results = terminal.run("verify", "--last", "30", "--json", **later).json["results"]
    assert [one["day"] for one in results] == [str(newest - timedelta(days=back)) for back in (2, 0, 1)]


def test_missing_days_are_folded_into_ranges(terminal: Terminal, newest: date) -> None:
    done = terminal.run("verify", "--last", "30")
    first, last = newest - timedelta(days=3), newest - timedelta(days=2)
    assert done.code == 1
    assert [line for line in done.err.splitlines() if line.startswith("FAILED")] == [
        f"FAILED {first} to {last}: no backup of these days. "
        f"Make them with: signal-backups backup --from {first} --to {last}",
        f"FAILED {newest}: no backup of {newest} in s3://{terminal.settings['BACKUP_BUCKET_NAME']}/signals/. "
        f"Make one with: signal-backups backup {newest}",
    ]


def test_old_backups_alone_are_not_none(terminal: Terminal, newest: date) -> None:
    done = terminal.run("verify", "--last", "1")
    assert (done.code, f"FAILED {newest}: no backup of {newest}" in done.err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--date", FUTURE),
        ("versions", FUTURE),
        ("undelete", FUTURE),
        ("restore", FUTURE, "--target", "files"),
        ("prove", "an-id", "--date", FUTURE),
        ("quarantine", FUTURE),
    ],
    ids=lambda arguments: arguments[0],
)
def test_of_a_future_day_no_backup_is_recommended(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    done = terminal.run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "2999-01-01 has not ended yet (UTC)" in done.err
    assert "signal-backups backup" not in done.err


@pytest.mark.parametrize(
    "arguments", [("verify",), ("restore", "--target", "files", "--key")], ids=lambda each: each[0]
)
def test_a_uri_of_another_bucket_is_refused(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    done = terminal.run(*arguments, "s3://other/signals/2026/11/signals_backup_20261101_020000.csv")
    bucket = terminal.settings["BACKUP_BUCKET_NAME"]
    assert done.code == 2
    assert done.err.startswith(
        "Error: s3://other/signals/2026/11/signals_backup_20261101_020000.csv is in another bucket than the backups, "
        f"s3://{bucket}/. Set BACKUP_BUCKET_NAME"
    )


@pytest.mark.parametrize("command", ["status", "list", "hold list", "audit log", "connect", "cost"])
def test_a_command_that_only_reads_makes_no_home(terminal: Terminal, command: str) -> None:
    terminal.run(*command.split())
    assert list(terminal.folder.iterdir()) == []


def test_a_uri_of_this_bucket_is_its_key(stored: StoredDays, terminal: Terminal, newest: date) -> None:
    key = stored.key(newest - timedelta(days=1))
    done = terminal.run("verify", f"s3://{terminal.settings['BACKUP_BUCKET_NAME']}/{key}", "--json")
    assert (done.code, done.json["results"][0]["key"]) == (0, key)
