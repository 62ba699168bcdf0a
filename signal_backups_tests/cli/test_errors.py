"""Wrong input and broken surroundings: one clear line, the documented code, never a traceback."""

from __future__ import annotations

from datetime import date

import pytest

from signal_backups_tests.cli.terminal import Terminal


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("backup", "2026-02-30"), "is not a date"),
        (("backup", "yesterday"), "Write it as YYYY-MM-DD"),
        (("backup", "2999-01-01"), "has not ended yet"),
        (("backup", "1999-01-01"), "SIGNAL_BACKUPS_START_DATE"),
        (("backup", "2026-01-01", "--from", "2026-01-01"), "both a day and a range"),
        (("backup", "--from", "2026-11-03", "--to", "2026-11-01"), "Swap --from and --to"),
        (("verify", "some/key.csv", "--last", "3"), "exclude each other"),
        (("verify", "--last", "0"), "--last"),
        (("list", "--from", "01.11.2026"), "is not a date"),
        (("no-such-command",), "No such command"),
        (("lits",), "Did you mean 'list'?"),
        (("backup", "--no-such-option"), "No such option"),
    ],
)
def test_wrong_usage_is_explained_with_code_2(terminal: Terminal, arguments: tuple[str, ...], words: str) -> None:
    done = terminal.run(*arguments)
    assert done.code == 2
    assert words in done.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNAL_BACKUPS_START_DATE", "soon"),
        ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
        ("SIGNAL_BACKUPS_S3_ADDRESSING", "sideways"),
    ],
)
def test_a_malformed_setting_is_named_with_code_2(terminal: Terminal, name: str, value: str) -> None:
    done = terminal.run("status", **{name: value})
    assert done.code == 2
    assert name in done.err


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("SIGNALS_DATABASE_URL", "sqlite:////nowhere/signals.db", "no SQLite database at /nowhere/signals.db"),
        ("SIGNALS_DATABASE_URL", "postgresql://u:very-secret@127.0.0.1:1/x", "cannot read PostgreSQL database"),
        ("SIGNALS_TABLE", "no_such_table", "no table 'no_such_table'"),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "Check the AWS credentials"),
        ("BACKUP_BUCKET_NAME", "there-is-no-such-bucket", "signal-backups init"),
    ],
)
def test_what_cannot_be_reached_is_named_with_code_3_and_nothing_is_stored(
    terminal: Terminal, setting: str, value: str, words: str
) -> None:
    done = terminal.run("backup", **{setting: value})
    assert done.code == 3, done.err
    assert words in done.err
    assert "very-secret" not in done.err + done.out
    assert terminal.run("list").code == 4


def test_a_store_that_is_down_is_code_3(terminal: Terminal) -> None:
    done = terminal.run("status", AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")
    assert done.code == 3
    assert "Check AWS_ENDPOINT_URL_S3" in done.err


def test_nothing_found_is_code_4(terminal: Terminal, newest: date) -> None:
    unknown = f"signals/{newest:%Y/%m}/signals_backup_{newest:%Y%m%d}_020000.csv"
    for arguments in (
        ("list",),
        ("verify",),
        ("verify", "--last", "5"),
        ("verify", "--date", newest.isoformat()),
        ("verify", unknown),
        ("verify", "foreign.txt"),
        ("verify", "--file", "nowhere.csv"),
        ("versions", newest.isoformat()),
    ):
        done = terminal.run(*arguments)
        assert done.code == 4, (arguments, done.err)
        assert done.err.startswith("Error: ")


def test_an_error_is_a_document_when_json_is_asked_for(terminal: Terminal) -> None:
    done = terminal.run("verify", "--json")
    assert done.code == 4
    assert done.json["ok"] is False
    assert done.json["error"]["exit_code"] == 4
    assert done.json["error"]["remedy"]


def test_a_failed_backup_leaves_the_good_one_as_it_was(backed_up: Terminal, newest: date) -> None:
    before = backed_up.run("versions", newest.isoformat(), "--json").json
    assert backed_up.run("backup", SIGNALS_DATABASE_URL="sqlite:////nowhere/signals.db").code == 3
    assert backed_up.run("versions", newest.isoformat(), "--json").json == before
    assert backed_up.run("verify").code == 0
