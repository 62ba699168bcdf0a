"""``signal-backups list`` and ``versions``: what is stored."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from signal_backups.cli.options import FromOption, JsonOption, ToOption, day_range
from signal_backups.cli.output import SHORT_SHA256, moment, print_json, print_table, size
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.days import parse_day
from signal_backups.core.base.errors import NotFoundError
from signal_backups.core.vault.vault import BackupVersion, StoredBackup


def list_backups(first: FromOption = None, last: ToOption = None, as_json: JsonOption = False) -> None:
    """List the stored backups, one line a day."""
    settings = settings_with_notice()
    begin, end = day_range(first, last, date.min)
    with opened_vault(settings) as vault:
        found = [_backup(backup) for backup in vault.backups_with_manifests(begin, end)]
        where = vault.store.uri(vault.layout.prefix)
    if not found:
        raise NotFoundError(
            f"no backups {f'from {begin} ' if first else ''}up to {end} in {where}",
            remedy="Make one with: signal-backups backup",
        )
    if as_json:
        print_json({"ok": True, "backups": found})
        return
    print_table(
        f"Backups in {where}",
        ("day", "records", "quarantined", "bytes", "SHA-256", "version", "verified", "key"),
        [
            (
                item["day"],
                "-" if item["records"] is None else str(item["records"]),
                "-" if item["quarantined"] is None else str(item["quarantined"]),
                size(item["bytes"]),
                (item["sha256"] or "-")[:SHORT_SHA256],
                item["version_id"],
                "yes" if item["verified"] else "no",
                item["key"],
            )
            for item in found
        ],
    )


def versions(
    day: Annotated[str, typer.Argument(metavar="DATE", help="Day, YYYY-MM-DD.")], as_json: JsonOption = False
) -> None:
    """List every version of a day's backup, newest first, delete markers included."""
    wanted = parse_day(day)
    settings = settings_with_notice()
    with opened_vault(settings) as vault:
        found = [_version(item) for item in vault.versions(wanted)]
    if as_json:
        print_json({"ok": True, "day": wanted.isoformat(), "versions": found})
        return
    print_table(
        f"Versions of {wanted}",
        ("stored at", "state", "records", "bytes", "SHA-256", "storage class", "lock", "version", "key"),
        [
            (
                item["last_modified"],
                _state(item),
                "-" if item["records"] is None else str(item["records"]),
                "-" if item["is_delete_marker"] else size(item["bytes"]),
                (item["sha256"] or "-")[:SHORT_SHA256],
                "-" if item["is_delete_marker"] else item["storage_class"],
                str(item["lock"] or "-"),
                item["version_id"],
                item["key"],
            )
            for item in found
        ],
    )


def _backup(backup: StoredBackup) -> dict[str, Any]:
    manifest = backup.manifest if backup.is_vouched else None
    return {
        "day": backup.slot.day.isoformat(),
        "key": backup.key,
        "version_id": backup.current.version_id,
        "bytes": backup.current.size,
        "last_modified": moment(backup.current.last_modified),
        "verified": backup.is_vouched,
        "records": manifest.records if manifest else None,
        "quarantined": manifest.quarantined if manifest else None,
        "sha256": manifest.backup.sha256 if manifest else None,
    }


def _version(item: BackupVersion) -> dict[str, Any]:
    return {
        "key": item.version.key,
        "version_id": item.version.version_id,
        "last_modified": moment(item.version.last_modified),
        "bytes": item.version.size,
        "is_current": item.version.is_latest,
        "is_delete_marker": item.version.is_delete_marker,
        "storage_class": item.version.storage_class,
        "lock": str(item.lock) if item.lock else None,
        "records": item.records,
        "sha256": item.sha256,
        "verified_at": moment(item.verified_at) if item.verified_at else None,
    }


def _state(item: dict[str, Any]) -> str:
    if item["is_delete_marker"]:
        return "delete marker" + (", current" if item["is_current"] else "")
    words = ["current" if item["is_current"] else "older", "verified" if item["verified_at"] else "not verified"]
    return ", ".join(words)
