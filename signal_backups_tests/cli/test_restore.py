"""``signal-backups restore`` when all is well, and what it says to wrong input."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from signal_backups.core.vault.manifest import Manifest
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import (
    StoredDays,
    as_held,
    day_at,
    held_in,
    held_in_postgres,
    held_in_sqlite,
    rows_of,
    stored_days,
)
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.servers.chaos import ChaosProxy

PLAIN, REWRITTEN, ODD, NEVER = day_at(0), day_at(1), day_at(2), day_at(9)


@dataclass(frozen=True)
class World:
    """Three stored days, which the tests of this file only read."""

    stored: StoredDays
    rows: dict[date, list[Row]]
    older_rows: list[Row]
    manifests: dict[date, Manifest]
    older: Manifest
    settings: dict[str, str] = field(default_factory=dict)

    def held(self, *days: date) -> list[tuple[object, ...]]:
        return as_held([row for day in days for row in self.rows[day]])


def odd_rows(day: date) -> list[Row]:
    """What CSV and databases like to confuse: NULL and empty, line breaks, quotes, the edges of doubles."""
    texts = ["a\nb", "a\r\nb", '"', 'a,"b"', "  ", "Ω \U0001f600", "\\N", "NULL", "a\tb"]
    optional: list[dict[str, object]] = [
        {"server_timestamp": None, "generation_latency_ms": None},
        {"server_timestamp": "", "generation_latency_ms": 0.1},
        {"server_timestamp": "\n", "generation_latency_ms": 5e-324},
    ]
    return [
        signal(
            number,
            (),
            signal_id=f"{day:%Y%m%d}-{number:05}",
            timestamp=f"{day} 10:00:{number:02}.123456",
            strategy=text,
            entry_price=0.1 + number / 3,
            **optional[number % 3],
        )
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[World]:
    with stored_days(tmp_path_factory.mktemp("days"), s3_server) as stored:
        rows = {PLAIN: rows_of(PLAIN, 5), REWRITTEN: rows_of(REWRITTEN, 6), ODD: odd_rows(ODD)}
        older_rows = rows_of(REWRITTEN, 4)
        older = stored.store(REWRITTEN, older_rows)
        manifests = {day: stored.store(day, rows[day]) for day in rows}
        yield World(stored, rows, older_rows, manifests, older)


@pytest.fixture
def terminal(world: World, tmp_path: Path) -> Terminal:
    return world.stored.terminal(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "target.db"


@pytest.fixture
def target(database: Path) -> str:
    return f"sqlite:///{database}"


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, target: str) -> str:
    """The URL of an empty target, of either engine."""
    return target if request.param == "sqlite" else str(request.getfixturevalue("postgres_database"))


def elsewhere(url: str, **parts: object) -> str:
    """The same URL with another host, port or password."""
    found = urlsplit(url)
    host, port = parts.get("host", found.hostname), parts.get("port", found.port)
    password = parts.get("password", found.password)
    return found._replace(netloc=f"{found.username}:{password}@{host}:{port}").geturl()


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


# Ordinary use


def test_a_day_is_restored_exactly_into_a_new_table(world: World, terminal: Terminal, either: str) -> None:
    done = terminal.run("restore", ODD.isoformat(), "--target", either)
    assert done.code == 0, done.err
    assert held_in(either) == world.held(ODD)
    assert f"{len(world.rows[ODD])} restored, 0 replaced, 0 already there, 0 refused" in done.out
    # Nothing is said about a result that is as asked for, and no progress shows in a pipe.
    assert done.err == ""


def test_a_range_is_restored(world: World, terminal: Terminal, either: str) -> None:
    done = terminal.run("restore", "--from", PLAIN.isoformat(), "--to", ODD.isoformat(), "--target", either)
    assert done.code == 0, done.err
    assert held_in(either) == world.held(PLAIN, REWRITTEN, ODD)
    assert done.err == ""


def test_a_range_with_a_day_that_has_no_backup_restores_the_others(world: World, terminal: Terminal) -> None:
    document = terminal.run(
        "restore", "--from", REWRITTEN.isoformat(), "--to", day_at(3).isoformat(), "--target", "files", "--json"
    )
    assert document.code == 4
    assert [day["outcome"] for day in document.json["days"]] == ["restored", "restored", "missing"]
    assert [day["exit_code"] for day in document.json["days"]] == [0, 0, 4]
    assert document.json["ok"] is False


@pytest.mark.parametrize("as_uri", [False, True])
def test_a_key_is_restored(world: World, terminal: Terminal, target: str, database: Path, *, as_uri: bool) -> None:
    key = world.stored.key(PLAIN)
    named = f"s3://{world.stored.bucket}/{key}" if as_uri else key
    done = terminal.run("restore", "--key", named, "--target", target)
    assert done.code == 0, done.err
    assert held_in_sqlite(database) == world.held(PLAIN)


@pytest.mark.parametrize("way", ["day and version", "key and version", "instant", "key and instant"])
def test_an_older_version_is_restored(world: World, terminal: Terminal, target: str, database: Path, way: str) -> None:
    version = ("--version-id", world.older.backup.version_id)
    instant = ("--as-of", world.older.finished_at.astimezone(UTC).isoformat())
    chosen = {
        "day and version": (REWRITTEN.isoformat(), *version),
        "key and version": ("--key", world.stored.key(REWRITTEN), *version),
        "instant": (REWRITTEN.isoformat(), *instant),
        "key and instant": ("--key", world.stored.key(REWRITTEN), *instant),
    }[way]
    done = terminal.run("restore", *chosen, "--target", target)
    assert done.code == 0, done.err
    assert held_in_sqlite(database) == as_held(world.older_rows)


def test_a_folder_gets_the_verified_files_byte_for_byte(world: World, terminal: Terminal, tmp_path: Path) -> None:
    command = ("restore", "--from", PLAIN.isoformat(), "--to", ODD.isoformat(), "--target", "new/folder")
    assert terminal.run(*command).code == 0
    found = {file.name: file.read_bytes() for file in (tmp_path / "new/folder").iterdir()}
    assert found == {Path(world.stored.key(day)).name: world.stored.body(day) for day in (PLAIN, REWRITTEN, ODD)}


def test_another_table_is_made_beside_the_first(world: World, terminal: Terminal, either: str) -> None:
    assert terminal.run("restore", PLAIN.isoformat(), "--target", either).code == 0
    done = terminal.run("restore", REWRITTEN.isoformat(), "--target", either, "--table", "restored_signals")
    assert done.code == 0, done.err
    assert held_in(either) == world.held(PLAIN)
    if either.startswith("sqlite"):
        beside = held_in_sqlite(Path(either.removeprefix("sqlite:///")), "restored_signals")
    else:
        beside = held_in_postgres(either, "restored_signals")
    assert beside == world.held(REWRITTEN)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "folder"])
def test_a_dry_run_leaves_no_trace(
    world: World, terminal: Terminal, kind: str, request: pytest.FixtureRequest, tmp_path: Path, database: Path
) -> None:
    target = {"sqlite": f"sqlite:///{database}", "folder": "files"}.get(kind)
    target = target or str(request.getfixturevalue("postgres_database"))
    before = files_in(tmp_path)
    done = terminal.run("restore", PLAIN.isoformat(), "--target", target, "--dry-run", "--json")
    assert done.code == 0, done.err
    (day,) = done.json["days"]
    assert (day["records"], day["there_now"], day["version_id"]) == (
        5,
        None,
        world.manifests[PLAIN].backup.version_id,
    )
    assert done.json["dry_run"] is True
    assert files_in(tmp_path) == before
    if kind == "postgresql":
        with psycopg.connect(target) as connection:
            assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == []


def test_a_dry_run_shows_records_and_what_is_there_already(world: World, terminal: Terminal, either: str) -> None:
    assert terminal.run("restore", REWRITTEN.isoformat(), "--target", either).code == 0
    command = ("restore", "--from", PLAIN.isoformat(), "--to", REWRITTEN.isoformat(), "--target", either, "--dry-run")
    planned = terminal.run(*command, "--json").json["days"]
    assert [(day["day"], day["records"], day["there_now"]) for day in planned] == [
        (PLAIN.isoformat(), 5, 0),
        (REWRITTEN.isoformat(), 6, 6),
    ]
    shown = terminal.run(*command)
    assert shown.code == 1, "the second day would be a conflict"
    assert "Nothing was changed" in shown.out
    assert held_in(either) == world.held(REWRITTEN)


DOCUMENT = {
    "ok",
    "target",
    "records",
    "restored",
    "replaced",
    "skipped",
    "refused",
    "quarantined",
    "seconds",
    "warnings",
    "days",
}
DAY_KEYS = {
    *(
        "day",
        "outcome",
        "key",
        "version_id",
        "is_current",
        "lost_version_id",
        "has_manifest",
        "records",
        "restored",
        "replaced",
    ),
    *("skipped", "skipped_different", "refused", "refused_file", "quarantined", "seconds", "problem", "remedy"),
    "exit_code",
}


def test_the_document_has_the_same_keys_in_success_and_failure(world: World, terminal: Terminal, target: str) -> None:
    command = ("restore", PLAIN.isoformat(), "--target", target, "--json")
    well, ill = terminal.run(*command), terminal.run(*command)
    assert (well.code, ill.code) == (0, 1)
    for done in (well, ill):
        assert set(done.json) == DOCUMENT
        (day,) = done.json["days"]
        assert set(day) == DAY_KEYS
        assert done.err == ""
    (day,) = well.json["days"]
    assert (well.json["ok"], well.json["records"], well.json["restored"]) == (True, 5, 5)
    assert (day["outcome"], day["exit_code"], day["problem"]) == ("restored", 0, None)
    assert set(day["seconds"]) == {"download", "verify", "import", "verify_import"}
    (day,) = ill.json["days"]
    assert (ill.json["ok"], ill.json["restored"]) == (False, 0)
    assert (day["outcome"], day["exit_code"], day["restored"]) == ("conflict", 1, 0)
    assert "--on-conflict" in day["remedy"]


def test_an_error_before_the_first_day_is_the_usual_document(terminal: Terminal, target: str) -> None:
    done = terminal.run("restore", NEVER.isoformat(), "--target", target, "--json")
    assert done.code == 4
    assert done.json["ok"] is False
    assert set(done.json["error"]) == {"what", "remedy", "exit_code"}


# The same day twice


@pytest.fixture
def altered(world: World, terminal: Terminal, either: str) -> str:
    """A target that holds a day of which one signal was changed and one deleted."""
    assert terminal.run("restore", PLAIN.isoformat(), "--target", either).code == 0
    changed, deleted = (row["signal_id"] for row in world.rows[PLAIN][:2])
    statements = (
        f"UPDATE signals SET symbol = 'CHANGED' WHERE signal_id = '{changed}'",
        f"DELETE FROM signals WHERE signal_id = '{deleted}'",
    )
    if either.startswith("sqlite"):
        with closing(sqlite3.connect(either.removeprefix("sqlite:///"))) as connection, connection:
            for statement in statements:
                connection.execute(statement)
    else:
        with psycopg.connect(either) as postgres:
            for statement in statements:
                postgres.execute(statement)
    return either


def test_signals_that_are_there_are_an_error_that_names_them(world: World, terminal: Terminal, altered: str) -> None:
    before = held_in(altered)
    done = terminal.run("restore", PLAIN.isoformat(), "--target", altered)
    assert done.code == 1
    assert held_in(altered) == before
    assert "4 of 5 signals" in done.err
    assert "1 of them different" in done.err
    for row in before:
        assert str(row[0]) in done.err


def test_skipping_leaves_them_and_adds_what_is_missing(world: World, terminal: Terminal, altered: str) -> None:
    command = ("restore", PLAIN.isoformat(), "--target", altered, "--on-conflict", "skip")
    done = terminal.run(*command)
    assert done.code == 0
    assert "1 restored, 0 replaced, 4 already there" in done.out
    assert "1 of the skipped signals differ" in done.err
    held = held_in(altered)
    assert held[1:] == world.held(PLAIN)[1:]
    assert held[0][1] == "CHANGED"
    again = terminal.run(*command, "--json")
    assert again.code == 0
    assert (again.json["restored"], again.json["skipped"]) == (0, 5)
    assert again.json["days"][0]["outcome"] == "already there"
    assert held_in(altered) == held


def test_replacing_sets_them_back_to_the_backup(world: World, terminal: Terminal, altered: str) -> None:
    done = terminal.run("restore", PLAIN.isoformat(), "--target", altered, "--on-conflict", "replace", "--json")
    assert done.code == 0
    assert [done.json[count] for count in ("restored", "replaced", "skipped")] == [1, 1, 3]
    assert held_in(altered) == world.held(PLAIN)


@pytest.mark.parametrize(
    ("on_conflict", "code", "is_replaced"), [("error", 1, False), ("skip", 0, False), ("replace", 0, True)]
)
def test_another_file_of_that_name_is_treated_alike(
    world: World, terminal: Terminal, tmp_path: Path, on_conflict: str, code: int, *, is_replaced: bool
) -> None:
    file = tmp_path / "files" / Path(world.stored.key(PLAIN)).name
    file.parent.mkdir()
    file.write_bytes(b"another\n")
    done = terminal.run("restore", PLAIN.isoformat(), "--target", "files", "--on-conflict", on_conflict)
    assert done.code == code
    assert file.read_bytes() == (world.stored.body(PLAIN) if is_replaced else b"another\n")
    assert list(file.parent.iterdir()) == [file]


# Into the source


@pytest.mark.parametrize("spelling", ["same", "relative", "symlink", "other table"])
def test_the_sqlite_source_is_refused(world: World, terminal: Terminal, tmp_path: Path, spelling: str) -> None:
    source = tmp_path / "source.db"
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("CREATE TABLE other (x)")
    (tmp_path / "link.db").symlink_to(source)
    before = source.read_bytes()
    target = {"relative": "sqlite:///source.db", "symlink": f"sqlite:///{tmp_path / 'link.db'}"}.get(spelling)
    table = ("--table", "elsewhere") if spelling == "other table" else ()
    command = ("restore", PLAIN.isoformat(), "--target", target or f"sqlite:///{source}", *table)
    refused = terminal.run(*command)
    assert refused.code == 2
    assert "the live source" in refused.err
    assert source.read_bytes() == before
    assert terminal.run(*command, "--into-source").code == 0
    assert held_in_sqlite(source, "elsewhere" if table else "signals") == world.held(PLAIN)


@pytest.mark.parametrize("spelling", ["same", "other host name", "other table", "other scheme"])
def test_the_postgresql_source_is_refused(world: World, tmp_path: Path, postgres_database: str, spelling: str) -> None:
    terminal = world.stored.terminal(tmp_path, SIGNALS_DATABASE_URL=postgres_database)
    target = {
        "other host name": elsewhere(postgres_database, host="localhost"),
        "other scheme": postgres_database.replace("postgresql://", "postgres://") + "?application_name=x",
    }.get(spelling, postgres_database)
    table = ("--table", "elsewhere") if spelling == "other table" else ()
    command = ("restore", PLAIN.isoformat(), "--target", target, *table)
    refused = terminal.run(*command)
    assert refused.code == 2
    assert "the live source" in refused.err
    assert held_in_postgres(postgres_database, "elsewhere" if table else "signals") == []
    assert terminal.run(*command, "--into-source").code == 0
    assert held_in_postgres(postgres_database, "elsewhere" if table else "signals") == world.held(PLAIN)


def test_the_source_behind_another_port_is_refused(world: World, tmp_path: Path, postgres_database: str) -> None:
    with ChaosProxy(postgres_database) as proxy:
        terminal = world.stored.terminal(tmp_path, SIGNALS_DATABASE_URL=postgres_database)
        target = elsewhere(postgres_database, port=urlsplit(proxy.url).port)
        refused = terminal.run("restore", PLAIN.isoformat(), "--target", target)
    assert refused.code == 2
    assert "the live source" in refused.err


def test_another_database_of_the_same_server_is_no_source(
    world: World, tmp_path: Path, postgres_url: str, postgres_database: str
) -> None:
    terminal = world.stored.terminal(tmp_path, SIGNALS_DATABASE_URL=postgres_url)
    assert terminal.run("restore", PLAIN.isoformat(), "--target", postgres_database).code == 0


# Wrong input


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a DATE"),
        ((PLAIN.isoformat(), "--from", PLAIN.isoformat()), "give a DATE, or --from"),
        ((PLAIN.isoformat(), "--key", "x"), "give a DATE, or --from"),
        (("2024-02-30",), "is not a date"),
        (("--from", "March"), "is not a date"),
        (("--from", ODD.isoformat(), "--to", PLAIN.isoformat()), "Swap --from and --to"),
        ((PLAIN.isoformat(), "--as-of", "noon"), "is not an instant"),
        (("--from", PLAIN.isoformat(), "--version-id", "x"), "--version-id names one version"),
        ((PLAIN.isoformat(), "--as-of", "2024-01-01", "--version-id", "x"), "--version-id names one version"),
        ((PLAIN.isoformat(), "--tier", "nonsense"), "--tier"),
        ((PLAIN.isoformat(), "--on-conflict", "nonsense"), "--on-conflict"),
        ((PLAIN.isoformat(), "--thaw-days", "0"), "--thaw-days"),
    ],
)
def test_wrong_usage_is_explained_with_code_2(
    terminal: Terminal, target: str, database: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = terminal.run("restore", *arguments, "--target", target)
    assert done.code == 2
    assert words in done.err
    assert not database.exists()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("oracle://u:very-secret@db/x", "--target begins with 'oracle'"),
        ("postgresql://u:very-secret@db:port/x", "--target"),
        ("sqlite://", "names no SQLite file"),
        ("file.csv", "is a file"),
    ],
)
def test_a_target_of_no_known_form_is_code_2(terminal: Terminal, tmp_path: Path, target: str, words: str) -> None:
    (tmp_path / "file.csv").touch()
    done = terminal.run("restore", PLAIN.isoformat(), "--target", target)
    assert done.code == 2
    assert words in done.err
    assert "very-secret" not in done.err
    assert done.err.count("\n") == 1


def test_a_target_must_be_given(terminal: Terminal) -> None:
    done = terminal.run("restore", PLAIN.isoformat())
    assert done.code == 2
    assert "--target" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        (NEVER.isoformat(),),
        (PLAIN.isoformat(), "--version-id", "unknown"),
        ("--key", "signals/2024/03/signals_backup_20240309_020000.csv"),
        ("--key", "foreign.txt"),
        ("--from", "2023-01-01", "--to", "2023-01-31"),
    ],
)
def test_what_is_not_there_is_code_4_and_nothing_is_made(
    terminal: Terminal, target: str, database: Path, arguments: tuple[str, ...]
) -> None:
    done = terminal.run("restore", *arguments, "--target", target)
    assert done.code == 4, done.err
    assert done.err.startswith("Error: no ")
    assert done.err.count("\n") == 1
    assert not database.exists()


def test_an_object_of_another_bucket_is_wrong_usage(terminal: Terminal, target: str, database: Path) -> None:
    key = "s3://another-bucket/signals/2024/03/signals_backup_20240301_020000.csv"
    done = terminal.run("restore", "--key", key, "--target", target)
    assert (done.code, "is in another bucket than the backups" in done.err) == (2, True)
    assert not database.exists()


def test_before_the_first_backup_there_is_nothing_to_restore(terminal: Terminal, target: str, database: Path) -> None:
    done = terminal.run("restore", PLAIN.isoformat(), "--target", target, "--as-of", "2024-01-01")
    assert done.code == 4
    assert "did not exist yet" in done.err
    assert not database.exists()


def test_a_folder_that_is_not_there_is_no_place_for_a_database(terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.run("restore", PLAIN.isoformat(), "--target", f"sqlite:///{tmp_path}/nowhere/target.db")
    assert done.code == 3
    assert "no folder" in done.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("is_dry_run", [False, True])
def test_a_server_that_is_down_is_code_3(terminal: Terminal, *, is_dry_run: bool) -> None:
    command = ("restore", PLAIN.isoformat(), "--target", "postgresql://u:very-secret@127.0.0.1:1/x")
    done = terminal.run(*command, *(["--dry-run"] if is_dry_run else []))
    assert done.code == 3
    assert "cannot restore into table signals of PostgreSQL database 127.0.0.1:1/x" in done.err
    assert "very-secret" not in done.out + done.err


def test_a_wrong_password_is_code_3_and_never_shown(terminal: Terminal, postgres_database: str) -> None:
    done = terminal.run(
        "restore", PLAIN.isoformat(), "--target", elsewhere(postgres_database, password="very-secret"), "--json"
    )
    assert done.code == 3
    assert "authentication failed" in done.json["days"][0]["problem"]
    assert "very-secret" not in done.out + done.err
    assert urlsplit(postgres_database).password not in (done.out, done.err)


def test_a_table_of_another_shape_is_code_3_and_stays(terminal: Terminal, either: str) -> None:
    statement = "CREATE TABLE signals (signal_id text, symbol text)"
    if either.startswith("sqlite"):
        with closing(sqlite3.connect(either.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(statement)
            connection.execute("INSERT INTO signals VALUES ('a', 'b')")
    else:
        with psycopg.connect(either) as postgres:
            postgres.execute(statement)
            postgres.execute("INSERT INTO signals VALUES ('a', 'b')")
    done = terminal.run("restore", PLAIN.isoformat(), "--target", either)
    assert done.code == 3
    assert "has no column action, entry_price" in done.err
    if either.startswith("sqlite"):
        with closing(sqlite3.connect(either.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("SELECT * FROM signals").fetchall() == [("a", "b")]
    else:
        with psycopg.connect(either) as postgres:
            assert postgres.execute("SELECT * FROM signals").fetchall() == [("a", "b")]
