"""Running sides in processes of their own, and the figures they print.

The process that measures imports nothing big: a child begins its life with the parent's memory peak.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent


@dataclass
class Figures:
    """What one side reports: seconds of each stage, its peak memory, the processor time it took, facts to compare."""

    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, int | str] = field(default_factory=dict)
    peak_mb: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def report(self) -> None:
        """Hand the figures to the parent."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.peak_mb = usage.ru_maxrss / 1024
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        print(json.dumps(asdict(self)))


def run_side(module: str, *arguments: object, environment: dict[str, str] | None = None) -> Figures:
    """Run ``python -m benchmarks.<module>`` and return the figures it reports."""
    finished = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Figures(**json.loads(finished.stdout.splitlines()[-1]))


def made_table(folder: Path, rows: int, kind: str = "plain", days: int = 1) -> Path:
    """A table of signals in ``folder``; one that is there already is used again."""
    path = folder / f"{kind}-{rows}x{days}.db"
    if not path.exists():
        print(f"making {path.name} ...", flush=True)
        options = ["--rows", str(rows), "--kind", kind, "--days", str(days)]
        subprocess.run([sys.executable, "-m", "benchmarks.signal_tables", str(path), *options], cwd=ROOT, check=True)
    return path


@contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    """The folder for tables and results: the one given, which is kept, or a temporary one."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="signal-benchmarks-") as temporary:
        yield Path(temporary)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """``min/median`` of some rounds."""
    return f"{min(values):.{digits}f}/{median(values):.{digits}f}"


def values_of(rounds: Sequence[Figures], value: Callable[[Figures], float]) -> list[float]:
    """One value of every round."""
    return [value(figures) for figures in rounds]


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a Markdown table, its columns aligned."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


def print_load() -> None:
    """Say how busy the machine is: figures of a busy one are noisy."""
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}", flush=True)
