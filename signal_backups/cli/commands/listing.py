"""``signal-backups list`` and ``versions``: what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import typer
from pydantic import BaseModel

from signal_backups.cli.options import JsonOption, ToOption, day_range, ended_day, from_option
from signal_backups.cli.output import SHORT_SHA256, moment, print_line, print_table, size
from signal_backups.cli.results import CommandResult, show
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import NotFoundError
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.day_state import MEANINGS, DayState
from signal_backups.core.vault.genuine import genuine_histories
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.vault import BackupVault, BackupVersion


class ListedBackup(BaseModel, frozen=True):
    """One day's backup; what only its manifest says is None without one, and so is its version if none is left."""

    day: date
    key: str
    version_id: str | None
    bytes: int
    last_modified: str | None
    verified: bool
    state: DayState
    records: int | None
    quarantined: int | None
    sha256: str | None

    @classmethod
    def of(cls, key: str, version: ObjectVersion | None, stored: StoredDay, state: DayState) -> ListedBackup:
        """What a listing shows of one of a day's objects."""
        manifest = stored.manifest if state is DayState.VERIFIED else None
        return cls(
            day=stored.slot.day,
            key=key,
            version_id=version.version_id if version else None,
            bytes=version.size if version else 0,
            last_modified=moment(version.last_modified) if version else None,
            verified=state is DayState.VERIFIED,
            state=state,
            records=manifest.records if manifest else None,
            quarantined=manifest.quarantined if manifest else None,
            sha256=manifest.backup.sha256 if manifest else None,
        )


class ListedVersion(BaseModel, frozen=True):
    """One version of a day's backup, or a delete marker."""

    key: str
    version_id: str
    last_modified: str
    bytes: int
    is_current: bool
    is_delete_marker: bool
    storage_class: str
    lock: str | None
    records: int | None
    sha256: str | None
    verified_at: str | None

    @classmethod
    def of(cls, item: BackupVersion) -> ListedVersion:
        """What a listing shows of a version."""
        return cls(
            key=item.version.key,
            version_id=item.version.version_id,
            last_modified=moment(item.version.last_modified),
            bytes=item.version.size,
            is_current=item.version.is_latest,
            is_delete_marker=item.version.is_delete_marker,
            storage_class=item.version.storage_class,
            lock=str(item.lock) if item.lock else None,
            records=item.records,
            sha256=item.sha256,
            verified_at=moment(item.verified_at) if item.verified_at else None,
        )

    @property
    def state(self) -> str:
        """In words."""
        if self.is_delete_marker:
            return "delete marker" + (", current" if self.is_current else "")
        return f"{'current' if self.is_current else 'older'}, {'verified' if self.verified_at else 'not verified'}"


class BackupList(CommandResult):
    """The document of ``list``."""

    backups: list[ListedBackup]


class VersionList(CommandResult):
    """The document of ``versions``."""

    day: date
    states: list[DayState]
    versions: list[ListedVersion]
    replacements: list[str]


def list_backups(
    first: Annotated[str | None, from_option("the oldest backup")] = None,
    last: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the stored backups, one line a day."""
    settings = settings_with_notice()
    begin, end = day_range(first, last, date.min)
    with opened_vault(settings) as vault:
        found = list(_listed(vault, begin, end))
        where = vault.store.uri(vault.layout.prefix)
    if not found:
        raise NotFoundError(
            f"no backups {f'from {begin} ' if first else ''}up to {end} in {where}",
            remedy="Make one with: signal-backups backup",
        )
    show(BackupList(ok=True, backups=found), lambda result: _print_backups(result, where), as_json=as_json)


def _listed(vault: BackupVault, begin: date, end: date) -> Iterator[ListedBackup]:
    """Each day's objects, its backup first; of a hidden or destroyed one what is left of it."""
    for stored in vault.stored_days(begin, end).values():
        newest = stored.versions[0] if stored.versions else None
        yield ListedBackup.of(vault.layout.backup_key(stored.slot), newest, stored, stored.state)
        for other in stored.others:
            yield ListedBackup.of(other.key, other, stored, DayState.OTHER_OBJECT)


def versions(
    day: Annotated[str, typer.Argument(metavar="DATE", help="Day, YYYY-MM-DD.")], as_json: JsonOption = False
) -> None:
    """List every version of a day's backup, newest first, delete markers included."""
    wanted = ended_day(day)
    with opened_vault(settings_with_notice()) as vault:
        stored = vault.stored_days(wanted, wanted).get(wanted)
        if stored is not None and stored.state is DayState.DESTROYED:
            raise vault.absence(wanted)
        genuine = genuine_histories(vault, wanted, wanted)
        found = [ListedVersion.of(item) for item in vault.versions(wanted, genuine)]
    manifest = stored.manifest if stored else None
    replacements = [f"{each}, by {each.by}" for each in manifest.replacements] if manifest else []
    states = [stored.state, *([DayState.OTHER_OBJECT] if stored.others else [])] if stored else []
    result = VersionList(ok=True, day=wanted, states=states, versions=found, replacements=replacements)
    show(result, _print_versions, as_json=as_json)


def _print_backups(result: BackupList, where: str) -> None:
    print_table(
        f"Backups in {where}",
        ("day", "records", "quarantined", "bytes", "SHA-256", "version", "state", "key"),
        [
            (
                item.day.isoformat(),
                "-" if item.records is None else str(item.records),
                "-" if item.quarantined is None else str(item.quarantined),
                size(item.bytes),
                (item.sha256 or "-")[:SHORT_SHA256],
                item.version_id or "-",
                str(item.state).replace("_", " "),
                item.key,
            )
            for item in result.backups
        ],
    )


def _print_versions(result: VersionList) -> None:
    print_table(
        f"Versions of {result.day}",
        ("stored at", "state", "records", "bytes", "SHA-256", "storage class", "lock", "version", "key"),
        [
            (
                item.last_modified,
                item.state,
                "-" if item.records is None else str(item.records),
                "-" if item.is_delete_marker else size(item.bytes),
                (item.sha256 or "-")[:SHORT_SHA256],
                "-" if item.is_delete_marker else item.storage_class,
                item.lock or "-",
                item.version_id,
                item.key,
            )
            for item in result.versions
        ],
    )
    for state in result.states:
        if state is not DayState.VERIFIED:
            print_line(f"{result.day} {MEANINGS[state].one}")
    for line in result.replacements:
        print_line(f"{result.day} was {line}")
