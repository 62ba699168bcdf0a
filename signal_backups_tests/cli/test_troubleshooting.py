"""``docs/troubleshooting.md`` is true: its commands run, end and print as it says, and every alert leads to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from signal_backups.embedded.seaweedfs import S3Server
from signal_backups.local.sample_signals import extend_sample_database
from signal_backups_tests.cli.conftest import TIMEOUT_S, Finished, Terminal
from signal_backups_tests.cli.instructions import Section, sections_of
from signal_backups_tests.cli.mishaps import MISHAPS, SetUp, nothing
from signal_backups_tests.cli.stored_days import finished, started, stored_days
from signal_backups_tests.orchestration.heartbeats import beat
from signal_backups_tests.servers.receivers import http_receiver

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "troubleshooting.md"
SECTIONS = sections_of(PAGE)

STORED_DAYS = 7
ENDLESS = ["metrics", "serve"]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, newest: date) -> Iterator[SetUp]:
    """A week of verified backups, a Dagster that lives, and somebody who takes alerts."""
    folder = tmp_path_factory.mktemp("night")
    extend_sample_database(folder / "signals.db", newest)
    (folder / "workspace.yaml").write_bytes((PROJECT / "workspace.yaml").read_bytes())
    with stored_days(folder, s3_server) as stored, http_receiver() as receiver:
        setup = SetUp(stored, folder / "signals.db", folder / "home" / "dagster", receiver, newest)
        assert terminal_of(setup, {}).run("init").code == 0
        for before in reversed(range(STORED_DAYS)):
            setup.back_up(setup.day(before))
        beat(setup.dagster_home)
        yield setup


def terminal_of(setup: SetUp, changed: dict[str, str]) -> Terminal:
    """The terminal of the engineer."""
    own = {
        "SIGNALS_DATABASE_URL": f"sqlite:///{setup.database}",
        "SIGNAL_BACKUPS_START_DATE": str(setup.day(STORED_DAYS - 1)),
        "SIGNAL_BACKUPS_ALERT_URLS": setup.receiver.url,
        "DAGSTER_HOME": str(setup.dagster_home),
    }
    return setup.stored.terminal(setup.stored.folder, **own | changed)


def run(terminal: Terminal, words: list[str]) -> Finished:
    """Run a command of the page; what would go on for ever is told to end once it has begun."""
    program, *arguments = words
    if program == "dagster":
        return run_dagster(terminal, arguments)
    if arguments[:2] != ENDLESS:
        return terminal.run(*arguments)
    with started(terminal, *arguments, "--port", "0") as process:
        assert process.stderr is not None
        begun = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        done = finished(process)
    return Finished(done.code, done.out, begun + done.err)


def run_dagster(terminal: Terminal, arguments: list[str]) -> Finished:
    """Run Dagster's own command line."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **terminal.settings}
    command = [sys.executable, "-W", "ignore", "-m", "dagster", *arguments]
    done = subprocess.run(
        command, cwd=terminal.folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("section", [pytest.param(each, id=each.anchor) for each in SECTIONS if each.blocks])
def test_every_command_ends_and_prints_as_the_page_says(setup: SetUp, section: Section) -> None:
    with MISHAPS.get(section.anchor, nothing)(setup) as changed:
        terminal = terminal_of(setup, changed)
        for block in section.blocks:
            printed = ""
            for instruction in block.instructions:
                done = run(terminal, instruction.words(setup.newest, changed))
                assert done.code == instruction.code, f"{instruction.text}\n{done.out}{done.err}"
                printed += f"{done.out}{done.err}"
            assert block.missing_from(printed, setup.newest) == [], printed


def test_every_mishap_has_its_section() -> None:
    assert set(MISHAPS) <= {section.anchor for section in SECTIONS if section.blocks}


def test_commands_in_the_text_stand_in_a_block_too() -> None:
    run_here = [
        instruction.text for section in SECTIONS for block in section.blocks for instruction in block.instructions
    ]
    named = re.findall(r"(?<!`)`(signal-backups [^`]+)`", PAGE.read_text(encoding="utf-8"))
    assert [command for command in named if not any(text.startswith(command) for text in run_here)] == []


def test_every_link_to_the_page_leads_to_a_heading_of_it() -> None:
    anchors = {section.anchor for section in SECTIONS}
    files = [
        *(PROJECT / "deploy").rglob("*.*"),
        *(PROJECT / "signal_backups").rglob("*.py"),
        *PROJECT.glob("*.md"),
        PAGE,
    ]
    linked = {
        anchor
        for file in files
        for anchor in re.findall(
            r"troubleshooting\.md#([\w-]+)" if file != PAGE else r"\]\(#([\w-]+)\)", file.read_text(encoding="utf-8")
        )
    }
    assert "backup-failed" in linked
    assert linked <= anchors


def test_the_page_names_every_alert_of_prometheus_with_the_section_it_links_to() -> None:
    rules = (PROJECT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+).*?troubleshooting\.md#([\w-]+)", rules, re.DOTALL)
    assert len(alerts) == rules.count("- alert: ")
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert [name for name, anchor in alerts if not any(name in row and f"(#{anchor})" in row for row in rows)] == []
