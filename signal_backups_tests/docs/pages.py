"""Reads README and the pages under ``docs/`` as a machine would follow them: commands, exit codes, what they print.

A block of commands (``sh``) has one command per line, with its exit code in a comment (default: 0): ``# 1: what is
wrong``, or with a comment only: ``# one day``. A block below it (``text``) has lines that the commands print.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]

#: The last complete day when the examples were written.
WRITTEN_FOR = date(2026, 11, 22)

_DAY = r"\d{4}-\d\d-\d\d"
_KEY = re.compile(r"\d{4}/\d\d/(?P<kind>signals_\w+?_)(?P<day>\d{8})_")
_PROGRAMS = r"signal-backups|dagster|python3|make"
_COMMAND = re.compile(rf"(?P<command>(?:\w+=\S+ )*(?:{_PROGRAMS}) .*?)(?:\s+# (?:(?P<code>\d+)(?:[:;] .+)?|\D.*))?")
# What is printed may have other numbers, and other blanks between columns; an ellipsis stands for anything.
_VARIABLE = re.compile(rf"({_DAY}|\d[\d.,:]*|…|\s+)")


@dataclass(frozen=True)
class Instruction:
    """A command as it is written on the page, and the exit code that it ends with there."""

    text: str
    code: int

    def words(self, newest: date, placeholders: Mapping[str, str]) -> list[str]:
        """The command for an installation whose last complete day is ``newest``."""
        return [_filled(word, newest, placeholders) for word in shlex.split(self.text)]


@dataclass
class Block:
    """Commands, one after the other, and lines that they print between other lines."""

    instructions: list[Instruction]
    printed: list[str] = field(default_factory=list)

    def missing_from(self, output: str, newest: date) -> list[str]:
        """The lines that are on the page and not in what the commands printed."""
        return [line for line in self.printed if not re.search(_pattern(line, newest), output)]


@dataclass
class Section:
    """A heading of a page, its anchor, and the blocks below it up to the next heading."""

    page: Path
    anchor: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Page and anchor, as in a link: ``restore#what-a-line-may-say``."""
        return f"{self.page.stem}#{self.anchor}"


def sections_of(page: Path) -> list[Section]:
    """All sections of a page, in order.

    Raises:
        ValueError: a line of a block of commands is not a command.
    """
    sections: list[Section] = []
    fence = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("```"):
            fence = "" if fence else text.removeprefix("```") or "unnamed"
            if fence == "sh":
                sections[-1].blocks.append(Block([]))
        elif fence == "sh":
            sections[-1].blocks[-1].instructions.append(_instruction(page, text))
        elif fence == "text":
            sections[-1].blocks[-1].printed.append(line)
        elif not fence and line.startswith("#"):
            sections.append(Section(page, anchor_of(line)))
    return sections


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")


def _instruction(page: Path, line: str) -> Instruction:
    found = _COMMAND.fullmatch(line)
    if not found:
        raise ValueError(f"{page.name}: not a command that a test can run: {line}")
    return Instruction(found["command"], int(found["code"] or 0))


def _filled(word: str, newest: date, placeholders: Mapping[str, str]) -> str:
    name, sign, value = word.partition("=")
    if sign and value in placeholders:
        return f"{name}={placeholders[value]}"
    return placeholders[word] if word in placeholders else _moved(word, newest)


def _moved(text: str, newest: date) -> str:
    """The text with its days as far from ``newest`` as they are from ``WRITTEN_FOR`` on the page."""
    text = re.sub(_DAY, lambda day: str(_later(day[0], newest)), text)
    return _KEY.sub(
        lambda key: f"{_later(key['day'], newest):%Y/%m}/{key['kind']}{_later(key['day'], newest):%Y%m%d}_", text
    )


def _later(day: str, newest: date) -> date:
    return date.fromisoformat(day) + (newest - WRITTEN_FOR)


def _pattern(line: str, newest: date) -> str:
    return "".join(_piece(piece, newest) for piece in _VARIABLE.split(line.strip()))


def _piece(piece: str, newest: date) -> str:
    if re.fullmatch(_DAY, piece):
        return re.escape(_moved(piece, newest))
    if re.fullmatch(r"\d[\d.,:]*", piece):
        return r"\d[\d.,:]*"
    if piece == "…":
        return ".*"
    return r"\s+" if piece.isspace() else re.escape(piece)


@dataclass(frozen=True)
class JsonFields:
    """The fields that ``docs/json.md`` names for a command: of its document, and of the entries of its lists."""

    document: set[str]
    entries: dict[str, set[str]]


def json_fields(command: str) -> JsonFields:
    """The row of a command on ``docs/json.md``.

    Raises:
        LookupError: the page has no such row.
    """
    for line in (PROJECT / "docs" / "json.md").read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if f"`{command}`" in (cells[1] if len(cells) > 1 else ""):
            lists = re.findall(r"`(\w+)`: ((?:`\w+`(?: \([^)]*\))?(?:, )?)+)", cells[3])
            return JsonFields(set(_names(cells[2])), {name: set(_names(fields)) for name, fields in lists})
    raise LookupError(f"docs/json.md does not name the fields of {command}")


def _names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", cell))
