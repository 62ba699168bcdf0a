"""The simulator's figures: the holes of the documented policy as facts, and none in the recommended one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule, Transition
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.simulation.findings import SimulationFinding
from signal_backups.core.simulation.outcomes import Outcome, Scenario, StoryFigures
from signal_backups.core.simulation.run import SimulationReport, present_lifecycle, simulate
from signal_backups.core.vault.layout import Layout

FIRST = date(2026, 1, 1)
SEVEN_YEARS_OF_DAYS = 2557


def of_profile(name: str, **changed: int) -> SimulationReport:
    profile = load_profile(name)
    return simulate(lifecycle_of(profile, Layout()), profile.lock_policy, first_day=FIRST, **changed)


def of_rules(*rules: LifecycleRule, lock: LockPolicy | None = None) -> SimulationReport:
    return simulate(Lifecycle.of(rules), lock, first_day=FIRST, years=1)


@pytest.fixture(scope="module")
def documented() -> SimulationReport:
    return of_profile("documented")


@pytest.fixture(scope="module")
def recommended() -> SimulationReport:
    return of_profile("recommended")


def finding(report: SimulationReport, name: str) -> SimulationFinding:
    return next(each for each in report.findings if each.name == name)


def names(report: SimulationReport) -> list[str]:
    return [each.name for each in report.findings]


def story(report: SimulationReport, wanted: Scenario) -> StoryFigures:
    return next(each for each in report.played.stories if each.story is wanted)


def test_the_documented_policy_has_its_holes_worst_first(documented: SimulationReport) -> None:
    assert documented.played.records == SEVEN_YEARS_OF_DAYS
    assert names(documented) == [
        "mishap_destroys", "ends_early", "outside_rto", "unlocked", "never_moves", "kept_beyond",
    ]  # fmt: skip
    assert [each.severity.name for each in documented.findings] == ["LOSS", "LOSS", "BREACH", "RISK", "WASTE", "NOTE"]
    assert documented.loses_records


def test_a_delete_or_overwrite_destroys_the_only_good_copy_90_days_later(documented: SimulationReport) -> None:
    for wanted in (Scenario.DELETED, Scenario.OVERWRITTEN):
        figures = story(documented, wanted)
        assert (figures.destroyed_early, figures.destroyed_after_days) == (SEVEN_YEARS_OF_DAYS, 90)
    assert {record.fates[Scenario.OVERWRITTEN].fate for record in documented.played.fates} == {Outcome.DESTROYED}
    said = finding(documented, "mishap_destroys")
    assert "destroys the only good copy 90 days later: 2557 of 2557 records" in said.sentence
    # The first record's seven years are 2557 days; hit 91 days before, its bytes reach the end.
    assert said.numbers["lost_up_to_age_days"] == 2466


def test_2555_days_end_one_or_two_days_short(documented: SimulationReport) -> None:
    said = finding(documented, "ends_early")
    assert said.sentence.startswith(
        "2555 days end one or two days short of seven calendar years (2556 or 2557 days): 2557 of 2557 records"
    )
    assert (said.numbers["days_short_min"], said.numbers["days_short_max"]) == (1, 2)
    assert documented.played.retention_days == (2556, 2557)
    figures = story(documented, Scenario.UNTOUCHED)
    assert (figures.hidden_early, figures.destroyed_early) == (SEVEN_YEARS_OF_DAYS, 0)


def test_26_hours_early_for_75_percent_of_start_dates_and_2_hours_for_25(documented: SimulationReport) -> None:
    assert [(each.hours, round(each.share_of_start_dates, 2)) for each in documented.played.shortfalls] == [
        (26.0, 0.75),
        (2.0, 0.25),
    ]
    assert "26 h early for 75%, 2 h early for 25% of start dates" in finding(documented, "ends_early").sentence
    # The seven years from 2026 hold two leap days less often than any four years do.
    assert [each.records for each in documented.played.shortfalls] == [1885, 672]


def test_over_four_years_the_records_played_are_all_start_dates() -> None:
    for each in of_profile("documented", years=4).played.shortfalls:
        assert each.share == each.share_of_start_dates


def test_857_per_mille_of_restore_points_miss_the_rto(documented: SimulationReport) -> None:
    size = documented.played.sizes[0]
    assert (size.outside_rto, size.restore_points, size.slow_classes) == (2190, 2556, ("GLACIER",))
    said = finding(documented, "outside_rto")
    assert said.sentence.startswith("85.7% of restore points (2190 of 2556")
    assert "1 h: GLACIER takes 3 to 5 h" in said.sentence


def test_files_under_128_kb_never_move() -> None:
    report = of_profile("documented", record_bytes=128 * 1024 - 1)
    size = report.played.sizes[0]
    assert size.never_moves
    assert size.usd_to_end == pytest.approx(size.usd_standard)
    assert finding(report, "never_moves").sentence.startswith("Files under 128 KB never move")
    assert "moving would be cheaper" in finding(report, "never_moves").sentence
    # These never become slow; larger ones do, and that is said as well.
    assert size.outside_rto == 0
    assert finding(report, "outside_rto").sentence.endswith("Records of 128 KB never get there.")
    assert not of_profile("documented", record_bytes=128 * 1024).played.sizes[0].never_moves


def test_small_files_are_cheaper_where_they_are(documented: SimulationReport) -> None:
    small = next(each for each in documented.played.sizes if each.bytes == 20 * 1024)
    assert (round(small.usd_standard, 2), round(small.usd_planned, 2)) == (0.09, 0.21)
    assert "$0.09 in STANDARD, as planned $0.21: staying is the cheaper way" in (
        finding(documented, "never_moves").sentence
    )


def test_recommended_has_no_hole(recommended: SimulationReport) -> None:
    assert recommended.holes == []
    assert not recommended.loses_records
    assert {record.is_locked for record in recommended.played.fates} == {True}
    assert {record.fates[Scenario.UNTOUCHED].fate for record in recommended.played.fates} == {Outcome.KEPT}
    assert {record.fates[Scenario.DELETED].fate for record in recommended.played.fates} == {Outcome.HIDDEN}
    assert [size.outside_rto for size in recommended.played.sizes] == [0, 0]


@pytest.mark.parametrize("size", [1, 20_000, 34_000, 34_001, 131_071, 131_072, 131_073, 10**9])
def test_recommended_has_no_hole_at_any_size(size: int) -> None:
    assert of_profile("recommended", record_bytes=size, years=1).holes == []


def test_recommended_says_that_expired_bytes_stay_hidden_for_another_seven_years(recommended: SimulationReport) -> None:
    said = finding(recommended, "kept_beyond")
    assert not said.is_hole
    assert said.numbers["hidden_days"] == 2558
    assert "2558 days hidden under a delete marker, and billed" in said.sentence
    size = recommended.played.sizes[0]
    assert size.usd > 1.6 * size.usd_to_end


def test_without_its_lock_recommended_keeps_records_that_anybody_may_destroy() -> None:
    report = simulate(lifecycle_of(load_profile("recommended"), Layout()), None, first_day=FIRST, years=1)
    assert [each.name for each in report.holes] == ["unlocked"]
    assert finding(report, "unlocked").numbers["records"] == report.played.records == 365


def test_a_lock_that_is_too_short_does_not_count() -> None:
    profile = load_profile("recommended")
    lock = LockPolicy(LockMode.COMPLIANCE, 6)
    report = simulate(lifecycle_of(profile, Layout()), lock, first_day=FIRST, years=1)
    assert "unlocked" in names(report)


def test_a_lock_saves_what_the_documented_rules_would_destroy() -> None:
    profile = load_profile("documented")
    lock = LockPolicy(LockMode.COMPLIANCE, 7)
    report = simulate(lifecycle_of(profile, Layout()), lock, first_day=FIRST, years=1)
    assert "mishap_destroys" not in names(report)
    # Delete markers are no matter of locks.
    assert "ends_early" in names(report)
    assert report.loses_records


def test_a_bucket_without_rules_keeps_everything_for_ever() -> None:
    report = of_rules()
    assert names(report) == ["unlocked", "kept_for_ever"]
    assert finding(report, "kept_for_ever").sentence == "No rule ends it: records stay for ever, and are billed."
    assert not report.loses_records


def test_expired_bytes_that_nothing_removes_are_said_to_stay() -> None:
    report = of_rules(LifecycleRule(id="a", expire_days=3000))
    assert "the bytes of expired records stay hidden for ever" in finding(report, "kept_for_ever").sentence


def test_manifests_that_expire_before_their_backups_are_a_loss() -> None:
    report = of_rules(LifecycleRule(id="a", prefix="manifests/", expire_days=365))
    assert finding(report, "manifests_gone_early").numbers["manifests"] == 365


def test_a_date_that_hides_records_is_told_without_days() -> None:
    date_passed = datetime(2027, 1, 1, tzinfo=UTC)
    said = finding(of_rules(LifecycleRule(id="a", expire_date=date_passed)), "ends_early")
    assert said.sentence.startswith("Records expire at a date: 365 of 365 records are hidden under a delete marker")


def test_2557_days_are_enough() -> None:
    keep = LifecycleRule(id="a", expire_days=2557, noncurrent_expire_days=2557)
    lock = LockPolicy(LockMode.COMPLIANCE, 7)
    assert of_rules(keep, lock=lock).holes == []
    short = of_rules(keep.model_copy(update={"expire_days": 2556}), lock=lock)
    assert finding(short, "ends_early").numbers == {
        "records": 365, "days_short_min": 0, "days_short_max": 1, "hours_min": 2.0, "hours_max": 2.0,
    }  # fmt: skip
    assert "2 h early for 75% of start dates" in finding(short, "ends_early").sentence


@pytest.mark.parametrize(("name", "outside"), [("GLACIER_IR", 0), ("DEEP_ARCHIVE", 274)])
def test_only_classes_that_thaw_slowly_miss_the_rto(name: str, outside: int) -> None:
    rule = LifecycleRule(id="a", transitions=(Transition(days=90, storage_class=name),))
    assert of_rules(rule).played.sizes[0].outside_rto == outside


def test_each_record_is_played_from_its_own_day(documented: SimulationReport) -> None:
    fates = documented.played.fates
    assert (fates[0].day, fates[-1].day) == (FIRST, date(2032, 12, 31))
    for record in (fates[0], fates[789], fates[-1]):
        assert record.stored_at == datetime(
            record.day.year, record.day.month, record.day.day, 2, tzinfo=UTC
        ) + timedelta(days=1)
        assert record.end.year == record.stored_at.year + 7


def test_leap_day_is_kept_until_the_first_of_march() -> None:
    report = simulate(Lifecycle(), None, first_day=date(2028, 2, 28), years=1)
    assert report.played.fates[0].stored_at == datetime(2028, 2, 29, 2, tzinfo=UTC)
    assert report.played.fates[0].end == datetime(2035, 3, 1, 2, tzinfo=UTC)


def test_the_present_configuration_is_read_with_its_foreign_rules() -> None:
    raw = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    found = present_lifecycle(StoredLifecycle([raw], None))
    assert found == Lifecycle.of([LifecycleRule(id="theirs", expire_days=30)], "all_storage_classes_128K")
    varied = present_lifecycle(StoredLifecycle([], "varies_by_storage_class"))
    assert varied.transition_minimum == "varies_by_storage_class"


def test_the_report_survives_json(documented: SimulationReport) -> None:
    assert SimulationReport.model_validate_json(documented.model_dump_json(exclude={"findings"})[:-1] +
                                                ',"findings":[]}').played == documented.played  # fmt: skip
