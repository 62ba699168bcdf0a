"""The audit trail of years examined: events on a real S3 server, with and without segments, in turn.

Prints seconds and requests of both ways, and the ratio of their medians. Without segments is also what ``--full``
takes, but for the segments themselves.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks.backfill_year import running_server
from benchmarks.measuring import print_load, print_table, spread, work_folder
from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.integrity.log.write_segments import write_segments
from signal_backups.core.ledger.chained_log import FIRST, Entry, Link
from signal_backups.core.ledger.event import Action, Actor, Occurrence
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import JSON_TYPE, S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault

FIRST_EVENT = datetime(2019, 1, 1, 2, tzinfo=UTC)
_WRITERS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the server keeps its data; by default it is thrown away")
    arguments = parser.parse_args()
    with work_folder(arguments.folder) as folder, running_server(folder / "s3") as server:
        connection = S3Connection(server.endpoint_url, server.region, server.access_key, server.secret_key)
        plain, checked = vault_of(connection, "plain"), vault_of(connection, "checked")
        for vault in (plain, checked):
            store_events(vault, arguments.events)
        started = time.perf_counter()
        written = write_segments(checked)
        print(f"wrote {len(written)} segments in {time.perf_counter() - started:.1f} s", flush=True)
        with_segments, without = [], []
        for _ in range(arguments.rounds):
            print_load()
            with_segments.append(examined(checked))
            without.append(examined(plain))
    print_figures(arguments.events, with_segments, without)


def vault_of(connection: S3Connection, bucket: str) -> BackupVault:
    """An empty vault in a versioned bucket of its own."""
    vault = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout())
    vault.store.configuration.create()
    vault.store.configuration.enable_versioning()
    return vault


def store_events(vault: BackupVault, count: int) -> None:
    """Store a good trail, many events at once."""
    log = vault.trail.log
    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(lambda one: log.store.put_bytes(log.key_of(one[0]), one[1], JSON_TYPE), events(count)))


def events(count: int) -> Iterator[tuple[int, bytes]]:
    """Numbers and bytes of a chain of events, six hours apart."""
    link, actor = Link(1, FIRST), Actor(user="benchmark", host="benchmark")
    for number in range(1, count + 1):
        at = FIRST_EVENT + timedelta(hours=6 * number)
        body = Occurrence(at=at, actor=actor, action=Action.VERIFICATION, result="passed").to_bytes(link)
        yield number, body
        link = Link(number + 1, Entry(number, "", "", body).sha256)


def examined(vault: BackupVault) -> tuple[float, int]:
    """Seconds and requests of an examination."""
    started = time.perf_counter()
    report = examine_trail(vault)
    if not report.ok:
        raise SystemExit(f"a good trail was found broken: {report.findings[0].words}")
    return time.perf_counter() - started, sum(report.requests.values())


def print_figures(count: int, with_segments: list[tuple[float, int]], without: list[tuple[float, int]]) -> None:
    """Both ways side by side."""
    fast, slow = [one[0] for one in with_segments], [one[0] for one in without]
    print_table(
        [f"{count} events", "seconds, min/median", "requests"],
        [
            ["with segments", spread(fast), str(with_segments[0][1])],
            ["without", spread(slow), str(without[0][1])],
            ["ratio", f"{median(slow) / median(fast):.1f}x", f"{without[0][1] / with_segments[0][1]:.1f}x"],
        ],
    )


if __name__ == "__main__":
    main()
