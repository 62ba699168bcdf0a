"""Nothing in a bundle goes unseen: links, devices, empty folders, what a ZIP holds beside its files."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from signal_backups.core.bundle.check import check_bundle
from signal_backups_tests.core.bundle.made import files_of, made_bundle

SEED = 168
CSV = "signals/2026/11/signals_backup_20261101_020000.csv"


def linked_csv(bundle: Path) -> None:
    csv = bundle / CSV
    csv.rename(bundle.parent / "outside.csv")
    csv.symlink_to(bundle.parent / "outside.csv")


@pytest.mark.parametrize(
    ("put", "named"),
    [
        (lambda bundle: os.mkfifo(bundle / "pipe"), "pipe"),
        (lambda bundle: (bundle / "link").symlink_to("/etc", target_is_directory=True), "link"),
        (lambda bundle: (bundle / "nowhere").symlink_to("/no/such/file"), "nowhere"),
        (lambda bundle: (bundle / "empty" / "too").mkdir(parents=True), "empty/too"),
        (linked_csv, CSV),
    ],
)
def test_what_is_no_plain_file_is_named(tmp_path: Path, put: Callable[[Path], None], named: str) -> None:
    bundle = made_bundle(SEED, tmp_path)
    put(bundle)
    assert named in {finding.file for finding in check_bundle(bundle).findings}


def zipped(tmp_path: Path, *folders: tuple[str, bytes]) -> Path:
    """A good bundle as another program would pack it, with entries of folders."""
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in [*folders, *files_of(made_bundle(SEED, tmp_path)).items()]:
            archive.writestr(name, body)
    return path


def test_a_zip_of_another_program_passes(tmp_path: Path) -> None:
    assert check_bundle(zipped(tmp_path, ("signals/", b""), ("signals/2026/", b""))).findings == []


@pytest.mark.parametrize(("folder", "body"), [("signals/", b"hidden"), ("empty/", b""), ("../out/", b"")])
def test_a_folder_of_a_zip_that_no_file_needs(tmp_path: Path, folder: str, body: bytes) -> None:
    assert check_bundle(zipped(tmp_path, (folder, body))).findings
    assert not (tmp_path.parent / "out").exists()


def test_bytes_of_a_zip_that_no_file_holds(tmp_path: Path) -> None:
    path = zipped(tmp_path)
    body = path.read_bytes()
    for changed in (b"before" + body, body + b"after"):
        path.write_bytes(changed)
        assert ["bytes before or after" in finding.what for finding in check_bundle(path).findings] == [True]
    path.write_bytes(body)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"hidden"
    assert "has a comment" in check_bundle(path).findings[0].what
