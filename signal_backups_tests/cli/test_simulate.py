"""``signal-backups simulate`` as a process."""

from __future__ import annotations

from datetime import date, timedelta

from signal_backups_tests.cli.terminal import Terminal


def test_the_documented_profile_shows_its_findings_and_exits_with_1(terminal: Terminal) -> None:
    done = terminal.run("simulate", "--profile", "documented", "--size", "1048576")
    assert done.code == 1
    for fact in (
        "destroys the only good copy 90 days later",
        "85.7% of restore points",
        "2555 days end one or two days short of seven calendar years",
        "26 h early for 75%, 2 h early for 25%",
        "Files under 128 KB never move",
        "5 findings to fix in profile documented",
    ):
        assert fact in done.out
    tables = [line for line in done.out.splitlines() if line.startswith(("│", "┃", "┏"))]
    assert max(map(len, tables)) <= 80


def test_recommended_has_none_and_ends_with_0(terminal: Terminal) -> None:
    done = terminal.run("simulate", "--profile", "recommended", "--size", "1048576")
    assert done.code == 0
    assert "No findings to fix in profile recommended" in done.out
    assert "NOTE   Kept beyond the retention" in done.out


def test_a_profile_and_a_size_need_no_store(terminal: Terminal) -> None:
    done = terminal.run(
        "simulate", "--profile", "recommended", "--size", "1", "--json", AWS_ENDPOINT_URL_S3="http://127.0.0.1:9"
    )
    assert (done.code, done.json["ok"], done.json["holes"], done.json["played"]["record_bytes"]) == (0, True, 0, 1)


def test_without_a_profile_the_bucket_as_it_is_is_played(terminal: Terminal, newest: date) -> None:
    bare = terminal.run("simulate", "--years", "1", "--json")
    assert bare.code == 0
    names = [finding["name"] for finding in bare.json["findings"]]
    assert names == ["unlocked", "kept_for_ever"]
    assert bare.json["subject"] == f"bucket {terminal.settings['BACKUP_BUCKET_NAME']} as it is"
    assert "fates" not in bare.json["played"]
    assert bare.json["first_day"] == str(newest + timedelta(days=1))


def test_the_size_is_that_of_the_real_backups(terminal: Terminal, newest: date) -> None:
    assert terminal.run("simulate", "--years", "1", "--json").json["played"]["record_bytes"] == 1024**2
    assert terminal.run("backup", str(newest)).code == 0
    listed = terminal.run("list", "--json").json["backups"]
    found = terminal.run("simulate", "--profile", "documented", "--years", "1", "--records", "--json").json
    assert found["played"]["record_bytes"] == listed[0]["bytes"]
    assert found["played"]["records"] == len(found["played"]["fates"])
    assert found["played"]["fates"][0]["fates"]["deleted"]["fate"] == "destroyed"


def test_an_unknown_profile_is_a_usage_error(terminal: Terminal) -> None:
    done = terminal.run("simulate", "--profile", "nonsense")
    assert done.code == 2
    assert "no retention profile 'nonsense'" in done.err
