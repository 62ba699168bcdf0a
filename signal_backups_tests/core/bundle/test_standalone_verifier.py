"""The stand-alone verifier as a program: what it needs, and its Merkle tree."""

from __future__ import annotations

import ast
import sys
from hashlib import sha256

from signal_backups.core.bundle.standalone_verifier import MerkleTree
from signal_backups.core.bundle.write import STANDALONE_VERIFIER
from signal_backups_tests.core.bundle.made import tree_root


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


def test_its_merkle_tree_is_that_of_rfc_6962() -> None:
    tree, leaves = MerkleTree(), [sha256(bytes([number])).digest() for number in range(70)]
    for size in range(len(leaves)):
        assert (tree.size, tree.root()) == (size, tree_root(leaves[:size]).hex())
        tree.add(leaves[size])
