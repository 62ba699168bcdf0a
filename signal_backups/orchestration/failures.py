"""Failed days of a run as one Dagster failure, and read back from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import dagster as dg
from pydantic import BaseModel

from signal_backups.core.base.errors import ExitCode, SignalBackupsError

_METADATA_KEY = "failed_days"


class DayFailure(BaseModel, frozen=True):
    """Why one day failed.

    ``error`` is the code of the error: a class name in runs of earlier releases, empty in the earliest.
    """

    day: date
    reason: str
    exit_code: ExitCode
    transient: bool
    error: str = ""

    @classmethod
    def of(cls, day: date, error: SignalBackupsError) -> DayFailure:
        """The failure of a day with an error."""
        return cls(
            day=day,
            reason=str(error),
            exit_code=error.exit_code,
            transient=error.transient,
            error=error.code,
        )


def failure_of(failures: Sequence[DayFailure], days: int) -> dg.Failure:
    """The failure of the step; Dagster retries it if that may help at least one day."""
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return dg.Failure(
        description=f"{len(failures)} of {days} days failed; {first.day}: {first.reason}{more}",
        metadata={_METADATA_KEY: dg.MetadataValue.json([failure.model_dump(mode="json") for failure in failures])},
        allow_retries=any(failure.transient for failure in failures),
    )


def failed_days(result: dg.ExecuteInProcessResult) -> list[DayFailure]:
    """Inverse of ``failure_of``: the failed days of a run; empty when it failed otherwise or not at all."""
    return day_failures(result.all_events)


def day_failures(events: Iterable[dg.DagsterEvent]) -> list[DayFailure]:
    """The same from some of a run's events."""
    for event in events:
        user_failure = event.step_failure_data.user_failure_data if event.is_step_failure else None
        if user_failure and _METADATA_KEY in user_failure.metadata:
            return [DayFailure.model_validate(item) for item in user_failure.metadata[_METADATA_KEY].value]  # type: ignore[union-attr]
    return []
