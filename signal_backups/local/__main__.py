"""``make demo`` and ``make dev``: signals first, and only then what takes long to import."""

from __future__ import annotations

import sys
from importlib import import_module

from signal_backups.cli.interrupts import guard
from signal_backups.cli.streams import survive_closed_pipes, unwritten_output_fails

_TARGETS = ("demo", "dev")


def _run() -> None:
    with unwritten_output_fails():
        import_module(f"signal_backups.local.{target}").main()


if __name__ == "__main__":
    target = sys.argv[1] if len(sys.argv) == 2 else ""
    if target not in _TARGETS:
        raise SystemExit(f"Usage: python -m signal_backups.local {'|'.join(_TARGETS)}")
    survive_closed_pipes()
    guard(_run, f"make {target}")
