"""Open a bundle as a folder, whether it is one or a ZIP, with what is wrong with the ZIP itself."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from tempfile import TemporaryDirectory

from signal_backups.core.base.digest import digest
from signal_backups.core.bundle.content import beside_zip, is_file_name

#: A file, and what is wrong with it.
Problem = tuple[str, str]
#: Size of the record that ends a ZIP without a comment.
_END_BYTES = 22


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, list[Problem]]]:
    """The folder of a bundle, for the block, and what is wrong with the ZIP if it is one."""
    if path.is_dir():
        yield path, []
        return
    with TemporaryDirectory(prefix="bundle-") as folder:
        yield Path(folder), _sum_problems(path) + _unpack(path, Path(folder))


def _sum_problems(path: Path) -> list[Problem]:
    beside = beside_zip(path)
    if not beside.exists() or beside.read_bytes() == f"{digest(path).sha256}  {path.name}\n".encode():
        return []
    return [(path.name, f"does not have the SHA-256 in {beside.name}: one of them was changed")]


def _unpack(path: Path, folder: Path) -> list[Problem]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            times = Counter(member.filename for member in members)
            problems = [(name, "is in the ZIP more than once") for name, count in times.items() if count > 1]
            if not _is_nothing_but(path, members):
                problems.append((path.name, "has a comment, or bytes before or after its files"))
            for member in members:
                problems += _unpack_member(archive, member, folder)
            return problems
    except Exception as error:  # noqa: BLE001 - a damaged ZIP can make it fail in any way there is
        return [(path.name, f"is not a ZIP that can be read: {error}")]


def _is_nothing_but(path: Path, members: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether a ZIP begins with a file and ends with its directory, and nothing has a comment."""
    with path.open("rb") as file:
        file.seek(-_END_BYTES, SEEK_END)
        has_end = file.read(4) == b"PK\5\6"
    begins = min((member.header_offset for member in members), default=0)
    return has_end and begins == 0 and not any(member.comment for member in members)


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> list[Problem]:
    name = member.filename
    is_folder = member.is_dir() and not member.file_size
    if not is_file_name(name[:-1] if is_folder else name):
        return [(name, "is not a file's name in a bundle")]
    target = folder / name
    try:
        if is_folder:
            target.mkdir(parents=True, exist_ok=True)
            return []
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as file, target.open("wb") as out:
            shutil.copyfileobj(file, out)
    except Exception as error:  # noqa: BLE001 - see above
        return [(name, f"cannot be read from the ZIP: {error}")]
    return []
