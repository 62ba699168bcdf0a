"""Events of older releases, with class names instead of error codes, mean the same to status, alerts and metrics."""

from __future__ import annotations

import json

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.monitoring.metrics.event_counts import TrailReader
from signal_backups.core.monitoring.new_events import events_after, failed_verifications
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

#: A failure as it was stored before errors had codes.
FAILURE = """{
    "action": "ACTION", "actor": {"code_version": "1.0", "host": "h", "run_id": "", "user": "u"},
    "at": "2026-03-02T03:00:00Z", "details": {"day": "2026-03-01", "error": "it broke", "error_type": "ERROR"},
    "format": 1, "id": "a1", "number": 1, "objects": [],
    "previous": "0000000000000000000000000000000000000000000000000000000000000000", "result": "failed"
}"""


def put_failure(watched: Watched, action: str, error: str) -> None:
    body = FAILURE.replace("ACTION", action).replace("ERROR", error).encode()
    assert json.loads(body)["details"]["error_type"] == error
    watched.vault.store.put_bytes(watched.vault.trail.log.key_of(1), body, "application/json")


@pytest.mark.parametrize(
    ("error", "is_damage"),
    [
        *[("NotFoundError", True), ("VerificationError", True), ("not_found", True), ("verification", True)],
        *[("StoreError", False), ("ArchivedError", False), ("OSError", False), ("DeletedBackupError", False)],
        *[("store", False), ("archived", False), ("unexpected", False), ("deleted_backup", False)],
    ],
)
def test_an_aborted_verification(watched: Watched, error: str, is_damage: bool) -> None:
    watched.put(FIRST)
    put_failure(watched, "verification", error)
    status = backup_status(watched.vault, FIRST, watched.clock)
    counted = TrailReader(watched.vault.trail.log).read()
    alerted = failed_verifications({}, events_after(watched.vault.trail, 0)[0])
    assert status.failing_days == list(alerted) == ([FIRST] if is_damage else [])
    assert (counted.failing_verification_days, counted.verification_failures) == (int(is_damage), int(is_damage))
    assert [(failure.day, failure.reason) for failure in status.failures] == [(FIRST.isoformat(), "it broke")]


@pytest.mark.parametrize(
    ("error", "is_upload"),
    [
        *[("StoreError", True), ("UnsupportedError", True), ("ConflictError", True)],
        *[("store", True), ("unsupported", True), ("conflict", True)],
        *[("SourceError", False), ("ReadBackError", False), ("KeyError", False)],
        *[("source", False), ("read_back", False), ("unexpected", False)],
    ],
)
def test_a_failed_backup(watched: Watched, error: str, is_upload: bool) -> None:
    watched.clock.advance(ONE_DAY)
    put_failure(watched, "backup", error)
    counted = TrailReader(watched.vault.trail.log).read()
    assert (counted.upload_errors, counted.failing_backup_days) == (int(is_upload), 1)
