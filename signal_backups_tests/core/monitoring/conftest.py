"""A bucket with a simulated clock."""

from __future__ import annotations

import pytest

from signal_backups_tests.core.monitoring.watched import Watched


@pytest.fixture
def watched() -> Watched:
    """An empty, versioned bucket."""
    return Watched()
