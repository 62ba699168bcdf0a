"""Extra columns: those of a signals table that are no field of a signal, and which of them are kept.

The values of a row's kept columns travel as one list of texts, ``EXTRA_VALUES``, in the order of the columns, so that
every schema is the same whatever a table has besides the fields. They are columns of their own only in a CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from signal_backups.core.signals.fields import CSV_COLUMNS, QUARANTINE_COLUMNS, SOURCE_HASH_COLUMNS

SETTING = "SIGNAL_BACKUPS_EXTRA_COLUMNS"
#: The column that holds the values of a row's extra columns: a list of texts, or null where there are none.
EXTRA_VALUES = "extra_values"

#: Names that a CSV, a quarantine or the table of restored quarantines gives another meaning.
_RESERVED = {*CSV_COLUMNS, *SOURCE_HASH_COLUMNS, *QUARANTINE_COLUMNS, "backup_day"}


@dataclass(frozen=True)
class ExtraColumn:
    """A column that is no field; ``type`` is as the database declares it, and empty where it declares none."""

    name: str
    type: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.name} ({self.type or 'no type'})"


@dataclass(frozen=True)
class ExtraChoice:
    """Which extra columns a backup keeps.

    Attributes:
        keeps_all: every one that can be kept.
        names: these, ignoring case.
        is_settled: whether somebody decided that the others are left out, so that nobody has to be warned.
    """

    keeps_all: bool = False
    names: tuple[str, ...] = ()
    is_settled: bool = False

    @classmethod
    def parse(cls, text: str) -> ExtraChoice:
        """Read the setting: ``ignore``, ``all``, or names as a line of a CSV.

        Raises:
            ValueError: it names a column that cannot be kept.
        """
        if text.strip() in {"ignore", "all"}:
            return cls(keeps_all=text.strip() == "all", is_settled=text.strip() == "ignore")
        if not text.strip():
            return cls()
        names = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))
        for name in names:
            if (reason := unkeepable(name)) is not None:
                raise ValueError(f"column {name!r} cannot be kept: {reason}")
        if len({name.lower() for name in names}) < len(names):
            raise ValueError("names a column twice")
        return cls(names=names)

    def keeps(self, name: str) -> bool:
        """Whether a column of this name is to be kept, if it can be."""
        return self.keeps_all or name.lower() in {wanted.lower() for wanted in self.names}

    def absent_from(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names that are to be kept and that none of these is, ignoring case."""
        present = {name.lower() for name in names}
        return tuple(name for name in self.names if name.lower() not in present)


NO_EXTRAS = ExtraChoice()


def unkeepable(name: str) -> str | None:
    """Why no CSV can keep a column of this name; None when one can."""
    if not name or not name.isprintable() or name != name.strip():
        return "its name is empty, or has blanks at an end or characters that cannot be printed"
    return "backups use its name for something else" if name.lower() in _RESERVED else None


def split_columns(
    columns: Sequence[ExtraColumn], choice: ExtraChoice
) -> tuple[tuple[ExtraColumn, ...], tuple[ExtraColumn, ...]]:
    """The extra columns of a table that are kept, and those that are left out; both in the order of the table."""
    lower = [column.name.lower() for column in columns]
    kept = tuple(
        column
        for column in columns
        # Neither DuckDB nor SQLite can tell apart names that differ in case only.
        if choice.keeps(column.name) and unkeepable(column.name) is None and lower.count(column.name.lower()) == 1
    )
    return kept, tuple(column for column in columns if column not in kept)


def extra_names(header: Sequence[str]) -> tuple[str, ...]:
    """The extra columns of the header of a backup or a quarantine CSV."""
    return tuple(name for name in header if name not in SOURCE_HASH_COLUMNS and name not in QUARANTINE_COLUMNS)


def spelled_as(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The other names; those that differ from one of the names in case only are spelled as it is.

    Neither DuckDB nor SQLite can tell them apart.
    """
    spelling = {name.lower(): name for name in names}
    return tuple(spelling.get(other.lower(), other) for other in others)


def value_sql(name: str, names: Sequence[str], values: str = EXTRA_VALUES) -> str:
    """SQL: the value of one column among the values of all; NULL when it is none of them."""
    return f"{values}[{names.index(name) + 1}]" if name in names else "CAST(NULL AS VARCHAR)"


def aligned_sql(names: Sequence[str], wanted: Sequence[str]) -> str:
    """SQL: the list of the values of the wanted columns, from the list of the values of all."""
    if not wanted:
        return "CAST(NULL AS VARCHAR[])"
    return f"list_value({', '.join(value_sql(name, names) for name in wanted)})"
