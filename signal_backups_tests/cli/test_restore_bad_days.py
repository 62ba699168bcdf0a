"""``signal-backups restore`` on bad days: whatever breaks, a day is wholly in the target or not at all."""

from __future__ import annotations

import json
import random
import re
import signal as unix_signals
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.restore.journal import RestoreJournal
from signal_backups.core.restore.report import DayRestore, RestoreReport
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import choose_days
from signal_backups.core.restore.targets.open_target import open_target
from signal_backups.core.vault.manifest import Manifest
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import (
    FIRST,
    Held,
    StoredDays,
    as_held,
    day_at,
    days_held,
    held_in,
    held_in_postgres,
    held_in_sqlite,
    rows_of,
    stored_days,
)
from signal_backups_tests.cli.terminal import Finished, Terminal, finished
from signal_backups_tests.servers.chaos import ChaosProxy
from signal_backups_tests.servers.faults import Cut, Fault

#: Days of the long restores, and signals a day.
DAYS, PER_DAY = 12, 300
LAST = day_at(DAYS - 1)
#: Three days in a row, the second of them large.
SMALL, BIG, AFTER = day_at(60), day_at(61), day_at(62)
BIG_ROWS = 3000
SOUND_ROWS = 5

FRESH_DAYS = count(100)


@dataclass(frozen=True)
class World:
    """Stored days, which the tests of this file only read; what a test damages is a day of its own."""

    stored: StoredDays
    held: Held

    def fresh_day(self) -> Manifest:
        """Another day, for one test alone."""
        day = day_at(next(FRESH_DAYS))
        return self.stored.store(day, rows_of(day, 6))

    def restored_here(self, first: date, last: date, target: str, folder: Path) -> RestoreReport:
        """A restore in this process, for what would take too long in one of its own."""
        opened = open_target(target, "signals")
        journal = RestoreJournal(folder / "restores", opened.location)
        work = Restore(self.stored.vault, opened, RestoreOptions(), folder / "scratch", journal)
        return work.run(choose_days(self.stored.vault, first, last))

    def damaged_day(self, day: date, folder: Path) -> DayRestore:
        """What a restore of a damaged day came to; the day that its target held before stayed as it was."""
        target = folder / "target.db"
        (restored,) = self.restored_here(day, day, f"sqlite:///{target}", folder).days
        assert held_in_sqlite(target) == as_held(rows_of(SMALL, SOUND_ROWS))
        assert list((folder / "scratch").iterdir()) == []
        return restored


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[World]:
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        rows = {day_at(number): rows_of(day_at(number), PER_DAY) for number in range(DAYS)}
        others = {day: rows_of(day, SOUND_ROWS) for day in (SMALL, AFTER)} | {BIG: rows_of(BIG, BIG_ROWS)}
        for day, of_day in (rows | others).items():
            stored.store(day, of_day)
        yield World(stored, as_held([row for of_day in rows.values() for row in of_day]))


@pytest.fixture
def terminal(world: World, tmp_path: Path) -> Terminal:
    return world.stored.terminal(tmp_path)


@pytest.fixture
def prepared(world: World, tmp_path: Path) -> Path:
    """A folder with an SQLite target that holds one day."""
    report = world.restored_here(SMALL, SMALL, f"sqlite:///{tmp_path / 'target.db'}", tmp_path)
    assert report.exit_code is ExitCode.OK
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty target, of either engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'target.db'}"
    return str(request.getfixturevalue("postgres_database"))


def every_day(target: str, *more: str) -> tuple[str, ...]:
    return ("restore", "--from", FIRST.isoformat(), "--to", LAST.isoformat(), "--target", target, *more)


def assert_whole_days(held: Held) -> None:
    assert set(days_held(held).values()) <= {PER_DAY}


# What the bucket holds is not what was backed up


def test_an_object_cut_off_anywhere_is_refused(world: World, prepared: Path) -> None:
    manifest = world.fresh_day()
    body = world.stored.body(manifest.day)
    for length in [*range(0, len(body), 97), len(body) - 1]:
        with world.stored.damaged(manifest, body[:length]):
            day = world.damaged_day(manifest.day, prepared)
        assert (day.outcome, day.exit_code, day.restored) == ("refused", ExitCode.FAILED, 0), length


def test_one_bit_flipped_anywhere_is_refused(world: World, prepared: Path) -> None:
    manifest = world.fresh_day()
    body = world.stored.body(manifest.day)
    chance = random.Random(20240301)  # noqa: S311 - a sample, the same every time
    for position in chance.sample(range(len(body)), 25):
        flipped = bytearray(body)
        flipped[position] ^= 1 << chance.randrange(8)
        with world.stored.damaged(manifest, bytes(flipped)):
            day = world.damaged_day(manifest.day, prepared)
        assert (day.outcome, day.exit_code) == ("refused", ExitCode.FAILED), position


@pytest.mark.parametrize("lie", [{"sha256": "0" * 64}, {"records": 5}, {"records": 7}, {"bytes": 1}], ids=str)
def test_a_manifest_that_lies_about_the_file_refuses_it(world: World, prepared: Path, lie: dict[str, object]) -> None:
    manifest = world.fresh_day()
    world.stored.claim(manifest, version_id=world.stored.put(manifest.backup.key, b"x"))
    world.stored.remove(world.stored.manifest_key(manifest.day))
    world.stored.claim(manifest, **lie)
    day = world.damaged_day(manifest.day, prepared)
    assert (day.outcome, day.exit_code) == ("refused", ExitCode.FAILED)


def removed(stored: StoredDays, manifest: Manifest) -> None:
    stored.remove(manifest.backup.key)


def deleted(stored: StoredDays, manifest: Manifest) -> None:
    stored.delete(manifest.backup.key)


def cut_off(stored: StoredDays, manifest: Manifest) -> None:
    body = stored.body(manifest.day)
    stored.claim(manifest, version_id=stored.put(manifest.backup.key, body[: body.rindex(b"\n", 0, -1) + 1]))


def altered_without_manifest(stored: StoredDays, manifest: Manifest) -> None:
    stored.remove(stored.manifest_key(manifest.day))
    stored.put(manifest.backup.key, stored.body(manifest.day).replace(b",BUY,", b",SELL,", 1))


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (removed, 1, "was destroyed"),
        (deleted, 4, "Bring it back with: signal-backups undelete"),
        (cut_off, 1, "The nearest good version is"),
        (altered_without_manifest, 1, "does not match its hash"),
    ],
)
def test_a_day_that_cannot_be_restored_ends_in_its_code_and_changes_nothing(
    world: World, prepared: Path, damage: Callable[[StoredDays, Manifest], None], code: int, words: str
) -> None:
    manifest = world.fresh_day()
    damage(world.stored, manifest)
    target = prepared / "target.db"
    before = target.read_bytes()
    done = world.stored.terminal(prepared).run("restore", manifest.day.isoformat(), "--target", f"sqlite:///{target}")
    assert done.code == code
    assert words in done.err
    assert target.read_bytes() == before


def test_a_backup_that_is_not_the_one_of_the_manifest_log_is_refused(
    world: World, terminal: Terminal, tmp_path: Path
) -> None:
    manifest = world.fresh_day()
    world.stored.remove(world.stored.manifest_key(manifest.day))
    world.stored.claim(manifest, version_id="another")
    done = terminal.run("restore", manifest.day.isoformat(), "--target", f"sqlite:///{tmp_path / 'target.db'}")
    assert done.code == 1
    assert "the manifest log vouches for version another, which is gone" in done.err


def test_a_backup_that_no_manifest_speaks_of_is_judged_on_its_own_and_said_so(
    world: World, terminal: Terminal, tmp_path: Path
) -> None:
    manifest = world.fresh_day()
    world.stored.remove(world.stored.manifest_key(manifest.day))
    done = terminal.run("restore", manifest.day.isoformat(), "--target", f"sqlite:///{tmp_path / 'target.db'}")
    assert done.code == 0
    assert "no manifest vouches for this backup" in done.err
    held = held_in_sqlite(tmp_path / "target.db", hash_column="verification_hash")
    assert held == as_held(rows_of(manifest.day, 6))


# The target is full, or must not be written


def test_a_full_disk_leaves_the_days_that_fitted(world: World, terminal: Terminal, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    command = ("restore", "--from", SMALL.isoformat(), "--to", AFTER.isoformat(), "--target", f"sqlite:///{target}")
    # The download of the large day fits, the database with its indexes does not.
    limit = len(world.stored.body(BIG)) + 10_000
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    with terminal.start(*command, "--json", prelude=full) as process:
        done = finished(process)
    assert done.code == 3, done.out
    assert [day["outcome"] for day in done.json["days"]] == ["restored", "failed", "not attempted"]
    assert "the disk has free space" in done.json["days"][1]["remedy"]
    assert held_in_sqlite(target) == as_held(rows_of(SMALL, SOUND_ROWS))
    assert terminal.run(*command).code == 0
    assert days_held(held_in_sqlite(target)) == {
        f"{day:%Y%m%d}": rows for day, rows in ((SMALL, SOUND_ROWS), (BIG, BIG_ROWS), (AFTER, SOUND_ROWS))
    }


def test_a_read_only_database_file_stays_as_it_is(world: World, prepared: Path) -> None:
    target = prepared / "target.db"
    # Version 3 of the write format: SQLite reads such a file, and never writes it, whoever asks.
    body = bytearray(target.read_bytes())
    body[18] = 3
    target.write_bytes(body)
    done = world.stored.terminal(prepared).run("restore", AFTER.isoformat(), "--target", f"sqlite:///{target}")
    assert done.code == 3
    assert "readonly" in done.err
    assert target.read_bytes() == body


def test_a_read_only_server_stays_as_it_is(world: World, terminal: Terminal, postgres_database: str) -> None:
    assert terminal.run("restore", SMALL.isoformat(), "--target", postgres_database).code == 0
    name = urlsplit(postgres_database).path[1:]
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only TO on')
    done = terminal.run("restore", AFTER.isoformat(), "--target", postgres_database)
    assert done.code == 3
    assert "read-only transaction" in done.err
    assert held_in_postgres(postgres_database) == as_held(rows_of(SMALL, SOUND_ROWS))


def test_a_role_that_may_only_read_changes_nothing(world: World, terminal: Terminal, postgres_database: str) -> None:
    assert terminal.run("restore", SMALL.isoformat(), "--target", postgres_database).code == 0
    role, found = f"reader_{uuid.uuid4().hex}", urlsplit(postgres_database)
    reader = found._replace(netloc=f"{role}:very-secret@{found.hostname}:{found.port}").geturl()
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'very-secret'")
        connection.execute(f"GRANT SELECT ON signals TO {role}")
        done = terminal.run("restore", AFTER.isoformat(), "--target", reader)
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")
    assert done.code == 3
    assert "permission denied" in done.err
    assert "very-secret" not in done.out + done.err
    assert held_in_postgres(postgres_database) == as_held(rows_of(SMALL, SOUND_ROWS))


def test_a_folder_in_the_place_of_a_file_stays(world: World, terminal: Terminal, tmp_path: Path) -> None:
    in_the_way = tmp_path / "files" / Path(world.stored.key(SMALL)).name
    in_the_way.mkdir(parents=True)
    done = terminal.run("restore", SMALL.isoformat(), "--target", "files")
    assert done.code == 3
    assert "cannot write" in done.err
    assert list((tmp_path / "files").iterdir()) == [in_the_way]


# The connection breaks in the middle


class SecondsProxy(ChaosProxy):
    """Strikes every other connection: the driver's first only asks for the server's types, its second restores."""

    accepted = 0

    def _take_fault(self) -> Fault | None:
        self.accepted += 1
        return super()._take_fault() if self.accepted % 2 == 0 else None


def through(proxy: ChaosProxy, url: str) -> str:
    """The URL of a database, reached through a proxy."""
    target = urlsplit(url)
    return target._replace(netloc=f"{target.username}:{target.password}@{urlsplit(proxy.url).netloc}").geturl()


@pytest.mark.slow
def test_wherever_the_connection_to_the_server_breaks_the_day_is_whole_or_not_there_and_goes_on_later(
    world: World, postgres_database: str, tmp_path: Path
) -> None:
    expected = as_held(rows_of(SMALL, SOUND_ROWS))
    came_through = set()

    def broken_after(length: int) -> bool:
        """Whether a restore fails that loses its connection then; without the fault, the same restore goes on."""
        with psycopg.connect(postgres_database) as connection:
            connection.execute("DROP TABLE IF EXISTS signals")
        with SecondsProxy(postgres_database) as proxy:
            target = through(proxy, postgres_database)
            proxy.strike(Cut(length))
            broken = world.restored_here(SMALL, SMALL, target, tmp_path)
            held = held_in_postgres(postgres_database)
            assert held in ([], expected)
            if broken.exit_code is ExitCode.OK:
                return False
            assert broken.exit_code is ExitCode.UNREACHABLE
            assert "rollback" not in str(broken.days[0].problem)
            came_through.add(bool(held))
            proxy.heal()
            if held:
                assert world.restored_here(SMALL, SMALL, target, tmp_path).exit_code is ExitCode.OK
                assert held_in_postgres(postgres_database) == expected
            return True

    low, high = 0, 65_536
    assert broken_after(low)
    assert not broken_after(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if broken_after(middle) else (low, middle)
    for length in [*range(0, low, low // 12), *range(low - 40, low, 5)]:
        assert broken_after(length)
    # Once the commit was done, and only its answer lost.
    assert came_through == {False, True}


def test_a_server_that_goes_away_is_code_3(world: World, terminal: Terminal, postgres_database: str) -> None:
    with SecondsProxy(postgres_database) as proxy:
        proxy.strike(Cut(1000))
        done = terminal.run("restore", SMALL.isoformat(), "--target", through(proxy, postgres_database))
    assert done.code == 3
    assert done.err.startswith(f"FAILED {SMALL}: cannot restore into table signals of PostgreSQL")
    assert held_in_postgres(postgres_database) == []


def test_a_store_that_goes_away_ends_the_restore_after_the_days_that_came_through(world: World, tmp_path: Path) -> None:
    command = ("restore", "--from", SMALL.isoformat(), "--to", AFTER.isoformat(), "--target", "sqlite:///target.db")
    with ChaosProxy(world.stored.server.endpoint_url) as proxy:
        proxy.strike(Cut(len(world.stored.body(BIG)) // 2))
        terminal = world.stored.terminal(tmp_path, AWS_ENDPOINT_URL_S3=proxy.url)
        done = terminal.run(*command, "--json")
        assert done.code == 3
        assert [day["outcome"] for day in done.json["days"]] == ["restored", "failed", "not attempted"]
        assert held_in_sqlite(tmp_path / "target.db") == as_held(rows_of(SMALL, SOUND_ROWS))
        proxy.heal()
        assert terminal.run(*command).code == 0
    assert len(held_in_sqlite(tmp_path / "target.db")) == BIG_ROWS + 2 * SOUND_ROWS


# The process is killed, interrupted, or not alone


def wait_for_day(process: subprocess.Popen[str], home: Path, number: int) -> None:
    """Return when the restore has begun to import its day of that number, or is over."""
    while process.poll() is None:
        for journal in (home / "restores").glob("*.json"):
            # It is put in place whole, and removed when all is done.
            try:
                begun = json.loads(journal.read_text())["versions"]
            except FileNotFoundError:
                continue
            if len(begun) > number:
                return


@pytest.mark.slow
def test_killed_again_and_again_the_same_command_ends_with_every_row_once(
    world: World, terminal: Terminal, either: str, tmp_path: Path
) -> None:
    for number in (0, 1, 4, 7, DAYS - 1):
        with terminal.start(*every_day(either)) as process:
            wait_for_day(process, tmp_path / "home", number)
            process.kill()
        assert_whole_days(held_in(either))
    done = terminal.run(*every_day(either))
    assert done.code == 0, done.err
    assert held_in(either) == world.held


def test_interrupted_it_ends_with_130_and_whole_days_and_goes_on_when_run_again(
    world: World, terminal: Terminal, either: str, tmp_path: Path
) -> None:
    with terminal.start(*every_day(either)) as process:
        wait_for_day(process, tmp_path / "home", 3)
        process.send_signal(unix_signals.SIGINT)
        done = finished(process)
    assert done.code == 130
    line = rf"^Interrupted\. \d of {DAYS} are done: .*\. Run it again: signal-backups restore "
    assert re.search(line, done.err), done.err
    held = held_in(either)
    assert_whole_days(held)
    assert len(held) < len(world.held)
    assert list((tmp_path / "home/scratch").iterdir()) == []
    assert terminal.run(*every_day(either)).code == 0
    assert held_in(either) == world.held


def side_by_side(terminals: list[Terminal], command: tuple[str, ...]) -> list[Finished]:
    with ExitStack() as stack:
        processes = [stack.enter_context(terminal.start(*command)) for terminal in terminals]
        return [finished(process) for process in processes]


def test_the_good_rows_of_a_damaged_backup_come_when_asked_and_the_others_are_written_down(
    world: World, tmp_path: Path
) -> None:
    manifest = world.fresh_day()
    body = world.stored.body(manifest.day)
    damaged = body.replace(b"-00002,EURUSD", b"-00002,USDEUR")
    assert damaged != body
    command = ("restore", manifest.day.isoformat(), "--target", "sqlite:///target.db", "--json")
    with world.stored.damaged(manifest, damaged):
        terminal = world.stored.terminal(tmp_path)
        refused = terminal.run(*command)
        assert (refused.code, refused.json["days"][0]["outcome"]) == (1, "refused")
        assert held_in_sqlite(tmp_path / "target.db") == []
        taken = terminal.run(*command, "--allow-corrupt-rows")
    (day,) = taken.json["days"]
    assert (taken.code, day["outcome"], day["refused"]) == (1, "restored in part", 1)
    assert day["restored"] == manifest.records - 1 == len(held_in_sqlite(tmp_path / "target.db"))
    assert b"-00002,USDEUR" in Path(day["refused_file"]).read_bytes()


def test_the_table_is_the_sources_unless_named(world: World, tmp_path: Path) -> None:
    terminal = world.stored.terminal(tmp_path, SIGNALS_TABLE="trades")
    for options, table in (((), "trades"), (("--table", "other"), "other")):
        assert terminal.run("restore", SMALL.isoformat(), "--target", "sqlite:///target.db", *options).code == 0
        assert len(held_in_sqlite(tmp_path / "target.db", table)) == SOUND_ROWS


@pytest.mark.parametrize("share_home", [False, True])
def test_two_at_once_that_skip_both_end_well(world: World, either: str, tmp_path: Path, *, share_home: bool) -> None:
    terminals = two_terminals(world, tmp_path, share_home=share_home)
    done = side_by_side(terminals, every_day(either, "--on-conflict", "skip"))
    assert [each.code for each in done] == [0, 0], [each.err for each in done]
    assert held_in(either) == world.held


@pytest.mark.parametrize("share_home", [False, True])
def test_of_two_at_once_each_day_is_restored_by_one(
    world: World, either: str, tmp_path: Path, *, share_home: bool
) -> None:
    done = side_by_side(two_terminals(world, tmp_path, share_home=share_home), every_day(either, "--json"))
    assert held_in(either) == world.held
    outcomes = [[day["outcome"] for day in each.json["days"]] for each in done]
    for of_day in zip(*outcomes, strict=True):
        assert sorted(of_day) == ["conflict", "restored"]
    assert [each.code for each in done] == [int("conflict" in of_one) for of_one in outcomes]


def two_terminals(world: World, folder: Path, *, share_home: bool) -> list[Terminal]:
    if share_home:
        return [world.stored.terminal(folder)] * 2
    folders = [folder / name for name in ("one", "other")]
    for each in folders:
        each.mkdir()
    return [world.stored.terminal(each) for each in folders]
