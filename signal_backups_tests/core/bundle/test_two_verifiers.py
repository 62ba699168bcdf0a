"""The stand-alone verifier and our own check are two programs for one question, and must not disagree.

But for numbers spelled as no backup of ours holds them, and hashed so: see ``checking``. No damage here makes any.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from signal_backups.core.bundle import check
from signal_backups.core.signals.verify_csv import Expected, VerifyReport
from signal_backups_tests.core.bundle.damage import FREE, Rewritten, damaged
from signal_backups_tests.core.bundle.made import Files, files_of, made_bundle, written
from signal_backups_tests.core.bundle.verifiers import as_program, findings_in

#: So many of each kind: few every time, all of them where there is time.
some_bundles = pytest.mark.parametrize("bundles", [40, pytest.param(1000, marks=pytest.mark.slow)])
#: Of the damaged ones; which are started as a program of their own too.
EVERY = 100


@pytest.fixture(scope="module", autouse=True)
def each_csv_judged_once() -> Iterator[None]:
    """The same bytes are judged in the same way: the engine takes its time, and most bundles share their days."""
    verdicts: dict[Any, VerifyReport] = {}
    roots: dict[str, str] = {}
    verify_csv, root_of_csv = check.verify_csv, check.root_of_csv

    def verified(path: Path, expected: Expected | None) -> VerifyReport:
        key = (sha256(path.read_bytes()).digest(), expected)
        return verdicts.get(key) or verdicts.setdefault(key, verify_csv(path, expected))

    def rooted(path: Path) -> str:
        key = sha256(path.read_bytes()).hexdigest()
        return roots.get(key) or roots.setdefault(key, root_of_csv(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "verify_csv", verified)
        patch.setattr(check, "root_of_csv", rooted)
        yield


@some_bundles
def test_good_bundles_pass_both(tmp_path: Path, bundles: int) -> None:
    for seed in range(bundles):
        bundle = made_bundle(seed, tmp_path)
        assert findings_in(bundle) == [], seed
        assert check.check_bundle(bundle).findings == [], seed
        if seed % EVERY == 0:
            assert as_program(bundle).returncode == 0
        shutil.rmtree(bundle)


@cache
def _base(seed: int, folder: Path) -> Files:
    return files_of(made_bundle(seed, folder))


@some_bundles
def test_damaged_bundles_fail_both_or_were_rewritten_as_a_whole(tmp_path: Path, bundles: int) -> None:
    good: Counter[tuple[str, Rewritten]] = Counter()
    for seed in range(bundles):
        files = _base(seed % 200, tmp_path)
        random = Random(seed)  # noqa: S311 - tests, not secrets
        kind, level, changed = damaged(files, random)
        bundle = written(changed, tmp_path / "damaged")
        alone, ours = findings_in(bundle), check.check_bundle(bundle).findings
        assert bool(alone) == bool(ours), (seed, kind, level, alone, ours)
        if seed % EVERY == 0:
            assert as_program(bundle).returncode == bool(alone)
        if not alone:
            good[kind, level] += 1
            others = [name for name in files if not name.startswith((*FREE, "SHA256SUMS"))]
            is_free = level > Rewritten.NOTHING and all(changed.get(name) == files[name] for name in others)
            assert all(name in changed for name in files), (seed, kind, level)
            assert is_free or level == Rewritten.INDEX, (seed, kind, level)
    assert sum(good.values()) < bundles / 6, good
