"""Comparing lifecycles: foreign rules, earlier deletions, fallbacks."""

from __future__ import annotations

from typing import Any

import pytest

from signal_backups.core.retention.lifecycle_plan import (
    deleted_sooner,
    difference,
    foreign_rules,
    is_same,
    merged,
    reductions,
    threats,
)
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.vault.layout import Layout

LAYOUT = Layout()
#: Everything but the audit trail.
EXPIRING = [prefix for prefix in LAYOUT.all_prefixes if prefix != LAYOUT.audit_prefix]
DOCUMENTED = lifecycle_of(load_profile("documented"), LAYOUT)
RECOMMENDED = lifecycle_of(load_profile("recommended"), LAYOUT)


def stored(lifecycle: Lifecycle, *foreign: dict[str, Any]) -> StoredLifecycle:
    rules = [rule.to_s3() for rule in lifecycle.rules]
    return StoredLifecycle([*foreign, *rules], lifecycle.transition_minimum)


def foreign(prefix: str, **actions: Any) -> dict[str, Any]:
    return {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": prefix}, **actions}


LOGS = foreign("logs/", Expiration={"Days": 5})


def test_foreign_rules_are_kept_unchanged() -> None:
    before = stored(Lifecycle(), {**LOGS, "SomethingNew": {"Days": 3}})
    after = merged(before, DOCUMENTED, LAYOUT)
    assert after.rules[0] is before.rules[0]
    assert foreign_rules(after, LAYOUT) == list(before.rules)
    assert is_same(after, DOCUMENTED, LAYOUT)
    assert merged(after, DOCUMENTED, LAYOUT) == after


def test_another_profile_replaces_all_of_our_rules() -> None:
    after = merged(stored(RECOMMENDED, LOGS), DOCUMENTED, LAYOUT)
    assert after == stored(DOCUMENTED, LOGS)


def test_equal_lifecycles_have_no_difference() -> None:
    assert difference(stored(DOCUMENTED, LOGS), DOCUMENTED, LAYOUT) == []
    assert difference(StoredLifecycle(stored(DOCUMENTED).rules, None), DOCUMENTED, LAYOUT) == []


def test_a_difference_has_the_form_of_a_diff() -> None:
    lines = difference(stored(DOCUMENTED), RECOMMENDED, LAYOUT)
    assert [line[0] for line in lines] == ["-", "+", "+", "+"]
    assert "to GLACIER after 365 days" in lines[0]
    assert "expire after 2555 days" in lines[0]
    assert "expire after 2558 days" in lines[1]


def test_another_transition_minimum_is_a_difference_and_applies_to_foreign_rules() -> None:
    varies = DOCUMENTED.model_copy(update={"transition_minimum": "varies_by_storage_class"})
    lines = difference(stored(DOCUMENTED), varies, LAYOUT)
    assert [line[0] for line in lines] == ["-", "+"]
    assert "foreign" in lines[1]
    assert not is_same(stored(DOCUMENTED), varies, LAYOUT)


def test_earlier_deletions_are_reported() -> None:
    assert deleted_sooner(stored(DOCUMENTED), RECOMMENDED, LAYOUT) == []
    assert deleted_sooner(stored(RECOMMENDED), DOCUMENTED, LAYOUT) == [
        "current versions of signals/* are kept 2555 days instead of 2558 days",
        "noncurrent versions of signals/* are kept 90 days instead of 2558 days",
    ]
    first = deleted_sooner(StoredLifecycle(), DOCUMENTED, LAYOUT)
    assert len(first) == 2 * len(EXPIRING)
    assert all("for ever" in sentence for sentence in first)


@pytest.mark.parametrize(
    "narrowed",
    [
        {"larger_than": 10},
        {"tags": (("keep", "yes"),)},
        {"prefix": "signals/2020/"},
        {"noncurrent_kept": 100},
    ],
)
def test_versions_without_a_rule_are_kept_for_ever(narrowed: dict[str, Any]) -> None:
    lifecycle = Lifecycle.of(
        [
            rule.model_copy(update=narrowed) if rule.id == "signal-backups signals/ keep" else rule
            for rule in DOCUMENTED.rules
        ]
    )
    assert deleted_sooner(stored(lifecycle), DOCUMENTED, LAYOUT) == [
        "current versions of signals/* are kept 2555 days instead of for ever",
        "noncurrent versions of signals/* are kept 90 days instead of for ever",
    ]


def test_a_transition_at_a_date_is_detected_in_our_rules_and_in_foreign_ones() -> None:
    dated = {"Date": "2026-12-01T00:00:00Z", "StorageClass": "DEEP_ARCHIVE"}
    (threat, *_) = threats(stored(DOCUMENTED, foreign("", Transitions=[dated])), DOCUMENTED, LAYOUT)
    assert "DEEP_ARCHIVE at a date" in threat
    ours = [{**rule.to_s3(), "Transitions": [dated]} if rule.prefix == "manifests/" else rule.to_s3()
            for rule in DOCUMENTED.rules]  # fmt: skip
    assert not is_same(StoredLifecycle(ours), DOCUMENTED, LAYOUT)


def test_a_disabled_rule_deletes_nothing() -> None:
    disabled = Lifecycle.of([rule.model_copy(update={"enabled": False}) for rule in DOCUMENTED.rules])
    assert len(deleted_sooner(stored(disabled), DOCUMENTED, LAYOUT)) == 2 * len(EXPIRING)
    assert not is_same(stored(disabled), DOCUMENTED, LAYOUT)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (foreign("", Expiration={"Days": 30}), "deletes current versions after 30 days, ours after 2555"),
        (
            foreign("signals/2026/", NoncurrentVersionExpiration={"NoncurrentDays": 1}),
            "noncurrent versions after 1 days",
        ),
        (foreign("sig", Transitions=[{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}]), "DEEP_ARCHIVE after 1 days"),
        (foreign("audit/", Expiration={"Days": 2557}), "audit/"),
    ],
)
def test_a_foreign_rule_that_applies_to_our_objects_is_a_threat(rule: dict[str, Any], words: str) -> None:
    assert any(
        words in threat and "'theirs'" in threat for threat in threats(stored(DOCUMENTED, rule), DOCUMENTED, LAYOUT)
    )


@pytest.mark.parametrize(
    "rule",
    [
        LOGS,
        foreign("signals/", Expiration={"Days": 9000}),
        foreign("", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
        {**foreign("", Expiration={"Days": 1}), "Status": "Disabled"},
    ],
)
def test_a_harmless_foreign_rule_is_no_threat(rule: dict[str, Any]) -> None:
    assert threats(stored(DOCUMENTED, rule), DOCUMENTED, LAYOUT) == []


def test_fallbacks_delete_nothing_sooner() -> None:
    for wanted in (DOCUMENTED, RECOMMENDED):
        unreduced, no_sizes, no_transitions = reductions(wanted)
        assert (unreduced.lifecycle, unreduced.without) == (wanted, None)
        assert all(rule.larger_than is None and rule.smaller_than is None for rule in no_sizes.lifecycle.rules)
        assert all(not rule.transitions and not rule.noncurrent_transitions for rule in no_transitions.lifecycle.rules)
        for reduction in (no_sizes, no_transitions):
            assert deleted_sooner(stored(wanted), reduction.lifecycle, LAYOUT) == []
            assert deleted_sooner(stored(reduction.lifecycle), wanted, LAYOUT) == []
