"""Rules, examples and metric names pass the checks of Prometheus' and Alertmanager's own tools."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from signal_backups_tests.deploy.exposition import DEPLOY, full_exposition

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus", "alertmanager")]

TIMEOUT_S = 300


def run(*command: str | Path, text: str | None = None) -> str:
    """Return the output of a tool, which must succeed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_metric_names_follow_the_rules_of_prometheus(tmp_path: Path) -> None:
    assert run("promtool", "check", "metrics", text=full_exposition(tmp_path)).strip() == ""


@pytest.mark.parametrize("command", ["check rules", "test rules"])
def test_the_alert_rules_pass_their_tests(command: str) -> None:
    file = "alerts.yml" if command == "check rules" else "alerts_test.yml"
    assert "SUCCESS" in run("promtool", *command.split(), DEPLOY / "prometheus" / file)


def test_the_example_configurations_are_valid() -> None:
    assert "is valid prometheus config" in run("promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml")
    assert "2 receivers" in run("amtool", "check-config", DEPLOY / "alertmanager/alertmanager.yml")
