"""The run that makes a backup."""

from __future__ import annotations

from dataclasses import dataclass

from signal_backups.core.base.days import Clock, utc_now


@dataclass(frozen=True)
class BackupRun:
    """The run, and its options.

    Attributes:
        run_id: its id.
        clock: the present (UTC).
        verify_sample: hash at most so many rows of what S3 returns; None: every row.
        accept_changes: why the database is taken as it is, even if it altered or lost signals; None: it is not.
    """

    run_id: str
    clock: Clock = utc_now
    verify_sample: int | None = None
    accept_changes: str | None = None
