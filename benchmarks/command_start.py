"""What it costs to start a command: processor seconds of whole processes, with nothing to do but answer.

Seven days of sample signals are backed up into an embedded S3 server of each side; ours keeps running. Then every
command runs in turn; beside it the same command of another installation (``--other``), and Python itself doing nothing.
An installation that starts the server anew for each command pays for that in wall-clock seconds: the server's own
processor time is not counted.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.measuring import ROOT, print_load, print_table, work_folder
from signal_backups.embedded.seaweedfs import SeaweedServer

COMMANDS = (["--version"], ["--help"], ["list"], ["status"], ["verify"])
NOTHING = [sys.executable, "-c", "pass"]


@dataclass(frozen=True)
class Side:
    """An installation, and the folder of its signals, backups and server."""

    program: list[str]
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its commands run with."""
        return {**os.environ, "SIGNAL_BACKUPS_HOME": str(self.home), "DAGSTER_DISABLE_TELEMETRY": "yes"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--other", type=Path, help="the signal-backups program of another installation")
    parser.add_argument("--folder", type=Path, help="where the demo keeps its state; by default it is thrown away")
    arguments = parser.parse_args()
    programs = [Path(sys.executable).with_name("signal-backups"), *([arguments.other] if arguments.other else [])]
    with work_folder(arguments.folder) as folder, ExitStack() as stack:
        # A server each: an installation that stops it after a command would stop it for the other as well.
        sides = [Side([str(program.absolute())], folder / str(number)) for number, program in enumerate(programs)]
        for side in sides:
            stack.callback(SeaweedServer(side.home / "s3").stop)
            demo = [sys.executable, "-m", "signal_backups.local", "demo"]
            subprocess.run(demo, cwd=ROOT, env=side.environment, stdout=subprocess.DEVNULL, check=True)
        print_load()
        rows = [_row(command, sides, arguments.rounds) for command in COMMANDS]
    names = ["ours", *(["other"] if arguments.other else []), "python -c pass"]
    seconds = [f"{name}, {kind}" for name in names for kind in ("processor", "wall")]
    print_table(["median seconds", *seconds, *(["processor, ours/other"] if arguments.other else [])], rows)


def _row(command: Sequence[str], sides: Sequence[Side], rounds: int) -> list[str]:
    calls = [([*side.program, *command], side) for side in sides] + [(NOTHING, sides[0])]
    for call, side in calls:
        _measured(call, side)
    # The sides take turns, so that a busy moment of the machine does not hit only one.
    figures = [[_measured(call, side) for call, side in calls] for _ in range(rounds)]
    medians = [[median(values) for values in zip(*side, strict=True)] for side in zip(*figures, strict=True)]
    shown = [f"{value:.2f}" for side in medians for value in side]
    ratio = [f"{medians[0][0] / medians[1][0]:.2f}"] if len(sides) > 1 else []
    return [" ".join(command), *shown, *ratio]


def _measured(call: Sequence[str], side: Side) -> tuple[float, float]:
    """Processor and wall-clock seconds of one process."""
    output = subprocess.DEVNULL
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(call, cwd=side.home, env=side.environment, stdout=output, stderr=output, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return processor, time.perf_counter() - started


if __name__ == "__main__":
    main()
