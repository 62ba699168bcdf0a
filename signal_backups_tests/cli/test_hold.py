"""``signal-backups hold``: put, listed and released by real processes, on a bucket with Object Lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.core.retention.locked import DAYS, keys_of, put_days, vault_in

FIRST, LAST = DAYS[0].isoformat(), DAYS[-1].isoformat()
RANGE = ("--from", FIRST, "--to", LAST)
WHY = ("--reason", "case 4711")


@pytest.fixture
def vault(s3_server: S3Server, locked_bucket: str) -> BackupVault:
    connection = S3Connection(s3_server.endpoint_url, s3_server.region, s3_server.access_key, s3_server.secret_key)
    vault = vault_in(connection, locked_bucket, layout=Layout())
    put_days(vault, DAYS)
    return vault


@pytest.fixture
def terminal(s3_server: S3Server, vault: BackupVault, tmp_path: Path) -> Terminal:
    return StoredDays(tmp_path, s3_server, vault, vault.store._client).terminal(tmp_path)


def held(vault: BackupVault) -> list[str]:
    """The keys on hold, in order."""
    return sorted(
        version.key
        for version in vault.store.list_versions("")
        if vault.store.lock_of(version.key, version.version_id).legal_hold
    )


def everything(vault: BackupVault) -> list[str]:
    return sorted(key for day in DAYS for key in keys_of(vault, day))


def test_holds_are_put_listed_and_released_with_confirmation(terminal: Terminal, vault: BackupVault) -> None:
    assert terminal.run("hold", "list", "--json").json == {"ok": True, "object_lock": True, "days": []}
    done = terminal.run("hold", "put", *RANGE, *WHY, "--json")
    assert done.code == 0, done.err
    assert set(done.json) == {"ok", "action", "days", "event"}
    assert (done.json["ok"], done.json["action"]) == (True, "put")
    assert [(day["day"], len(day["changed"]), day["unchanged"]) for day in done.json["days"]] == [
        (day.isoformat(), 3, 0) for day in DAYS
    ]
    assert held(vault) == everything(vault)
    (event,) = recorded_events(vault)
    assert (event.number, event.action, event.details["reason"]) == (done.json["event"], "hold_put", "case 4711")
    assert len(objects(event)) == len(everything(vault))
    assert event.actor.user
    assert event.actor.host

    listed = terminal.run("hold", "list", *RANGE, "--json").json
    assert [(day["day"], day["versions"], len(day["held"])) for day in listed["days"]] == [
        (day.isoformat(), 3, 3) for day in DAYS
    ]

    asked = terminal.run("hold", "release", "--from", FIRST, "--to", FIRST, *WHY)
    assert asked.code == 2
    assert all(key in asked.out for key in keys_of(vault, DAYS[0]))
    assert "--confirm" in asked.err
    document = terminal.run("hold", "release", *RANGE, *WHY, "--json")
    assert (document.code, document.json["ok"], document.json["needs_confirmation"]) == (2, False, True)
    assert document.json["would_release"] == listed["days"]
    assert held(vault) == everything(vault)
    assert len(recorded_events(vault)) == 1

    released = terminal.run("hold", "release", "--from", FIRST, "--to", FIRST, *WHY, "--confirm")
    assert released.code == 0, released.err
    assert "Recorded as event 2\n" in released.out
    assert held(vault) == sorted(key for day in DAYS[1:] for key in keys_of(vault, day))


def test_text_says_what_changed_and_that_nothing_did_the_second_time(terminal: Terminal, vault: BackupVault) -> None:
    first = terminal.run("hold", "put", *RANGE, *WHY)
    assert "Recorded as event 1\n" in first.out
    written = vault.store.list_versions("")
    second = terminal.run("hold", "put", *RANGE, *WHY)
    assert (second.code, "Nothing changed" in second.out) == (0, True)
    assert vault.store.list_versions("") == written
    listed = terminal.run("hold", "list")
    assert all(key in listed.out for key in everything(vault))


def test_wrong_usage_is_code_2_and_nothing_there_code_4(terminal: Terminal, vault: BackupVault) -> None:
    for arguments, code in (
        (("put", *RANGE), 2),
        (("put", *RANGE, "--reason", "  "), 2),
        (("put", "--from", FIRST, *WHY), 2),
        (("put", "--from", LAST, "--to", FIRST, *WHY), 2),
        (("release", *RANGE, "--confirm"), 2),
        (("put", "--from", "1999-01-01", "--to", "1999-02-01", *WHY), 4),
    ):
        done = terminal.run("hold", *arguments)
        assert done.code == code, (arguments, done.err)
        assert done.out == ""
    assert held(vault) == []


def test_a_bucket_without_object_lock_names_init(terminal: Terminal, vault: BackupVault, bucket: str) -> None:
    done = terminal.run("hold", "put", *RANGE, *WHY, BACKUP_BUCKET_NAME=bucket)
    assert done.code == 3
    assert "signal-backups init --profile recommended --confirm" in done.err


def test_without_object_lock_nothing_is_on_hold(terminal: Terminal, vault: BackupVault, bucket: str) -> None:
    done = terminal.run("hold", "list", BACKUP_BUCKET_NAME=bucket)
    assert (done.code, done.out) == (0, f"Nothing is on hold: bucket {bucket} has no Object Lock\n")
    document = terminal.run("hold", "list", "--json", BACKUP_BUCKET_NAME=bucket)
    assert document.json == {"ok": True, "object_lock": False, "days": []}
