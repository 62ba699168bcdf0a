"""The exporter: refreshes the measurements and serves the last ones in the meantime."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from signal_backups.core.base.errors import SettingsError, SignalBackupsError
from signal_backups.core.monitoring.metrics.families import exporter_families, measured_families
from signal_backups.core.monitoring.metrics.measure import Measuring
from signal_backups.core.monitoring.metrics.measurements import Measurements
from signal_backups.core.s3.store import S3ObjectStore

_log = logging.getLogger(__name__)


class Exporter(Collector):
    """What was measured last; its ``registry`` holds nothing else, no figures of the process either.

    Args:
        measuring: measures.
        store: whose requests are counted.
        others: gets families that are not measured in S3; may raise ``SignalBackupsError``.
    """

    def __init__(
        self, measuring: Measuring, store: S3ObjectStore, others: Callable[[], Sequence[Metric]] = tuple
    ) -> None:
        self._measuring = measuring
        self._store = store
        self._look_at_others = others
        self._others: Sequence[Metric] = ()
        self._found: Measurements | None = None
        self._up = False
        self._failures = 0
        self._requests: Counter[str] = Counter()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def refresh(self) -> None:
        """Measure anew.

        Raises:
            SignalBackupsError: something cannot be read; what was measured before stays shown, with its time.
        """
        with self._store.counted_requests() as sent:
            try:
                self._found = self._measuring.measure()
                self._others = self._look_at_others()
                self._up = True
            except SignalBackupsError:
                self._up = False
                self._failures += 1
                raise
            finally:
                self._requests = self._requests + Counter(sent)

    def refresh_or_say(self) -> None:
        """Measure anew; when that fails, log why."""
        try:
            self.refresh()
        except SignalBackupsError as error:
            _log.warning("cannot measure, what is shown stays as it was: %s", error)

    def collect(self) -> Iterator[Metric]:
        """Everything, for Prometheus; sends no request."""
        found = self._found
        yield from exporter_families(
            up=self._up,
            last_refresh=found.at if found else None,
            seconds=found.seconds if found else 0.0,
            failures=self._failures,
            requests=self._requests,
            clock_skew=self._measuring.clock_skew_seconds,
        )
        if found is not None:
            yield from measured_families(found)
        yield from self._others

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask for figures."""
        return []

    @contextmanager
    def serving(self, host: str, port: int) -> Iterator[int]:
        """Serve over HTTP for the duration of the block; yields the port, which is a free one when 0 is asked for.

        Raises:
            SettingsError: nobody can listen there.
        """
        try:
            server, _ = start_http_server(port, host, self.registry)
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {host} port {port}: {error.strerror}", remedy="Name another with --host or --port"
            ) from error
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()

    def write(self, path: Path) -> None:
        """Write a file for node_exporter's textfile collector, which sees the old one or the new one, never half.

        Raises:
            SettingsError: it cannot be written there.
        """
        try:
            write_to_textfile(str(path), self.registry)
        except OSError as error:
            raise SettingsError(f"cannot write {path}: {error.strerror}", remedy="Name another file") from error
