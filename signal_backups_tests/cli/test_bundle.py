"""``signal-backups bundle`` and ``verify-bundle``: what they write and say, and how they end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from signal_backups.cli.app import app
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, day_at, rows_of, stored_days
from signal_backups_tests.cli.terminal import Finished

FIRST, GAP, LOST = day_at(0), day_at(1), day_at(2)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[StoredDays]:
    """A good day, one without a backup, and one whose backup is gone."""
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        for day in (FIRST, LOST):
            stored.store(day, rows_of(day, 3))
        stored.remove(stored.key(LOST))
        yield stored


class Inside:
    """The command line in this process: a process each would take seconds to start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> Finished:
        done = CliRunner().invoke(app, arguments)
        if isinstance(done.exception, SignalBackupsError):
            return Finished(int(done.exception.exit_code), done.stdout, f"{done.stderr}{done.exception}")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Finished(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """The command line, in a folder of its own, with the settings of that bucket."""
    for name, value in stored.terminal(tmp_path).settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Inside(tmp_path)


def bundle(out: str = "out", *arguments: str) -> list[str]:
    return ["bundle", "--from", str(FIRST), "--to", str(GAP), "--out", out, *arguments]


@pytest.mark.parametrize("out", ["out", "out.zip"])
def test_a_bundle_is_written_and_verifies(terminal: Inside, out: str) -> None:
    done = terminal.run(*bundle(out))
    assert done.code == 0, done.err
    assert f"No backup: {GAP}" in done.err
    assert "1 of 2 days, 3 records" in done.out
    assert ("SHA-256 of the ZIP: " in done.out) == (out == "out.zip")
    (head,) = [line.split()[2].rstrip(":") for line in done.out.splitlines() if line.startswith("Tree head")]
    found = terminal.run("verify-bundle", out, "--head", head.upper())
    assert (found.code, f"{FIRST} to {GAP}: 1 days, 3 records, 2 manifests, 2 events, 0 findings" in found.out) == (
        0,
        True,
    ), found
    wrong = terminal.run("verify-bundle", out, "--head", "0" * 64)
    assert (wrong.code, "WRONG bundle.json: neither its tree head" in wrong.err) == (1, True)
    again = terminal.run(*bundle(out))
    assert (again.code, "is there already" in again.err) == (2, True)
    assert not list((terminal.folder / "home" / "scratch").glob("bundle-*"))


def test_machines_get_one_document(terminal: Inside) -> None:
    done = terminal.run(*bundle("out", "--json"))
    assert (done.code, done.json["ok"], done.json["totals"]) == (0, True, {"days": 2, "backed_up": 1, "records": 3})
    assert [sorted(day) for day in done.json["days"]] == [["csv", "day", "manifest", "records"], ["day", "missing"]]
    found = terminal.run("verify-bundle", "out", "--json")
    assert (found.code, found.json["ok"], found.json["findings"]) == (0, True, [])
    assert found.json["statements"] == {done.json["statement_sha256"]: "bundle.json"}


def test_a_day_that_is_gone_is_named_and_ends_with_1(terminal: Inside) -> None:
    done = terminal.run("bundle", "--from", str(FIRST), "--to", str(LOST), "--out", "out")
    assert done.code == 1
    assert f"MISSING {LOST}: " in done.err
    assert (terminal.folder / "out" / "verify.py").is_file()
    alone = subprocess.run(["python3", "verify.py"], cwd=terminal.folder / "out", capture_output=True, check=False)
    assert alone.returncode == 1


def test_a_bundle_that_would_fail_its_check_is_not_called_written(
    tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_days(tmp_path, s3_server) as stored:
        stored.store(FIRST, rows_of(FIRST, 3))
        (event,) = stored.vault.trail.log.entries()
        stored.remove(event.key)
        stored.put(event.key, event.body.replace(b'"number": 1, "objects"', b'"number": 3, "objects"'))
        for name, value in stored.terminal(tmp_path).settings.items():
            monkeypatch.setenv(name, value)
        for out in ("out", "out.zip"):
            done = Inside(tmp_path).run(*bundle(str(tmp_path / out)))
            assert (done.code, done.out) == (1, ""), done
            assert "WRONG events.jsonl, event 1: " in done.err
            assert f"{tmp_path / out} is there, but does not pass its check" in done.err
            assert (tmp_path / out).exists()
        done = Inside(tmp_path).run(*bundle(str(tmp_path / "again"), "--json"))
        assert (done.code, done.json["ok"], len(done.json["findings"])) == (1, False, 1)


def test_damage_is_named_with_file_and_row(terminal: Inside, stored: StoredDays) -> None:
    assert terminal.run(*bundle()).code == 0
    csv = terminal.folder / "out" / stored.key(FIRST)
    lines = csv.read_bytes().splitlines(keepends=True)
    csv.write_bytes(b"".join([lines[0], lines[1], lines[2].replace(b"EURUSD", b"USDJPY"), lines[3]]))
    found = terminal.run("verify-bundle", "out")
    assert found.code == 1
    assert f"WRONG {stored.key(FIRST)}, row 2: " in found.err
    assert f"FAILED: {stored.bucket}, {FIRST} to {GAP}: 1 days" in found.out
    as_json = terminal.run("verify-bundle", "out", "--json")
    assert {finding["file"] for finding in as_json.json["findings"]} >= {"SHA256SUMS", stored.key(FIRST)}


def test_a_ca_without_a_time_stamp_proves_nothing(terminal: Inside) -> None:
    assert terminal.run(*bundle()).code == 0
    (terminal.folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    found = terminal.run("verify-bundle", "out", "--ca", "ca.pem")
    assert (found.code, "there is no time stamp to check" in found.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bundle"], 2, "--out"),
        (["bundle", "--out", "x", "--from", "yesterday"], 2, "is not a date"),
        (["bundle", "--out", "x", "--from", "2024-03-02", "--to", "2024-03-01"], 2, "Swap --from and --to"),
        (["bundle", "--out", "x", "--from", "2024-03-01", "--to", "2999-01-01"], 2, "has not ended yet"),
        (["bundle", "--out", "no/such/folder/x"], 3, "no folder"),
        (["bundle", "--out", "."], 2, "is there already"),
        (["verify-bundle"], 2, "Missing argument"),
        (["verify-bundle", "nowhere"], 4, "no bundle at nowhere"),
        (["verify-bundle", "file.txt"], 1, "is not a ZIP that can be read"),
        (["verify-bundle", "empty"], 1, "WRONG SHA256SUMS"),
        (["verify-bundle", "empty", "--head", "abc"], 2, "is not a SHA-256"),
        (["verify-bundle", "empty", "--ca", "nowhere.pem"], 4, "no file at nowhere.pem"),
        (["verify-bundle", "empty", "--ca", "empty"], 2, "cannot read empty"),
    ],
)
def test_wrong_input_is_named(terminal: Inside, arguments: list[str], code: int, said: str) -> None:
    (terminal.folder / "file.txt").write_text("no bundle")
    (terminal.folder / "empty").mkdir()
    before = sorted(path.name for path in terminal.folder.iterdir())
    done = terminal.run(*arguments)
    assert (done.code, said in " ".join(done.err.split())) == (code, True), done
    assert [path.name for path in sorted(terminal.folder.iterdir()) if path.name != "home"] == before


def test_it_works_as_a_process_too(stored: StoredDays, tmp_path: Path) -> None:
    terminal = stored.terminal(tmp_path)
    assert terminal.run(*bundle("out.zip")).code == 0
    assert terminal.run("verify-bundle", "out.zip").code == 0
    missing = terminal.run("verify-bundle", "nowhere", "--json")
    assert (missing.code, missing.json["error"]["exit_code"]) == (4, 4)
