"""Signs of life of a run: an event a minute, so that a run whose process is gone is told from a long one."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from types import TracebackType
from typing import Self

import dagster as dg

from signal_backups.core.base.objectives import HEARTBEAT_INTERVAL, MAX_STAGE_TIME

_log = logging.getLogger(__name__)


class Heartbeat:
    """Gives signs of life from ``with`` to the end of the block, unless nothing gets finished for too long.

    Short runs never write one: the first comes after ``interval``.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        run: dg.DagsterRun,
        interval: timedelta = HEARTBEAT_INTERVAL,
        patience: timedelta = MAX_STAGE_TIME,
    ) -> None:
        self._instance, self._run = instance, run
        self._interval_s, self._patience_s = interval.total_seconds(), patience.total_seconds()
        self._finished_at = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def finished_something(self) -> None:
        """The run goes forward: a hanging one must not seem alive because of its heartbeat."""
        self._finished_at = time.monotonic()

    def _beat(self) -> None:
        while not self._over.wait(self._interval_s):
            if time.monotonic() - self._finished_at > self._patience_s:
                continue
            try:
                self._instance.report_engine_event("still at work", self._run)
            except Exception as error:  # noqa: BLE001 - a sign of life that cannot be written must not end a backup
                _log.warning("no sign of life of run %s could be written: %s", self._run.run_id, error)
