"""SQL that tells whether two rows have the same content."""

from __future__ import annotations

from collections.abc import Iterable

from signal_backups.core.signals.fields import CSV_COLUMNS, NUMBER_COLUMNS, UNREADABLE_VALUES

#: Columns that must be the same for two rows to be the same.
_COMPARED = (*CSV_COLUMNS, UNREADABLE_VALUES)


def content_sql(extra_values: Iterable[str] = ()) -> str:
    """A number that is the same for rows of text columns with the same content, however their numbers are written.

    Args:
        extra_values: SQL of the values of extra columns, which then are part of the content.
    """
    texts = [f"CAST(TRY_CAST({name} AS DOUBLE) AS VARCHAR)" if name in NUMBER_COLUMNS else name for name in _COMPARED]
    texts += extra_values
    # With its length before each text no two rows give the same; the MD5 of a SHA-256 only makes it shorter.
    content = " || ".join(f"coalesce(strlen({text}) || ':' || {text}, 'null')" for text in texts)
    return f"md5_number(sha256({content}))"
