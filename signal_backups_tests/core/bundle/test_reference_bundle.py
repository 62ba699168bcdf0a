"""A bundle of the whole reference database from a real S3 server, checked as an auditor does, whole and damaged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import days_between
from signal_backups.core.bundle.check import check_bundle
from signal_backups.core.bundle.fetch import bundle_content
from signal_backups.core.bundle.standalone_verifier import BundleCheck
from signal_backups.core.bundle.write import WrittenBundle, write_bundle
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, stored_days
from signal_backups_tests.core.backup.test_reference_database import DATABASE, FIRST, LAST
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.tables import sqlite_source

#: How many bytes are flipped, one after the other; after every hundredth the whole bundle is checked.
FLIPS, EVERY = pytest.mark.parametrize("flips", [100, pytest.param(2000, marks=pytest.mark.slow)]), 100


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[StoredDays]:
    """All 75 days, backed up."""
    source, folder = sqlite_source(DATABASE), tmp_path_factory.mktemp("reference")
    with stored_days(folder, s3_server) as stored:
        for day in days_between(FIRST, LAST):
            store_backup(stored.vault, extracted(source, folder, day).folder, BackupRun("reference"))
        yield stored


@pytest.fixture(scope="module")
def bundle(stored: StoredDays) -> WrittenBundle:
    """The bundle of them."""
    content = bundle_content(stored.vault, FIRST, LAST, stored.folder / "scratch")
    return write_bundle(content, stored.folder / "bundle")


def test_python_and_nothing_else_verifies_all_75_days(bundle: WrittenBundle, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(bundle.path, alone)
    command = ["/usr/bin/env", "-i", "/usr/bin/python3", "-I", "-S", "verify.py"]
    done = subprocess.run(command, cwd=alone, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    said = f"OK: {bundle.index.bucket}, {FIRST} to {LAST}: 75 of 75 days, 5757 records, 75 manifests, 75 events"
    assert done.stdout.splitlines()[-1] == said
    assert (bundle.index.totals.backed_up, bundle.index.totals.records) == (75, 5757)
    sums = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=alone, check=False, timeout=60)
    assert sums.returncode == 0


def test_the_product_says_the_same(bundle: WrittenBundle) -> None:
    report = check_bundle(bundle.path, head=bundle.statement_sha256)
    assert report.findings == []
    assert (report.days, report.records, report.manifests, report.events) == (75, 5757, 75, 75)


def files_wrong_by_sums(bundle: Path) -> set[str]:
    """Files that the part of the check names that sees every byte; the whole takes half a second."""
    check = BundleCheck(bundle)
    check.list_files()
    check.attempt("SHA256SUMS", check.sums)
    return {finding.file for finding in check.findings}


def files_wrong(bundle: Path) -> set[str]:
    """Files that the whole check names."""
    return {finding.file for finding in check_bundle(bundle).findings}


@FLIPS
def test_every_flipped_byte_is_caught_and_its_file_named(bundle: WrittenBundle, flips: int) -> None:
    random = Random(75)  # noqa: S311 - tests, not secrets
    files = sorted(path for path in bundle.path.rglob("*") if path.is_file())
    special = [bundle.path / name for name in ("SHA256SUMS", "verify.py", "index.html", "bundle.json", "events.jsonl")]
    for number in range(flips):
        path = random.choice(special if number % 4 == 0 else files)
        body = path.read_bytes()
        place = random.randrange(len(body))
        path.write_bytes(body[:place] + bytes([body[place] ^ random.randint(1, 255)]) + body[place + 1 :])
        whole = number % EVERY == 0
        named = files_wrong(bundle.path) if whole else files_wrong_by_sums(bundle.path)
        path.write_bytes(body)
        name = path.relative_to(bundle.path).as_posix()
        assert name in named, (name, place, named)
    assert files_wrong(bundle.path) == set()


@FLIPS
def test_every_flipped_byte_of_a_zip_is_caught(stored: StoredDays, tmp_path: Path, flips: int) -> None:
    content = bundle_content(stored.vault, FIRST, FIRST, stored.folder / "scratch")
    path = write_bundle(content, tmp_path / "bundle.zip").path
    body, random = path.read_bytes(), Random(75)  # noqa: S311 - tests, not secrets
    for _ in range(flips // 20):
        place = random.randrange(len(body))
        path.write_bytes(body[:place] + bytes([body[place] ^ random.randint(1, 255)]) + body[place + 1 :])
        assert check_bundle(path).findings, place
    path.write_bytes(body)
    assert check_bundle(path).findings == []
    beside = path.with_name("bundle.zip.sha256")
    digest = beside.read_bytes()
    beside.write_bytes((b"1" if digest.startswith(b"0") else b"0") + digest[1:])
    assert check_bundle(path).findings
    beside.unlink()
    assert check_bundle(path).findings == []
