"""The shipped profiles, and which custom profiles are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.retention.load_profile import load_profile, shipped_profiles
from signal_backups.core.retention.rules import is_ours, lifecycle_of
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule, Transition
from signal_backups.core.s3.lifecycle_limits import findings
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.vault.layout import Layout

SHIPPED = Path(__file__).parents[3] / "signal_backups" / "core" / "retention" / "profiles"


def transitions(*pairs: tuple[int, str]) -> tuple[Transition, ...]:
    return tuple(Transition(days=days, storage_class=name) for days, name in pairs)


def rule_of(lifecycle: Lifecycle, name: str) -> LifecycleRule:
    (found,) = [rule for rule in lifecycle.rules if rule.id == name]
    return found


def custom_profile(folder: Path, change: str) -> str:
    """A TOML file with the documented profile after the replacement ``old => new``."""
    old, new = change.split(" => ")
    text = (SHIPPED / "documented.toml").read_text()
    assert old in text.replace('name = "documented"', 'name = "own"')
    path = folder / "own.toml"
    path.write_text(text.replace('name = "documented"', 'name = "own"').replace(old, new))
    return str(path)


def test_two_profiles_are_shipped() -> None:
    assert shipped_profiles() == ["documented", "recommended"]


def test_rules_of_the_documented_profile() -> None:
    rule = rule_of(lifecycle_of(load_profile("documented"), Layout()), "signal-backups signals/ keep")
    assert rule == LifecycleRule(
        id=rule.id,
        prefix="signals/",
        transitions=transitions((90, "STANDARD_IA"), (365, "GLACIER")),
        expire_days=2555,
        noncurrent_transitions=transitions((30, "GLACIER")),
        noncurrent_expire_days=90,
    )
    assert load_profile("documented").lock_policy is None


def test_recommended_locks_keeps_all_versions_equally_long_and_never_needs_a_thaw() -> None:
    profile = load_profile("recommended")
    lifecycle = lifecycle_of(profile, Layout())
    classes = {
        move.storage_class for rule in lifecycle.rules for move in (*rule.transitions, *rule.noncurrent_transitions)
    }
    assert classes == {"STANDARD_IA", "GLACIER_IR"}
    keep = rule_of(lifecycle, "signal-backups signals/ keep")
    assert (keep.expire_days, keep.noncurrent_expire_days) == (2558, 2558)
    large = rule_of(lifecycle, "signal-backups signals/ move over 131072")
    assert large.transitions == transitions((90, "STANDARD_IA"), (365, "GLACIER_IR"))
    assert profile.lock_policy == LockPolicy(LockMode.COMPLIANCE, 7)


@pytest.mark.parametrize("name", ["documented", "recommended"])
@pytest.mark.parametrize("prefix", ["signals/", "desk/signals/", "desk/"])
def test_every_prefix_but_the_audit_trails_expires_and_no_prefix_contains_another(name: str, prefix: str) -> None:
    layout = Layout(prefix)
    lifecycle = lifecycle_of(load_profile(name), layout)
    assert findings(lifecycle.rules) == []
    expiring = {rule.prefix for rule in lifecycle.rules if rule.expire_days or rule.noncurrent_expire_days}
    assert expiring == set(layout.all_prefixes) - {layout.audit_prefix}
    for one in layout.all_prefixes:
        assert [other for other in layout.all_prefixes if other.startswith(one)] == [one]
    assert all(is_ours(rule.id, layout) for rule in lifecycle.rules)


@pytest.mark.parametrize("name", ["documented", "recommended"])
def test_objects_that_describe_a_backup_are_kept_at_least_as_long(name: str) -> None:
    rules = lifecycle_of(load_profile(name), Layout()).rules
    keep = {rule.prefix: rule for rule in rules if rule.expire_days is not None}
    backups = keep.pop("signals/")
    assert set(keep) == {
        "manifests/",
        "quarantine/",
        "drills/",
        "records/",
        "reports/",
    }  # the audit trail never expires
    for rule in keep.values():
        assert (rule.expire_days or 0) >= (backups.expire_days or 0)
        assert (rule.noncurrent_expire_days or 0) >= (backups.noncurrent_expire_days or 0)
        assert rule.transitions == ()


def test_unfinished_uploads_and_expired_delete_markers_are_removed_under_every_prefix() -> None:
    rules = lifecycle_of(load_profile("documented"), Layout()).rules
    cleaned = {rule.prefix for rule in rules if rule.remove_expired_delete_markers and rule.abort_uploads_days == 7}
    assert cleaned == set(Layout().all_prefixes)


def test_a_rule_of_another_layout_in_the_bucket_is_foreign() -> None:
    assert not is_ours("signal-backups desk/signals/ keep", Layout())
    assert not is_ours("log rotation", Layout())


def test_a_custom_profile_is_read_from_a_file(tmp_path: Path) -> None:
    path = custom_profile(tmp_path, "retention_years = 7 => retention_years = 5")
    assert load_profile(path).retention_years == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("days = 90, storage_class => days = 29, storage_class", "before 30 days"),
        ("days = 365 => days = 100", "at least 30"),
        ("expire_days = 2555 => expire_days = 365", "not later than their last transition"),
        ('"GLACIER" }]\nprevious => "GLACIER_DEEP" }]\nprevious', "not a class to move to"),
        ("previous_expire_days = 90 => previous_expire_days = 0", "greater than or equal to 1"),
        ("[keep.manifests]\nexpire_days = 2558 => [keep.manifests]\nexpire_days = 2000", "manifests expire after 2000"),
        (
            "[keep.quarantine]\nexpire_days = 2558\nprevious_expire_days = 2558 => "
            "[keep.quarantine]\nexpire_days = 2558\nprevious_expire_days = 89",
            "noncurrent versions of quarantine",
        ),
        ("retention_years = 7 => retention_years = 0", "retention_years"),
        ("abort_uploads_days = 7 => abort_after = 7", "Extra inputs"),
        ('"all_storage_classes_128K" => "everything"', "transition_minimum"),
        ('name = "own" => name = ', "Invalid value"),
        ('name = "own" => name = "recommended"', "shipped profile"),
        ("expire_days = 2555 => expire_days = 99999999", "less than or equal"),
        (
            "[[keep.backups.moves]] => [[keep.backups.moves]]\ncurrent = []\n\n[[keep.backups.moves]]",
            "two entries are for all sizes",
        ),
        (
            "[keep.quarantine] => [[keep.manifests.moves]]\n"
            'current = [{ days = 90, storage_class = "GLACIER" }]\n\n[keep.quarantine]',
            "every verification reads them",
        ),
    ],
)
def test_an_invalid_profile_is_refused_with_the_reason(tmp_path: Path, change: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        load_profile(custom_profile(tmp_path, change))
    assert "own.toml" in str(refused.value)


def test_the_error_for_an_unknown_profile_lists_the_shipped_ones(tmp_path: Path) -> None:
    for name in ("nope", str(tmp_path / "missing.toml"), str(tmp_path)):
        with pytest.raises(SettingsError, match="documented, recommended"):
            load_profile(name)
