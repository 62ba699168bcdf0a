"""The same command continues an interrupted restore, and repeats a successful one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.restore.journal import RestoreJournal
from signal_backups.core.restore.report import Outcome, RestoreReport
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import choose_days
from signal_backups.core.restore.targets.contract import DayToImport, Imported, RestoreTarget
from signal_backups.core.restore.targets.csv_folder import CsvFolderTarget
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.restore.backups import BackUp, days_from, rows_of, vouch
from signal_backups_tests.core.restore.places import Place
from signal_backups_tests.samples.signals import DAY

DAYS = days_from(DAY, 4)


class Interrupted(BaseException):
    """Stands for a power cut."""


@pytest.fixture
def four(back_up: BackUp) -> None:
    """Four days of two signals each."""
    for day in DAYS:
        back_up(rows_of(day, 2), day)


Command = Callable[[RestoreTarget], RestoreReport]


@pytest.fixture
def command(vault: BackupVault, tmp_path: Path) -> Command:
    """A restore command that can be repeated."""

    def run(target: RestoreTarget) -> RestoreReport:
        journal = RestoreJournal(tmp_path / "restores", target.location)
        selection = choose_days(vault, DAYS[0], DAYS[-1])
        return Restore(vault, target, RestoreOptions(), tmp_path / "scratch", journal).run(selection)

    return run


def interrupted(target: RestoreTarget, position: int, *, after_commit: bool) -> RestoreTarget:
    """Return the target, with an import that is interrupted before it starts or after its commit."""
    plain = target.import_day

    def import_day(day: DayToImport) -> Imported:
        if day.day != DAYS[position]:
            return plain(day)
        if after_commit:
            plain(day)
        raise Interrupted

    target.import_day = import_day  # type: ignore[method-assign]
    return target


def journals(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "restores").glob("*"))


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("position", [0, 2, 3])
def test_an_interrupted_restore_continues(
    place: Place, four: None, command: Command, tmp_path: Path, position: int, after_commit: bool
) -> None:
    with pytest.raises(Interrupted):
        command(interrupted(place.target(), position, after_commit=after_commit))
    done = position + after_commit
    assert len(place.ids()) == 2 * done if done else place.tables() == set()
    report = command(place.target())
    assert report.exit_code is ExitCode.OK
    assert [day.outcome for day in report.days] == [
        Outcome.ALREADY_THERE if number < done else Outcome.RESTORED for number in range(4)
    ]
    assert len(place.ids()) == 8
    assert journals(tmp_path) == []


def test_an_interrupted_restore_into_a_folder_continues(four: None, command: Command, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        command(interrupted(CsvFolderTarget(tmp_path / "restored"), 1, after_commit=True))
    report = command(CsvFolderTarget(tmp_path / "restored"))
    assert [day.outcome for day in report.days] == [*[Outcome.ALREADY_THERE] * 2, *[Outcome.RESTORED] * 2]
    assert report.exit_code is ExitCode.OK


def test_repeating_a_successful_restore_is_a_conflict(
    sqlite_place: Place, four: None, command: Command, tmp_path: Path
) -> None:
    assert command(sqlite_place.target()).exit_code is ExitCode.OK
    assert journals(tmp_path) == []
    assert {day.outcome for day in command(sqlite_place.target()).days} == {Outcome.CONFLICT}


def test_signals_that_were_there_before_the_restore_are_always_a_conflict(
    sqlite_place: Place, four: None, command: Command, vault: BackupVault, tmp_path: Path
) -> None:
    selection = choose_days(vault, DAYS[1], DAYS[1])
    Restore(vault, sqlite_place.target(), RestoreOptions(), tmp_path).run(selection)
    with pytest.raises(Interrupted):
        command(interrupted(sqlite_place.target(), 3, after_commit=True))
    report = command(sqlite_place.target())
    assert [day.outcome for day in report.days] == [
        Outcome.ALREADY_THERE,
        Outcome.CONFLICT,
        Outcome.ALREADY_THERE,
        Outcome.ALREADY_THERE,
    ]


def test_a_signal_changed_since_the_interruption_is_a_conflict(
    sqlite_place: Place, four: None, command: Command
) -> None:
    with pytest.raises(Interrupted):
        command(interrupted(sqlite_place.target(), 1, after_commit=True))
    sqlite_place.run(f"UPDATE signals SET symbol = 'X' WHERE signal_id = '{DAYS[0]}-001'")
    report = command(sqlite_place.target())
    assert [day.outcome for day in report.days][:2] == [Outcome.CONFLICT, Outcome.ALREADY_THERE]
    assert sqlite_place.run("SELECT count(*) FROM signals WHERE symbol = 'X'") == [(1,)]


def test_a_failed_day_is_restored_once_it_is_fixed(
    sqlite_place: Place, four: None, command: Command, vault: BackupVault, back_up: BackUp, tmp_path: Path
) -> None:
    manifest = vault.manifests(DAYS[2], DAYS[2])
    vouch(vault, next(iter(manifest.values())), b"garbage", tmp_path, 2)
    assert [day.outcome for day in command(sqlite_place.target()).days].count(Outcome.REFUSED) == 1
    back_up(rows_of(DAYS[2], 2), DAYS[2], accept="the backup was garbage")
    report = command(sqlite_place.target())
    assert [day.outcome is Outcome.RESTORED for day in report.days] == [False, False, True, False]
    assert report.exit_code is ExitCode.OK


def test_every_target_has_its_own_journal(tmp_path: Path) -> None:
    RestoreJournal(tmp_path, "one").add("version")
    assert RestoreJournal(tmp_path, "one").contains("version")
    assert not RestoreJournal(tmp_path, "other").contains("version")


def test_a_journal_keeps_versions_until_they_are_removed(tmp_path: Path) -> None:
    journal = RestoreJournal(tmp_path / "new", "target")
    journal.add("a")
    journal.add("b")
    journal.remove("a")
    again = RestoreJournal(tmp_path / "new", "target")
    assert (again.contains("a"), again.contains("b")) == (False, True)
    again.close()
    assert list((tmp_path / "new").iterdir()) == []
    assert not RestoreJournal(tmp_path / "new", "target").contains("b")


def test_a_truncated_journal_is_ignored(tmp_path: Path) -> None:
    RestoreJournal(tmp_path, "target").add("version")
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text()[:-10])
    assert not RestoreJournal(tmp_path, "target").contains("version")
