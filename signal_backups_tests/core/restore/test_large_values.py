"""Values that are too long for a row go to quarantine, whole, and everything that reads a quarantine reads that one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from signal_backups.core.backup import large_values
from signal_backups.core.backup.fingerprint import fingerprint_of_extract, fingerprint_of_source
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.backup.store_backup import StoreOutcome, store_backup
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.restore.quarantined import quarantined_days
from signal_backups.core.restore.reconcile import reconcile_day
from signal_backups.core.restore.run import RestoreOptions
from signal_backups.core.restore.targets.contract import OnConflict
from signal_backups.core.restore.targets.csv_folder import CsvFolderTarget
from signal_backups.core.signals import csv_file
from signal_backups.core.signals.csv_file import MAX_LINE_BYTES, count_quarantined
from signal_backups.core.signals.fields import MAX_KEPT_BYTES, MAX_ROW_BYTES, MAX_VALUE_BYTES, PIECE
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.restore.backups import NOW, restore
from signal_backups_tests.core.restore.places import Place
from signal_backups_tests.samples.days import CsvRow, DayRun, extracted, read_csv
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.samples.tables import UNTYPED, postgres_table, sqlite_table

MakeTable = Callable[[Sequence[Row]], SignalSource]
#: The limits of these tests, so that they are fast; ``test_large_rows.py`` of the command line has the real ones.
LIMIT, ROW_LIMIT, KEPT = 70_000, 280_000, 210_000
LONGEST = "x" * LIMIT
#: Every kind of character that a CSV or JSON has to quote, and one of several bytes.
ODD = 'Ω"\\\n,\u0001' * (LIMIT // 5)
LARGE = [signal(8, symbol=ODD), signal(9, strategy=LONGEST + "é")]
#: Rows that are quarantined however long their values may be.
BAD = [*(row | {"verification_hash": "0" * 64} for row in LARGE), signal(7) | {"entry_price": None}]
WITH = RestoreOptions(OnConflict.SKIP, include_quarantined=True)


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller limits."""
    for module in ("backup.large_values", "source.sqlite", "source.postgres"):
        monkeypatch.setattr(f"signal_backups.core.{module}.MAX_VALUE_BYTES", LIMIT)
    for module in ("source.sqlite", "source.postgres"):
        monkeypatch.setattr(f"signal_backups.core.{module}.MAX_KEPT_BYTES", KEPT)
    monkeypatch.setattr(large_values, "MAX_ROW_BYTES", ROW_LIMIT)
    monkeypatch.setattr(large_values, "_PIECE_CHARACTERS", 20_000)


@pytest.fixture(params=["sqlite", "postgresql"])
def make_table(request: pytest.FixtureRequest, tmp_path: Path) -> MakeTable:
    """Creates a table of signals; each call replaces the last table."""
    made = iter(range(100))
    if request.param == "sqlite":
        return lambda rows: sqlite_table(tmp_path / f"{next(made)}.db", rows)
    url: str = request.getfixturevalue("postgres_database")
    return lambda rows: postgres_table(url, rows)


def rows_of(run: DayRun) -> list[CsvRow]:
    return [row for row in run.quarantine if row["quarantine_faults"] != PIECE]


def values_of(quarantine: Sequence[CsvRow]) -> list[str]:
    """The values that a quarantine keeps in pieces, in the order of their SHA-256."""
    values: dict[str, str] = {}
    for row in quarantine:
        if row["quarantine_faults"] == PIECE:
            words = str(row["quarantine_reason"]).split()
            assert words[:1] + words[2:3] == ["piece", "of"]
            values[words[-1]] = values.get(words[-1], "") + str(row["unreadable_values"])
    assert all(sha256(value.encode()).hexdigest() == name for name, value in values.items())
    return list(values.values())


def unreadable_of(run: DayRun) -> list[str]:
    return [value for row in rows_of(run) for value in json.loads(str(row["unreadable_values"])).values()]


def test_a_value_that_is_too_long_is_quarantined_whole(make_table: MakeTable, tmp_path: Path) -> None:
    run = extracted(make_table([*signals(3), *LARGE]), tmp_path)
    assert run.ids() == ["signal-00001", "signal-00002", "signal-00003"]
    assert (run.report.records, run.report.quarantined) == (3, 2)
    assert [(row["signal_id"], row["quarantine_faults"]) for row in rows_of(run)] == [
        ("signal-00008", "schema"),
        ("signal-00009", "schema"),
    ]
    size = len(ODD.encode())
    digest = sha256(ODD.encode()).hexdigest()
    assert rows_of(run)[0]["symbol"] is None
    assert str(rows_of(run)[0]["quarantine_reason"]) == (
        f"symbol cannot hold {ODD[:100]}… ({size:,} bytes long, 70,000 are backed up at most; SHA-256 {digest})"
    )
    assert sorted(values_of(run.quarantine)) == sorted([ODD, LONGEST + "é"])
    assert count_quarantined(run.folder.quarantine_csv) == 2


def test_the_longest_value_is_backed_up(make_table: MakeTable, tmp_path: Path) -> None:
    run = extracted(make_table([signal(1, symbol=LONGEST), signal(2, strategy='"' * LIMIT)]), tmp_path)
    assert run.ids() == ["signal-00001", "signal-00002"]
    assert run.verify().ok


def test_of_a_row_that_is_too_long_the_longest_values_are_taken_out(make_table: MakeTable, tmp_path: Path) -> None:
    names = ("signal_id", "symbol", "action", "strategy", "verification_hash")
    row = signal(1, **{name: name[0] * (LIMIT - 100 * number) for number, name in enumerate(names)})
    run = extracted(make_table([row]), tmp_path)
    (found,) = rows_of(run)
    assert [name for name in names if found[name] is None] == ["symbol"]
    assert values_of(run.quarantine) == [row["symbol"]]
    assert sum(len(str(found[name])) for name in names) <= ROW_LIMIT


def test_a_timestamp_that_is_too_long_stays_with_its_day(tmp_path: Path) -> None:
    stamps = [f"{DAY}T12:00:00.{'0' * LIMIT}Z", f"{DAY}T12:00:01.{'0' * KEPT}Z"]
    rows = [signal(number, timestamp=stamp) for number, stamp in enumerate(stamps, 3)]
    source = sqlite_table(tmp_path / "signals.db", [*signals(2), *rows])
    run = extracted(source, tmp_path)
    assert run.ids() == ["signal-00001", "signal-00002"]
    assert [row["timestamp"] for row in rows_of(run)] == [stamp[:64] for stamp in stamps]
    assert values_of(run.quarantine) == stamps[:1]
    assert fingerprint_of_extract(run.folder.extract) == fingerprint_of_source(source, DAY)


def test_an_id_that_is_too_long_has_the_same_fingerprint_in_the_database(make_table: MakeTable, tmp_path: Path) -> None:
    source = make_table([*signals(2), signal(3, signal_id=LONGEST + "1"), signal(4, signal_id=LONGEST)])
    run = extracted(source, tmp_path)
    assert run.quarantined_ids()[0] is None
    assert fingerprint_of_extract(run.folder.extract) == fingerprint_of_source(source, DAY)


@pytest.mark.parametrize("name", ["signal_id", "verification_hash", "timestamp"])
def test_a_value_that_is_longer_than_a_whole_row_is_kept_though_others_are_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("signal_backups.core.source.sqlite.MAX_KEPT_BYTES", 2 * ROW_LIMIT)
    value = (f"{DAY}T12:00:00." if name == "timestamp" else "") + "0" * (ROW_LIMIT + 1)
    row = signal(3, **{name: value})
    source = sqlite_table(tmp_path / "signals.db", [*signals(2), row])
    run = extracted(source, tmp_path)
    assert run.ids() == ["signal-00001", "signal-00002"]
    (found,) = rows_of(run)
    assert found[name] == (value[:64] if name == "timestamp" else None)
    assert all(found[other] == row[other] for other in ("signal_id", "symbol", "action", "strategy") if other != name)
    assert values_of(run.quarantine) == [value]
    assert fingerprint_of_extract(run.folder.extract) == fingerprint_of_source(source, DAY)


@pytest.mark.parametrize("name", ["signal_id", "sha256"])
@pytest.mark.parametrize("size", [LIMIT // 4, LIMIT // 4 + 1, LIMIT])
def test_bytes_that_are_too_long_only_as_escapes_have_the_same_fingerprint_in_the_database(
    tmp_path: Path, name: str, size: int
) -> None:
    path = tmp_path / "signals.db"
    source = sqlite_table(path, signals(2))
    raw = b"\xff" * size
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE signals SET {name} = CAST(? AS TEXT) WHERE signal_id = 'signal-00002'", (raw,))
    run = extracted(source, tmp_path)
    assert run.ids() == ["signal-00001"]
    assert f"X'{raw.hex().upper()}'" in [*values_of(run.quarantine), *unreadable_of(run)]
    assert fingerprint_of_extract(run.folder.extract) == fingerprint_of_source(source, DAY)


def test_a_value_that_is_longer_than_the_quarantine_keeps_is_cut_in_the_database(
    make_table: MakeTable, tmp_path: Path
) -> None:
    large = "y" * KEPT + "é"
    source = make_table([*signals(2), signal(3, symbol=large), signal(4, symbol="y")])
    with source.read_day(DAY) as snapshot:
        assert max(batch.nbytes for batch in snapshot.batches) < LIMIT
    run = extracted(source, tmp_path)
    assert run.ids() == ["signal-00001", "signal-00002", "signal-00004"]
    reason = run.reason()
    assert f"({KEPT + 2} bytes long; only this beginning is kept, because 210,000 are kept at most" in reason
    if source.describe().engine == "postgresql":
        assert sha256(large.encode()).hexdigest() in reason


def test_what_is_kept_whole_is_more_than_what_is_backed_up() -> None:
    assert MAX_VALUE_BYTES < MAX_ROW_BYTES < MAX_LINE_BYTES / 3
    assert MAX_KEPT_BYTES > 17_000_000


@pytest.mark.parametrize("stored", ["9" * LIMIT, b"\xff\x00" * (LIMIT // 2)])
def test_an_sqlite_value_of_another_type_may_be_long_too(tmp_path: Path, stored: str | bytes) -> None:
    rows = [*signals(2), signal(3) | {"entry_price": stored}]
    run = extracted(sqlite_table(tmp_path / "signals.db", rows, UNTYPED), tmp_path)
    assert run.ids() == ["signal-00001", "signal-00002"]
    literal = f"'{stored}'" if isinstance(stored, str) else f"X'{stored.hex().upper()}'"
    assert values_of(run.quarantine) == [literal]
    assert len(str(rows_of(run)[0]["quarantine_reason"])) < 500


def test_a_long_text_that_is_no_text_is_kept_as_a_literal(tmp_path: Path) -> None:
    stored = b"\xff" * (LIMIT // 2)
    run = extracted(sqlite_table(tmp_path / "signals.db", [signal(1) | {"symbol": stored}]), tmp_path)
    assert values_of(run.quarantine) == [f"X'{stored.hex().upper()}'"]


def test_batches_of_long_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal_backups.core.source.adbc.BATCH_BYTES", 10 * LIMIT)
    rows = [signal(number, symbol="x" * (LIMIT if number % 2 else 60_000)) for number in range(40)]
    source = sqlite_table(tmp_path / "signals.db", rows)
    monkeypatch.setattr("signal_backups.core.source.sqlite._DRIVER_ROWS", 2)
    with source.read_day(DAY) as snapshot:
        sizes = [(batch.num_rows, batch.nbytes) for batch in snapshot.batches]
    assert sum(rows for rows, _ in sizes) == 40
    assert max(size for _, size in sizes) <= 13 * LIMIT


def test_every_row_of_the_day_is_read_once_however_long(make_table: MakeTable, tmp_path: Path) -> None:
    lengths = [1, 60_000, 65_536, 65_537, LIMIT, LIMIT + 1]
    rows = [signal(number, symbol="y" * length) for number, length in enumerate(lengths)]
    other = [
        signal(8, symbol=LONGEST, timestamp="2026-11-02T00:30:00+01:00"),
        signal(9, timestamp="2026-11-02", symbol=ODD),
    ]
    run = extracted(make_table([*rows, *other]), tmp_path)
    assert run.ids() == [*(f"signal-{number:05}" for number in range(5)), "signal-00008"]
    assert [row["signal_id"] for row in rows_of(run)] == ["signal-00005"]


BackUp = Callable[[Sequence[Row]], StoreOutcome]


@pytest.fixture
def back_up(make_table: MakeTable, vault: BackupVault, tmp_path: Path) -> BackUp:
    """Backs up a table with the given rows."""

    def run(rows: Sequence[Row]) -> StoreOutcome:
        folder = extracted(make_table(rows), tmp_path).folder
        return store_backup(vault, folder, BackupRun("run", lambda: NOW))

    return run


def stored_quarantine(vault: BackupVault, outcome: StoreOutcome, tmp_path: Path) -> list[CsvRow]:
    stored = outcome.manifest.quarantine
    assert stored is not None
    body, _ = vault.store.get_bytes(stored.key, stored.version_id)
    (tmp_path / "stored.csv").write_bytes(body)
    return read_csv(tmp_path / "stored.csv")


def test_backing_up_again_changes_nothing(back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    rows = [*signals(3), *LARGE]
    first, again = back_up(rows).manifest, back_up(rows)
    assert (first.records, first.quarantined) == (3, 2)
    assert again.manifest.quarantine == first.quarantine
    assert sorted(values_of(stored_quarantine(vault, again, tmp_path))) == sorted([ODD, LONGEST + "é"])


def test_new_values_are_kept_whole_when_the_day_is_merged_with_its_backup(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up(signals(3))
    merged = back_up([*signals(2), *LARGE])
    assert merged.changes is not None
    assert merged.changes.needs_merge
    assert sorted(values_of(stored_quarantine(vault, merged, tmp_path))) == sorted([ODD, LONGEST + "é"])


def test_values_of_rows_that_the_database_lost_are_carried_over(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([*signals(3), *LARGE])
    for rows, count in (([*signals(4), LARGE[0]], 2), (signals(5), 2), ([*signals(5), LARGE[1]], 2)):
        outcome = back_up(rows)
        quarantine = stored_quarantine(vault, outcome, tmp_path)
        assert outcome.manifest.quarantined == count
        assert sorted(values_of(quarantine)) == sorted([ODD, LONGEST + "é"])
        assert sorted(str(row["signal_id"]) for row in quarantine if row["quarantine_faults"] != PIECE) == [
            "signal-00008",
            "signal-00009",
        ]


def test_the_value_of_a_lost_row_is_carried_over_whatever_its_last_reason_is(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    first = signal(9, symbol=ODD, timestamp=f"{DAY}T00:00:00Z")
    back_up([*signals(3), first, LARGE[1]])
    quarantine = stored_quarantine(vault, back_up([*signals(4), first]), tmp_path)
    assert [row["quarantine_faults"] for row in quarantine[:2]] == ["schema", "schema duplicate"]
    assert sorted(values_of(quarantine)) == sorted([ODD, LONGEST + "é"])


@pytest.fixture
def backed_up_whole(back_up: BackUp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup of an earlier release, whose quarantine has values of any length in its columns."""
    with monkeypatch.context() as earlier:
        for name in ("MAX_VALUE_BYTES", "MAX_ROW_BYTES"):
            earlier.setattr(large_values, name, 2**30)
        back_up([*signals(3), *BAD])


def longest_line(quarantine: Sequence[CsvRow]) -> int:
    return max(sum(len(str(value or "").encode()) for value in row.values()) for row in quarantine)


@pytest.mark.usefixtures("backed_up_whole")
def test_rows_that_an_earlier_release_kept_whole_are_the_same_rows(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    for _ in range(2):
        outcome = back_up([*signals(3), *BAD])
        quarantine = stored_quarantine(vault, outcome, tmp_path)
        assert (outcome.manifest.records, outcome.manifest.quarantined) == (3, 3)
        assert sorted(values_of(quarantine)) == sorted([ODD, LONGEST + "é"])
        assert longest_line(quarantine) < LIMIT * 2
    assert not outcome.changed


@pytest.mark.usefixtures("backed_up_whole")
def test_rows_that_an_earlier_release_kept_whole_are_carried_over_in_pieces(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    for rows in (signals(4), [*signals(5), BAD[0]]):
        outcome = back_up(rows)
        quarantine = stored_quarantine(vault, outcome, tmp_path)
        assert outcome.manifest.quarantined == 3
        assert sorted(values_of(quarantine)) == sorted([ODD, LONGEST + "é"])
        assert longest_line(quarantine) < LIMIT * 2


@pytest.mark.usefixtures("backed_up_whole")
def test_a_list_of_a_quarantine_that_cannot_be_read_is_a_typed_error(
    vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_LINE_BYTES", "MAX_OLD_LINE_BYTES"):
        monkeypatch.setattr(csv_file, name, LIMIT // 2)
    with pytest.raises(VerificationError, match="does not parse"):
        list(quarantined_days(vault, DAY, DAY, tmp_path))


def test_the_reason_of_a_carried_row_is_as_short_as_its_values(
    vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def back_up(rows: Sequence[Row], name: str) -> StoreOutcome:
        folder = extracted(sqlite_table(tmp_path / name, rows, UNTYPED), tmp_path).folder
        return store_backup(vault, folder, BackupRun("run", lambda: NOW))

    with monkeypatch.context() as earlier:
        for name in ("MAX_VALUE_BYTES", "MAX_ROW_BYTES"):
            earlier.setattr(large_values, name, 2**30)
        back_up([*signals(2), signal(3) | {"entry_price": "9" * LIMIT}], "before.db")
    quarantine = stored_quarantine(vault, back_up(signals(2), "after.db"), tmp_path)
    (row,) = (row for row in quarantine if row["quarantine_faults"] != PIECE)
    assert values_of(quarantine) == [f"'{'9' * LIMIT}'"]
    assert str(row["quarantine_reason"]).startswith("entry_price cannot hold '999")
    assert len(str(row["quarantine_reason"])) < 500


@pytest.mark.usefixtures("backed_up_whole")
def test_a_reconciliation_knows_the_rows_that_an_earlier_release_kept_whole(
    make_table: MakeTable, vault: BackupVault, tmp_path: Path
) -> None:
    with Scratch(tmp_path / "scratch").day("reconcile", DAY) as folder:
        found = reconcile_day(vault, make_table([*signals(3), *BAD]), folder)
    assert (found.is_equal, found.unchanged, found.source_rows) == (True, 3, 6)


def test_a_reconciliation_knows_the_quarantined_rows(
    back_up: BackUp, make_table: MakeTable, vault: BackupVault, tmp_path: Path
) -> None:
    rows = [*signals(3), *LARGE]
    back_up(rows)
    with Scratch(tmp_path / "scratch").day("reconcile", DAY) as folder:
        found = reconcile_day(vault, make_table(rows), folder)
    assert (found.is_equal, found.unchanged, found.source_rows) == (True, 3, 5)


def test_a_restore_with_quarantined_rows(
    back_up: BackUp, vault: BackupVault, sqlite_place: Place, tmp_path: Path
) -> None:
    outcome = back_up([*signals(3), *LARGE])
    for count in (2, 0):
        (day,) = restore(vault, sqlite_place.target(), tmp_path, WITH).days
        assert (day.quarantined, day.exit_code) == (count, 0)
    ids = sqlite_place.run("SELECT signal_id FROM signals_quarantine ORDER BY signal_id")
    assert ids == [("signal-00008",), ("signal-00009",)]
    (day,) = restore(vault, CsvFolderTarget(tmp_path / "out"), tmp_path, WITH).days
    assert day.quarantined == 2
    (file,) = (tmp_path / "out").glob("signals_quarantine_*")
    assert read_csv(file) == stored_quarantine(vault, outcome, tmp_path)
