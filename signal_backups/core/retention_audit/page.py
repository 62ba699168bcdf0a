"""A retention audit as one self-contained HTML page, for people who run no commands."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from signal_backups.core.base.html import render
from signal_backups.core.retention_audit.heat_map import heat_map
from signal_backups.core.retention_audit.report import Aspect, DayFinding, RetentionAudit, State


def audit_page(audit: RetentionAudit) -> str:
    """The HTML page of an audit."""
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
    """Each month with its good days by aspect and its number of problems."""

    def month_of(finding: DayFinding) -> date:
        return finding.day.replace(day=1)

    for month, found in groupby(days, month_of):
        findings = list(found)
        problems = sum(len(finding.problems) for finding in findings)
        yield f"{month:%Y-%m}", [_share(findings, aspect) for aspect in Aspect], problems


def _share(findings: Sequence[DayFinding], aspect: Aspect) -> str:
    applicable = [finding.states[aspect] for finding in findings if finding.states[aspect] is not State.NOT_APPLICABLE]
    return f"{applicable.count(State.YES)} of {len(applicable)}" if applicable else "-"
