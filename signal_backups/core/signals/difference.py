"""How a comparison of signals names what differs."""

from __future__ import annotations

from pydantic import BaseModel

#: How many ids a comparison names for each kind of difference.
NAMED_IDS = 10


class Difference(BaseModel, frozen=True):
    """One kind of difference: the number of signals, and the first of their ids."""

    count: int = 0
    signal_ids: list[str | None] = []
