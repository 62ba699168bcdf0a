"""README and the pages under ``docs/`` are true: commands, links, and the columns of the table."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from signal_backups.core.signals.fields import FIELDS
from signal_backups_tests.docs.installation import Installation, follow, nothing
from signal_backups_tests.docs.pages import PAGES, PROJECT, Instruction, Section, anchor_of, json_fields, sections_of
from signal_backups_tests.docs.preparations import PREPARATIONS

SECTIONS = [section for page in PAGES for section in sections_of(page)]
COMMANDS = [each.text for section in SECTIONS for block in section.blocks for each in block.instructions]

#: Of the glossary's words not to use, those that mean nothing else on any page.
_REPLACED = (
    r"\b(?:chains? of manifests|both chains|fates?|lone markers?|losers?|mend(?:s|ed)?|mishaps?|numbered logs?"
    r"|patients?|previous versions?|told|verdicts?)\b"
)

#: Commands whose test is elsewhere, with the file of that test.
ELSEWHERE = {"make demo": "signal_backups_tests/local/test_demo_and_dev.py"}


def _is_run_here(section: Section) -> bool:
    commands = [each.text for block in section.blocks for each in block.instructions]
    # The troubleshooting page has tests of its own, in an installation that incidents happen to.
    return section.page.stem != "troubleshooting" and not set(commands) <= set(ELSEWHERE)


@pytest.mark.parametrize("section", [pytest.param(each, id=each.name) for each in SECTIONS if _is_run_here(each)])
def test_every_command_ends_and_prints_as_the_page_says(installation: Installation, section: Section) -> None:
    follow(installation, section, PREPARATIONS.get(section.name, nothing))


@pytest.mark.parametrize(
    "arguments",
    [
        "alert test",
        "audit log",
        "audit retention --no-report",
        "audit verify",
        "doctor",
        "init --dry-run",
        "lifecycle diff",
        "lifecycle show",
        "list",
        "reconcile --from 2026-11-22",
        "status",
        "verify",
        "versions 2026-11-22",
    ],
)
def test_the_json_of_a_command_has_the_fields_that_the_page_names(installation: Installation, arguments: str) -> None:
    words = Instruction(arguments, 0).words(installation.newest, {})
    document = installation.terminal({}).run(*words, "--json").json
    fields = json_fields(" ".join(itertools.takewhile(str.isalpha, words)))
    assert set(document) == fields.document | {"ok"}
    # Whatever the lists of this document are empty of, other commands' tests look at.
    assert {name: set(document[name][0]) for name in fields.entries if document[name]} == {
        name: names for name, names in fields.entries.items() if document[name]
    }


def test_every_preparation_has_its_section() -> None:
    assert set(PREPARATIONS) <= {section.name for section in SECTIONS if _is_run_here(section)}


@pytest.mark.parametrize(("command", "file"), ELSEWHERE.items())
def test_a_command_that_is_run_elsewhere_is_named_there(command: str, file: str) -> None:
    assert command in COMMANDS
    assert f"``{command}``" in (PROJECT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_written_where_a_test_runs_them(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    not_run = re.sub(r"^ *```(?:sh|text)\n.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"^\s*(?:\$ )?(?:\w+=\S+ )*signal-backups .*", not_run, re.MULTILINE) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_in_the_text_are_in_a_block_of_some_page_too(page: Path) -> None:
    text = " ".join(page.read_text(encoding="utf-8").split())
    named = re.findall(r"(?<!`)`(signal-backups [^`]+)`", text)
    assert [command for command in named if not any(text.startswith(command) for text in COMMANDS)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    anchors = {each: {anchor_of(line) for line in _headings(each)} for each in PAGES}
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors[file], f"{target}#{anchor}"


def test_the_columns_of_the_table_are_those_of_a_signal() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (yes|no) \| (.+) \|$", (PROJECT / "docs" / "formats.md").read_text(), re.MULTILINE
    )
    assert rows == [(each.name, "yes" if each.required else "no", each.description) for each in FIELDS]


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != "glossary"], ids=lambda page: page.stem)
def test_no_page_uses_a_word_that_the_glossary_replaces(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)
    assert re.findall(_REPLACED, prose, re.IGNORECASE) == []


def test_the_classes_that_the_glossary_names_are_there() -> None:
    text = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
    # A name before an arrow is one not to use; the marker is S3's own.
    named = set(re.findall(r"`([A-Z][a-z]\w+)`(?! →)", text)) - {"ExpiredObjectDeleteMarker"}
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (PROJECT / "signal_backups").rglob("*.py"))
    assert "TreeHead" in named
    assert named - set(re.findall(r"^(?:class )?(\w+)(?:\(|:| = )", sources, re.MULTILINE)) == set()


def _headings(page: Path) -> list[str]:
    return [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
