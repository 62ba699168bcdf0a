"""A file that cannot be written is told apart from a connection that broke."""

from __future__ import annotations

import errno
from pathlib import Path
from tempfile import gettempdir

import duckdb
import pytest

from signal_backups.core.base.errors import ExitCode, LocalStorageError, StoreError
from signal_backups.core.base.local_files import written_locally
from signal_backups.core.signals.csv_file import reading_rows
from signal_backups.core.signals.fields import CSV_COLUMNS

PLACE = Path("/somewhere/scratch")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free space on the disk of /somewhere/scratch"),
        (errno.EDQUOT, "Free space on the disk of /somewhere/scratch"),
        (errno.EACCES, "Let this user write there"),
        (errno.EROFS, "Let this user write there"),
        (errno.ENOTDIR, "Move away what is in its place"),
    ],
)
def test_the_place_and_the_remedy_are_named(number: int, remedy: str) -> None:
    with pytest.raises(LocalStorageError, match="cannot write /somewhere/scratch: ") as raised, written_locally(PLACE):
        raise OSError(number, "injected")
    assert remedy in raised.value.remedy
    assert "SIGNAL_BACKUPS_HOME" in raised.value.remedy
    assert (raised.value.exit_code, raised.value.code) == (ExitCode.UNREACHABLE, "local_storage")


def test_the_file_itself_is_named_when_the_system_names_it(tmp_path: Path) -> None:
    in_the_way = tmp_path / "scratch"
    in_the_way.write_text("a file", encoding="utf-8")
    with (
        pytest.raises(LocalStorageError, match=f"cannot write {in_the_way}/day: Not a directory"),
        written_locally(tmp_path, "SIGNAL_BACKUPS_LOG_FILE"),
    ):
        (in_the_way / "day").mkdir()


#: What DuckDB raises on a full disk: of a file that it writes, and of what it spills.
WRITING = (
    'IO Error: Async write failed for range [offset=4148770, size=81919]: {"exception_type":"IO","exception_message":'
    '"Could not write file \\"/somewhere/scratch/x.csv\\": No space left on device","errno":"28"}'
)
SPILLING = "Out of Memory Error: failed to offload data block of size 256.0 KiB (3.5 MiB/3.5 MiB used)."


def test_duckdb_says_it_in_other_words() -> None:
    with pytest.raises(LocalStorageError, match="cannot write /somewhere/scratch: No space"), written_locally(PLACE):
        raise duckdb.IOException(WRITING)
    with (
        pytest.raises(LocalStorageError, match=f"cannot write {gettempdir()}: No sp") as raised,
        written_locally(PLACE),
    ):
        raise duckdb.OutOfMemoryException(SPILLING)
    assert "TMPDIR" in raised.value.remedy


def test_a_full_disk_says_nothing_about_the_file_that_is_read(tmp_path: Path) -> None:
    csv = tmp_path / "backup.csv"
    csv.write_text(",".join(CSV_COLUMNS) + "\n", encoding="utf-8")
    with pytest.raises(LocalStorageError), written_locally(PLACE), reading_rows(csv):
        raise duckdb.IOException(WRITING)


def test_a_typed_error_stays_what_it_is() -> None:
    error = StoreError("the store said: No space left on device")
    with pytest.raises(StoreError) as raised, written_locally(PLACE):
        raise error
    assert raised.value is error


@pytest.mark.parametrize(
    "error", [ConnectionResetError(errno.ECONNRESET, "reset"), TimeoutError(), OSError("no number")]
)
def test_what_is_not_about_a_file_passes(error: OSError) -> None:
    with pytest.raises(type(error)) as raised, written_locally(PLACE):
        raise error
    assert raised.value is error
