"""Backups of older tools and objects without a manifest are verified with what is known of them, and restored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from pathlib import Path

import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.restore.report import Outcome
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.restore.backups import KEY, MANIFEST_KEY, BackUp, MakeDay, destroy, overwrite, restore
from signal_backups_tests.core.restore.places import Place, as_held
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY, signal, signals

OLD_KEY = Layout().backup_key(BackupSlot(DAY, time(23, 15)))


def columns(body: bytes) -> list[list[str]]:
    """Return the cells of a CSV without quotes, line by line."""
    return [line.split(",") for line in body.decode().splitlines()]


def body_of(lines: list[list[str]], end: str = "\n") -> bytes:
    return "".join(",".join(line) + end for line in lines).encode()


def with_crlf(body: bytes) -> bytes:
    return body.replace(b"\n", b"\r\n")


def reversed_columns(body: bytes) -> bytes:
    return body_of([line[::-1] for line in columns(body)])


def without_optional(body: bytes) -> bytes:
    return body_of([line[:-2] for line in columns(body)])


def with_other_header(body: bytes) -> bytes:
    return body.replace(b"verification_hash", b"sha256", 1)


def with_all(body: bytes) -> bytes:
    return with_crlf(reversed_columns(without_optional(with_other_header(body))))


@pytest.mark.parametrize("form", [bytes, with_crlf, reversed_columns, without_optional, with_other_header, with_all])
def test_every_format_of_older_tools_is_restored(
    place: Place, three: DayRun, vault: BackupVault, tmp_path: Path, form: Callable[[bytes], bytes]
) -> None:
    overwrite(vault, form(three.csv), OLD_KEY)
    report = restore(vault, place.target(), tmp_path)
    (day,) = report.days
    assert (day.outcome, day.has_manifest, day.restored, day.key) == (Outcome.RESTORED, False, 3, OLD_KEY)
    assert report.exit_code is ExitCode.OK
    assert place.rows() == as_held(signals(3))
    assert place.run("SELECT count(verification_hash) FROM signals") == [(3,)]


def test_numbers_that_were_hashed_as_integers_are_restored(
    place: Place, make_day: MakeDay, vault: BackupVault, tmp_path: Path
) -> None:
    rows = [signal(1, ("entry_price",), entry_price=150.0), signal(2)]
    overwrite(vault, make_day(rows).csv.replace(b"150.0", b"150"), OLD_KEY)
    report = restore(vault, place.target(), tmp_path)
    assert report.exit_code is ExitCode.OK
    assert place.rows() == as_held(rows)


def test_a_damaged_row_of_an_older_tool_is_refused(
    sqlite_place: Place, three: DayRun, vault: BackupVault, tmp_path: Path
) -> None:
    overwrite(vault, with_all(three.csv).replace(b"EURUSD", b"USDEUR", 1), OLD_KEY)
    (day,) = restore(vault, sqlite_place.target(), tmp_path).days
    assert day.outcome is Outcome.REFUSED
    assert "row 1 (signal-00001) does not match its hash" in str(day.problem)


def test_an_object_without_a_manifest_is_verified_with_its_metadata(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(signals(3))
    destroy(vault, MANIFEST_KEY)
    plain = vault.store.get_file

    def loses_a_row(key: str, version_id: str, target: Path) -> None:
        plain(key, version_id, target)
        target.write_bytes(b"".join(target.read_bytes().splitlines(keepends=True)[:-1]))

    with monkeypatch.context() as patch:
        patch.setattr(vault.store, "get_file", loses_a_row)
        (day,) = restore(vault, sqlite_place.target(), tmp_path).days
    assert (day.outcome, day.has_manifest) == (Outcome.REFUSED, False)
    assert "file has 2 signals, its manifest says 3" in str(day.problem)
    (again,) = restore(vault, sqlite_place.target(), tmp_path).days
    assert (again.outcome, again.has_manifest, again.restored) == (Outcome.RESTORED, False, 3)


def test_invalid_metadata_is_ignored(sqlite_place: Place, three: DayRun, vault: BackupVault, tmp_path: Path) -> None:
    vault.store._client.put_object(
        Bucket=vault.store.bucket, Key=KEY, Body=three.csv, Metadata={"record_count": "many", "sha256": "x"}
    )
    assert restore(vault, sqlite_place.target(), tmp_path).exit_code is ExitCode.OK
    assert sqlite_place.rows() == as_held(signals(3))


@pytest.mark.parametrize("body", [b"", b"\n", b"letter\nDear all\n", b"\x00\xff\xfe"])
def test_an_object_that_is_not_a_backup_is_refused(
    sqlite_place: Place, vault: BackupVault, tmp_path: Path, body: bytes
) -> None:
    overwrite(vault, body, OLD_KEY)
    report = restore(vault, sqlite_place.target(), tmp_path)
    assert [(day.outcome, day.exit_code) for day in report.days] == [(Outcome.REFUSED, ExitCode.FAILED)]
    assert sqlite_place.tables() == set()
