"""``docs/troubleshooting.md`` is true: its commands end and print as it says, and every alert leads to it."""

from __future__ import annotations

import re

import pytest

from signal_backups.core.vault.day_state import MEANINGS, DayState, Urgency
from signal_backups_tests.docs.incidents import INCIDENTS
from signal_backups_tests.docs.installation import Installation, follow, nothing
from signal_backups_tests.docs.pages import PROJECT, Section, sections_of

PAGE = PROJECT / "docs" / "troubleshooting.md"
SECTIONS = sections_of(PAGE)


@pytest.mark.parametrize("section", [pytest.param(each, id=each.anchor) for each in SECTIONS if each.blocks])
def test_every_command_ends_and_prints_as_the_page_says(installation: Installation, section: Section) -> None:
    follow(installation, section, INCIDENTS.get(section.anchor, nothing))


def test_every_incident_has_its_section() -> None:
    assert set(INCIDENTS) <= {section.anchor for section in SECTIONS if section.blocks}


def test_every_link_to_the_page_leads_to_a_heading_of_it() -> None:
    anchors = {section.anchor for section in SECTIONS}
    files = [*(PROJECT / "deploy").rglob("*.*"), *(PROJECT / "signal_backups").rglob("*.py")]
    linked = {
        anchor
        for file in files
        for anchor in re.findall(r"troubleshooting\.md#([\w-]+)", file.read_text(encoding="utf-8"))
    }
    assert "backup-failed" in linked
    assert linked <= anchors


def test_every_state_that_is_not_fine_has_its_section() -> None:
    anchors = {section.anchor for section in SECTIONS}
    concerning = {state for state, found in MEANINGS.items() if found.urgency is not Urgency.FINE}
    assert {state for state in concerning if MEANINGS[state].section not in anchors} == set()
    assert set(MEANINGS) == set(DayState)


def test_the_page_names_every_alert_of_prometheus_with_the_section_it_links_to() -> None:
    rules = (PROJECT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+).*?troubleshooting\.md#([\w-]+)", rules, re.DOTALL)
    assert len(alerts) == rules.count("- alert: ")
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert [name for name, anchor in alerts if not any(name in row and f"(#{anchor})" in row for row in rows)] == []
