"""Simulations: the findings of the documented profile, and that the recommended one has none to fix."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule, Transition
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.simulation.findings import SimulationFinding
from signal_backups.core.simulation.outcomes import Outcome, Scenario, ScenarioFigures
from signal_backups.core.simulation.run import SimulationReport, simulate
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


def scenario_figures(report: SimulationReport, scenario: Scenario) -> ScenarioFigures:
    return next(each for each in report.played.stories if each.story is scenario)


def test_findings_of_the_documented_profile_are_sorted_worst_first(documented: SimulationReport) -> None:
    assert documented.played.records == SEVEN_YEARS_OF_DAYS
    assert names(documented) == [
        "mishap_destroys", "ends_early", "outside_rto", "unlocked", "never_moves", "kept_beyond",
    ]  # fmt: skip
    assert [each.severity.name for each in documented.findings] == ["LOSS", "LOSS", "BREACH", "RISK", "WASTE", "NOTE"]
    assert documented.loses_backups


def test_a_delete_or_overwrite_destroys_the_only_good_copy_90_days_later(documented: SimulationReport) -> None:
    for scenario in (Scenario.DELETED, Scenario.OVERWRITTEN):
        figures = scenario_figures(documented, scenario)
        assert (figures.destroyed_early, figures.destroyed_after_days) == (SEVEN_YEARS_OF_DAYS, 90)
    assert {backup.fates[Scenario.OVERWRITTEN].fate for backup in documented.played.fates} == {Outcome.DESTROYED}
    found = finding(documented, "mishap_destroys")
    assert "destroys the only good copy 90 days later: 2557 of 2557 backups" in found.sentence
    # The first backup must be kept 2557 days: deleted at an age of 2466 days, it is destroyed just before that.
    assert found.numbers["lost_up_to_age_days"] == 2466


def test_2555_days_end_one_or_two_days_short(documented: SimulationReport) -> None:
    found = finding(documented, "ends_early")
    assert found.sentence.startswith(
        "2555 days end one or two days short of seven calendar years (2556 or 2557 days): 2557 of 2557 backups"
    )
    assert (found.numbers["days_short_min"], found.numbers["days_short_max"]) == (1, 2)
    assert documented.played.retention_days == (2556, 2557)
    figures = scenario_figures(documented, Scenario.UNTOUCHED)
    assert (figures.hidden_early, figures.destroyed_early) == (SEVEN_YEARS_OF_DAYS, 0)


def test_26_hours_early_for_75_percent_of_start_dates_and_2_hours_for_25(documented: SimulationReport) -> None:
    assert [(each.hours, round(each.share_of_start_dates, 2)) for each in documented.played.shortfalls] == [
        (26.0, 0.75),
        (2.0, 0.25),
    ]
    assert "26 h early for 75%, 2 h early for 25% of start dates" in finding(documented, "ends_early").sentence
    # Of the start dates in 2026 to 2032, fewer than 75% have two leap days in their retention.
    assert [each.records for each in documented.played.shortfalls] == [1885, 672]


def test_four_years_of_backups_cover_all_start_dates() -> None:
    for each in of_profile("documented", years=4).played.shortfalls:
        assert each.share == each.share_of_start_dates


def test_857_of_1000_restore_points_miss_the_rto(documented: SimulationReport) -> None:
    size = documented.played.sizes[0]
    assert (size.outside_rto, size.restore_points, size.slow_classes) == (2190, 2556, ("GLACIER",))
    found = finding(documented, "outside_rto")
    assert found.sentence.startswith("85.7% of restore points (2190 of 2556")
    assert "1 h: GLACIER takes 3 to 5 h" in found.sentence


def test_files_under_128_kb_are_never_moved_to_another_class() -> None:
    report = of_profile("documented", record_bytes=128 * 1024 - 1)
    size = report.played.sizes[0]
    assert size.never_transitions
    assert size.usd_to_end == pytest.approx(size.usd_standard)
    assert finding(report, "never_moves").sentence.startswith("Files under 128 KB never move")
    assert "moving would be cheaper" in finding(report, "never_moves").sentence
    # The small backups stay in STANDARD; the finding is about the larger ones and says so.
    assert size.outside_rto == 0
    assert finding(report, "outside_rto").sentence.endswith("Backups of 128 KB never move to it.")
    assert not of_profile("documented", record_bytes=128 * 1024).played.sizes[0].never_transitions


def test_small_files_are_cheaper_in_standard(documented: SimulationReport) -> None:
    small = next(each for each in documented.played.sizes if each.bytes == 20 * 1024)
    assert (round(small.usd_standard, 2), round(small.usd_planned, 2)) == (0.09, 0.21)
    assert "$0.09 in STANDARD and would cost $0.21 as planned: staying is cheaper" in (
        finding(documented, "never_moves").sentence
    )


def test_recommended_has_nothing_to_fix(recommended: SimulationReport) -> None:
    assert recommended.to_fix == []
    assert not recommended.loses_backups
    assert {backup.is_locked for backup in recommended.played.fates} == {True}
    assert {backup.fates[Scenario.UNTOUCHED].fate for backup in recommended.played.fates} == {Outcome.KEPT}
    assert {backup.fates[Scenario.DELETED].fate for backup in recommended.played.fates} == {Outcome.HIDDEN}
    assert [size.outside_rto for size in recommended.played.sizes] == [0, 0]


@pytest.mark.parametrize("size", [1, 20_000, 34_000, 34_001, 131_071, 131_072, 131_073, 10**9])
def test_recommended_has_nothing_to_fix_at_any_size(size: int) -> None:
    assert of_profile("recommended", record_bytes=size, years=1).to_fix == []


def test_expired_backups_stay_hidden_for_another_seven_years_under_recommended(recommended: SimulationReport) -> None:
    found = finding(recommended, "kept_beyond")
    assert not found.is_hole
    assert found.numbers["hidden_days"] == 2558
    assert "2558 days hidden under a delete marker, and billed" in found.sentence
    size = recommended.played.sizes[0]
    assert size.usd > 1.6 * size.usd_to_end


def test_recommended_without_its_lock_is_reported_as_unlocked() -> None:
    report = simulate(lifecycle_of(load_profile("recommended"), Layout()), None, first_day=FIRST, years=1)
    assert [each.name for each in report.to_fix] == ["unlocked"]
    assert finding(report, "unlocked").numbers["records"] == report.played.records == 365


def test_a_lock_shorter_than_the_retention_does_not_count() -> None:
    profile = load_profile("recommended")
    lock = LockPolicy(LockMode.COMPLIANCE, 6)
    report = simulate(lifecycle_of(profile, Layout()), lock, first_day=FIRST, years=1)
    assert "unlocked" in names(report)


def test_a_lock_keeps_what_the_documented_rules_would_destroy() -> None:
    profile = load_profile("documented")
    lock = LockPolicy(LockMode.COMPLIANCE, 7)
    report = simulate(lifecycle_of(profile, Layout()), lock, first_day=FIRST, years=1)
    assert "mishap_destroys" not in names(report)
    # A lock does not prevent delete markers.
    assert "ends_early" in names(report)
    assert report.loses_backups


def test_a_bucket_without_rules_keeps_everything_for_ever() -> None:
    report = of_rules()
    assert names(report) == ["unlocked", "kept_for_ever"]
    sentence = finding(report, "kept_for_ever").sentence
    assert sentence == "No rule deletes the data: backups stay and are billed for ever."
    assert not report.loses_backups


def test_expired_backups_that_no_rule_destroys_are_reported_as_kept_for_ever() -> None:
    report = of_rules(LifecycleRule(id="a", expire_days=3000))
    assert "expired backups stay hidden and are billed for ever" in finding(report, "kept_for_ever").sentence


def test_manifests_that_expire_before_their_backups_are_a_loss() -> None:
    report = of_rules(LifecycleRule(id="a", prefix="manifests/", expire_days=365))
    assert finding(report, "manifests_gone_early").numbers["manifests"] == 365


def test_expiration_at_a_date_is_reported_without_days() -> None:
    expire_date = datetime(2027, 1, 1, tzinfo=UTC)
    found = finding(of_rules(LifecycleRule(id="a", expire_date=expire_date)), "ends_early")
    assert found.sentence.startswith("Backups expire at a date: 365 of 365 backups are hidden under a delete marker")


def test_expiration_after_2557_days_is_late_enough() -> None:
    keep = LifecycleRule(id="a", expire_days=2557, noncurrent_expire_days=2557)
    lock = LockPolicy(LockMode.COMPLIANCE, 7)
    assert of_rules(keep, lock=lock).to_fix == []
    short = of_rules(keep.model_copy(update={"expire_days": 2556}), lock=lock)
    assert finding(short, "ends_early").numbers == {
        "records": 365, "days_short_min": 0, "days_short_max": 1, "hours_min": 2.0, "hours_max": 2.0,
    }  # fmt: skip
    assert "2 h early for 75% of start dates" in finding(short, "ends_early").sentence


@pytest.mark.parametrize(("name", "outside"), [("GLACIER_IR", 0), ("DEEP_ARCHIVE", 274)])
def test_only_classes_that_thaw_slowly_miss_the_rto(name: str, outside: int) -> None:
    rule = LifecycleRule(id="a", transitions=(Transition(days=90, storage_class=name),))
    assert of_rules(rule).played.sizes[0].outside_rto == outside


def test_each_backup_is_stored_on_the_day_after_its_own(documented: SimulationReport) -> None:
    outcomes = documented.played.fates
    assert (outcomes[0].day, outcomes[-1].day) == (FIRST, date(2032, 12, 31))
    for backup in (outcomes[0], outcomes[789], outcomes[-1]):
        assert backup.stored_at == datetime(
            backup.day.year, backup.day.month, backup.day.day, 2, tzinfo=UTC
        ) + timedelta(days=1)
        assert backup.end.year == backup.stored_at.year + 7


def test_a_backup_of_a_leap_day_is_kept_until_the_first_of_march() -> None:
    report = simulate(Lifecycle(), None, first_day=date(2028, 2, 28), years=1)
    assert report.played.fates[0].stored_at == datetime(2028, 2, 29, 2, tzinfo=UTC)
    assert report.played.fates[0].end == datetime(2035, 3, 1, 2, tzinfo=UTC)


def test_the_configuration_of_the_bucket_includes_foreign_rules() -> None:
    raw = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    found = StoredLifecycle([raw], None).parsed
    assert found == Lifecycle.of([LifecycleRule(id="theirs", expire_days=30)], "all_storage_classes_128K")
    varying = StoredLifecycle([], "varies_by_storage_class").parsed
    assert varying.transition_minimum == "varies_by_storage_class"


def test_figures_are_the_same_after_a_round_trip_through_json(documented: SimulationReport) -> None:
    assert SimulationReport.model_validate_json(documented.model_dump_json(exclude={"findings"})[:-1] +
                                                ',"findings":[]}').played == documented.played  # fmt: skip
