"""``signal-backups metrics`` as a process."""

from __future__ import annotations

import re
import signal
from datetime import date
from typing import IO

import requests

from signal_backups_tests.cli.terminal import TIMEOUT_S, Terminal

# A port that belongs to nobody: the discard service.
UNREACHABLE = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}


def test_a_file_for_node_exporter_is_written_and_stays_when_s3_is_out_of_reach(
    terminal: Terminal, newest: date
) -> None:
    assert terminal.run("backup", str(newest)).code == 0
    done = terminal.run("metrics", "textfile", "backups.prom", SIGNAL_BACKUPS_STORAGE_QUOTA_GB="1")
    assert (done.code, done.out) == (0, ""), done.err
    assert done.err.endswith("Wrote backups.prom\n")
    written = (terminal.folder / "backups.prom").read_text(encoding="utf-8")
    for line in (
        "signal_backups_up 1.0",
        "signal_backups_verified_backups 1.0",
        "signal_backups_missing_backups 2.0",
        "signal_backups_upload_errors_total 0.0",
        'signal_backups_backup_duration_seconds_bucket{le="+Inf"} 1.0',
        "signal_backups_storage_quota_bytes 1.073741824e+09",
    ):
        assert line in written.splitlines()
    assert re.search(r"^last_backup_timestamp 1\.\d+e\+09$", written, re.MULTILINE)

    refused = terminal.run("metrics", "textfile", "backups.prom", **UNREACHABLE)
    assert refused.code == 3
    assert "cannot look at bucket" in refused.err
    assert (terminal.folder / "backups.prom").read_text(encoding="utf-8") == written


def test_a_file_that_node_exporter_would_not_read_is_refused(terminal: Terminal) -> None:
    done = terminal.run("metrics", "textfile", "backups.txt", **UNREACHABLE)
    assert done.code == 2
    assert "backups.txt does not end with .prom" in done.err


def test_the_exporter_stays_up_while_s3_is_out_of_reach_until_it_is_told_to_end(terminal: Terminal) -> None:
    unreachable = Terminal(terminal.folder, {**terminal.settings, **UNREACHABLE})
    with unreachable.start("metrics", "serve", "--port", "0", "--refresh", "1") as process:
        assert process.stderr is not None
        address = re.search(r"Metrics on (http://127\.0\.0\.1:\d+/metrics), refreshed every 1 s", _line(process.stderr))
        assert address
        assert "cannot measure, the last values stay: cannot look at bucket" in _line(process.stderr)
        text = requests.get(address[1], timeout=10).text
        assert "signal_backups_up 0.0" in text
        assert "last_backup_timestamp" not in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0


def _line(stream: IO[str]) -> str:
    return stream.readline()
