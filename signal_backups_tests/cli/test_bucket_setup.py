"""``init`` and ``lifecycle`` as users run them, against the real server."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.servers.s3 import client_for

FOREIGN = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 5}}


@pytest.fixture
def shell(terminal: Terminal) -> Terminal:
    """A terminal whose bucket nobody has made yet."""
    return replace(terminal, settings={**terminal.settings, "BACKUP_BUCKET_NAME": f"new-{uuid.uuid4().hex}"})


def test_init_shows_then_does_then_finds_nothing_to_do(shell: Terminal) -> None:
    dry = shell.run("init", "--dry-run")
    assert dry.code == 0
    assert "nothing was changed" in dry.out
    assert shell.run("status").code == 3
    first = shell.run("init")
    assert first.code == 0
    assert "+ signals/*: to STANDARD_IA after 90 days; to GLACIER after 365 days; expire after 2555 days" in first.out
    assert "this store cannot: public access block" in first.out
    assert "Done" in first.out.splitlines()
    assert "move nothing below 128 KiB, on purpose" in first.out
    assert "cheaper than STANDARD for backups of 48.6 KB or more" in first.out
    again = shell.run("init")
    assert again.code == 0
    assert "Nothing to change" in again.out.splitlines()


def test_init_creates_a_missing_bucket_of_anchors_and_records_it(shell: Terminal) -> None:
    named = {"SIGNAL_BACKUPS_ANCHOR_BUCKET": f"anchors-{uuid.uuid4().hex}"}
    assert shell.run("init").code == 0
    missing = shell.run("audit", "verify", **named)
    assert (missing.code, "Create it with: signal-backups init" in missing.err) == (3, True)
    dry = shell.run("init", "--dry-run", "--json", **named).json["anchor_bucket_changes"]
    assert shell.run("audit", "verify", **named).code == 3
    done = shell.run("init", **named)
    assert (done.code, f"Bucket {named['SIGNAL_BACKUPS_ANCHOR_BUCKET']}, for anchors" in done.out) == (0, True)
    assert "Nothing to change" not in done.out
    assert dry[0]["setting"] == "bucket"
    assert shell.run("audit", "verify", **named).code == 0
    event = shell.run("audit", "log", "--json").json["events"][-1]
    assert (event["action"], event["details"]["bucket"]) == ("policy_change", named["SIGNAL_BACKUPS_ANCHOR_BUCKET"])
    again = shell.run("init", **named)
    assert ("for anchors" in again.out, "Nothing to change" in again.out) == (False, True)


def test_init_as_json(shell: Terminal) -> None:
    done = shell.run("init", "--json")
    assert done.code == 0
    assert [change["setting"] for change in done.json["changes"]] == [
        "bucket",
        "versioning",
        "public access block",
        "lifecycle",
    ]
    assert set(done.json["missing_capabilities"]) == {"public access block", "lifecycle"}
    assert (done.json["ok"], done.json["left"]) == (True, [])


def test_another_profile_is_applied_and_said_to_be_set(shell: Terminal) -> None:
    done = shell.run("init", "--profile", "recommended")
    assert done.code == 0
    assert "SIGNAL_BACKUPS_PROFILE=recommended" in done.out
    assert shell.run("lifecycle", "diff", SIGNAL_BACKUPS_PROFILE="recommended").code == 0
    assert shell.run("lifecycle", "diff").code == 1


def test_with_a_locking_profile_a_backup_is_locked(shell: Terminal) -> None:
    recommended = {"SIGNAL_BACKUPS_PROFILE": "recommended"}
    assert shell.run("init", **recommended).code == 0
    day = shell.settings["SIGNAL_BACKUPS_START_DATE"]
    assert shell.run("backup", day, **recommended).code == 0
    assert "compliance until" in shell.run("versions", day).out


def test_a_backup_that_cannot_be_locked_fails_and_names_init(terminal: Terminal) -> None:
    done = terminal.run("backup", terminal.settings["SIGNAL_BACKUPS_START_DATE"], SIGNAL_BACKUPS_PROFILE="recommended")
    assert done.code != 0
    assert "signal-backups init" in done.out + done.err


def test_what_deletes_sooner_wants_confirm(shell: Terminal) -> None:
    shell.run("init", "--profile", "recommended")
    shell.run("backup", shell.settings["SIGNAL_BACKUPS_START_DATE"])
    for command in (("init",), ("lifecycle", "apply")):
        refused = shell.run(*command)
        assert refused.code == 2
        assert "kept 90 days instead of 2558 days" in refused.err
        assert "--confirm" in refused.err
    assert "needs --confirm" in shell.run("lifecycle", "diff").out
    assert shell.run("lifecycle", "apply", "--confirm").code == 0
    assert shell.run("lifecycle", "diff").code == 0


def test_drift_is_shown_and_mended(shell: Terminal, s3_server: S3Server) -> None:
    shell.run("init")
    client_for(s3_server).delete_bucket_lifecycle(Bucket=shell.settings["BACKUP_BUCKET_NAME"])
    assert "no lifecycle rules" in shell.run("lifecycle", "show").out
    diff = shell.run("lifecycle", "diff")
    assert diff.code == 1
    assert "+ signals/*" in diff.out
    applied = shell.run("lifecycle", "apply", "--json")
    assert (applied.code, applied.json["differences"]) == (0, [])
    assert applied.json["applied"]
    assert shell.run("lifecycle", "diff").code == 0


def test_foreign_rules_are_kept_and_shown(shell: Terminal, s3_server: S3Server) -> None:
    client = client_for(s3_server)
    bucket = shell.settings["BACKUP_BUCKET_NAME"]
    client.create_bucket(Bucket=bucket)
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [FOREIGN]})  # type: ignore[list-item]
    assert "foreign lifecycle rule, kept: theirs" in shell.run("init").out
    shown = shell.run("lifecycle", "show")
    assert "foreign rule 'theirs': logs/*: expire after 5 days" in shown.out
    assert FOREIGN in shell.run("lifecycle", "show", "--json").json["rules"]


def test_a_foreign_rule_against_ours_fails_init(shell: Terminal, s3_server: S3Server) -> None:
    client = client_for(s3_server)
    bucket = shell.settings["BACKUP_BUCKET_NAME"]
    client.create_bucket(Bucket=bucket)
    everywhere = {**FOREIGN, "Filter": {"Prefix": ""}}
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [everywhere]})  # type: ignore[list-item]
    done = shell.run("init")
    assert done.code == 1
    assert "'theirs' applies to signals/*" in done.out
    assert shell.run("lifecycle", "diff").code == 1


@pytest.mark.parametrize("command", [("init",), ("lifecycle", "diff"), ("lifecycle", "apply")])
def test_a_wrong_profile_names_what_is_wrong(shell: Terminal, tmp_path: Path, command: tuple[str, ...]) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "wrong"\n')
    for profile, words in (("nope", "documented, recommended"), (str(wrong), "keep: Field required")):
        done = shell.run(*command, "--profile", profile)
        assert done.code == 2
        assert words in done.err
