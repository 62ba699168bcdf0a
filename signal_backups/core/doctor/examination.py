"""Runs all checks: one whose dependency failed is skipped, and no error ends the examination."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.doctor.finding import (
    DoctorCheck,
    DoctorFinding,
    DoctorReport,
    DoctorResult,
    State,
    failed,
    from_error,
    not_checked,
)

_BLOCKING = (State.FAILED, State.NOT_CHECKED)


@dataclass(frozen=True)
class Step:
    """One check: the function that runs it, and the checks that must pass first."""

    check: DoctorCheck
    run: Callable[[], DoctorResult]
    needs: tuple[DoctorCheck, ...] = ()


def examine(steps: Iterable[Step]) -> DoctorReport:
    """Run all steps in order; each must come after those it depends on."""
    found: dict[DoctorCheck, DoctorFinding] = {}
    for step in steps:
        result = _result(step, found)
        found[step.check] = DoctorFinding(
            check=step.check,
            state=result.state,
            found=result.found,
            remedy=result.remedy,
            exit_code=result.exit_code,
        )
    return DoctorReport(findings=tuple(found.values()))


def _result(step: Step, found: dict[DoctorCheck, DoctorFinding]) -> DoctorResult:
    missing = [need for need in step.needs if found[need].state in _BLOCKING]
    if missing:
        return not_checked(f"needs {' and '.join(need.label for need in missing)} first")
    try:
        return step.run()
    except SignalBackupsError as error:
        return from_error(error)
    except Exception as error:  # noqa: BLE001 - a bug in one check must not hide the findings of the others
        found_line = f"unexpected {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        return failed(found_line, "Report this as a bug")
