"""``signal-backups status``: is everything backed up, in one look."""

from __future__ import annotations

from datetime import timedelta

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import age, day_ranges, moment, print_json, print_line, size
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.errors import ExitCode, NotFoundError
from signal_backups.core.status import BackupStatus, backup_status


def status(as_json: JsonOption = False) -> None:
    """Show the last backup's age, missing days, unverified days and quarantined rows."""
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        found = backup_status(vault, settings.start_date if settings.names_start_date else None)
        where = vault.store.uri(vault.layout.prefix)
    if not found.days_backed_up:
        raise NotFoundError(f"no backups in {where}", remedy="Make one with: signal-backups backup")
    if as_json:
        print_json({"ok": found.healthy, **found.model_dump(mode="json")})
    else:
        _print(found, where)
    raise typer.Exit(ExitCode.OK if found.healthy else ExitCode.FAILED)


def _print(found: BackupStatus, where: str) -> None:
    print_line(f"Backups in {where}, {found.first_day} to {found.last_day}")
    print_line(f"  stored       {found.days_backed_up} days, {found.records} records, {size(found.bytes)}")
    if found.last_backup_at and found.last_backup_age_seconds is not None:
        made = f"made {moment(found.last_backup_at)}, {age(found.last_backup_age_seconds)} ago"
        print_line(f"  last backup  {found.last_backup_day}, {made}")
    print_line(f"  missing      {_days(found.missing_days) or 'none'}")
    print_line(f"  unverified   {_days(found.unverified_days) or 'none'}")
    quarantined = ", ".join(f"{day}: {rows}" for day, rows in found.quarantined_rows.items())
    print_line(f"  quarantined  {quarantined or 'none'}")
    if found.missing_days:
        print_line(f"Back the missing days up with: {_repair(found)}")


def _days(days: list) -> str:  # type: ignore[type-arg]
    return f"{len(days)}: {day_ranges(days)}" if days else ""


def _repair(found: BackupStatus) -> str:
    first, last = found.missing_days[0], found.missing_days[-1]
    if last - first > timedelta(0):
        return f"signal-backups backup --from {first} --to {last}"
    return f"signal-backups backup {first}"
