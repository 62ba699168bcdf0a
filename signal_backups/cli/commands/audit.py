"""``signal-backups audit``: prove, from what S3 shows, that what was promised is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signal_backups.cli.options import FromOption, JsonOption, ToOption
from signal_backups.cli.output import moment, print_json, print_line, print_notice, print_table
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.days import parse_day, require_complete
from signal_backups.core.errors import ExitCode, SettingsError
from signal_backups.core.retention.audit.auditing import audit_retention, store_report
from signal_backups.core.retention.audit.report import Aspect, RetentionAudit, State
from signal_backups.core.retention.profile import load_profile

audit = typer.Typer(help="Prove that what was promised is kept.", no_args_is_help=True)


@audit.command()
def retention(
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write a page for people.")] = None,
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Also write the heat map.")] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Retention profile; default: SIGNAL_BACKUPS_PROFILE.")
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Keep no report in the bucket.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at every day of the retention window: there, verified, locked, in its storage class, not about to expire."""
    settings = settings_with_notice()
    begin = parse_day(first) if first else None
    end = require_complete(parse_day(last)) if last else None
    if begin and end and begin > end:
        raise SettingsError(f"the range begins on {begin}, after its end {end}", remedy="Swap --from and --to")
    _require_folders(html, png)
    wanted = load_profile(profile or settings.profile)
    start = settings.start_date if settings.names_start_date else None
    with opened_vault(settings) as vault:
        found = audit_retention(vault, wanted, start=start, first=begin, last=end)
        kept = None if no_report else vault.store.uri(store_report(vault, found))
    _write_files(found, html, png)
    print_json(_document(found, kept)) if as_json else _print(found, kept)
    raise typer.Exit(ExitCode.OK if found.ok else ExitCode.FAILED)


def _require_folders(*files: Path | None) -> None:
    for file in files:
        if file is not None and not file.absolute().parent.is_dir():
            raise SettingsError(f"no folder {file.absolute().parent}", remedy="Make it, or name a file elsewhere")


def _write_files(found: RetentionAudit, html: Path | None, png: Path | None) -> None:
    # Drawing takes a second to import, and few runs draw.
    if html is not None:
        from signal_backups.core.retention.audit.page import audit_page  # noqa: PLC0415

        html.write_text(audit_page(found), encoding="utf-8")
        print_notice(f"Wrote {html}")
    if png is not None:
        from signal_backups.core.retention.audit.heat_map import heat_map  # noqa: PLC0415

        png.write_bytes(heat_map(found))
        print_notice(f"Wrote {png}")


def _document(found: RetentionAudit, kept: str | None) -> dict[str, Any]:
    return {**found.model_dump(mode="json"), "report": kept}


def _print(found: RetentionAudit, kept: str | None) -> None:
    where = f"{found.bucket}/{found.prefix}"
    print_table(
        f"Retention audit of {where}, {moment(found.at)}, profile {found.profile}: {len(found.days):,} days, "
        f"{found.first_day} to {found.last_day}",
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
    if kept is not None:
        print_line(f"Recorded in {kept}")
    print_line(f"{found.errors:,} errors, {found.warnings:,} warnings")
