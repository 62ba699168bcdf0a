"""What is left out on a machine without some program names every program that is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups_tests.programs import NEEDED_BY_FIXTURE, NEEDS, left_out


def test_every_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prometheus").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = left_out()
    assert len(lines) == len(NEEDS)
    (line,) = [line for line in lines if line.startswith("the tests with Prometheus")]
    assert line == (
        "the tests with Prometheus: no promtool here. Get what they need with: apt-get install -y prometheus"
    )


def test_every_fixture_needs_something_known() -> None:
    assert set(NEEDED_BY_FIXTURE.values()) <= set(NEEDS)
