"""Undelete: removes markers or copies good versions up, removes no version, and writes audit events."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from signal_backups.core.base.errors import (
    DestroyedBackupError,
    ExitCode,
    NotFoundError,
    ReadBackError,
    RefusedBackupError,
    StoreError,
    VouchedBackupLostError,
)
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.restore.undelete import Undeletion, undelete
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import beside_the_trail, objects, recorded_events
from signal_backups_tests.core.restore.backups import (
    KEY,
    MANIFEST_KEY,
    ONE_DAY,
    QUARANTINE_KEY,
    SLOT,
    BackUp,
    delete,
    destroy,
    overwrite,
    restore,
    vouch,
)
from signal_backups_tests.core.restore.places import Place, as_held
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY, signal, signals

LATER = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "scratch"


def bring_back(vault: BackupVault, scratch: Path, version_id: str | None = None) -> Undeletion:
    done = undelete(vault, DAY, version_id, scratch, lambda: LATER)
    assert not scratch.exists() or list(scratch.iterdir()) == []
    return done


def events(vault: BackupVault) -> list[Event]:
    return recorded_events(vault, Action.UNDELETE)


def content(vault: BackupVault, version_id: str | None = None) -> bytes:
    return vault.store.get_bytes(KEY, version_id)[0]


def test_a_deleted_day_comes_back_with_manifest_and_quarantine(
    back_up: BackUp, vault: BackupVault, scratch: Path
) -> None:
    manifest = back_up([*signals(3), signal(4, action="HOLD")])
    before = beside_the_trail(vault)
    keys = (KEY, MANIFEST_KEY, QUARANTINE_KEY)
    markers = [f"{key}?versionId={delete(vault, key)}" for key in keys]
    done = bring_back(vault, scratch)
    assert (done.version_id, done.copied_from, done.removed_markers) == (manifest.backup.version_id, None, markers)
    assert beside_the_trail(vault) == before
    backup = vault.find(DAY)
    assert backup.is_vouched
    assert backup.manifest == manifest


def test_a_day_deleted_twice_comes_back(back_up: BackUp, vault: BackupVault, scratch: Path) -> None:
    back_up(signals(3))
    delete(vault)
    delete(vault)
    assert len(bring_back(vault, scratch).removed_markers) == 2
    assert vault.find(DAY).is_vouched


def test_a_deleted_manifest_comes_back(back_up: BackUp, vault: BackupVault, scratch: Path) -> None:
    back_up(signals(3))
    delete(vault, MANIFEST_KEY)
    assert [marker.split("?")[0] for marker in bring_back(vault, scratch).removed_markers] == [MANIFEST_KEY]
    assert vault.find(DAY).is_vouched


def test_an_audit_event_says_what_was_done_and_by_whom(back_up: BackUp, vault: BackupVault, scratch: Path) -> None:
    back_up(signals(3))
    marker = delete(vault)
    done = bring_back(vault, scratch)
    (event,) = events(vault)
    assert (event.number, event.result, event.actor) == (done.event, "markers removed", vault.trail.actor)
    assert (objects(event), event.details) == ({(KEY, marker)}, {"day": "2026-11-01"})


@pytest.mark.parametrize("deleted", [False, True])
def test_the_newest_good_version_of_an_overwritten_day_is_copied_up(
    place: Place, back_up: BackUp, vault: BackupVault, scratch: Path, tmp_path: Path, deleted: bool
) -> None:
    back_up(signals(2))
    good = back_up([*signals(3), signal(4, action="HOLD")])
    overwrite(vault, b"foreign")
    if deleted:
        delete(vault)
    newest = vault.store.list_versions(KEY)[0].version_id
    before = {version for version in beside_the_trail(vault) if version[1] != newest}
    done = bring_back(vault, scratch)
    assert done.copied_from == good.backup.version_id
    assert len(done.removed_markers) == deleted
    assert before <= beside_the_trail(vault)
    assert content(vault) == content(vault, good.backup.version_id)
    backup = vault.find(DAY)
    assert backup.is_vouched
    assert backup.current.version_id == done.version_id != good.backup.version_id
    manifest = backup.manifest
    assert manifest is not None
    assert (manifest.copied_from, manifest.quarantine) == (good.backup.version_id, good.quarantine)
    assert manifest.verification.verified_at == LATER
    assert manifest.expected == good.expected
    copy = events(vault)[-1]
    assert [event.result for event in events(vault)] == ["markers removed"] * deleted + ["copied up"]
    assert (copy.number, objects(copy)) == (done.event, {(KEY, done.version_id)})
    chained = vault.manifest_log.head()
    assert chained is not None
    assert copy.details == {
        "day": "2026-11-01",
        "copied_from": good.backup.version_id,
        "manifest": {"number": chained.number, "sha256": chained.sha256},
    }
    restore(vault, place.target(), tmp_path)
    assert place.rows() == as_held(signals(3))


@pytest.mark.parametrize("what", ["deleted", "overwritten", "nothing"])
def test_a_second_undelete_does_nothing(back_up: BackUp, vault: BackupVault, scratch: Path, what: str) -> None:
    back_up(signals(3))
    if what == "deleted":
        delete(vault)
    if what == "overwritten":
        overwrite(vault, b"foreign")
    first = bring_back(vault, scratch)
    before = beside_the_trail(vault)
    again = bring_back(vault, scratch)
    assert (again.version_id, again.event, again.removed_markers) == (first.version_id, None, [])
    assert again.copied_from is None
    assert beside_the_trail(vault) == before


def test_a_named_noncurrent_version_is_made_current(back_up: BackUp, vault: BackupVault, scratch: Path) -> None:
    old = back_up(signals(2))
    back_up(signals(3))
    done = bring_back(vault, scratch, old.backup.version_id)
    assert (done.copied_from, done.removed_markers) == (old.backup.version_id, [])
    assert content(vault) == content(vault, old.backup.version_id)
    assert vault.find(DAY).is_vouched
    assert vault.find(DAY).manifest.records == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_named_version_that_is_already_current_is_not_copied(
    back_up: BackUp, vault: BackupVault, scratch: Path, deleted: bool
) -> None:
    old = back_up(signals(2))
    back_up(signals(3))
    if deleted:
        delete(vault)
    first = bring_back(vault, scratch, old.backup.version_id)
    before = beside_the_trail(vault)
    for named in (old.backup.version_id, first.version_id):
        again = bring_back(vault, scratch, named)
        assert (again.version_id, again.event) == (first.version_id, None)
    assert beside_the_trail(vault) == before


def test_a_copy_of_a_backup_of_an_older_release_gets_a_merkle_root(
    back_up: BackUp, vault: BackupVault, scratch: Path
) -> None:
    good = back_up(signals(3))
    earlier = good.model_copy(update={"merkle_root": None, "number": None, "previous": None})
    vault.store.put_bytes(MANIFEST_KEY, earlier.to_bytes(), JSON_TYPE)
    overwrite(vault, b"foreign")
    bring_back(vault, scratch, good.backup.version_id)
    manifest = vault.find(DAY).manifest
    assert manifest is not None
    assert good.merkle_root is not None
    assert (manifest.merkle_root, manifest.copied_from) == (good.merkle_root, good.backup.version_id)


def test_if_markers_cannot_be_removed_a_version_is_copied_up(
    back_up: BackUp, vault: BackupVault, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = back_up(signals(3))
    delete(vault)

    def denied(marker: ObjectVersion) -> None:
        raise StoreError("AccessDenied")

    monkeypatch.setattr(vault.store, "remove_delete_marker", denied)
    done = bring_back(vault, scratch)
    assert (done.removed_markers, done.copied_from) == ([], good.backup.version_id)
    assert vault.find(DAY).is_vouched


def test_an_unreachable_store_is_not_mistaken_for_a_refusal(
    back_up: BackUp, vault: BackupVault, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(signals(3))
    delete(vault)
    before = beside_the_trail(vault)

    def down(marker: ObjectVersion) -> None:
        raise StoreError("503", transient=True)

    monkeypatch.setattr(vault.store, "remove_delete_marker", down)
    with pytest.raises(StoreError, match="503"):
        bring_back(vault, scratch)
    assert beside_the_trail(vault) == before


def test_a_day_that_was_never_backed_up_is_not_found(back_up: BackUp, vault: BackupVault, scratch: Path) -> None:
    back_up([], DAY + ONE_DAY)
    with pytest.raises(NotFoundError, match="no backup of 2026-11-01 in s3:") as raised:
        bring_back(vault, scratch)
    assert raised.value.exit_code is ExitCode.NOT_FOUND


def test_a_day_that_was_never_verified_is_not_found(three: DayRun, vault: BackupVault, scratch: Path) -> None:
    overwrite(vault, three.csv)
    before = beside_the_trail(vault)
    with pytest.raises(NotFoundError, match="was ever verified") as raised:
        bring_back(vault, scratch)
    assert f"signal-backups restore --key {KEY} --version-id" in raised.value.remedy
    assert beside_the_trail(vault) == before


def test_a_removed_marker_is_recorded_even_without_a_good_version_below(
    three: DayRun, vault: BackupVault, scratch: Path
) -> None:
    overwrite(vault, three.csv)
    marker = delete(vault)
    with pytest.raises(NotFoundError, match="was ever verified"):
        undelete(vault, DAY, None, scratch)
    (event,) = events(vault)
    assert (event.result, objects(event)) == ("markers removed", {(KEY, marker)})


def test_a_named_version_must_exist_and_be_verified(
    back_up: BackUp, vault: BackupVault, scratch: Path, three: DayRun
) -> None:
    back_up(signals(2))
    unverified = overwrite(vault, three.csv)
    before = beside_the_trail(vault)
    with pytest.raises(NotFoundError, match="no version nonsense"):
        bring_back(vault, scratch, "nonsense")
    with pytest.raises(NotFoundError, match="no manifest vouches for version"):
        bring_back(vault, scratch, unverified)
    assert beside_the_trail(vault) == before


@pytest.mark.parametrize("is_named", [False, True])
def test_a_version_that_does_not_verify_is_refused(
    back_up: BackUp, vault: BackupVault, scratch: Path, tmp_path: Path, is_named: bool
) -> None:
    good = back_up(signals(3))
    rotten = vouch(vault, good, b"rotten", tmp_path, 3)
    if not is_named:
        remove_version(vault, good)
    overwrite(vault, b"foreign")
    before = beside_the_trail(vault)
    with pytest.raises(RefusedBackupError, match="does not verify") as raised:
        bring_back(vault, scratch, rotten.backup.version_id if is_named else None)
    assert raised.value.exit_code is ExitCode.FAILED
    assert beside_the_trail(vault) == before
    (event,) = events(vault)
    assert (event.result, event.details["copied_from"]) == ("failed", rotten.backup.version_id)
    assert "does not verify" in event.details["error"]


def test_the_newest_version_that_verifies_is_copied_up(
    back_up: BackUp, vault: BackupVault, scratch: Path, tmp_path: Path
) -> None:
    good = back_up(signals(3))
    vouch(vault, good, b"rotten", tmp_path, 3)
    assert bring_back(vault, scratch).copied_from == good.backup.version_id
    assert bring_back(vault, scratch).copied_from is None, "there is nothing more to do"


def test_an_older_version_replaces_a_newer_one_that_is_gone_only_if_it_is_named(
    back_up: BackUp, vault: BackupVault, scratch: Path
) -> None:
    """It may hold less, and the next backup is compared with what the newest manifest vouches for."""
    older, newest = back_up(signals(3)), back_up(signals(4))
    remove_version(vault, newest)
    with pytest.raises(VouchedBackupLostError, match="is gone from S3: an older one may hold less"):
        bring_back(vault, scratch)
    assert bring_back(vault, scratch, older.backup.version_id).copied_from == older.backup.version_id
    assert back_up(signals(4)).records == 4


def remove_version(vault: BackupVault, manifest: Manifest) -> None:
    named = {"Key": manifest.backup.key, "VersionId": manifest.backup.version_id}
    vault.store._client.delete_object(Bucket=vault.store.bucket, **named)


def test_a_copy_that_reads_back_differently_gets_no_manifest(
    back_up: BackUp, vault: BackupVault, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = back_up(signals(3))
    overwrite(vault, b"foreign")
    plain = vault.store.get_file

    def flips(key: str, version_id: str, target: Path) -> None:
        plain(key, version_id, target)
        if version_id != good.backup.version_id:
            target.write_bytes(target.read_bytes().replace(b"EURUSD", b"USDEUR", 1))

    with monkeypatch.context() as patch:
        patch.setattr(vault.store, "get_file", flips)
        with pytest.raises(ReadBackError):
            bring_back(vault, scratch)
    assert not vault.find(DAY).is_vouched
    assert vault.manifest(SLOT) == good
    assert [event.result for event in events(vault)] == ["failed"]
    assert bring_back(vault, scratch).copied_from == good.backup.version_id


def test_our_backup_comes_back_and_not_one_of_an_older_tool(
    back_up: BackUp, vault: BackupVault, scratch: Path, three: DayRun
) -> None:
    old_key = Layout().backup_key(BackupSlot(DAY, time(23, 15)))
    overwrite(vault, three.csv, old_key)
    back_up(signals(3))
    delete(vault)
    assert bring_back(vault, scratch).key == KEY
    destroy(vault, KEY)
    # The older object is no version of the backup that was vouched for.
    with pytest.raises(DestroyedBackupError):
        bring_back(vault, scratch)


def test_a_named_version_is_not_current_while_a_newer_manifest_is_the_last_of_the_log(
    back_up: BackUp, vault: BackupVault, scratch: Path
) -> None:
    """The newest object and its manifest were destroyed: the older ones fit each other, and are not the last word."""
    older, newest = back_up(signals(3)), back_up(signals(4))
    remove_version(vault, newest)
    manifest = vault.store.list_versions(vault.layout.manifest_key(BackupSlot(DAY)))[0]
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=manifest.key, VersionId=manifest.version_id)
    assert bring_back(vault, scratch, older.backup.version_id).copied_from == older.backup.version_id
    assert vault.stored_days(DAY, DAY)[DAY].state is DayState.VERIFIED


def test_a_manifest_that_was_rolled_back_is_put_right(back_up: BackUp, vault: BackupVault, scratch: Path) -> None:
    older, newest = back_up(signals(3)), back_up(signals(4))
    key = vault.layout.manifest_key(BackupSlot(DAY))
    vault.store.put_bytes(key, older.to_bytes(), "application/json")
    assert bring_back(vault, scratch).copied_from == newest.backup.version_id
    assert vault.stored_days(DAY, DAY)[DAY].state is DayState.VERIFIED
