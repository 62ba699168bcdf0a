"""The report of an audit: folded rows of problems, and an HTML page with escaped text."""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime

from signal_backups.core.retention_audit.page import audit_page
from signal_backups.core.retention_audit.report import (
    Aspect,
    DayFinding,
    Problem,
    ProblemCode,
    ProblemSeverity,
    RetentionAudit,
    State,
)
from signal_backups_tests.core.retention_audit.audit_samples import days_from

FIRST = date(2026, 1, 1)
MISSING = Problem(code=ProblemCode.MISSING, severity=ProblemSeverity.ERROR, what="<gone> & lost", remedy="back 'it' up")


def audit_of(count: int, first: date = FIRST, **changes: object) -> RetentionAudit:
    """An audit of good days in STANDARD that were never drilled."""
    states = dict.fromkeys(Aspect, State.YES) | {Aspect.DRILLED: State.NO}
    days = [DayFinding(day=day, states=states, storage_class="STANDARD") for day in days_from(first, count)]
    known: dict[str, object] = {
        "at": datetime(2026, 11, 1, 4, tzinfo=UTC),
        "bucket": "bucket",
        "prefix": "signals/",
        "profile": "recommended",
        "retention_years": 7,
        "retention_first_day": date(2019, 11, 1),
        "first_signal_day": first,
        "first_day": first,
        "last_day": days[-1].day,
        "days": days,
        "requests": {"HeadObject": count, "GetObject": 1234 - count},
    }
    return RetentionAudit.model_validate(known | changes)


def warning(number: int) -> Problem:
    return Problem(
        code=ProblemCode.PROFILE_TOO_SHORT,
        severity=ProblemSeverity.WARN,
        what=f"short {number}",
        remedy="another profile",
    )


def with_problems(audit: RetentionAudit, **problems: list[Problem]) -> RetentionAudit:
    """The audit with problems of days, given as ``day_0=[...]``."""
    days = [
        finding.model_copy(update={"problems": problems.get(f"day_{number}", [])})
        for number, finding in enumerate(audit.days)
    ]
    return audit.model_copy(update={"days": days})


def test_problems_of_many_days_are_folded_and_errors_come_first() -> None:
    warned = {f"day_{number}": [warning(number)] for number in range(100)}
    audit = with_problems(audit_of(100), **warned | {"day_50": [warning(50), MISSING]})
    first, *warnings = audit.problem_rows()
    assert (first.day, first.what, first.more) == (date(2026, 2, 20), "<gone> & lost", 0)
    assert [row.problem.what for row in warnings] == [f"short {number}" for number in range(20)]
    assert warnings[-1].what == "short 19; and 80 more days like it"
    assert audit.problem_counts == {ProblemCode.PROFILE_TOO_SHORT: 100, ProblemCode.MISSING: 1}
    assert (audit.errors, audit.warnings, audit.ok) == (1, 100, False)


def test_twenty_problems_of_a_kind_are_all_shown() -> None:
    audit = with_problems(audit_of(20), **{f"day_{number}": [warning(number)] for number in range(20)})
    assert [row.more for row in audit.problem_rows()] == [0] * 20


def test_the_page_shows_the_findings_and_is_self_contained() -> None:
    page = audit_page(with_problems(audit_of(59, bucket="<b>&"), day_3=[MISSING]))
    assert page.startswith("<!DOCTYPE html>")
    assert "1 errors, 0 warnings in 59 days" in page
    assert "&lt;gone&gt; &amp; lost" in page
    assert "back &#39;it&#39; up" in page
    assert "&lt;b&gt;&amp;" in page
    assert "<gone>" not in page
    assert "<b>" not in page
    assert "2,253 days, 2019-11-01 up to 2026-01-01 (not included): before the first signal" in page
    assert "1,234 requests" in page
    # One row for each month: the aspects from present to drilled, then the number of problems.
    assert re.search(r">2026-01</td>(<td[^>]*>31 of 31</td>){7}<td[^>]*>0 of 31</td><td[^>]*>1</td>", page)
    assert re.search(r">2026-02</td>(<td[^>]*>28 of 28</td>){7}<td[^>]*>0 of 28</td><td[^>]*>0</td>", page)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_a_page_of_good_days_shows_no_problems() -> None:
    page = audit_page(audit_of(3, retention_first_day=FIRST))
    assert "<p>None.</p>" in page
    assert 'class="verdict"' in page
    assert "0 errors" in page
