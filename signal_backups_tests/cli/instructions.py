"""Pages for the engineer on call, read as a machine would follow them: commands, exit codes, what they print.

A page has blocks of commands (``sh``), each with its exit code in a comment, and below some of them what they print
(``text``). What belongs here: reading pages. What does not: running commands.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

#: The last complete day when the examples were written.
WRITTEN_FOR = date(2026, 11, 22)

_DAY = r"\d{4}-\d\d-\d\d"
_COMMAND = re.compile(r"(?P<command>(?:signal-backups|dagster) .*?)\s+# (?P<code>\d+)(?:[:;] .+)?")
# What is printed may have other numbers, and other blanks between columns; an ellipsis stands for anything.
_VARIABLE = re.compile(rf"({_DAY}|\d[\d.,:]*|…|\s+)")


@dataclass(frozen=True)
class Instruction:
    """A command as it stands on the page, and the exit code that it ends with there."""

    text: str
    code: int

    def words(self, newest: date, placeholders: dict[str, str]) -> list[str]:
        """The command for a set-up whose last complete day is ``newest``."""
        return [placeholders.get(word, word) for word in shlex.split(_moved(self.text, newest))]


@dataclass
class Block:
    """Commands, one after the other, and lines that they print between other lines."""

    instructions: list[Instruction]
    printed: list[str] = field(default_factory=list)

    def missing_from(self, output: str, newest: date) -> list[str]:
        """The lines that stand on the page and not in what the commands printed."""
        return [line for line in self.printed if not re.search(_pattern(line, newest), output)]


@dataclass
class Section:
    """A heading, its anchor, and the blocks below it up to the next heading."""

    anchor: str
    blocks: list[Block] = field(default_factory=list)


def sections_of(page: Path) -> list[Section]:
    """All sections of a page, in order.

    Raises:
        ValueError: a line of a block of commands is not a command with its exit code.
    """
    sections: list[Section] = []
    fence = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fence = "" if fence else line.removeprefix("```")
            if fence == "sh":
                sections[-1].blocks.append(Block([]))
        elif fence == "sh":
            sections[-1].blocks[-1].instructions.append(_instruction(line))
        elif fence:
            sections[-1].blocks[-1].printed.append(line)
        elif line.startswith("#"):
            sections.append(Section(_anchor(line)))
    return sections


def _instruction(line: str) -> Instruction:
    found = _COMMAND.fullmatch(line)
    if not found:
        raise ValueError(f"not a command of ours with its exit code as a comment: {line}")
    return Instruction(found["command"], int(found["code"]))


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")


def _moved(text: str, newest: date) -> str:
    return re.sub(_DAY, lambda day: str(date.fromisoformat(day[0]) + (newest - WRITTEN_FOR)), text)


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
