"""Every state that a day can be in is produced by a damage, and ``status --json`` names it."""

from __future__ import annotations

import pytest

from signal_backups.core.vault.day_state import DayState
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.damage.damages import HEALTHY
from signal_backups_tests.damage.inflicted import damaged_sites
from signal_backups_tests.damage.questions import asked_in_little_time

#: States that are no damage: nothing is wrong with the day, or nothing can be wrong with it yet.
HARMLESS = {"verified", "due"}


def test_every_state_of_a_day_is_produced_by_a_damage(
    tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server
) -> None:
    with damaged_sites(tmp_path_factory.mktemp("states"), s3_server) as sites, asked_in_little_time():
        states = {
            damage: site.terminal.run("status", "--json").json["day_states"].get(site.day.isoformat(), [])
            for damage, site in sites.items()
        }
    assert states[HEALTHY] == []
    produced = {state for found in states.values() for state in found}
    assert produced | HARMLESS >= set(DayState), {damage.key: found for damage, found in states.items()}
    assert produced <= set(DayState)
