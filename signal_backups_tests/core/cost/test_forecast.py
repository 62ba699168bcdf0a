"""Forecasts, quota, chart, and the cost report of a real store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.cost.chart import cost_chart
from signal_backups.core.cost.forecast import DailyGrowth, Forecast, forecast, measured_growth
from signal_backups.core.cost.inventory import VersionState
from signal_backups.core.cost.quota import QuotaState, quota_of
from signal_backups.core.cost.report import compared_profiles, cost_report
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule, Transition
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.prices import BYTES_PER_GB, DAYS_PER_MONTH, load_prices
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault

MIB = 1024**2
PRICES, LAYOUT = load_prices(), Layout()
NOW = datetime(2026, 1, 1, 2, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


def growth(backup: int = 100 * MIB, *, manifest: int = 0, stored: int = 0) -> DailyGrowth:
    return DailyGrowth(backup_bytes=backup, manifest_bytes=manifest, measured_days=90, stored_days=stored)


def forecast_of(lifecycle: Lifecycle, added: DailyGrowth, years: int = 7, lock: datetime | None = None) -> Forecast:
    return forecast("x", lifecycle, added, PRICES, layout=LAYOUT, start=NOW, years=years, locked_until=lock)


def test_100_mb_a_day_are_250_gb_after_seven_years() -> None:
    found = forecast_of(Lifecycle(), growth())
    last = found.months[-1]
    assert len(found.months) == 84
    assert last.bytes / BYTES_PER_GB == pytest.approx(249.5, abs=0.3)
    assert last.storage_usd == pytest.approx(5.74, abs=0.05)


def test_the_documented_lifecycle_costs_131_cents_a_month_for_100_mb_a_day() -> None:
    found = forecast_of(lifecycle_of(load_profile("documented"), LAYOUT), growth())
    assert found.months[-1].storage_usd == pytest.approx(1.31, abs=0.01)
    assert sum(found.years) == pytest.approx(found.total_usd)
    assert len(found.years) == 7


def test_costs_grow_with_what_is_stored() -> None:
    months = forecast_of(Lifecycle(), growth(), years=1).months
    assert months[0].storage_usd < months[5].storage_usd < months[11].storage_usd
    assert [month.bytes for month in months] == sorted(month.bytes for month in months)
    assert sum(month.requests_usd for month in months) == pytest.approx(365.25 * 0.005 / 1000)


def test_stored_backups_are_included() -> None:
    empty, grown = (forecast_of(Lifecycle(), growth(stored=stored), years=1) for stored in (0, 1000))
    assert grown.months[0].bytes - empty.months[0].bytes == 1000 * 100 * MIB
    extra = 1000 * 100 * MIB / BYTES_PER_GB * 0.023
    assert grown.months[3].storage_usd - empty.months[3].storage_usd == pytest.approx(extra)


def test_each_transition_is_a_request() -> None:
    rule = LifecycleRule(id="a", transitions=(Transition(days=90, storage_class="GLACIER_IR"),))
    moving, staying = (forecast_of(Lifecycle.of(rules), growth(), years=1) for rules in ([rule], []))
    extra = [one.requests_usd - other.requests_usd for one, other in zip(moving.months, staying.months, strict=True)]
    assert extra[1] == 0
    assert extra[11] == pytest.approx(DAYS_PER_MONTH * 0.02 / 1000)


def test_leaving_a_class_before_its_minimum_days_is_billed() -> None:
    moved = Transition(days=30, storage_class="GLACIER")
    gone_early, gone_later = (
        LifecycleRule(id="a", transitions=(moved,), expire_days=31, noncurrent_expire_days=days) for days in (9, 89)
    )
    early, later = (forecast_of(Lifecycle.of([rule]), growth(), years=1) for rule in (gone_early, gone_later))
    assert early.months[11].bytes < later.months[11].bytes
    assert early.months[11].storage_usd == pytest.approx(later.months[11].storage_usd, rel=1e-6)


def test_destroyed_backups_cost_nothing_and_locked_ones_are_not_destroyed() -> None:
    rule = LifecycleRule(id="a", expire_days=10, noncurrent_expire_days=10)
    found = forecast_of(Lifecycle.of([rule]), growth(), years=1)
    assert found.months[2].bytes == found.months[11].bytes == 21 * 100 * MIB
    locked = forecast_of(Lifecycle.of([rule]), growth(), years=1, lock=NOW + timedelta(days=2557))
    assert locked.months[11].bytes == 365 * 100 * MIB


def test_manifests_follow_their_own_rules() -> None:
    rule = LifecycleRule(id="a", prefix="manifests/", expire_days=1, noncurrent_expire_days=1)
    found = forecast_of(Lifecycle.of([rule]), growth(backup=MIB, manifest=2048), years=1)
    assert found.months[11].bytes == 365 * MIB + 3 * 2048


def version(key: str, size: int, *, latest: bool = True, marker: bool = False) -> ObjectVersion:
    return ObjectVersion(key, "v", size, NOW, "", is_latest=latest, is_delete_marker=marker)


def days(count: int) -> list[BackupSlot]:
    return [BackupSlot(date(2026, 1, 1) + timedelta(days=day)) for day in range(count)]


def test_growth_is_the_median_of_the_newest_90_current_backups() -> None:
    slots = days(100)
    # The oldest ten and one of the newest are huge, without an effect on the median.
    sizes = [10**9] * 10 + [1000] * 89 + [10**9]
    backups = [version(LAYOUT.backup_key(slot), size) for slot, size in zip(slots, sizes, strict=True)]
    ignored = [
        *(version(LAYOUT.backup_key(slot), 7, latest=False) for slot in slots),
        version("signals/readme.txt", 7),
        version(LAYOUT.backup_key(BackupSlot(date(2027, 1, 1))), 0, marker=True),
    ]
    manifests = [version(LAYOUT.manifest_key(slot), 50) for slot in slots]
    found = measured_growth({"backups": [*backups, *ignored], "manifests": manifests}, LAYOUT)
    assert found == DailyGrowth(backup_bytes=1000, manifest_bytes=50, measured_days=90, stored_days=100)
    assert found.bytes == 1050
    assert found.note is None


def test_growth_of_few_backups_has_a_note_and_without_backups_there_is_none() -> None:
    found = measured_growth({"backups": [version(LAYOUT.backup_key(days(1)[0]), 9)], "manifests": []}, LAYOUT)
    assert found is not None
    assert found.manifest_bytes == 0
    assert found.note == "growth is measured on 1 backups only, fewer than 30"
    assert measured_growth({"backups": [], "manifests": []}, LAYOUT) is None


@pytest.mark.parametrize(
    ("gigabytes", "state"),
    [(7.9, QuotaState.OK), (8.0, QuotaState.WARN), (10.0, QuotaState.WARN), (10.1, QuotaState.OVER)],
)
def test_the_quota_warns_from_80_percent_on(gigabytes: float, state: QuotaState) -> None:
    assert quota_of(round(gigabytes * BYTES_PER_GB), 10).state is state


def test_the_quota_has_the_days_left() -> None:
    found = quota_of(4 * BYTES_PER_GB, 10, daily_bytes=BYTES_PER_GB // 2)
    assert (found.share, found.used_gb, found.days_left, found.state) == (0.4, 4.0, 12, QuotaState.OK)
    assert quota_of(20 * BYTES_PER_GB, 10, daily_bytes=1).days_left == 0
    assert quota_of(0, 10).days_left is None


def test_the_chart_is_a_png_with_each_profile() -> None:
    one, two = (forecast_of(Lifecycle(), growth(size * MIB), years=1) for size in (1, 5))
    drawn = cost_chart([one], PRICES)
    assert drawn.startswith(PNG)
    assert cost_chart([one, two], PRICES) != drawn
    assert cost_chart([], PRICES).startswith(PNG)


def test_the_profile_in_use_comes_first_and_no_profile_twice() -> None:
    assert [profile.name for profile in compared_profiles("recommended")] == ["recommended", "documented"]
    with pytest.raises(SettingsError):
        compared_profiles("nonsense")


def test_the_report_of_a_store_that_is_not_amazon_s3(server_store: S3ObjectStore) -> None:
    store, vault = server_store, BackupVault(server_store, LAYOUT)
    for slot in days(3):
        store.put_bytes(LAYOUT.backup_key(slot), bytes(1000), "text/csv")
        store.put_bytes(LAYOUT.manifest_key(slot), bytes(100), "application/json")
    store.put_bytes(LAYOUT.backup_key(days(1)[0]), bytes(1000), "text/csv")
    report = cost_report(
        vault, load_prices("nowhere"), compared_profiles("documented"), years=2, quota_gb=1e-6, clock=lambda: NOW
    )
    assert report.at == NOW
    assert [(group.kind, group.state, group.objects, group.bytes) for group in report.inventory.groups] == [
        ("backups", VersionState.CURRENT, 3, 3000),
        ("backups", VersionState.NONCURRENT, 1, 1000),
        ("manifests", VersionState.CURRENT, 3, 300),
    ]
    assert report.growth == DailyGrowth(backup_bytes=1000, manifest_bytes=100, measured_days=3, stored_days=3)
    assert [(found.name, len(found.months)) for found in report.forecasts] == [("documented", 24), ("recommended", 24)]
    assert report.quota is not None
    assert (report.quota.state, report.ok) == (QuotaState.OVER, False)
    assert report.statements == (
        "no prices for region nowhere; shown with us-east-1 prices",
        "growth is measured on 3 backups only, fewer than 30",
        "this store is not Amazon S3: the figures are what S3 would bill",
    )


def test_an_empty_store_has_nothing_to_forecast_from(vault: BackupVault) -> None:
    report = cost_report(vault, PRICES, compared_profiles("documented"))
    assert (report.growth, report.forecasts, report.quota, report.ok) == (None, (), None, True)
    assert "no backups yet: nothing to forecast from" in report.statements
