"""Writing the checkpoints that are due: of finished folders, when their whole log is in order."""

from __future__ import annotations

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.log.examine_log import LogExamination, examine_log
from signal_backups.core.integrity.log.findings import LogName
from signal_backups.core.integrity.log.segments import Checkpoints, Line, numbers_of
from signal_backups.core.vault.vault import BackupVault


def write_checkpoints(vault: BackupVault) -> list[str]:
    """Create the checkpoints that both logs lack, and return their keys; a few requests when there is nothing to do.

    Raises:
        VerificationError: a log is not in order; nothing was written of it.
        StoreError: the store cannot be reached or refuses.
    """
    return [key for name in LogName for key in _write(Checkpoints(vault, name))]


def _write(checkpoints: Checkpoints) -> list[str]:
    missing = sorted(_finished(checkpoints) - checkpoints.versions().keys())
    if not missing:
        return []
    examined = examine_log(checkpoints)
    if examined.findings:
        raise VerificationError(
            f"no checkpoint was written of the {checkpoints.name}: {examined.findings[0].words}",
            remedy="See all that is wrong with: signal-backups audit verify",
        )
    return [checkpoints.write(folder, _lines(checkpoints, examined, folder)) for folder in missing]


def _finished(checkpoints: Checkpoints) -> set[int]:
    """The folders that a later one follows: every entry of theirs has one that was built upon it."""
    log = checkpoints.log
    folders = log.store.list_folders(log.prefix)
    names = [folder.removeprefix(log.prefix).strip("/") for folder in folders]
    return {int(name) for name in [name for name in names if name.isdecimal()][:-1]}


def _lines(checkpoints: Checkpoints, examined: LogExamination, folder: int) -> list[Line]:
    numbers = numbers_of(folder)
    lines = []
    for entry in checkpoints.log.entries(numbers.start, numbers[-1]):
        seen = examined.seen[entry.number]
        if seen.sha256 != entry.sha256:
            raise VerificationError(f"{entry.key} changed while it was read", remedy="Run: signal-backups audit verify")
        lines.append(Line.of(seen.stored, entry.body))
    return lines
