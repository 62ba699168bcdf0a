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
td.hash { font-family: monospace; font-size: .85em; overflow-wrap: anywhere } td.time { white-space: nowrap }
td.ERROR { color: #a94700; font-weight: bold } td.WARN { color: #6b5900; font-weight: bold }
.verdict { font-size: 1.2em; padding: .5em .8em; border-left: .5em solid #0072b2; background: #eef5fa }
.verdict.bad { border-color: #d55e00; background: #fbeee6 }
.calendar { border-collapse: separate; border-spacing: 3px }
.calendar th { border: 0; padding: 0 .4em; white-space: nowrap } .calendar .months th { padding: 0; max-width: 1.5em }
.calendar td { border: 0; padding: 0; width: 1.5em; height: 1.5em; text-align: center }
.calendar td.before, .calendar td.not_due { background: #eee; color: #595959 }
.calendar td.verified { background: #0072b2; color: #fff } .calendar td.missing { background: #b34700; color: #fff }
.calendar td.quarantined, .calendar td.unverified { background: #f0e442; color: #1a1a1a }
img { max-width: 100% }
pre, code { background: #f2f2f2; padding: .1em .3em } pre { padding: .6em .8em; overflow-x: auto }
"""
_SEVERITY = "severity"
_STYLES = {"#": "number", "$": "hash", "@": "time", "!": _SEVERITY}


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


def verdict_line(text: str, *, ok: bool) -> str:
    """The plain text that a reader should see first."""
    return f'<p class="verdict{"" if ok else " bad"}">{escape(text)}</p>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts.

    A column whose header begins with # holds numbers, with $ hashes, with @ days or instants, with ! severities.
    """
    styles = [_STYLES.get(name[:1], "") for name in header]
    names = [name[1:] if style else name for name, style in zip(header, styles, strict=True)]
    lines = [_row("th", names, styles), *(_row("td", row, styles) for row in rows)]
    return "\n".join(["<table>", *lines, "</table>"])


def _row(tag: str, texts: Sequence[str], styles: Sequence[str]) -> str:
    cells = (_cell(tag, text, style) for text, style in zip(texts, styles, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(tag: str, text: str, style: str) -> str:
    # A severity is its own style.
    return f'<{tag} class="{escape(text) if style == _SEVERITY else style}">{escape(text)}</{tag}>'
