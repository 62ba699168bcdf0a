"""A bucket that takes no audit events: commands do their work and say so, and the next one writes what waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signal_backups.core.s3.connection import S3Connection
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import FIRST, StoredDays, as_held, held_in_sqlite, rows_of
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.core.ledger.recorded_events import recorded_events
from signal_backups_tests.core.retention.locked import vault_in

DAY = FIRST.isoformat()


@pytest.fixture
def stored(s3_server: S3Server, locked_bucket: str, tmp_path: Path) -> StoredDays:
    """A day in a bucket with Object Lock; its backup is the trail's first event."""
    connection = S3Connection(s3_server.endpoint_url, s3_server.region, s3_server.access_key, s3_server.secret_key)
    vault = vault_in(connection, locked_bucket)
    stored = StoredDays(tmp_path, s3_server, vault, vault.store._client)
    stored.store(FIRST, rows_of(FIRST, 3))
    return stored


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    return stored.terminal(tmp_path)


@contextmanager
def taking_no_events(stored: StoredDays) -> Iterator[None]:
    """The server refuses to write under ``audit/``, as it does for credentials that are too weak."""
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{stored.bucket}/audit/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [refusal]})
    stored.client.put_bucket_policy(Bucket=stored.bucket, Policy=policy)
    yield
    stored.client.delete_bucket_policy(Bucket=stored.bucket)


def waiting(terminal: Terminal) -> list[Path]:
    return sorted((terminal.folder / "home" / "unwritten_events").glob("*.json"))


@pytest.mark.parametrize(
    ("command", "action"),
    [
        (("verify", "--date", DAY), "verification"),
        (("restore", DAY, "--target", "sqlite:///restored.db"), "restore"),
        (("hold", "put", "--from", DAY, "--to", DAY, "--reason", "case 4711"), "hold_put"),
    ],
)
def test_a_command_does_its_work_and_the_next_one_writes_its_event(
    stored: StoredDays, terminal: Terminal, command: tuple[str, ...], action: str
) -> None:
    with taking_no_events(stored):
        done = terminal.run(*command)
        assert (done.code, len(waiting(terminal))) == (0, 1), done.err
    assert f"the audit event of this {action} is not written yet and waits in" in done.err
    assert [event.action for event in recorded_events(stored.vault)] == ["backup"]
    following = terminal.run("verify", "--date", DAY)
    assert (following.code, "waits in" in following.err, waiting(terminal)) == (0, False, [])
    assert [event.action for event in recorded_events(stored.vault)] == ["backup", action, "verification"]


def test_what_was_done_without_an_event_is_done(stored: StoredDays, terminal: Terminal, tmp_path: Path) -> None:
    with taking_no_events(stored):
        assert terminal.run("restore", DAY, "--target", "sqlite:///restored.db").code == 0
        held = terminal.run("hold", "put", "--from", DAY, "--to", DAY, "--reason", "case 4711")
        again = terminal.run("hold", "put", "--from", DAY, "--to", DAY, "--reason", "case 4711", "--json")
    assert held_in_sqlite(tmp_path / "restored.db") == as_held(rows_of(FIRST, 3))
    assert "Its audit event waits on this machine" in held.out
    assert "Nothing changed" not in held.out
    assert [(len(day["changed"]), day["unchanged"]) for day in again.json["days"]] == [(0, 2)]
    assert again.json["event"] is None
