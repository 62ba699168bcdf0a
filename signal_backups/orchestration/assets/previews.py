"""The Dagster features used here that are not yet stable, named one by one.

Dagster warns about each at every load. The versions are pinned to the line these were tested on, so the warnings
tell an operator nothing; any other warning still shows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dagster import BetaWarning, PreviewWarning

_KNOWN = (
    (PreviewWarning, r"Specifying a partitions_def on an AssetCheckSpec is currently in preview"),
    (BetaWarning, r"Parameter `backfill_policy` of"),
)


@contextmanager
def known_previews() -> Iterator[None]:
    """Let the known unstable features be used without a warning."""
    with warnings.catch_warnings():
        for category, message in _KNOWN:
            warnings.filterwarnings("ignore", message, category)
        yield
