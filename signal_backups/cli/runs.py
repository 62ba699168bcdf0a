"""Backup runs that a command starts, and that end when the command is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import dagster as dg

from signal_backups.cli.interrupts import ended_at_once
from signal_backups.orchestration.for_cli import launch


def run_until_interrupted(
    instance: dg.DagsterInstance,
    first: date,
    last: date,
    *,
    accept_changes: str | None = None,
    on_stored: Callable[[date], None] = lambda _day: None,
) -> launch.BackupRunResult:
    """Back days up as ``launch.run_backup`` does; an interrupt ends the process, and the run as cancelled.

    Not in the main thread: there, Dagster has signals raise errors of its own, and tries an interrupted step again.

    Raises:
        SignalBackupsError: the run failed outside of any day, which is a bug.
    """
    run_id = launch.new_run_id()
    with ended_at_once(lambda: launch.cancel_run(instance, run_id)), ThreadPoolExecutor(max_workers=1) as thread:
        running = thread.submit(
            launch.run_backup,
            instance,
            first,
            last,
            run_id=run_id,
            accept_changes=accept_changes,
            on_stored=on_stored,
        )
        return running.result()
