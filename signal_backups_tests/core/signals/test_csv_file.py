"""CSV files can be written to and read from folders with any name."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import join_parts, read_as_stored_sql, write_part, write_rows

ROWS = [("a", None), ("it's", "")]


@pytest.mark.parametrize("name", ["trader's signals", '"quoted"', "[a]*?", "täglich"])
def test_a_csv_is_written_and_read_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    part, whole, copy = (folder / file for file in ("part.csv", "whole.csv", "copy.csv"))
    rows = pa.table({"one": [row[0] for row in ROWS], "two": [row[1] for row in ROWS]})
    with closing(duckdb_engine.cursor()) as cursor:
        write_part(cursor, rows, part)
        join_parts(["one", "two"], [part], whole)
        assert write_rows(cursor, read_as_stored_sql(whole), copy) == len(ROWS)
        assert cursor.execute(read_as_stored_sql(copy)).fetchall() == ROWS
    assert whole.read_bytes() == copy.read_bytes() == b'one,two\na,\nit\'s,""\n'
