"""The files of a bundle's folder: which there are, and whether ``SHA256SUMS`` is what they give.

What belongs here: files as bytes. What does not: what they say (``checking``), ZIPs (``unpacking``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from signal_backups.core.base.digest import digest
from signal_backups.core.bundle.content import SUMS
from signal_backups.core.bundle.unpack import Problem


def plain_files(folder: Path) -> tuple[set[str], list[Problem]]:
    """Names of the plain files, and what is wrong with all else: links lead elsewhere, devices never end."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    names = {name for name, path in paths.items() if path.is_file() and not path.is_symlink()}
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    others = sorted(paths.keys() - names - folders)
    return names, [(name, "is neither a plain file nor a folder that one is in") for name in others]


def sum_problems(sums: Path, names: set[str]) -> Iterator[Problem]:
    """How ``SHA256SUMS`` differs from what the files beside it give."""
    found = {name: digest(sums.parent / name).sha256 for name in sorted(names - {SUMS})}
    lines = {f"{sha256_of}  {name}": name for name, sha256_of in found.items()}
    listed = sums.read_bytes().decode("utf-8", "replace").split("\n")
    if listed == [*lines, ""]:
        return
    for line in sorted(lines.keys() - set(listed)):
        yield lines[line], f"its SHA-256 is {line[:64]}, which is not in {SUMS}: one of them was changed"
    for line in sorted(set(listed) - lines.keys() - {""}):
        yield SUMS, f"no file gives its line {line!r}"
    yield SUMS, "is not exactly what the files give"
