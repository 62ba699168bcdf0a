"""Dagster's persistent instance, for commands that Dagster does not start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

_CONFIG = """\
# Written once by signal-backups; yours to edit.
telemetry:
  enabled: false
nux:
  enabled: false
"""


def prepare_home(folder: Path) -> Path:
    """Create a Dagster home unless there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "dagster.yaml"
    if not config.exists():
        config.write_text(_CONFIG, encoding="utf-8")
    return folder


@contextmanager
def persistent_instance(default_home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of ``DAGSTER_HOME``, or else of ``default_home``: the one that the UI shows."""
    home = os.environ.setdefault("DAGSTER_HOME", str(default_home))
    prepare_home(Path(home))
    with dg.DagsterInstance.get() as instance:
        yield instance
