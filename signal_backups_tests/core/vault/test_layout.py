"""Keys and their inverses."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups_tests.samples.examples import examples, moments

DAY = date(2026, 11, 1)
LAYOUTS = [Layout(), Layout("desk/signals/"), Layout("a/b/")]

slots = st.builds(
    BackupSlot, st.dates(date(1000, 1, 1)), st.times().map(lambda moment: moment.replace(microsecond=0, fold=0))
)


def test_the_keys_of_a_day() -> None:
    slot = BackupSlot(DAY)
    assert Layout().backup_key(slot) == "signals/2026/11/signals_backup_20261101_020000.csv"
    assert Layout().manifest_key(slot) == "manifests/2026/11/signals_backup_20261101_020000.json"
    assert Layout().quarantine_key(slot) == "quarantine/2026/11/signals_quarantine_20261101_020000.csv"


def test_a_prefix_puts_everything_below_it() -> None:
    layout, slot = Layout("desk/signals/"), BackupSlot(DAY)
    keys = [layout.backup_key(slot), layout.manifest_key(slot), layout.quarantine_key(slot)]
    assert [key.split("/")[:2] for key in keys] == [["desk", "signals"], ["desk", "manifests"], ["desk", "quarantine"]]


@pytest.mark.parametrize("prefix", ["my-signals/", "desk/", "desk/my-signals/"])
def test_a_prefix_that_is_not_a_signals_folder_holds_its_own_manifests(prefix: str) -> None:
    assert Layout(prefix).manifest_key(BackupSlot(DAY)).startswith(f"{prefix}manifests/")
    assert Layout(prefix).quarantine_key(BackupSlot(DAY)).startswith(f"{prefix}quarantine/")


@examples(200)
@given(st.sampled_from(LAYOUTS), slots)
def test_each_key_leads_back_to_its_slot(layout: Layout, slot: BackupSlot) -> None:
    assert layout.slot_of(layout.backup_key(slot)) == slot
    assert layout.slot_of_manifest(layout.manifest_key(slot)) == slot
    assert layout.slot_of_quarantine(layout.quarantine_key(slot)) == slot


@examples(200)
@given(st.sampled_from(LAYOUTS), moments(date(1000, 1, 1), date.max), st.sampled_from("0123456789/_x"), st.data())
def test_what_leads_to_a_slot_is_that_slots_key(
    layout: Layout, moment: datetime, other: str, data: st.DataObject
) -> None:
    key = layout.backup_key(BackupSlot(moment.date(), moment.time()))
    place = data.draw(st.integers(0, len(key) - 1))
    changed = key[:place] + other + key[place + 1 :]
    slot = layout.slot_of(changed)
    assert slot is None or layout.backup_key(slot) == changed


@pytest.mark.parametrize(
    "key",
    [
        "",
        "signals/",
        "signals/readme.txt",
        "signals/2026/11/",
        "signals/2026/11/signals_backup_20261101_020000.csv.gz",
        "signals/2026/11/signals_backup_20261101_020000.csv\n",
        "signals/2026/11/signals_backup_20261101.csv",
        "signals/2026/12/signals_backup_20261101_020000.csv",
        "signals/2025/11/signals_backup_20261101_020000.csv",
        "signals/2026/02/signals_backup_20260230_020000.csv",
        "signals/2026/11/signals_backup_20261101_250000.csv",
        "signals/2026/11/signals_backup_20261101_020060.csv",
        "signals/2026/11/old/signals_backup_20261101_020000.csv",
        "signals/2026/11/signals_backup_2026110\u0661_020000.csv",
        "other/2026/11/signals_backup_20261101_020000.csv",
        "2026/11/signals_backup_20261101_020000.csv",
        "x/signals/2026/11/signals_backup_20261101_020000.csv",
        "manifests/2026/11/signals_backup_20261101_020000.json",
    ],
)
def test_a_foreign_key_leads_to_no_slot(key: str) -> None:
    assert Layout().slot_of(key) is None


@pytest.mark.parametrize(
    "key",
    [
        "manifests/2026/11/signals_backup_20261101_020000.csv",
        "2026/11/signals_backup_20261101_020000.json",
        "manifests/2026/10/signals_backup_20261101_020000.json",
        "manifests/2026/02/signals_backup_20260230_020000.json",
    ],
)
def test_a_foreign_manifest_key_leads_to_no_slot(key: str) -> None:
    assert Layout().slot_of_manifest(key) is None


def test_a_key_of_an_older_tool_keeps_its_time() -> None:
    slot = Layout().slot_of("signals/2026/11/signals_backup_20261101_235959.csv")
    assert slot == BackupSlot(DAY, time(23, 59, 59))
