"""Two runs that back up the same day at the same time, in every order of their requests."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import StoreOutcome, store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import ConflictError
from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3

SLOT = BackupSlot(DAY)
BUCKET = "backups"
#: How many requests one run makes before the other begins, and that one before the first goes on. All of them take
#: an hour; a run makes about as many.
ORDERS = list(product(range(1, 40), repeat=2))


class Gate:
    """Lets the requests of several clients pass in a given order: so many of one, so many of the next, and so on."""

    def __init__(self, *turns: tuple[str, int]) -> None:
        self._turns = list(turns)
        self._changed = Condition()

    def client(self, memory: StrictS3, name: str) -> Any:
        """A client whose requests wait for its turn."""
        client = memory.client(max_attempts=5)
        client.meta.events.register_first("before-send.s3", lambda **_: self._pass(name))
        return client

    def finish(self, name: str) -> None:
        """All that it had to do is done: its turns are over."""
        with self._changed:
            self._turns = [turn for turn in self._turns if turn[0] != name]
            self._changed.notify_all()

    def _pass(self, name: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._turns or self._turns[0][0] == name, timeout=60)
            if self._turns:
                left = self._turns[0][1] - 1
                self._turns[:1] = [(name, left)] if left > 0 else []
                self._changed.notify_all()


class World:
    """A bucket with a first backup of the day, and two later states of the database."""

    def __init__(self, run_day: RunDay, tmp_path: Path, states: Sequence[Sequence[Row]], first: Sequence[Row]) -> None:
        self._folders = [run_day(rows, file=f"state-{number}.db").folder for number, rows in enumerate(states)]
        self._scratch = (tmp_path / f"scratch-{number}" for number in count())
        self.memory = StrictS3(utc_now)
        create_versioned_bucket(self.memory.client(), BUCKET)
        if first:
            store_backup(self.vault(self.memory), run_day(first, file="first.db").folder, BackupRun("first"))

    @staticmethod
    def vault(memory: StrictS3, client: Any = None) -> BackupVault:
        return BackupVault(S3ObjectStore(client or memory.client(), BUCKET), Layout())

    def run(self, first: int, second: int) -> tuple[BackupVault, list[StoreOutcome | ConflictError]]:
        """One run makes so many requests, then the other, then the first ends, and then the other."""
        memory = self.memory.copy()
        gate = Gate(*[turn for turn in (("0", first), ("1", second), ("0", 10**6)) if turn[1]])
        ended: dict[str, StoreOutcome | ConflictError | BaseException] = {}

        def back_up(name: str, folder: DayFolder) -> None:
            try:
                ended[name] = store_backup(self.vault(memory, gate.client(memory, name)), folder, BackupRun(name))
            except BaseException as error:  # noqa: BLE001 - raised again by the main thread
                ended[name] = error
            finally:
                gate.finish(name)

        threads = [Thread(target=back_up, args=(str(n), self._copy(each))) for n, each in enumerate(self._folders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcomes = []
        for name in ("0", "1"):
            outcome = ended[name]
            if not isinstance(outcome, StoreOutcome | ConflictError):
                raise outcome
            outcomes.append(outcome)
        return self.vault(memory), outcomes

    def _copy(self, folder: DayFolder) -> DayFolder:
        path = next(self._scratch)
        shutil.copytree(folder.path, path)
        return DayFolder(path, folder.day)


def ids(vault: BackupVault) -> set[str]:
    body = vault.store.get_bytes(vault.layout.backup_key(SLOT))[0].decode()
    return {line.split(",")[0] for line in body.splitlines()[1:]}


def check(vault: BackupVault, ended: Sequence[StoreOutcome | ConflictError]) -> None:
    succeeded = [outcome for outcome in ended if isinstance(outcome, StoreOutcome)]
    assert succeeded, [str(each) for each in ended]
    backup = vault.find(DAY)
    assert backup.is_vouched
    of_day = [
        Manifest.from_bytes(entry.body, entry.key)
        for entry in vault.manifest_log.entries()
        if Manifest.from_bytes(entry.body, entry.key).day == DAY
    ]
    assert of_day[-1] == backup.manifest, "the log's last entry of the day is the manifest that stands"
    assert backup.current.version_id in {outcome.manifest.backup.version_id for outcome in succeeded}
    kept = ids(vault)
    for outcome in succeeded:
        body = vault.store.get_bytes(outcome.manifest.backup.key, outcome.manifest.backup.version_id)[0].decode()
        assert {line.split(",")[0] for line in body.splitlines()[1:]} <= kept, "no run took anything back"
    later = BackupVault(
        S3ObjectStore(vault.store._client, BUCKET, clock=lambda: utc_now() + timedelta(days=1)), Layout()
    )
    report = examine_trail(later)
    assert report.findings == []


NEW = ([*signals(3), signal(4)], [*signals(3), signal(5), signal(6)])
STATES = {
    "both add other signals": (NEW, signals(3)),
    "the first backups": (NEW, []),
    "both add the same": (([*signals(3), signal(4)], [*signals(3), signal(4)]), signals(3)),
    "one adds quarantined rows": (([*signals(3), signal(7, action="HOLD")], NEW[1]), signals(3)),
    "both add quarantined rows": (
        ([*signals(3), signal(7, action="HOLD")], [*signals(3), signal(8, action="HOLD")]),
        signals(3),
    ),
    "one has nothing new": ((signals(3), NEW[1]), signals(3)),
}


@pytest.fixture
def world_of(run_day: RunDay, tmp_path: Path) -> Callable[[str], World]:
    return lambda name: World(run_day, tmp_path, *STATES[name])


def run_in_orders(world: World, orders: list[tuple[int, int]]) -> None:
    for first, second in orders:
        vault, ended = world.run(first, second)
        check(vault, ended)


@pytest.mark.parametrize("name", STATES)
def test_in_some_orders(world_of: Callable[[str], World], name: str) -> None:
    run_in_orders(world_of(name), random.Random(name).sample(ORDERS, 5))  # noqa: S311 - the same every time


@pytest.mark.slow
@pytest.mark.parametrize("name", STATES)
def test_in_many_orders(world_of: Callable[[str], World], name: str) -> None:
    run_in_orders(world_of(name), random.Random(f"{name}, many").sample(ORDERS, 15))  # noqa: S311
