"""The DuckDB engine that does the bulk work: one per process, bounded memory, no network, UTC."""

from __future__ import annotations

import atexit
import json
import math
import os
from functools import cache
from tempfile import gettempdir

import duckdb
import pyarrow as pa

#: Ceiling of the engine's own buffers; beyond it sorts and groupings spill to disk.
MEMORY_LIMIT = "192MB"
#: Threads of the engine, and batches worked on at a time. Each holds buffers of its own (32 MB to write or read a
#: CSV), so with a thread for each of many cores the limit would not be enough.
THREADS = 2

#: SQL name of the function that gives Python's JSON escape of a text, without the quotes.
ESCAPED = "python_json_escape"
#: SQL name of the function that writes a number's text as an integer, for doubles beyond HUGEINT.
INTEGER_TEXT = "python_integer_text"


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection of its own to the process's engine; use one per thread and close it."""
    return _engine().cursor()


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY_LIMIT,
            "threads": THREADS,
            # One a process: two engines in one folder would overwrite each other's files.
            "temp_directory": f"{gettempdir()}/signal_backups_spill_{os.getpid()}",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    # A global setting: cursors start sessions of their own, and the host's zone must never leak in.
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
