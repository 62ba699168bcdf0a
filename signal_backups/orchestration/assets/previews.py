"""The unstable Dagster features that are used here.

Dagster warns about each at every load. Its version is pinned to the release line that the tests run on, so these
warnings do not help an operator. All others are still shown.
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
    """No warnings about the features listed here while definitions are made."""
    with warnings.catch_warnings():
        for category, message in _KNOWN:
            warnings.filterwarnings("ignore", message, category)
        yield
