"""A day of a million signals restored: verify, import, read back; the import beside the engine's own shell."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks.measuring import (
    ROOT,
    Figures,
    made_table,
    print_load,
    print_table,
    run_side,
    spread,
    values_of,
    work_folder,
)

PEAK_GOAL_MB = 600
#: Engine -> our import, commit included, against the shell's.
GOALS = {"sqlite": 1.3, "postgres": 1.5}
SHELLS = {"sqlite": "sqlite3 .import", "postgres": "psql \\copy"}

#: Gives the URL of an empty database, which is gone after the block.
FreshTarget = Callable[[], AbstractContextManager[str]]
Value = Callable[[Figures], float]


@dataclass(frozen=True)
class Row:
    """A row of the table; ``of_shell`` is None where the shell does nothing of the kind."""

    name: str
    of_ours: Value
    of_shell: Value | None = None
    has_goal: bool = False


def import_of(figures: Figures) -> float:
    """What has to be done to have the rows: the commit belongs to it, and shells do not tell the two apart."""
    return figures.seconds["import"] + figures.seconds.get("commit", 0.0)


ROWS = [
    Row("verify before", lambda ours: ours.seconds["verify before"]),
    Row("import and commit", import_of, import_of, has_goal=True),
    Row("verify after", lambda ours: ours.seconds["verify after"]),
    Row("the whole", lambda ours: ours.total, import_of),
    Row("import without commit", lambda ours: ours.seconds["import"]),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where table and CSV are kept; by default they are made anew")
    parser.add_argument("--engines", choices=GOALS, nargs="+", default=list(GOALS))
    parser.add_argument("--postgres-url", help="a server where databases can be made; postgres needs it")
    arguments = parser.parse_args()
    if "postgres" in arguments.engines and not arguments.postgres_url:
        parser.error("name a server with --postgres-url, or choose --engines sqlite")
    with work_folder(arguments.folder) as folder:
        csv = made_csv(folder, arguments.rows)
        for engine in arguments.engines:
            fresh_target = targets_of(engine, folder, arguments.postgres_url)
            ours, shell = measured(engine, fresh_target, csv, arguments.rounds)
            print_figures(engine, ours, shell)


def made_csv(folder: Path, rows: int) -> Path:
    """The backup CSV of a day of ``rows`` signals; one that is there already is used again."""
    database = made_table(folder, rows)
    csv = database.with_suffix(".csv")
    if not csv.exists():
        print(f"making {csv.name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.backup_csvs", database, csv], cwd=ROOT, check=True)
    return csv


def targets_of(engine: str, folder: Path, postgres_url: str) -> FreshTarget:
    """What gives fresh targets of an engine."""
    return partial(fresh_file, folder) if engine == "sqlite" else partial(fresh_database, postgres_url)


@contextmanager
def fresh_file(folder: Path) -> Iterator[str]:
    """An SQLite file that does not exist yet."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="restored-") as temporary:
        yield f"sqlite:///{temporary}/restored.db"


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """A new database of a PostgreSQL server; dropping it makes the server write a checkpoint too."""
    name = f"restore_benchmark_{uuid.uuid4().hex}"
    run_sql(server_url, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        run_sql(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def run_sql(url: str, statement: str) -> None:
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", url, "-c", statement], check=True)


def measured(engine: str, fresh_target: FreshTarget, csv: Path, rounds: int) -> tuple[list[Figures], list[Figures]]:
    """Both sides, in turn, ``rounds`` times, each into a table of its own."""
    ours: list[Figures] = []
    shell: list[Figures] = []
    for number in range(1, rounds + 1):
        print_load()
        for side, found in (("restore_side", ours), ("shell_side", shell)):
            os.sync()  # what the side before left unwritten is not this one's to write
            with fresh_target() as target:
                found.append(run_side(side, engine, target, csv))
        require_same(ours[-1], shell[-1])
        print(
            f"{engine}, round {number}: ours {ours[-1].total:.1f} s, of it the import {import_of(ours[-1]):.1f} s, "
            f"{SHELLS[engine]} {shell[-1].total:.1f} s",
            flush=True,
        )
    print(f"{ours[-1].facts['rows']} rows each; {ours[-1].facts['tool']} beside {shell[-1].facts['tool']}", flush=True)
    return ours, shell


def require_same(ours: Figures, shell: Figures) -> None:
    """Stop unless both ended with as many rows in the same table."""
    if any(ours.facts[name] != shell.facts[name] for name in ("rows", "table")):
        raise SystemExit(f"the sides do not do the same: {ours.facts} and {shell.facts}")


def print_figures(engine: str, ours: list[Figures], shell: list[Figures]) -> None:
    """Seconds and megabytes as min/median over the rounds; ratios are of medians."""
    lines = []
    for row in ROWS:
        mine = values_of(ours, row.of_ours)
        cells = ["", "", ""]
        if row.of_shell is not None:
            theirs = values_of(shell, row.of_shell)
            highest = max(my / their for my, their in zip(mine, theirs, strict=True))
            cells = [spread(theirs), f"{median(mine) / median(theirs):.2f}x", f"{highest:.2f}x"]
        lines.append([row.name, spread(mine), *cells, f"at most {GOALS[engine]:g}x" if row.has_goal else ""])
    peaks = values_of(ours, lambda figures: figures.peak_mb)
    lines.append(["peak memory, MB", spread(peaks, 0), "", "", "", f"< {PEAK_GOAL_MB} MB"])
    print_table(["min/median seconds", f"ours, {engine}", SHELLS[engine], "ratio", "highest of a round", "goal"], lines)


if __name__ == "__main__":
    main()
