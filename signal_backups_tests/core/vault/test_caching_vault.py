"""The caching vault: every version of a manifest is read once."""

from __future__ import annotations

from collections import Counter

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.vault.caching_vault import CachingVault
from signal_backups.core.vault.layout import BackupSlot
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

SECOND = FIRST + ONE_DAY


def test_a_version_is_read_once_also_by_the_next_vault_with_the_same_cache() -> None:
    watched, cache = Watched(), {}
    watched.put(FIRST, SECOND)
    vault = CachingVault(watched.vault, cache)
    versions = [watched.vault.manifest_versions(day, day)[BackupSlot(day)][0] for day in (SECOND, FIRST)]
    before = watched.s3.requests.copy()
    assert [manifest.day for manifest in map(vault.manifest_at, versions) if manifest] == [SECOND, FIRST]
    assert vault.manifest_at(versions[0]) == CachingVault(watched.vault, cache).manifest_at(versions[0])
    assert watched.s3.requests - before == Counter(GetObject=2)


def test_one_that_cannot_be_read_or_is_gone_is_not_read_again() -> None:
    watched = Watched()
    watched.put(FIRST, SECOND)
    key = watched.vault.layout.manifest_key(BackupSlot(FIRST))
    gone = watched.vault.manifest_versions(SECOND, SECOND)[BackupSlot(SECOND)][0]
    watched.vault.store._client.delete_object(Bucket="bucket", Key=gone.key, VersionId=gone.version_id)
    watched.vault.store.put_bytes(key, b"{", "application/json")
    unreadable = watched.vault.manifest_versions(FIRST, FIRST)[BackupSlot(FIRST)][0]
    vault = CachingVault(watched.vault)
    assert [vault.manifest_at(each) for each in (gone, unreadable)] == [None, None]
    before = watched.s3.requests.copy()
    assert [vault.manifest_at(each) for each in (gone, unreadable)] == [None, None]
    assert watched.s3.requests - before == Counter()
