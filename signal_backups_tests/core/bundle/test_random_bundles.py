"""Random bundles: good ones pass, and a damaged one passes only if all of it was rewritten to fit the damage."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random

import pytest

from signal_backups.core.bundle.check import check_bundle
from signal_backups_tests.core.bundle.damage import FREE, Rewritten, damaged
from signal_backups_tests.core.bundle.made import Files, files_of, made_bundle, written
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
