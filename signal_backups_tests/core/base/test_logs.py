"""Logs: a line a step, as JSON or text, on standard error and in a file that is rotated when it is full."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base import logs
from signal_backups.core.base.errors import ExitCode, SettingsError
from signal_backups.core.base.logs import configure_logging, log_failed_step, log_step
from signal_backups.core.config.settings import load_log_settings, load_settings
from signal_backups.core.drill.run import DrillRun, drill
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import DAY, signals

LOGGER = logging.getLogger("signal_backups.core.tests")


@pytest.fixture(autouse=True)
def own_logging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No ``.env``, and the logger afterwards as it was before."""
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("signal_backups")
    handlers, level = list(logger.handlers), logger.level
    yield
    for handler in [handler for handler in logger.handlers if handler not in handlers]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)


def configured(patch: pytest.MonkeyPatch, **given: str) -> None:
    for name in ("FORMAT", "LEVEL", "FILE"):
        patch.setenv(f"SIGNAL_BACKUPS_LOG_{name}", given.get(name.lower(), ""))
    logs = load_log_settings()
    configure_logging(logs.log_format, logs.log_level, logs.log_file)


def read(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_step_is_a_line_with_day_object_bytes_and_seconds(
    vault: BackupVault, run_day: RunDay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, format="json", file=str(tmp_path / "steps.log"))
    day = run_day(signals(3))
    stored = store_backup(vault, day.folder, BackupRun("run-1")).manifest.backup
    store_backup(vault, day.folder, BackupRun("run-2"))
    verify_stored(vault, vault.find(DAY), tmp_path / "scratch")
    drill(vault, DrillRun("run-3", f"sqlite:///{tmp_path}/signals.db", "signals", tmp_path / "scratch"))

    lines = read((tmp_path / "steps.log").read_text())
    assert [line["step"] for line in lines] == [
        *("extract", "csv", "store", "store", "verify"),
        # A drill compares what it restored with the source.
        *("restore", "extract", "drill"),
    ]
    extract, csv, store, again, verify, restore, _, drilled = lines
    assert {line["partition"] for line in lines[:-1]} == {DAY.isoformat()}
    assert all(isinstance(line["seconds"], float) for line in lines)
    assert (extract["rows"], extract["bytes"]) == (3, day.folder.extract.stat().st_size)
    assert (csv["records"], csv["quarantined"], csv["bytes"]) == (3, 0, stored.bytes)
    for line in (store, again, verify, restore):
        assert (line["object"], line["version_id"]) == (vault.store.uri(stored.key), stored.version_id)
        assert line["bytes"] == stored.bytes
    assert [line["result"] for line in lines if "result" in line] == [
        "stored",
        "unchanged",
        "passed",
        "restored",
        "passed",
    ]
    assert (store["run_id"], restore["restored"], drilled["rows"]) == ("run-1", 3, 3)
    assert drilled["object"].startswith(f"s3://{vault.store.bucket}/drills/")


def test_a_json_line_says_when_how_grave_who_and_what(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(monkeypatch, format="json")
    before = datetime.now(UTC)
    LOGGER.warning("line one\nline two %s", "é")
    log_step(LOGGER, "extract", DAY, seconds=0.12345)
    warned, done = read(capsys.readouterr().err)
    assert (warned["level"], warned["logger"]) == ("WARNING", "signal_backups.core.tests")
    assert warned["message"] == "line one\nline two é"
    assert abs((datetime.fromisoformat(warned["time"]) - before).total_seconds()) < 60
    assert warned["time"].endswith("Z")
    del done["time"]
    assert done == {
        "level": "INFO",
        "logger": "signal_backups.core.tests",
        "message": "extract done",
        "step": "extract",
        "partition": "2026-11-01",
        "seconds": 0.123,
    }


def test_a_text_line_says_the_same_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(monkeypatch, format="text")
    log_step(LOGGER, "store", DAY, seconds=1, uri="s3://b/k", size=5, result="stored")
    LOGGER.error("one\ntwo")
    step, error = capsys.readouterr().err.splitlines()
    assert step.endswith(
        "Z INFO signal_backups.core.tests store done "
        "step=store partition=2026-11-01 object=s3://b/k bytes=5 seconds=1 result=stored"
    )
    assert error.endswith(" ERROR signal_backups.core.tests one\\ntwo")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_exception_is_logged_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configured(monkeypatch, format=log_format)
    try:
        int("why")
    except ValueError:
        LOGGER.exception("it broke")
    (line,) = capsys.readouterr().err.splitlines()
    assert "it broke" in line
    assert "ValueError: invalid literal" in line


def test_unless_asked_warnings_alone_are_shown_and_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(monkeypatch)
    log_step(LOGGER, "store", DAY, seconds=1)
    log_failed_step(LOGGER, "backup", "no such table", {"day": DAY.isoformat()})
    LOGGER.warning("an event waits")
    assert capsys.readouterr().err == "an event waits\n"


def test_a_step_that_failed_says_so_and_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(monkeypatch, format="json")
    log_failed_step(LOGGER, "backup", "no such table", {"day": DAY.isoformat()})
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "backup failed", "no such table")
    assert (line["step"], line["partition"]) == ("backup", DAY.isoformat())


def test_fields_keep_their_names_and_any_value_becomes_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(monkeypatch, format="json")
    log_failed_step(LOGGER, "restore", "no", {"name": "n", "exc_info": "e", "path": Path("/x"), "on": DAY})
    (line,) = read(capsys.readouterr().err)
    assert (line["name"], line["exc_info"], line["path"], line["on"]) == ("n", "e", "/x", "2026-11-01")
    assert (line["logger"], "traceback" in line) == ("signal_backups.core.tests", False)


@pytest.mark.parametrize(
    ("level", "shown"), [("DEBUG", "diwe"), ("INFO", "iwe"), ("WARNING", "we"), ("ERROR", "e")]
)  # fmt: skip
def test_the_level_counts_for_both_places(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, level: str, shown: str
) -> None:
    configured(monkeypatch, level=level, file=str(tmp_path / "a.log"))
    for word, log in zip("diwe", (LOGGER.debug, LOGGER.info, LOGGER.warning, LOGGER.error), strict=True):
        log(word)
    for text in (capsys.readouterr().err, (tmp_path / "a.log").read_text()):
        assert "".join(line[-1] for line in text.splitlines()) == shown


def test_a_file_alone_gets_the_steps_and_the_terminal_only_warnings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    configured(monkeypatch, file=str(tmp_path / "new" / "folder" / "a.log"))
    assert not (tmp_path / "new").exists()
    log_step(LOGGER, "store", DAY, seconds=1)
    LOGGER.warning("an event waits")
    assert capsys.readouterr().err == "an event waits\n"
    first, second = (tmp_path / "new" / "folder" / "a.log").read_text().splitlines()
    assert "step=store" in first
    assert second.endswith("an event waits")


def test_configured_twice_each_line_is_written_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for file in ("a.log", "b.log"):
        configured(monkeypatch, format="json", file=str(tmp_path / file))
        LOGGER.info("once in %s", file)
        assert len(read(capsys.readouterr().err)) == 1
    for file in ("a.log", "b.log"):
        (line,) = read((tmp_path / file).read_text())
        assert line["message"] == f"once in {file}"
    assert tmp_path / "a.log" not in {link.resolve() for link in Path("/proc/self/fd").iterdir()}


def test_a_full_file_is_rotated_and_the_oldest_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_FILE_BYTES", 2000)
    monkeypatch.setattr(logs, "OLD_FILES", 2)
    configured(monkeypatch, file=str(tmp_path / "a.log"))
    for number in range(100):
        LOGGER.info("line %03d", number)
    files = [tmp_path / name for name in ("a.log.2", "a.log.1", "a.log")]
    assert sorted(tmp_path.glob("a.log*")) == sorted([*files, tmp_path / "a.log.lock"])
    assert all(0 < file.stat().st_size <= 2000 for file in files)
    numbers = [int(line[-3:]) for file in files for line in file.read_text().splitlines()]
    assert numbers == list(range(numbers[0], 100))


def test_several_processes_write_one_file_and_no_line_is_lost(tmp_path: Path) -> None:
    program = (
        "import logging, sys\n"
        "from signal_backups.core.base import logs\n"
        "from signal_backups.core.config.settings import load_log_settings\n"
        "logs.MAX_FILE_BYTES, logs.OLD_FILES = 3000, 200\n"
        "found = load_log_settings()\n"
        "logs.configure_logging(found.log_format, found.log_level, found.log_file)\n"
        "print(flush=True), sys.stdin.readline()\n"
        "for n in range(150): logging.getLogger('signal_backups.x').info('%s %d', sys.argv[1], n)\n"
    )
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "SIGNAL_BACKUPS_LOG_FILE": str(tmp_path / "a.log"),
        "SIGNAL_BACKUPS_LOG_FORMAT": "json",
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, name],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for name in "xyz"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0
        assert b"Cannot write" not in said
    files = [file for file in tmp_path.glob("a.log*") if file.suffix != ".lock"]
    messages = [line["message"] for file in files for line in read(file.read_text())]
    assert sorted(messages) == sorted(f"{name} {number}" for name in "xyz" for number in range(150))
    assert len(files) > 10
    assert all(file.stat().st_size <= 3000 for file in files)


def test_when_another_process_rotated_the_file_a_new_one_is_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, file=str(tmp_path / "a.log"))
    LOGGER.info("one")
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    LOGGER.info("two")
    LOGGER.info("three")
    assert [line[-3:] for line in (tmp_path / "a.log").read_text().splitlines()] == ["two", "ree"]


@pytest.mark.parametrize("file", ["in_the_way/a.log", "folder"])
def test_a_file_that_cannot_be_written_is_reported_once_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str
) -> None:
    (tmp_path / "in_the_way").write_text("")
    (tmp_path / "folder").mkdir()
    configured(monkeypatch, file=str(tmp_path / file))
    LOGGER.info("one")
    LOGGER.warning("two")
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (message,) = (line for line in said.splitlines() if line != "two")
    assert message.startswith(f"Cannot write the log file {tmp_path / file}: ")
    assert message.endswith("Going on without it")


@pytest.mark.parametrize(("name", "value"), [("FORMAT", "xml"), ("LEVEL", "loud")])
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SIGNAL_BACKUPS_LOG_{name}", value)
    for load in (load_log_settings, load_settings):
        with pytest.raises(SettingsError, match=f"SIGNAL_BACKUPS_LOG_{name}") as raised:
            load()
        assert raised.value.exit_code is ExitCode.USAGE


def test_the_settings_of_logs_are_read_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "soon")
    monkeypatch.setenv("SIGNAL_BACKUPS_LOG_FORMAT", "json")
    assert load_log_settings().log_format == "json"
