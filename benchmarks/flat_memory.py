"""Peak memory of a day at 1, 2 and 4 million rows, for plain days and for those that take the harder paths."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.measuring import made_table, print_load, print_table, run_side, work_folder
from benchmarks.signal_tables import KINDS

SIZES = (1_000_000, 2_000_000, 4_000_000)
GOAL_MB = 600
#: A peak may grow this much from the smallest day to the largest and still be called flat.
FLAT_MB = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--folder", type=Path, help="where the tables are kept; by default they are made anew")
    arguments = parser.parse_args()
    with work_folder(arguments.folder) as folder:
        lines = [[kind, *peaks(folder, kind, arguments.sizes)] for kind in arguments.kinds]
    header = ["peak MB (seconds)", *(f"{size / 1e6:g} million" for size in arguments.sizes), "flat", f"< {GOAL_MB} MB"]
    print_table(header, lines)


def peaks(folder: Path, kind: str, sizes: list[int]) -> list[str]:
    """The cells of one kind of day."""
    found, cells = [], []
    for size in sizes:
        database = made_table(folder, size, kind)
        print_load()
        figures = run_side("bulk_side", database, folder / "scratch")
        print(f"{kind}, {size} rows: {figures.peak_mb:.0f} MB, {figures.seconds} {figures.facts}", flush=True)
        found.append(figures.peak_mb)
        cells.append(f"{figures.peak_mb:.0f} ({figures.total:.1f})")
    is_flat = found[-1] - found[0] <= FLAT_MB
    return [*cells, "yes" if is_flat else "no", "yes" if max(found) < GOAL_MB else "no"]


if __name__ == "__main__":
    main()
