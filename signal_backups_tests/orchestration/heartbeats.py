"""Heartbeats as Dagster's daemon stores them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo

from signal_backups.orchestration.instance.home import prepare_home


def beat(
    home: Path,
    ago: timedelta = timedelta(0),
    *,
    without: Collection[str] = (),
    errors: Collection[SerializableErrorInfo] = (),
) -> None:
    """Let all daemons that Dagster needs report once."""
    at = (datetime.now(UTC) - ago).timestamp()
    with dg.DagsterInstance.from_config(str(prepare_home(home))) as instance:
        for daemon in instance.get_required_daemon_types():
            if daemon not in without:
                instance.add_daemon_heartbeat(DaemonHeartbeat(at, daemon, "1", list(errors)))
