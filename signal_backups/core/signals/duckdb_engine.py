"""The DuckDB database for bulk work: one per process, in memory, with bounded memory, without network, in UTC."""

from __future__ import annotations

import atexit
import json
import math
import os
from functools import cache
from tempfile import gettempdir

import duckdb
import pyarrow as pa

#: Limit of DuckDB's buffers; beyond it, sorting and grouping spill to disk.
MEMORY_LIMIT = "192MB"
#: Threads of DuckDB, and batches processed at a time. Each has its own buffers (32 MB for writing or reading a CSV), so
#: one thread per core could exceed the memory limit.
THREADS = 2

#: SQL function that escapes a text as Python's JSON does, without the quotes.
ESCAPED = "python_json_escape"
#: SQL function that writes the text of an integral double as an integer, for doubles beyond HUGEINT.
INTEGER_TEXT = "python_integer_text"


def cursor() -> duckdb.DuckDBPyConnection:
    """Open a connection to the database of this process; use one per thread, and close it."""
    return _engine().cursor()


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY_LIMIT,
            "threads": THREADS,
            # One per process: two databases in one folder would overwrite each other's files.
            "temp_directory": f"{gettempdir()}/signal_backups_spill_{os.getpid()}",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    # Global, because each cursor starts its own session; the time zone of the host must not matter.
    engine.execute("SET GLOBAL TimeZone = 'UTC'")
    engine.create_function(ESCAPED, _escape, ["VARCHAR"], "VARCHAR", type="arrow")
    engine.create_function(INTEGER_TEXT, _integer_text, ["VARCHAR"], "VARCHAR", type="arrow")
    atexit.register(engine.close)
    return engine


def _escape(texts: pa.Array) -> pa.Array:
    return pa.array([None if text is None else json.dumps(text)[1:-1] for text in texts.to_pylist()], pa.string())


def _integer_text(numbers: pa.Array) -> pa.Array:
    return pa.array([_as_integer(text) for text in numbers.to_pylist()], pa.string())


def _as_integer(text: str | None) -> str | None:
    number = float(text) if text is not None else math.nan
    return str(int(number)) if math.isfinite(number) else None
