"""``make demo`` and ``make dev``, run as the Makefile runs them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from signal_backups.core.base.days import last_complete_day
from signal_backups.core.base.errors import SettingsError
from signal_backups.embedded.seaweedfs import SeaweedServer
from signal_backups.local.dev import free_ui_port, wanted_ui_port
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


def test_the_demo_stores_a_week_and_the_second_time_nothing_but_an_undated_row(
    tmp_path: Path, server: SeaweedServer
) -> None:
    first = _demo(tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "7 of 7 days stored as new versions" in first.stdout
    assert _printed_in_the_readme().missing_from(first.stdout, last_complete_day()) == []
    assert (first.stderr, "undated" in first.stdout) == ("", False)
    with closing(sqlite3.connect(tmp_path / "state" / "signals.db")) as database, database:
        database.execute("UPDATE signals SET timestamp = 'yesterday' WHERE rowid = 1")
    second = _demo(tmp_path)
    assert second.returncode == 0
    assert "Nothing changed" in second.stdout
    assert "1 undated row" in second.stdout
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


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, id="sigterm in the background"),
        pytest.param(signal.SIGINT, id="ctrl-c", marks=pytest.mark.slow),
    ],
)
def test_dev_serves_the_ui_until_it_is_stopped_and_leaves_the_s3_server_unused(
    tmp_path: Path, server: SeaweedServer, number: signal.Signals
) -> None:
    port = _free_port()
    log = tmp_path / "dev.log"
    # Not in the project's own folder, where a developer's .env may name a real database.
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with log.open("wb") as out, _dev(tmp_path, port, stdout=out, in_background=number is signal.SIGTERM) as process:
        _wait_for_ui(port, process, log)
        assert server.is_running()
        assert not server.stop_if_idle(0)
        os.killpg(process.pid, number)
        assert process.wait(timeout=60) == 0, log.read_text()
    assert server.stop_if_idle(0)
    assert not _answers(port)
    assert "Traceback" not in log.read_text()
    assert (tmp_path / "state" / "dagster" / "dagster.yaml").exists()


def test_dev_on_a_taken_port_says_so_before_it_names_the_ui(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with _dev(tmp_path, port, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 2
    assert err.endswith(
        f"Error: port {port} is taken: another program listens on 127.0.0.1:{port}. Name a free one, for example: "
        "SIGNAL_BACKUPS_UI_PORT=3001 make dev\n"
    )
    assert "Dagster UI" not in err


def test_the_port_is_that_of_the_environment_or_else_of_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGNAL_BACKUPS_UI_PORT", raising=False)
    assert wanted_ui_port() == "3000"
    Path(".env").write_text("SIGNAL_BACKUPS_UI_PORT=3001\n", encoding="utf-8")
    assert wanted_ui_port() == "3001"
    monkeypatch.setenv("SIGNAL_BACKUPS_UI_PORT", "3002")
    assert wanted_ui_port() == "3002"


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(SettingsError, match="is no port"):
        free_ui_port(port)


_STOPPED = """
import sys
from signal_backups.local.dev import run_until_stopped
sys.exit(run_until_stopped([sys.executable, "-c", sys.argv[1]]))
"""


@pytest.mark.parametrize(
    ("program", "signals", "code"),
    [
        ("print('up', flush=True); input()", [signal.SIGTERM], 0),
        (
            "import signal; signal.signal(signal.SIGINT, lambda *_: None); print('up', flush=True)\n"
            "while True: signal.pause()",
            [signal.SIGTERM, signal.SIGINT],
            128 + signal.SIGKILL,
        ),
        ("print('up'); raise SystemExit(7)", [], 7),
    ],
)
def test_the_first_signal_stops_the_other_program_and_the_second_ends_it(
    program: str, signals: list[signal.Signals], code: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STOPPED, program],
        env={"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=_ignoring_interrupts,  # noqa: PLW1509  nothing else runs in the child
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        for number in signals:
            process.send_signal(number)
            time.sleep(0.1)
        assert process.wait(60) == code


def _ignoring_interrupts() -> None:
    """What a shell has its background processes do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hearing_interrupts() -> None:
    """A test runner's child may start with signals ignored, which a terminal's child never does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _dev(folder: Path, port: int, *, in_background: bool = False, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Have ``make dev`` run for the duration of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "signal_backups.local", "dev"],
        cwd=folder,
        env=_environment(folder, SIGNAL_BACKUPS_UI_PORT=str(port)),
        start_new_session=True,
        preexec_fn=_ignoring_interrupts if in_background else _hearing_interrupts,  # noqa: PLW1509  see above
        **({"stderr": subprocess.STDOUT} | streams),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _demo(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return _run(folder, "signal_backups.local", "demo", **settings)


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
