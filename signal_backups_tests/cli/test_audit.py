"""``signal-backups audit retention`` as a process: what it says, what it writes, how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from signal_backups.core.retention_audit.report import RetentionAudit
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, day_at, rows_of, stored_days
from signal_backups_tests.cli.terminal import Terminal

GOOD, LAST_GOOD, HIDDEN = day_at(0), day_at(1), day_at(3)
MISSING = day_at(2)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[StoredDays]:
    """Two good days, one that is missing and one that was deleted."""
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        for day in (GOOD, LAST_GOOD, HIDDEN):
            stored.store(day, rows_of(day, 3))
        stored.delete(stored.key(HIDDEN))
        yield stored


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    return stored.terminal(tmp_path)


def reports(stored: StoredDays) -> list[str]:
    return [item.key for item in stored.vault.store.list_current(stored.vault.layout.report_prefix)]


def test_good_days_end_with_0_and_the_report_is_kept(stored: StoredDays, terminal: Terminal) -> None:
    done = terminal.run("audit", "retention", "--from", str(GOOD), "--to", str(LAST_GOOD))
    assert done.code == 0, done.err
    assert "0 errors, 0 warnings" in done.out
    assert f"2 days, {GOOD} to {LAST_GOOD}" in done.out
    assert re.search(r"\d+ requests in \d+\.\d s", done.out)
    assert "Problems" not in done.out
    assert "days of the 7 years up to 2024-03-01 are before the first signal" in done.out
    (where,) = [line for line in done.out.splitlines() if line.startswith("Recorded in ")]
    key = where.removeprefix(f"Recorded in s3://{stored.bucket}/")
    assert key in reports(stored)
    kept = RetentionAudit.model_validate_json(stored.vault.store.get_bytes(key)[0])
    assert ([finding.day for finding in kept.days], kept.ok) == ([GOOD, LAST_GOOD], True)


def test_bad_days_end_with_1_and_say_what_to_do(stored: StoredDays, terminal: Terminal) -> None:
    done = terminal.run("audit", "retention", "--from", str(GOOD), "--to", str(HIDDEN))
    assert done.code == 1
    rows = [line for line in done.out.splitlines() if "ERROR" in line]
    assert len(rows) == 2
    assert f"signal-backups backup {MISSING}" in rows[0]
    assert f"signal-backups undelete {HIDDEN}" in rows[1]
    assert "2 errors, 0 warnings" in done.out


def test_machines_get_one_document_and_no_report_when_they_want_none(stored: StoredDays, terminal: Terminal) -> None:
    before = reports(stored)
    arguments = ("--from", str(MISSING), "--to", str(HIDDEN), "--no-report", "--json")
    done = terminal.run("audit", "retention", *arguments)
    assert (done.code, done.json["ok"], done.json["report"]) == (1, False, None)
    assert done.json["problem_counts"] == {"missing": 1, "hidden": 1}
    assert done.json["counts"]["present"] == {"yes": 0, "no": 2, "n/a": 0}
    assert [day["states"]["present"] for day in done.json["days"]] == ["no", "no"]
    assert reports(stored) == before


def test_the_profile_can_be_another_one(terminal: Terminal) -> None:
    arguments = ("--from", str(GOOD), "--to", str(GOOD), "--profile", "recommended", "--no-report", "--json")
    done = terminal.run("audit", "retention", *arguments)
    assert (done.code, done.json["profile"], done.json["problem_counts"]) == (1, "recommended", {"not-locked": 1})
    by_setting = terminal.run("audit", "retention", *arguments[:4], "--no-report", SIGNAL_BACKUPS_PROFILE="recommended")
    assert "is not locked" in by_setting.out


def test_findings_are_shown_although_the_bucket_takes_no_report(stored: StoredDays, terminal: Terminal) -> None:
    # The profile locks what it writes, and this bucket was made without Object Lock.
    before = reports(stored)
    arguments = ("audit", "retention", "--from", str(GOOD), "--to", str(LAST_GOOD))
    done = terminal.run(*arguments, SIGNAL_BACKUPS_PROFILE="recommended")
    assert (done.code, reports(stored)) == (3, before)
    assert "is not locked" in done.out
    assert "Error: cannot write s3://" in done.err
    document = terminal.run(*arguments, "--json", SIGNAL_BACKUPS_PROFILE="recommended")
    assert (document.code, document.json["ok"], document.json["report"]) == (3, False, None)
    assert document.json["problem_counts"]["not-locked"] == 2
    assert "cannot write s3://" in document.json["report_error"]


def test_page_and_picture_are_written(terminal: Terminal) -> None:
    days = ("--from", str(GOOD), "--to", str(HIDDEN))
    files = ("--html", "a.html", "--png", "a.png")
    done = terminal.run("audit", "retention", *days, "--no-report", "--json", *files)
    assert done.code == 1
    assert json.loads(done.out)["errors"] == 2
    page = (terminal.folder / "a.html").read_text(encoding="utf-8")
    assert f"signal-backups undelete {HIDDEN}" in page
    assert "data:image/png;base64," in page
    assert (terminal.folder / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_that_cannot_be_written_takes_no_findings_away(terminal: Terminal) -> None:
    days = ("--from", str(GOOD), "--to", str(HIDDEN))
    done = terminal.run("audit", "retention", *days, "--no-report", "--json", "--html", "/dev/full")
    assert done.code == 1
    assert done.json["errors"] == 2
    assert "cannot write /dev/full: No space left on device" in done.err


def test_a_start_date_that_is_set_is_when_backups_should_begin(terminal: Terminal) -> None:
    earlier = day_at(-1)
    days = ("--from", str(earlier), "--to", str(GOOD))
    done = terminal.run("audit", "retention", *days, "--no-report", SIGNAL_BACKUPS_START_DATE=str(earlier))
    assert done.code == 1
    assert f"signal-backups backup {earlier}" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--from", "yesterday"), 2, "is not a date"),
        (("--from", "2026-01-01", "--to", "2999-01-01"), 2, "has not ended yet"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), 2, "Swap --from and --to"),
        (("--profile", "none"), 2, "no retention profile"),
        (("--from", "1999-01-01", "--to", "2000-01-01"), 4, "no day to audit"),
    ],
)
def test_wrong_input_is_one_clear_line(terminal: Terminal, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = terminal.run("audit", "retention", *arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
