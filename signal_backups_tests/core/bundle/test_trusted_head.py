"""What a tree head that an auditor trusts covers, and what a check says of what nothing binds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.bundle.check import check_bundle
from signal_backups_tests.core.bundle.damage import EVENTS, INDEX, Rewritten, cover_up
from signal_backups_tests.core.bundle.made import BUCKET, Files, files_of, made_bundle, sha, statement_of, written
from signal_backups_tests.core.bundle.standalone import as_program

#: A bundle of two days with records, a manifest and an event each.
SEED = 168
FIRST_MANIFEST = "manifests/0000000001.json"
ANCHOR = "anchors/20261102T024500Z_0000000001"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return {name: body for name, body in files_of(made_bundle(SEED, tmp_path)).items() if not name.startswith("anch")}


def test_a_day_whose_manifest_came_after_the_trusted_head(files: Files, tmp_path: Path) -> None:
    """Whoever writes the bundle can append a manifest to the log that the tree head fixes, for any day."""
    statement = statement_of(files[EVENTS].splitlines(keepends=True)[:1], [files[FIRST_MANIFEST]])
    anchor = {"format": 1, "statement": statement.decode(), "timestamps": []}
    files |= {f"{ANCHOR}.json": (json.dumps(anchor, indent=2) + "\n").encode(), f"{ANCHOR}.statement.json": statement}
    bundle = written(cover_up(files, Rewritten.SUMS), tmp_path / "bundle")
    assert check_bundle(bundle).ok
    report = check_bundle(bundle, head=sha(statement))
    assert [finding.file for finding in report.findings] == ["bundle.json, 2026-11-02"]
    alone = as_program(bundle, "--head", sha(statement))
    assert alone.returncode == 1
    (wrong,) = [line for line in alone.stdout.splitlines() if line.startswith("WRONG")]
    assert "2026-11-02: its manifest 2 came after the trusted head" in wrong
    own = sha(json.loads(files[INDEX])["statement"].encode())
    assert (as_program(bundle, "--head", own).returncode, check_bundle(bundle, head=own).findings) == (0, [])


def test_a_check_says_whose_days_it_checked_and_what_not(files: Files, tmp_path: Path) -> None:
    bundle = written(cover_up(files, Rewritten.SUMS), tmp_path / "bundle")
    alone, report = as_program(bundle).stdout, check_bundle(bundle)
    records = json.loads(files[INDEX])["totals"]["records"]
    assert f"OK: {BUCKET}, 2026-11-01 to 2026-11-02: 2 of 2 days, {records} records, 2 manifests" in alone
    assert (report.bucket, str(report.first), str(report.last)) == (BUCKET, "2026-11-01", "2026-11-02")
    assert (report.days, report.records) == (2, records)
    assert "index.html says is not checked" in alone
    assert report.notes == ["What index.html says is not checked."]


def test_another_verifier_in_the_bundle_is_noted_and_never_run(files: Files, tmp_path: Path) -> None:
    program = f'open({str(tmp_path / "was_run")!r}, "w")\n'
    changed = cover_up(files | {"verify.py": program.encode()}, Rewritten.SUMS)
    report = check_bundle(written(changed, tmp_path / "bundle"))
    assert report.ok
    assert any(note.startswith("verify.py is not that of this version") for note in report.notes)
    assert not (tmp_path / "was_run").exists()


def test_a_manifest_that_no_event_speaks_of_is_noted(files: Files, tmp_path: Path) -> None:
    def without_manifest(name: str, document: dict[str, Any]) -> None:
        if name == "event 2":
            del document["details"]["manifest"]

    bundle = written(cover_up(files, Rewritten.INDEX, without_manifest), tmp_path / "bundle")
    report = check_bundle(bundle)
    assert report.ok
    assert "manifests/0000000002.json: no event says that it was written" in report.notes
    assert "0000000002.json: no event says that it was written" in as_program(bundle).stdout


def test_a_bundle_of_no_days(files: Files, tmp_path: Path) -> None:
    chains = {name: body for name, body in files.items() if not name.endswith(".csv")}
    index = json.loads(files[INDEX]) | {"from": "2026-11-02", "to": "2026-11-01", "days": []}
    changed = cover_up(chains | {INDEX: json.dumps(index).encode()}, Rewritten.INDEX)
    bundle = written(changed, tmp_path / "bundle")
    assert ["has no days" in finding.what for finding in check_bundle(bundle).findings] == [True]
    assert "has no days" in as_program(bundle).stdout


def test_nothing_of_a_bundle_steers_the_terminal(files: Files, tmp_path: Path) -> None:
    index = json.loads(files[INDEX]) | {"bucket": "\x1b[2J"}
    bundle = written(files | {INDEX: (json.dumps(index, indent=2) + "\n").encode()}, tmp_path / "bundle")
    assert "\x1b" not in as_program(bundle).stdout
