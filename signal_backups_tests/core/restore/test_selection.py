"""Which version is chosen: the newest verified one, now or at an instant, and never a deleted one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from signal_backups.core.base.errors import ExitCode, NotFoundError
from signal_backups.core.restore.selection import (
    ChosenBackup,
    Selection,
    UnavailableDay,
    choose_days,
    choose_key,
    choose_version_of_day,
    good_versions,
)
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.restore.backups import (
    KEY,
    MANIFEST_KEY,
    NOW,
    ONE_DAY,
    SLOT,
    BackUp,
    date_versions,
    delete,
    destroy,
    overwrite,
    rows_of,
)
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY, signals

HOUR = timedelta(hours=1)
FIRST = datetime(2026, 11, 2, 2, tzinfo=UTC)
SECOND = datetime(2026, 11, 5, 2, tzinfo=UTC)
THIRD = datetime(2026, 11, 9, 2, tzinfo=UTC)
OLD_SLOT = BackupSlot(DAY, time(23, 15))
OLD_KEY = Layout().backup_key(OLD_SLOT)


def of_day(vault: BackupVault, as_of: datetime | None = None, day: date = DAY) -> ChosenBackup:
    (chosen,) = choose_days(vault, day, day, as_of)
    assert isinstance(chosen, ChosenBackup)
    return chosen


def unavailable(vault: BackupVault, as_of: datetime | None = None) -> UnavailableDay:
    (day,) = choose_days(vault, DAY, DAY, as_of)
    assert isinstance(day, UnavailableDay)
    assert day.error.exit_code is ExitCode.NOT_FOUND
    return day


def summary(selection: Selection) -> list[tuple[date, bool]]:
    return [(item.day, isinstance(item, ChosenBackup)) for item in selection]


def test_the_newest_version_is_chosen_with_its_manifest(back_up: BackUp, vault: BackupVault) -> None:
    back_up(signals(2))
    newest = back_up(signals(3))
    chosen = of_day(vault)
    assert (chosen.slot, chosen.day, chosen.manifest) == (SLOT, DAY, newest)
    assert chosen.version.version_id == newest.backup.version_id
    assert chosen.version.is_latest


def test_a_version_without_a_manifest_is_skipped(back_up: BackUp, vault: BackupVault) -> None:
    good = back_up(signals(3))
    overwrite(vault, b"garbage")
    overwrite(vault, b"more garbage")
    chosen = of_day(vault)
    assert (chosen.version.version_id, chosen.manifest) == (good.backup.version_id, good)
    assert not chosen.version.is_latest


def test_a_deleted_day_is_unavailable_and_the_remedy_is_undelete(back_up: BackUp, vault: BackupVault) -> None:
    back_up(signals(3))
    delete(vault)
    error = unavailable(vault).error
    assert f"{KEY} was deleted at 2" in error.what
    assert "signal-backups undelete 2026-11-01" in error.remedy
    with pytest.raises(NotFoundError, match="was deleted"):
        choose_key(vault, KEY, None)


def test_as_of_chooses_the_version_that_was_current_and_verified_then(back_up: BackUp, dated: BackupVault) -> None:
    versions = [back_up(signals(count), at=at, into=dated) for count, at in ((1, FIRST), (2, SECOND), (3, THIRD))]
    ids = [version.backup.version_id for version in versions]
    date_versions(dated, dict(zip(ids, (FIRST, SECOND, THIRD), strict=True)))
    for as_of, expected in ((FIRST, 0), (SECOND - HOUR, 0), (SECOND, 1), (THIRD - HOUR, 1), (THIRD, 2), (NOW, 0)):
        chosen = of_day(dated, as_of)
        assert (chosen.manifest, chosen.version.version_id) == (
            versions[expected],
            versions[expected].backup.version_id,
        )
        assert choose_key(dated, KEY, None, as_of) == chosen


def test_as_of_before_the_first_version_is_unavailable(back_up: BackUp, dated: BackupVault) -> None:
    manifest = back_up(signals(3), at=FIRST, into=dated)
    date_versions(dated, {manifest.backup.version_id: FIRST})
    error = unavailable(dated, FIRST - HOUR).error
    assert f"{KEY} did not exist yet at 2026-11-02 01:00" in error.what
    assert "signal-backups versions 2026-11-01" in error.remedy


def test_as_of_before_and_after_a_delete_marker(back_up: BackUp, dated: BackupVault) -> None:
    first = back_up(signals(2), at=FIRST, into=dated)
    marker = delete(dated)
    last = back_up(signals(3), at=THIRD, into=dated)
    date_versions(dated, {first.backup.version_id: FIRST, marker: SECOND, last.backup.version_id: THIRD})
    assert of_day(dated, SECOND - HOUR).manifest == first
    assert "was deleted at 2026-11-05T02:00:00Z" in unavailable(dated, SECOND + HOUR).error.what
    assert of_day(dated, THIRD).manifest == last
    assert of_day(dated).manifest == last


def test_as_of_skips_a_version_that_was_not_verified_yet(back_up: BackUp, dated: BackupVault) -> None:
    first = back_up(signals(2), at=FIRST, into=dated)
    second = back_up(signals(3), at=SECOND + HOUR, into=dated)
    date_versions(dated, {first.backup.version_id: FIRST, second.backup.version_id: SECOND})
    assert of_day(dated, SECOND + HOUR / 2).manifest == first
    assert of_day(dated, SECOND + HOUR).manifest == second


def test_as_of_before_any_verification_takes_the_version_without_its_manifest(
    back_up: BackUp, dated: BackupVault
) -> None:
    manifest = back_up(signals(3), at=SECOND, into=dated)
    date_versions(dated, {manifest.backup.version_id: FIRST})
    chosen = of_day(dated, FIRST)
    assert (chosen.version.version_id, chosen.manifest) == (manifest.backup.version_id, None)


def test_as_of_skips_a_version_without_a_manifest(back_up: BackUp, dated: BackupVault) -> None:
    good = back_up(signals(3), at=FIRST, into=dated)
    garbage = overwrite(dated, b"garbage")
    date_versions(dated, {good.backup.version_id: FIRST, garbage: SECOND})
    assert of_day(dated, SECOND).manifest == good


def test_a_named_version_is_chosen(back_up: BackUp, vault: BackupVault) -> None:
    first, _ = back_up(signals(2)), back_up(signals(3))
    garbage = overwrite(vault, b"garbage")
    delete(vault)
    assert choose_key(vault, KEY, first.backup.version_id).manifest == first
    assert choose_version_of_day(vault, DAY, first.backup.version_id).manifest == first
    for chosen in (choose_key(vault, KEY, garbage), choose_version_of_day(vault, DAY, garbage)):
        assert (chosen.version.version_id, chosen.manifest) == (garbage, None)


def test_a_version_that_does_not_exist_is_not_found(back_up: BackUp, vault: BackupVault) -> None:
    back_up(signals(3))
    delete(vault)
    (marker, _) = vault.store.list_versions(KEY)
    for version in ("nonsense", marker.version_id):
        with pytest.raises(NotFoundError, match="no version") as raised:
            choose_key(vault, KEY, version)
        assert "signal-backups versions 2026-11-01" in raised.value.remedy
    with pytest.raises(NotFoundError, match="no version nonsense among the backups of 2026-11-01"):
        choose_version_of_day(vault, DAY, "nonsense")


@pytest.mark.parametrize("key", ["signals/2026/11/letter.txt", "signals/2026/11/signals_backup_20261105_020000.csv"])
def test_a_key_that_is_not_of_a_backup_is_not_found(back_up: BackUp, vault: BackupVault, key: str) -> None:
    back_up(signals(3))
    with pytest.raises(NotFoundError, match="no backup s3://"):
        choose_key(vault, key, None)


def test_backups_of_older_tools_are_chosen_without_a_manifest(vault: BackupVault, three: DayRun) -> None:
    overwrite(vault, b"older", Layout().backup_key(BackupSlot(DAY, time(1, 0))))
    version = overwrite(vault, three.csv, OLD_KEY)
    chosen = of_day(vault)
    assert (chosen.slot, chosen.version.version_id, chosen.manifest) == (OLD_SLOT, version, None)
    assert choose_key(vault, OLD_KEY, None) == chosen
    assert choose_version_of_day(vault, DAY, version) == chosen


def test_our_backup_is_preferred_to_those_of_older_tools(back_up: BackUp, vault: BackupVault, three: DayRun) -> None:
    overwrite(vault, three.csv, OLD_KEY)
    ours = back_up(signals(3))
    assert of_day(vault).manifest == ours


def test_a_deleted_backup_is_not_replaced_by_that_of_an_older_tool(
    back_up: BackUp, vault: BackupVault, three: DayRun
) -> None:
    overwrite(vault, three.csv, OLD_KEY)
    back_up(signals(3))
    delete(vault)
    (day,) = choose_days(vault, DAY, DAY)
    assert isinstance(day, UnavailableDay)
    assert "was deleted" in day.error.what


def test_days_before_the_first_backup_are_left_out_and_gaps_are_not(back_up: BackUp, vault: BackupVault) -> None:
    for number in (0, 2):
        back_up(rows_of(DAY + number * ONE_DAY, 1), DAY + number * ONE_DAY)
    selection = choose_days(vault, DAY - 3 * ONE_DAY, DAY + 3 * ONE_DAY)
    assert summary(selection) == [(DAY + number * ONE_DAY, number in (0, 2)) for number in range(4)]
    gap = selection[1]
    assert isinstance(gap, UnavailableDay)
    assert gap.error.what == "no backup of 2026-11-02"


def test_a_range_across_new_year_has_only_its_days(back_up: BackUp, vault: BackupVault) -> None:
    days = [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)]
    for day in days:
        back_up([], day)
    assert summary(choose_days(vault, days[1], days[2])) == [(days[1], True), (days[2], True)]


def test_a_range_without_any_backup_is_not_found(back_up: BackUp, vault: BackupVault) -> None:
    back_up(signals(3))
    with pytest.raises(NotFoundError, match="no backup from 2026-11-02 to 2026-11-09"):
        choose_days(vault, DAY + ONE_DAY, DAY + 8 * ONE_DAY)


def test_a_deleted_manifest_still_vouches_for_its_version(back_up: BackUp, vault: BackupVault) -> None:
    good = back_up(signals(3))
    delete(vault, MANIFEST_KEY)
    assert of_day(vault).manifest == good


def test_after_an_unreadable_manifest_the_older_one_counts(back_up: BackUp, vault: BackupVault) -> None:
    good = back_up(signals(3))
    vault.store.put_bytes(MANIFEST_KEY, b"{", "application/json")
    overwrite(vault, b"garbage")
    assert of_day(vault).manifest == good


def test_without_any_manifest_the_newest_version_is_chosen(back_up: BackUp, vault: BackupVault) -> None:
    back_up(signals(2))
    newest = back_up(signals(3))
    destroy(vault, MANIFEST_KEY)
    chosen = of_day(vault)
    assert (chosen.version.version_id, chosen.manifest) == (newest.backup.version_id, None)


def test_a_manifest_of_another_key_vouches_for_nothing(back_up: BackUp, vault: BackupVault) -> None:
    other = back_up(rows_of(DAY + ONE_DAY, 1), DAY + ONE_DAY)
    good = back_up(signals(3))
    destroy(vault, MANIFEST_KEY)
    backup = other.backup.model_copy(update={"version_id": good.backup.version_id})
    foreign = other.model_copy(update={"backup": backup})
    vault.store.put_bytes(MANIFEST_KEY, foreign.to_bytes(), "application/json")
    assert of_day(vault).manifest is None


def test_good_versions_are_the_verified_ones_newest_first(back_up: BackUp, vault: BackupVault) -> None:
    first, second = back_up(signals(2)), back_up(signals(3))
    overwrite(vault, b"garbage")
    delete(vault)
    history = vault.history(SLOT)
    assert history is not None
    assert [chosen.manifest for chosen in good_versions(history)] == [second, first]
