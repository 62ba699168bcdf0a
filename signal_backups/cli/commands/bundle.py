"""``signal-backups bundle`` and ``verify-bundle``: days of backups with their proofs, for somebody else to check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signal_backups.cli.options import (
    CaOption,
    HeadOption,
    JsonOption,
    ToOption,
    day_range,
    from_option,
    read_file,
    trusted_head,
)
from signal_backups.cli.output import day_ranges, moment, print_json, print_line, print_notice
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.bundle.check import check_bundle
from signal_backups.core.bundle.content import VERIFIER
from signal_backups.core.bundle.fetch import bundle_content
from signal_backups.core.bundle.report import BundleFinding, BundleReport
from signal_backups.core.bundle.write import WrittenBundle, require_free, write_bundle


def bundle(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER|ZIP", help="Where to; a ZIP when it ends in .zip.")],
    first: Annotated[str | None, from_option("SIGNAL_BACKUPS_START_DATE")] = None,
    last: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write days of backups with all their evidence for an auditor, then check what was written."""
    settings = settings_with_notice()
    begin, end = day_range(first, last, settings.start_date)
    require_free(out)
    with opened_vault(settings) as vault:
        written = write_bundle(bundle_content(vault, begin, end, settings.scratch), out)
    findings = check_bundle(written.path).findings
    print_json(_document(written, findings)) if as_json else _print(written, findings)
    raise typer.Exit(ExitCode.FAILED if findings else ExitCode.OK)


def verify_bundle(
    path: Annotated[Path, typer.Argument(metavar="FOLDER|ZIP", help="The bundle.")],
    ca: CaOption = None,
    head: HeadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a bundle; needs neither store nor database.

    The verify.py in it checks the same without this program.
    """
    report = check_bundle(path, read_file(ca) if ca else None, trusted_head(head))
    show_report(report, _print_report, ok=report.ok, as_json=as_json)
    raise typer.Exit(ExitCode.OK if report.ok else ExitCode.FAILED)


def _document(written: WrittenBundle, findings: list[BundleFinding]) -> dict[str, Any]:
    index = written.index.model_dump(mode="json", by_alias=True, exclude_none=True)
    where = {"path": str(written.path), "files": written.files, "zip_sha256": written.zip_sha256}
    found = [finding.model_dump() for finding in findings]
    return {"ok": not found, "findings": found, **where, "statement_sha256": written.statement_sha256, **index}


def _print(written: WrittenBundle, findings: list[BundleFinding]) -> None:
    days, totals = written.index.days, written.index.totals
    for day in days:
        if day.is_lost:
            print_notice(f"MISSING {day.day}: {day.missing}")
    without = [day.day for day in days if day.manifest is None and day.unvouched is None]
    unvouched = [day.day for day in days if day.unvouched is not None]
    if without:
        print_notice(f"No backup: {day_ranges(without)}")
    if unvouched:
        print_notice(f"No manifest of the log vouches for, see unvouched/: {day_ranges(unvouched)}")
    _print_findings(findings)
    if findings:
        print_notice(f"{written.path} is there, but does not pass its check. See: signal-backups audit verify")
        return
    print_line(
        f"Wrote {written.path}: {totals.backed_up:,} of {totals.days:,} days, {totals.records:,} records, "
        f"{written.files:,} files"
    )
    if written.zip_sha256 is not None:
        print_line(f"SHA-256 of the ZIP: {written.zip_sha256}")
    print_line(f"Tree head {written.statement_sha256}: keep it, it shows later that this bundle is still the same")
    print_line(f"Check it with: python3 {VERIFIER}, or signal-backups verify-bundle {written.path}")


def _print_report(report: BundleReport) -> None:
    for note in report.notes:
        print_notice(f"Note: {note}")
    _print_findings(report.findings)
    for stamp in report.stamps:
        at = f"at {moment(stamp.at)}" if stamp.at else "at a time that --ca would check"
        print_line(f"{stamp.file}: stamped {at} by {stamp.authority}")
    for statement, file in report.statements.items():
        print_line(f"Tree head {statement} in {file}")
    about = f"{report.bucket}, {report.first} to {report.last}: " if report.first else ""
    print_line(
        f"{'OK' if report.ok else 'FAILED'}: {about}{report.days:,} days, {report.records:,} records, "
        f"{report.manifests:,} manifests, {report.events:,} events, {len(report.findings):,} findings"
    )


def _print_findings(findings: list[BundleFinding]) -> None:
    for finding in findings:
        print_notice(f"WRONG {finding.file}: {finding.what}")
