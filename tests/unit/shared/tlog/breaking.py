"""Breaks as a checkpointer makes them, out of the entries of before and after."""

from collections.abc import Sequence

from shared.tlog.breaks import Break
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.tlog.proofs import EntryProof
from shared.tlog.tree import consistency_proof, inclusion_proof, leaf_hash
from shared.tlog.witnessing import AddCheckpoint
from tests.unit.shared.tlog.test_tree import nodes_over


def break_between(
    before: Sequence[bytes], closed: Note, after: Sequence[bytes], begun: Note, kept: int, places: tuple[int, int]
) -> Break:
    """What proves that the entries of after go on behind what was kept of those of before, by the checkpoints of both."""
    former, now = (nodes_over([leaf_hash(leaf) for leaf in leaves]) for leaves in (before, after))
    smaller, larger = sorted((kept, Checkpoint.of(closed).size))
    size = Checkpoint.of(begun).size
    first, second = (EntryProof(place, inclusion_proof(place, size, now), begun) for place in places)
    return Break(
        AddCheckpoint(kept, consistency_proof(smaller, larger, former), closed),
        AddCheckpoint(kept, consistency_proof(kept, size, now), begun), (first, second), (after[places[0]], after[places[1]]),
    )
