"""What it costs to start a command: processor seconds of whole processes, with nothing to do but answer.

Seven days of sample signals are backed up into an embedded S3 server, which keeps running. Then every command runs in
turn; beside it the same command of another installation (``--other``), and Python itself doing nothing. An
installation that starts the server anew for each command pays for that in wall-clock seconds: the server's own
processor time is not counted.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.measuring import ROOT, print_load, print_table, work_folder

COMMANDS = (["--version"], ["--help"], ["list"], ["status"], ["verify"])
NOTHING = [sys.executable, "-c", "pass"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--other", type=Path, help="the signal-backups program of another installation")
    parser.add_argument("--folder", type=Path, help="where the demo keeps its state; by default it is thrown away")
    arguments = parser.parse_args()
    programs = [Path(sys.executable).with_name("signal-backups"), *([arguments.other] if arguments.other else [])]
    with work_folder(arguments.folder) as folder:
        environment = {**os.environ, "SIGNAL_BACKUPS_HOME": str(folder), "DAGSTER_DISABLE_TELEMETRY": "yes"}
        demo = [sys.executable, "-m", "signal_backups.local.demo"]
        subprocess.run(demo, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
        print_load()
        rows = [_row(command, programs, environment, folder, arguments.rounds) for command in COMMANDS]
        stop = [*_program(programs[0]), "store", "stop"]
        subprocess.run(stop, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    names = ["ours", *(["other"] if arguments.other else []), "python -c pass"]
    seconds = [f"{name}, {kind}" for name in names for kind in ("processor", "wall")]
    print_table(["median seconds", *seconds, *(["processor, ours/other"] if arguments.other else [])], rows)


def _row(
    command: Sequence[str], programs: Sequence[Path], environment: Mapping[str, str], folder: Path, rounds: int
) -> list[str]:
    calls = [[*_program(program), *command] for program in programs] + [NOTHING]
    for call in calls:
        _measured(call, environment, folder)
    # The sides take turns, so that a busy moment of the machine does not hit only one.
    figures = [[_measured(call, environment, folder) for call in calls] for _ in range(rounds)]
    sides = [[median(values) for values in zip(*side, strict=True)] for side in zip(*figures, strict=True)]
    shown = [f"{value:.2f}" for side in sides for value in side]
    ratio = [f"{sides[0][0] / sides[1][0]:.2f}"] if len(programs) > 1 else []
    return [" ".join(command), *shown, *ratio]


def _program(program: Path) -> list[str]:
    return [str(program.absolute())]


def _measured(call: Sequence[str], environment: Mapping[str, str], folder: Path) -> tuple[float, float]:
    """Processor and wall-clock seconds of one process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(call, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return processor, time.perf_counter() - started


if __name__ == "__main__":
    main()
