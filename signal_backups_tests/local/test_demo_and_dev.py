"""``make demo`` and ``make dev``, run as the Makefile runs them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from signal_backups.core.base.days import last_complete_day
from signal_backups.embedded.seaweedfs import SeaweedServer
from signal_backups_tests.docs.pages import Block, sections_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 120


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SeaweedServer]:
    """The embedded S3 server, stopped afterwards."""
    server = SeaweedServer(tmp_path / "state" / "s3")
    yield server
    server.stop()


def test_the_demo_stores_a_week_and_the_second_time_nothing(tmp_path: Path, server: SeaweedServer) -> None:
    first = _demo(tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "7 of 7 days stored as new versions" in first.stdout
    assert _printed_in_the_readme().missing_from(first.stdout, last_complete_day()) == []
    assert first.stderr == ""
    second = _demo(tmp_path)
    assert second.returncode == 0
    assert "Nothing changed" in second.stdout
    assert _versions(second.stdout) == _versions(first.stdout)
    assert len(set(_versions(first.stdout))) == 7
    assert server.is_running()
    stopped = _run(tmp_path, "signal_backups.cli", "store", "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert not server.is_running()
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_the_demo_refuses_to_run_on_a_real_database(tmp_path: Path) -> None:
    refused = _demo(tmp_path, SIGNALS_DATABASE_URL="postgresql://db/real")
    assert refused.returncode == 2
    assert "must not touch a real database" in refused.stdout


def test_dev_serves_the_ui_until_ctrl_c_and_leaves_the_s3_server_unused(tmp_path: Path, server: SeaweedServer) -> None:
    port = _free_port()
    log = tmp_path / "dev.log"
    # Not in the project's own folder, where a developer's .env may name a real database.
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _WITH_DEFAULT_SIGNALS],
            cwd=tmp_path,
            env=_environment(tmp_path, SIGNAL_BACKUPS_UI_PORT=str(port)),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for_ui(port, process, log)
        assert server.is_running()
        assert not server.stop_if_idle(0)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 0, log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert server.stop_if_idle(0)
    assert not _answers(port)
    assert "Traceback" not in log.read_text()
    assert (tmp_path / "state" / "dagster" / "dagster.yaml").exists()


# A test runner's child may start with signals ignored, which a terminal's child never does.
_WITH_DEFAULT_SIGNALS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from signal_backups.local.dev import main
main()
"""


def _demo(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return _run(folder, "signal_backups.local.demo", **settings)


def _run(folder: Path, *program: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *program]
    environment = _environment(folder, **settings)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _environment(folder: Path, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SIGNAL_BACKUPS_HOME": str(folder / "state"),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        **settings,
    }


def _printed_in_the_readme() -> Block:
    (block,) = (
        block
        for section in sections_of(ROOT / "README.md")
        for block in section.blocks
        if [each.text for each in block.instructions] == ["make demo"]
    )
    return block


def _versions(table: str) -> list[str]:
    return re.findall(r"\b[0-9a-f]{32}\b", table)


def _wait_for_ui(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        if _answers(port):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
