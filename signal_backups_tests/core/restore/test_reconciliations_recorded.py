"""What a reconciliation leaves behind: open findings of the days that were compared, and of no others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import ArchivedError, RefusedBackupError, SignalBackupsError
from signal_backups.core.restore.reconcile import Reconciliation, record_reconciliations
from signal_backups.core.signals.difference import Difference
from signal_backups.core.vault.findings import open_findings
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

SECOND = FIRST + ONE_DAY
NONE = Difference(count=0, signal_ids=[])
TWO = Difference(count=2, signal_ids=["a", "b"])


@pytest.fixture
def watched() -> Watched:
    """A bucket with two verified days."""
    watched = Watched()
    watched.put(FIRST, SECOND)
    watched.clock.advance(timedelta(hours=3))
    return watched


def reconciliation(day: date, *, late: Difference = NONE, key: str | None = "key") -> Reconciliation:
    return Reconciliation(
        day=day, key=key, version_id=key, source_rows=5, unchanged=3, late=late, mutated=NONE, deleted=NONE
    )


def opened(watched: Watched) -> dict[date, str]:
    return {day: found.what for each in open_findings(watched.vault) for day, found in each.days.items()}


def test_a_difference_and_a_backup_that_does_not_verify_are_findings(watched: Watched) -> None:
    refused = RefusedBackupError("it does not verify", remedy="Look")
    record_reconciliations(watched.vault, {FIRST: reconciliation(FIRST, late=TWO), SECOND: refused})
    assert opened(watched) == {FIRST: "the source and the backup differ: 2 late", SECOND: "it does not verify"}
    watched.clock.advance(timedelta(minutes=1))
    record_reconciliations(watched.vault, {FIRST: reconciliation(FIRST)})
    assert opened(watched) == {SECOND: "it does not verify"}


@pytest.mark.parametrize(
    "found",
    [ArchivedError("it is archived", remedy="Thaw it"), reconciliation(SECOND, late=TWO, key=None)],
    ids=["archived", "without a backup"],
)
def test_a_day_that_was_not_compared_is_no_finding_and_clears_none(
    watched: Watched, found: Reconciliation | SignalBackupsError
) -> None:
    record_reconciliations(watched.vault, {SECOND: found})
    assert opened(watched) == {}
    record_reconciliations(watched.vault, {SECOND: reconciliation(SECOND, late=TWO)})
    watched.clock.advance(timedelta(minutes=1))
    record_reconciliations(watched.vault, {SECOND: found})
    assert opened(watched) == {SECOND: "the source and the backup differ: 2 late"}
