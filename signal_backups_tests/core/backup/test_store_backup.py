"""Storing a day on a real S3 server: a manifest is written only after the read-back, and no good backup is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.backup.row_counts import row_counts
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import StoreOutcome, store_backup
from signal_backups.core.base.errors import (
    ConflictError,
    DeletedBackupError,
    DestroyedBackupError,
    ExitCode,
    NotFoundError,
    StageInputMissingError,
    StoreError,
    VerificationError,
)
from signal_backups.core.monitoring.observation import observe
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups_tests.samples.days import DayRun, RunDay
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.servers.chaos import ChaosProxy
from signal_backups_tests.servers.faults import Flip

SLOT = BackupSlot(DAY)
KEY = Layout().backup_key(SLOT)
MANIFEST = Layout().manifest_key(SLOT)
NOW = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)


def now() -> datetime:
    return NOW


RUN = BackupRun("run-1", now)

StoreDay = Callable[..., StoreOutcome]


@pytest.fixture
def store_day(run_day: RunDay, vault: BackupVault, tmp_path: Path) -> StoreDay:
    """Makes a table of the rows and backs up one day of it."""
    numbers = iter(range(1000))

    def back_up(rows: list[Row], into: BackupVault = vault, day: date = DAY) -> StoreOutcome:
        return store_backup(into, run_day(rows, day=day, file=f"table-{next(numbers)}.db").folder, RUN)

    return back_up


def manifest_versions(vault: BackupVault) -> list[str]:
    return [version.version_id for version in vault.store.list_versions(MANIFEST)]


def backup_versions(vault: BackupVault) -> list[str]:
    return [version.version_id for version in vault.store.list_versions(KEY)]


def everything_but_events(vault: BackupVault) -> list[ObjectVersion]:
    events = vault.layout.event_prefix
    return [version for version in vault.store.list_versions("") if not version.key.startswith(events)]


def content(vault: BackupVault, version: str) -> bytes:
    return vault.store.get_bytes(KEY, version)[0]


def test_a_day_is_stored_and_verified_and_gets_a_manifest(run_day: RunDay, vault: BackupVault) -> None:
    run = run_day(signals(3))
    outcome = store_backup(vault, run.folder, RUN)
    assert outcome.changed
    assert outcome.verification.ok
    manifest = outcome.manifest
    assert vault.manifest(SLOT) == manifest
    assert content(vault, manifest.backup.version_id) == run.csv
    assert (manifest.day, manifest.records, manifest.quarantined, manifest.quarantine) == (DAY, 3, 0, None)
    assert (manifest.backup.key, manifest.backup.sha256, manifest.backup.bytes) == (
        KEY,
        run.report.sha256,
        len(run.csv),
    )
    assert (manifest.run_id, manifest.started_at, manifest.finished_at) == ("run-1", NOW, NOW)
    assert (manifest.verification.records, manifest.verification.rows_hashed) == (3, 3)
    assert (manifest.source.engine, manifest.source.hash_column) == ("sqlite", "sha256")
    assert manifest.expected == run.expected
    metadata = vault.store._client.head_object(Bucket=vault.store.bucket, Key=KEY)["Metadata"]
    assert metadata == {
        "partition": "2026-11-01", "record_count": "3", "format_version": "1", "sha256": run.report.sha256
    }  # fmt: skip


def test_unchanged_content_writes_no_new_version(store_day: StoreDay, vault: BackupVault) -> None:
    first = store_day([*signals(3), signal(4, action="HOLD")])
    before = everything_but_events(vault)
    second = store_day([*signals(3), signal(4, action="HOLD")])
    assert not second.changed
    assert second.manifest == first.manifest
    assert second.verification.ok
    assert everything_but_events(vault) == before


def test_changed_content_writes_a_new_version_and_keeps_the_noncurrent_one(
    store_day: StoreDay, vault: BackupVault
) -> None:
    first, second = store_day(signals(3)), store_day(signals(4))
    assert second.changed
    assert backup_versions(vault) == [second.manifest.backup.version_id, first.manifest.backup.version_id]
    assert content(vault, first.manifest.backup.version_id).count(b"\n") == 4
    assert len(manifest_versions(vault)) == 2
    described = vault.versions(DAY)
    assert [(version.records, version.sha256, version.verified_at) for version in described] == [
        (4, second.manifest.backup.sha256, NOW), (3, first.manifest.backup.sha256, NOW)
    ]  # fmt: skip


def test_a_change_of_the_quarantine_alone_is_a_change(store_day: StoreDay, vault: BackupVault) -> None:
    first = store_day(signals(3))
    second = store_day([*signals(3), signal(4, action="HOLD")])
    assert second.changed
    assert second.manifest.quarantined == 1
    assert second.manifest.backup.sha256 == first.manifest.backup.sha256
    assert second.manifest.expected == first.manifest.expected


def test_the_quarantine_is_stored_under_its_own_key(run_day: RunDay, vault: BackupVault) -> None:
    run = run_day([*signals(3), signal(4, action="HOLD")])
    quarantine = store_backup(vault, run.folder, RUN).manifest.quarantine
    assert quarantine is not None
    assert quarantine.key == "quarantine/2026/11/signals_quarantine_20261101_020000.csv"
    body, _ = vault.store.get_bytes(quarantine.key, quarantine.version_id)
    assert body == run.folder.quarantine_csv.read_bytes()


def test_a_day_without_signals_is_backed_up_too(store_day: StoreDay) -> None:
    outcome = store_day([])
    assert outcome.changed
    assert outcome.manifest.records == 0


class SpyStore(S3ObjectStore):
    """Records its calls; damages files that it reads back whose key begins with one of ``damaged_prefixes``.

    Versions in ``intact_versions`` stay as they are.
    """

    def __init__(self, store: S3ObjectStore) -> None:
        super().__init__(store._client, store.bucket)
        self.calls: list[tuple[str, str]] = []
        self.damaged_prefixes: tuple[str, ...] = ()
        self.intact_versions: tuple[str, ...] = ()

    def put_file(self, key: str, *args: object, **named: object) -> str:
        self.calls.append(("put", key))
        return super().put_file(key, *args, **named)  # type: ignore[arg-type]

    def put_bytes(self, key: str, body: bytes, content_type: str, **conditions: Any) -> str:
        self.calls.append(("put", key))
        return super().put_bytes(key, body, content_type, **conditions)

    def get_file(self, key: str, version_id: str, target: Path) -> None:
        self.calls.append(("get", key))
        super().get_file(key, version_id, target)
        if key.startswith(self.damaged_prefixes or ("nothing",)) and version_id not in self.intact_versions:
            body = bytearray(target.read_bytes())
            body[len(body) // 2] ^= 1
            target.write_bytes(body)

    def get_bytes(self, key: str, version_id: str | None = None) -> tuple[bytes, str]:
        if version_id is not None:
            self.calls.append(("get", key))
        return super().get_bytes(key, version_id)


@pytest.fixture
def spied(store: S3ObjectStore) -> BackupVault:
    return BackupVault(SpyStore(store), Layout())


def spy_of(vault: BackupVault) -> SpyStore:
    assert isinstance(vault.store, SpyStore)
    return vault.store


def test_the_manifest_is_written_only_after_everything_was_read_back(store_day: StoreDay, spied: BackupVault) -> None:
    store_day([*signals(3), signal(4, action="HOLD")], spied)
    layout, manifest_log, trail = spied.layout, spied.manifest_log, spied.trail.log
    keys = (KEY, layout.quarantine_key(SLOT), manifest_log.key_of(1), MANIFEST, trail.key_of(1))
    calls = [(what, key) for what, key in spy_of(spied).calls if key != layout.probe_key]
    assert calls == [(what, key) for key in keys for what in ("put", "get")]


@pytest.mark.parametrize("damaged", ["signals/", "quarantine/"])
def test_a_failed_read_back_leaves_the_last_good_backup_unchanged(
    store_day: StoreDay, vault: BackupVault, spied: BackupVault, tmp_path: Path, damaged: str
) -> None:
    good = store_day(signals(3)).manifest
    before = manifest_versions(vault)
    spy_of(spied).damaged_prefixes = (damaged,)
    spy_of(spied).intact_versions = (good.backup.version_id,)
    with pytest.raises(VerificationError, match="not what was sent") as raised:
        store_day([*signals(4), signal(5, action="HOLD")], spied)
    assert raised.value.exit_code == ExitCode.FAILED
    assert vault.manifest(SLOT) == good
    assert manifest_versions(vault) == before
    found = verify_stored(vault, vault.find(DAY), tmp_path)
    assert (found.version_id, found.report.records, found.report.bad_rows) == (good.backup.version_id, 3, [])
    # The version that was read back damaged is current until the next run.
    assert all("is not this one, which the manifest vouches for" in problem for problem in found.report.problems)


def test_a_failed_first_backup_has_no_manifest(store_day: StoreDay, vault: BackupVault, spied: BackupVault) -> None:
    spy_of(spied).damaged_prefixes = ("signals/",)
    with pytest.raises(VerificationError):
        store_day(signals(3), spied)
    assert vault.manifest(SLOT) is None
    assert not vault.find(DAY).is_vouched
    assert [version.verified_at for version in vault.versions(DAY)] == [None]
    assert backup_status(vault, DAY, now).unverified_days == [DAY]


def test_after_a_failed_backup_the_next_one_succeeds(
    store_day: StoreDay, vault: BackupVault, spied: BackupVault
) -> None:
    spy_of(spied).damaged_prefixes = ("signals/",)
    with pytest.raises(VerificationError):
        store_day(signals(3), spied)
    assert store_day(signals(3)).changed
    assert vault.find(DAY).is_vouched


def test_an_unchanged_backup_that_fails_to_verify_is_stored_again(
    store_day: StoreDay, vault: BackupVault, spied: BackupVault
) -> None:
    first = store_day(signals(3)).manifest
    spy = spy_of(spied)
    original = spy.get_file

    def damaged_once(key: str, version_id: str, target: Path) -> None:
        spy.damaged_prefixes = ("signals/",) if version_id == first.backup.version_id else ()
        original(key, version_id, target)

    spy.get_file = damaged_once  # type: ignore[method-assign]
    outcome = store_day(signals(3), spied)
    assert outcome.changed
    assert outcome.manifest.backup.version_id != first.backup.version_id
    assert vault.manifest(SLOT) == outcome.manifest


def test_a_backup_that_somebody_overwrote_is_stored_again(store_day: StoreDay, vault: BackupVault) -> None:
    store_day(signals(3))
    vault.store.put_bytes(KEY, b"not a backup", "text/csv")
    assert not vault.find(DAY).is_vouched
    assert store_day(signals(3)).changed
    assert vault.find(DAY).is_vouched
    assert len(backup_versions(vault)) == 3


@pytest.mark.parametrize("file", ["backup.csv", "quarantine.csv"])
@pytest.mark.parametrize("change", [bytes.swapcase, lambda body: body + b"\n"], ids=["other bytes", "longer"])
def test_a_file_changed_after_it_was_hashed_is_not_stored(
    store_day: StoreDay, run_day: RunDay, vault: BackupVault, file: str, change: Callable[[bytes], bytes]
) -> None:
    bad = signal(9, action="burn")
    good = store_day([*signals(2), bad]).manifest
    before = vault.store.list_versions("signals/"), vault.store.list_versions("quarantine/")
    folder = run_day([*signals(3), bad, signal(8, action="burn")], file="changed.db").folder
    (folder.path / file).write_bytes(change((folder.path / file).read_bytes()))
    with pytest.raises(VerificationError):
        store_backup(vault, folder, RUN)
    assert vault.manifest(SLOT) == good
    assert vault.store.list_versions("quarantine/") == before[1]
    if file == "backup.csv":
        assert vault.store.list_versions("signals/") == before[0]


def test_only_the_upload_reads_more_than_the_header_of_the_file(
    run_day: RunDay, vault: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_day(signals(3)).folder
    opened: list[Path] = []
    original = Path.open

    def recorded(path: Path, *args: Any, **named: Any) -> Any:
        opened.append(path)
        return original(path, *args, **named)

    monkeypatch.setattr(Path, "open", recorded)
    store_backup(vault, folder, RUN)
    assert opened.count(folder.backup_csv) == 2


class Overtaken(S3ObjectStore):
    """Another writer stores an object between this one's check and its write."""

    def put_file(self, key: str, *args: object, **named: object) -> str:
        super().put_bytes(key, b"", "text/csv")
        return super().put_file(key, *args, **named)  # type: ignore[arg-type]


def test_a_concurrent_writer_of_other_content_is_a_conflict(store_day: StoreDay, store: S3ObjectStore) -> None:
    vault = BackupVault(Overtaken(store._client, store.bucket), Layout())
    with pytest.raises(ConflictError) as raised:
        store_day(signals(3), vault)
    assert raised.value.transient
    assert vault.manifest(SLOT) is None


def test_a_concurrent_writer_of_the_same_content_is_no_conflict(
    run_day: RunDay, vault: BackupVault, store: S3ObjectStore
) -> None:
    runs = [run_day(signals(3), file=f"{number}.db") for number in range(2)]

    class SameFirst(S3ObjectStore):
        def put_file(self, key: str, *args: object, **named: object) -> str:
            store.put_file(key, *args, **named)  # type: ignore[arg-type]
            return super().put_file(key, *args, **named)  # type: ignore[arg-type]

    outcome = store_backup(BackupVault(SameFirst(store._client, store.bucket), Layout()), runs[0].folder, RUN)
    assert backup_versions(vault) == [outcome.manifest.backup.version_id]
    assert not store_backup(vault, runs[1].folder, RUN).changed


def test_a_bucket_without_versioning_is_not_written_to(store_day: StoreDay, store: S3ObjectStore) -> None:
    plain = S3ObjectStore(store._client, "plain")
    plain.configuration.create()
    with pytest.raises(StoreError, match="does not keep versions"):
        store_day(signals(3), BackupVault(plain, Layout()))
    assert list(plain.list_current("")) == []


def test_a_missing_bucket_has_init_as_remedy(store_day: StoreDay, store: S3ObjectStore) -> None:
    nowhere = BackupVault(S3ObjectStore(store._client, "no-such-bucket"), Layout())
    with pytest.raises(StoreError, match="signal-backups init"):
        store_day(signals(3), nowhere)


def test_storing_without_a_csv_names_the_asset_to_select(vault: BackupVault, tmp_path: Path) -> None:
    with pytest.raises(StageInputMissingError, match="hashed_csv"):
        store_backup(vault, DayFolder(tmp_path, DAY), RUN)


def delete(vault: BackupVault) -> None:
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=KEY)


def test_a_deleted_day_is_hidden_until_the_next_backup(store_day: StoreDay, vault: BackupVault) -> None:
    store_day(signals(3))
    delete(vault)
    assert backup_status(vault, DAY, now).hidden_days == [DAY]
    with pytest.raises(NotFoundError):
        vault.find(DAY)
    assert [version.version.is_delete_marker for version in vault.versions(DAY)] == [True, False]
    assert store_day(signals(3)).changed
    assert backup_status(vault, DAY, now).hidden_days == []
    assert vault.find(DAY).is_vouched


def test_the_status_lists_missing_unverified_and_quarantined_days(store_day: StoreDay, vault: BackupVault) -> None:
    first = DAY - timedelta(days=2)
    store_day(
        [signal(1, timestamp=f"{first}T12:00:00Z"), signal(2, timestamp=f"{first}T12:00:00Z", action="")], day=first
    )
    store_day(signals(3))
    vault.store.put_bytes(Layout().backup_key(BackupSlot(DAY + timedelta(days=1))), b"old tool", "text/csv")
    status = backup_status(vault, first, now)
    assert not status.healthy
    assert (status.first_day, status.last_day) == (first, DAY + timedelta(days=1))
    assert status.missing_days == [first + timedelta(days=1)]
    assert status.unverified_days == [DAY + timedelta(days=1)]
    assert status.quarantined_rows == {first: 1}
    assert (status.days_backed_up, status.records) == (3, 4)
    assert (status.last_backup_day, status.last_backup_at, status.last_backup_age_seconds) == (DAY, NOW, 0.0)


def test_a_complete_vault_is_healthy(store_day: StoreDay, vault: BackupVault) -> None:
    store_day(signals(3))
    store_day([], day=DAY + timedelta(days=1))
    assert backup_status(vault, None, now).healthy
    assert backup_status(vault, None, now).first_day == DAY


def test_in_an_empty_vault_every_day_is_missing(vault: BackupVault) -> None:
    status = backup_status(vault, DAY, now)
    assert status.missing_days == [DAY, DAY + timedelta(days=1)]
    assert (status.last_backup_day, status.last_backup_age_seconds, status.records) == (None, None, 0)


def test_row_counts_are_of_the_days_and_their_earlier_weekdays(store_day: StoreDay, vault: BackupVault) -> None:
    week_before, day_before = DAY - timedelta(weeks=1), DAY - timedelta(days=1)
    store_day([signal(1, timestamp=f"{week_before} 12:00")], day=week_before)
    store_day([signal(1, timestamp=f"{day_before} 12:00")], day=day_before)
    store_day(signals(3))
    assert row_counts(vault, [DAY]) == {week_before: 1, DAY: 3}
    assert row_counts(vault, []) == {}


def test_a_stored_backup_verifies_against_its_manifest(store_day: StoreDay, vault: BackupVault, tmp_path: Path) -> None:
    manifest = store_day(signals(3)).manifest
    verification = verify_stored(vault, vault.find(DAY), tmp_path / "scratch")
    assert verification.report.ok
    assert verification.has_manifest
    assert (verification.key, verification.version_id) == (KEY, manifest.backup.version_id)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert verify_stored(vault, vault.find_key(KEY), tmp_path, sample=1).report.rows_hashed == 1


def test_a_backup_of_an_older_tool_is_verified_by_itself(three: DayRun, vault: BackupVault, tmp_path: Path) -> None:
    key = "signals/2026/11/signals_backup_20261101_231500.csv"
    vault.store.put_bytes(key, three.csv, "text/csv")
    verification = verify_stored(vault, vault.find(DAY), tmp_path)
    assert verification.report.records == 3
    assert verification.report.problems == [
        "no manifest vouches for it; make one with: signal-backups backup 2026-11-01"
    ]
    assert not verification.has_manifest
    assert verification.key == key


def test_a_version_that_is_gone_does_not_verify(store_day: StoreDay, vault: BackupVault, tmp_path: Path) -> None:
    version = store_day(signals(3)).manifest.backup.version_id
    backup = vault.find(DAY)
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=KEY, VersionId=version)
    (problem,) = verify_stored(vault, backup, tmp_path).report.problems
    left = f"see what is left with: signal-backups versions {DAY}"
    assert problem.startswith(f"version {version} is gone from S3; {left}; ")


def test_an_unreadable_manifest_is_an_error_that_names_its_key(store_day: StoreDay, vault: BackupVault) -> None:
    store_day(signals(3))
    vault.store.put_bytes(MANIFEST, b'{"day": 7}', "application/json")
    with pytest.raises(VerificationError, match=MANIFEST):
        vault.find(DAY)


def test_a_manifest_is_read_unchanged(store_day: StoreDay) -> None:
    manifest = store_day(signals(3)).manifest
    assert Manifest.from_bytes(manifest.to_bytes(), "name") == manifest


@pytest.fixture
def proxy(connection: S3Connection) -> Iterator[ChaosProxy]:
    assert connection.endpoint_url is not None
    with ChaosProxy(connection.endpoint_url) as proxy:
        yield proxy


class FlippedDownload(S3ObjectStore):
    """Flips a bit on the network when a file is read back."""

    proxy: ChaosProxy

    def get_file(self, key: str, version_id: str, target: Path) -> None:
        self.proxy.strike(Flip(10_000), times=1)
        super().get_file(key, version_id, target)


def test_a_bit_flipped_during_the_download_is_found(
    store_day: StoreDay, connection: S3Connection, proxy: ChaosProxy, bucket: str
) -> None:
    flipped = FlippedDownload(s3_client(replace(connection, endpoint_url=proxy.url)), bucket)
    flipped.proxy = proxy
    vault = BackupVault(flipped, Layout())
    with pytest.raises(VerificationError, match="not what was sent"):
        store_day(signals(500), vault)
    assert proxy.struck == 1
    assert vault.manifest(SLOT) is None


def test_a_manifest_vouches_for_one_version_only(store_day: StoreDay, vault: BackupVault) -> None:
    store_day(signals(3))
    backup = vault.find(DAY)
    assert backup.is_vouched
    other: ObjectVersion = replace(backup.current, version_id="other")
    assert not replace(backup, current=other).is_vouched


def test_a_run_that_another_one_overtakes_fails_and_the_newer_backup_stands(
    store_day: StoreDay, vault: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = BackupVault(S3ObjectStore(vault.store._client, vault.store.bucket), Layout())
    append = slow.manifest_log.append
    newer: list[Manifest] = []

    def overtaken(body_of: Any) -> Any:
        monkeypatch.setattr(slow.manifest_log, "append", append)
        newer.append(store_day(signals(7)).manifest)
        return append(body_of)

    monkeypatch.setattr(slow.manifest_log, "append", overtaken)
    with pytest.raises(ConflictError, match="was overtaken"):
        store_day(signals(5), slow)
    standing = vault.manifest(SLOT)
    assert standing is not None
    assert (standing.records, standing.backup) == (7, newer[0].backup)
    assert vault.find(DAY).is_vouched
    last = list(vault.manifest_log.entries())[-1]
    assert Manifest.from_bytes(last.body, "last") == standing, "the log's last word on the day is the one that stands"


def test_quarantined_rows_that_are_lost_are_found_and_stored_again(
    store_day: StoreDay, vault: BackupVault, tmp_path: Path
) -> None:
    rows = [*signals(3), signal(4, action="HOLD")]
    quarantine = store_day(rows).manifest.quarantine
    assert quarantine is not None
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=quarantine.key, VersionId=quarantine.version_id)
    (problem,) = verify_stored(vault, vault.find(DAY), tmp_path).report.problems
    assert problem.endswith("are gone from S3; store them again with: signal-backups backup 2026-11-01")
    again = store_day(rows)
    assert again.changed
    assert again.manifest.quarantine is not None
    assert again.manifest.quarantine.sha256 == quarantine.sha256
    assert verify_stored(vault, vault.find(DAY), tmp_path).report.ok


def test_quarantined_rows_of_the_same_size_and_other_bytes_are_stored_again(
    store_day: StoreDay, spied: BackupVault
) -> None:
    rows = [*signals(3), signal(4, action="HOLD")]
    store_day(rows, spied)
    damaged = spy_of(spied)
    damaged.damaged_prefixes = ("quarantine/",)
    with pytest.raises(VerificationError, match="is not what was sent"):
        store_day(rows, spied)
    damaged.damaged_prefixes = ()
    assert not store_day(rows, spied).changed


def test_another_current_version_than_the_vouched_one_does_not_verify(
    store_day: StoreDay, vault: BackupVault, tmp_path: Path
) -> None:
    vouched = store_day(signals(3)).manifest.backup.version_id
    current = vault.store.put_bytes(KEY, b"foreign", "text/csv")
    found = verify_stored(vault, vault.find(DAY), tmp_path)
    assert found.version_id == vouched
    assert found.report.problems == [
        f"the current version {current} is not this one, which the manifest vouches for: bring it back with "
        f"signal-backups undelete 2026-11-01 --version-id {vouched}"
    ]


@pytest.mark.parametrize("number", ["its own", None])
def test_a_manifest_that_was_rewritten_does_not_verify(
    store_day: StoreDay, vault: BackupVault, tmp_path: Path, number: str | None
) -> None:
    """A row, its hash and the manifest are rewritten together; a manifest without a number is no way around it."""
    good = store_day(signals(3)).manifest
    forged = store_day(signals(2), BackupVault(vault.store, Layout("elsewhere/"))).manifest
    body = content_of(vault, forged)
    version = vault.store.put_bytes(KEY, body, "text/csv")
    backup = forged.backup.model_copy(update={"key": KEY, "version_id": version})
    rewritten = forged.model_copy(update={"backup": backup, "number": good.number if number else None})
    vault.store.put_bytes(MANIFEST, rewritten.to_bytes(), "application/json")
    (problem,) = verify_stored(vault, vault.find(DAY), tmp_path).report.problems
    assert problem.startswith("its manifest is not in the manifest log: it was forged or rewritten")
    assert backup_status(vault, DAY, now).in_state(DayState.TAMPERED) == [DAY]
    assert observe(vault, DAY, now).days[DAY] is DayState.TAMPERED


def content_of(vault: BackupVault, manifest: Manifest) -> bytes:
    return vault.store.get_bytes(manifest.backup.key, manifest.backup.version_id)[0]


def test_a_destroyed_backup_is_never_called_missing(store_day: StoreDay, vault: BackupVault) -> None:
    version = store_day(signals(3)).manifest.backup.version_id
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=KEY, VersionId=version)
    found = backup_status(vault, DAY, now)
    assert (found.destroyed_days, found.missing_days, found.healthy) == ([DAY], [DAY + timedelta(days=1)], False)
    assert observe(vault, DAY, now).days[DAY] is DayState.DESTROYED
    for ask in (vault.find, vault.versions):
        with pytest.raises(DestroyedBackupError, match="was destroyed"):
            ask(DAY)


def test_a_destroyed_backup_beside_an_older_tools_object_is_destroyed(store_day: StoreDay, vault: BackupVault) -> None:
    version = store_day(signals(3)).manifest.backup.version_id
    vault.store.put_bytes("signals/2026/11/signals_backup_20261101_053000.csv", b"x", "text/csv")
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=KEY, VersionId=version)
    found = backup_status(vault, DAY, now)
    assert (found.destroyed_days, found.unverified_days) == ([DAY], [])
    assert observe(vault, DAY, now).days[DAY] is DayState.DESTROYED


def test_a_hidden_backup_is_called_deleted(store_day: StoreDay, vault: BackupVault) -> None:
    store_day(signals(3))
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=KEY)
    with pytest.raises(DeletedBackupError, match="signal-backups undelete 2026-11-01"):
        vault.find(DAY)
