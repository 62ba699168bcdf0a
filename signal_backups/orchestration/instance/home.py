"""Dagster's persistent instance, for commands that Dagster does not start."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
import yaml

from signal_backups.core.base.errors import DagsterHomeError
from signal_backups.core.base.file_locks import exclusive
from signal_backups.core.base.local_files import written_locally

_CONFIG = """\
# Written once by signal-backups; yours to edit.
telemetry:
  enabled: false
nux:
  enabled: false
# Ends runs that never start, or never end after they were cancelled. Runs that stop giving signs of life are ended by
# stale_partition_sensor: Dagster's default run launcher cannot ask after the process of a run.
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  cancel_timeout_seconds: 180
  max_resume_run_attempts: 0
  poll_interval_seconds: 60
"""

_NO_COMPUTE_LOGS = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}

#: The databases that Dagster creates in a home, unless its dagster.yaml names other storage.
_DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")


def prepare_home(folder: Path) -> Path:
    """Create a Dagster home with its databases unless there is one.

    Raises:
        DagsterHomeError: there is one, and it or its dagster.yaml is broken.
        LocalStorageError: it cannot be written.
    """
    with _opening(folder), dg.DagsterInstance.from_config(str(folder)):
        return folder


@contextmanager
def persistent_instance(default_home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of ``DAGSTER_HOME``, or else of ``default_home``: the one that the UI shows.

    Raises:
        DagsterHomeError: the home or its dagster.yaml is broken.
        LocalStorageError: it cannot be written.
    """
    home = os.environ.setdefault("DAGSTER_HOME", str(default_home))
    with _opening(Path(home)):
        # Not the default, which has every run start processes that print tracebacks at a Ctrl-C. What a command prints
        # is on its terminal.
        opened = dg.DagsterInstance.local_temp(home, overrides={"compute_logs": _NO_COMPUTE_LOGS})
    with opened as instance:
        yield instance


@contextmanager
def _opening(home: Path) -> Iterator[None]:
    """One process at a time: whoever opens a new home creates its databases, and Dagster keeps nobody away."""
    with written_locally(home):
        home.mkdir(parents=True, exist_ok=True)
        with exclusive(home / "opening.lock"):
            _configure(home / "dagster.yaml")
            # Before Dagster meets them: it opens one of them only when somebody asks after an asset.
            if broken := [path for name in _DATABASES if _is_broken(path := home / name)]:
                raise _broken_home(home, broken)
            try:
                yield
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise _no_yaml(home / "dagster.yaml", error) from error


def _configure(config: Path) -> None:
    """Write a configuration unless there is one. With an empty one, as a power cut leaves it, telemetry would be on."""
    if config.exists() and config.stat().st_size > 0:
        return
    part = config.with_suffix(".part")
    part.write_text(_CONFIG, encoding="utf-8")
    part.replace(config)


def _is_broken(database: Path) -> bool:
    """Whether Dagster can neither use it nor create what it lacks: it is no database, or has two versions of tables."""
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return len(connection.execute("SELECT version_num FROM alembic_version").fetchall()) > 1
    except sqlite3.OperationalError:  # it has no such table yet
        return False
    except sqlite3.DatabaseError:
        return True


def _no_yaml(config: Path, error: yaml.YAMLError | UnicodeDecodeError) -> DagsterHomeError:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}" if mark else ""
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return DagsterHomeError(
        f"{config} is no YAML{where}: {why}",
        remedy="Correct dagster.yaml, or remove it: it is written anew the next time",
    )


def _broken_home(home: Path, broken: list[Path]) -> DagsterHomeError:
    where, aside = shlex.quote(str(home)), shlex.quote(f"{home}.broken")
    return DagsterHomeError(
        f"the Dagster home {home} is broken: {', '.join(map(str, broken))} was not created whole",
        remedy="No backup is in it, only the history of runs and the state of sensors. While neither Dagster nor "
        f"signal-backups runs, move it away, and run it again: mv {where} {aside}",
    )
