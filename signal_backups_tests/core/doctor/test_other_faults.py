"""Faults of backups, audit trail and disk are reported under their own check with a remedy; no other check fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.doctor import machine
from signal_backups.core.doctor.finding import DoctorCheck, State
from signal_backups.core.ledger.event import Action, Actor, Occurrence
from signal_backups.core.ledger.outbox import Outbox
from signal_backups_tests.core.doctor.installations import Installation, faulty, finding_of


def test_a_backup_that_is_too_old(amazon: Installation) -> None:
    report = replace(amazon, clock=lambda: datetime.now(UTC) + timedelta(hours=50)).examined()
    assert faulty(report) == {DoctorCheck.LATEST_BACKUP}
    assert "signal-backups status" in str(finding_of(report, DoctorCheck.LATEST_BACKUP).remedy)
    assert report.exit_code is ExitCode.FAILED


def test_an_anchor_bucket_that_is_not_there(amazon: Installation) -> None:
    named = amazon.set(SIGNAL_BACKUPS_ANCHOR_BUCKET="anchors")
    missing = finding_of(named.examined(), DoctorCheck.ANCHOR_BUCKET)
    assert (missing.state, missing.remedy) == (State.FAILED, "signal-backups init")
    assert "no bucket anchors" in missing.found
    amazon.client.create_bucket(Bucket="anchors")
    there = finding_of(named.examined(), DoctorCheck.ANCHOR_BUCKET)
    assert (there.state, there.found) == (State.OK, "anchors exists")


def test_no_backup_at_all(amazon: Installation) -> None:
    empty = replace(amazon, bucket="empty")
    empty.make_bucket()
    report = empty.examined()
    assert faulty(report) == {DoctorCheck.LATEST_BACKUP}
    assert "signal-backups backup" in str(finding_of(report, DoctorCheck.LATEST_BACKUP).remedy)
    assert report.exit_code is ExitCode.NOT_FOUND


def test_audit_events_in_the_outbox(amazon: Installation) -> None:
    outbox = Outbox(Path(amazon.settings["SIGNAL_BACKUPS_HOME"]) / "unwritten_events")
    occurrence = Occurrence(at=datetime.now(UTC), actor=Actor.here(), action=Action.BACKUP, result="stored", objects=[],
                            details={})  # fmt: skip
    outbox.keep(occurrence, [])
    report = amazon.examined()
    assert faulty(report) == {DoctorCheck.AUDIT_EVENTS}
    assert finding_of(report, DoctorCheck.AUDIT_EVENTS).found.startswith("1 waiting")
    assert "signal-backups verify" in str(finding_of(report, DoctorCheck.AUDIT_EVENTS).remedy)
    assert report.exit_code is ExitCode.OK
    assert len(outbox.waiting()) == 1


def test_a_home_that_cannot_be_written(amazon: Installation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    report = amazon.set(SIGNAL_BACKUPS_HOME=str(tmp_path / "file" / "home")).examined()
    assert faulty(report) == {DoctorCheck.DISK}
    assert "SIGNAL_BACKUPS_HOME" in str(finding_of(report, DoctorCheck.DISK).remedy)


def test_a_disk_too_small_for_anything(amazon: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MIN_FREE_BYTES", 10**18)
    report = amazon.examined()
    assert faulty(report) == {DoctorCheck.DISK}
    assert "SIGNAL_BACKUPS_HOME" in str(finding_of(report, DoctorCheck.DISK).remedy)


def test_a_disk_too_small_for_three_times_the_largest_day(
    amazon: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (largest,) = {backup.current.size for backup in amazon.vault().backups(date.min, date.max)}
    monkeypatch.setattr(machine, "MIN_FREE_BYTES", 0)
    assert "0 MB needed" in finding_of(amazon.examined(), DoctorCheck.DISK).found
    monkeypatch.setattr(machine, "COPIES_OF_A_DAY", 10**18 // largest)
    report = amazon.examined()
    assert faulty(report) == {DoctorCheck.DISK}
    assert "needed" in finding_of(report, DoctorCheck.DISK).found
