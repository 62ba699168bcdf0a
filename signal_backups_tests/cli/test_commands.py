"""What the commands do when all is well, and their documented JSON."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from signal_backups_tests.cli.terminal import Terminal


def test_a_day_is_backed_up_listed_verified_and_unchanged_the_second_time(terminal: Terminal, newest: date) -> None:
    first = terminal.run("backup", "--json")
    assert first.code == 0, first.err
    (stored,) = first.json["backups"]
    assert (stored["day"], stored["changed"], stored["quarantined"]) == (newest.isoformat(), True, 0)

    second = terminal.run("backup", newest.isoformat())
    assert second.code == 0
    assert "unchanged" in second.out
    assert "no new versions" in second.out

    (version,) = terminal.run("versions", newest.isoformat(), "--json").json["versions"]
    assert version["version_id"] == stored["version_id"]
    assert version["is_current"]
    assert version["verified_at"]

    (listed,) = terminal.run("list", "--json").json["backups"]
    assert listed["verified"]
    assert (listed["sha256"], listed["records"]) == (stored["sha256"], stored["records"])

    (verified,) = terminal.run("verify", "--json").json["results"]
    assert verified["ok"]
    assert verified["rows_hashed"] == stored["records"]


def test_a_late_row_becomes_a_new_version_of_its_day(terminal: Terminal, newest: date) -> None:
    database = terminal.folder / "signals.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        day = newest.isoformat()
        (late,) = connection.execute("SELECT max(rowid) FROM signals WHERE timestamp >= ?", [day]).fetchone()
        connection.execute("CREATE TABLE held_back AS SELECT * FROM signals WHERE rowid = ?", [late])
        connection.execute("DELETE FROM signals WHERE rowid = ?", [late])
    (before,) = terminal.run("backup", "--json").json["backups"]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO signals SELECT * FROM held_back")

    (after,) = terminal.run("backup", "--json").json["backups"]

    assert after["changed"]
    assert after["records"] == before["records"] + 1
    versions = terminal.run("versions", newest.isoformat(), "--json").json["versions"]
    assert [version["version_id"] for version in versions] == [after["version_id"], before["version_id"]]
    assert all(version["verified_at"] for version in versions)


def test_a_range_is_backed_up_in_one_run_and_status_is_well(terminal: Terminal, newest: date) -> None:
    first = newest - timedelta(days=2)
    missing = terminal.run("backup", (first).isoformat())
    assert missing.code == 0
    ailing = terminal.run("status")
    assert ailing.code == 1
    # In the first hours of a day the newest is still due.
    assert f"{first + timedelta(days=1)}" in ailing.out

    done = terminal.run("backup", "--from", first.isoformat(), "--to", newest.isoformat(), "--json")
    assert [backup["changed"] for backup in done.json["backups"]] == [False, True, True]

    well = terminal.run("status", "--json")
    assert well.code == 0
    assert well.json["missing_days"] == []
    assert well.json["days_backed_up"] == 3
    every = terminal.run("verify", "--last", "3", "--json").json
    assert [result["ok"] for result in every["results"]] == [True, True, True]


def test_a_quarantined_row_is_kept_named_and_fails_the_command(terminal: Terminal, newest: date) -> None:
    with closing(sqlite3.connect(terminal.folder / "signals.db")) as connection, connection:
        connection.execute(
            "UPDATE signals SET entry_price = -1 WHERE rowid = (SELECT max(rowid) FROM signals WHERE timestamp >= ?)",
            [newest.isoformat()],
        )

    done = terminal.run("backup", "--json")

    assert done.code == 1
    (stored,) = done.json["backups"]
    assert stored["quarantined"] == 1
    assert {check["check"] for check in done.json["failed_checks"]} == {"rows_conform_to_schema", "row_hashes_match"}
    status = terminal.run("status", "--json")
    assert status.json["quarantined_rows"] == {newest.isoformat(): 1}
    assert terminal.run("verify").code == 0


def test_init_creates_a_versioned_bucket_once(terminal: Terminal, bucket: str) -> None:
    fresh = f"{bucket}-fresh"[-63:].lstrip("-")
    first = terminal.run("init", "--json", BACKUP_BUCKET_NAME=fresh)
    assert (first.json["ok"], first.json["bucket"]) == (True, fresh)
    assert [change["setting"] for change in first.json["changes"]][:2] == ["bucket", "versioning"]
    second = terminal.run("init", "--json", BACKUP_BUCKET_NAME=fresh)
    assert (second.json["ok"], second.json["changes"]) == (True, [])


def test_without_database_and_bucket_the_embedded_ones_are_used_and_said_so(terminal: Terminal) -> None:
    unset = {"SIGNALS_DATABASE_URL": "", "BACKUP_BUCKET_NAME": "", "AWS_ENDPOINT_URL_S3": ""}
    assert "no settings here" in terminal.run("list", **unset).err
    done = terminal.run("init", **unset)
    assert done.code == 0
    assert done.err.count("\n") == 1
    assert "embedded database" in done.err
    assert "S3 server" in done.err
    assert terminal.run("list", **unset).code == 4


def test_a_file_is_verified_without_any_store(backed_up: Terminal, newest: date) -> None:
    file = backed_up.folder / "copy.csv"
    (stored,) = backed_up.run("list", "--json").json["backups"]
    _download(backed_up, stored["key"], file.name)
    offline = {"BACKUP_BUCKET_NAME": "", "AWS_ENDPOINT_URL_S3": "", "AWS_SECRET_ACCESS_KEY": ""}

    assert backed_up.run("verify", "--file", file.name, **offline).code == 0
    (sampled,) = backed_up.run("verify", "--file", file.name, "--sample", "10", "--json", **offline).json["results"]
    assert 0 < sampled["rows_hashed"] <= 10

    text = file.read_text()
    file.write_text(text.replace(",BUY,", ",SELL,", 1))
    edited = backed_up.run("verify", "--file", file.name, **offline)
    assert edited.code == 1
    assert "does not match its hash" in edited.err
    file.write_text(text[: len(text) - 20])
    truncated = backed_up.run("verify", "--file", file.name, **offline)
    assert truncated.code == 1
    assert "truncated" in truncated.err


def test_a_backup_from_before_the_first_partition_is_still_listed_and_verified(
    backed_up: Terminal, newest: date
) -> None:
    later = {"SIGNAL_BACKUPS_START_DATE": (newest + timedelta(days=1)).isoformat()}
    assert len(backed_up.run("list", "--json", **later).json["backups"]) == 1
    assert backed_up.run("verify", **later).code == 0


def test_the_verifier_printed_on_the_page_of_formats_agrees(backed_up: Terminal) -> None:
    (stored,) = backed_up.run("list", "--json").json["backups"]
    _download(backed_up, stored["key"], "copy.csv")
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    program = page.split("```python\n")[1].split("```")[0]

    printed = subprocess.run(
        [sys.executable, "-c", program, str(backed_up.folder / "copy.csv")], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert len(printed) == stored["records"]
    assert all(line.endswith(" ok") for line in printed)


def test_an_older_tools_backup_at_another_time_is_found_and_verified(terminal: Terminal, newest: date) -> None:
    terminal.run("backup")
    (stored,) = terminal.run("list", "--json").json["backups"]
    older_day = newest - timedelta(days=1)
    older = f"signals/{older_day:%Y/%m}/signals_backup_{older_day:%Y%m%d}_031415.csv"
    _copy(terminal, stored["key"], older)

    found = terminal.run("verify", "--date", older_day.isoformat(), "--json")

    assert found.code == 1
    (result,) = found.json["results"]
    assert (result["key"], result["has_manifest"], result["records"]) == (older, False, stored["records"])
    assert result["problems"] == [f"no manifest vouches for it; make one with: signal-backups backup {older_day}"]


def test_an_older_tools_copy_beside_a_good_backup_fails_no_day(terminal: Terminal, newest: date) -> None:
    terminal.run("backup")
    (stored,) = terminal.run("list", "--json").json["backups"]
    _copy(terminal, stored["key"], f"signals/{newest:%Y/%m}/signals_backup_{newest:%Y%m%d}_053000.csv")
    found = terminal.run("verify", "--last", "1", "--json")
    assert (found.code, [result["key"] for result in found.json["results"]]) == (0, [stored["key"]])


def _download(terminal: Terminal, key: str, name: str) -> None:
    _client(terminal).download_file(terminal.settings["BACKUP_BUCKET_NAME"], key, str(terminal.folder / name))


def _copy(terminal: Terminal, key: str, target: str) -> None:
    bucket = terminal.settings["BACKUP_BUCKET_NAME"]
    body = _client(terminal).get_object(Bucket=bucket, Key=key)["Body"].read()
    _client(terminal).put_object(Bucket=bucket, Key=target, Body=body)


def _client(terminal: Terminal):  # type: ignore[no-untyped-def]  # noqa: ANN202 - boto3 names its clients in stubs only
    from signal_backups.core.s3.client import s3_client  # noqa: PLC0415
    from signal_backups.core.s3.connection import S3Connection  # noqa: PLC0415

    settings = terminal.settings
    return s3_client(
        S3Connection(
            endpoint_url=settings["AWS_ENDPOINT_URL_S3"],
            access_key_id=settings["AWS_ACCESS_KEY_ID"],
            secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )
    )
