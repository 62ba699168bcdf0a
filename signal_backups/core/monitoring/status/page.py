"""A status as one HTML page that needs nothing else: for a screen on the wall, or an e-mail."""

from __future__ import annotations

from signal_backups.core.base.html import render
from signal_backups.core.monitoring.status.calendar import LEGEND, SIGNS, WEEKDAYS, WEEKS, month_names, rows_of
from signal_backups.core.monitoring.status.status import BackupStatus
from signal_backups.core.monitoring.status.words import facts, remedies, verdict


def status_page(found: BackupStatus, where: str) -> str:
    """The page.

    Args:
        found: the status.
        where: what it is the status of, for the title.
    """
    return render(
        "monitoring/status/page.html.j2",
        title=f"Backups in {where}",
        at=found.at,
        healthy=found.healthy,
        verdict=verdict(found),
        remedies=remedies(found),
        facts=facts(found),
        failures=found.failures,
        weeks=WEEKS,
        months=month_names(found.calendar),
        weekdays=list(zip(WEEKDAYS, rows_of(found.calendar), strict=True)),
        signs=SIGNS,
        legend=LEGEND,
    )
