"""A backup is never silently replaced by less: what the database altered or lost stays as it was backed up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.backup import large_values, new_backup
from signal_backups.core.backup.hashed_csv import write_hashed_csv
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.source_changes import SourceChanges, compare_with_vouched
from signal_backups.core.backup.store_backup import StoreOutcome, store_backup
from signal_backups.core.backup.vouched_backup import VouchedBackup
from signal_backups.core.base.errors import ConflictError, VerificationError, VouchedBackupLostError
from signal_backups.core.ledger.event import Action
from signal_backups.core.retention.stored_versions import versions_by_day
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.signals import csv_file
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import VerifyReport
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import CsvRow, RunDay, extracted, read_csv
from signal_backups_tests.samples.examples import examples
from signal_backups_tests.samples.signals import DAY, Row, signal, signals
from signal_backups_tests.samples.tables import SQLITE_TYPES, sqlite_table
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

SLOT = BackupSlot(DAY)
NOW = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)
ALTERED = signal(2, action="SELL")

BackUp = Callable[..., StoreOutcome]


@pytest.fixture
def back_up(run_day: RunDay, vault: BackupVault) -> BackUp:
    """Backs up a day whose table has the given rows."""
    numbers = iter(range(1000))

    def run(rows: list[Row], accept: str | None = None, into: BackupVault = vault) -> StoreOutcome:
        number = next(numbers)
        folder = run_day(rows, file=f"table-{number}.db").folder
        return store_backup(into, folder, BackupRun(f"run-{number}", lambda: NOW, accept_changes=accept))

    return run


def stored_rows(vault: BackupVault, tmp_path: Path, manifest: Manifest, *, quarantine: bool = False) -> list[CsvRow]:
    file = manifest.quarantine if quarantine else manifest.backup
    if file is None:
        return []
    body, _ = vault.store.get_bytes(file.key, file.version_id)
    path = tmp_path / "stored.csv"
    path.write_bytes(body)
    return read_csv(path)


def without_events(vault: BackupVault) -> list[ObjectVersion]:
    events = vault.layout.event_prefix
    return [version for version in vault.store.list_versions("") if not version.key.startswith(events)]


def test_signals_that_vanish_from_the_database_stay_in_the_backup(back_up: BackUp, vault: BackupVault) -> None:
    first = back_up(signals(5)).manifest
    second = back_up([]).manifest
    assert second.backup == first.backup
    assert (second.records, second.quarantined) == (5, 0)
    assert second.differences is not None
    assert second.differences.vanished.count == 5
    assert str(second.differences).startswith("5 vanished (signal-00001, signal-00002")
    assert vault.manifest(SLOT) == second


def test_as_many_new_signals_do_not_make_up_for_those_that_vanished(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up(signals(60))
    changed = back_up(signals(91)[30:]).manifest
    assert changed.records == 91
    assert [row["signal_id"] for row in stored_rows(vault, tmp_path, changed)] == [
        row["signal_id"] for row in signals(91)
    ]
    assert changed.differences is not None
    assert (changed.differences.vanished.count, changed.differences.altered.count) == (30, 0)


def test_an_altered_signal_goes_to_quarantine_and_the_backed_up_one_stays(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    first = back_up(signals(3)).manifest
    second = back_up([signal(1), ALTERED, signal(3)]).manifest
    assert second.backup == first.backup
    (row,) = stored_rows(vault, tmp_path, second, quarantine=True)
    assert (row["signal_id"], row["action"], row["quarantine_faults"]) == ("signal-00002", "SELL", "difference")
    stored_on = vault.store.head(first.backup.key).last_modified.date()  # type: ignore[union-attr]
    assert row["quarantine_reason"] == (
        f"differs from the signal backed up on {stored_on} (verification_hash {signal(2)['verification_hash']}, "
        f"in the database {ALTERED['verification_hash']})"
    )
    assert second.differences is not None
    assert (second.differences.altered.count, second.differences.altered.signal_ids) == (1, ["signal-00002"])


def test_a_merged_backup_verifies_and_is_in_backup_order(back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    back_up([*signals(4), signal(8)])
    merged = back_up([signal(1), ALTERED, signal(4), signal(6), signal(9)]).manifest
    rows = stored_rows(vault, tmp_path, merged)
    assert [row["signal_id"] for row in rows] == [f"signal-{number:05}" for number in (1, 2, 3, 4, 6, 8, 9)]
    assert rows[1]["action"] == "BUY"
    assert verify_csv(tmp_path / "stored.csv", merged.expected).ok
    assert merged.merkle_root is not None
    assert merged.differences is not None
    assert (merged.differences.altered.count, merged.differences.vanished.count) == (1, 2)


def test_the_same_database_again_writes_nothing(back_up: BackUp, vault: BackupVault) -> None:
    rows = [signal(1), ALTERED, signal(6), signal(7, action="HOLD")]
    back_up([*signals(4), signal(5, action="HOLD")])
    changed = back_up(rows)
    before = without_events(vault)
    again = back_up(rows)
    assert (changed.changed, again.changed, again.manifest_written) == (True, False, False)
    assert without_events(vault) == before
    assert again.manifest == changed.manifest


def test_the_same_database_on_another_day_writes_nothing(run_day: RunDay) -> None:
    """The reasons in the quarantine name the day of the version before; the next comparison is with a newer one."""
    clock = SimulatedClock(NOW)
    client = StrictS3(clock).client()
    create_versioned_bucket(client, "backups")
    vault = BackupVault(S3ObjectStore(client, "backups", clock=clock), Layout())
    altered = [ALTERED, signal(2, action="SELL", strategy="b"), signal(1, strategy="repeated")]

    def back_up_next_day(rows: list[Row], file: str) -> StoreOutcome:
        clock.advance(timedelta(days=1))
        return store_backup(vault, run_day(rows, file=file).folder, BackupRun(file, clock))

    back_up_next_day(signals(4), "1.db")
    back_up_next_day([signal(1), *altered, signal(6)], "2.db")
    changed = back_up_next_day([signal(1), *altered, signal(6), signal(7)], "3.db")
    assert (changed.changed, changed.manifest.records, changed.manifest.quarantined) == (True, 6, 3)
    before = without_events(vault)
    assert not back_up_next_day([signal(1), *altered, signal(6), signal(7)], "4.db").manifest_written
    assert without_events(vault) == before


def test_the_fingerprint_is_that_of_the_database_as_it_was_seen(back_up: BackUp, run_day: RunDay) -> None:
    back_up(signals(5))
    changed = back_up([]).manifest
    assert changed.fingerprint == "0-0"


def test_a_database_that_agrees_again_ends_the_difference(back_up: BackUp) -> None:
    first = back_up(signals(3)).manifest
    assert back_up([signal(1), ALTERED]).manifest.differences is not None
    restored = back_up(signals(3)).manifest
    assert (restored.differences, restored.quarantine, restored.backup) == (None, None, first.backup)


def test_a_value_changed_without_its_hash_is_an_altered_signal(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up(signals(2))
    tampered = back_up([signal(1), signal(2) | {"entry_price": 99.0}]).manifest
    (row,) = stored_rows(vault, tmp_path, tampered, quarantine=True)
    assert row["quarantine_faults"] == "hash difference"
    assert tampered.records == 2
    assert tampered.differences is not None
    assert tampered.differences.altered.count == 1


def test_a_changed_optional_column_is_an_altered_signal(run_day: RunDay, vault: BackupVault) -> None:
    types = SQLITE_TYPES | {"server_timestamp": "TEXT"}
    for value in ("a", "b"):
        folder = run_day([signal(1) | {"server_timestamp": value}], types=types, file=f"{value}.db").folder
        manifest = store_backup(vault, folder, BackupRun("run")).manifest
    assert manifest.differences is not None
    assert manifest.differences.altered.count == 1


def test_of_a_repeated_id_the_backed_up_signal_is_kept(back_up: BackUp, vault: BackupVault, tmp_path: Path) -> None:
    first = back_up([signal(5)]).manifest
    # The impostor comes first in backup order, and would be kept without the backup.
    impostor = signal(5, timestamp=f"{DAY}T00:00:01Z")
    second = back_up([impostor, signal(5)]).manifest
    assert second.backup == first.backup
    (row,) = stored_rows(vault, tmp_path, second, quarantine=True)
    assert (row["timestamp"], row["quarantine_faults"]) == (impostor["timestamp"], "difference")
    assert second.differences is None


def test_quarantined_rows_that_vanish_stay_and_repaired_ones_go(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    bad, repaired, kept = signal(2, action="HOLD"), signal(3, action="HOLD"), signal(4, action="HOLD")
    nameless = signal(5) | {"signal_id": None}
    back_up([signal(1), bad, repaired, kept, nameless])
    second = back_up([signal(1), signal(3), kept])
    quarantined = stored_rows(vault, tmp_path, second.manifest, quarantine=True)
    assert [row["signal_id"] for row in quarantined] == ["signal-00004", "signal-00002", None]
    assert second.manifest.quarantined == 3
    assert second.manifest.records == 2
    assert second.manifest.differences is None
    assert second.changes is not None
    assert second.changes.carried.count == 2
    assert [row.signal_id for row in second.changes.carried.named_rows] == ["signal-00002", None]
    assert not back_up([signal(1), signal(3), kept]).changed


def test_a_deleted_backup_is_compared_all_the_same(back_up: BackUp, vault: BackupVault) -> None:
    first = back_up(signals(4)).manifest
    for key in (first.backup.key, vault.layout.manifest_key(SLOT)):
        vault.store._client.delete_object(Bucket=vault.store.bucket, Key=key)
    again = back_up(signals(1)).manifest
    assert again.records == 4
    assert again.differences is not None


def test_an_overwritten_object_does_not_hide_what_was_vouched_for(back_up: BackUp, vault: BackupVault) -> None:
    first = back_up(signals(4)).manifest
    vault.store.put_bytes(first.backup.key, b"signal_id\n", "text/csv")
    again = back_up(signals(2)).manifest
    assert again.records == 4
    assert again.backup.sha256 == first.backup.sha256
    assert again.backup.version_id != first.backup.version_id


def test_a_manifest_that_was_rolled_back_does_not_hide_what_was_vouched_for_later(
    back_up: BackUp, vault: BackupVault
) -> None:
    older = back_up(signals(2)).manifest
    back_up(signals(4))
    vault.store.put_bytes(vault.layout.manifest_key(SLOT), older.to_bytes(), "application/json")
    again = back_up(signals(1)).manifest
    assert again.records == 4
    assert again.differences is not None
    assert again.differences.vanished.count == 3


def test_a_manifest_of_another_day_does_not_count(back_up: BackUp, vault: BackupVault, run_day: RunDay) -> None:
    back_up(signals(6))
    next_day = DAY + timedelta(days=1)
    row = signal(1, timestamp=f"{next_day}T00:00:01Z")
    other = store_backup(vault, run_day([row], day=next_day, file="next.db").folder, BackupRun("next")).manifest
    vault.store.put_bytes(vault.layout.manifest_key(SLOT), other.to_bytes(), "application/json")
    again = back_up(signals(3)).manifest
    assert again.records == 6
    assert again.differences is not None


def test_a_run_whose_backup_is_overtaken_while_it_compares_fails(
    back_up: BackUp, vault: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(signals(3))
    compare = new_backup.compare_with_vouched

    def overtaken(*arguments: Any, **named: Any) -> SourceChanges:
        monkeypatch.setattr(new_backup, "compare_with_vouched", compare)
        back_up(signals(5))
        return compare(*arguments, **named)

    monkeypatch.setattr(new_backup, "compare_with_vouched", overtaken)
    with pytest.raises(ConflictError, match="was overtaken"):
        back_up(signals(4))
    assert vault.find(DAY).manifest is not None
    assert vault.find(DAY).manifest.records == 5  # type: ignore[union-attr]


def test_a_reason_that_quotes_the_words_of_another_does_not_grow(back_up: BackUp, vault: BackupVault) -> None:
    back_up(signals(2))
    rows = [signal(1), signal(2) | {"entry_price": "differs from the signal backed up on purpose"}]
    back_up(rows)
    before = without_events(vault)
    assert not back_up(rows).changed
    assert without_events(vault) == before


def test_many_lost_signals_are_merged_in_backup_order(run_day: RunDay, tmp_path: Path) -> None:
    """With some thousand lost rows the engine joins in another order."""
    rows = signals(6_000)
    first, second = run_day(rows, file="all.db"), run_day(rows[::2], file="half.db")
    vouched = VouchedBackup(Manifest.model_construct(), first.folder.backup_csv, None, VerifyReport(bytes=0, sha256=""))
    report = write_hashed_csv(second.folder, compare_with_vouched(second.folder, vouched, DAY))
    assert report.sha256 == first.report.sha256


def test_a_lost_backup_is_not_covered_up(back_up: BackUp, vault: BackupVault) -> None:
    first = back_up(signals(4)).manifest
    _destroy(vault, first)
    with pytest.raises(VouchedBackupLostError, match="is gone from S3") as raised:
        back_up(signals(2))
    assert 'backup 2026-11-01 --accept-changes "REASON"' in str(raised.value.remedy)
    assert vault.manifest(SLOT) == first


def test_a_lost_backup_is_stored_again_when_the_database_gives_the_same_bytes(
    back_up: BackUp, vault: BackupVault
) -> None:
    first = back_up(signals(4)).manifest
    _destroy(vault, first)
    again = back_up(signals(4)).manifest
    assert again.backup.sha256 == first.backup.sha256
    assert vault.find(DAY).is_vouched


def test_accepted_changes_replace_the_backup_and_are_recorded(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([*signals(4), signal(7, action="HOLD")])
    replaced = back_up([signal(1), ALTERED, signal(5)], accept="ticket 17").manifest
    assert [row["action"] for row in stored_rows(vault, tmp_path, replaced)] == ["BUY", "SELL", "BUY"]
    assert (replaced.records, replaced.quarantine, replaced.differences) == (3, None, None)
    (replacement,) = replaced.replacements
    assert str(replacement) == "replaced on 2026-11-03: 1 altered, 2 removed, ticket 17"
    assert replacement.by == f"{vault.trail.actor.user}@{vault.trail.actor.host}"
    assert replacement.rows is not None
    assert replacement.rows.key == "quarantine/2026/11/signals_replaced_20261101_020000.csv"
    kept = replaced.model_copy(update={"backup": replacement.rows})
    assert [(row["signal_id"], row["action"]) for row in stored_rows(vault, tmp_path, kept)] == [
        ("signal-00002", "BUY"), ("signal-00003", "BUY"), ("signal-00004", "BUY")
    ]  # fmt: skip
    event = list(vault.trail.events())[-2]
    assert (event.action, event.result) == (Action.CHANGES_ACCEPTED, "replaced")
    assert event.details == {
        "day": "2026-11-01", "reason": "ticket 17", "altered": 1, "removed": 2,
        "altered_ids": ["signal-00002"], "removed_ids": ["signal-00003", "signal-00004"],
    }  # fmt: skip
    assert replacement.rows.version_id in [each.version_id for each in event.objects]
    held = [version.key for versions in versions_by_day(vault, DAY, DAY).values() for version in versions]
    assert replacement.rows.key in held, "holds and locks reach the replaced signals"


def test_accepting_keeps_the_backed_up_one_of_a_repeated_id(
    back_up: BackUp, vault: BackupVault, tmp_path: Path
) -> None:
    back_up([signal(5), signal(8)])
    impostor = signal(5, timestamp=f"{DAY}T00:00:01Z", action="SELL")
    replaced = back_up([impostor, signal(5)], accept="signal 8 was a test").manifest
    (row,) = stored_rows(vault, tmp_path, replaced)
    assert row["action"] == "BUY"
    (quarantined,) = stored_rows(vault, tmp_path, replaced, quarantine=True)
    assert (quarantined["action"], quarantined["quarantine_faults"]) == ("SELL", "difference")
    assert [(each.altered, each.removed) for each in replaced.replacements] == [(0, 1)]


def test_without_a_loss_a_repeated_id_is_nothing_to_accept(back_up: BackUp) -> None:
    first = back_up([signal(5)]).manifest
    kept = back_up([signal(5, timestamp=f"{DAY}T00:00:01Z"), signal(5)], accept="no reason").manifest
    assert (kept.backup, kept.replacements) == (first.backup, [])


def test_a_quarantine_that_cannot_be_read_is_a_typed_error_and_may_be_left_behind(
    back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier_release:
        earlier_release.setattr(large_values, "MAX_VALUE_BYTES", 2**30)
        earlier_release.setattr(large_values, "MAX_ROW_BYTES", 2**30)
        back_up([signal(1), signal(2, action="x" * 17 * 1024**2)])
    monkeypatch.setattr(csv_file, "MAX_OLD_LINE_BYTES", csv_file.MAX_LINE_BYTES)
    with pytest.raises(VerificationError, match="the quarantined rows of the backup of 2026-11-01 cannot be read"):
        back_up(signals(3))
    assert back_up(signals(3), accept="too long").manifest.records == 3


def test_a_replacement_is_remembered_by_every_later_backup(back_up: BackUp) -> None:
    back_up(signals(3))
    back_up(signals(2), accept="first")
    assert not back_up(signals(2)).changed
    assert [each.reason for each in back_up(signals(4)).manifest.replacements] == ["first"]
    assert [each.reason for each in back_up(signals(1), accept="second").manifest.replacements] == ["first", "second"]


def test_without_changes_there_is_nothing_to_accept(back_up: BackUp) -> None:
    back_up(signals(2))
    assert not back_up(signals(2), accept="no reason").changed
    added = back_up(signals(3), accept="no reason")
    assert (added.manifest.replacements, added.replacement, added.manifest.records) == ([], None, 3)


def test_accepting_replaces_a_lost_backup_too(back_up: BackUp, vault: BackupVault) -> None:
    _destroy(vault, back_up(signals(4)).manifest)
    replaced = back_up(signals(2), accept="bucket was emptied").manifest
    assert [str(each) for each in replaced.replacements] == [
        "replaced on 2026-11-03: signals unknown, bucket was emptied"
    ]


def _destroy(vault: BackupVault, manifest: Manifest) -> None:
    file = manifest.backup
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=file.key, VersionId=file.version_id)


_IDS = st.integers(1, 6)
_ROWS = st.lists(
    st.builds(
        lambda number, action, price: signal(number, action=action, entry_price=price),
        _IDS, st.sampled_from(["BUY", "SELL", "HOLD"]), st.sampled_from([1.0, 2.0]),
    ),
    max_size=8,
)  # fmt: skip


@examples(8)
@given(before=_ROWS, after=_ROWS)
def test_whatever_happens_in_the_database_every_backed_up_signal_stays(before: list[Row], after: list[Row]) -> None:
    with TemporaryDirectory() as name:
        first = extracted(sqlite_table(Path(name) / "before.db", before), Path(name))
        second = extracted(sqlite_table(Path(name) / "after.db", after), Path(name))
        quarantine = first.folder.quarantine_csv if first.quarantine else None
        vouched = VouchedBackup(
            Manifest.model_construct(), first.folder.backup_csv, quarantine, VerifyReport(bytes=0, sha256="")
        )
        changes = compare_with_vouched(second.folder, vouched, DAY)
        report = write_hashed_csv(second.folder, changes)
        merged = {row["signal_id"]: row for row in read_csv(second.folder.backup_csv)}
        backed_up = {row["signal_id"]: row for row in first.records}
        assert {name: merged.get(name) for name in backed_up} == backed_up
        assert len(merged) == report.records == len(backed_up) + changes.added
        assert changes.unchanged + changes.altered.count + changes.vanished.count == len(backed_up)
        quarantined = read_csv(second.folder.quarantine_csv) if report.quarantined else []
        assert len(quarantined) == report.quarantined
        held = [*merged.values(), *quarantined]
        assert {(row["signal_id"], row["verification_hash"]) for row in after} <= {
            (row["signal_id"], row["verification_hash"]) for row in held
        }


def destroy(vault: BackupVault, key: str) -> None:
    for version in vault.store.list_versions(key):
        vault.store._client.delete_object(Bucket=vault.store.bucket, Key=version.key, VersionId=version.version_id)


@pytest.mark.parametrize("of_several", [False, True], ids=["the only one", "the newest of two"])
def test_a_destroyed_log_entry_lets_no_backup_be_replaced_by_less(
    back_up: BackUp, vault: BackupVault, run_day: RunDay, of_several: bool
) -> None:
    next_day = DAY + timedelta(days=1)
    row = signal(1, timestamp=f"{next_day}T00:00:01Z")
    store_backup(vault, run_day([row], day=next_day, file="next.db").folder, BackupRun("next"))
    if of_several:
        back_up(signals(2))
    number = back_up(signals(3)).manifest.number
    destroy(vault, vault.manifest_log.key_of(number))
    again = BackupVault(vault.store, vault.layout)
    with pytest.raises(VouchedBackupLostError, match="a manifest of 2026-11-01 is not in the manifest log"):
        back_up(signals(1), into=again)
    # The same signals lose nothing, and are vouched for anew.
    assert back_up(signals(3), into=again).manifest.records == 3
    assert again.stored_days(DAY, DAY)[DAY].state is DayState.VERIFIED


def test_a_destroyed_log_entry_is_settled_once_changes_were_accepted(
    back_up: BackUp, vault: BackupVault, run_day: RunDay
) -> None:
    number = back_up(signals(3)).manifest.number
    next_day = DAY + timedelta(days=1)
    row = signal(1, timestamp=f"{next_day}T00:00:01Z")
    store_backup(vault, run_day([row], day=next_day, file="next.db").folder, BackupRun("next"))
    destroy(vault, vault.manifest_log.key_of(number))
    again = BackupVault(vault.store, vault.layout)
    assert back_up(signals(2), "looked into", into=again).manifest.records == 2
    assert back_up(signals(4), into=again).manifest.records == 4


def test_a_copied_bucket_is_compared_with_what_it_holds(back_up: BackUp, vault: BackupVault) -> None:
    back_up(signals(3))
    destroy(vault, vault.layout.manifest_log_prefix)
    copied = BackupVault(vault.store, vault.layout)
    assert back_up(signals(1), into=copied).manifest.records == 3


def test_a_standing_manifest_that_is_not_the_last_of_the_day_in_the_log_is_written_again(
    back_up: BackUp, vault: BackupVault
) -> None:
    """A killed run that was overtaken left its entry behind; once its version expires, nothing tells them apart."""
    older = back_up(signals(2)).manifest
    standing = back_up(signals(3)).manifest
    killed = older.model_copy(update={"code_version": "killed"})
    vault.manifest_log.append(
        lambda link: killed.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
    )
    again = back_up(signals(3), into=BackupVault(vault.store, vault.layout)).manifest
    assert (again.backup, again.number) == (standing.backup, 4)
