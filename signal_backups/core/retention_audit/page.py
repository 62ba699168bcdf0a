"""A retention audit as one HTML page that needs nothing else: for people who neither log in nor run commands."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from signal_backups.core.base.html import render
from signal_backups.core.retention_audit.heat_map import heat_map
from signal_backups.core.retention_audit.report import Aspect, DayFinding, RetentionAudit, State


def audit_page(audit: RetentionAudit) -> str:
    """The page: verdict, aspects, problems with remedies, heat map, months, how it was measured."""
    return render(
        "retention_audit/page.html.j2",
        title=f"Retention audit of {audit.bucket}/{audit.prefix}, {audit.at:%Y-%m-%d}",
        audit=audit,
        aspects=list(Aspect),
        states=list(State),
        problems=list(audit.problem_rows()),
        picture=base64.b64encode(heat_map(audit)).decode("ascii"),
        months=_months(audit.days),
    )


def _months(days: Sequence[DayFinding]) -> Iterator[tuple[str, list[str], int]]:
    """Each month, its share of good days by aspect, and how many problems it has."""

    def month_of(finding: DayFinding) -> date:
        return finding.day.replace(day=1)

    for month, found in groupby(days, month_of):
        findings = list(found)
        problems = sum(len(finding.problems) for finding in findings)
        yield f"{month:%Y-%m}", [_share(findings, aspect) for aspect in Aspect], problems


def _share(findings: Sequence[DayFinding], aspect: Aspect) -> str:
    asked = [finding.states[aspect] for finding in findings if finding.states[aspect] is not State.NOT_APPLICABLE]
    return f"{asked.count(State.YES)} of {len(asked)}" if asked else "-"
