"""``signal-backups audit``: prove, from what S3 shows, that what was promised is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from signal_backups.cli.commands import audit_trail
from signal_backups.cli.options import JsonOption, ProfileOption, ToOption, from_option, given_days
from signal_backups.cli.output import (
    moment,
    print_error,
    print_line,
    print_table,
    write_file,
    writing_beside,
)
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.connect import anchor_destinations
from signal_backups.core.base.days import require_complete
from signal_backups.core.base.errors import ExitCode, SignalBackupsError
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention_audit.report import Aspect, RetentionAudit, State
from signal_backups.core.retention_audit.run import audit_retention, store_report
from signal_backups.core.vault.vault import BackupVault

audit = typer.Typer(help="Audit the retention; read, examine and anchor the audit trail.", no_args_is_help=True)
audit.command()(audit_trail.log)
audit.command()(audit_trail.verify)
audit.command()(audit_trail.accept)
audit.command()(audit_trail.anchor)


@audit.command()
def retention(
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write a page for people.")] = None,
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Also write the heat map.")] = None,
    profile: ProfileOption = None,
    first: Annotated[str | None, from_option("the whole retention window")] = None,
    last: ToOption = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Keep no report in the bucket.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at every day of the retention window: there, verified, locked, in its storage class, not about to expire."""
    settings = settings_with_notice()
    begin, end = given_days(first, last)
    if end is not None:
        require_complete(end)
    wanted = load_profile(profile or settings.profile)
    start = settings.start_date if settings.start_date_is_set else None
    with opened_vault(settings) as vault:
        found = audit_retention(
            vault, wanted, start=start, first=begin, last=end, destinations=anchor_destinations(settings)
        )
        kept = _Kept() if no_report else _keep(vault, found)
    show_report(
        found,
        lambda audited: _print(audited, kept),
        ok=found.ok and kept.error is None,
        as_json=as_json,
        report=kept.uri,
        report_error=str(kept.error) if kept.error else None,
    )
    with writing_beside():
        _write_files(found, html, png)
    if kept.error is not None:
        raise typer.Exit(int(kept.error.exit_code))
    raise typer.Exit(ExitCode.OK if found.ok else ExitCode.FAILED)


@dataclass(frozen=True)
class _Kept:
    """Where the report is kept, or why it could not be."""

    uri: str | None = None
    error: SignalBackupsError | None = None


def _keep(vault: BackupVault, found: RetentionAudit) -> _Kept:
    # A bucket that takes no report must not take the findings away.
    try:
        return _Kept(uri=vault.store.uri(store_report(vault, found)))
    except SignalBackupsError as error:
        return _Kept(error=error)


def _write_files(found: RetentionAudit, html: Path | None, png: Path | None) -> None:
    # Drawing takes a second to import, and few runs draw.
    if html is not None:
        from signal_backups.core.retention_audit.page import audit_page  # noqa: PLC0415

        write_file(html, audit_page(found).encode("utf-8"))
    if png is not None:
        from signal_backups.core.retention_audit.heat_map import heat_map  # noqa: PLC0415

        write_file(png, heat_map(found))


def _print(found: RetentionAudit, kept: _Kept) -> None:
    print_line(f"Retention audit of {found.bucket}/{found.prefix}, {moment(found.at)}, profile {found.profile}")
    print_line(f"{len(found.days):,} days, {found.first_day} to {found.last_day}")
    print_table(
        "Days by question",
        ("question", *State),
        [(aspect, *(f"{found.count(aspect, state):,}" for state in State)) for aspect in Aspect],
    )
    problems = [
        (str(row.day or "-"), row.problem.severity, row.what, row.problem.remedy) for row in found.problem_rows()
    ]
    if problems:
        print_table("Problems", ("day", "severity", "what", "what to do"), problems)
    if found.explained_days:
        print_line(
            f"Explained: {found.explained_days:,} days of the {found.retention_years} years up to "
            f"{found.first_signal_day} are before the first signal"
        )
    requests = ", ".join(f"{count:,} {operation}" for operation, count in found.requests.items())
    print_line(f"{sum(found.requests.values()):,} requests in {found.seconds:.1f} s ({requests})")
    if kept.uri is not None:
        print_line(f"Recorded in {kept.uri}")
    if kept.error is not None:
        print_error(kept.error, as_json=False)
    print_line(f"{found.errors:,} errors, {found.warnings:,} warnings")
