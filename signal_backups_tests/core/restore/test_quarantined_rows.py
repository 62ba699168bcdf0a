"""Quarantined rows are restored only on request, separately and once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.restore.journal import RestoreJournal
from signal_backups.core.restore.report import Outcome, RestoreReport
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import choose_days
from signal_backups.core.restore.targets.contract import OnConflict, RestoreTarget
from signal_backups.core.restore.targets.csv_folder import CsvFolderTarget
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.restore.backups import (
    ONE_DAY,
    QUARANTINE_KEY,
    SLOT,
    BackUp,
    overwrite,
    restore,
    rows_of,
)
from signal_backups_tests.core.restore.places import Place, as_held
from signal_backups_tests.samples.signals import DAY, Row, signal, signals

BAD: list[Row] = [signal(8, action="HOLD"), signal(9, symbol="", server_timestamp='"\n,')]
WITH = RestoreOptions(include_quarantined=True)
AGAIN = RestoreOptions(OnConflict.SKIP, include_quarantined=True)


def test_quarantined_rows_are_not_restored_by_default(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([*signals(3), *BAD])
    (day,) = restore(vault, place.target(), tmp_path).days
    assert (day.restored, day.quarantined, day.outcome) == (3, 0, Outcome.RESTORED)
    assert place.tables() == {"signals"}
    assert place.rows() == as_held(signals(3))


def test_quarantined_rows_are_restored_once_into_a_table_of_their_own(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([*signals(3), *BAD])
    (day,) = restore(vault, place.target(), tmp_path, WITH).days
    assert (day.restored, day.quarantined) == (3, 2)
    assert place.rows() == as_held(signals(3))
    query = "SELECT backup_day, signal_id, action, symbol, server_timestamp, quarantine_reason FROM signals_quarantine"
    found = place.run(f"{query} ORDER BY signal_id")
    assert [row[:5] for row in found] == [
        ("2026-11-01", "signal-00008", "HOLD", "EURUSD", None),
        ("2026-11-01", "signal-00009", "BUY", "", '"\n,'),
    ]
    assert "action is not BUY or SELL" in found[0][5]
    (again,) = restore(vault, place.target(), tmp_path, AGAIN).days
    assert (again.quarantined, again.outcome) == (0, Outcome.ALREADY_THERE)
    assert place.run(f"{query} ORDER BY signal_id") == found


def test_quarantined_rows_of_several_days_share_a_table(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    for number in range(2):
        day = DAY + number * ONE_DAY
        back_up([*rows_of(day, 2), signal(8, timestamp=f"{day}T01:00:00Z", action="HOLD")], day)
    report = restore(vault, place.target(), tmp_path, WITH, last=DAY + ONE_DAY)
    assert [day.quarantined for day in report.days] == [1, 1]
    assert sorted(place.run("SELECT backup_day, signal_id FROM signals_quarantine")) == [
        ("2026-11-01", "signal-00008"),
        ("2026-11-02", "signal-00008"),
    ]


def test_the_quarantine_table_is_named_after_the_target_table(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([*signals(1), *BAD])
    restore(vault, place.target("mine"), tmp_path, WITH)
    assert place.tables() == {"mine", "mine_quarantine"}


def test_in_a_folder_quarantined_rows_are_a_separate_file(back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    manifest = back_up([*signals(3), *BAD])
    folder = tmp_path / "restored"
    (day,) = restore(vault, CsvFolderTarget(folder), tmp_path, WITH).days
    assert (day.restored, day.quarantined) == (3, 2)
    assert sorted(path.name for path in folder.iterdir()) == [
        "signals_backup_20261101_020000.csv",
        "signals_quarantine_20261101_020000.csv",
    ]
    assert manifest.quarantine is not None
    stored, _ = vault.store.get_bytes(QUARANTINE_KEY, manifest.quarantine.version_id)
    assert (folder / "signals_quarantine_20261101_020000.csv").read_bytes() == stored
    (again,) = restore(vault, CsvFolderTarget(folder), tmp_path, AGAIN).days
    assert again.quarantined == 0


def test_a_day_with_only_quarantined_rows_is_restored(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up(BAD)
    report = restore(vault, place.target(), tmp_path, WITH)
    assert report.exit_code is ExitCode.OK
    assert [(day.outcome, day.records, day.quarantined) for day in report.days] == [(Outcome.RESTORED, 0, 2)]
    assert place.rows() == []


def test_the_quarantine_version_named_in_the_manifest_is_restored(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([*signals(3), *BAD])
    overwrite(vault, b"somebody else's\n", QUARANTINE_KEY)
    (day,) = restore(vault, place.target(), tmp_path, WITH).days
    assert (day.quarantined, day.exit_code) == (2, ExitCode.OK)


@pytest.fixture(params=["sqlite", "postgres", "folder"])
def target_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], RestoreTarget]:
    """Each kind of target in turn."""
    if request.param == "folder":
        return lambda: CsvFolderTarget(tmp_path / "out")
    place: Place = request.getfixturevalue(f"{request.param}_place")
    return place.target


def lose(vault: BackupVault, manifest: Manifest) -> None:
    assert manifest.quarantine is not None
    named = {"Key": manifest.quarantine.key, "VersionId": manifest.quarantine.version_id}
    vault.store._client.delete_object(Bucket=vault.store.bucket, **named)


def change(vault: BackupVault, manifest: Manifest) -> None:
    """Let the manifest name other rows than those that it vouches for."""
    assert manifest.quarantine is not None
    other = overwrite(vault, b"other rows\n", QUARANTINE_KEY)
    quarantine = manifest.quarantine.model_copy(update={"version_id": other})
    write_manifest(vault, SLOT, manifest.model_copy(update={"quarantine": quarantine}))


@pytest.mark.parametrize(("harm", "words"), [(lose, "are gone from S3"), (change, "are not what the manifest says")])
def test_a_day_whose_quarantined_rows_are_lost_is_restored_in_part(
    target_of: Callable[[], RestoreTarget],
    back_up: BackUp,
    vault: BackupVault,
    tmp_path: Path,
    harm: Callable[[BackupVault, Manifest], None],
    words: str,
) -> None:
    rows = [*signals(3), *BAD]
    harm(vault, back_up(rows))
    target = target_of()

    def run() -> RestoreReport:
        journal = RestoreJournal(tmp_path / "journals", target.location)
        return Restore(vault, target, WITH, tmp_path, journal).run(choose_days(vault, DAY, DAY))

    for restored in (3, 0):
        (day,) = run().days
        assert (day.outcome, day.exit_code) == (Outcome.IN_PART, ExitCode.FAILED)
        assert (day.records, day.restored, day.quarantined) == (3, restored, 0)
        assert words in str(day.problem)
        assert "signal-backups backup 2026-11-01" in str(day.remedy)
        assert target.count_signals(DAY) == 3
    back_up(rows)
    (day,) = run().days
    assert (day.outcome, day.quarantined, day.exit_code) == (Outcome.ALREADY_THERE, 2, ExitCode.OK)


def test_new_quarantined_rows_are_added_to_existing_ones(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([*signals(3), *BAD[:1]])
    restore(vault, place.target(), tmp_path, WITH)
    back_up([*signals(3), *BAD])
    (day,) = restore(vault, place.target(), tmp_path, AGAIN).days
    assert day.quarantined == 1
    assert place.run("SELECT count(*) FROM signals_quarantine") == [(2,)]


def test_an_existing_quarantine_file_is_replaced_only_on_request(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    target = CsvFolderTarget(tmp_path / "out")
    back_up(BAD)
    restore(vault, target, tmp_path, WITH)
    (file,) = (tmp_path / "out").glob("signals_quarantine_*")
    file.write_text("mine")
    for on_conflict, outcome, kept in (
        (OnConflict.ERROR, Outcome.IN_PART, True),
        (OnConflict.SKIP, Outcome.RESTORED, True),
        (OnConflict.REPLACE, Outcome.RESTORED, False),
    ):
        for csv in (tmp_path / "out").glob("signals_backup_*"):
            csv.unlink()
        (day,) = restore(vault, target, tmp_path, RestoreOptions(on_conflict, include_quarantined=True)).days
        assert (day.outcome, file.read_text() == "mine") == (outcome, kept)
