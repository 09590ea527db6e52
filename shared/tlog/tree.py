"""RFC 6962's Merkle tree over SHA-256: hashes, proofs that an entry is in it and that one tree continues another, and their checks."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from shared.tlog.refusals import LogRefused

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

# The hash of the full subtree of 2**level entries that begins at entry index * 2**level.
Nodes = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry (RFC 6962, 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two neighbouring subtrees (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def full_hash(hashes: Sequence[bytes]) -> bytes:
    """The hash over a power of two of neighbouring hashes of one level."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[place], level[place + 1]) for place in range(0, len(level), 2)]
    return level[0]


def root_of(size: int, nodes: Nodes) -> bytes:
    """The root of the tree's first ``size`` entries."""
    return _range_hash(0, size, nodes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """The path from entry ``index`` to the root of the first ``size`` entries (RFC 6962, 2.1.1); LogRefused if it is not in them."""
    if not 0 <= index < size:
        raise LogRefused("index_beyond_size", "No tree of this size has such an entry.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            path.append(_range_hash(start, middle, nodes))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, nodes: Nodes) -> tuple[bytes, ...]:
    """That the first ``new`` entries begin with the first ``old`` ones (RFC 6962, 2.1.2); LogRefused if there are fewer.

    Nothing has to be proven of an empty tree, nor of a tree and itself.
    """
    if not 0 <= old <= new:
        raise LogRefused("size_shrinks", "A tree does not continue a longer one.")
    if old in (0, new):
        return ()
    path: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            path.append(_range_hash(start, middle, nodes))
            start = middle
    if start:
        path.append(_range_hash(start, end, nodes))
    return tuple(reversed(path))


def includes(root: bytes, size: int, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
    """Whether this path proves that ``leaf`` is the hash of entry ``index`` of the tree with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if not last:
            return False
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return not last and found == root


def continues(old_root: bytes, old: int, new_root: bytes, new: int, path: Sequence[bytes]) -> bool:
    """Whether this path proves that the second tree begins with the first one (RFC 9162, 2.1.4.2), or nothing has to be proven."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if not old:
        return not path and old_root == EMPTY_ROOT
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    if not hashes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            return False
        if place & 1 or place == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        place, last = place >> 1, last >> 1
    return not last and (first, second) == (old_root, new_root)


class Frontier:
    """A tree that grows at its right edge: the full subtrees that it consists of, few enough to keep in memory at any size."""

    def __init__(self, size: int = 0, subtrees: Sequence[bytes] = ()) -> None:
        """As many subtrees as ``size`` has bits that are set, from the largest to the smallest."""
        if size.bit_count() != len(subtrees):
            raise LogRefused("edge_unlike_size", "A tree of this size has another number of full subtrees.")
        self.size = size
        self._subtrees = list(subtrees)

    def append(self, leaf: bytes) -> None:
        """One more entry, by its hash."""
        size, found = self.size, leaf
        while size & 1:
            found, size = node_hash(self._subtrees.pop(), found), size >> 1
        self._subtrees.append(found)
        self.size += 1

    def root(self) -> bytes:
        """The root of all entries until now."""
        if not self._subtrees:
            return EMPTY_ROOT
        *rest, found = self._subtrees
        for subtree in reversed(rest):
            found = node_hash(subtree, found)
        return found


def _split(width: int) -> int:
    """The largest power of two below ``width``."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_hash(start: int, end: int, nodes: Nodes) -> bytes:
    width = end - start
    if not width & (width - 1):
        level = width.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(width)
    return node_hash(_range_hash(start, middle, nodes), _range_hash(middle, end, nodes))
