"""The scrub as Dagster shows it: what was read, what does not verify, and what was not read for too long."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from signal_backups.core.base.days import ONE_DAY, utc_now
from signal_backups.core.base.errors import StoreError
from signal_backups.core.ledger.event import Action
from signal_backups.core.scrub.night import ScrubReport
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.writing import write_manifest
from signal_backups.orchestration.assets import scrub as asset_module
from signal_backups.orchestration.assets.scrub import ALL_READ_IN_TIME, READ_DAYS_VERIFY
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import SCRUB, job_name
from signal_backups_tests.core.ledger.recorded_events import recorded_events
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import QUIET, World, evaluations, materializations, metadata_of


@pytest.fixture
def backed_up(world: World) -> World:
    """Two days with backups."""
    world.table.add_days(FIRST_DAY, day_number(1))
    assert world.run(FIRST_DAY, day_number(1)).success
    return world


def read(world: World) -> dg.ExecuteInProcessResult:
    job = build_defs(resource_overrides=world.overrides()).resolve_job_def(job_name(SCRUB))
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def answers(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str]]:
    return {each.check_name: (each.passed, each.description or "") for each in evaluations(result)}


def vouch_for_other_bytes(world: World, day: date) -> None:
    """Store other bytes, and let the day's manifest vouch for them."""
    vault, slot = world.vault, BackupSlot(day)
    manifest = vault.manifest(slot)
    assert manifest is not None
    body, _ = vault.store.get_bytes(manifest.backup.key)
    other = vault.store.put_bytes(manifest.backup.key, body.replace(b"BUY", b"XXX"), "text/csv")
    claimed = manifest.model_copy(update={"backup": manifest.backup.model_copy(update={"version_id": other})})
    write_manifest(vault, slot, claimed)


def test_a_night_reads_a_part_and_says_so(backed_up: World) -> None:
    result = read(backed_up)
    (event,) = materializations(result, SCRUB)
    shown = metadata_of(event)
    assert (shown["days"], shown["of_days"], shown["failed"], shown["not_read"]) == (1, 2, "none", "none")
    assert (shown["oldest_unread"], shown["oldest_unread_days"]) == (str(day_number(1)), 0)
    assert answers(result) == {
        READ_DAYS_VERIFY: (True, "1 of 2 days read, all verify"),
        ALL_READ_IN_TIME: (True, f"{day_number(1)} was read 0 days ago; 30 days are allowed"),
    }
    (recorded,) = recorded_events(backed_up.vault, Action.VERIFICATION)
    assert (recorded.details["days"], recorded.actor.run_id) == ([str(FIRST_DAY)], result.run_id)


def test_the_limit_is_a_setting(backed_up: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_READ_WITHIN_DAYS", "1")
    (event,) = materializations(read(backed_up), SCRUB)
    assert metadata_of(event)["days"] == 2


def test_a_day_that_is_not_what_was_stored_fails_its_check(backed_up: World) -> None:
    vouch_for_other_bytes(backed_up, FIRST_DAY)
    passed, why = answers(read(backed_up))[READ_DAYS_VERIFY]
    assert not passed
    assert why.startswith(f"{FIRST_DAY}: ")


def test_what_is_unread_for_too_long_warns(backed_up: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backed_up.vault.store, "clock", lambda: utc_now() + 40 * ONE_DAY)
    result = read(backed_up)
    assert answers(result)[ALL_READ_IN_TIME] == (False, f"{day_number(1)} was read 40 days ago; 30 days are allowed")
    (check,) = [each for each in evaluations(result) if not each.passed]
    assert check.severity is dg.AssetCheckSeverity.WARN


def test_a_store_that_gives_nothing_fails_the_run(backed_up: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("no answer", transient=True)

    monkeypatch.setattr(backed_up.vault.store, "get_file", refuse)
    result = read(backed_up)
    assert not result.success
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == "no answer"


def test_days_that_wait_and_a_night_that_ended_early_are_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [FIRST_DAY, day_number(1)]
    report = ScrubReport(utc_now(), 9, [], [], waiting=waiting, ended_early=True, oldest=None, requests=0)
    monkeypatch.setattr(asset_module, "scrub", lambda *_, **__: report)
    passed, why = answers(read(world))[READ_DAYS_VERIFY]
    assert not passed
    assert f"{FIRST_DAY} to {day_number(1)}, not tried again: " in why
    assert "the night ended early: " in why
