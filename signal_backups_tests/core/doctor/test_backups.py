"""The doctor's check of the latest backup: its age counts from when it was made, and newer missing days fail it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.base.objectives import due_at
from signal_backups.core.doctor.backups import have_days, is_recent
from signal_backups.core.doctor.finding import DoctorResult, State
from signal_backups.core.vault.findings import record_undated
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups_tests.core.monitoring.watched import FIRST, Watched
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of

SECOND = FIRST + ONE_DAY


@pytest.fixture
def watched() -> Watched:
    """An empty, versioned bucket."""
    return Watched()


def latest(watched: Watched) -> DoctorResult:
    return is_recent(watched.vault, FIRST, watched.clock)


def test_a_backup_of_today_is_ok(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.set(due_at(FIRST) + timedelta(hours=3))
    assert (latest(watched).state, latest(watched).found) == (State.OK, "2026-03-01, made 3.0 h ago")


def test_a_backup_is_ok_until_the_next_day_is_missing(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.set(due_at(SECOND) + timedelta(minutes=59, seconds=59))
    assert latest(watched).state is State.OK
    watched.clock.advance(timedelta(seconds=1))
    missed = latest(watched)
    assert missed.state is State.FAILED
    assert missed.found == "2026-03-01, made 25.0 h ago, but 2026-03-02 is not backed up"


def test_a_day_backed_up_early_can_become_too_old(watched: Watched) -> None:
    watched.clock.set(due_at(FIRST) - timedelta(minutes=90))
    made = manifest_of(watched.put_object(BackupSlot(FIRST)), FIRST).model_copy(update={"finished_at": watched.clock()})
    watched.vault.store.put_bytes(
        watched.vault.layout.manifest_key(BackupSlot(FIRST)), made.to_bytes(), "application/json"
    )
    watched.clock.set(due_at(SECOND) + timedelta(minutes=30))
    old = latest(watched)
    assert (old.state, old.found) == (State.FAILED, "2026-03-01, made 26.0 h ago, more than 25 h")


def test_a_new_backup_of_an_old_day_does_not_count_for_newer_days(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.set(due_at(FIRST + 6 * ONE_DAY) + timedelta(hours=3))
    watched.put(FIRST)
    found = latest(watched)
    assert found.state is State.FAILED
    assert found.found.endswith("but 2026-03-07 is not backed up")
    assert "signal-backups status" in str(found.remedy)


def test_when_everything_was_deleted_the_remedy_is_undelete(watched: Watched) -> None:
    watched.put(FIRST)
    watched.hide(watched.vault.layout.backup_key(BackupSlot(FIRST)))
    watched.clock.set(due_at(FIRST) + timedelta(hours=3))
    found = latest(watched)
    assert (found.state, found.exit_code) == (State.FAILED, ExitCode.FAILED)
    assert "signal-backups undelete 2026-03-01" in str(found.remedy)


def test_without_a_recorded_search_no_undated_row_is_known(watched: Watched) -> None:
    unknown = have_days(watched.vault)
    assert unknown.state is State.OK
    assert unknown.found == "no undated row is known; signal-backups quarantine --refresh searches the database"


def test_a_recorded_search_that_found_none_is_told_as_one(watched: Watched) -> None:
    kept = StoredFile(key="undated.csv", version_id="1", bytes=1, sha256="00")
    record_undated(watched.vault, UndatedRows(stored=kept, rows=1, in_database=0), [])
    assert have_days(watched.vault).found == "every row of the database had a day when it was searched last"
