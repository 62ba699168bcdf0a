"""A bundle as a folder, whether it is one or a ZIP, and what is wrong with the ZIP itself."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from signal_backups.core.bundle.content import beside_zip, is_file_name
from signal_backups.core.csv_format import digest

#: A file, and what is wrong with it.
Problem = tuple[str, str]


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
            members = [member for member in archive.infolist() if not member.is_dir()]
            times = Counter(member.filename for member in members)
            problems = [(name, "is in the ZIP more than once") for name, count in times.items() if count > 1]
            for member in members:
                problems += _unpack_member(archive, member, folder)
            return problems
    except Exception as error:  # noqa: BLE001 - a damaged ZIP can make it fail in any way there is
        return [(path.name, f"is not a ZIP that can be read: {error}")]


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> list[Problem]:
    name = member.filename
    if not is_file_name(name):
        return [(name, "is not a file's name in a bundle")]
    target = folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as file, target.open("wb") as out:
            shutil.copyfileobj(file, out)
    except Exception as error:  # noqa: BLE001 - see above
        return [(name, f"cannot be read from the ZIP: {error}")]
    return []
