"""``signal-backups audit log``, ``verify`` and ``anchor``: what was done to the backups, and is that record whole?

``audit log --json``: ``events``, as they are stored. ``audit verify --json``: the fields of ``TrailReport`` (see
``core.trail.examine_trail``), and ``ok``; ``findings`` begins with the event where a change shows first.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Annotated

import typer

from signal_backups.cli.event_words import days_of, reason_of
from signal_backups.cli.options import JsonOption, from_option, given_days
from signal_backups.cli.output import moment, print_line, print_notice, print_table
from signal_backups.cli.results import CommandResult, show, show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.connect import anchor_destinations
from signal_backups.core.base.days import oldest_kept_day, utc_now
from signal_backups.core.base.errors import ExitCode, SettingsError, SignalBackupsError
from signal_backups.core.integrity.anchors.anchoring import anchor_heads
from signal_backups.core.integrity.anchors.tree_head import TreeHead
from signal_backups.core.integrity.examine_trail import (
    TrailReport,
    accept_examination,
    accept_lost_undated,
    examine_trail,
    record_examination,
)
from signal_backups.core.integrity.log.write_segments import write_rolling_segments, write_segments
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault

#: How many objects of an event a table names.
_MAX_OBJECTS = 3


class EventList(CommandResult):
    """The document of ``audit log``: events as they are stored."""

    events: list[Event]


class AcceptedFindings(CommandResult):
    """The document of ``audit accept``."""

    reason: str
    findings: list[str]


class AnchorMade(CommandResult):
    """The document of ``audit anchor``; ``copies`` are the URIs at which the anchor is stored."""

    key: str
    statement: TreeHead
    sha256: str
    authorities: list[str]
    copies: list[str]
    errors: list[str]


def log(
    first: Annotated[str | None, from_option("the first event")] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="Last day (UTC), included; default: today. Needs --from.")
    ] = None,
    action: Annotated[Action | None, typer.Option("--action", help="Only what is about this.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the events of the audit trail, newest last: who did what to which objects, with what result."""
    is_wanted = _filter(first, last, action)
    with opened_vault(settings_with_notice()) as vault:
        events = [event for event in vault.trail.events() if is_wanted(event)]
        where, layout = vault.store.uri(vault.layout.event_prefix), vault.layout
    show(EventList(ok=True, events=events), lambda found: _print_events(found, where, layout), as_json=as_json)


def verify(
    full: Annotated[bool, typer.Option("--full", help="Read every entry again, without using segments.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Examine the audit trail, the manifest log and the anchors; name the event where a change shows first.

    The change is there or before: who makes later events fit it moves the place where it shows.
    """
    settings = settings_with_notice()
    kept_from = oldest_kept_day(utc_now(), load_profile(settings.profile).retention_years)
    with opened_vault(settings) as vault:
        places = anchor_destinations(settings)
        with suppress(SignalBackupsError):  # what still waits afterwards is a warning of the report
            vault.trail.write_waiting()
        found = examine_trail(vault, full=full, second=places.second, ca_pem=places.ca_pem, kept_from=kept_from)
        record_examination(vault, found)
    show_report(found, _print, ok=found.ok, as_json=as_json)
    raise typer.Exit(ExitCode.OK if found.ok else ExitCode.FAILED)


def accept(
    reason: Annotated[str, typer.Argument(help="Why what is found now needs no more attention; it is recorded.")],
    as_json: JsonOption = False,
) -> None:
    """Accept everything that ``audit verify --full`` finds now, for ever, because somebody looked into it.

    Evidence of tampering stays in the bucket, so that its findings would never end. The same goes for undated rows that
    were kept and are lost.
    """
    if not reason.strip():
        raise SettingsError("the reason is empty", remedy="Say why: it is recorded in the audit trail")
    settings = settings_with_notice()
    kept_from = oldest_kept_day(utc_now(), load_profile(settings.profile).retention_years)
    with opened_vault(settings) as vault:
        places = anchor_destinations(settings)
        found = examine_trail(
            vault, full=True, second=places.second, ca_pem=places.ca_pem, kept_from=kept_from, most=None
        )
        if found.findings:
            accept_examination(vault, found, reason.strip())
        lost = accept_lost_undated(vault, reason.strip())
    findings = [*(str(one) for one in found.findings), *lost]
    result = AcceptedFindings(ok=True, reason=reason.strip(), findings=findings)
    show(result, _print_accepted, as_json=as_json)


def anchor(as_json: JsonOption = False) -> None:
    """Fix the newest event and manifest outside of the bucket: a second bucket, a time-stamp authority, or both."""
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        made = anchor_heads(vault, anchor_destinations(settings, load_profile(settings.profile).lock_policy))
        _write_segments(vault)
    statement = TreeHead.from_bytes(made.anchor.statement.encode())
    result = AnchorMade(
        ok=not made.errors,
        key=made.key,
        statement=statement,
        sha256=statement.sha256,
        authorities=[stamp.authority for stamp in made.anchor.timestamps],
        copies=[copy.uri for copy in (made.main, made.second) if copy and copy.error is None],
        errors=[str(error) for error in made.errors],
    )
    show(result, _print_anchor, as_json=as_json)
    raise typer.Exit(max((error.exit_code for error in made.errors), default=ExitCode.OK))


def _write_segments(vault: BackupVault) -> None:
    """Write the segments that are due; the anchor is valid without them."""
    for writing in (write_segments, write_rolling_segments):
        try:
            writing(vault)
        except SignalBackupsError as error:
            print_notice(f"Warning: {error}")


def _print_events(result: EventList, where: str, layout: Layout) -> None:
    if not result.events:
        print_line(f"No such events in {where}")
        return
    columns = ("number", "time", "action", "result", "days", "who", "objects and reasons")
    print_table(f"Events in {where}", columns, [_row(event, layout) for event in result.events])


def _print_accepted(result: AcceptedFindings) -> None:
    for words in result.findings:
        print_line(f"Accepted: {words}")
    if not result.findings:
        print_line("Nothing is wrong")
        return
    count = len(result.findings)
    print_line(f"{count:,} {'finding' if count == 1 else 'findings'} accepted: {result.reason}")


def _print_anchor(result: AnchorMade) -> None:
    for error in result.errors:
        print_notice(f"FAILED {error}")
    for authority in result.authorities:
        print_line(f"Stamped by {authority}")
    for uri in result.copies:
        print_line(f"Anchored in {uri}")
    head = result.statement
    print_line(f"Event {head.events.number:,}, manifest {head.manifests.number:,}, SHA-256 {result.sha256}")


def _filter(first: str | None, last: str | None, action: Action | None) -> Callable[[Event], bool]:
    begin, end = given_days(first, last)
    return lambda event: (begin or date.min) <= event.at.date() <= (end or date.max) and action in {None, event.action}


def _row(event: Event, layout: Layout) -> tuple[str, ...]:
    named = [item.key for item in event.objects[:_MAX_OBJECTS]]
    if len(event.objects) > _MAX_OBJECTS:
        named.append(f"and {len(event.objects) - _MAX_OBJECTS:,} more")
    if reason := reason_of(event):
        named.append(reason)
    who = f"{event.actor.user}@{event.actor.host}"
    days = days_of(event, layout)
    return f"{event.number}", moment(event.at), event.action, event.result, days, who, "\n".join(named)


def _print(found: TrailReport) -> None:
    for warning in found.warnings:
        print_notice(f"Warning: {warning}")
    if found.unchained is not None:
        print_notice(
            f"Warning: the manifests of {found.unchained.count:,} days are older than the manifest log. Add them "
            f"with: signal-backups backup --from {found.unchained.first_day} --to {found.unchained.last_day}"
        )
    if found.findings:
        first = found.findings[0]
        print_line(f"BROKEN, first at {_place(first.log, first.number, first.key)}: {first.words}")
        columns = ("log", "number", "what", "words", "object", "version")
        rows = [
            (one.log, str(one.number or "-"), one.kind, one.words, one.key, one.version_id or "-")
            for one in found.findings
        ]
        print_table(f"Findings, the first {len(rows)} of {found.finding_count:,}", columns, rows)
    print_line(_summary(found))


def _place(log_name: str, number: int | None, key: str) -> str:
    return f"{log_name} {number} ({key})" if number else key


def _summary(found: TrailReport) -> str:
    if not found.events and not found.manifests and found.ok:
        return f"The audit trail of {found.bucket} is empty; {_anchored(found)}"
    state = "unbroken" if found.ok else f"{found.finding_count:,} findings"
    state += f", accepted findings: {len(found.accepted):,}" if found.accepted else ""
    return f"{found.events:,} events, {found.manifests:,} manifests, {state}; {_anchored(found)}"


def _anchored(found: TrailReport) -> str:
    if found.anchored is None:
        return "not anchored outside of the bucket"
    newer = f", {found.events_since_anchor:,} events since" if found.events_since_anchor else ""
    return f"anchored up to event {found.anchored.event:,} at {moment(found.anchored.at)}{newer}"
