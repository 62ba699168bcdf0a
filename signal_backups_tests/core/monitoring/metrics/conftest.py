"""A bucket to measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups_tests.core.monitoring.metrics.measured import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
