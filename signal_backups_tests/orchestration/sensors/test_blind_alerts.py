"""What alerts say while the bucket cannot be reached."""

from __future__ import annotations

from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.orchestration.alerts import LAST, Notified, the_only_alert
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World


def test_that_nobody_can_see_the_backups_comes_with_the_last_good_one_that_was_seen(
    watched: World, ticks: Ticks, notified: Notified
) -> None:
    assert notified() == []
    ticks.use_vault(BackupVault(S3ObjectStore(watched.vault.store._client, "no-such-bucket"), watched.vault.layout))
    alert = the_only_alert(notified)
    assert "nobody can see what is backed up" in alert.title
    assert f"Last good backup: {LAST}, made " in alert.body
