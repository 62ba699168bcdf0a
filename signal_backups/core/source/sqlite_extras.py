r"""Values of extra columns in SQLite: their text in a backup, and the same value, of the same storage class, from it.

A number is written as an SQL literal, a blob as ``\x`` and hex. A text is written as it is, but as an SQL literal, in
single quotes, where it would be taken for something else: because it begins like a blob or a literal, or because it
reads as a number and its column does not turn numbers into text anyway.
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
        f"WHEN 'text' THEN CASE WHEN {_is_ambiguous(text, column.type)} "
        f"THEN '''' || replace({text}, '''', '''''') || '''' ELSE {text} END "
        f"ELSE quote({value}) END"
    )


def extra_value(text: str, declared_type: str) -> str:
    """SQL: the value that ``extra_text`` wrote, for a column of a declared type."""
    numbers = "" if _holds_text(declared_type) else _numbers(text)
    return (
        f"CASE WHEN substr({text}, 1, 1) = '''' AND substr({text}, -1) = '''' AND length({text}) > 1 "
        f"THEN replace(substr({text}, 2, length({text}) - 2), '''''', '''') "
        f"WHEN substr({text}, 1, 2) = '\\x' AND unhex(substr({text}, 3)) IS NOT NULL THEN unhex(substr({text}, 3)) "
        f"{numbers}ELSE {text} END"
    )


def _numbers(text: str) -> str:
    return " ".join(
        f"WHEN {text} = quote(CAST({text} AS {kind})) THEN CAST({text} AS {kind}) " for kind in ("INTEGER", "REAL")
    )


def _is_ambiguous(text: str, declared_type: str) -> str:
    begins = f"substr({text}, 1, 1) = '''' OR substr({text}, 1, 2) = '\\x'"
    if _holds_text(declared_type):
        return begins
    return f"{begins} OR {text} IN (quote(CAST({text} AS INTEGER)), quote(CAST({text} AS REAL)))"


def _holds_text(declared_type: str) -> bool:
    """Whether a column turns numbers into text (SQLite's text affinity)."""
    kind = declared_type.upper()
    return "INT" not in kind and any(part in kind for part in ("CHAR", "CLOB", "TEXT"))
