"""Verifying a local backup file: whether it is complete, equals its manifest, and every row matches its hash.

Objects in S3 are downloaded first (``vault.verify_stored``). Problems are not raised: the report lists all of them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
from pydantic import BaseModel

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import NotFoundError, VerificationError
from signal_backups.core.signals.csv_file import reading_rows
from signal_backups.core.signals.fields import SIGNAL_ID, TIMESTAMP
from signal_backups.core.signals.row_hash import matches_sql, other_forms_sql
from signal_backups.core.signals.verify_report import BadRow, Expected, VerifyReport

#: How many bad rows a report names.
NAMED_ROWS = 10


def verify_csv(path: Path, expected: Expected | None = None, sample: int | None = None) -> VerifyReport:
    """Verify one backup CSV: structure, count, file hash and row hashes.

    Args:
        path: the file.
        expected: what its manifest says; None: only the file itself is checked.
        sample: hash at most so many rows, evenly spaced; None: every row. Structure, ids and number of signals are
            always checked in the whole file.

    Raises:
        NotFoundError: there is no such file.
    """
    if not path.is_file():
        raise NotFoundError(f"no file at {path}", remedy="Check the path")
    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=1) as executor:
        file_digest = executor.submit(digest, path)
        rows, row_problems = _examine_rows(path, expected, sample)
        found = file_digest.result()
    problems = _file_problems(found.bytes, found.sha256, expected) + _ending_problems(path) + row_problems
    return VerifyReport(
        bytes=found.bytes,
        sha256=found.sha256,
        problems=problems,
        seconds=time.perf_counter() - started,
        **rows.model_dump(),
    )


def count_signals(path: Path) -> int:
    """Parse a backup CSV and count its signals.

    Raises:
        VerificationError: the file does not parse.
    """
    with reading_rows(path) as (cursor, rows):
        return _numbers(cursor, f"SELECT count(*) FROM {rows}")[0]


class _RowFindings(BaseModel):
    records: int | None = None
    rows_hashed: int = 0
    integer_form_rows: int = 0
    repeated_ids: list[str] = []
    bad_row_count: int = 0
    bad_rows: list[BadRow] = []


def _examine_rows(path: Path, expected: Expected | None, sample: int | None) -> tuple[_RowFindings, list[str]]:
    try:
        rows = _verify_rows(path, sample)
    except VerificationError as error:
        return _RowFindings(), [str(error)]
    return rows, _row_problems(rows, expected)


def _file_problems(size: int, sha256: str, expected: Expected | None) -> list[str]:
    if expected is None or (size, sha256) == (expected.bytes, expected.sha256):
        return []
    return [
        f"file is {size} bytes with SHA-256 {sha256}, its manifest says {expected.bytes} bytes with {expected.sha256}"
    ]


def _ending_problems(path: Path) -> list[str]:
    """A file that is truncated within its last line can still parse, so the line must end with a line break."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1))
        return [] if file.read() in (b"\n", b"") else ["the last line has no line break: the file is truncated"]


def _row_problems(rows: _RowFindings, expected: Expected | None) -> list[str]:
    problems = []
    if expected is not None and rows.records != expected.records:
        problems.append(f"file has {rows.records} signals, its manifest says {expected.records}")
    if rows.repeated_ids:
        problems.append(f"{SIGNAL_ID} repeats: {', '.join(rows.repeated_ids)}")
    if rows.bad_row_count:
        problems.append(f"{rows.bad_row_count} of {rows.rows_hashed} signals do not match their hash")
    return problems


def _verify_rows(path: Path, sample: int | None) -> _RowFindings:
    with reading_rows(path) as (cursor, rows):
        records, ids, matched = _counts(cursor, rows, matches_sql() if sample is None else "false")
        hashed, chosen = records, _numbered(rows)
        if sample is not None:
            chosen = _every_nth(rows, records, sample)
            hashed, _, matched = _counts(cursor, chosen, matches_sql())
        integer_forms, bad = _check_other_forms(cursor, chosen) if matched < hashed else (0, [])
        repeated = _repeated_ids(cursor, rows) if ids < records else []
    return _RowFindings(
        records=records,
        rows_hashed=hashed,
        integer_form_rows=integer_forms,
        repeated_ids=repeated,
        bad_row_count=hashed - matched - integer_forms,
        bad_rows=bad,
    )


def _counts(cursor: duckdb.DuckDBPyConnection, rows: str, condition: str) -> tuple[int, int, int]:
    """The number of rows, of distinct ids, and of rows that meet a condition."""
    # Ids are compared by a 64-bit hash, in a table, because count(DISTINCT) does not spill to disk.
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE checked AS SELECT hash({SIGNAL_ID}) AS id, {condition} AS met FROM {rows}"
    )
    # FILTER, because count_if is NULL when there are no rows.
    records, met = _numbers(cursor, "SELECT count(*), count(*) FILTER (WHERE met) FROM checked")
    (ids,) = _numbers(cursor, "SELECT count(*) FROM (SELECT DISTINCT id FROM checked)")
    cursor.execute("DROP TABLE checked")
    return records, ids, met


def _numbered(rows: str) -> str:
    return f"(SELECT row_number() OVER () AS row, * FROM {rows})"


def _every_nth(rows: str, records: int, sample: int) -> str:
    stride = max(1, -(-records // sample))
    return f"(SELECT * FROM {_numbered(rows)} WHERE (row - 1) % {stride} = 0)"


def _check_other_forms(cursor: duckdb.DuckDBPyConnection, chosen: str) -> tuple[int, list[BadRow]]:
    """Check the other forms of rows that do not match: how many match in one, and the first that match in none."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE unmatched AS SELECT * FROM {chosen} WHERE NOT {matches_sql()}")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE matched AS SELECT row FROM {other_forms_sql('unmatched')}")
    (integer_forms,) = _numbers(cursor, "SELECT count(*) FROM matched")
    named = cursor.execute(
        f"SELECT row, {SIGNAL_ID}, {TIMESTAMP} FROM unmatched ANTI JOIN matched USING (row) ORDER BY row LIMIT ?",
        [NAMED_ROWS],
    ).fetchall()
    cursor.execute("DROP TABLE unmatched")
    cursor.execute("DROP TABLE matched")
    return integer_forms, [
        BadRow(row=row, signal_id=signal_id, timestamp=timestamp, reason="does not match its hash")
        for row, signal_id, timestamp in named
    ]


def _repeated_ids(cursor: duckdb.DuckDBPyConnection, rows: str) -> list[str]:
    found = cursor.execute(
        f"SELECT {SIGNAL_ID} FROM {rows} WHERE {SIGNAL_ID} IS NOT NULL "
        f"GROUP BY {SIGNAL_ID} HAVING count(*) > 1 ORDER BY {SIGNAL_ID} LIMIT ?",
        [NAMED_ROWS],
    ).fetchall()
    return [signal_id for (signal_id,) in found]


def _numbers(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    return cursor.execute(query).fetchone() or ()
