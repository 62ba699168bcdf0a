"""Extra columns: those of a signals table that are no field of a signal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExtraColumn:
    """A column that is no field; ``type`` is as the database declares it, and empty where it declares none."""

    name: str
    type: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.name} ({self.type or 'no type'})"
