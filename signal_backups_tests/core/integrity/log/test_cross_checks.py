"""Manifests that are wrongly in the manifest log, wrongly not in it, or that no event names."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.integrity.log.findings import Fault
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.ledger.event import Action
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.manifest import Manifest, StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.integrity.log.tampered_backups import (
    DAYS,
    MANIFESTS,
    SLOTS,
    Backups,
    named,
    without_number,
)
from signal_backups_tests.core.ledger.trails import BUCKET, START
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of
from signal_backups_tests.servers.faults import Answer
from signal_backups_tests.servers.strict_s3 import StrictS3


@pytest.fixture
def backups(s3: StrictS3) -> Backups:
    """An empty bucket in memory, with a clock long after its backups."""
    return Backups(s3.client(), BUCKET, Layout(), lambda: START + timedelta(days=9))


@pytest.fixture
def two_days(backups: Backups, s3: StrictS3) -> Backups:
    """Two backed-up days with their events; manifests 1 and 2."""
    for slot in SLOTS[:2]:
        backups.back_up(slot)
    s3.advance(minutes=1)
    return backups


def append(backups: Backups, **changes: Any) -> None:
    """Append a changed manifest of the second day to the manifest log, with an event that names it."""
    template = Manifest.from_bytes(backups.body(SLOTS[1]), "it").model_copy(update=changes)
    entry = backups.vault.manifest_log.append(
        lambda link: template.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
    )
    backups.record_event(Manifest.from_bytes(entry.body, "it"))


@pytest.mark.parametrize("wrong", ["key", "day"])
def test_a_manifest_that_names_a_backup_of_another_day(two_days: Backups, wrong: str) -> None:
    backup = Manifest.from_bytes(two_days.body(SLOTS[1]), "it").backup
    changes = {
        "key": {"backup": backup.model_copy(update={"key": "signals/2026/11/evil.csv"})},
        "day": {"day": DAYS[2]},
    }
    append(two_days, **changes[wrong])
    report = two_days.examine()
    assert named(report) == [(MANIFESTS, Fault.INSERTED, 3)]
    assert "which is not a backup of this day" in report.findings[0].words


def test_a_forged_day_stored_after_the_log_began(two_days: Backups) -> None:
    two_days.manifests.put(two_days.key(SLOTS[3]), without_number(two_days.body(SLOTS[1])))
    report = two_days.examine()
    assert (named(report), report.unchained) == ([(MANIFESTS, Fault.INSERTED, None)], None)
    assert report.findings[0].key == two_days.key(SLOTS[3])
    assert f"the manifest of {DAYS[3]} is not in the manifest log" in report.findings[0].words


def test_a_day_from_before_the_manifest_log_is_counted(backups: Backups, s3: StrictS3) -> None:
    named_only = StoredFile(key=backups.vault.layout.backup_key(SLOTS[3]), version_id="v", bytes=1, sha256=FIRST)
    backups.manifests.put(backups.key(SLOTS[3]), manifest_of(named_only, DAYS[3]).to_bytes())
    s3.advance(minutes=1)
    backups.back_up(SLOTS[1])
    report = backups.examine()
    assert report.ok
    assert report.unchained is not None
    assert (report.unchained.count, report.unchained.first_day, report.unchained.last_day) == (1, DAYS[3], DAYS[3])


class TestWaiting:
    """An event in the outbox counts for the manifest that it names, and for no other."""

    @pytest.fixture
    def without_event(self, two_days: Backups) -> Backups:
        """A third manifest that no event names."""
        two_days.back_up(SLOTS[2], with_event=False)
        return two_days

    @staticmethod
    def with_outbox(backups: Backups, folder: Path) -> Backups:
        other = Backups(backups.client, BUCKET, Layout(), backups.clock)
        other.vault = BackupVault(backups.vault.store, Layout(), outbox=folder)
        return other

    def test_the_manifest_that_it_names(self, without_event: Backups, s3: StrictS3, tmp_path: Path) -> None:
        waiting = self.with_outbox(without_event, tmp_path)
        s3.faults = lambda called: Answer(503, "SlowDown") if called == "PutObject" else None
        waiting.record_event(Manifest.from_bytes(without_event.manifests.body(3), "it"))
        s3.faults = lambda _called: None
        report = waiting.examine()
        assert (report.ok, report.waiting) == (True, 1)
        assert report.warnings == ["1 events wait on this machine until they can be written"]

    def test_another_manifest(self, without_event: Backups, s3: StrictS3, tmp_path: Path) -> None:
        waiting = self.with_outbox(without_event, tmp_path)
        s3.faults = lambda called: Answer(503, "SlowDown") if called == "PutObject" else None
        waiting.vault.trail.record(Action.DRILL, "passed")
        (tmp_path / "no_event.json").write_text("{}", encoding="utf-8")
        s3.faults = lambda _called: None
        report = waiting.examine()
        assert (named(report), report.waiting) == ([(MANIFESTS, Fault.WITHOUT_EVENT, 3)], 2)
