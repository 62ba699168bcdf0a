"""The stand-alone verifier as a program: what it needs, and its Merkle tree."""

from __future__ import annotations

import ast
import csv
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pytest

from signal_backups.core.bundle.standalone_verifier import MerkleTree, check_folder
from signal_backups.core.bundle.write import STANDALONE_VERIFIER
from signal_backups_tests.core.bundle.made import made_bundle, tree_root

SEED_WITH_NUL = 4


def test_the_verifier_needs_python_3_8_and_nothing_else() -> None:
    tree = ast.parse(STANDALONE_VERIFIER.read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names
    # Else Python 3.8 would fail at annotations like ``str | None``.
    assert "__future__" in imported
    # Newer than 3.8, and the parser does not know: methods and arguments.
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"removeprefix", "removesuffix", "is_relative_to", "batched", "pairwise", "file_digest"}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert not [call for call in calls if call.func.id == "zip" and call.keywords]  # type: ignore[attr-defined]


def test_a_nul_in_a_signal_passes_on_a_python_whose_csv_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_nul(line: str) -> str:
        if "\0" in line:
            raise csv.Error("line contains NUL")  # as Python before 3.11 does
        return line

    new_reader = csv.DictReader

    def old_reader(lines: Iterable[str], *, strict: bool) -> csv.DictReader[str]:
        return new_reader(map(refuse_nul, lines), strict=strict)

    bundle = made_bundle(SEED_WITH_NUL, tmp_path)
    assert any(b"\0" in path.read_bytes() for path in bundle.rglob("*.csv"))
    monkeypatch.setattr(csv, "DictReader", old_reader)
    assert check_folder(bundle).findings == []


def test_its_merkle_tree_is_that_of_rfc_6962() -> None:
    tree, leaves = MerkleTree(), [sha256(bytes([number])).digest() for number in range(70)]
    for size in range(len(leaves)):
        assert (tree.size, tree.root()) == (size, tree_root(leaves[:size]).hex())
        tree.add(leaves[size])
