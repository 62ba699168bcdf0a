"""Write a bundle to a folder or a ZIP, under a temporary name until it is complete."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol
from uuid import uuid4

from typing_extensions import override

from signal_backups import __version__
from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import LocalStorageError, SettingsError, VerificationError
from signal_backups.core.bundle.content import (
    ANCHORS,
    EVENTS,
    INDEX,
    PAGE,
    SUMS,
    VERIFIER,
    BundleContent,
    BundleFile,
    BundleIndex,
    DayEntry,
    Totals,
    beside_zip,
    instant,
    is_file_name,
    manifest_name,
    stamp_name,
    statement_name,
    token_of,
)
from signal_backups.core.bundle.page import bundle_page
from signal_backups.core.integrity.anchors.anchors import Anchor

#: The stand-alone verifier, as it goes into every bundle.
STANDALONE_VERIFIER = Path(__file__).with_name("standalone_verifier.py")

_CHUNK_BYTES = 1024 * 1024
#: Of every file of a ZIP, so that the same content gives the same ZIP.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class WrittenBundle:
    """A bundle on disk; ``zip_sha256`` is None for a folder."""

    path: Path
    index: BundleIndex
    files: int
    zip_sha256: str | None

    @property
    def statement_sha256(self) -> str:
        """SHA-256 of the tree head: keep it to prove later that the bundle is the same."""
        return sha256(self.index.statement.encode("ascii")).hexdigest()


def require_free(out: Path) -> None:
    """Refuse a place that a bundle cannot be written to.

    Raises:
        SettingsError: something is there already.
        LocalStorageError: its folder is not there.
    """
    # The name of a place that is there may be none to put another beside: "." and "/" have no last part.
    taken = out if _is_there(out) else beside_zip(out)
    if _is_there(taken):
        raise SettingsError(f"{taken} is there already", remedy="Name another place; nothing is overwritten")
    if not out.absolute().parent.is_dir():
        raise LocalStorageError(f"no folder {out.absolute().parent}", remedy="Make it, or name a place elsewhere")


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def write_bundle(content: BundleContent, out: Path) -> WrittenBundle:
    """Write a bundle: a ZIP when the name ends in .zip, else a folder; nothing stays behind when it fails.

    Raises:
        SettingsError: something is there already.
        LocalStorageError: it cannot be written there.
        VerificationError: the content cannot be bundled.
    """
    require_free(out)
    part = out.with_name(f".{out.name}.{uuid4().hex[:8]}.part")
    is_zip = out.suffix.lower() == ".zip"
    try:
        with _zip(part) if is_zip else _folder(part) as sink:
            index, files = _write(content, _Files(sink))
        zip_sha256 = digest(part).sha256 if is_zip else None
        require_free(out)
        if zip_sha256 is not None:
            beside_zip(out).write_text(f"{zip_sha256}  {out.name}\n", encoding="utf-8")
        part.rename(out)
    except OSError as error:
        raise LocalStorageError(
            f"cannot write {out}: {error.strerror or error}", remedy="Name another place with --out"
        ) from error
    finally:
        part.unlink() if part.is_file() else shutil.rmtree(part, ignore_errors=True)
    return WrittenBundle(out, index, files, zip_sha256)


class _Sink(Protocol):
    """Where files go."""

    def open(self, name: str) -> IO[bytes]:
        """A new file."""


class _Folder(_Sink):
    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    def open(self, name: str) -> IO[bytes]:
        path = self._path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")


class _Zip(_Sink):
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @override
    def open(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, _ZIP_TIME)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
        # How large it is, is not known yet, and it could be more than a plain ZIP holds.
        return self._archive.open(info, "w", force_zip64=True)


@contextmanager
def _folder(path: Path) -> Iterator[_Sink]:
    path.mkdir()
    yield _Folder(path)


@contextmanager
def _zip(path: Path) -> Iterator[_Sink]:
    with zipfile.ZipFile(path, "x") as archive:
        yield _Zip(archive)


class _Files:
    """The files written so far, by name, with their SHA-256."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self.written: dict[str, str] = {}

    def add(self, name: str, source: bytes | Path) -> None:
        """Write a file.

        Raises:
            VerificationError: no file of a bundle can have this name.
        """
        if not is_file_name(name) or name in self.written:
            raise VerificationError(f"{name!r} cannot be the name of one more file of a bundle")
        found = sha256()
        with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file, self._sink.open(name) as out:
            while chunk := file.read(_CHUNK_BYTES):
                found.update(chunk)
                out.write(chunk)
        self.written[name] = found.hexdigest()


def _write(content: BundleContent, files: _Files) -> tuple[BundleIndex, int]:
    days = list(_write_days(content, files))
    for number, manifest in enumerate(content.manifests, 1):
        files.add(manifest_name(number), manifest)
    files.add(EVENTS, b"".join(content.events))
    for name, body in content.anchors.items():
        for file in _anchor_files(f"{ANCHORS}{name}", body):
            files.add(file.name, file.source)
    index = BundleIndex(
        bucket=content.bucket,
        prefix=content.prefix,
        first=content.first,
        last=content.last,
        made_at=instant(content.made_at),
        by=f"signal-backups {__version__}",
        statement=content.statement.decode("ascii"),
        days=days,
        totals=Totals.of(days),
    )
    files.add(INDEX, index.to_bytes())
    files.add(VERIFIER, STANDALONE_VERIFIER.read_bytes())
    files.add(PAGE, bundle_page(index, content).encode("utf-8"))
    files.add(SUMS, "".join(f"{found}  {name}\n" for name, found in sorted(files.written.items())).encode("utf-8"))
    return index, len(files.written)


def _write_days(content: BundleContent, files: _Files) -> Iterator[DayEntry]:
    for day in content.days:
        for file in day.files:
            files.add(file.name, file.source)
        yield day.entry


def _anchor_files(name: str, body: bytes) -> Iterator[BundleFile]:
    """An anchor, and beside it what OpenSSL needs to check its time stamps."""
    anchor = Anchor.from_bytes(body)
    yield BundleFile(name, body)
    yield BundleFile(statement_name(name), anchor.statement.encode("utf-8"))
    for number, stamp in enumerate(anchor.timestamps, 1):
        yield BundleFile(stamp_name(name, number), token_of(stamp))
