"""Prices, bills with S3's minimums, and break-even sizes of small daily files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from signal_backups.core.cost.billing import bill, put_usd, spend, transition_usd, unused_minimum_days, usd_per_month
from signal_backups.core.cost.break_even import break_even_bytes, break_even_note, stays_of
from signal_backups.core.cost.inventory import VersionState, inventory_of
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import KindsKept, Profile
from signal_backups.core.s3.lifecycle import Transition
from signal_backups.core.s3.lifecycle_timeline import Stay
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.prices import BYTES_PER_GB, load_prices
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES
from signal_backups.core.s3.thaw import COPY_USD_PER_GB_MONTH, THAW_TERMS, Tier

KIB, MIB = 1024, 1024**2
DAYS = 2555
PRICES = load_prices()


def transitions(*pairs: tuple[int, str]) -> tuple[Transition, ...]:
    return tuple(Transition(days=days, storage_class=name) for days, name in pairs)


STAY = transitions()
TO_GLACIER = transitions((90, "STANDARD_IA"), (365, "GLACIER"))
TO_INSTANT = transitions((90, "STANDARD_IA"), (365, "GLACIER_IR"))
DIRECT = transitions((90, "GLACIER_IR"))


def test_prices_have_a_date_and_sources() -> None:
    assert PRICES.as_of == date(2026, 6, 18)
    assert PRICES.sources
    assert PRICES.statement is None
    assert set(PRICES.prices.classes) == {each.name for each in STORAGE_CLASSES}


def test_unconfirmed_prices_are_listed() -> None:
    assert {"put_per_1000", "GLACIER move_per_1000", "STANDARD_IA move_per_1000"} <= set(PRICES.unconfirmed)
    assert not [name for name in PRICES.unconfirmed if name.endswith(" gb_month") and "GLACIER" in name]


def test_an_unknown_region_has_a_note() -> None:
    found = load_prices("eu-north-9")
    assert found.statement == "no prices for region eu-north-9; shown with us-east-1 prices"
    assert found.prices == PRICES.prices


def test_a_class_that_s3_does_not_have_is_priced_as_standard() -> None:
    assert PRICES.of_class("HOT_GARAGE") == PRICES.of_class("STANDARD")
    assert usd_per_month(MIB, "HOT_GARAGE", PRICES) == usd_per_month(MIB, "STANDARD", PRICES)


def test_thaws_take_their_prices_from_the_file() -> None:
    for (name, tier), terms in THAW_TERMS.items():
        price = PRICES.of_class(name).thaw[tier]
        assert (terms.usd_per_request, terms.usd_per_gb) == (price.per_1000 / 1000, price.gb)
    assert THAW_TERMS["GLACIER", Tier.EXPEDITED].usd_per_request == 0.01
    assert COPY_USD_PER_GB_MONTH == 0.023


@pytest.mark.parametrize(
    ("size", "stay", "glacier", "instant"),
    [
        (5 * KIB, 0.02, 0.19, 0.20),
        (20 * KIB, 0.09, 0.21, 0.20),
        (40 * KIB, 0.19, 0.22, 0.21),
        (128 * KIB, 0.60, 0.29, 0.22),
        (MIB, 4.82, 1.25, 1.25),
        (100 * MIB, 482, 110, 117),
        (1024 * MIB, 4933, 1124, 1198),
    ],
)
def test_the_cost_of_2555_objects(size: int, stay: float, glacier: float, instant: float) -> None:
    for route, expected in ((STAY, stay), (TO_GLACIER, glacier), (TO_INSTANT, instant)):
        usd = DAYS * spend(size, stays_of(route, DAYS), PRICES).usd
        assert round(usd, 2 if expected < 100 else 0) == pytest.approx(expected, abs=0.0051)


@pytest.mark.parametrize(("route", "kib"), [(TO_GLACIER, 48.6), (TO_INSTANT, 44.4), (DIRECT, 33.5), (STAY, None)])
def test_break_even_sizes(route: Sequence[Transition], kib: float | None) -> None:
    found = break_even_bytes(route, DAYS, PRICES)
    assert (None if found is None else round(found / KIB, 1)) == kib


def test_transitions_are_cheaper_from_the_break_even_size_on() -> None:
    found = break_even_bytes(TO_GLACIER, DAYS, PRICES)
    assert found is not None
    for size, cheaper in ((found - 1, False), (found, True)):
        staying, moving = (spend(size, stays_of(route, DAYS), PRICES).usd for route in (STAY, TO_GLACIER))
        assert (moving < staying) is cheaper


def test_the_note_has_the_size_and_the_reason() -> None:
    assert break_even_note(load_profile("documented")) == (
        "Transitions of profile documented are cheaper than STANDARD for backups of 48.6 KB or more: STANDARD_IA bills "
        "at least 128 KB an object; GLACIER adds 40 KB to each; each transition is a paid request."
    )
    assert "for backups of 33.5 KB or more: GLACIER_IR bills at least 128 KB" in (
        break_even_note(load_profile("recommended"))
    )


def test_the_note_on_a_profile_without_transitions() -> None:
    assert break_even_note(changed(moves=())) == (
        "Profile documented has no transition of backups that is cheaper than STANDARD."
    )


def test_transitions_that_never_pay_are_left_out_and_a_lower_bound_above_the_break_even_counts() -> None:
    small = {"smaller_than_bytes": 20_000, "current": DIRECT}
    large = {"larger_than_bytes": 1_023_999, "current": DIRECT}
    assert "of 1000.0 KB or more" in break_even_note(changed(moves=(small, large)))


def changed(**backups: object) -> Profile:
    document = load_profile("documented").model_dump(by_alias=True)
    document["keep"]["backups"].update(backups)
    return Profile.model_validate(document)


def test_minimum_sizes_and_overhead_are_billed() -> None:
    assert usd_per_month(1, "STANDARD_IA", PRICES) == pytest.approx(128 * KIB * 0.0125 / BYTES_PER_GB)
    assert usd_per_month(1, "GLACIER_IR", PRICES) == usd_per_month(128 * KIB, "GLACIER_IR", PRICES)
    assert usd_per_month(MIB, "GLACIER", PRICES) == pytest.approx(
        ((MIB + 32 * KIB) * 0.0036 + 8 * KIB * 0.023) / BYTES_PER_GB
    )


def test_minimum_days_are_billed() -> None:
    assert unused_minimum_days(Stay("GLACIER", 10)) == 80
    assert unused_minimum_days(Stay("GLACIER", 100)) == 0
    assert spend(MIB, [Stay("DEEP_ARCHIVE", 1)], PRICES) == spend(MIB, [Stay("DEEP_ARCHIVE", 180)], PRICES)


def test_transitions_and_puts_are_billed_by_the_request() -> None:
    assert transition_usd("DEEP_ARCHIVE", PRICES) == pytest.approx(5000 / 100_000_000)
    assert put_usd(PRICES) == pytest.approx(0.005 / 1000)
    assert spend(MIB, stays_of(TO_GLACIER, DAYS), PRICES).transitions_usd == pytest.approx((0.01 + 0.03) / 1000)


def version(key: str, size: int, **changed: object) -> ObjectVersion:
    return ObjectVersion(key, key, size, datetime(2026, 1, 1, tzinfo=UTC), "", **changed)  # type: ignore[arg-type]


def test_an_inventory_is_counted_and_billed_by_kind_class_and_state() -> None:
    listing = {
        **{kind: [] for kind in KindsKept.model_fields},
        "backups": [
            version("a", MIB),
            version("b", KIB, storage_class="STANDARD_IA"),
            version("c", 3 * KIB, storage_class="STANDARD_IA"),
            version("c", MIB, is_latest=False, storage_class="GLACIER"),
            version("d", 0, is_delete_marker=True),
        ],
        "manifests": [version("m", 2 * KIB)],
    }
    inventory = inventory_of(listing)
    found = [
        (group.kind, group.storage_class, group.state, group.objects, group.bytes, group.padding_bytes)
        for group in inventory.groups
    ]
    assert found == [
        ("backups", "GLACIER", VersionState.NONCURRENT, 1, MIB, 0),
        ("backups", "STANDARD", VersionState.CURRENT, 1, MIB, 0),
        ("backups", "STANDARD", VersionState.DELETE_MARKER, 1, 0, 0),
        ("backups", "STANDARD_IA", VersionState.CURRENT, 2, 4 * KIB, 252 * KIB),
        ("manifests", "STANDARD", VersionState.CURRENT, 1, 2 * KIB, 0),
    ]
    assert (inventory.objects, inventory.bytes) == (6, 2 * MIB + 6 * KIB)
    billed = bill(inventory, PRICES)
    assert [group.billed_bytes for group in billed.groups] == [MIB + 40 * KIB, MIB, 0, 256 * KIB, 2 * KIB]
    assert billed.usd_per_month == pytest.approx(
        usd_per_month(MIB, "GLACIER", PRICES)
        + usd_per_month(MIB, "STANDARD", PRICES)
        + 2 * usd_per_month(KIB, "STANDARD_IA", PRICES)
        + usd_per_month(2 * KIB, "STANDARD", PRICES)
    )
