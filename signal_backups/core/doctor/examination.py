"""Going through the checks: what failed takes along what depends on it, and nothing ends the examination."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from signal_backups.core.base.errors import ExitCode, SignalBackupsError
from signal_backups.core.doctor.finding import (
    DoctorCheck,
    DoctorFinding,
    DoctorReport,
    DoctorResult,
    State,
    of_error,
    unknown,
)

_BLOCKING = (State.FAILED, State.NOT_CHECKED)


@dataclass(frozen=True)
class Step:
    """One check: the function that runs it, and the checks that must pass before."""

    check: DoctorCheck
    run: Callable[[], DoctorResult]
    needs: tuple[DoctorCheck, ...] = ()


def examine(steps: Iterable[Step]) -> DoctorReport:
    """Run all steps in order; each must come after those it needs."""
    found: dict[DoctorCheck, DoctorFinding] = {}
    for step in steps:
        verdict = _verdict(step, found)
        found[step.check] = DoctorFinding(
            check=step.check,
            state=verdict.state,
            found=verdict.found,
            remedy=verdict.remedy,
            exit_code=verdict.exit_code,
        )
    return DoctorReport(findings=tuple(found.values()))


def _verdict(step: Step, found: dict[DoctorCheck, DoctorFinding]) -> DoctorResult:
    missing = [need for need in step.needs if found[need].state in _BLOCKING]
    if missing:
        return unknown(f"needs {' and '.join(need.words for need in missing)} first")
    try:
        return step.run()
    except SignalBackupsError as error:
        return of_error(error)
    except Exception as error:  # noqa: BLE001 - a mistake in one check must not hide what the others find
        words = f"unexpected {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        return DoctorResult(State.FAILED, words, "Report this", ExitCode.FAILED)
