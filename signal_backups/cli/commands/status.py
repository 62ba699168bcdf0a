"""``signal-backups status``: is everything backed up?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line, write_file, writing_beside
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.monitoring.status.calendar import LEGEND, SIGNS, WEEKDAYS, month_names, rows_of
from signal_backups.core.monitoring.status.page import status_page
from signal_backups.core.monitoring.status.status import BackupStatus, backup_status
from signal_backups.core.monitoring.status.text import OLDEST_UNREAD, facts, headline, remedies
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.vault.day_state import MEANINGS, DayState, Urgency

#: Room for a fact beside its name on a line of 80.
_FACT_WIDTH = 64
_COLOURS = {Urgency.FINE: "green", Urgency.CHECK: "yellow", Urgency.NOT_SAFE: "bold red"}
_DIM = {DayState.BEFORE, DayState.NOT_DUE}


def status(
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write it as one self-contained page.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Answer "are we safe?": what is backed up, missing or failed, and what runs next."""
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        start = settings.start_date if settings.start_date_is_set else None
        found = backup_status(
            vault,
            start,
            retention_years=load_profile(settings.profile).retention_years,
            read_within=settings.read_within,
        )
        where = vault.store.uri(vault.layout.prefix)
    show_report(found, lambda report: _print(report, where), ok=found.healthy, as_json=as_json)
    # Yesterday's page must not go on saying that all is well.
    if html is not None:
        with writing_beside():
            write_file(html, status_page(found, where).encode("utf-8"))
    if found.is_empty:
        raise typer.Exit(ExitCode.NOT_FOUND)
    raise typer.Exit(ExitCode.OK if found.healthy else ExitCode.FAILED)


def _print(found: BackupStatus, where: str) -> None:
    print_line(Text(headline(found), "bold green" if found.healthy else "bold red"))
    print_line(f"Backups in {where}")
    for name, fact in facts(found):
        # Bad news must fit on one screen, so what is as it should be gives way.
        if name != OLDEST_UNREAD or found.unread_days or found.urgency is not Urgency.NOT_SAFE:
            print_line(_line(name, _shortened(fact)))
    _print_calendar(found)
    for remedy in remedies(found):
        print_line(remedy)


def _print_calendar(found: BackupStatus) -> None:
    months = ""
    for week, name in enumerate(month_names(found.calendar)):
        months = months.ljust(len("# ") * week) + name
    print_line(_line("", months))
    for weekday, days in zip(WEEKDAYS, rows_of(found.calendar), strict=True):
        signs = Text(" ").join(_sign(day.state) for day in days)
        print_line(_line(weekday, signs))
    legend = (_sign(mark).append(f" {words}", "default") for mark, words in LEGEND.items())
    print_line(Text("  ").append(Text("   ").join(legend)))


def _line(name: str, what: str | Text) -> Text:
    return Text(f"  {f'{name} ':<13}").append(what)


def _sign(state: DayState) -> Text:
    return Text().append(SIGNS[state], "dim" if state in _DIM else _COLOURS[MEANINGS[state].urgency])


def _shortened(text: str) -> str:
    """What there is room for, up to a whole word; all of it is in the JSON and the page."""
    line = " ".join(text.split())
    return line if len(line) <= _FACT_WIDTH else f"{line[:_FACT_WIDTH].rpartition(' ')[0]} …"
