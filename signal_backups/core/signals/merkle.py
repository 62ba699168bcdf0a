"""The Merkle tree of RFC 6962, section 2.1, with SHA-256: streamed roots and inclusion paths.

Not from a library: pymerkle is GPL-3, and states that it needs a security audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from signal_backups.core.base.errors import VerificationError

#: Length of a SHA-256 in bytes.
HASH_BYTES = 32
#: Root of a tree without leaves.
EMPTY_ROOT = sha256(b"").digest()

_PAIR_BYTES = 2 * HASH_BYTES


def leaf_hash(data: bytes) -> bytes:
    """The hash (32 bytes) of a leaf with ``data``."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash (32 bytes) of the parent of two nodes."""
    return sha256(b"\x01" + left + right).digest()


def leaves(hashes: Iterable[bytes]) -> bytes:
    """The leaf hashes of the data, concatenated in order."""
    return b"".join(leaf_hash(data) for data in hashes)


class MerkleTree:
    """A tree to which leaf hashes are appended; it keeps at most one unpaired node per level."""

    def __init__(self) -> None:
        self._leaves = 0
        self._unpaired: list[bytes] = []

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._leaves

    def add(self, leaves: bytes) -> None:
        """Append any number of concatenated leaf hashes.

        Raises:
            ValueError: the length is not a multiple of 32.
        """
        if len(leaves) % HASH_BYTES:
            raise ValueError(f"{len(leaves)} bytes are not a whole number of hashes")
        self._leaves += len(leaves) // HASH_BYTES
        level, nodes = 0, leaves
        while nodes:
            if level == len(self._unpaired):
                self._unpaired.append(b"")
            nodes, self._unpaired[level] = _pair_up(self._unpaired[level] + nodes)
            level += 1

    def root(self) -> bytes:
        """The root (32 bytes) of all leaves so far."""
        root = b""
        for node in filter(None, self._unpaired):
            root = node_hash(node, root) if root else node
        return root or EMPTY_ROOT


def inclusion_path(leaves: bytes, index: int) -> list[bytes]:
    """The nodes that lead from a leaf to the root (RFC 6962, 2.1.1), nearest first.

    Args:
        leaves: the leaf hashes of the whole tree, concatenated.
        index: the index of the leaf, from 0.

    Raises:
        IndexError: the tree has no such leaf.
    """
    return streamed_path([leaves], index, len(leaves) // HASH_BYTES)


def streamed_path(chunks: Iterable[bytes], index: int, size: int) -> list[bytes]:
    """``inclusion_path`` for leaf hashes in ordered chunks, which are not kept in memory.

    Raises:
        IndexError: a tree of that size has no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"a tree of {size} leaves has no leaf {index}")
    subtrees = [(span, MerkleTree()) for span in _spans_of_path(index, size)]
    first = 0
    for chunk in chunks:
        end = first + len(chunk) // HASH_BYTES
        for span, tree in subtrees:
            begin, stop = max(first, span.start), min(end, span.stop)
            if begin < stop:
                tree.add(chunk[(begin - first) * HASH_BYTES : (stop - first) * HASH_BYTES])
        first = end
    return [tree.root() for _, tree in subtrees]


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Compute the root from a leaf hash and its path.

    Trees of different sizes can share a path, so the caller has to know the size from a trusted source.

    Args:
        leaf: the hash of the leaf.
        index: its index, from 0.
        size: the number of leaves of the whole tree.
        path: as ``inclusion_path`` returns it.

    Raises:
        VerificationError: the path does not fit the index and size.
    """
    if not 0 <= index < size:
        raise VerificationError(f"a tree of {size} leaves has no leaf {index}")
    if any(len(node) != HASH_BYTES for node in (leaf, *path)):
        raise VerificationError(f"a node of the path of leaf {index} is not {HASH_BYTES} bytes")
    node, last, siblings = leaf, size - 1, iter(path)
    while last:
        if index % 2 or index < last:  # the last node of a level may have no sibling
            sibling = next(siblings, None)
            if sibling is None:
                raise VerificationError(f"the path of leaf {index} of {size} is too short")
            node = node_hash(sibling, node) if index % 2 else node_hash(node, sibling)
        index, last = index // 2, last // 2
    if next(siblings, None) is not None:
        raise VerificationError("the path of a leaf is too long for its tree")
    return node


def _pair_up(nodes: bytes) -> tuple[bytes, bytes]:
    """The parents of the nodes of a level, and the last node if it has no sibling."""
    paired = len(nodes) - len(nodes) % _PAIR_BYTES
    parents = b"".join(
        [sha256(b"\x01" + nodes[at : at + _PAIR_BYTES]).digest() for at in range(0, paired, _PAIR_BYTES)]
    )
    return parents, nodes[paired:]


def _spans_of_path(index: int, size: int) -> list[range]:
    """The range of leaves below each node of a path, nearest first."""
    spans, first, end = [], 0, size
    while end - first > 1:
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        if index < middle:
            spans.append(range(middle, end))
            end = middle
        else:
            spans.append(range(first, middle))
            first = middle
    return spans[::-1]
