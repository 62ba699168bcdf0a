"""``signal-backups prove`` and ``verify-proof``: proving that one signal is in a backup."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from signal_backups.cli.options import CaOption, HeadOption, JsonOption, ended_day, read_file, trusted_head
from signal_backups.cli.output import (
    SHORT_SHA256,
    moment,
    print_line,
    print_notice,
    progress,
    write_file,
)
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.integrity.proof import prove as proving
from signal_backups.core.integrity.proof.verify_proof import ProofReport, Proven
from signal_backups.core.integrity.proof.verify_proof import verify_proof as verify

_LONGEST_NAME = 100


def prove(
    signal_id: Annotated[str, typer.Argument(help="Id of the signal.")],
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="DAY", help="Its day, YYYY-MM-DD; default: all, newest first."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the proof; default: proof_<id>.json.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a file with which anybody can check that a signal is in the backup of its day."""
    wanted = ended_day(day) if day else None
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        if wanted is not None:
            found = proving.SearchResult(proving.prove(vault, signal_id, wanted, settings.scratch), {})
        else:
            days = proving.backed_up_days(vault)
            with progress("Searching", len(days), as_json=as_json) as advance:
                found = proving.search(vault, signal_id, days, settings.scratch, on_day_searched=advance)
    file, body = out or _default_file(signal_id), found.proof.to_bytes()
    write_file(file, body)
    for skipped, reason in found.not_searched.items():
        print_notice(f"{skipped} was not searched: {reason}")
    unsearched = [{"day": day, "reason": reason} for day, reason in found.not_searched.items()]
    _show(verify(body), as_json=as_json, file=str(file), not_searched=unsearched)


def _default_file(signal_id: str) -> Path:
    """An id may contain anything: one that cannot be a file name is completed with its hash."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", signal_id)[:_LONGEST_NAME]
    suffix = "" if name == signal_id else f"_{sha256(signal_id.encode()).hexdigest()[:SHORT_SHA256]}"
    return Path(f"proof_{name}{suffix}.json")


def verify_proof(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proof.")],
    ca: CaOption = None,
    head: HeadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof; needs neither store nor database."""
    report = verify(read_file(file), read_file(ca) if ca else None, trusted_head(head))
    _show(report, as_json=as_json)
    raise typer.Exit(ExitCode.OK if report.ok else ExitCode.FAILED)


def _show(report: ProofReport, *, as_json: bool, **facts: Any) -> None:
    proven = report.proven
    if proven:
        facts |= {"anchored": proven.is_anchored, "rests_on": _basis(proven)}
    show_report(report, _print, ok=report.ok, as_json=as_json, **facts)


def _print(report: ProofReport) -> None:
    for finding in report.findings:
        print_notice(f"FAILED {finding.part}: {finding.what}")
    proven = report.proven
    if proven is None:
        print_line("This proves nothing: see the findings")
        return
    # Quoted as ``repr`` does, because a file from anywhere may hold line breaks and what moves a terminal's cursor.
    uri = f"s3://{proven.bucket}/{proven.key}"
    condition = "" if proven.is_anchored else ", if its tree head is genuine"
    print_line(
        f"Signal {proven.signal_id!r} is in the backup of {proven.day}: {uri!r} version {proven.version_id!r}, "
        f"manifest {proven.manifest} of {proven.manifests}{condition}"
    )
    print_line(f"Tree head {proven.statement_sha256}: {_basis(proven)}")


def _basis(proven: Proven) -> str:
    """What shows that the tree head is genuine."""
    grounds = ["the one you trust"] if proven.is_trusted_head else []
    grounds += [f"anchored at {moment(stamp.at)} by {stamp.authority!r}" for stamp in proven.timestamps if stamp.at]
    unchecked = [repr(stamp.authority) for stamp in proven.timestamps if stamp.at is None]
    if unchecked:
        grounds.append(f"says it is anchored by {', '.join(unchecked)}, which --ca would check")
    return "; ".join(grounds) or "not anchored outside: compare it with one that you trust (--head)"
