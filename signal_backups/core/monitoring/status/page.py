"""A status as one HTML page that needs nothing else: for a screen on the wall, or an e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signal_backups.core.base.html import page, paragraph, section, table, verdict_line
from signal_backups.core.monitoring.status.calendar import (
    LEGEND,
    SIGNS,
    WEEKDAYS,
    WEEKS,
    CalendarDay,
    DayMark,
    month_names,
    rows_of,
)
from signal_backups.core.monitoring.status.status import BackupStatus, Failure
from signal_backups.core.monitoring.status.words import facts, moment, remedies, verdict


def status_page(found: BackupStatus, where: str) -> str:
    """The page.

    Args:
        found: the status.
        where: what it is the status of, for the title.
    """
    return page(
        f"Backups in {where}",
        [
            verdict_line(verdict(found), ok=found.healthy),
            *(paragraph(remedy) for remedy in remedies(found)),
            section(f"The last {WEEKS} weeks", _calendar(found.calendar), _legend()),
            section("In detail", table(["", ""], facts(found))),
            section("What failed lately", _failures(found.failures)),
            paragraph(f"Looked at {moment(found.at)}."),
        ],
    )


def _calendar(calendar: Sequence[CalendarDay]) -> str:
    months = "".join(f"<th>{escape(name)}</th>" for name in month_names(calendar))
    rows = (
        f"<tr><th>{escape(weekday)}</th>{''.join(_cell(day.state, f'{day.day}: {day.state}') for day in days)}</tr>"
        for weekday, days in zip(WEEKDAYS, rows_of(calendar), strict=True)
    )
    return "\n".join(['<table class="calendar">', f'<tr class="months"><th></th>{months}</tr>', *rows, "</table>"])


def _cell(mark: DayMark, title: str) -> str:
    return f'<td class="{escape(mark)}" title="{escape(title)}">{escape(SIGNS[mark])}</td>'


def _legend() -> str:
    cells = (f"{_cell(mark, words)}<th>{escape(words)}</th>" for mark, words in LEGEND.items())
    return f'<table class="calendar"><tr>{"".join(cells)}</tr></table>'


def _failures(failures: Sequence[Failure]) -> str:
    rows = [(moment(failure.at), failure.action, failure.day, failure.reason) for failure in failures]
    return table(["@at (UTC)", "what", "@day", "why"], rows) if rows else paragraph("Nothing.")
