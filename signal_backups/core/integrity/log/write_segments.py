"""Writing missing segments of finished folders, if their log has no findings, and the rolling segments."""

from __future__ import annotations

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.log.examine_log import LogExamination, examine_log
from signal_backups.core.integrity.log.findings import LogName
from signal_backups.core.integrity.log.segments import Segments, numbers_of
from signal_backups.core.ledger.chained_log import first_versions
from signal_backups.core.ledger.segment_line import Line
from signal_backups.core.vault.vault import BackupVault


def write_segments(vault: BackupVault) -> list[str]:
    """Create the missing segments of both logs, and return their keys; needs few requests when none is missing.

    Raises:
        VerificationError: a log has findings; none of its segments was written.
        StoreError: the store cannot be reached or refuses.
    """
    return [key for name in LogName for key in _write(Segments(vault, name))]


def write_rolling_segments(vault: BackupVault) -> list[str]:
    """Replace the rolling segments of both logs that lack an entry, and return their keys.

    Takes a listing of each log, and a request for each segment and for each entry that is in none of them.

    Raises:
        StoreError: the store cannot be reached or refuses.
    """
    logs = ((vault.event_segments, vault.trail.log), (vault.manifest_segments, vault.manifest_log))
    return [key for segments, log in logs for key in segments.write(first_versions(log.versions()))]


def _write(segments: Segments) -> list[str]:
    missing = sorted(_finished(segments) - segments.versions().keys())
    if not missing:
        return []
    examined = examine_log(segments)
    if examined.findings:
        raise VerificationError(
            f"no segment was written of the {segments.name}: {examined.findings[0].words}",
            remedy="See all that is wrong with: signal-backups audit verify",
        )
    return [segments.write(folder, _lines(segments, examined, folder)) for folder in missing]


def _finished(segments: Segments) -> set[int]:
    """All folders but the newest: the log continues after each of their entries."""
    log = segments.log
    folders = log.store.list_folders(log.prefix)
    names = [folder.removeprefix(log.prefix).strip("/") for folder in folders]
    return {int(name) for name in [name for name in names if name.isdecimal()][:-1]}


def _lines(segments: Segments, examined: LogExamination, folder: int) -> list[Line]:
    numbers = numbers_of(folder)
    lines = []
    for entry in segments.log.entries(numbers.start, numbers[-1]):
        summary = examined.entries[entry.number]
        if summary.sha256 != entry.sha256:
            raise VerificationError(f"{entry.key} changed while it was read", remedy="Run: signal-backups audit verify")
        lines.append(Line.of(summary.stored, entry.body))
    return lines
