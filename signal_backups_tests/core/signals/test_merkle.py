"""The Merkle tree: published values, the recursive definition of RFC 6962, and refused wrong paths."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals.merkle import (
    MerkleTree,
    inclusion_path,
    leaf_hash,
    leaves,
    root_of_path,
    streamed_path,
)
from signal_backups_tests.samples.examples import examples

# The leaves, roots and paths that the certificate-transparency project publishes for a tree of eight leaves.
KNOWN_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (leaf, size of the tree) -> its path
KNOWN_PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def known(size: int) -> list[bytes]:
    return [bytes.fromhex(data) for data in KNOWN_LEAVES[:size]]


def naive_root(data: list[bytes]) -> bytes:
    """The Merkle tree hash, written directly from RFC 6962, section 2.1."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return sha256(b"\x01" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_path(index: int, data: list[bytes]) -> list[bytes]:
    """The audit path, written directly from RFC 6962, section 2.1.1."""
    if len(data) == 1:
        return []
    k = split(len(data))
    if index < k:
        return [*naive_path(index, data[:k]), naive_root(data[k:])]
    return [*naive_path(index - k, data[k:]), naive_root(data[:k])]


def split(size: int) -> int:
    """The largest power of two that is smaller than ``size``."""
    return max(2**n for n in range(size) if 2**n < size)


def numbered(size: int) -> list[bytes]:
    return [sha256(str(number).encode()).digest() for number in range(size)]


def root_of(hashes: bytes) -> bytes:
    tree = MerkleTree()
    tree.add(hashes)
    return tree.root()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots(size: int) -> None:
    assert root_of(leaves(known(size))).hex() == KNOWN_ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), KNOWN_PATHS)
def test_the_published_paths(index: int, size: int) -> None:
    hashes = leaves(known(size))
    assert [node.hex() for node in inclusion_path(hashes, index)] == KNOWN_PATHS[index, size]
    path = [bytes.fromhex(node) for node in KNOWN_PATHS[index, size]]
    root = root_of_path(leaf_hash(known(size)[index]), index, size, path)
    assert root.hex() == KNOWN_ROOTS[size - 1]


def test_an_empty_tree() -> None:
    assert MerkleTree().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert MerkleTree().size == 0


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70), st.data())
@examples(150)
def test_any_chunking_gives_the_root_of_the_definition(data: list[bytes], drawn: st.DataObject) -> None:
    tree, hashes, done = MerkleTree(), leaves(data), 0
    while done < len(data):
        count = drawn.draw(st.integers(0, len(data) - done))
        tree.add(hashes[done * 32 : (done + count) * 32])
        done += count
        assert (tree.size, tree.root()) == (done, naive_root(data[:done]))
    assert tree.root() == naive_root(data)


def test_an_incomplete_hash_is_an_error() -> None:
    with pytest.raises(ValueError, match="33 bytes"):
        MerkleTree().add(bytes(33))


@pytest.mark.parametrize("size", range(1, 71))
def test_every_path_of_every_size_equals_the_definition_and_gives_the_root(size: int) -> None:
    data = numbered(size)
    hashes, root = leaves(data), naive_root(data)
    for index in range(size):
        path = inclusion_path(hashes, index)
        assert path == naive_path(index, data)
        assert root_of_path(leaf_hash(data[index]), index, size, path) == root


@given(st.integers(1, 70), st.integers(1, 70), st.data())
@examples(100)
def test_any_chunking_gives_the_same_path(size: int, chunk: int, drawn: st.DataObject) -> None:
    index = drawn.draw(st.integers(0, size - 1))
    hashes = leaves(numbered(size))
    chunks = (hashes[at : at + 32 * chunk] for at in range(0, len(hashes), 32 * chunk))
    assert streamed_path(chunks, index, size) == inclusion_path(hashes, index)


def gives_another_root(root: bytes, leaf: bytes, index: int, size: int, path: list[bytes]) -> bool:
    try:
        return root_of_path(leaf, index, size, path) != root
    except VerificationError:
        return True


@given(st.integers(1, 70), st.data())
@examples(150)
def test_a_changed_leaf_index_or_path_never_gives_the_root(size: int, drawn: st.DataObject) -> None:
    data = numbered(size)
    index = drawn.draw(st.integers(0, size - 1))
    leaf, path, root = leaf_hash(data[index]), inclusion_path(leaves(data), index), naive_root(data)

    assert gives_another_root(root, leaf_hash(b"another"), index, size, path)
    for other in {*range(-2, size + 3)} - {index}:
        assert gives_another_root(root, leaf, other, size, path)
    for place in range(len(path)):
        flipped = bytes([path[place][0] ^ 1]) + path[place][1:]
        assert gives_another_root(root, leaf, index, size, [*path[:place], flipped, *path[place + 1 :]])
        assert gives_another_root(root, leaf, index, size, path[:place] + path[place + 1 :])
        assert gives_another_root(root, leaf, index, size, [*path[:place], path[place][:31], *path[place + 1 :]])
        assert gives_another_root(root, leaf, index, size, [*path[:place], leaf, *path[place:]])
    assert gives_another_root(root, leaf, index, size, [*path, root])
    # A path can fit a tree of another size, so callers compare the size too.
    assert gives_another_root(root, leaf, index, index, path)


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_an_index_outside_of_the_tree(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_path(leaves(numbered(5)), index)
    with pytest.raises(VerificationError):
        root_of_path(bytes(32), index, 5, [])


def test_a_byte_moved_from_a_node_to_its_sibling_is_refused() -> None:
    data = numbered(2)
    leaf, sibling = map(leaf_hash, data)
    assert root_of_path(leaf, 0, 2, [sibling]) == naive_root(data)
    with pytest.raises(VerificationError):
        root_of_path(leaf + sibling[:1], 0, 2, [sibling[1:]])
