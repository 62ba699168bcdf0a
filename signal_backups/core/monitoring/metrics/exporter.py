"""The Prometheus exporter: serves the last measurements until the next refresh."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from signal_backups.core.base.errors import LocalStorageError, SettingsError, SignalBackupsError
from signal_backups.core.monitoring.metrics.families import exporter_families, measured_families
from signal_backups.core.monitoring.metrics.measure import Measurer
from signal_backups.core.monitoring.metrics.measurements import Measurements
from signal_backups.core.s3.store import S3ObjectStore

_log = logging.getLogger(__name__)


class Exporter(Collector):
    """Exports the last measurements; ``registry`` contains nothing else, not even the metrics of the process.

    Args:
        measurer: takes the measurements.
        store: the store whose requests are counted.
        read_others: returns metrics that are not measured in S3; may raise ``SignalBackupsError``.
    """

    def __init__(
        self, measurer: Measurer, store: S3ObjectStore, read_others: Callable[[], Sequence[Metric]] = tuple
    ) -> None:
        self._measurer = measurer
        self._store = store
        self._read_others = read_others
        self._others: Sequence[Metric] = ()
        self._found: Measurements | None = None
        self._up = False
        self._failures = 0
        self._requests: Counter[str] = Counter()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def refresh(self) -> None:
        """Take new measurements.

        Raises:
            SignalBackupsError: something cannot be read; the last values stay, with their time.
        """
        with self._store.counted_requests() as sent:
            try:
                self._found = self._measurer.measure()
                self._others = self._read_others()
                self._up = True
            except SignalBackupsError:
                self._up = False
                self._failures += 1
                raise
            finally:
                self._requests = self._requests + Counter(sent)

    def refresh_or_log(self) -> None:
        """Take new measurements; log a failure instead of raising it."""
        try:
            self.refresh()
        except SignalBackupsError as error:
            _log.warning("cannot measure, the last values stay: %s", error)

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics for Prometheus; sends no request to S3."""
        found = self._found
        yield from exporter_families(
            up=self._up,
            last_refresh=found.at if found else None,
            seconds=found.seconds if found else 0.0,
            failures=self._failures,
            requests=self._requests,
            clock_skew=self._measurer.clock_skew_seconds,
        )
        if found is not None:
            yield from measured_families(found)
        yield from self._others

    def describe(self) -> list[Metric]:
        """Return nothing, because registering a collector must not measure."""
        return []

    @contextmanager
    def serving(self, host: str, port: int) -> Iterator[int]:
        """Serve over HTTP for the duration of the block; yields the port, a free one if ``port`` is 0.

        Raises:
            SettingsError: the address cannot be listened on.
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
        """Write a file for node_exporter's textfile collector, replacing it atomically.

        Raises:
            LocalStorageError: the file cannot be written.
        """
        try:
            write_to_textfile(str(path), self.registry)
        except OSError as error:
            raise LocalStorageError(f"cannot write {path}: {error.strerror}", remedy="Name another file") from error
