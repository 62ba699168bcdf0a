"""Alert rules and dashboard, compared with the metrics of the exporter and with the objectives."""

from __future__ import annotations

import re
from typing import Any

import pytest

from signal_backups.cli.command_table import COMMANDS
from signal_backups.cli.lazy_group import load
from signal_backups.core.base.objectives import MAX_BACKUP_AGE, MAX_DRILL_AGE
from signal_backups.core.doctor.store_answer import WARN_SKEW
from signal_backups_tests.deploy.exposition import alerts, dashboard_queries, full_exposition, labels_by_name, panels

_NAME = re.compile(r"\b(?:signal_backups_|last_backup_|backup_duration_)\w+")
_COMMAND = re.compile(r"signal-backups ((?:[a-z-]+ ?)+)")
_ADDED_BY_PROMETHEUS = {"instance", "job"}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of each metric."""
    return labels_by_name(full_exposition(tmp_path_factory.mktemp("shown")))


def names_in(expression: str) -> set[str]:
    """Return the metrics in an expression, without words in quotes."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', expression)))


def test_every_name_in_rules_and_dashboard_is_exported(shown: dict[str, set[str]]) -> None:
    asked = {name for rule in alerts() for name in names_in(rule["expr"])}
    asked |= {name for query in dashboard_queries().values() for name in names_in(query)}
    assert len(asked) > 25
    assert asked - set(shown) == set()


def test_every_metric_is_on_the_dashboard_or_has_a_reason_not_to_be(shown: dict[str, set[str]]) -> None:
    asked = {name for query in dashboard_queries().values() for name in names_in(query)}
    elsewhere = {
        "last_backup_timestamp",  # the documented name of last_success_timestamp_seconds
        "signal_backups_first_success_timestamp_seconds",  # for the alert of a drill that never ran
        "signal_backups_last_drill_timestamp_seconds",  # for the alert of a drill that failed
        "signal_backups_storage_quota_bytes",  # shown as a ratio
    }
    assert set(shown) - asked == elsewhere


def test_the_labels_on_the_dashboard_exist(shown: dict[str, set[str]]) -> None:
    for panel in panels():
        for target in panel["targets"]:
            known = set.union(*(shown[name] for name in names_in(target["expr"]))) | _ADDED_BY_PROMETHEUS
            grouped = {
                label for labels in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in labels.split(", ")
            }
            assert grouped <= known, target
            legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert legend <= known - {"le"}, target
            assert 'instance=~"$instance"' in target["expr"], target


def test_the_dashboard_turns_red_when_the_alerts_fire() -> None:
    turns = {panel["title"]: _last_step(panel) for panel in panels() if panel["type"] == "stat"}
    assert turns["Age of the last backup"] == MAX_BACKUP_AGE.total_seconds()
    assert turns["Last good drill"] == MAX_DRILL_AGE.total_seconds()


def test_the_threshold_of_the_clock_skew_is_that_of_the_doctor() -> None:
    (skew,) = (rule["expr"] for rule in alerts() if rule["alert"] == "SignalBackupsClockSkew")
    assert skew == f"abs(signal_backups_clock_skew_seconds) > {WARN_SKEW.total_seconds():.0f}"


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels()):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_alert_says_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"}), rule["alert"]
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook_url"}, rule["alert"]
        assert re.fullmatch(r"docs/troubleshooting\.md#[a-z-]+", notes["runbook_url"])
        assert _COMMAND.search(notes["description"]) or "timedatectl" in notes["description"], rule["alert"]


def test_every_command_in_an_alert_exists() -> None:
    commands = {found.strip() for rule in alerts() for found in _COMMAND.findall(rule["annotations"]["description"])}
    assert {"status", "audit log --action backup", "metrics serve"} <= commands
    for command in commands:
        _require_command(command.split())


def _require_command(words: list[str]) -> None:
    name = words.pop(0)
    found: Any = load(next(entry for entry in COMMANDS if entry.name == name))
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    options = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def _last_step(panel: dict[str, Any]) -> float:
    return float(panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"])
