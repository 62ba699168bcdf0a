"""The audit events of restores: one for each restore, whatever its outcome, and none for those of a drill."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups.core.base.errors import ArchivedError, ExitCode, StoreError
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.restore.report import DayRestore
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import choose_days
from signal_backups.core.restore.targets.contract import OnConflict
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.core.restore.backups import BackUp, days_from, delete, restore, rows_of, vouch
from signal_backups_tests.core.restore.places import Place
from signal_backups_tests.samples.signals import DAY

THREE = days_from(DAY, 3)


def event_of(vault: BackupVault) -> Event:
    """Return the only event of a restore."""
    (event,) = recorded_events(vault, Action.RESTORE)
    return event


def test_the_event_has_days_versions_rows_and_target_but_no_password(
    postgres_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    manifests = [back_up(rows_of(day, 2), day) for day in THREE]
    target = postgres_place.target()
    restore(vault, target, tmp_path, last=THREE[-1])
    event = event_of(vault)
    assert (event.result, event.actor) == ("restored", vault.trail.actor)
    assert objects(event) == {(each.backup.key, each.backup.version_id) for each in manifests}
    assert event.details == {
        "target": target.location,
        "on_conflict": "error",
        "days": [{"day": day.isoformat(), "outcome": "restored"} for day in THREE],
        "restored": 6,
        "replaced": 0,
        "skipped": 0,
        "refused": 0,
        "quarantined": 0,
    }


def test_the_event_of_a_failed_day_has_the_beginning_of_the_reason(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    manifests = [back_up(rows_of(day, 2), day) for day in THREE]
    vouch(vault, manifests[0], b"rotten", tmp_path, 2)
    delete(vault, vault.find(THREE[1]).key)
    options = RestoreOptions(on_conflict=OnConflict.SKIP)
    assert restore(vault, sqlite_place.target(), tmp_path, options, last=THREE[-1]).exit_code is ExitCode.FAILED
    event = event_of(vault)
    assert (event.result, event.details["on_conflict"]) == ("failed", "skip")
    assert [day["outcome"] for day in event.details["days"]] == ["refused", "missing", "restored"]
    assert all(0 < len(day["problem"]) <= 100 for day in event.details["days"][:2])
    assert "problem" not in event.details["days"][2]
    assert len(event.objects) == 2


def test_a_restore_that_waits_for_a_thaw_is_recorded_as_thawing(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(rows_of(DAY, 2))

    def archived(*_: object) -> None:
        raise ArchivedError("archived")

    monkeypatch.setattr(vault.store, "get_file", archived)
    assert restore(vault, sqlite_place.target(), tmp_path).exit_code is ExitCode.THAWING
    assert event_of(vault).result == "thawing"


@pytest.mark.parametrize("finished_days", [0, 1])
def test_an_interrupted_restore_is_recorded_with_its_finished_days(
    sqlite_place: Place,
    back_up: BackUp,
    vault: BackupVault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finished_days: int,
) -> None:
    for day in THREE:
        back_up(rows_of(day, 2), day)
    work = Restore(vault, sqlite_place.target(), RestoreOptions(), tmp_path)
    plain, seen = work._import, []

    def interrupted(fetched: object) -> DayRestore:
        seen.append(fetched)
        if len(seen) > finished_days:
            raise KeyboardInterrupt
        return plain(fetched)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "_import", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work.run(choose_days(vault, THREE[0], THREE[-1]))
    event = event_of(vault)
    assert (event.result, event.details["broken_off_in"]) == ("interrupted", THREE[finished_days].isoformat())
    assert [day["day"] for day in event.details["days"]] == [day.isoformat() for day in THREE[:finished_days]]
    assert (len(event.objects), event.details["restored"]) == (finished_days, 2 * finished_days)


def test_many_days_are_recorded_in_several_events(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in THREE:
        back_up(rows_of(day, 2), day)
    monkeypatch.setattr("signal_backups.core.ledger.batch_events.ITEMS_AN_EVENT", 2)
    restore(vault, sqlite_place.target(), tmp_path, last=THREE[-1])
    events = recorded_events(vault, Action.RESTORE)
    assert [(len(event.objects), event.details["restored"]) for event in events] == [(2, 4), (1, 2)]


def test_the_restores_of_a_drill_are_not_recorded(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up(rows_of(DAY, 2))
    restore(vault, sqlite_place.target(), tmp_path, RestoreOptions(is_drill=True))
    assert recorded_events(vault, Action.RESTORE) == []


def test_a_restore_succeeds_although_its_event_cannot_be_written(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(rows_of(DAY, 2))
    with_outbox = BackupVault(vault.store, vault.layout, outbox=tmp_path / "outbox")

    def refused(*_: object, **__: object) -> str:
        raise StoreError("AccessDenied")

    with monkeypatch.context() as patch:
        patch.setattr(vault.store, "put_bytes", refused)
        report = restore(with_outbox, sqlite_place.target(), tmp_path / "scratch")
    assert (report.exit_code, report.total("restored"), with_outbox.trail.waiting()) == (ExitCode.OK, 2, 1)
    restore(with_outbox, sqlite_place.target(), tmp_path, RestoreOptions(on_conflict=OnConflict.SKIP))
    assert [event.details["on_conflict"] for event in recorded_events(vault, Action.RESTORE)] == ["error", "skip"]
