"""Which object is a day's backup, and what the bucket says of it, whatever was done to the bucket."""

from __future__ import annotations

from collections import Counter
from datetime import date, time, timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import DeletedBackupError, DestroyedBackupError, NotFoundError
from signal_backups.core.base.objectives import due_at
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.genuine import newest_manifest
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest, StoredFile
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.monitoring.watched import FIRST, Watched
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of

SLOT = BackupSlot(FIRST)
OLDER_TOOL = BackupSlot(FIRST, time(5))


class Bucket(Watched):
    """A bucket whose manifests are in the manifest log, with the means to damage it."""

    def back_up(self, day: date = FIRST, content: bytes = b"csv") -> Manifest:
        """Store a version of a day and let a manifest vouch for it."""
        self.clock.set(max(self.clock() + timedelta(seconds=2), due_at(day)))
        stored = self.put_object(BackupSlot(day), content)
        return write_manifest(self.vault, BackupSlot(day), manifest_of(stored, day))

    def stored(self) -> StoredDay | None:
        """What the bucket holds of the first day."""
        return self.vault.stored_days(FIRST, FIRST).get(FIRST)

    def state(self) -> DayState | None:
        """The state of the first day."""
        stored = self.stored()
        return stored.state if stored else None

    def destroy(self, key: str) -> None:
        """Remove every version and delete marker of a key."""
        for version in self.vault.store.list_versions(key):
            self.vault.store._client.delete_object(Bucket="bucket", Key=version.key, VersionId=version.version_id)

    def put_on_top(self, key: str, body: bytes) -> None:
        """Put another version on top, a moment later."""
        self.clock.advance(timedelta(seconds=2))
        self.vault.store.put_bytes(key, body, "application/json")


@pytest.fixture
def bucket() -> Bucket:
    """An empty bucket."""
    return Bucket()


def test_a_day_that_was_never_stored_is_not_there(bucket: Bucket) -> None:
    assert bucket.stored() is None
    with pytest.raises(NotFoundError, match="no backup of"):
        bucket.vault.find(FIRST)


def test_the_newest_manifest_of_the_log_vouches_for_the_current_version(bucket: Bucket) -> None:
    bucket.back_up()
    newest = bucket.back_up(content=b"more")
    stored = bucket.stored()
    assert stored is not None
    assert (stored.state, stored.manifest) == (DayState.VERIFIED, newest)
    assert stored.current is not None
    assert stored.current.version_id == newest.backup.version_id


def test_a_hidden_day_stays_hidden_beside_the_object_of_an_older_tool(bucket: Bucket) -> None:
    bucket.back_up()
    bucket.put_object(OLDER_TOOL)
    bucket.hide(bucket.vault.layout.backup_key(SLOT))
    assert bucket.state() is DayState.HIDDEN
    with pytest.raises(DeletedBackupError, match="signal-backups undelete 2026-03-01"):
        bucket.vault.find(FIRST)


@pytest.mark.parametrize("with_manifest", [False, True], ids=["manifest left", "manifest destroyed too"])
def test_a_destroyed_day_is_known_from_its_manifest_or_from_the_log_alone(bucket: Bucket, with_manifest: bool) -> None:
    bucket.back_up()
    bucket.back_up(FIRST + ONE_DAY)
    bucket.destroy(bucket.vault.layout.backup_key(SLOT))
    if with_manifest:
        bucket.destroy(bucket.vault.layout.manifest_key(SLOT))
    assert bucket.state() is DayState.DESTROYED
    with pytest.raises(DestroyedBackupError):
        bucket.vault.find(FIRST)
    # Without a start, the range still begins with the destroyed day.
    bucket.clock.set(due_at(FIRST + ONE_DAY) + timedelta(hours=3))
    assert bucket.observe(None).days == {FIRST: DayState.DESTROYED, FIRST + ONE_DAY: DayState.VERIFIED}


def test_a_forged_manifest_does_not_make_a_missing_day_destroyed(bucket: Bucket) -> None:
    other = bucket.back_up(FIRST + ONE_DAY)
    forged = other.model_copy(
        update={"day": FIRST, "backup": other.backup.model_copy(update={"key": bucket.vault.layout.backup_key(SLOT)})}
    )
    bucket.put_on_top(bucket.vault.layout.manifest_key(SLOT), forged.to_bytes())
    assert bucket.stored() is None


@pytest.mark.parametrize("number", [None, 1, 99], ids=["without a number", "of another entry", "beyond the log"])
def test_a_forged_manifest_is_tampering_although_it_fits_its_object(bucket: Bucket, number: int | None) -> None:
    genuine = bucket.back_up()
    bucket.clock.advance(timedelta(seconds=2))
    stored = bucket.put_object(SLOT, b"forged")
    forged = genuine.model_copy(update={"backup": stored, "number": number})
    bucket.put_on_top(bucket.vault.layout.manifest_key(SLOT), forged.to_bytes())
    assert bucket.state() is DayState.TAMPERED


@pytest.mark.parametrize("is_destroyed", [False, True], ids=["newer versions left", "newer versions destroyed"])
def test_a_manifest_that_was_rolled_back_is_tampering(bucket: Bucket, is_destroyed: bool) -> None:
    older = bucket.back_up()
    newer = bucket.back_up(content=b"more")
    layout, client = bucket.vault.layout, bucket.vault.store._client
    for key in (layout.backup_key(SLOT), layout.manifest_key(SLOT)):
        newest = bucket.vault.store.list_versions(key)[0]
        if is_destroyed:
            client.delete_object(Bucket="bucket", Key=key, VersionId=newest.version_id)
    if not is_destroyed:
        bucket.put_on_top(layout.manifest_key(SLOT), older.to_bytes())
        client.delete_object(Bucket="bucket", Key=layout.backup_key(SLOT), VersionId=newer.backup.version_id)
    assert bucket.state() is DayState.TAMPERED


def test_the_manifest_of_another_day_is_tampering(bucket: Bucket) -> None:
    bucket.back_up()
    other = bucket.back_up(FIRST + ONE_DAY)
    bucket.put_on_top(bucket.vault.layout.manifest_key(SLOT), other.to_bytes())
    assert bucket.state() is DayState.TAMPERED


def test_numbered_manifests_count_for_nothing_once_the_manifest_log_is_gone(bucket: Bucket) -> None:
    manifest = bucket.back_up()
    bucket.destroy(bucket.vault.layout.manifest_log_prefix)
    assert manifest.number == 1
    assert bucket.state() is DayState.TAMPERED


def test_a_backup_that_was_interrupted_before_its_manifest_is_unverified(bucket: Bucket) -> None:
    bucket.back_up()
    stored = bucket.put_object(SLOT, b"more")
    interrupted = manifest_of(stored, FIRST)
    bucket.vault.manifest_log.append(
        lambda link: interrupted.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
    )
    assert bucket.state() is DayState.UNVERIFIED


@pytest.mark.parametrize(("content", "differs"), [(b"csv", False), (b"CSV", True), (b"longer", True)])
def test_another_object_of_the_day_counts_only_if_its_content_differs(
    bucket: Bucket, content: bytes, differs: bool
) -> None:
    bucket.back_up()
    bucket.put_object(OLDER_TOOL, content)
    stored = bucket.stored()
    assert stored is not None
    assert (stored.state, len(stored.others)) == (DayState.VERIFIED, int(differs))
    bucket.clock.advance(timedelta(hours=5))
    assert bucket.observe().in_state(DayState.OTHER_OBJECT) == ([FIRST] if differs else [])


def test_the_log_is_listed_whole_once_and_then_only_its_end(bucket: Bucket) -> None:
    bucket.back_up()
    assert bucket.state() is DayState.VERIFIED
    newest = bucket.back_up(content=b"more")
    before = bucket.s3.requests.copy()
    stored = bucket.stored()
    assert stored is not None
    assert (stored.state, stored.newest) == (DayState.VERIFIED, newest)
    # The log's folders and the last of them, the day's manifests and backups; the new entry and the new manifest.
    assert bucket.s3.requests - before == Counter(ListObjectVersions=1 + 1 + 1 + 1, GetObject=2)


@pytest.mark.parametrize("is_hidden", [False, True], ids=["destroyed", "hidden"])
def test_quarantined_rows_are_lost_only_if_the_version_that_the_manifest_names_is_gone(
    bucket: Bucket, is_hidden: bool
) -> None:
    key = bucket.vault.layout.quarantine_key(SLOT)
    version = bucket.vault.store.put_bytes(key, b"rows", "text/csv")
    quarantine = StoredFile(key=key, version_id=version, bytes=4, sha256="0" * 64)
    stored = bucket.put_object(SLOT)
    manifest = manifest_of(stored, FIRST).model_copy(update={"quarantined": 1, "quarantine": quarantine})
    write_manifest(bucket.vault, SLOT, manifest)
    bucket.clock.set(due_at(FIRST) + timedelta(hours=3))
    assert bucket.observe().states(FIRST) == [DayState.QUARANTINED, DayState.VERIFIED]
    # A delete marker on top leaves the version where it is.
    (bucket.hide if is_hidden else bucket.destroy)(key)
    lost = [] if is_hidden else [DayState.QUARANTINE_LOST]
    assert bucket.observe().states(FIRST) == [*lost, DayState.QUARANTINED, DayState.VERIFIED]


def test_the_newest_manifest_is_that_of_the_log_although_its_object_was_destroyed(bucket: Bucket) -> None:
    bucket.back_up()
    newest = bucket.back_up(content=b"more")
    bucket.destroy(bucket.vault.layout.manifest_key(SLOT))
    assert newest_manifest(bucket.vault, SLOT) == newest


def test_a_forged_manifest_is_never_the_newest_while_there_is_a_log(bucket: Bucket) -> None:
    genuine = bucket.back_up()
    bucket.put_on_top(bucket.vault.layout.manifest_key(SLOT), genuine.model_copy(update={"records": 9}).to_bytes())
    assert newest_manifest(bucket.vault, SLOT) == genuine


def test_the_manifest_of_an_overtaken_run_that_was_killed_is_not_the_newest(bucket: Bucket) -> None:
    """It was logged last, about an older version; the manifest on top vouches for the newer one, which is current."""
    slower = bucket.put_object(SLOT, b"slower")
    faster = bucket.back_up(content=b"faster")
    killed = manifest_of(slower, FIRST)
    bucket.vault.manifest_log.append(
        lambda link: killed.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
    )
    assert newest_manifest(bucket.vault, SLOT) == faster
    assert bucket.state() is DayState.VERIFIED


@pytest.mark.parametrize("is_hidden", [False, True], ids=["decoy", "hidden decoy"])
def test_a_decoy_beside_a_destroyed_day_changes_nothing(bucket: Bucket, is_hidden: bool) -> None:
    bucket.back_up()
    bucket.destroy(bucket.vault.layout.backup_key(SLOT))
    bucket.put_object(OLDER_TOOL, b"decoy")
    bucket.put_on_top(bucket.vault.layout.manifest_key(OLDER_TOOL), b"{}")
    if is_hidden:
        bucket.hide(bucket.vault.layout.backup_key(OLDER_TOOL))
    assert bucket.state() is DayState.DESTROYED


def test_a_day_past_its_retention_has_expired_and_was_not_destroyed(bucket: Bucket) -> None:
    bucket.back_up()
    bucket.vault.retention_years = 7
    for key in (bucket.vault.layout.backup_key(SLOT), bucket.vault.layout.manifest_key(SLOT)):
        bucket.destroy(key)
    assert bucket.state() is DayState.DESTROYED
    bucket.clock.advance(timedelta(days=7 * 366))
    assert bucket.stored() is None


def test_a_backup_that_is_made_between_two_listings_is_not_tampered_with(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.back_up()
    assert bucket.state() is DayState.VERIFIED
    refresh = bucket.vault.log_index.refresh

    def slow() -> object:
        monkeypatch.setattr(bucket.vault.log_index, "refresh", refresh)
        bucket.back_up(content=b"more")
        return refresh()

    monkeypatch.setattr(bucket.vault.log_index, "refresh", slow)
    assert bucket.state() in {DayState.VERIFIED, DayState.UNVERIFIED}
    assert bucket.state() is DayState.VERIFIED
