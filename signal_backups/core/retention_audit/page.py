"""A retention audit as one HTML page that needs nothing else: for people who neither log in nor run commands."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby

from signal_backups.core.base.html import page, paragraph, section, table, verdict_line
from signal_backups.core.retention_audit.heat_map import heat_map
from signal_backups.core.retention_audit.report import Aspect, DayFinding, RetentionAudit, State

_HOW = (
    "Every day of the window was looked at in S3: listings of all versions and delete markers of backups and "
    "manifests, a HEAD of each backup (size, SHA-256, lock, storage class, expiration), a GET of each manifest and of "
    "each drill's report. The bytes of the backups were not read again: that is what drills and "
    "signal-backups verify are for."
)


def audit_page(audit: RetentionAudit) -> str:
    """The page: verdict, aspects, problems with remedies, heat map, months, how it was measured."""
    picture = base64.b64encode(heat_map(audit)).decode("ascii")
    return page(
        f"Retention audit of {audit.bucket}/{audit.prefix}, {audit.at:%Y-%m-%d}",
        [
            _verdict(audit),
            _facts(audit),
            section("Days by question", _aspects(audit)),
            section("Problems", _problems(audit)),
            section("Every day", f'<img alt="Heat map: a cell a day" src="data:image/png;base64,{picture}">'),
            section("Months", _months(audit.days)),
            section("How it was measured", paragraph(_HOW), _requests(audit)),
        ],
    )


def _verdict(audit: RetentionAudit) -> str:
    words = f"{audit.errors:,} errors, {audit.warnings:,} warnings in {len(audit.days):,} days"
    return verdict_line(words, ok=audit.ok)


def _facts(audit: RetentionAudit) -> str:
    explained = (
        f"{audit.explained_days:,} days, {audit.retention_first_day} up to {audit.first_signal_day} (not included): "
        "before the first signal"
        if audit.explained_days
        else "none"
    )
    return table(
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
    return table(["question", *(f"#{state}" for state in State)], rows)


def _problems(audit: RetentionAudit) -> str:
    rows = [
        (str(row.day or "-"), row.problem.severity, row.problem.code, row.what, row.problem.remedy)
        for row in audit.problem_rows()
    ]
    return table(["@day", "!severity", "code", "what", "what to do"], rows) if rows else paragraph("None.")


def _months(days: Sequence[DayFinding]) -> str:
    def month_of(finding: DayFinding) -> date:
        return finding.day.replace(day=1)

    rows = []
    for month, found in groupby(days, month_of):
        findings = list(found)
        problems = sum(len(finding.problems) for finding in findings)
        rows.append((f"{month:%Y-%m}", *(_share(findings, aspect) for aspect in Aspect), f"{problems:,}"))
    return table(["@month", *(f"#{aspect}" for aspect in Aspect), "#problems"], rows)


def _share(findings: Sequence[DayFinding], aspect: Aspect) -> str:
    asked = [finding.states[aspect] for finding in findings if finding.states[aspect] is not State.NOT_APPLICABLE]
    return f"{asked.count(State.YES)} of {len(asked)}" if asked else "-"


def _requests(audit: RetentionAudit) -> str:
    rows = [(operation, f"{count:,}") for operation, count in audit.requests.items()]
    total = f"{sum(audit.requests.values()):,} requests in {audit.seconds:.1f} s, {audit.drill_reports:,} drill reports"
    return table(["S3 operation", "#requests"], rows) + paragraph(total)


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"
