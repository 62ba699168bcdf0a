"""Time and peak memory of backing a large day up again after the database altered and lost 1 % of its signals each."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.measuring import made_table, print_load, print_table, run_side, work_folder

SIZES = (1_000_000, 2_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", type=Path, help="where the tables are kept; by default they are made anew")
    arguments = parser.parse_args()
    rows = []
    with work_folder(arguments.folder) as folder:
        for size in arguments.sizes:
            database = made_table(folder, size)
            print_load()
            figures = run_side("again_side", database, folder / "scratch")
            print(figures.facts, flush=True)
            seconds = [f"{found:.1f}" for found in figures.seconds.values()]
            rows.append([f"{size:,}", *seconds, f"{figures.cpu_seconds:.1f}", f"{figures.peak_mb:.0f}"])
    print_table(["rows", *figures.seconds, "processor", "peak MB"], rows)


if __name__ == "__main__":
    main()
