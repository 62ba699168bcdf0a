"""Rows of many megabytes cost no day, and every command reads the quarantine that keeps them."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from signal_backups.core.signals.fields import MAX_VALUE_BYTES, PIECE
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import POSTGRES_TYPES, postgres_table

#: A text of 17 MB and 60 of 5 MB, each other; and texts as long as a backup takes, which CSV makes twice as long.
SIZES = [17_000_000, *[5_000_000 + number for number in range(60)]]
QUOTES = '"' * MAX_VALUE_BYTES


def rows_of(day: date) -> list[Row]:
    good = [signal(number, timestamp=f"{day}T01:00:{number:02}Z", symbol=QUOTES) for number in range(3)]
    large = [
        signal(number, timestamp=f"{day}T02:00:{number - 100:02}Z", strategy="x" * size)
        for number, size in enumerate(SIZES, 100)
    ]
    return [*good, *large]


@pytest.fixture(params=["sqlite", "postgresql"])
def with_large_rows(request: pytest.FixtureRequest, terminal: Terminal, newest: date) -> Terminal:
    """A terminal whose newest day has rows of all lengths."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_database")
        postgres_table(url, rows_of(newest), POSTGRES_TYPES)
        terminal.settings["SIGNALS_DATABASE_URL"] = url
        return terminal
    with closing(sqlite3.connect(terminal.folder / "signals.db")) as connection, connection:
        columns = ", ".join(POSTGRES_TYPES)
        for row in rows_of(newest):
            values = [row["verification_hash" if name == "sha256" else name] for name in POSTGRES_TYPES]
            connection.execute(f"INSERT INTO signals ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    return terminal


@pytest.mark.slow
def test_every_command_reads_the_quarantine_of_large_rows(with_large_rows: Terminal, newest: date) -> None:
    terminal, day = with_large_rows, newest.isoformat()
    done = terminal.run("backup", day, "--json")
    (stored,) = done.json["backups"]
    assert (done.code, stored["quarantined"]) == (1, len(SIZES))
    assert stored["records"] >= 3

    (again,) = terminal.run("backup", day, "--json").json["backups"]
    assert (again["changed"], again["quarantined"]) == (False, len(SIZES))
    assert terminal.run("verify", "--last", "1").code == 0
    (reconciled,) = terminal.run("reconcile", "--from", day, "--json").json["days"]
    assert reconciled["ok"]

    target = f"sqlite:///{terminal.folder}/restored.db"
    for restored in (len(SIZES), 0):
        more = [] if restored else ["--on-conflict", "skip"]
        result = terminal.run("restore", day, "--target", target, "--include-quarantined", "--json", *more)
        assert (result.code, result.json["days"][0]["quarantined"]) == (0, restored)
    folder = terminal.folder / "files"
    result = terminal.run("restore", day, "--target", str(folder), "--include-quarantined", "--json")
    assert (result.code, result.json["days"][0]["quarantined"]) == (0, len(SIZES))
    (file,) = folder.glob("signals_quarantine_*")
    assert sorted(map(len, whole_values(file))) == sorted(SIZES)

    listed = terminal.run("quarantine", day, "--json")
    assert str(listed.json).count("17,000,000 bytes long") == 1
    assert terminal.run("drill", "--days", "1", "--json").json["restores_everything"]


def test_rows_that_vanish_stay_in_the_quarantine(terminal: Terminal, newest: date) -> None:
    path = terminal.folder / "signals.db"
    columns = ", ".join(POSTGRES_TYPES)
    long = signal(1, timestamp=f"{newest}T01:00:00Z", symbol="y" * (MAX_VALUE_BYTES + 1))
    values = [long["verification_hash" if name == "sha256" else name] for name in POSTGRES_TYPES]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"INSERT INTO signals ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    assert terminal.run("backup").code == 1
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM signals WHERE length(symbol) > 1000")
    (kept,) = terminal.run("backup", "--json").json["backups"]
    assert kept["quarantined"] == 1
    listed = terminal.run("quarantine", newest.isoformat(), "--json")
    assert "1,048,577 bytes long" in listed.out
    assert PIECE not in listed.out


def whole_values(file: Path) -> list[str]:
    """Put the values of a quarantine together, and compare them with their SHA-256."""
    csv.field_size_limit(2**31 - 1)
    values: dict[str, str] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["quarantine_faults"] == PIECE:
                name = row["quarantine_reason"][-64:]
                values[name] = values.get(name, "") + row["unreadable_values"]
    assert all(sha256(value.encode()).hexdigest() == name for name, value in values.items())
    return list(values.values())
