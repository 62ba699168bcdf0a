"""Failed days, through a Dagster run and back."""

import dagster as dg
import pytest

from signal_backups.core.base.errors import ExitCode, SourceError, StoreError
from signal_backups.orchestration.failures import DayFailure, failed_days, failure_of
from signal_backups.orchestration.sensors.conditions.runs import _cause
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number

LASTING = DayFailure.of(FIRST_DAY, SourceError("no such table", remedy="Check SIGNALS_TABLE"))
PASSING = DayFailure.of(day_number(1), StoreError("SlowDown", transient=True))


def run_that_raises(error: Exception | None) -> dg.ExecuteInProcessResult:
    @dg.op
    def step() -> None:
        if error:
            raise error

    @dg.job
    def job() -> None:
        step()

    return job.execute_in_process(raise_on_error=False)


#: What a failed run holds that an earlier release made: the class of the error, or nothing at all.
OLD_DAY = {"day": "2024-01-01", "reason": "no space", "exit_code": 3, "transient": False}


def test_a_failure_keeps_what_the_error_said() -> None:
    assert (LASTING.day, LASTING.reason) == (FIRST_DAY, "no such table. Check SIGNALS_TABLE")
    assert (LASTING.exit_code, LASTING.transient) == (ExitCode.UNREACHABLE, False)
    assert PASSING.transient


@pytest.mark.parametrize("failures", [[LASTING], [LASTING, PASSING]], ids=["one", "two"])
def test_failed_days_come_back_from_the_run_as_they_went_in(failures: list[DayFailure]) -> None:
    assert failed_days(run_that_raises(failure_of(failures, 5))) == failures


def test_what_is_stored_of_a_failed_day() -> None:
    (stored,) = failure_of([PASSING], 1).metadata["failed_days"].value
    assert stored == {"day": "2024-01-02", "reason": "SlowDown", "exit_code": 3, "transient": True, "error": "store"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *[("StoreError", "upload"), ("UnsupportedError", "upload"), ("ConflictError", "upload")],
        *[("store", "upload"), ("unsupported", "upload"), ("conflict", "upload")],
        *[("SourceError", "source"), ("source", "source")],
        *[("ReadBackError", "verification"), ("VerificationError", "verification")],
        *[("read_back", "verification"), ("verification", "verification")],
        *[("SignalBackupsError", "run"), ("error", "run"), ("", "run"), (None, "run")],
    ],
)
def test_the_cause_of_a_failed_day_is_read_from_runs_of_every_release(error: str | None, kind: str) -> None:
    stored = OLD_DAY if error is None else {**OLD_DAY, "error": error}
    (failure,) = failed_days(run_that_raises(dg.Failure("1 of 1 days failed", metadata={"failed_days": [stored]})))
    assert _cause(failure)[0] == kind


def test_a_run_that_failed_otherwise_has_no_failed_days() -> None:
    assert failed_days(run_that_raises(ZeroDivisionError())) == []
    assert failed_days(run_that_raises(dg.Failure("something else"))) == []


def test_a_run_that_succeeded_has_no_failed_days() -> None:
    assert failed_days(run_that_raises(None)) == []


def test_the_failure_says_how_many_failed_of_how_many_and_the_first_reason() -> None:
    assert failure_of([LASTING, PASSING], 5).description == (
        "2 of 5 days failed; 2024-01-01: no such table. Check SIGNALS_TABLE (and 1 more)"
    )
    assert str(failure_of([PASSING], 1).description) == "1 of 1 days failed; 2024-01-02: SlowDown"


@pytest.mark.parametrize(
    ("failures", "allowed"),
    [([LASTING], False), ([PASSING], True), ([LASTING, PASSING], True)],
    ids=["lasting", "passing", "both"],
)
def test_a_retry_is_allowed_when_it_may_help_a_day(failures: list[DayFailure], allowed: bool) -> None:
    assert failure_of(failures, 5).allow_retries is allowed
