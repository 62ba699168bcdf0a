"""The installation that the commands of pages run in: a week of verified backups, a Dagster, a receiver of alerts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.source import open_source
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, stored_days
from signal_backups_tests.cli.terminal import TIMEOUT_S, Finished, Terminal, finished
from signal_backups_tests.docs.pages import PROJECT, Section
from signal_backups_tests.orchestration.heartbeats import beat
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.tables import sample_database
from signal_backups_tests.servers.receivers import Receiver, http_receiver

STORED_DAYS = 7
_ENDLESS = ["metrics", "serve"]

#: What the pages call a version that was good.
GOOD_VERSION = "VERSION_ID"


@dataclass(frozen=True)
class Installation:
    """A database, a bucket with its days, a Dagster home, a receiver of alerts; the last complete day is ``newest``."""

    stored: StoredDays
    database: Path
    dagster_home: Path
    receiver: Receiver
    newest: date

    def day(self, before: int) -> date:
        """So many days before the newest."""
        return self.newest - timedelta(days=before)

    def back_up(self, day: date, vault: BackupVault | None = None) -> Manifest:
        """Back a day up, without Dagster."""
        source = open_source(f"sqlite:///{self.database}", "signals")
        run = extracted(source, self.stored.folder, day)
        return store_backup(vault or self.stored.vault, run.folder, BackupRun("nightly")).manifest

    def manifest(self, day: date) -> Manifest:
        """The manifest of a day."""
        backup = self.stored.vault.find(day)
        assert backup.manifest is not None
        return backup.manifest

    def terminal(self, changed: dict[str, str]) -> Terminal:
        """The terminal of the engineer."""
        own = {
            "SIGNALS_DATABASE_URL": f"sqlite:///{self.database}",
            "SIGNAL_BACKUPS_START_DATE": str(self.day(STORED_DAYS - 1)),
            "SIGNAL_BACKUPS_ALERT_URLS": self.receiver.url,
            "DAGSTER_HOME": str(self.dagster_home),
        }
        return self.stored.terminal(self.stored.folder, **own | changed)


#: Other settings, and what placeholders of the page are replaced with.
Changed = dict[str, str]
#: What has to be so before the commands of a section are run, for as long as they are.
Preparation = Callable[[Installation], AbstractContextManager[Changed]]


@contextmanager
def nothing(_installation: Installation) -> Iterator[Changed]:
    """Nothing has to be prepared."""
    yield {}


@contextmanager
def installed(folder: Path, s3_server: S3Server, newest: date) -> Iterator[Installation]:
    """An installation in which all is well, for the duration of the block."""
    sample_database(folder / "signals.db", newest - timedelta(days=STORED_DAYS - 1), newest)
    (folder / "workspace.yaml").write_bytes((PROJECT / "workspace.yaml").read_bytes())
    with stored_days(folder, s3_server) as stored, http_receiver() as receiver:
        installation = Installation(stored, folder / "signals.db", folder / "home" / "dagster", receiver, newest)
        assert installation.terminal({}).run("init").code == 0
        for before in reversed(range(STORED_DAYS)):
            installation.back_up(installation.day(before))
        yield installation


def follow(installation: Installation, section: Section, prepare: Preparation) -> None:
    """Run every command of a section; assert that each ends and prints as the page says."""
    with prepare(installation) as changed:
        beat(installation.dagster_home)
        terminal = installation.terminal(changed)
        for block in section.blocks:
            printed = ""
            for instruction in block.instructions:
                done = _run(terminal, instruction.words(installation.newest, changed))
                assert done.code == instruction.code, f"{instruction.text}\n{done.out}{done.err}"
                printed += f"{done.out}{done.err}"
            assert block.missing_from(printed, installation.newest) == [], printed


def _run(terminal: Terminal, words: list[str]) -> Finished:
    settings: dict[str, str] = {}
    while "=" in words[0]:
        name, _, settings[name] = words.pop(0).partition("=")
    program, *arguments = words
    if program == "dagster":
        return _run_python(terminal, ["-m", "dagster", *arguments])
    if program == "python3":
        return _run_python(terminal, arguments)
    assert program == "signal-backups", f"no test runs {program}; its test has to be named where the pages are tested"
    if arguments[:2] == _ENDLESS:
        return _run_until_it_serves(terminal, arguments)
    return terminal.run(*arguments, **settings)


def _run_python(terminal: Terminal, arguments: list[str]) -> Finished:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **terminal.settings}
    command = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(
        command, cwd=terminal.folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def _run_until_it_serves(terminal: Terminal, arguments: list[str]) -> Finished:
    with terminal.start(*arguments, "--port", "0") as process:
        assert process.stderr is not None
        begun = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        done = finished(process)
    return Finished(done.code, done.out, begun + done.err)
