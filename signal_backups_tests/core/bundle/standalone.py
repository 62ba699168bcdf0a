"""The stand-alone verifier, started as auditors start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from signal_backups.core.bundle.write import STANDALONE_VERIFIER


def as_program(bundle: Path | None, *arguments: str, folder: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    """The stand-alone verifier as an auditor runs it: nothing installed, an empty environment; None: its own folder."""
    program = [str(STANDALONE_VERIFIER), str(bundle)] if bundle else ["verify.py"]
    command = ["/usr/bin/env", "-i", sys.executable, "-I", "-S", *program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
