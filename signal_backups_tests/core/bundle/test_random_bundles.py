"""Random bundles: good ones pass, and a damaged one passes only if all of it was rewritten to fit the damage."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random

import pytest

from signal_backups.core.bundle.check import check_bundle
from signal_backups.core.bundle.standalone_verifier import BundleCheck
from signal_backups.core.signals.row_tree import root_of_csv
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups_tests.core.bundle.damage import FREE, Rewritten, damaged
from signal_backups_tests.core.bundle.made import (
    POOL,
    Files,
    csv_bytes,
    files_of,
    made_bundle,
    pooled_rows,
    row_root,
    written,
)
from signal_backups_tests.core.bundle.standalone import as_program

#: How many good bundles, and as many damaged ones, are checked.
FEW, MANY = 20, 1000
#: Of how many one is checked by the verifier as a program of its own too.
EVERY = 100

BUNDLES = pytest.mark.parametrize("bundles", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


@BUNDLES
def test_good_bundles_pass(tmp_path: Path, bundles: int) -> None:
    for seed in range(bundles):
        bundle = made_bundle(seed, tmp_path)
        assert check_bundle(bundle).findings == [], seed
        if seed % EVERY == 0:
            assert as_program(bundle).returncode == 0
        shutil.rmtree(bundle)


@cache
def _base(seed: int, folder: Path) -> Files:
    return files_of(made_bundle(seed, folder))


@BUNDLES
def test_damaged_bundles_fail_unless_rewritten_as_a_whole(tmp_path: Path, bundles: int) -> None:
    passed: Counter[tuple[str, Rewritten]] = Counter()
    for seed in range(bundles):
        files = _base(seed % 200, tmp_path)
        random = Random(seed)  # noqa: S311 - tests, not secrets
        kind, level, changed = damaged(files, random)
        bundle = written(changed, tmp_path / "damaged")
        findings = check_bundle(bundle).findings
        if seed % EVERY == 0:
            assert as_program(bundle).returncode == bool(findings)
        if not findings:
            passed[kind, level] += 1
            others = [name for name in files if not name.startswith((*FREE, "SHA256SUMS"))]
            is_free = level > Rewritten.NOTHING and all(changed.get(name) == files[name] for name in others)
            assert all(name in changed for name in files), (seed, kind, level)
            assert is_free or level == Rewritten.INDEX, (seed, kind, level)
    assert sum(passed.values()) < bundles / 6, passed


def test_rows_are_judged_as_the_verification_of_a_backup_judges_them(tmp_path: Path) -> None:
    """DuckDB and the verifier of bundles, which share no code, agree about good and damaged rows."""
    judged: Counter[bool] = Counter()
    for seed in range(POOL):
        rows, random = pooled_rows(seed), Random(seed)  # noqa: S311 - tests, not secrets
        file = tmp_path / f"{seed}.csv"
        file.write_bytes(csv_bytes(rows))
        assert root_of_csv(file) == row_root(rows), seed
        if rows and seed % 2:
            changed = random.choice([name for name in rows[0] if not name.startswith(("server", "generation"))])
            damaged_row = random.choice(rows)
            file.write_bytes(csv_bytes([row | {changed: "7.5"} if row is damaged_row else row for row in rows]))
        check = BundleCheck(tmp_path)
        check.list_files()
        check.attempt(file.name, check.rows, file.name)
        assert verify_csv(file).ok is not bool(check.findings), (seed, check.findings)
        judged[bool(check.findings)] += 1
    assert min(judged[True], judged[False]) > POOL / 4, judged
