"""A whole restore: every day is verified first, a bad day is skipped, an unreachable store ends the run."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from signal_backups.core.base.errors import ArchivedError, ExitCode, NotFoundError, StoreError, TargetError
from signal_backups.core.restore.fetch import fetch
from signal_backups.core.restore.report import DayRestore, Outcome, RestoreReport
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import UnavailableDay, choose_days, choose_key
from signal_backups.core.restore.targets.contract import OnConflict
from signal_backups.core.restore.targets.csv_folder import CsvFolderTarget
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.restore.backups import (
    KEY,
    MANIFEST_KEY,
    ONE_DAY,
    BackUp,
    date_versions,
    days_from,
    delete,
    destroy,
    overwrite,
    restore,
    rows_of,
    vouch,
)
from signal_backups_tests.core.restore.places import Place, as_held
from signal_backups_tests.samples.days import read_csv
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.servers.faults import Refuse
from signal_backups_tests.servers.strict_s3 import StrictS3

FIVE = days_from(DAY, 5)


@pytest.fixture
def five(back_up: BackUp) -> None:
    """Five days of two signals each."""
    for day in FIVE:
        back_up(rows_of(day, 2), day)


def damaged(body: bytes, number: int = 2) -> bytes:
    """Return the backup with one signal changed, so that its hash does not match."""
    return re.sub(rb"(signal-%05d),EURUSD" % number, rb"\1,USDEUR", body)


def content(vault: BackupVault) -> bytes:
    return vault.store.get_bytes(KEY)[0]


def test_every_day_is_restored_and_described(place: Place, five: None, vault: BackupVault, tmp_path: Path) -> None:
    reported: list[DayRestore] = []
    selection = choose_days(vault, FIVE[0], FIVE[-1])
    report = Restore(vault, place.target(), RestoreOptions(), tmp_path / "new").run(selection, on_day=reported.append)
    assert report.days == reported
    assert report.exit_code is ExitCode.OK
    assert (report.target, report.total("restored"), report.total("records")) == (place.target().location, 10, 10)
    assert [(day.day, day.outcome, day.is_current, day.has_manifest) for day in report.days] == [
        (day, Outcome.RESTORED, True, True) for day in FIVE
    ]
    assert report.days[0].key == KEY
    assert set(report.days[0].seconds) == {"download", "verify", "import", "verify_import"}
    for day in FIVE:
        assert [row for row in place.rows(day) if row["signal_id"].startswith(str(day))] == as_held(rows_of(day, 2))
    assert list((tmp_path / "new").iterdir()) == []


def test_a_day_that_is_equal_in_the_target_is_already_there(
    place: Place, five: None, vault: BackupVault, tmp_path: Path
) -> None:
    restore(vault, place.target(), tmp_path, last=FIVE[-1])
    report = restore(vault, place.target(), tmp_path, RestoreOptions(OnConflict.SKIP), last=FIVE[-1])
    assert {day.outcome for day in report.days} == {Outcome.ALREADY_THERE}
    assert (report.exit_code, report.total("skipped"), report.total("restored")) == (ExitCode.OK, 10, 0)


def test_a_conflict_fails_only_its_day(place: Place, five: None, vault: BackupVault, tmp_path: Path) -> None:
    restore(vault, place.target(), tmp_path, first=FIVE[1], last=FIVE[1])
    report = restore(vault, place.target(), tmp_path, last=FIVE[-1])
    assert [day.outcome for day in report.days].count(Outcome.RESTORED) == 4
    assert report.days[1].outcome is Outcome.CONFLICT
    assert "2 of 2 signals of 2026-11-02 are already in" in str(report.days[1].problem)
    assert report.exit_code is ExitCode.FAILED


def shared_id(day: date) -> list[Row]:
    """Two signals of a day, one of which has an id that is on every day."""
    return [*rows_of(day, 1), signal(9, timestamp=f"{day}T00:00:09+00:00")]


@pytest.mark.parametrize("on_conflict", list(OnConflict))
def test_an_id_that_is_on_two_days_is_restored_on_both(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path, on_conflict: OnConflict
) -> None:
    for day in FIVE[:2]:
        back_up(shared_id(day), day)
    report = restore(vault, place.target(), tmp_path, RestoreOptions(on_conflict), last=FIVE[1])
    assert (report.exit_code, report.total("restored"), report.total("skipped")) == (ExitCode.OK, 4, 0)
    for day in FIVE[:2]:
        assert place.rows(day) == as_held(shared_id(day))


@pytest.mark.parametrize("on_conflict", list(OnConflict))
def test_a_target_that_takes_each_id_once_is_never_a_success(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path, on_conflict: OnConflict
) -> None:
    for day in FIVE[:2]:
        back_up(shared_id(day), day)
    place.make_table(place.types | {"signal_id": "TEXT PRIMARY KEY"})
    report = restore(vault, place.target(), tmp_path, RestoreOptions(on_conflict), last=FIVE[1])
    assert [day.outcome for day in report.days] == [Outcome.RESTORED, Outcome.CONFLICT]
    assert report.exit_code is ExitCode.FAILED
    assert f"signal-00009 ({FIVE[0]})" in str(report.days[1].problem)
    assert place.rows(FIVE[0]) == as_held(shared_id(FIVE[0]))
    assert place.rows(FIVE[1]) == []


@pytest.mark.parametrize("bad", range(5))
def test_one_bad_day_of_five_does_not_stop_the_others(
    sqlite_place: Place, five: None, back_up: BackUp, vault: BackupVault, tmp_path: Path, bad: int
) -> None:
    (chosen,) = choose_days(vault, FIVE[bad], FIVE[bad])
    assert not isinstance(chosen, UnavailableDay)
    assert chosen.manifest is not None
    vouch(vault, chosen.manifest, b"garbage", tmp_path, 2)
    report = restore(vault, sqlite_place.target(), tmp_path, last=FIVE[-1])
    assert [day.outcome is Outcome.RESTORED for day in report.days] == [number != bad for number in range(5)]
    assert report.days[bad].outcome is Outcome.REFUSED
    assert report.exit_code is ExitCode.FAILED
    assert len(sqlite_place.ids()) == 8


def test_missing_days_are_reported_with_the_others_restored(
    sqlite_place: Place, five: None, vault: BackupVault, tmp_path: Path
) -> None:
    delete(vault, vault.layout.backup_key(choose_days(vault, FIVE[2], FIVE[2])[0].slot))  # type: ignore[union-attr]
    report = restore(vault, sqlite_place.target(), tmp_path, last=FIVE[-1])
    assert (report.days[2].outcome, report.days[2].exit_code) == (Outcome.MISSING, ExitCode.NOT_FOUND)
    assert "signal-backups undelete 2026-11-03" in str(report.days[2].remedy)
    assert report.exit_code is ExitCode.NOT_FOUND
    assert report.total("restored") == 8


def test_a_damaged_backup_is_refused_with_its_rows_and_a_remedy(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    good = back_up(signals(3))
    vouch(vault, good, damaged(content(vault)), tmp_path, 3)
    report = restore(vault, place.target(), tmp_path)
    (day,) = report.days
    assert (day.outcome, day.restored, day.exit_code) == (Outcome.REFUSED, 0, ExitCode.FAILED)
    assert "does not verify and was refused: 1 of 3 signals do not match their hash" in str(day.problem)
    assert "row 2 (signal-00002) does not match its hash" in str(day.problem)
    assert place.tables() == set()
    found = re.search(r"--key (\S+) --version-id (\S+)$", str(day.remedy))
    assert found is not None
    chosen = choose_key(vault, found[1], found[2])
    assert chosen.manifest == good
    assert Restore(vault, place.target(), RestoreOptions(), tmp_path).run([chosen]).exit_code is ExitCode.OK
    assert place.rows() == as_held(signals(3))


def test_the_nearest_good_version_that_still_verifies_is_offered(
    sqlite_place: Place, back_up: BackUp, dated: BackupVault, tmp_path: Path
) -> None:
    far, near = back_up(signals(1), into=dated), back_up(signals(2), into=dated)
    rotten = vouch(dated, near, b"also garbage", tmp_path, 2)
    bad = vouch(dated, near, b"garbage", tmp_path, 2)
    later = back_up(signals(3), into=dated, accept="the backup is garbage")
    ids = [manifest.backup.version_id for manifest in (far, near, rotten, bad, later)]
    dates = [datetime(2026, 11, day, tzinfo=UTC) for day in (2, 8, 9, 10, 14)]
    date_versions(dated, dict(zip(ids, dates, strict=True)))
    chosen = choose_key(dated, KEY, bad.backup.version_id)
    report = Restore(dated, sqlite_place.target(), RestoreOptions(), tmp_path).run([chosen])
    assert report.days[0].remedy == (
        "The nearest good version is of 2026-11-08T00:00:00Z. Make it current with: signal-backups undelete 2026-11-01 "
        f"--version-id {near.backup.version_id}; or restore it alone: --key {KEY} "
        f"--version-id {near.backup.version_id}"
    )


def test_without_another_good_version_importing_the_good_rows_is_offered(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    manifest = back_up(signals(3))
    body = content(vault)
    destroy(vault, KEY)
    vouch(vault, manifest, damaged(body), tmp_path, 3)
    (day,) = restore(vault, sqlite_place.target(), tmp_path).days
    assert str(day.remedy).startswith("No other version of this day verifies")
    assert "--allow-corrupt-rows" in str(day.remedy)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda body: body.replace(b",,\n", b",,x\n", 1), "SHA-256"),  # no hash covers server_timestamp
        (lambda body: b"".join(body.splitlines(keepends=True)[:-1]), "file has 2 signals, its manifest says 3"),
        (lambda body: body[:-1], "the last line has no line break"),
        (lambda body: body + body.splitlines(keepends=True)[1], "signal_id repeats: signal-00001"),
    ],
)
def test_a_file_that_does_not_match_its_manifest_is_refused(
    sqlite_place: Place,
    back_up: BackUp,
    vault: BackupVault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: object,
    says: str,
) -> None:
    back_up(signals(3))
    plain = vault.store.get_file

    def changes(key: str, version_id: str, target: Path) -> None:
        plain(key, version_id, target)
        target.write_bytes(change(target.read_bytes()))  # type: ignore[operator]

    monkeypatch.setattr(vault.store, "get_file", changes)
    (day,) = restore(vault, sqlite_place.target(), tmp_path).days
    assert (day.outcome, day.exit_code) == (Outcome.REFUSED, ExitCode.FAILED)
    assert says in str(day.problem)
    assert sqlite_place.tables() == set()


def test_the_good_rows_of_a_damaged_backup_are_imported_on_request(
    place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    good = back_up(signals(5))
    whole = content(vault)
    body = damaged(damaged(whole, 2), 4) + whole.splitlines(keepends=True)[1]
    vouch(vault, good, body, tmp_path, 5)
    report = restore(vault, place.target(), tmp_path, RestoreOptions(rejected_folder=tmp_path / "rejected"))
    (day,) = report.days
    assert (day.outcome, day.records, day.restored, day.refused) == (Outcome.IN_PART, 3, 3, 3)
    assert report.exit_code is ExitCode.FAILED
    assert "3 rows were left out" in str(day.problem)
    assert place.ids() == ["signal-00001", "signal-00003", "signal-00005"]
    assert day.refused_file is not None
    rejected = read_csv(Path(day.refused_file))
    assert [(row["signal_id"], row["symbol"]) for row in rejected] == [
        ("signal-00002", "USDEUR"),
        ("signal-00004", "USDEUR"),
        ("signal-00001", "EURUSD"),
    ]


def test_matching_rows_are_imported_although_the_file_hash_is_wrong(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    good = back_up([signal(1, server_timestamp="before"), signal(2)])
    overwritten = content(vault).replace(b"before", b"behind")
    version = overwrite(vault, overwritten)
    lying = good.model_copy(update={"backup": good.backup.model_copy(update={"version_id": version})})
    write_manifest(vault, BackupSlot(DAY), lying)
    options = RestoreOptions(rejected_folder=tmp_path / "rejected")
    (day,) = restore(vault, sqlite_place.target(), tmp_path, options).days
    assert (day.outcome, day.restored, day.refused, day.exit_code) == (Outcome.IN_PART, 2, 0, ExitCode.FAILED)
    assert "its manifest says" in str(day.problem)
    assert "which does not cover generation_latency_ms and server_timestamp" in str(day.problem)


def test_a_day_that_the_target_does_not_accept_stops_no_other_day(
    postgres_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    next_day = DAY + ONE_DAY
    back_up([signal(1, symbol="a\0b")])
    back_up([signal(2, timestamp=f"{next_day}T00:00:00Z")], next_day)
    report = restore(vault, postgres_place.target(), tmp_path, last=next_day)
    assert [day.outcome for day in report.days] == [Outcome.FAILED, Outcome.RESTORED]
    assert report.exit_code is ExitCode.FAILED


def test_a_file_that_cannot_be_split_into_rows_is_always_refused(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    good = back_up(signals(3))
    vouch(vault, good, content(vault) + b'"unended\n', tmp_path, 3)
    options = RestoreOptions(rejected_folder=tmp_path / "rejected")
    (day,) = restore(vault, sqlite_place.target(), tmp_path, options).days
    assert (day.outcome, day.restored) == (Outcome.REFUSED, 0)
    assert "cannot be split into rows" in str(day.problem)
    assert sqlite_place.tables() == set()


def test_a_day_without_signals_is_restored(place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    back_up([])
    report = restore(vault, place.target(), tmp_path)
    assert [(day.outcome, day.records) for day in report.days] == [(Outcome.RESTORED, 0)]
    assert report.exit_code is ExitCode.OK
    assert place.rows() == []


def test_a_version_removed_after_it_was_chosen_is_missing(
    sqlite_place: Place, back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up(signals(3))
    selection = choose_days(vault, DAY, DAY)
    destroy(vault, KEY)
    report = Restore(vault, sqlite_place.target(), RestoreOptions(), tmp_path).run(selection)
    assert [(day.outcome, day.exit_code) for day in report.days] == [(Outcome.MISSING, ExitCode.NOT_FOUND)]


def test_an_unreachable_store_ends_the_run(
    sqlite_place: Place, five: None, memory: StrictS3, vault: BackupVault, tmp_path: Path
) -> None:
    class Leaving(S3ObjectStore):
        def get_file(self, key: str, version_id: str, target: Path) -> None:
            if "20261103" in key:
                memory.faults = lambda _: Refuse()
            super().get_file(key, version_id, target)

    leaving = BackupVault(Leaving(memory.client(), vault.store.bucket), vault.layout, outbox=tmp_path / "outbox")
    report = restore(leaving, sqlite_place.target(), tmp_path, last=FIVE[-1])
    assert [day.outcome for day in report.days] == [
        Outcome.RESTORED,
        Outcome.RESTORED,
        Outcome.FAILED,
        Outcome.NOT_ATTEMPTED,
        Outcome.NOT_ATTEMPTED,
    ]
    assert [day.day for day in report.days] == FIVE
    assert report.exit_code is ExitCode.UNREACHABLE
    assert str(report.days[4].remedy).startswith("Run the same command again")
    assert leaving.trail.waiting() == 1
    assert len(sqlite_place.ids()) == 4


def test_an_unreachable_target_ends_the_run(five: None, vault: BackupVault, tmp_path: Path) -> None:
    folder = tmp_path / "restored"
    target = CsvFolderTarget(folder)
    plain = target.import_day
    target.import_day = lambda day: (  # type: ignore[method-assign]
        (_ for _ in ()).throw(TargetError("gone")) if day.day == FIVE[1] else plain(day)
    )
    report = restore(vault, target, tmp_path, last=FIVE[-1])
    assert [day.outcome for day in report.days] == [Outcome.RESTORED, Outcome.FAILED, *[Outcome.NOT_ATTEMPTED] * 3]
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], ExitCode.OK),
        ([ArchivedError("a")], ExitCode.THAWING),
        ([ArchivedError("a"), NotFoundError("n")], ExitCode.NOT_FOUND),
        ([ArchivedError("a"), NotFoundError("n"), TargetError("t")], ExitCode.UNREACHABLE),
        ([NotFoundError("n"), StoreError("s")], ExitCode.UNREACHABLE),
    ],
)
def test_the_exit_code_is_that_of_the_most_severe_failure(errors: list[Exception], code: ExitCode) -> None:
    for ordered in (errors, errors[::-1]):
        days = [DayRestore.failed(DAY, Outcome.FAILED, error) for error in ordered]  # type: ignore[arg-type]
        good = DayRestore(day=DAY + ONE_DAY, outcome=Outcome.RESTORED)
        assert RestoreReport(target="t", days=[good, *days, good], seconds=0.0).exit_code is code


def test_the_order_of_severity_of_failures() -> None:
    def code(*codes: ExitCode) -> ExitCode:
        days = [DayRestore(day=DAY, outcome=Outcome.FAILED, exit_code=each) for each in codes]
        return RestoreReport(target="t", days=days, seconds=0.0).exit_code

    assert code(ExitCode.NOT_FOUND, ExitCode.FAILED, ExitCode.THAWING) is ExitCode.FAILED
    assert code(ExitCode.FAILED, ExitCode.UNREACHABLE) is ExitCode.UNREACHABLE


def test_a_fetched_backup_is_verified_with_its_manifest(back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    manifest = back_up(signals(3))
    fetched = fetch(vault, choose_key(vault, KEY, None), tmp_path / "fetched")
    assert (fetched.report.ok, fetched.report.rows_hashed, fetched.report.sha256) == (True, 3, manifest.backup.sha256)
    overwrite(vault, b"foreign")
    assert not fetch(vault, choose_key(vault, KEY, vault.store.list_versions(KEY)[0].version_id), tmp_path).report.ok
    assert vault.store.list_versions(MANIFEST_KEY) != []
