"""``signal-backups quarantine``, and what the other commands say of rows that belong to no day."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.servers.s3 import client_for

#: The first signal of the newest day with another id and timestamp; the hash then matches neither.
_COPY = (
    "INSERT INTO signals (signal_id, symbol, action, entry_price, target_price, stop_price, confidence, strategy, "
    "timestamp, sha256) SELECT ?, symbol, action, entry_price, target_price, stop_price, confidence, strategy, ?, "
    "sha256 FROM signals ORDER BY timestamp DESC LIMIT 1"
)


def change(terminal: Terminal, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(Path(terminal.folder) / "signals.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def add(terminal: Terminal, signal_id: str, timestamp: str) -> None:
    change(terminal, _COPY, signal_id, timestamp)


def undated(terminal: Terminal) -> dict[str, Any]:
    found = terminal.run("quarantine", "--json").json["undated"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def bad_rows(terminal: Terminal, newest: date) -> Terminal:
    """A terminal whose newest day is backed up, with a row in quarantine, and one row that belongs to no day."""
    add(terminal, "no-day", "yesterday")
    add(terminal, "no-hash", f"{newest}T12:00:00Z")
    done = terminal.run("backup")
    assert "Undated rows in the database, 1: 1 with a timestamp that names no day (ids no-day)" in done.err
    return terminal


def test_rows_of_days_and_of_no_day_are_listed_with_reasons_and_objects(bad_rows: Terminal, newest: date) -> None:
    found = bad_rows.run("quarantine", "--json")
    assert (found.code, found.json["ok"]) == (0, True)
    (day,) = found.json["days"]
    assert (day["day"], day["count"], [row["signal_id"] for row in day["rows"]]) == (str(newest), 1, ["no-hash"])
    assert day["rows"][0]["reason"] == "verification_hash does not match the row"
    assert found.json["undated"]["rows"][0] == {
        "signal_id": "no-day",
        "timestamp": "yesterday",
        "faults": "undated",
        "reason": "with a timestamp that names no day",
    }
    shown = bad_rows.run("quarantine")
    for told in (day["key"], day["version_id"], found.json["undated"]["version_id"], "no-hash", "no-day"):
        assert told in shown.out


def test_only_the_named_day_is_listed(bad_rows: Terminal, newest: date) -> None:
    shown = bad_rows.run("quarantine", str(newest), "--json")
    assert ([day["day"] for day in shown.json["days"]], shown.json["undated"]) == ([str(newest)], None)
    assert bad_rows.run("quarantine", str(newest), "--from", str(newest)).code == 2


def test_every_command_names_an_undated_row_until_it_is_corrected(bad_rows: Terminal, newest: date) -> None:
    status = bad_rows.run("status")
    assert "1 undated row" in status.out.splitlines()[0]
    assert "undated      1: 1 with a timestamp that names no day (ids" in status.out
    assert bad_rows.run("status", "--json").json["undated"]["in_database"] == 1
    doctor = bad_rows.run("doctor")
    assert "warning      undated rows" in doctor.out
    reconciled = bad_rows.run("reconcile")
    assert "Undated rows in the database, 1" in reconciled.err

    add(bad_rows, "new", "tomorrow")
    late = bad_rows.run("reconcile", "--json")
    assert (late.code, late.json["undated_not_kept"]) == (1, 1)
    assert bad_rows.run("quarantine", "--refresh").code == 0
    assert bad_rows.run("reconcile", "--json").json["undated_not_kept"] == 0

    change(bad_rows, "DELETE FROM signals WHERE signal_id = 'no-day'")
    change(bad_rows, "UPDATE signals SET timestamp = ? WHERE signal_id = 'new'", f"{newest}T13:00:00Z")
    assert bad_rows.run("quarantine", "--refresh").code == 0
    assert (undated(bad_rows)["count"], undated(bad_rows)["in_database"]) == (2, 0)
    assert "undated" not in bad_rows.run("status").out


def test_an_empty_quarantine_says_so(backed_up: Terminal) -> None:
    shown = backed_up.run("quarantine")
    assert (shown.code, shown.out) == (0, "No row is in quarantine\n")


def test_a_lost_quarantine_ends_with_1(bad_rows: Terminal, newest: date, s3_server: S3Server) -> None:
    (day,) = bad_rows.run("quarantine", "--json").json["days"]
    bucket = bad_rows.settings["BACKUP_BUCKET_NAME"]
    client_for(s3_server).delete_object(Bucket=bucket, Key=day["key"], VersionId=day["version_id"])
    shown = bad_rows.run("quarantine", str(newest))
    assert shown.code == 1
    assert "LOST" in shown.out
