"""``signal-backups audit log`` and ``audit verify`` as processes: what they say and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signal_backups.core.integrity.anchors.anchors import write_anchor
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.anchors.tree_head import LogHead, tree_head_of
from signal_backups.core.ledger.chained_log import FIRST, FOLDER_SIZE
from signal_backups.core.ledger.event import Action, ObjectName
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, day_at, stored_days
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.core.ledger.trails import Admin, bodies_of, failed
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of, vouch_without_object
from signal_backups_tests.servers.s3 import create_versioned_bucket

AT = [datetime(2026, 11, number, 2, tzinfo=UTC) for number in (1, 2, 3)]


@pytest.fixture
def stored(tmp_path: Path, s3_server: S3Server) -> Iterator[StoredDays]:
    """Three events on three days: a verification, a drill with many objects, another verification."""
    with stored_days(tmp_path, s3_server) as stored:
        record, names = stored.vault.trail.record, [ObjectName(key=f"key{number}", version_id="v") for number in "1234"]
        record(Action.VERIFICATION, "passed", names[:1], at=AT[0])
        record(Action.DRILL, "passed", names, at=AT[1])
        record(Action.VERIFICATION, "failed", at=AT[2])
        yield stored


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    return stored.terminal(tmp_path)


@pytest.fixture
def admin(stored: StoredDays) -> Admin:
    return Admin(stored.client, stored.vault.trail.log)


def second_bucket(stored: StoredDays) -> dict[str, str]:
    """A new bucket, named as the second one."""
    create_versioned_bucket(stored.client, name := f"{stored.bucket}-anchors")
    return {"SIGNAL_BACKUPS_ANCHOR_BUCKET": name}


def anchor(stored: StoredDays, second: S3ObjectStore | None = None) -> None:
    entries = list(stored.vault.trail.log.entries())
    head = LogHead(number=len(entries), sha256=entries[-1].sha256)
    statement = tree_head_of(AT[2], stored.bucket, head, []).to_bytes()
    assert not write_anchor(stored.vault, statement, AT[2], AnchorDestinations(second=second)).errors


def test_the_log_for_people(terminal: Terminal) -> None:
    done = terminal.run("audit", "log")
    assert done.code == 0
    rows = [line for line in done.out.splitlines() if "2026-11-0" in line]
    assert ["2026-11-01 02:00:00Z" in rows[0], "drill" in rows[1], "failed" in rows[2]] == [True] * 3
    assert "and 1 more" in done.out
    assert "key4" not in done.out


def test_the_log_names_days_and_why_something_failed_or_was_done(stored: StoredDays, terminal: Terminal) -> None:
    record, key = stored.vault.trail.record, stored.key(day_at(0))
    record(Action.BACKUP, "failed", details={"day": "2026-11-05", "error": "no answer.\nTry again"})
    record(Action.VERIFICATION, "failed", [ObjectName(key=key, version_id="v")], {"problems": ["one", "two"]})
    record(Action.VERIFICATION, "failed", details={"key": key, "error": "gone"})
    record(Action.HOLD_PUT, "put", details={"first_day": "2026-11-01", "last_day": "2026-11-02", "reason": "case 7"})
    record(Action.EXAMINATION, "failed", details={"days": ["2026-11-01", "2026-11-02"], "general": ["a gap"]})
    record(Action.RESTORE, "failed", details={"days": [{"day": "2026-11-09"}, {"odd": 1}], "error": "full"})
    lines = [line for line in terminal.run("audit", "log").out.splitlines() if line.startswith("│")]
    shown = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.strip("│")]
    rows = {row[0]: (row[4], row[6]) for row in shown if row[0]}
    assert rows["4"] == ("2026-11-05", "no answer. Try again")
    assert rows["5"][0] == str(day_at(0))
    assert ["", "one; two"] in [[row[0], row[6]] for row in shown]
    assert rows["6"] == (str(day_at(0)), "gone")
    assert rows["7"] == ("2026-11-01 to 2026-11-02", "case 7")
    assert rows["8"] == ("2026-11-01 to 2026-11-02", "a gap")
    assert rows["9"] == ("2026-11-09", "full")


def test_the_log_for_machines_is_what_is_stored(stored: StoredDays, terminal: Terminal) -> None:
    done = terminal.run("audit", "log", "--json")
    assert done.json["ok"]
    assert done.json["events"] == [json.loads(entry.body) for entry in stored.vault.trail.log.entries()]


def test_a_failure_of_an_earlier_release_is_shown_as_it_is_stored(stored: StoredDays, terminal: Terminal) -> None:
    log = stored.vault.trail.log
    # Earlier releases stored the name of a class where a code stands now.
    event = {
        "action": "backup",
        "actor": {"code_version": "1.0", "host": "h", "run_id": "", "user": "u"},
        "at": "2026-11-04T02:00:00Z",
        "details": {"day": "2026-11-03", "error": "no answer", "error_type": "StoreError"},
        "format": 1,
        "id": "a1",
        "number": 4,
        "objects": [],
        "previous": list(log.entries())[-1].sha256,
        "result": "failed",
    }
    stored.vault.store.put_bytes(log.key_of(4), json.dumps(event).encode(), "application/json")
    done = terminal.run("audit", "log", "--from", "2026-11-04", "--json")
    assert (done.code, done.json["events"]) == (0, [event])


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (("--from", "2026-11-02"), [2, 3]),
        (("--from", "2026-11-01", "--to", "2026-11-02"), [1, 2]),
        (("--from", "2026-11-02", "--to", "2026-11-02"), [2]),
        (("--action", "verification"), [1, 3]),
        (("--action", "verification", "--from", "2026-11-03"), [3]),
        (("--action", "restore"), []),
    ],
)
def test_a_part_of_the_log(terminal: Terminal, arguments: tuple[str, ...], numbers: list[int]) -> None:
    done = terminal.run("audit", "log", *arguments, "--json")
    assert (done.code, [event["number"] for event in done.json["events"]]) == (0, numbers)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "today"),
        ("--to", "2026-11-02"),
        ("--from", "2026-11-03", "--to", "2026-11-02"),
        ("--action", "nothing"),
    ],
)
def test_a_part_that_is_none(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    done = terminal.run("audit", "log", *arguments)
    assert (done.code, done.out) == (2, "")


def test_no_such_events(terminal: Terminal) -> None:
    done = terminal.run("audit", "log", "--action", "restore")
    assert (done.code, done.out.startswith("No such events in s3://")) == (0, True)


def test_a_log_with_a_gap_cannot_be_listed(terminal: Terminal, admin: Admin) -> None:
    admin.erase(admin.log.key_of(2))
    done = terminal.run("audit", "log")
    assert (done.code, done.out) == (4, "")
    assert "signal-backups audit verify" in done.err


def test_an_unbroken_trail(stored: StoredDays, terminal: Terminal) -> None:
    done = terminal.run("audit", "verify")
    assert (done.code, done.out) == (0, "3 events, 0 manifests, unbroken; not anchored outside of the bucket\n")
    named = second_bucket(stored)
    anchor(stored, S3ObjectStore(stored.client, *named.values()))
    done = terminal.run("audit", "verify", "--full", **named)
    summary = "3 events, 0 manifests, unbroken; anchored up to event 3 at 2026-11-03 02:00:00Z\n"
    assert (done.code, done.out, done.err) == (0, summary, "")
    stored.vault.trail.record(Action.DRILL, "passed")
    assert terminal.run("audit", "verify", **named).out.endswith("at 2026-11-03 02:00:00Z, 1 events since\n")


def test_an_anchor_that_nothing_outside_confirms(stored: StoredDays, terminal: Terminal) -> None:
    anchor(stored)
    done = terminal.run("audit", "verify")
    assert (done.code, done.out.endswith("unbroken; not anchored outside of the bucket\n")) == (0, True)
    assert "SIGNAL_BACKUPS_TSA_CA_FILE" in done.err
    done = terminal.run("audit", "verify", **second_bucket(stored))
    assert (done.code, done.out.endswith("unbroken; not anchored outside of the bucket\n")) == (0, True)
    assert "anchors without a copy in the second bucket: 1" in done.err


def test_a_broken_trail_names_its_first_bad_event(terminal: Terminal, admin: Admin) -> None:
    admin.put_over(2, failed)
    admin.hide(admin.log.key_of(3))
    done = terminal.run("audit", "verify")
    assert done.code == 1
    first, *_, last = done.out.splitlines()
    assert first.startswith(f"BROKEN, first at events 2 ({admin.log.key_of(2)}): an edited version overwrote entry 2")
    assert last == "3 events, 0 manifests, 2 findings; not anchored outside of the bucket"
    assert "removed" in done.out


def test_machines_get_every_field(terminal: Terminal, admin: Admin) -> None:
    admin.put_over(2, failed)
    done = terminal.run("audit", "verify", "--full", "--json")
    assert (done.code, done.json["ok"], done.json["full"], done.json["events"]) == (1, False, True, 3)
    (finding,) = done.json["findings"]
    newest = admin.versions(2)[0]
    assert (finding["log"], finding["kind"], finding["number"]) == ("events", "edited", 2)
    assert (finding["key"], finding["version_id"]) == (newest.key, newest.version_id)
    assert (done.json["anchored"], done.json["unchained"], done.json["finding_count"]) == (None, None, 1)


def test_an_empty_trail(terminal: Terminal, admin: Admin) -> None:
    for number in (1, 2, 3):
        admin.erase(admin.log.key_of(number))
    done = terminal.run("audit", "verify")
    assert (done.code, done.out) == (
        0,
        f"The audit trail of {admin.log.store.bucket} is empty; not anchored outside of the bucket\n",
    )
    assert terminal.run("audit", "verify", "--json").json["ok"]


def test_a_trail_that_was_anchored_is_not_empty(stored: StoredDays, terminal: Terminal, admin: Admin) -> None:
    anchor(stored)
    for number in (1, 2, 3):
        admin.erase(admin.log.key_of(number))
    done = terminal.run("audit", "verify")
    assert done.code == 1
    assert "the log was truncated" in done.out


def test_days_from_before_the_chain_are_told_how_to_enter_it(stored: StoredDays, terminal: Terminal) -> None:
    for number in (0, 3):
        slot = BackupSlot(day_at(number))
        named = StoredFile(key=stored.key(slot.day), version_id="v", bytes=1, sha256=FIRST)
        stored.put(stored.manifest_key(slot.day), manifest_of(named, slot.day).to_bytes())
    done = terminal.run("audit", "verify")
    assert done.code == 0
    assert f"signal-backups backup --from {day_at(0)} --to {day_at(3)}" in done.err


def test_a_manifest_that_may_have_expired_is_not_missed(stored: StoredDays, terminal: Terminal) -> None:
    for day in (datetime(2015, 1, 1, tzinfo=UTC).date(), day_at(0)):
        named = StoredFile(key=stored.key(day), version_id="v", bytes=1, sha256=FIRST)
        manifest = vouch_without_object(stored.vault, BackupSlot(day), manifest_of(named, day, bucket=stored.bucket))
        chained = stored.vault.manifest_log.entry(manifest.number or 0)
        assert chained is not None
        place = {"number": chained.number, "sha256": chained.sha256}
        stored.vault.trail.record(Action.BACKUP, "stored", details={"manifest": place})
        stored.delete(stored.manifest_key(day))
    done = terminal.run("audit", "verify", "--json")
    assert [finding["number"] for finding in done.json["findings"]] == [2]


def test_a_bucket_out_of_reach(terminal: Terminal) -> None:
    done = terminal.run("audit", "verify", BACKUP_BUCKET_NAME="not-there")
    assert (done.code, done.out) == (3, "")
    done = terminal.run("audit", "verify", SIGNAL_BACKUPS_ANCHOR_BUCKET="not-there")
    assert (done.code, done.out) == (3, "")


def test_there_is_nowhere_to_anchor_by_itself(terminal: Terminal) -> None:
    done = terminal.run("audit", "anchor", "--json")
    assert (done.code, done.json["ok"]) == (2, False)
    assert "SIGNAL_BACKUPS_ANCHOR_BUCKET" in done.json["error"]["remedy"]


def test_anchoring_in_a_second_bucket(stored: StoredDays, terminal: Terminal) -> None:
    named = second_bucket(stored)
    made = terminal.run("audit", "anchor", "--json", **named)
    assert (made.code, made.json["ok"], made.json["errors"]) == (0, True, [])
    key = made.json["key"]
    assert made.json["copies"] == [f"s3://{stored.bucket}/{key}", f"s3://{named['SIGNAL_BACKUPS_ANCHOR_BUCKET']}/{key}"]
    assert made.json["statement"]["events"]["number"] == 3
    assert "anchored up to event 3 at" in terminal.run("audit", "verify", **named).out


def test_anchoring_writes_the_segments_that_are_due(stored: StoredDays, terminal: Terminal, admin: Admin) -> None:
    create_versioned_bucket(stored.client, f"{stored.bucket}-anchors")
    named = {"SIGNAL_BACKUPS_ANCHOR_BUCKET": f"{stored.bucket}-anchors"}
    for number in (1, 2, 3):
        admin.erase(admin.log.key_of(number))
    admin.put_events(FOLDER_SIZE + 1)
    admin.edit(5, failed)
    refused = terminal.run("audit", "anchor", **named)
    assert refused.code == 0
    assert "Warning: no segment was written of the events" in refused.err
    admin.replace(admin.log.key_of(5), bodies_of(5)[-1])
    written = terminal.run("audit", "anchor", **named).err
    # The copy of entry 5 was made while it was edited.
    assert written.count("rolling/events_1000.jsonl.gz holds other bytes than the log for 1 of its entries") == 1
    assert "no segment was written" not in written
    assert terminal.run("audit", "anchor", **named).err == ""
    prefix = stored.vault.layout.segment_prefix
    rolling = ("events_1.jsonl.gz", "events_1000.jsonl.gz")
    segments = [f"{prefix}events_0000000.jsonl", *(f"{prefix}rolling/{name}" for name in rolling)]
    assert [item.key for item in stored.vault.store.list_current(prefix)] == segments


def test_an_authority_that_is_down_is_said_and_the_bucket_is_written(stored: StoredDays, terminal: Terminal) -> None:
    done = terminal.run("audit", "anchor", SIGNAL_BACKUPS_TSA_URL="http://127.0.0.1:9/")
    assert done.code == 3
    assert "FAILED" in done.err
    assert f"Anchored in s3://{stored.bucket}/audit/anchors/" in done.out
