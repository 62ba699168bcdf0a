"""Quarantined rows for people: of each day, and of those that belong to no day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pydantic import BaseModel

from signal_backups.core.backup.undated import fetch_undated
from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import NotFoundError
from signal_backups.core.signals.csv_file import read_quarantine_sql, reading_rows
from signal_backups.core.signals.fields import FAULTS, REASON, SIGNAL_ID, TIMESTAMP
from signal_backups.core.vault.findings import Examination, newest_findings
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.vault import BackupVault

#: How many rows of an object are listed.
LISTED_ROWS = 1000


class ListedRow(BaseModel, frozen=True):
    """A row in quarantine."""

    signal_id: str | None
    timestamp: str | None
    faults: str
    reason: str


class QuarantineObject(BaseModel, frozen=True):
    """One object with rows in quarantine.

    Attributes:
        day: whose rows they are; None: they belong to no day.
        count: how many rows it has.
        in_database: of undated rows, how many of them the database still has; None of a day's.
        is_lost: whether it is gone from S3, or was altered; then there are no rows.
        rows: the first of its rows.
    """

    day: date | None
    key: str
    version_id: str
    count: int
    in_database: int | None = None
    is_lost: bool = False
    rows: list[ListedRow] = []


def quarantined_days(vault: BackupVault, first: date, last: date, folder: Path) -> Iterator[QuarantineObject]:
    """The quarantines of the days of a range, oldest first.

    Raises:
        StoreError: the store cannot be reached.
        ArchivedError: a quarantine has to thaw first.
        VerificationError: a quarantine does not parse.
    """
    for day, stored in vault.stored_days(first, last).items():
        manifest = stored.newest
        if manifest is not None and manifest.quarantine is not None:
            csv = _fetched(vault, manifest.quarantine, folder)
            yield _listed(day, manifest.quarantine, manifest.quarantined, csv)


def quarantined_undated(vault: BackupVault, folder: Path) -> QuarantineObject | None:
    """The rows that belong to no day, as they were found last; None: there never were any.

    Raises:
        StoreError: the store cannot be reached.
        VerificationError: their object does not parse.
    """
    searched = newest_findings(vault).get(Examination.UNDATED_SIGNALS)
    undated = searched.undated if searched is not None else None
    if undated is None or undated.stored is None:
        return None
    found = _listed(None, undated.stored, undated.rows, fetch_undated(vault, undated.stored, folder))
    return found.model_copy(update={"in_database": undated.in_database})


def _fetched(vault: BackupVault, stored: StoredFile, folder: Path) -> Path | None:
    csv = folder / "quarantine.csv"
    try:
        vault.store.get_file(stored.key, stored.version_id, csv)
    except NotFoundError:
        return None
    return csv if digest(csv).sha256 == stored.sha256 else None


def _listed(day: date | None, stored: StoredFile, count: int, csv: Path | None) -> QuarantineObject:
    found = QuarantineObject(day=day, key=stored.key, version_id=stored.version_id, count=count, is_lost=csv is None)
    return found if csv is None else found.model_copy(update={"rows": _first_rows(csv)})


def _first_rows(csv: Path) -> list[ListedRow]:
    columns = f"{SIGNAL_ID}, {TIMESTAMP}, {FAULTS}, {REASON}"
    with reading_rows(csv) as (cursor, _):
        rows = cursor.execute(f"SELECT {columns} FROM {read_quarantine_sql(csv)} LIMIT {LISTED_ROWS}").fetchall()
    names = ("signal_id", "timestamp", "faults", "reason")
    return [ListedRow.model_validate(dict(zip(names, row, strict=True))) for row in rows]
