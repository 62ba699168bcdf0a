"""Separates the good rows of a damaged backup from the others, if the user asked for it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from signal_backups.core.base.errors import RefusedBackupError
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import extra_columns_sql, extras_of, read_sql, write_rows
from signal_backups.core.signals.fields import CSV_COLUMNS, SIGNAL_ID
from signal_backups.core.signals.row_hash import matches_sql, other_forms_sql


@dataclass(frozen=True)
class Salvage:
    """Two CSV files, in the order of the damaged one, and how many rows each has."""

    good: Path
    good_rows: int
    rejected: Path
    rejected_rows: int


def salvage(damaged: Path, good: Path, rejected: Path) -> Salvage:
    """Write the rows that match their hash, the first of each id, to ``good`` and all others to ``rejected``.

    Raises:
        RefusedBackupError: the file cannot be split into rows.
        VerificationError: its header is not that of a backup.
    """
    with closing(duckdb_engine.cursor()) as cursor:
        try:
            cursor.execute(
                f"CREATE TEMP TABLE damaged AS SELECT row_number() OVER () AS row, * FROM {read_sql(damaged)}"
            )
        except duckdb.Error as error:
            raise RefusedBackupError(
                f"{damaged.name} cannot be split into rows: {str(error).splitlines()[0]}",
                remedy="Restore another version of the day",
            ) from error
        cursor.execute(f"CREATE TEMP TABLE plain AS SELECT row FROM damaged WHERE {matches_sql()}")
        cursor.execute("CREATE TEMP TABLE unmatched AS SELECT * FROM damaged ANTI JOIN plain USING (row)")
        matched = f"(SELECT row FROM plain UNION ALL SELECT row FROM {other_forms_sql('unmatched')})"
        cursor.execute(
            f"CREATE TEMP TABLE good AS SELECT min(row) AS row FROM damaged SEMI JOIN {matched} USING (row) "
            f"GROUP BY {SIGNAL_ID}"
        )
        columns = ", ".join(CSV_COLUMNS) + extra_columns_sql(extras_of(damaged))
        kept = write_rows(cursor, f"SELECT {columns} FROM damaged SEMI JOIN good USING (row) ORDER BY row", good)
        rest = write_rows(cursor, f"SELECT {columns} FROM damaged ANTI JOIN good USING (row) ORDER BY row", rejected)
    return Salvage(good, kept, rejected, rest)
