"""``signal-backups hold put | list | release``: legal holds over a range of days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from signal_backups.cli.options import ConfirmOption, JsonOption, ToOption, day_range, from_option
from signal_backups.cli.output import print_line, print_notice, print_table
from signal_backups.cli.protecting import FirstDay, LastDay, print_recorded
from signal_backups.cli.results import CommandResult, show, show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import ExitCode, SettingsError, UnsupportedError
from signal_backups.core.retention.holds import DayHolds, HoldChange, list_holds, put_holds, release_holds
from signal_backups.core.vault.vault import BackupVault

hold = typer.Typer(no_args_is_help=True, help="Put, list and release legal holds: what is held cannot be deleted.")


class HoldList(CommandResult, frozen=True):
    """The days that have versions on hold; without Object Lock there can be none."""

    object_lock: bool
    days: list[DayHolds]


class UnconfirmedRelease(CommandResult, frozen=True):
    """The holds that ``release`` would release with --confirm."""

    ok: bool = False
    action: str = "release"
    would_release: list[DayHolds]
    needs_confirmation: bool = True


_Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit trail: a case or a ticket.")]


@hold.command()
def put(first: FirstDay, last: LastDay, reason: _Reason, as_json: JsonOption = False) -> None:
    """Put a legal hold on every version of the days' backups, manifests and quarantine; recorded."""
    begin, end = day_range(first, last, date.min)
    why = _given(reason)
    with opened_vault(settings_with_notice()) as vault:
        change = put_holds(vault, begin, end, why)
    _show_change("put", change, as_json=as_json)


@hold.command("list")
def list_(
    first: Annotated[str | None, from_option("the oldest backup")] = None,
    last: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the days that have versions on hold."""
    begin, end = day_range(first, last, date.min)
    with opened_vault(settings_with_notice()) as vault:
        has_lock = _has_lock(vault)
        found = [day for day in list_holds(vault, begin, end) if day.held] if has_lock else []
        bucket = vault.store.bucket
    result = HoldList(ok=True, object_lock=has_lock, days=found)
    show(result, lambda holds: _print_list(holds, bucket), as_json=as_json)


def _has_lock(vault: BackupVault) -> bool:
    try:
        return vault.store.configuration.is_lock_enabled()
    except UnsupportedError:
        return False


def _print_list(result: HoldList, bucket: str) -> None:
    if result.object_lock:
        _print_holds("Legal holds", result.days)
    else:
        print_line(f"Nothing is on hold: bucket {bucket} has no Object Lock")


@hold.command()
def release(
    first: FirstDay, last: LastDay, reason: _Reason, confirm: ConfirmOption = False, as_json: JsonOption = False
) -> None:
    """Release the legal holds of a range of days; without --confirm only show them. Recorded."""
    begin, end = day_range(first, last, date.min)
    why = _given(reason)
    with opened_vault(settings_with_notice()) as vault:
        if not confirm:
            found = [day for day in list_holds(vault, begin, end) if day.held]
        else:
            change = release_holds(vault, begin, end, why)
    if not confirm:
        show(UnconfirmedRelease(would_release=found), _print_unconfirmed, as_json=as_json)
        raise typer.Exit(int(ExitCode.USAGE))
    _show_change("release", change, as_json=as_json)


def _given(reason: str) -> str:
    if not reason.strip():
        raise SettingsError("the reason is empty", remedy="Say why with --reason: it is recorded")
    return reason.strip()


def _show_change(action: str, change: HoldChange, *, as_json: bool) -> None:
    show_report(change, lambda found: _print_change(action, found), ok=True, as_json=as_json, action=action)


def _print_change(action: str, change: HoldChange) -> None:
    done, before = ("put on hold", "on hold already") if action == "put" else ("released", "not on hold")
    print_table(
        "Legal holds",
        ("day", done, before),
        [(day.day.isoformat(), str(len(day.changed)), str(day.unchanged)) for day in change.days],
    )
    if change.changed:
        print_recorded(change.event)
    else:
        print_line("Nothing changed")


def _print_unconfirmed(result: UnconfirmedRelease) -> None:
    _print_holds("Would be released", result.would_release)
    print_notice("Nothing was released. Do it with: --confirm")


def _print_holds(title: str, found: Sequence[DayHolds]) -> None:
    if not found:
        print_line("Nothing is on hold")
        return
    rows = [
        (day.day.isoformat(), f"{len(day.held)} of {day.versions}", version.key, version.version_id)
        for day in found
        for version in day.held
    ]
    print_table(title, ("day", "held", "key", "version"), rows)
