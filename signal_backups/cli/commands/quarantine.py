"""``signal-backups quarantine``: the rows that are kept out of the backups of days."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption, ToOption, day_range, ended_day, from_option
from signal_backups.cli.output import print_line, print_table
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.cli.undated import searched_undated
from signal_backups.core.base.errors import ExitCode, SettingsError
from signal_backups.core.restore.quarantined import QuarantineObject, quarantined_days, quarantined_undated

#: How many rows of an object a terminal shows.
_SHOWN_ROWS = 20


class QuarantineList(CommandResult):
    """The document of ``quarantine``; ``ok`` unless an object is lost."""

    days: list[QuarantineObject]
    undated: QuarantineObject | None


def quarantine(
    day: Annotated[str | None, typer.Argument(metavar="[DATE]", help="Day, YYYY-MM-DD; default: every day.")] = None,
    first: Annotated[str | None, from_option("the oldest backup")] = None,
    last: ToOption = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Search the database for undated rows first, and keep what is found.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the rows that are kept out of the backups of days, with the reasons and where they are stored.

    Rows that belong to no day are listed too, unless days are named.
    """
    begin, end = _chosen_days(day, first, last)
    settings = settings_with_notice()
    with opened_vault(settings) as vault, TemporaryDirectory() as folder:
        if refresh:
            searched_undated(vault, settings)
        days = list(quarantined_days(vault, begin, end, Path(folder)))
        undated = None if day or first or last else quarantined_undated(vault, Path(folder))
        where = vault.store.uri("")
    ok = not any(found.is_lost for found in (*days, *([undated] if undated else [])))
    show(QuarantineList(ok=ok, days=days, undated=undated), lambda result: _print(result, where), as_json=as_json)
    raise typer.Exit(ExitCode.OK if ok else ExitCode.FAILED)


def _chosen_days(day: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    if day and (first or last):
        raise SettingsError("both a day and a range were given", remedy="Give one of them")
    if day:
        return ended_day(day), ended_day(day)
    return day_range(first, last, date.min) if first or last else (date.min, date.max)


def _print(result: QuarantineList, where: str) -> None:
    for found in result.days:
        _print_object(f"{found.day}, {_rows(found.count)} in quarantine", found, where)
    if result.undated is not None:
        title = f"Undated, {_rows(result.undated.count)}, {result.undated.in_database:,} of them still in the database"
        _print_object(title, result.undated, where)
    if not result.days and result.undated is None:
        print_line("No row is in quarantine")


def _print_object(title: str, found: QuarantineObject, where: str) -> None:
    shown = found.rows[:_SHOWN_ROWS]
    print_table(
        title,
        ("id", "timestamp", "reason"),
        [(row.signal_id or "-", row.timestamp or "-", row.reason) for row in shown],
    )
    if found.is_lost:
        print_line("LOST: the object is gone from S3, or was altered:")
    elif found.count > len(shown):
        print_line(f"and {_rows(found.count - len(shown))} more in:")
    print_line(f"{where}{found.key} version {found.version_id}")


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
