r"""Values of extra columns in SQLite: their text in a backup, and the same value, of the same storage class, from it.

A number is written as an SQL literal, a blob as ``\x`` and hex. A text is written as it is, but as an SQL literal, in
single quotes, where it would be taken for something else: because it begins like a blob or a literal, or because it
reads as a number. The type of its column does not matter, since a restored column may have another one.
"""

from __future__ import annotations

from signal_backups.core.signals.extra_columns import ExtraColumn
from signal_backups.core.source.base import quoted


def extra_text(column: ExtraColumn) -> str:
    """SQL: the text of a column's value."""
    value = quoted(column.name)
    # An expression, because a comparison would apply the column's affinity and its collation.
    text = f"CAST({value} AS TEXT)"
    return (
        f"CASE typeof({value}) WHEN 'null' THEN NULL WHEN 'blob' THEN '\\x' || lower(hex({value})) "
        f"WHEN 'text' THEN CASE WHEN {_is_ambiguous(text)} "
        f"THEN '''' || replace({text}, '''', '''''') || '''' ELSE {text} END "
        f"ELSE quote({value}) END"
    )


def extra_value(text: str) -> str:
    """SQL: the value that ``extra_text`` wrote."""
    return (
        f"CASE WHEN substr({text}, 1, 1) = '''' AND substr({text}, -1) = '''' AND length({text}) > 1 "
        f"THEN replace(substr({text}, 2, length({text}) - 2), '''''', '''') "
        f"WHEN substr({text}, 1, 2) = '\\x' AND unhex(substr({text}, 3)) IS NOT NULL THEN unhex(substr({text}, 3)) "
        f"{_numbers(text)}ELSE {text} END"
    )


def _numbers(text: str) -> str:
    return " ".join(
        f"WHEN {text} = quote(CAST({text} AS {kind})) THEN CAST({text} AS {kind}) " for kind in ("INTEGER", "REAL")
    )


def _is_ambiguous(text: str) -> str:
    return (
        f"substr({text}, 1, 1) = '''' OR substr({text}, 1, 2) = '\\x' "
        f"OR {text} IN (quote(CAST({text} AS INTEGER)), quote(CAST({text} AS REAL)))"
    )
