"""The stand-alone verifier, started in the ways that auditors and tests start it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from signal_backups.core.bundle.write import STANDALONE_VERIFIER


def loaded(path: Path) -> ModuleType:
    """A verifier as a module, from its file."""
    spec = importlib.util.spec_from_file_location("verify_of_a_bundle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STANDALONE = loaded(STANDALONE_VERIFIER)


def findings_in(bundle: Path) -> list[str]:
    """What the stand-alone verifier finds."""
    check = STANDALONE.Check(bundle)
    check.attempt(bundle.name, check.all)
    findings: list[str] = check.findings
    return findings


def as_program(bundle: Path | None, *arguments: str, folder: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    """The stand-alone verifier as an auditor runs it: nothing installed, an empty environment; None: its own folder."""
    program = [str(STANDALONE_VERIFIER), str(bundle)] if bundle else ["verify.py"]
    command = ["/usr/bin/env", "-i", sys.executable, "-I", "-S", *program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
