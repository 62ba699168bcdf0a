"""Targets that cannot accept signals are reported with a remedy, and stay unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from adbc_driver_manager import AdbcStatusCode, dbapi

from signal_backups.core.base.errors import ExitCode, SettingsError, TargetError, UnfitTargetError
from signal_backups.core.restore.targets.contract import OnConflict
from signal_backups.core.restore.targets.open_target import open_target, refuse_source
from signal_backups_tests.core.restore.places import Place, as_held
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY, signals
from signal_backups_tests.samples.tables import another_process, sqlite_table


def unfit(place: Place, run: DayRun, says: str, table: str = "signals") -> TargetError:
    with pytest.raises(TargetError, match=says) as raised:
        place.restore(run, table=table)
    assert raised.value.exit_code is ExitCode.UNREACHABLE
    assert raised.value.remedy
    return raised.value


def unfit_for_values(place: Place, run: DayRun, says: str) -> None:
    with pytest.raises(UnfitTargetError, match=f"does not accept these signals.*{says}") as raised:
        place.restore(run)
    assert raised.value.exit_code is ExitCode.FAILED


def test_a_table_that_is_not_for_signals_stays_unchanged(place: Place, three: DayRun) -> None:
    place.run("CREATE TABLE signals (note TEXT)", "INSERT INTO signals VALUES ('mine')")
    unfit(place, three, "cannot restore into table signals .* has no column signal_id")
    assert place.run("SELECT * FROM signals") == [("mine",)]


def test_a_postgres_column_that_is_not_a_number_is_named(postgres_place: Place, three: DayRun) -> None:
    postgres_place.make_table(postgres_place.types | {"confidence": "TEXT"})
    unfit(postgres_place, three, "confidence of table 'signals' is text, not a number")


def test_a_table_with_other_required_columns_stays_unchanged(place: Place, three: DayRun) -> None:
    place.make_table(place.types | {"note": "TEXT NOT NULL"})
    unfit_for_values(place, three, "note")
    assert place.run("SELECT count(*) FROM signals") == [(0,)]


def test_a_missing_schema_is_reported(postgres_place: Place, three: DayRun) -> None:
    unfit(postgres_place, three, "nowhere", table="nowhere.signals")
    assert postgres_place.tables() == set()


def test_a_server_that_is_down_is_transient(three: DayRun) -> None:
    place = Place("postgres", "postgresql://user:secret@127.0.0.1:9/db")
    error = unfit(place, three, "cannot restore into table signals of PostgreSQL database 127.0.0.1:9/db")
    assert error.transient
    assert "secret" not in str(error)


def test_a_missing_parent_folder_is_named_and_not_created(three: DayRun, tmp_path: Path) -> None:
    place = Place("sqlite", f"sqlite:///{tmp_path}/nowhere/restored.db")
    unfit(place, three, f"no folder {tmp_path}/nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_an_sqlite_target_that_is_a_folder_is_reported(three: DayRun, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    unfit(Place("sqlite", f"sqlite:///{tmp_path}/folder"), three, "cannot restore into table signals")
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_file_that_is_not_a_database_stays_unchanged(three: DayRun, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear all, " * 200)
    unfit(Place("sqlite", f"sqlite:///{tmp_path}/letter.txt"), three, "not a database")
    assert (tmp_path / "letter.txt").read_text() == "Dear all, " * 200


def test_a_locked_sqlite_file_is_transient(three: DayRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal_backups.core.restore.targets.sqlite.LOCK_TIMEOUT_MS", 1)
    path = tmp_path / "target.db"
    sqlite_table(path, [])
    with another_process(path, "BEGIN EXCLUSIVE"):
        error = unfit(Place("sqlite", f"sqlite:///{path}"), three, "locked")
    assert error.transient
    assert "Another program has locked it" in error.remedy


def test_a_locked_postgres_table_is_transient(
    postgres_place: Place, three: DayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal_backups.core.restore.targets.postgres.LOCK_TIMEOUT_MS", 1)
    postgres_place.make_table(postgres_place.types)
    with psycopg.connect(postgres_place.url) as connection:
        connection.execute("LOCK TABLE signals IN ROW EXCLUSIVE MODE")
        assert unfit(postgres_place, three, "lock timeout").transient


def test_a_reader_does_not_see_half_a_day(postgres_place: Place, three: DayRun) -> None:
    postgres_place.make_table(postgres_place.types)
    postgres_place.run("ALTER TABLE signals ADD CHECK (signal_id <> 'signal-00003')")
    unfit_for_values(postgres_place, three, "violates check constraint")
    assert postgres_place.run("SELECT count(*) FROM signals") == [(0,)]


def test_a_table_that_cannot_be_read_back_fails_only_that_day(
    place: Place, three: DayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        raise dbapi.OperationalError("the connection is lost", status_code=AdbcStatusCode.IO)
        yield

    place.make_table(place.types)
    monkeypatch.setattr(f"signal_backups.core.source.{place.engine}.read_stream", lost)
    with pytest.raises(TargetError, match=r"cannot read table signals .* back: the connection is lost") as raised:
        place.restore(three)
    assert raised.value.transient
    assert place.run("SELECT count(*) FROM signals") == [(0,)]


@pytest.mark.parametrize("number", ["1e400", "1e-400", "1.084200000000000001"])
def test_a_target_with_a_number_that_no_double_is_differs_from_the_backup(
    postgres_place: Place, three: DayRun, number: str
) -> None:
    postgres_place.make_table(postgres_place.types | {"entry_price": "numeric"})
    postgres_place.restore(three)
    postgres_place.run(
        f"UPDATE signals SET entry_price = {number} WHERE signal_id = 'signal-00001'",
        "DELETE FROM signals WHERE signal_id = 'signal-00003'",
    )
    skipped = postgres_place.restore(three, OnConflict.SKIP)
    assert (skipped.restored, skipped.skipped, skipped.skipped_different) == (1, 2, 1)
    assert postgres_place.restore(three, OnConflict.REPLACE).replaced == 1
    assert postgres_place.rows() == as_held(signals(3))


def test_a_folder_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file"):
        open_target(str(tmp_path / "file"), "signals")


@pytest.mark.parametrize("target", ["mysql://host/db", "sqlite://", "postgresql://host/db@x"])
def test_an_unknown_kind_of_url_is_refused(target: str) -> None:
    with pytest.raises(SettingsError):
        open_target(target, "signals")


def test_the_source_is_refused_by_any_of_its_paths(tmp_path: Path) -> None:
    sqlite_table(tmp_path / "live.db", [])
    (tmp_path / "alias.db").symlink_to(tmp_path / "live.db")
    live = f"sqlite:///{tmp_path}/live.db"
    for name in ("live.db", "alias.db", f"../{tmp_path.name}/live.db"):
        with pytest.raises(SettingsError, match="the very database"):
            refuse_source(f"sqlite:///{tmp_path}/{name}", live)


def test_a_missing_source_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the very database"):
        refuse_source(f"sqlite:///{tmp_path}/a/../live.db", f"sqlite:///{tmp_path}/live.db")


def test_a_postgres_source_is_refused_by_any_of_its_addresses(postgres_database: str) -> None:
    other = postgres_database.replace("127.0.0.1", "localhost") + "?application_name=other"
    assert other != postgres_database
    with pytest.raises(SettingsError, match="the very database"):
        refuse_source(other, postgres_database)


def test_another_database_is_not_mistaken_for_the_source(place: Place, postgres_url: str, tmp_path: Path) -> None:
    refuse_source(place.url, postgres_url)
    refuse_source(place.url, f"sqlite:///{tmp_path}/live.db")
    refuse_source(str(tmp_path), place.url)
    assert place.target().count_signals(DAY) is None
