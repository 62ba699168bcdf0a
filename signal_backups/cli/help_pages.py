"""Help pages: what Typer would print of flags, of line ends in docstrings and of reST, corrected in one place."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class PlainCommand(TyperCommand):
    """A command whose flags have no type on its help page, ``--help`` included."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, flags without the type ``<bool>``."""
        return without_types(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group whose flags have no type on its help page."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, flags without the type ``<bool>``."""
        return without_types(super().get_params(ctx))


def without_types(parameters: list[Any]) -> list[Any]:
    """The parameters, after the flags among them lost their type."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


def with_plain_pages(app: typer.Typer) -> typer.Typer:
    """A Typer application whose commands all have plain help pages."""
    app.info.cls = PlainGroup
    for command in app.registered_commands:
        command.cls = PlainCommand
        command.help = in_paragraphs(command.help or (command.callback and command.callback.__doc__) or "")
    return app


def in_paragraphs(text: str) -> str:
    """A docstring's text without its line ends and its marks of code; paragraphs stay."""
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip())]
    return re.sub(r"``(.+?)``", r"\1", "\n\n".join(paragraphs))
