"""A retention audit as one HTML page that needs nothing else: for people who neither log in nor run commands."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from html import escape
from itertools import groupby

from signal_backups.core.retention.audit.heat_map import heat_map
from signal_backups.core.retention.audit.report import Aspect, DayFinding, RetentionAudit, Severity, State

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 1480px; margin: 2em auto; padding: 0 1.5em }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse } td, th { padding: .3em .8em; border-bottom: 1px solid #ddd; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.verdict { font-size: 1.2em; padding: .5em .8em; border-left: .5em solid #0072b2; background: #eef5fa }
.verdict.bad { border-color: #d55e00; background: #fbeee6 }
.ERROR { color: #a94700; font-weight: bold } .WARN { color: #6b5900; font-weight: bold }
img { max-width: 100% } code { background: #f2f2f2; padding: .1em .3em }
"""

_HOW = (
    "Every day of the window was looked at in S3: listings of all versions and delete markers of backups and "
    "manifests, a HEAD of each backup (size, SHA-256, lock, storage class, expiration), a GET of each manifest and of "
    "each drill's report. The bytes of the backups were not read again: that is what drills and "
    "signal-backups verify are for."
)


def audit_page(audit: RetentionAudit) -> str:
    """The page: verdict, aspects, problems with remedies, heat map, months, how it was measured."""
    title = escape(f"Retention audit of {audit.bucket}/{audit.prefix}, {audit.at:%Y-%m-%d}")
    picture = base64.b64encode(heat_map(audit)).decode("ascii")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{title}</h1>",
            _verdict(audit),
            _facts(audit),
            "<h2>Days by question</h2>",
            _aspects(audit),
            "<h2>Problems</h2>",
            _problems(audit),
            "<h2>Every day</h2>",
            f'<img alt="Heat map: a cell a day" src="data:image/png;base64,{picture}">',
            "<h2>Months</h2>",
            _months(audit.days),
            "<h2>How it was measured</h2>",
            f"<p>{escape(_HOW)}</p>",
            _requests(audit),
            "</body></html>",
            "",
        ]
    )


def _verdict(audit: RetentionAudit) -> str:
    words = f"{audit.errors:,} errors, {audit.warnings:,} warnings in {len(audit.days):,} days"
    return f'<p class="verdict{"" if audit.ok else " bad"}">{escape(words)}</p>'


def _facts(audit: RetentionAudit) -> str:
    explained = (
        f"{audit.explained_days:,} days, {audit.retention_first_day} up to {audit.first_signal_day} (not included): "
        "before the first signal"
        if audit.explained_days
        else "none"
    )
    return _table(
        ["", ""],
        [
            ("Made", _instant(audit.at)),
            ("Days looked at", f"{audit.first_day} to {audit.last_day}"),
            ("Profile", f"{audit.profile}, {audit.retention_years} calendar years"),
            ("Retention window begins", str(audit.retention_first_day)),
            ("Explained gap", explained),
        ],
    )


def _aspects(audit: RetentionAudit) -> str:
    rows = [(aspect, *(f"{audit.count(aspect, state):,}" for state in State)) for aspect in Aspect]
    return _table(["question", *(f"#{state}" for state in State)], rows)


def _problems(audit: RetentionAudit) -> str:
    rows = [
        (str(row.day or "-"), row.problem.severity, row.problem.code, row.what, row.problem.remedy)
        for row in audit.problem_rows()
    ]
    return _table(["day", "severity", "code", "what", "what to do"], rows) if rows else "<p>None.</p>"


def _months(days: Sequence[DayFinding]) -> str:
    def month_of(finding: DayFinding) -> date:
        return finding.day.replace(day=1)

    rows = []
    for month, found in groupby(days, month_of):
        findings = list(found)
        problems = sum(len(finding.problems) for finding in findings)
        rows.append((f"{month:%Y-%m}", *(_share(findings, aspect) for aspect in Aspect), f"{problems:,}"))
    return _table(["month", *(f"#{aspect}" for aspect in Aspect), "#problems"], rows)


def _share(findings: Sequence[DayFinding], aspect: Aspect) -> str:
    asked = [finding.states[aspect] for finding in findings if finding.states[aspect] is not State.NOT_APPLICABLE]
    return f"{asked.count(State.YES)} of {len(asked)}" if asked else "-"


def _requests(audit: RetentionAudit) -> str:
    rows = [(operation, f"{count:,}") for operation, count in audit.requests.items()]
    total = f"{sum(audit.requests.values()):,} requests in {audit.seconds:.1f} s, {audit.drill_reports:,} drill reports"
    return _table(["S3 operation", "#requests"], rows) + f"<p>{escape(total)}</p>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column whose header begins with # holds numbers. All texts are escaped."""
    numbers = [name.startswith("#") for name in header]
    head = [
        _cell("th", name.removeprefix("#"), is_number=is_number)
        for name, is_number in zip(header, numbers, strict=True)
    ]
    body = [
        [_cell("td", text, is_number=is_number) for text, is_number in zip(row, numbers, strict=True)] for row in rows
    ]
    return "\n".join(["<table>", *(f"<tr>{''.join(cells)}</tr>" for cells in (head, *body)), "</table>"])


def _cell(tag: str, text: str, *, is_number: bool) -> str:
    style = "number" if is_number else text if text in set(Severity) else ""
    return f'<{tag} class="{style}">{escape(text)}</{tag}>'


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"
