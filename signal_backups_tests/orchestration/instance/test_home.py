"""The persistent instance of commands that Dagster did not start."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import dagster as dg
import pytest
import yaml

from signal_backups.core.base.errors import DagsterHomeError, ExitCode, LocalStorageError
from signal_backups.orchestration.instance.home import persistent_instance, prepare_home


def test_a_new_home_has_telemetry_and_the_newsletter_off(tmp_path: Path) -> None:
    config = prepare_home(tmp_path / "a" / "b") / "dagster.yaml"
    assert yaml.safe_load(config.read_text(encoding="utf-8")) == {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 180,
            "cancel_timeout_seconds": 180,
            "max_resume_run_attempts": 0,
            "poll_interval_seconds": 60,
        },
    }


def test_run_monitoring_is_on_and_dagster_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with persistent_instance(tmp_path) as instance:
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_poll_interval_seconds == 60


def test_a_run_of_a_command_starts_no_processes_that_copy_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with persistent_instance(tmp_path) as instance:
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"


def test_a_configured_home_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("# mine\n", encoding="utf-8")
    assert (prepare_home(tmp_path) / "dagster.yaml").read_text(encoding="utf-8") == "# mine\n"


def test_an_empty_configuration_is_none(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").touch()
    config = yaml.safe_load((prepare_home(tmp_path) / "dagster.yaml").read_text(encoding="utf-8"))
    assert config["telemetry"] == {"enabled": False}
    assert config["run_monitoring"]["enabled"]


def test_a_configuration_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def written_in_part(file: Path, text: str, **_: object) -> int:
        with file.open("w", encoding="utf-8") as opened:
            opened.write(text[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", written_in_part)
        with pytest.raises(LocalStorageError):
            prepare_home(tmp_path)
    assert not (tmp_path / "dagster.yaml").exists()
    assert yaml.safe_load((prepare_home(tmp_path) / "dagster.yaml").read_text(encoding="utf-8"))["telemetry"]


def test_without_a_dagster_home_the_default_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "to be removed after the test")
    monkeypatch.delenv("DAGSTER_HOME")
    with persistent_instance(tmp_path / "default") as instance:
        assert Path(instance.root_directory) == tmp_path / "default"


def test_dagster_home_goes_before_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    with persistent_instance(tmp_path / "default") as instance:
        assert Path(instance.root_directory) == tmp_path / "mine"
    assert not (tmp_path / "default").exists()


def test_runs_are_remembered_from_one_command_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with persistent_instance(tmp_path) as instance:
        instance.run_storage.set_cursor_values({"key": "value"})
    with persistent_instance(tmp_path) as instance:
        assert instance.run_storage.get_cursor_values({"key"}) == {"key": "value"}


#: Opens the home in its first argument once its standard input ends.
_OPENING = """
import sys
from pathlib import Path
from signal_backups.orchestration.instance.home import persistent_instance
print("ready", flush=True)
sys.stdin.read()
with persistent_instance(Path(sys.argv[1])) as instance:
    print(instance.get_runs_count())
"""


@pytest.mark.slow
def test_processes_that_open_a_new_home_at_the_same_time_all_get_it(tmp_path: Path) -> None:
    for attempt in range(2):
        home = tmp_path / str(attempt)
        with ExitStack() as stack:
            processes = [stack.enter_context(_opening_process(home)) for _ in range(3)]
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for process in processes:
                assert process.stdin is not None
                process.stdin.close()
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.read() == "0\n"


def _opening_process(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _OPENING, str(home)],
        env=dict(os.environ) | {"DAGSTER_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def two_heads(database: Path) -> None:
    """What processes leave behind that create the database at the same time."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('another')")
        connection.commit()


def no_database(database: Path) -> None:
    database.write_bytes(b"no database" * 1000)


@pytest.mark.parametrize(
    ("broken_by", "database"),
    [
        (two_heads, "history/runs.db"),
        (no_database, "history/runs.db"),
        # Dagster opens it only when somebody asks after an asset.
        (no_database, "history/runs/index.db"),
    ],
)
def test_a_broken_home_is_recognized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_by: Callable[[Path], None], database: str
) -> None:
    home = prepare_home(tmp_path / "dagster")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    broken_by(home / database)
    with pytest.raises(DagsterHomeError) as raised, persistent_instance(home):
        pass
    assert f"the Dagster home {home} is broken: {home / database}" in raised.value.what
    assert f"mv {home} {home}.broken" in raised.value.remedy
    assert raised.value.exit_code is ExitCode.UNREACHABLE
    home.rename(tmp_path / "dagster.broken")
    with persistent_instance(home) as instance:
        assert instance.get_runs_count() == 0


def test_an_empty_database_is_not_called_broken_dagster_creates_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = prepare_home(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    (home / "history" / "runs.db").write_bytes(b"")
    with persistent_instance(home) as instance:
        assert instance.get_runs_count() == 0


@pytest.mark.parametrize(
    ("body", "line"), [(b"telemetry:\n  enabled: false\nnux: [\n", ", line 4"), (b"telemetry: \xff", ""), (b"\0", "")]
)
def test_a_configuration_that_is_no_yaml_is_named(tmp_path: Path, body: bytes, line: str) -> None:
    config = tmp_path / "dagster.yaml"
    config.write_bytes(body)
    with pytest.raises(DagsterHomeError) as raised:
        prepare_home(tmp_path)
    assert raised.value.what.startswith(f"{config} is no YAML{line}: ")
    assert raised.value.exit_code is ExitCode.UNREACHABLE


def test_what_else_is_wrong_with_a_home_is_not_called_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = prepare_home(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    (home / "dagster.yaml").write_text("no_such_section: {}\n", encoding="utf-8")
    with pytest.raises(dg.DagsterInvalidConfigError), persistent_instance(home):
        pass
