"""Check a bundle, also as a ZIP: what the stand-alone verifier checks, and the signatures of time stamps."""

from __future__ import annotations

from pathlib import Path

from signal_backups.core.base.errors import NotFoundError, SignalBackupsError
from signal_backups.core.bundle.content import INDEX, VERIFIER
from signal_backups.core.bundle.report import BundleFinding, BundleReport, StampFound
from signal_backups.core.bundle.standalone_verifier import BundleCheck, TimeStamp, check_folder
from signal_backups.core.bundle.unpack import unpacked
from signal_backups.core.bundle.write import STANDALONE_VERIFIER
from signal_backups.core.integrity.anchors.timestamp_authority import verify_timestamp


def check_bundle(path: Path, ca_pem: bytes | None = None, head: str | None = None) -> BundleReport:
    """Check a bundle with the verifier of this version; nothing that is in the bundle is run.

    Args:
        path: its folder or ZIP.
        ca_pem: certificates (PEM) that its time stamps have to lead to; without them no signature is checked. The
            newest stamped tree head has to cover the manifest of every day.
        head: SHA-256 (hex) of the bytes of a tree head that has to be in it, and to cover the manifest of every day.

    Raises:
        NotFoundError: there is nothing at the path.
    """
    if not path.exists():
        raise NotFoundError(f"no bundle at {path}", remedy="Check the path")
    with unpacked(path) as (folder, problems):
        check = check_folder(folder, head)
        verifier = folder / VERIFIER
        is_ours = VERIFIER not in check.names or verifier.read_bytes() == STANDALONE_VERIFIER.read_bytes()
    check.findings[:0] = problems
    if not is_ours:
        check.notes.append(f"{VERIFIER} is not that of this version: of another, or not ours at all")
    stamps = [found for stamp in check.stamps if (found := _found(check, stamp, ca_pem)) is not None]
    if ca_pem is not None and not stamps:
        check.wrong(INDEX, "there is no time stamp to check")
    elif ca_pem is not None:
        verified = {found.file for found in stamps}
        covered = max(stamp.manifest for stamp in check.stamps if stamp.file in verified)
        check.require_covered("the last time stamp", covered)
    return _report(check, stamps)


def _found(check: BundleCheck, stamp: TimeStamp, ca_pem: bytes | None) -> StampFound | None:
    """The time stamp, checked if there are certificates; None, and a finding, when its signature is not trusted."""
    try:
        at = verify_timestamp(stamp.token, stamp.statement, ca_pem) if ca_pem is not None else None
    except SignalBackupsError as error:
        check.wrong(stamp.file, str(error))
        return None
    return StampFound(file=_text(stamp.file), authority=_text(stamp.authority), at=at)


def _report(check: BundleCheck, stamps: list[StampFound]) -> BundleReport:
    return BundleReport(
        findings=[BundleFinding(file=_text(file), what=_text(what)) for file, what in check.findings],
        notes=[_text(note) for note in check.notes],
        statements={sha256: _text(statement.file) for sha256, statement in check.statements.items()},
        stamps=stamps,
        bucket=check.bucket,
        first=check.first,
        last=check.last,
        days=check.backed_up,
        records=check.records,
        manifests=len(check.manifests) - 1,
        events=len(check.events) - 1,
    )


def _text(text: str) -> str:
    """A text of the bundle, with lone surrogates escaped: no JSON and no terminal takes them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
