"""A bucket of Amazon's whose clock stands still until a test moves it."""

from __future__ import annotations

import pytest

from signal_backups_tests.core.monitoring.watched import Watched


@pytest.fixture
def watched() -> Watched:
    """An empty, versioned bucket."""
    return Watched()
