"""What a command found, as one document: its text and its ``--json`` are made of the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel
from pydantic.main import IncEx

from signal_backups.cli.output import print_json

Document = TypeVar("Document", bound=BaseModel)


class CommandResult(BaseModel, frozen=True):
    """A command's document; ``ok`` says whether the command ends with exit code 0."""

    ok: bool


def show(document: Document, print_text: Callable[[Document], None], *, as_json: bool) -> None:
    """Print a document: as JSON, or as text for people."""
    if as_json:
        print_json(document.model_dump(mode="json"))
    else:
        print_text(document)


def show_report(
    report: Document,
    print_text: Callable[[Document], None],
    /,
    *,
    ok: bool,
    as_json: bool,
    without: IncEx | None = None,
    **facts: object,
) -> None:
    """Print a report of the domain: its JSON has ``ok`` and the given facts beside the report's own fields.

    Args:
        report: the report.
        print_text: prints it for people.
        ok: whether the command ends with exit code 0.
        as_json: print JSON instead of text.
        without: fields of the report that its JSON leaves out.
        facts: fields that the JSON has in addition.
    """
    if as_json:
        print_json({**facts, **report.model_dump(mode="json", exclude=without), "ok": ok})
    else:
        print_text(report)
