"""``signal-backups lock extend``: longer retentions for what is stored already."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated

import typer

from signal_backups.cli.options import ConfirmOption, JsonOption, day_range
from signal_backups.cli.output import print_line, print_notice, print_table
from signal_backups.cli.protecting import FirstDay, LastDay, print_recorded
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.days import parse_day, start_of
from signal_backups.core.base.errors import ExitCode, SettingsError, UnconfirmedError
from signal_backups.core.config.settings import Settings
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.lock_extension import Extension
from signal_backups.core.retention.lock_extension import extend as extend_days
from signal_backups.core.s3.object_lock import LockMode, LockPolicy, ObjectLock

lock = typer.Typer(no_args_is_help=True, help="Extend the lock of stored versions; it never becomes shorter.")


@lock.callback()
def _group() -> None:
    """Keeps ``extend`` a command of its own, although there is no other yet."""


@lock.command()
def extend(
    first: FirstDay,
    last: LastDay,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DAY", help="The retention ends as this day begins (UTC); default: profile."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    confirm: ConfirmOption = False,
    as_json: JsonOption = False,
) -> None:
    """Lock every version of the days' backups, manifests and quarantine as the profile says, or longer; recorded."""
    days = day_range(first, last, date.min)
    end = start_of(parse_day(until)) if until else None
    settings = settings_with_notice()
    policy = _policy(settings)
    with opened_vault(settings) as vault:
        if until and not (confirm or dry_run):
            planned = extend_days(vault, policy, days, until=end, dry_run=True)
            _require_confirmation(planned, until)
        done = extend_days(vault, policy, days, until=end, dry_run=dry_run)
    ok = not done.refused
    text = partial(_print, dry_run=dry_run)
    show_report(done, text, ok=ok, as_json=as_json, dry_run=dry_run)
    raise typer.Exit(int(ExitCode.OK if ok else ExitCode.FAILED))


def _require_confirmation(planned: Extension, until: str) -> None:
    """A version that is under COMPLIANCE already stays under it, whatever the profile says."""
    if any(change.mode is LockMode.COMPLIANCE for change in planned.changes):
        raise UnconfirmedError(
            f"nothing was locked: nobody can take back a {LockMode.COMPLIANCE} lock until {until}",
            remedy="Look first with --dry-run, then say that you mean it with --confirm",
        )


def _policy(settings: Settings) -> LockPolicy:
    policy = load_profile(settings.profile).lock_policy
    if policy is None:
        raise SettingsError(
            f"retention profile {settings.profile} does not lock", remedy="Set SIGNAL_BACKUPS_PROFILE=recommended"
        )
    return policy


def _print(done: Extension, *, dry_run: bool) -> None:
    unchanged = sum(day.unchanged for day in done.days)
    if done.changes:
        print_table(
            "Would be locked" if dry_run else "Locked",
            ("day", "before", "now", "key", "version"),
            [
                (
                    change.day.isoformat(),
                    str(change.before),
                    str(ObjectLock(change.mode, change.until, change.before.legal_hold)),
                    change.key,
                    change.version_id,
                )
                for change in done.changes
            ],
        )
    for change in done.refused:
        print_notice(f"NOT {change.key} version {change.version_id}: {change.refused}")
    print_line(f"{unchanged} versions are locked long enough already")
    if dry_run:
        print_line("Nothing was changed (--dry-run)")
    elif any(change.changed for change in done.changes):
        print_recorded(done.event)
