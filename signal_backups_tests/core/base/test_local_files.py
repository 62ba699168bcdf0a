"""A file that cannot be written is told apart from a connection that broke."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from signal_backups.core.base.errors import ExitCode, LocalStorageError
from signal_backups.core.base.local_files import written_locally

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


@pytest.mark.parametrize(
    "error", [ConnectionResetError(errno.ECONNRESET, "reset"), TimeoutError(), OSError("no number")]
)
def test_what_is_not_about_a_file_passes(error: OSError) -> None:
    with pytest.raises(type(error)) as raised, written_locally(PLACE):
        raise error
    assert raised.value is error
