"""Pages of HTML that need nothing else: for people who neither log in nor run commands.

What belongs here: how a page and its tables look. What does not: what a page says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 1480px; margin: 2em auto; padding: 0 1.5em }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse } td, th { padding: .3em .8em; border-bottom: 1px solid #ddd; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
td.hash { font-family: monospace; font-size: .85em; overflow-wrap: anywhere }
pre, code { background: #f2f2f2; padding: .1em .3em } pre { padding: .6em .8em; overflow-x: auto }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A page of parts, which are HTML already."""
    head = f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
    return "\n".join(["<!DOCTYPE html>", head, "<body>", f"<h1>{escape(title)}</h1>", *parts, "</body></html>", ""])


def section(title: str, *parts: str) -> str:
    """A part with a heading over it."""
    return "\n".join([f"<h2>{escape(title)}</h2>", *parts])


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts; a column whose header begins with # holds numbers, with $ hashes."""
    styles = [{"#": "number", "$": "hash"}.get(name[:1], "") for name in header]
    names = [name[1:] if style else name for name, style in zip(header, styles, strict=True)]
    lines = [_row("th", names, styles), *(_row("td", row, styles) for row in rows)]
    return "\n".join(["<table>", *lines, "</table>"])


def _row(tag: str, texts: Sequence[str], styles: Sequence[str]) -> str:
    cells = (f'<{tag} class="{style}">{escape(text)}</{tag}>' for text, style in zip(texts, styles, strict=True))
    return f"<tr>{''.join(cells)}</tr>"
