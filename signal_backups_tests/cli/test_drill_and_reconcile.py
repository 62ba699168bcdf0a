"""``signal-backups reconcile`` and ``drill`` as processes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from signal_backups_tests.cli.terminal import Terminal


@pytest.fixture
def backed_up(terminal: Terminal, newest: date) -> Terminal:
    """A terminal whose last three days are backed up."""
    done = terminal.run("backup", "--from", str(newest - timedelta(days=2)))
    assert done.code == 0
    return terminal


def change(terminal: Terminal, statement: str) -> None:
    with closing(sqlite3.connect(Path(terminal.folder) / "signals.db")) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def first_of(day: date) -> str:
    return f"(SELECT min(signal_id) FROM signals WHERE timestamp LIKE '{day}%')"


def last_of(day: date) -> str:
    return f"(SELECT max(signal_id) FROM signals WHERE timestamp LIKE '{day}%')"


def test_equal_days_and_differences_and_late_signals_taken_in(backed_up: Terminal, newest: date) -> None:
    begin, middle = newest - timedelta(days=2), newest - timedelta(days=1)
    equal = backed_up.run("reconcile", "--from", str(begin), "--json")
    assert (equal.code, equal.json["ok"]) == (0, True)
    assert [(day["ok"], day["source_rows"] == day["unchanged"] > 0) for day in equal.json["days"]] == [(True, True)] * 3

    columns = "symbol, action, entry_price, target_price, stop_price, confidence, strategy, timestamp, sha256"
    change(backed_up, f"INSERT INTO signals (signal_id, {columns}) SELECT 'late-1', {columns} FROM signals "
                      f"WHERE signal_id = {first_of(newest)}")  # fmt: skip
    change(backed_up, f"UPDATE signals SET symbol = 'X' WHERE signal_id = {first_of(middle)}")
    change(backed_up, f"DELETE FROM signals WHERE signal_id = {last_of(middle)}")
    found = backed_up.run("reconcile", "--from", str(begin))
    assert found.code == 1
    assert "DIFFERENT" in found.out
    for kind in ("mutated", "deleted"):
        assert f"{middle} {kind}: " in found.err
    assert f"{newest} late: late-1" in found.err

    taken = backed_up.run("reconcile", "--from", str(begin), "--backup-late", "--json")
    days = {day["day"]: day for day in taken.json["days"]}
    assert (taken.code, taken.json["backed_up_again"]) == (1, [str(newest)])
    assert (days[str(middle)]["mutated"]["count"], days[str(middle)]["deleted"]["count"]) == (1, 1)
    # Its hash is another row's, so it is known from now on, in quarantine.
    assert days[str(newest)]["ok"]
    versions = backed_up.run("versions", str(middle), "--json").json["versions"]
    assert len(versions) == 1


def test_a_drill_says_what_it_measured_and_keeps_its_report(backed_up: Terminal, newest: date) -> None:
    done = backed_up.run("drill", "--days", "2", "--json")
    found = done.json
    assert (done.code, found["ok"], found["restores_everything"], found["source_matches_backup"]) == (
        0,
        True,
        True,
        True,
    )
    assert [day["day"] for day in found["days"]] == [str(newest - timedelta(days=age)) for age in (2, 1, 0)]
    assert found["rows"] == sum(day["restore"]["restored"] for day in found["days"]) > 0
    assert 0 < found["rto_forecast_seconds"] < found["rto_objective_seconds"] == 3600
    assert found["report"].startswith("s3://")
    shown = backed_up.run("drill", "--days", "1")
    assert "RTO forecast: " in shown.out
    assert "Recorded in s3://" in shown.out
    assert found["left_out"] == []


def test_a_drill_fails_with_the_reason_where_the_sources_own_table_takes_no_restored_signal(
    backed_up: Terminal, newest: date
) -> None:
    file = Path(backed_up.folder) / "signals.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TRIGGER noted AFTER INSERT ON signals BEGIN SELECT 1; END")
        connection.execute("ALTER TABLE signals ADD COLUMN trader_notes TEXT NOT NULL DEFAULT 'none'")
    drilled = backed_up.run("drill", "--days", "1")
    assert (drilled.code, "Not drilled: trigger noted" in drilled.err) == (0, True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        changed = "replace(sql, ' DEFAULT ''none''', '')"
        connection.execute(f"UPDATE sqlite_master SET sql = {changed} WHERE name = 'signals'")
    failed = backed_up.run("drill", "--days", "1")
    assert failed.code == 1
    assert f"FAILED {newest}: table signals" in failed.err
    assert "NOT NULL constraint failed: signals.trader_notes" in failed.err
    assert backed_up.run("status").code == 1


def test_a_drill_that_finds_a_deleted_signal_ends_with_1(backed_up: Terminal, newest: date) -> None:
    change(backed_up, f"DELETE FROM signals WHERE signal_id = {first_of(newest)}")
    done = backed_up.run("drill", "--days", "1", "--json")
    assert (done.code, done.json["source_matches_backup"], done.json["restores_everything"]) == (1, False, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("drill",), 4, "no backups in"),
        (("drill", "--days", "0"), 2, "--days"),
        (("reconcile", "--from", "yesterday"), 2, "is not a date"),
        (("reconcile", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "Swap --from and --to"),
        (("reconcile", "--from", "2026-11-01", "--to", "2999-01-01"), 2, "has not ended yet"),
    ],
)
def test_wrong_input_is_one_clear_line(terminal: Terminal, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = terminal.run(*arguments)
    assert done.code == code
    assert words in done.err


def test_a_database_that_is_gone_is_3(backed_up: Terminal) -> None:
    (Path(backed_up.folder) / "signals.db").unlink()
    for command in ("drill", "reconcile"):
        done = backed_up.run(command)
        assert (done.code, "no SQLite database" in done.err) == (3, True)


def test_what_the_database_lost_stays_until_the_change_is_accepted(backed_up: Terminal, newest: date) -> None:
    day = str(newest - timedelta(days=1))
    before = backed_up.run("list", "--json").json["backups"][1]
    change(backed_up, f"DELETE FROM signals WHERE signal_id = {last_of(date.fromisoformat(day))}")

    refused = backed_up.run("backup", day)
    assert refused.code == 1
    assert f"ERROR {day} source_agrees_with_backup: in the database, since the backup: 1 vanished (" in refused.err
    found = backed_up.run("backup", day, "--json")
    (backup,) = found.json["backups"]
    assert (found.code, backup["changed"], backup["records"], backup["version_id"]) == (
        1, False, before["records"], before["version_id"]
    )  # fmt: skip
    assert (backup["differences"]["vanished"]["count"], backup["replacements"]) == (1, [])

    status = backed_up.run("status")
    assert status.code == 1
    assert status.out.startswith("NOT SAFE: 1 day altered in the database since the backup")
    assert backed_up.run("status", "--json").json["differing_days"][day]["vanished"]["count"] == 1
    audit = backed_up.run("audit", "retention", "--no-report", "--json")
    assert (audit.code, audit.json["problem_counts"]["database-differs"]) == (1, 1)

    accepted = backed_up.run("backup", day, "--accept-changes", "ticket 17", "--json")
    (backup,) = accepted.json["backups"]
    assert (accepted.code, backup["records"], backup["differences"]) == (0, before["records"] - 1, None)
    assert backup["replacements"][0].endswith(": 0 altered, 1 removed, ticket 17")
    assert backed_up.run("status").code == 0
    versions = backed_up.run("versions", day)
    assert f"{day} was {backup['replacements'][0]}, by " in versions.out
    audit = backed_up.run("audit", "retention", "--no-report", "--json")
    assert (audit.code, audit.json["problem_counts"]["replaced"]) == (0, 1)
    assert backed_up.run("audit", "log", "--action", "changes_accepted", "--json").json["events"][0]["details"] == {
        "day": day, "reason": "ticket 17", "altered": 0, "removed": 1,
        "altered_ids": [], "removed_ids": found.json["backups"][0]["differences"]["vanished"]["signal_ids"],
    }  # fmt: skip
    assert backed_up.run("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--accept-changes", "x"), "needs a day"), (("2026-11-20", "--accept-changes", " "), "the reason is empty")],
)
def test_changes_are_accepted_for_one_day_and_with_a_reason(
    terminal: Terminal, arguments: tuple[str, ...], words: str
) -> None:
    done = terminal.run("backup", *arguments)
    assert (done.code, words in done.err) == (2, True)
