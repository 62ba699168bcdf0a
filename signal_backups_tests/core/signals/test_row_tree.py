"""The row tree: the root computed while writing a backup equals the one computed from the file."""

from __future__ import annotations

import csv
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given

from signal_backups.core.backup import extract
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals import row_tree
from signal_backups.core.signals.merkle import leaf_hash
from signal_backups.core.signals.row_tree import root_of_csv, row_leaves
from signal_backups_tests.core.backup.test_round_trip import good_rows
from signal_backups_tests.core.signals.test_merkle import naive_root
from signal_backups_tests.samples.days import RunDay, extracted
from signal_backups_tests.samples.examples import examples
from signal_backups_tests.samples.signals import Row, signal, signals
from signal_backups_tests.samples.tables import OPTIONAL_TYPES, SQLITE_TYPES, sqlite_table


def naive_root_of(path: Path) -> str:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as file:
        return naive_root([bytes.fromhex(row["verification_hash"]) for row in csv.DictReader(file)]).hex()


@given(good_rows())
@examples(40)
def test_the_root_in_the_report_equals_that_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("day")
    run = extracted(sqlite_table(folder / "signals.db", rows, SQLITE_TYPES | OPTIONAL_TYPES), folder)
    path = run.folder.backup_csv
    assert run.report.records == len(rows)
    assert run.report.merkle_root == root_of_csv(path) == naive_root_of(path)


def test_rows_in_integer_form_count_by_their_stored_hash(run_day: RunDay) -> None:
    run = run_day([signal(1, ["confidence"], confidence=87.0), signal(2)])
    assert run.report.integer_form_records == 1
    assert run.report.merkle_root == root_of_csv(run.folder.backup_csv) == naive_root_of(run.folder.backup_csv)


def test_quarantined_rows_are_not_in_the_tree(run_day: RunDay) -> None:
    run = run_day([signal(1), signal(2, verification_hash="ab" * 32), signal(3)])
    assert run.report.quarantined == 1
    assert run.report.merkle_root == naive_root_of(run.folder.backup_csv) == root_of_csv(run.folder.backup_csv)


def test_a_day_without_signals_has_the_empty_root(run_day: RunDay) -> None:
    run = run_day([])
    assert run.report.merkle_root == root_of_csv(run.folder.backup_csv) == sha256(b"").hexdigest()


def test_batches_are_added_in_order(run_day: RunDay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "BATCH_ROWS", 7)
    monkeypatch.setattr(row_tree, "_CHUNK_ROWS", 5)
    run = run_day(signals(100))
    assert run.report.merkle_root == root_of_csv(run.folder.backup_csv) == naive_root_of(run.folder.backup_csv)


def test_leaves_are_in_file_order(run_day: RunDay) -> None:
    run = run_day(signals(50))
    hashes = [bytes.fromhex(record["verification_hash"] or "") for record in run.records]
    assert b"".join(row_leaves(run.folder.backup_csv)) == b"".join(map(leaf_hash, hashes))


@pytest.mark.parametrize("stored", ["", "zz" * 32])
def test_a_row_without_a_valid_hash_is_an_error(run_day: RunDay, stored: str) -> None:
    run = run_day(signals(2))
    hashed = (run.records[1]["verification_hash"] or "").encode()
    path = run.folder.path / "changed.csv"
    path.write_bytes(run.csv.replace(hashed, stored.encode()))
    with pytest.raises(VerificationError):
        root_of_csv(path)
