"""What a table's definition consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TablePart:
    """One statement that creates a part of a table; ``name`` is for people."""

    name: str
    sql: str


@dataclass(frozen=True)
class TableDefinition:
    """How to create a table.

    Attributes:
        table: its name, with its schema where the database has schemas.
        parts: in the order of their creation.
        left_out: what is not created: it is about other tables, or runs code that is only in the source.
    """

    table: str
    parts: Sequence[TablePart]
    left_out: Sequence[str]
