"""The embedded S3 server as commands use and stop it."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from signal_backups.embedded.seaweedfs import SeaweedServer, using_server
from signal_backups_tests.cli.terminal import Terminal

EMBEDDED = {"SIGNALS_DATABASE_URL": "", "BACKUP_BUCKET_NAME": "", "AWS_ENDPOINT_URL_S3": ""}


def test_the_server_stays_for_the_next_command_until_it_is_stopped(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(terminal.settings["SIGNAL_BACKUPS_HOME"]) / "s3"
    assert terminal.run("init", **EMBEDDED).code == 0
    pid = (folder / "pid").read_text()
    assert terminal.run("list", **EMBEDDED).code == 4
    assert (folder / "pid").read_text() == pid

    environment = terminal.run("connect", "--show-secret", "--json", **EMBEDDED).json["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]] == ["signal-backups"]

    with using_server(folder):
        refused = terminal.run("store", "stop", **EMBEDDED)
    assert refused.code == 3
    assert "in use by another command" in refused.err
    assert SeaweedServer(folder).is_running()

    assert terminal.run("store", "stop", "--json", **EMBEDDED).json == {
        "ok": True, "stopped": True, "folder": str(folder),
    }  # fmt: skip
    assert not SeaweedServer(folder).is_running()
    again = terminal.run("store", "stop", **EMBEDDED)
    assert again.code == 0
    assert "No embedded S3 server is running" in again.out
