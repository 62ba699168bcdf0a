"""Seven attacks on a stored day, each carried out, and the layer that shows it; the page in ``docs/`` says the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.integrity.anchors.anchoring import anchor_heads
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.examine_trail import TrailReport, examine_trail
from signal_backups.core.integrity.log.findings import Fault, LogName
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.adversary.attacks import ALTERATIONS, Alteration, Intruder
from signal_backups_tests.adversary.layers import Layer, caught_by
from signal_backups_tests.adversary.page import PAGE, page
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import sqlite_table
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3
from signal_backups_tests.servers.timestamp_authority import Authority, timestamp_authority

pytestmark = [pytest.mark.slow, pytest.mark.needs("openssl")]

REWRITE_MANIFEST = "Any of these, and rewrite the manifest"
REWRITE_LOG = "Any of these, and rewrite the whole manifest log"
DAYS = [date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)]
#: Neither the first nor the newest: others follow it in both chains.
ALTERED = BackupSlot(DAYS[1])
LOCK = LockPolicy(LockMode.COMPLIANCE, years=1)

ONLY_ROW_HASH = set(Layer)
FROM_MANIFEST = ONLY_ROW_HASH - {Layer.ROW_HASH}
FROM_CHAIN = FROM_MANIFEST - {Layer.MANIFEST}
ONLY_OUTSIDE = {Layer.OUTSIDE}
EXPECTED = {
    "Edit a row": ONLY_ROW_HASH,
    "Edit a row and its hash": FROM_MANIFEST,
    "Delete a row": FROM_MANIFEST,
    "Duplicate a row": FROM_MANIFEST,
    "Reorder rows": FROM_MANIFEST,
    REWRITE_MANIFEST: FROM_CHAIN,
    REWRITE_LOG: ONLY_OUTSIDE,
}


#: For each attack: the alterations it can begin with, and how many of the intruder's steps it takes.
ATTACKS: dict[str, tuple[list[Alteration], int]] = {
    **{name: ([alteration], 1) for name, alteration in ALTERATIONS.items()},
    REWRITE_MANIFEST: (list(ALTERATIONS.values()), 2),
    REWRITE_LOG: (list(ALTERATIONS.values()), 4),
}


def _signal(day: date, number: int) -> Row:
    return signal(number, signal_id=f"{day}-{number}", timestamp=f"{day}T10:00:0{number}Z")


class Scene:
    """Buckets with three days each, ready to be attacked."""

    def __init__(self, authority: Authority, scratch: Path) -> None:
        self._client = StrictS3(utc_now).client()
        self._authority = authority
        self._scratch = scratch
        rows = [_signal(day, number) for day in DAYS for number in range(5)]
        source = sqlite_table(scratch / "signals.db", rows)
        self._days = [extracted(source, scratch, day) for day in DAYS]

    def caught(self, alteration: Alteration, steps: int) -> set[Layer]:
        """The layers that notice an attack on a bucket without lock; its anchors are in a second bucket too."""
        vault, outside = self._filled(self._store()), AnchorDestinations(second=self._store())
        assert anchor_heads(vault, outside).errors == []
        self._attack(vault, alteration, steps)
        return caught_by(vault, ALTERED, outside, self._scratch)

    def caught_by_time_stamp(self, alteration: Alteration) -> TrailReport:
        """What the rewritten chain comes to, when the only anchor, a time stamp, was not removed."""
        vault = self._filled(self._store())
        assert anchor_heads(vault, AnchorDestinations(self._authority.url, self._authority.ca_pem)).errors == []
        self._attack(vault, alteration, 3)
        return examine_trail(vault, ca_pem=self._authority.ca_pem)

    def caught_under_lock(self, alteration: Alteration, steps: int) -> set[Layer]:
        """The layers that notice an attack on a bucket that locks what is written, and has no anchors."""
        vault = self._filled(self._store(LOCK))
        self._attack(vault, alteration, steps)
        return caught_by(vault, ALTERED, AnchorDestinations(), self._scratch)

    def _attack(self, vault: BackupVault, alteration: Alteration, steps: int) -> None:
        intruder = Intruder(vault, ALTERED)
        whole = (intruder.rewrite_manifest, intruder.rewrite_chain, intruder.remove_anchors)
        for step in (lambda: intruder.alter(alteration), *whole)[:steps]:
            step()

    def _filled(self, store: S3ObjectStore) -> BackupVault:
        vault = BackupVault(store, Layout())
        for day in self._days:
            store_backup(vault, day.folder, BackupRun("run"))
        assert examine_trail(vault, full=True).ok
        return vault

    def _store(self, lock: LockPolicy | None = None) -> S3ObjectStore:
        bucket, client = f"test-{uuid.uuid4().hex}", self._client
        if lock:
            client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        else:
            create_versioned_bucket(client, bucket)
        return S3ObjectStore(client, bucket, lock=lock)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with timestamp_authority(tmp_path_factory.mktemp("authority")) as authority:
        yield Scene(authority, tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def table(scene: Scene) -> dict[str, set[Layer]]:
    """The layers that catch each attack, whatever it begins with."""
    return {
        name: set.intersection(*(scene.caught(alteration, steps) for alteration in alterations))
        for name, (alterations, steps) in ATTACKS.items()
    }


@pytest.mark.parametrize("attack", EXPECTED)
def test_each_attack_is_caught_by_the_layers_that_can_see_it(table: dict[str, set[Layer]], attack: str) -> None:
    assert table[attack] == EXPECTED[attack]


def test_each_layer_adds_to_those_before_and_all_of_them_catch_everything(table: dict[str, set[Layer]]) -> None:
    assert [sum(layer in caught for caught in table.values()) for layer in Layer] == [1, 5, 6, 7]


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS)
def test_under_a_lock_a_rewritten_chain_shows_without_any_anchor(scene: Scene, alteration: Alteration) -> None:
    assert Layer.CHAIN in scene.caught_under_lock(alteration, 4)


def test_a_time_stamp_shows_which_event_was_another_one(scene: Scene) -> None:
    report = scene.caught_by_time_stamp(ALTERATIONS["Edit a row and its hash"])
    assert [(found.log, found.kind, found.number) for found in report.findings] == [
        (LogName.EVENTS, Fault.REWRITTEN, 3),
        (LogName.MANIFESTS, Fault.REWRITTEN, 3),
    ]


def test_the_page_is_what_the_attacks_came_to(table: dict[str, set[Layer]], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--write-pages"):
        PAGE.write_text(page(table), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(table), "write it anew with: make tamper-evidence"
