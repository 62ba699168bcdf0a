"""``signal-backups doctor``: what it prints, its JSON and its exit codes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from signal_backups.core.doctor.finding import DoctorCheck
from signal_backups_tests.cli.terminal import Finished, Terminal
from signal_backups_tests.orchestration.heartbeats import beat

SECRET = "hunter2"


@pytest.fixture
def healthy(terminal: Terminal) -> Terminal:
    """A terminal with a bucket as the profile says, a backup of yesterday, and a Dagster that lives."""
    assert terminal.run("init").code == 0
    assert terminal.run("backup", "--from", terminal.settings["SIGNAL_BACKUPS_START_DATE"]).code == 0
    beat(Path(terminal.settings["SIGNAL_BACKUPS_HOME"]) / "dagster")
    return terminal


def ill(done: Finished) -> dict[str, str]:
    """Of a JSON document: what is not ok, and how it is."""
    found = {finding["check"]: finding["state"] for finding in done.json["findings"]}
    assert list(found) == list(DoctorCheck)
    return {check: state for check, state in found.items() if state not in ("ok", "not_checked")}


def test_all_is_well_then_one_thing_after_the_other_is_not(healthy: Terminal, newest: date) -> None:
    done = healthy.run("doctor")
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    # Who runs this server may do everything.
    assert [line for line in lines[:-2] if not line.startswith("ok ")] == [
        line for line in lines if line.startswith("warning      delete denied")
    ]
    assert any(line.startswith("ok           latest backup") and str(newest) in line for line in lines)
    assert lines[-2].startswith("Wrote 2 probe objects, ")
    assert lines[-1] == "0 failed, 1 warnings"

    down = healthy.run("doctor", "--json", AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")
    assert (down.code, ill(down)) == (3, {"store": "failed"})
    assert (down.json["ok"], down.json["failed"], down.json["probe_objects"]) == (False, 1, 0)

    wrong = healthy.run("doctor", AWS_SECRET_ACCESS_KEY=SECRET, SIGNALS_DATABASE_URL=f"postgresql://u:{SECRET}@h:1/d")
    assert wrong.code == 3
    failed = [line for line in wrong.out.splitlines() if line.startswith("FAILED")]
    assert [line.split()[1] for line in failed] == ["database", "credentials"]
    assert "not checked  bucket              needs credentials first" in wrong.out
    assert SECRET not in wrong.out + wrong.err

    bad_day = healthy.run("doctor", "--json", SIGNALS_TABLE="no_such_table", BACKUP_PREFIX="elsewhere/")
    assert bad_day.code == 1
    assert ill(bad_day) == {
        "database": "failed",
        "lifecycle": "failed",
        "latest_backup": "failed",
        "delete_denied": "warning",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("SIGNAL_BACKUPS_START_DATE", "soon"), ("SIGNAL_BACKUPS_PROFILE", "for-ever"), ("SIGNALS_DATABASE_URL", SECRET)],
)
def test_a_wrong_setting_is_code_2_and_named_among_the_findings(terminal: Terminal, name: str, value: str) -> None:
    done = replace(terminal).run("doctor", "--json", **{name: value})
    assert (done.code, ill(done)) == (2, {"settings": "failed"})
    (found,) = (each for each in done.json["findings"] if each["check"] == "settings")
    assert name.rpartition("_")[2].lower() in (found["found"] + found["remedy"]).lower()
    assert SECRET not in done.out + done.err
    assert not (terminal.folder / "home").exists()


@pytest.mark.parametrize("arguments", [("--everything",), ("store",)])
def test_wrong_usage_is_code_2(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    done = terminal.run("doctor", *arguments)
    assert (done.code, done.out) == (2, "")


def test_an_embedded_store_that_was_never_set_up(terminal: Terminal) -> None:
    (terminal.folder / "home" / "s3").mkdir(parents=True)
    done = terminal.run("doctor", "--json", BACKUP_BUCKET_NAME="", AWS_ENDPOINT_URL_S3="")
    assert done.code == 1
    assert ill(done) == {"bucket": "failed", "dagster_instance": "failed"}
    assert "Using the embedded S3 server" in done.err
