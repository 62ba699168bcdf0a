"""HTML pages made of Jinja2 templates: each is one file that needs nothing else, with all values escaped."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

#: Names of templates are paths from here: each template is in its room, beside the module that fills it.
_CORE = Path(__file__).parents[1]


def render(template: str, **values: Any) -> str:
    """Fill a template.

    Args:
        template: its path from ``core/``; it extends ``base/page.html.j2``, which needs a ``title``.
        values: what it shows, by name; a name that is missing is an error.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only where a page is made

    environment = Environment(
        loader=FileSystemLoader(_CORE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"moment": _moment, "number": _number}
    return environment


def _moment(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"


def _number(number: int) -> str:
    return f"{number:,}"
