"""The tree and its proofs are those of RFC 6962, by the RFC's own words and by somebody else's reading of it."""

from collections.abc import Sequence
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from tlog_scales.tlog import (
    ConsistencyProof,
    ConsistencyProofInvalid,
    InclusionProof,
    InclusionProofInvalid,
)

from shared.tlog.refusals import LogRefused
from shared.tlog.tree import (
    EMPTY_ROOT,
    Frontier,
    Nodes,
    consistency_proof,
    continues,
    full_hash,
    includes,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)

MOST = 1_000
LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(MOST)]


def nodes_over(leaves: Sequence[bytes]) -> Nodes:
    """Of full subtrees that are hashed from their leaves anew each time they are asked for the first time."""
    known: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        if (level, index) not in known:
            found = leaves[index << level : (index + 1) << level]
            assert len(found) == 1 << level
            known[level, index] = full_hash(found)
        return known[level, index]

    return node


NODES = nodes_over(LEAVES)
ROOTS = [root_of(size, NODES) for size in range(MOST + 1)]


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word: the hash of a list of which the leaves are hashed already."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(mth(leaves[:split]), mth(leaves[split:]))


def test_roots_of_all_sizes_are_those_of_the_rfc_and_of_a_growing_tree() -> None:
    growing = Frontier()
    assert growing.root() == EMPTY_ROOT
    for size in range(MOST + 1):
        assert ROOTS[size] == mth(LEAVES[:size]) == growing.root()
        if size < MOST:
            growing.append(LEAVES[size])
    assert growing.size == MOST


def test_a_growing_tree_goes_on_from_its_full_subtrees() -> None:
    subtrees = (NODES(9, 0), NODES(6, 8), NODES(1, 288))
    growing = Frontier(578, subtrees)
    assert growing.root() == ROOTS[578]
    growing.append(LEAVES[578])
    assert growing.root() == ROOTS[579]
    with pytest.raises(LogRefused, match="another number"):
        Frontier(578, subtrees[:2])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 255, 256, 257, 999, 1_000])
def test_each_entry_is_proven_to_stand_where_it_stands_and_nowhere_else(size: int) -> None:
    for index in range(0, size, max(1, size // 50)):
        path = inclusion_proof(index, size, NODES)
        InclusionProof(index, size, list(path)).check(LEAVES[index], ROOTS[size])
        assert includes(ROOTS[size], size, LEAVES[index], index, path)
        assert not includes(ROOTS[size], size, LEAVES[index] if index else LEAVES[1], index ^ 1, path)
        assert not includes(ROOTS[size - 1], size, LEAVES[index], index, path)
        for wrong in (path[:-1], (*path, LEAVES[0]), path[::-1]):
            assert wrong == path or not includes(ROOTS[size], size, LEAVES[index], index, wrong)


def test_five_thousand_pairs_of_sizes_are_consistent_for_both_implementations() -> None:
    dice = Random(6962)
    for _ in range(5_000):
        old, new = sorted((dice.randint(0, MOST), dice.randint(0, MOST)))
        path = consistency_proof(old, new, NODES)
        ConsistencyProof(old, new, list(path)).check(ROOTS[old], ROOTS[new])
        assert continues(ROOTS[old], old, ROOTS[new], new, path)
        index = dice.randrange(max(new, 1))
        if new:
            found = inclusion_proof(index, new, NODES)
            InclusionProof(index, new, list(found)).check(LEAVES[index], ROOTS[new])
            assert includes(ROOTS[new], new, LEAVES[index], index, found)


SIZES = st.integers(0, MOST)


@examples(SIZES, SIZES, st.randoms(use_true_random=False))
def test_whatever_is_changed_in_a_proof_of_consistency_is_refused_by_both(one: int, other: int, dice: Random) -> None:
    old, new = sorted((one, other))
    path = list(consistency_proof(old, new, NODES))
    what = dice.choice(("bit", "cut", "more", "swap", "root", "size"))
    old_root, told_old = ROOTS[old], old
    if what == "bit" and path:
        place, bit = dice.randrange(len(path)), dice.randrange(256)
        path[place] = (int.from_bytes(path[place], "big") ^ 1 << bit).to_bytes(32, "big")
    elif what == "cut" and path:
        del path[dice.randrange(len(path))]
    elif what == "more":
        path.insert(dice.randint(0, len(path)), LEAVES[0])
    elif what == "swap" and len(path) > 1:
        path[0], path[-1] = path[-1], path[0]
    elif what == "root" and old != new:
        old_root = LEAVES[-1]
    elif what == "size" and old not in (0, new):
        told_old = old - 1 or new
    else:
        return
    assert not continues(old_root, told_old, ROOTS[new], new, path)
    if path and told_old not in (0, new):
        with pytest.raises(ConsistencyProofInvalid):
            ConsistencyProof(told_old, new, path).check(old_root, ROOTS[new])


@examples(st.integers(1, MOST), st.data())
def test_whatever_is_changed_in_a_proof_of_an_entry_is_refused_by_both(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = list(inclusion_proof(index, size, NODES))
    leaf, told = LEAVES[index], index
    what = data.draw(st.sampled_from(("bit", "cut", "more", "leaf", "index")))
    if what == "bit" and path:
        place, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        path[place] = (int.from_bytes(path[place], "big") ^ 1 << bit).to_bytes(32, "big")
    elif what == "cut" and path:
        del path[data.draw(st.integers(0, len(path) - 1))]
    elif what == "more":
        path.insert(data.draw(st.integers(0, len(path))), EMPTY_ROOT)
    elif what == "leaf":
        leaf = EMPTY_ROOT
    elif what == "index" and size > 1:
        told = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
    else:
        return
    assert not includes(ROOTS[size], size, leaf, told, path)
    with pytest.raises(InclusionProofInvalid):
        InclusionProof(told, size, path).check(leaf, ROOTS[size])


def test_what_cannot_be_proven_is_refused() -> None:
    with pytest.raises(LogRefused, match="No tree"):
        inclusion_proof(5, 5, NODES)
    with pytest.raises(LogRefused, match="longer"):
        consistency_proof(6, 5, NODES)
    assert not includes(ROOTS[5], 5, LEAVES[0], -1, ())
    assert not continues(ROOTS[6], 6, ROOTS[5], 5, ())
    assert not continues(ROOTS[1], 1, ROOTS[2], 2, ())
    assert continues(EMPTY_ROOT, 0, ROOTS[5], 5, ())
    assert not continues(ROOTS[5], 0, ROOTS[5], 5, ())
    assert continues(ROOTS[5], 5, ROOTS[5], 5, ())
    assert not continues(ROOTS[4], 5, ROOTS[5], 5, ())
