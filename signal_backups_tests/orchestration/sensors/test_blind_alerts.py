"""What alerts say while the bucket cannot be looked at."""

from __future__ import annotations

from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.orchestration.alerts import LAST, Told, the_only_alert
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World


def test_that_nobody_can_see_the_backups_comes_with_the_last_good_one_that_was_seen(
    watched: World, ticks: Ticks, told: Told
) -> None:
    assert told() == []
    ticks.look_at(BackupVault(S3ObjectStore(watched.vault.store._client, "no-such-bucket"), watched.vault.layout))
    alert = the_only_alert(told)
    assert "nobody can see what is backed up" in alert.title
    assert f"Last good backup: {LAST}, made " in alert.body
