"""``signal-backups lock extend``: longer retentions, set by real processes on a bucket with Object Lock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import next_midnight, utc_now
from signal_backups.core.retention import profile
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.core.retention.locked import DAYS, put_days, vault_in

RANGE = ("--from", DAYS[0].isoformat(), "--to", DAYS[-1].isoformat())


@pytest.fixture
def vault(s3_server: S3Server, locked_bucket: str) -> BackupVault:
    connection = S3Connection(s3_server.endpoint_url, s3_server.region, s3_server.access_key, s3_server.secret_key)
    vault = vault_in(connection, locked_bucket)
    put_days(vault, DAYS)
    return vault


@pytest.fixture
def terminal(s3_server: S3Server, vault: BackupVault, tmp_path: Path) -> Terminal:
    stored = StoredDays(tmp_path, s3_server, vault, vault.store._client)
    return stored.terminal(tmp_path, SIGNAL_BACKUPS_PROFILE="recommended")


def locks(vault: BackupVault) -> set[tuple[str | None, datetime | None]]:
    """Every lock there is on the days' versions."""
    found = [
        vault.store.lock_of(version.key, version.version_id)
        for version in vault.store.list_versions("")
        if not version.key.startswith("audit/")
    ]
    return {(lock.mode, lock.retain_until) for lock in found}


def profiles_end(vault: BackupVault) -> datetime:
    """When the profile lets go of what was stored first."""
    first = min(version.last_modified for version in vault.store.list_versions("signals/"))
    return LockPolicy(LockMode.COMPLIANCE, 7).retain_until(first)


def test_versions_are_locked_as_the_profile_says_and_the_second_time_nothing_changes(
    terminal: Terminal, vault: BackupVault
) -> None:
    shown = terminal.run("lock", "extend", *RANGE, "--dry-run", "--json")
    assert (shown.code, shown.json["dry_run"], shown.json["event"]) == (0, True, None)
    assert locks(vault) == {(None, None)}
    done = terminal.run("lock", "extend", *RANGE, "--json")
    assert done.code == 0, done.err
    assert set(done.json) == {"ok", "dry_run", "days", "event"}
    assert done.json["days"] == shown.json["days"]
    assert [(day["day"], len(day["changes"]), day["unchanged"]) for day in done.json["days"]] == [
        (day.isoformat(), 3, 0) for day in DAYS
    ]
    assert locks(vault) == {("COMPLIANCE", profiles_end(vault))}
    (event,) = recorded_events(vault)
    assert (event.number, event.action, len(objects(event))) == (done.json["event"], "lock_extension", 9)
    again = terminal.run("lock", "extend", *RANGE)
    assert again.code == 0
    assert "9 versions are locked long enough already" in again.out
    assert len(recorded_events(vault)) == 1


def test_a_later_date_counts_and_an_earlier_one_is_refused(terminal: Terminal, vault: BackupVault) -> None:
    later = profiles_end(vault) + timedelta(days=400)
    before = locks(vault)
    unconfirmed = terminal.run("lock", "extend", *RANGE, "--until", f"{later:%Y-%m-%d}")
    assert unconfirmed.code == 2
    assert "--confirm" in unconfirmed.err
    assert locks(vault) == before
    done = terminal.run("lock", "extend", *RANGE, "--until", f"{later:%Y-%m-%d}", "--confirm")
    assert done.code == 0, done.err
    assert f"compliance until {later:%Y-%m-%d}" in done.out
    assert "Recorded as event 1\n" in done.out
    assert locks(vault) == {("COMPLIANCE", later)}
    earlier = terminal.run("lock", "extend", *RANGE, "--until", f"{later - timedelta(days=1):%Y-%m-%d}", "--confirm")
    assert earlier.code == 2
    assert "never shortened" in earlier.err
    assert "signals_backup_" in earlier.err
    assert locks(vault) == {("COMPLIANCE", later)}


def test_a_legal_hold_that_stays_is_shown_before_and_after(terminal: Terminal, vault: BackupVault) -> None:
    day = DAYS[0].isoformat()
    terminal.run("hold", "put", "--from", day, "--to", day, "--reason", "a case")
    done = terminal.run("lock", "extend", "--from", day, "--to", day)
    rows = [line for line in done.out.splitlines() if day in line and "compliance" in line]
    assert len(rows) == 3
    assert all(f"compliance until {profiles_end(vault):%Y-%m-%d}, legal hold" in row for row in rows)


def test_a_mode_that_the_store_does_not_change_fails(terminal: Terminal, vault: BackupVault) -> None:
    until = next_midnight(utc_now()) + timedelta(days=5000)
    for version in vault.store.list_versions(""):
        vault.store.set_retention(version.key, version.version_id, LockMode.GOVERNANCE, until)
    done = terminal.run("lock", "extend", *RANGE)
    assert done.code == 1
    assert done.err.count("AccessDenied") == 9
    assert "Recorded" not in done.out
    assert locks(vault) == {("GOVERNANCE", until)}


def test_a_governance_profile_lengthens_no_compliance_lock_unconfirmed(
    terminal: Terminal, vault: BackupVault, tmp_path: Path
) -> None:
    text = (Path(profile.__file__).parent / "profiles" / "recommended.toml").read_text()
    own = tmp_path / "own.toml"
    own.write_text(text.replace('name = "recommended"', 'name = "own"').replace('"COMPLIANCE"', '"GOVERNANCE"'))
    terminal.run("lock", "extend", *RANGE)
    before = locks(vault)
    done = terminal.run("lock", "extend", *RANGE, "--until", "2126-01-01", SIGNAL_BACKUPS_PROFILE=str(own))
    assert done.code == 2
    assert "--confirm" in done.err
    assert locks(vault) == before


def test_wrong_usage_is_code_2_and_nothing_there_code_4(terminal: Terminal, vault: BackupVault, bucket: str) -> None:
    for arguments, settings, code, said in (
        ((), {}, 2, "--from"),
        ((*RANGE, "--until", "soon"), {}, 2, "YYYY-MM-DD"),
        (RANGE, {"SIGNAL_BACKUPS_PROFILE": "documented"}, 2, "SIGNAL_BACKUPS_PROFILE=recommended"),
        (("--from", "1999-01-01", "--to", "1999-02-01"), {}, 4, "signal-backups list"),
        (RANGE, {"BACKUP_BUCKET_NAME": bucket}, 3, "signal-backups init --profile recommended"),
    ):
        done = terminal.run("lock", "extend", *arguments, **settings)
        assert done.code == code, (arguments, done.err)
        assert said in done.err
        assert done.out == ""
    assert locks(vault) == {(None, None)}
