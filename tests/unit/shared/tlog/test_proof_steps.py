"""The steps of a proof, as a page shows them, lead from the entry to the root at every place of every tree."""

import pytest

from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import ED25519, Note, Signer
from shared.tlog.proofs import EntryProof
from shared.tlog.tree import inclusion_proof, leaf_hash
from tests.unit.shared.tlog.test_tree import NODES, ROOTS

SIGNER = Signer.of("logs.example/counselling", ED25519, bytes([1]) * 32)


def proof_of(index: int, size: int) -> EntryProof:
    text = Checkpoint(SIGNER.name, size, ROOTS[size]).text
    return EntryProof(index, inclusion_proof(index, size, NODES), Note(text, (SIGNER.sign(text),)))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33, 130])
def test_the_last_step_is_the_root_and_each_has_the_neighbour_that_the_proof_names(size: int) -> None:
    for index in range(size):
        entry = index.to_bytes(2, "big")
        proof = proof_of(index, size)
        steps = proof.steps_for(entry)
        assert tuple(step.sibling for step in steps) == proof.path
        assert (steps[-1].hash if steps else leaf_hash(entry)) == ROOTS[size]
        assert proof.holds_for(entry)
        assert size == 1 or proof.steps_for(entry + b"x")[-1].hash != ROOTS[size]
