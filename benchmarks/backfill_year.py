"""A year backed up in one range run: the real assets on a small table, beside empty assets of the same shape.

The empty assets emit the same materializations and check results and do nothing else: what they take is Dagster's own
overhead. The real ones read 100 signals a day, and write, read back and verify them on a real S3 server.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.measuring import Figures, made_table, print_load, print_table, run_side, spread, values_of, work_folder
from benchmarks.signal_tables import DAY
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.embedded.seaweedfs import S3Server, SeaweedServer

SIGNALS_PER_DAY = 100
#: The whole run against Dagster's share of it.
GOAL = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the table is kept; by default it is made anew")
    arguments = parser.parse_args()
    with work_folder(arguments.folder) as folder:
        database = made_table(folder, SIGNALS_PER_DAY, days=arguments.days)
        with running_server(folder / "s3") as server:
            real, empty = measured(database, folder, server, arguments.days, arguments.rounds)
    print_figures(real, empty, arguments.days)


@contextmanager
def running_server(folder: Path) -> Iterator[S3Server]:
    """An empty S3 server for the duration of the block."""
    shutil.rmtree(folder, ignore_errors=True)
    server = SeaweedServer(folder)
    try:
        yield server.start()
    finally:
        server.stop()


def measured(
    database: Path, folder: Path, server: S3Server, days: int, rounds: int
) -> tuple[list[Figures], list[Figures]]:
    """Both sides, in turn; each round has a fresh Dagster instance and a fresh bucket."""
    real: list[Figures] = []
    empty: list[Figures] = []
    for number in range(1, rounds + 1):
        print_load()
        for side, found in (("real", real), ("empty", empty)):
            environment = fresh_environment(database, folder / "home", server, f"round-{number}", days)
            found.append(run_side("dagster_side", side, days, environment=environment))
        if real[-1].facts != empty[-1].facts:
            raise SystemExit(f"the sides do not do the same: {real[-1].facts} and {empty[-1].facts}")
        print(f"round {number}: real {real[-1].total:.1f} s, empty {empty[-1].total:.1f} s", flush=True)
    return real, empty


def fresh_environment(database: Path, home: Path, server: S3Server, bucket: str, days: int) -> dict[str, str]:
    """The settings of one run, with nothing left of the run before."""
    shutil.rmtree(home, ignore_errors=True)
    store = S3ObjectStore(
        s3_client(
            S3Connection(
                endpoint_url=server.endpoint_url,
                region=server.region,
                access_key_id=server.access_key,
                secret_access_key=server.secret_key,
            )
        ),
        bucket,
    )
    store.configuration.create()
    store.configuration.enable_versioning()
    return {
        "PYTHONWARNINGS": "ignore",
        "SIGNALS_DATABASE_URL": f"sqlite:///{database}",
        "SIGNAL_BACKUPS_START_DATE": (DAY - timedelta(days=days - 1)).isoformat(),
        "SIGNAL_BACKUPS_HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
        "BACKUP_BUCKET_NAME": bucket,
        "AWS_ENDPOINT_URL_S3": server.endpoint_url,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }


def print_figures(real: list[Figures], empty: list[Figures], days: int) -> None:
    """Milliseconds per partition as min/median over the rounds; the ratio is of medians."""
    of_real, of_empty = (values_of(side, lambda figures: figures.total * 1000 / days) for side in (real, empty))
    ratio = median(of_real) / median(of_empty)
    highest = max(mine / theirs for mine, theirs in zip(of_real, of_empty, strict=True))
    print_table(
        ["min/median milliseconds a partition", "real assets", "empty assets", "ratio", "highest of a round", "goal"],
        [
            [
                f"{days} days in one run",
                spread(of_real, 0),
                spread(of_empty, 0),
                f"{ratio:.2f}x",
                f"{highest:.2f}x",
                f"about {GOAL:g}x",
            ]
        ],
    )


if __name__ == "__main__":
    main()
