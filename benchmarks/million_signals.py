"""A day of a million signals: extract, validate, hash, write, read back and verify; ours beside the plain way."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measuring import Figures, made_table, print_load, print_table, run_side, spread, values_of, work_folder

TOTAL_GOAL = 6.0
VERIFY_GOAL = 10.0
PEAK_GOAL_MB = 600

Value = Callable[[Figures], float]
#: Row of the table -> its seconds on our side, on the plain side.
ROWS: dict[str, tuple[Value, Value]] = {
    "extract, validate, hash, write CSV": (
        lambda ours: ours.seconds["extract"] + ours.seconds["write"],
        lambda plain: plain.seconds["extract"] + plain.seconds["hash"] + plain.seconds["write"],
    ),
    "read back, verify": (lambda ours: ours.seconds["verify"], lambda plain: plain.seconds["verify"]),
    "total": (lambda ours: ours.total, lambda plain: plain.total),
    "total, plain without its first hash pass": (
        lambda ours: ours.total,
        lambda plain: plain.total - plain.seconds["hash"],
    ),
    "processor time, start-up included": (lambda ours: ours.cpu_seconds, lambda plain: plain.cpu_seconds),
}
GOALS = {"read back, verify": VERIFY_GOAL, "total": TOTAL_GOAL}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the table is kept; by default it is made anew")
    arguments = parser.parse_args()
    with work_folder(arguments.folder) as folder:
        database = made_table(folder, arguments.rows)
        ours, plain = measured(database, folder, arguments.rounds)
    print_figures(ours, plain)


def measured(database: Path, folder: Path, rounds: int) -> tuple[list[Figures], list[Figures]]:
    """Both sides, in turn, ``rounds`` times."""
    ours, plain = [], []
    for number in range(1, rounds + 1):
        print_load()
        ours.append(run_side("bulk_side", database, folder / "scratch"))
        plain.append(run_side("plain_side", database, folder / "scratch"))
        if ours[-1].facts["records"] != plain[-1].facts["records"]:
            raise SystemExit(f"the sides do not do the same: {ours[-1].facts} and {plain[-1].facts}")
        print(f"round {number}: ours {ours[-1].total:.1f} s, plain {plain[-1].total:.1f} s", flush=True)
    return ours, plain


def print_figures(ours: list[Figures], plain: list[Figures]) -> None:
    """Seconds and megabytes as min/median over the rounds; ratios are of medians."""
    lines = []
    for name, (of_ours, of_plain) in ROWS.items():
        mine, theirs = values_of(ours, of_ours), values_of(plain, of_plain)
        ratios = [their / my for my, their in zip(mine, theirs, strict=True)]
        goal = f"{GOALS[name]:g}x" if name in GOALS else ""
        ratio, lowest = median(theirs) / median(mine), min(ratios)
        lines.append([name, spread(mine), spread(theirs), f"{ratio:.1f}x", f"{lowest:.1f}x", goal])
    peaks = [values_of(side, lambda figures: figures.peak_mb) for side in (ours, plain)]
    lines.append(["peak memory, MB", *(spread(peak, 0) for peak in peaks), "", "", f"< {PEAK_GOAL_MB} MB"])
    print_table(["min/median seconds", "ours", "plain", "ratio", "lowest of a round", "goal"], lines)


if __name__ == "__main__":
    main()
