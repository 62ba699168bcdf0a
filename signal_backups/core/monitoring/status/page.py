"""The status as one self-contained HTML page, for a wall display or an e-mail."""

from __future__ import annotations

from signal_backups.core.base.html import render
from signal_backups.core.monitoring.status.calendar import LEGEND, SIGNS, WEEKDAYS, WEEKS, month_names, rows_of
from signal_backups.core.monitoring.status.status import BackupStatus
from signal_backups.core.monitoring.status.text import facts, headline, remedies


def status_page(found: BackupStatus, where: str) -> str:
    """Return the page.

    Args:
        found: the status.
        where: the URI of the vault, for the title.
    """
    return render(
        "monitoring/status/page.html.j2",
        title=f"Backups in {where}",
        at=found.at,
        healthy=found.healthy,
        headline=headline(found),
        remedies=remedies(found),
        facts=facts(found),
        failures=found.failures,
        weeks=WEEKS,
        months=month_names(found.calendar),
        weekdays=list(zip(WEEKDAYS, rows_of(found.calendar), strict=True)),
        signs=SIGNS,
        legend=LEGEND,
    )
