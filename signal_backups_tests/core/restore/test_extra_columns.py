"""Columns of a table that are no field of a signal: kept, restored with their types, compared, and proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import StoreOutcome, store_backup
from signal_backups.core.base.errors import ImportVerificationError, UnfitTargetError
from signal_backups.core.bundle.check import check_bundle
from signal_backups.core.bundle.fetch import bundle_content
from signal_backups.core.bundle.write import write_bundle
from signal_backups.core.drill.run import DrillReport, DrillRun, drill
from signal_backups.core.integrity.proof.prove import prove
from signal_backups.core.integrity.proof.verify_proof import verify_proof
from signal_backups.core.restore.reconcile import Reconciliation, reconcile_day
from signal_backups.core.restore.targets.contract import Imported, OnConflict
from signal_backups.core.signals.extra_columns import ExtraChoice, ExtraColumn, split_columns
from signal_backups.core.signals.row_tree import root_of_csv
from signal_backups.core.source import open_source
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.restore.places import Place, importing
from signal_backups_tests.samples.days import DayRun, extracted, read_csv
from signal_backups_tests.samples.signals import DAY, Row, signals
from signal_backups_tests.samples.tables import POSTGRES_TYPES, SQLITE_TYPES

NOW = datetime(2026, 11, 3, 3, tzinfo=UTC)
ALL = ExtraChoice(keeps_all=True)
#: Engine -> declared types of extra columns, and SQL literals of their values in each row.
EXTRAS: dict[str, tuple[dict[str, str], list[dict[str, str]]]] = {
    "sqlite": (
        {
            "id": "INTEGER",
            "fee": "REAL",
            "notes": "TEXT",
            "anything": "",
            "amount": "NUMERIC(20, 4)",
            "raw": "BLOB",
            'Q,uo"te Größe': "VARCHAR(20)",
        },
        [
            {"id": "1", "fee": "0.1", "notes": "'it''s, \"so\"'", "anything": "5", "amount": "12.5", "raw": "x'00ff'"},
            {"id": "9007199254740993", "fee": "1e300", "notes": "'007'", "anything": "'5'", "amount": "7"},
            {"id": "NULL", "fee": "0.30000000000000004", "notes": "''", "anything": "5.0", "raw": "x''"},
            {"fee": "9e999", "notes": "'\\xab'", "anything": "'5.0'", "raw": "'text'", "amount": "'n/a'"},
            {"notes": "'''quoted'''", "anything": "x'35'", 'Q,uo"te Größe': "'a' || char(10) || 'b'"},
            {"notes": "x'ab'", "anything": "'\\x35'", 'Q,uo"te Größe': "'12'", "amount": "-9223372036854775808"},
        ],
    ),
    "postgres": (
        {
            "id": "integer GENERATED ALWAYS AS IDENTITY",
            "fee": "numeric(38,18)",
            "live": "boolean",
            "doc": "jsonb",
            "plain": "json",
            "seen": "timestamp with time zone",
            "tags": "text[]",
            "raw": "bytea",
            "span": "interval",
            "single": "real",
            'Q,uo"te Größe': "character varying(20)",
        },
        [
            {
                "fee": "12345678901234567890.123456789012345678",
                "live": "true",
                "doc": '\'{"b": 1, "a": [null, 1.50]}\'',
            },
            {
                "fee": "'NaN'",
                "plain": '\'{"b":1,  "b":2}\'',
                "seen": "'2026-03-29 01:30:00.000001+02'",
                "live": "false",
            },
            {"tags": "ARRAY['a,b', 'NULL', NULL, '']", "seen": "'infinity'", "raw": "'\\x00ff'"},
            {"span": "'1 mon -3 days 04:05:06.7'", "single": "0.1", 'Q,uo"te Größe': "''"},
            {"tags": "'{}'", "doc": "'null'", 'Q,uo"te Größe': "E'a\\nb'"},
            {},
        ],
    ),
}


@dataclass
class Desk:
    """A table with extra columns, the vault that it is backed up to, and a folder."""

    place: Place
    vault: BackupVault
    folder: Path
    choice: ExtraChoice = field(default=ALL)

    @property
    def extra_types(self) -> dict[str, str]:
        return EXTRAS[self.place.engine][0]

    @property
    def types(self) -> dict[str, str]:
        return (POSTGRES_TYPES if self.place.engine == "postgres" else SQLITE_TYPES) | self.extra_types

    def fill(self, rows: Sequence[Row], table: str = "signals") -> None:
        self.place.make_table({name.replace('"', '""'): kind for name, kind in self.types.items()}, table)
        for row, extras in zip(rows, EXTRAS[self.place.engine][1], strict=False):
            known = {name: "'" + str(row.get(name, row["verification_hash"])) + "'" for name in SQLITE_TYPES}
            values = known | extras
            names = ", ".join('"' + name.replace('"', '""') + '"' for name in values)
            self.place.run(f"INSERT INTO {table} ({names}) VALUES ({', '.join(values.values())})")

    def extract(self) -> DayRun:
        return extracted(open_source(self.place.url, "signals", self.choice), self.folder)

    def back_up(self) -> StoreOutcome:
        return store_backup(self.vault, self.extract().folder, BackupRun("run-1", lambda: NOW))

    def restore(self, run: DayRun, table: str, on_conflict: OnConflict = OnConflict.ERROR) -> Imported:
        return self.place.restore(run, on_conflict, table)

    def reconcile(self) -> Reconciliation:
        folder = self.folder / f"reconcile-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        source = open_source(self.place.url, "signals", self.choice)
        return reconcile_day(self.vault, source, DayFolder(folder, DAY))

    def drill(self) -> DrillReport:
        run = DrillRun("drill-1", self.place.url, "signals", self.folder / "drill", extras=ALL, clock=lambda: NOW)
        return drill(self.vault, run)

    def content(self, table: str = "signals") -> list[tuple[Any, ...]]:
        """Every column of every row: its text and, in SQLite, its storage class."""
        columns = ['"' + name.replace('"', '""') + '"' for name in self.types]
        kind = "pg_typeof({0})::text, {0}::text" if self.place.engine == "postgres" else "typeof({0}), quote({0})"
        fields = ", ".join(kind.format(column) for column in columns)
        return self.place.run(f"SELECT {fields} FROM {table} ORDER BY signal_id")


@pytest.fixture
def desk(place: Place, vault: BackupVault, tmp_path: Path) -> Desk:
    """A table with every kind of extra value."""
    desk = Desk(place, vault, tmp_path)
    desk.fill(signals(6))
    return desk


def stored(vault: BackupVault, manifest: Manifest, folder: Path) -> Path:
    body, _ = vault.store.get_bytes(manifest.backup.key, manifest.backup.version_id)
    path = folder / "stored.csv"
    path.write_bytes(body)
    return path


def test_every_value_comes_back_the_same(desk: Desk) -> None:
    run = desk.extract()
    assert (run.report.records, run.report.quarantined, run.verify().ok) == (6, 0, True)
    assert tuple(run.records[0])[-len(desk.extra_types) :] == tuple(desk.extra_types)
    desk.fill([], "restored")
    assert desk.restore(run, "restored").restored == 6
    assert desk.content("restored") == desk.content()
    again = desk.restore(run, "restored", OnConflict.SKIP)
    assert (again.skipped, again.skipped_different) == (6, 0)


def test_a_new_table_gets_the_columns(desk: Desk) -> None:
    desk.restore(desk.extract(), "created")
    desk.place.run("ALTER TABLE signals RENAME TO original")
    desk.place.run("ALTER TABLE created RENAME TO signals")
    assert desk.extract().report.sha256 == desk_report(desk, "original")


def test_a_table_that_a_restore_made_gets_the_columns_of_its_other_days(desk: Desk) -> None:
    desk.choice = ExtraChoice()
    without, target = desk.extract(), desk.place.target("created")
    desk.choice = ALL
    run = desk.extract()
    target.import_day(importing(without))
    assert target.import_day(importing(run, on_conflict=OnConflict.REPLACE)).replaced == 6
    desk.place.run("ALTER TABLE signals RENAME TO original")
    desk.place.run("ALTER TABLE created RENAME TO signals")
    assert desk.extract().report.sha256 == run.report.sha256


def test_a_table_that_an_earlier_restore_made_is_somebody_elses(desk: Desk) -> None:
    desk.choice = ExtraChoice()
    desk.restore(desk.extract(), "created")
    desk.choice = ALL
    with pytest.raises(UnfitTargetError, match="has no column"):
        desk.restore(desk.extract(), "created", OnConflict.REPLACE)


def test_a_new_table_has_the_same_values_whatever_the_types_of_the_columns(tmp_path: Path) -> None:
    place = Place("sqlite", f"sqlite:///{tmp_path / 'typed.db'}")
    texts = ("123", "007", "1.5", "1e300", "Inf", "9e999", "'5'", "\\x41", "", " 5", "12345678901234567890")
    for number, kind in enumerate(("TEXT", "VARCHAR(20)", "CLOB", "", "BLOB")):
        place.make_table(SQLITE_TYPES | {"note": kind}, f"typed_{number}")
        for row, text in zip(signals(len(texts)), texts, strict=True):
            values = [str(row.get(name, row["verification_hash"])) for name in SQLITE_TYPES] + [text]
            literals = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
            place.run(f"INSERT INTO typed_{number} VALUES ({literals})")
        run = extracted(open_source(place.url, f"typed_{number}", ALL), tmp_path)
        for table in (f"created_{number}", f"own_{number}"):
            if table.startswith("own"):
                place.make_table(SQLITE_TYPES | {"note": kind}, table)
            assert place.restore(run, table=table).restored == len(texts)
            held = place.run(f"SELECT note, typeof(note) FROM {table} ORDER BY signal_id")
            assert held == [(text, "text") for text in texts], (kind, table)


def test_a_signal_is_replaced_in_a_table_that_numbers_its_rows_itself(desk: Desk) -> None:
    run = desk.extract()
    desk.fill([], "restored")
    desk.restore(run, "restored")
    changed = signals(6)[1]["signal_id"]
    desk.place.run(f"UPDATE restored SET strategy = 'other', fee = 9 WHERE signal_id = '{changed}'")
    assert desk.restore(run, "restored", OnConflict.REPLACE).replaced == 1
    assert desk.content("restored") == desk.content()
    if desk.place.engine == "postgres":
        desk.place.run(f"UPDATE restored SET id = DEFAULT WHERE signal_id = '{changed}'")
        with pytest.raises(ImportVerificationError, match="1 signals changed"):
            desk.restore(run, "restored", OnConflict.REPLACE)


def desk_report(desk: Desk, table: str) -> str:
    return extracted(open_source(desk.place.url, table, desk.choice), desk.folder).report.sha256


def test_the_manifest_lists_them_and_the_next_backup_is_the_same(desk: Desk) -> None:
    first = desk.back_up()
    assert first.manifest.csv_format == 2
    assert first.manifest.extra_columns == tuple(desk.extra_types)
    kept = {column.name: column.type for column in first.manifest.source.extra_columns}
    assert kept == {name: kind.split(" GENERATED")[0] for name, kind in desk.extra_types.items()}
    assert first.manifest.source.unknown_columns == []
    csv = stored(desk.vault, first.manifest, desk.folder)
    assert root_of_csv(csv, first.manifest.extra_columns) == first.manifest.merkle_root
    second = desk.back_up()
    assert (second.changed, second.manifest) == (False, first.manifest)
    assert desk.reconcile().is_equal


def test_a_changed_value_is_found_and_the_backup_keeps_the_old_one(desk: Desk) -> None:
    first = desk.back_up().manifest
    changed = signals(6)[2]["signal_id"]
    desk.place.run(f"UPDATE signals SET fee = 2.5 WHERE signal_id = '{changed}'")
    found = desk.reconcile()
    assert (found.mutated.signal_ids, found.late.count, found.unchanged) == ([changed], 0, 5)
    second = desk.back_up().manifest
    assert second.backup == first.backup
    assert second.differences is not None
    assert second.differences.altered.signal_ids == [changed]
    assert second.quarantine is not None
    body, _ = desk.vault.store.get_bytes(second.quarantine.key, second.quarantine.version_id)
    path = desk.folder / "quarantine.csv"
    path.write_bytes(body)
    (row,) = read_csv(path)
    assert row["fee"] in ("2.5", "2.500000000000000000")
    assert not desk.reconcile().is_equal


def test_a_proof_covers_the_extra_values(desk: Desk) -> None:
    desk.back_up()
    signal_id = str(signals(6)[4]["signal_id"])
    proof = prove(desk.vault, signal_id, DAY, desk.folder)
    assert verify_proof(proof.to_bytes()).ok
    assert proof.format == 2
    assert proof.extra is not None
    changed = proof.model_copy(update={"extra": {**proof.extra, "fee": "1"}})
    assert [finding.part for finding in verify_proof(changed.to_bytes()).findings] == ["row tree"]
    without = proof.model_copy(update={"extra": None, "format": 1})
    assert not verify_proof(without.to_bytes()).ok


def test_a_target_that_lacks_a_column_is_refused_and_stays_as_it_was(desk: Desk) -> None:
    run = desk.extract()
    desk.fill([], "restored")
    desk.place.run("ALTER TABLE restored DROP COLUMN fee")
    with pytest.raises(UnfitTargetError, match=r"has no column fee, which the backup of 2026-\S+ keeps") as refused:
        desk.restore(run, "restored")
    assert "--table" in refused.value.remedy
    assert desk.place.run("SELECT count(*) FROM restored") == [(0,)]


def test_a_column_that_appears_changes_nothing_of_old_days(desk: Desk) -> None:
    first = desk.back_up()
    desk.place.run("ALTER TABLE signals ADD COLUMN late_comer text DEFAULT 'x'")
    assert desk.reconcile().is_equal
    second = desk.back_up()
    assert second.manifest.differences is None
    assert second.manifest.extra_columns == (*first.manifest.extra_columns, "late_comer")
    assert second.manifest.records == 6


def test_a_column_that_disappears_stays_in_old_backups(desk: Desk) -> None:
    first = desk.back_up()
    desk.place.run("ALTER TABLE signals DROP COLUMN fee")
    assert desk.reconcile().is_equal
    second = desk.back_up()
    assert second.manifest.differences is None
    rows = read_csv(stored(desk.vault, second.manifest, desk.folder))
    assert [row["fee"] for row in rows] == [
        row["fee"] for row in read_csv(stored(desk.vault, first.manifest, desk.folder))
    ]
    assert set(rows[0]) == set(first.manifest.columns)
    assert not desk.back_up().changed


def test_nothing_is_kept_unless_it_is_asked_for(desk: Desk) -> None:
    desk.choice = ExtraChoice()
    manifest = desk.back_up().manifest
    assert (manifest.csv_format, manifest.extra_columns, manifest.source.extra_columns) == (1, (), [])
    assert [column.name for column in manifest.source.unknown_columns] == list(desk.extra_types)
    assert verify_proof(prove(desk.vault, str(signals(6)[0]["signal_id"]), DAY, desk.folder).to_bytes()).ok


def test_names_are_kept_in_any_case_and_the_others_are_named(desk: Desk) -> None:
    desk.choice = ExtraChoice(names=("FEE", "gone"))
    manifest = desk.back_up().manifest
    assert manifest.extra_columns == ("fee",)
    source = open_source(desk.place.url, "signals", desk.choice).describe()
    assert source.absent_columns == ("gone",)
    assert not source.has_no_surprise
    assert "the table has no column gone" in source.about_columns


def test_a_quarantined_row_keeps_its_values(desk: Desk) -> None:
    desk.place.run("UPDATE signals SET action = 'HOLD'")
    run = desk.extract()
    assert run.report.records == 0
    assert tuple(run.quarantine[0])[-len(desk.extra_types) :] == tuple(desk.extra_types)
    assert run.quarantine[0]["fee"] in ("0.1", "12345678901234567890.123456789012345678")
    target = desk.place.target("restored")
    desk.fill([], "restored")
    assert target.import_quarantine(DAY, run.folder.quarantine_csv, OnConflict.ERROR) == 6
    assert target.import_quarantine(DAY, run.folder.quarantine_csv, OnConflict.ERROR) == 0


def test_restored_quarantines_of_other_days_may_have_other_columns(desk: Desk) -> None:
    desk.place.run("UPDATE signals SET action = 'HOLD'")
    target, run = desk.place.target("restored"), desk.extract()
    desk.choice = ExtraChoice()
    assert target.import_quarantine(DAY, desk.extract().folder.quarantine_csv, OnConflict.ERROR) == 6
    assert target.import_quarantine(DAY, run.folder.quarantine_csv, OnConflict.ERROR) == 6


def test_a_value_of_any_length_goes_to_quarantine_whole(desk: Desk) -> None:
    column = "notes" if desk.place.engine == "sqlite" else "tags"
    value = "'" + "n" * 1_100_000 + "'" if column == "notes" else "ARRAY['" + "n" * 1_100_000 + "']"
    changed = str(signals(6)[1]["signal_id"])
    desk.place.run(f"UPDATE signals SET {column} = {value} WHERE signal_id = '{changed}'")
    run = desk.extract()
    assert (run.report.records, run.report.quarantined, run.verify().ok) == (5, 1, True)
    whole, *rest = [row for row in run.quarantine if row["signal_id"] == changed]
    assert rest == []
    assert "extra_values" in str(whole["unreadable_values"])
    text = "".join(str(row["unreadable_values"]) for row in run.quarantine if row["quarantine_faults"] == "piece")
    assert "n" * 1_100_000 in text


def test_of_a_value_that_is_longer_than_the_quarantine_keeps_the_beginning_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in ("sqlite", "postgres"):
        monkeypatch.setattr(f"signal_backups.core.source.{engine}.MAX_KEPT_BYTES", 70_000)
    column = "notes" if desk.place.engine == "sqlite" else "tags"
    value = "'" + "n" * 80_000 + "'" if column == "notes" else "ARRAY['" + "n" * 80_000 + "']"
    changed = str(signals(6)[1]["signal_id"])
    desk.place.run(f"UPDATE signals SET {column} = {value} WHERE signal_id = '{changed}'")
    run = desk.extract()
    assert (run.report.records, run.report.quarantined, run.verify().ok) == (5, 1, True)
    (row,) = run.quarantine
    assert row[column] is None
    assert f"extra columns cannot hold {column}: " in str(row["quarantine_reason"])
    assert "bytes long; only this beginning is kept, because 70,000 are kept at most" in str(row["quarantine_reason"])


def test_the_verifier_of_a_bundle_covers_them(desk: Desk) -> None:
    manifest = desk.back_up().manifest
    content = bundle_content(desk.vault, DAY, DAY, desk.folder / "scratch", clock=lambda: NOW)
    bundle = write_bundle(content, desk.folder / "bundle")
    assert check_bundle(bundle.path).ok
    csv = bundle.path / manifest.backup.key
    text = csv.read_text(encoding="utf-8")
    csv.write_text(text.replace(",0.1,", ",0.2,", 1), encoding="utf-8")
    assert text != csv.read_text(encoding="utf-8")
    found = {finding.what for finding in check_bundle(bundle.path).findings}
    assert "its rows are not those of its manifest, or not in that order" in found


def test_reserved_names_and_twins_cannot_be_kept() -> None:
    for name in ("unreadable_values", "Quarantine_Reason", "SHA256", "", "a\nb", "symbol"):
        with pytest.raises(ValueError, match="cannot be kept"):
            ExtraChoice.parse(f'fee,"{name}"')
    columns = [ExtraColumn(name, "") for name in ("fee", "Note", "note", "sha256", "a,b")]
    kept, left_out = split_columns(columns, ALL)
    assert ([column.name for column in kept], len(left_out)) == (["fee", "a,b"], 3)
    assert ExtraChoice.parse('fee, "a,b"').names == ("fee", "a,b")
    assert [ExtraChoice.parse(text) for text in ("", "ignore", "all")] == [
        ExtraChoice(),
        ExtraChoice(is_settled=True),
        ALL,
    ]


def test_a_drill_restores_and_compares_them(desk: Desk) -> None:
    desk.back_up()
    report = desk.drill()
    (day,) = report.days
    assert (report.ok, day.restore.restored) == (True, 6)
    assert day.reconciliation is not None
    assert day.reconciliation.unchanged == 6


def test_a_drill_restores_a_column_that_the_source_no_longer_has(desk: Desk) -> None:
    desk.back_up()
    desk.place.run("ALTER TABLE signals DROP COLUMN fee")
    (day,) = desk.drill().days
    assert (day.restore.problem, day.restore.restored) == (None, 6)
    assert day.reconciliation is not None
    assert day.reconciliation.is_equal
