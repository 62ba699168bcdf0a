"""Scratch folders: passing files between stages, and removing what crashes leave behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signal_backups.core.backup.extract import ExtractReport
from signal_backups.core.backup.hashed_csv import CsvReport, write_hashed_csv
from signal_backups.core.backup.scratch import ORPHAN_AGE_S, DayFolder, Scratch
from signal_backups.core.base.errors import ExitCode, StageInputMissingError
from signal_backups.core.signals.extra_columns import ExtraColumn
from signal_backups.core.source import SourceDescription
from signal_backups_tests.samples.signals import DAY


def test_a_folder_exists_only_inside_its_block(tmp_path: Path) -> None:
    with Scratch(tmp_path).day("run", DAY) as folder:
        (folder.path / "file").touch()
        assert folder.day == DAY
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_removed_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Scratch(tmp_path).day("run", DAY):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_files_of_an_earlier_attempt_are_removed(tmp_path: Path) -> None:
    left = tmp_path / "run" / DAY.isoformat()
    left.mkdir(parents=True)
    (left / "backup.csv").touch()
    with Scratch(tmp_path).day("run", DAY) as folder:
        assert list(folder.path.iterdir()) == []


def test_a_stage_without_its_input_names_the_assets_to_select(tmp_path: Path) -> None:
    with pytest.raises(StageInputMissingError, match="signal_extract, hashed_csv and backup_object") as raised:
        write_hashed_csv(DayFolder(tmp_path, DAY))
    assert raised.value.exit_code == ExitCode.USAGE
    with pytest.raises(StageInputMissingError, match="hashed_csv"):
        DayFolder(tmp_path, DAY).load(CsvReport, "hashed_csv")


def test_a_report_is_loaded_unchanged(tmp_path: Path) -> None:
    report = ExtractReport(
        rows=1,
        rows_without_instant=0,
        sorted_by_engine=True,
        source=SourceDescription("sqlite", "x", "signals", "sha256", (), (ExtraColumn("note", "TEXT"),)),
        snapshot_id="x",
        seconds=0.1,
    )
    folder = DayFolder(tmp_path, DAY)
    folder.save(report)
    assert [file.name for file in tmp_path.iterdir()] == ["ExtractReport.json"]
    assert folder.load(ExtractReport, "signal_extract") == report


def test_only_folders_of_finished_runs_are_swept(tmp_path: Path) -> None:
    for run in ("running", "finished", "unknown-new", "unknown-old"):
        (tmp_path / run).mkdir()
    now = (tmp_path / "running").stat().st_mtime
    os.utime(tmp_path / "unknown-old", (now, now - ORPHAN_AGE_S - 60))
    known = {"running": False, "finished": True}
    assert Scratch(tmp_path).sweep(known.get, lambda: now) == ["finished", "unknown-old"]
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["running", "unknown-new"]


def test_sweeping_a_missing_folder_does_nothing(tmp_path: Path) -> None:
    assert Scratch(tmp_path / "nowhere").sweep(lambda _: True) == []
