"""A break of a log proves itself by the keys alone: nothing that was kept, accepted, closed or begun can be another; all persons are invented."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from shared.tlog.breaks import Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note, Signer
from shared.tlog.proofs import EntryProof
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import consistency_proof, inclusion_proof, leaf_hash, root_of
from shared.tlog.trust import TrustPolicy
from shared.tlog.witnessing import AddCheckpoint
from tests.integration.checkpointer.restored import acceptances, event
from tests.unit.shared.tlog.test_notes import AT, FINANCE, LOG, OTHER_LOG
from tests.unit.shared.tlog.test_tree import nodes_over

POLICY = TrustPolicy.of(f"log {LOG.verifier_key}\nwitness finance {FINANCE.verifier_key}\nquorum finance\n")
NEXT = LOG.under(str(Origin.of(LOG.name).next))


def seen(log: Signer, size: int, root: bytes) -> Note:
    text = Checkpoint(log.name, size, root).text
    return Note(text, (log.sign(text), FINANCE.sign(text, AT)))


def broken(had: int = 9, kept: int = 5, said: int | None = None, first: str = "staff:a", second: str = "staff:b", more: int = 2) -> Break:
    """A log of ``had`` entries of which ``kept`` were kept, and ``said`` are said to be."""
    before = [leaf_hash(b"%d" % place) for place in range(max(had, kept))]
    words = acceptances(kept if said is None else said, root_of(kept, nodes_over(before)), had, first, second, log="grants")
    entries = (words[0], event("access.record_read", log="grants"), words[1], *(b"after" for _ in range(more)))
    after = [*before[:kept], *map(leaf_hash, entries)]
    size, nodes = len(after), nodes_over(after)
    begun = seen(NEXT, size, root_of(size, nodes))
    smaller, larger = sorted((had, kept))
    closed = AddCheckpoint(kept, consistency_proof(smaller, larger, nodes_over(before)), seen(LOG, had, root_of(had, nodes_over(before))))
    proofs = (EntryProof(kept, inclusion_proof(kept, size, nodes), begun), EntryProof(kept + 2, inclusion_proof(kept + 2, size, nodes), begun))
    return Break(closed, AddCheckpoint(kept, consistency_proof(kept, size, nodes), begun), proofs, (words[0], words[1]))


@examples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 30))
def test_a_break_is_read_as_it_was_written_and_proven_whatever_was_kept(had: int, kept: int, more: int) -> None:
    one = broken(had, kept, more=more) if had >= kept else broken(kept, had, more=more)
    assert Break.of(bytes(one)) == one
    said = one.checked(POLICY)
    assert (said.kept, said.known) == (min(had, kept), max(had, kept))


def test_where_less_was_signed_than_was_kept_the_former_history_is_shown_to_end_in_it() -> None:
    one = broken(9, 9)
    shorter = root_of(4, nodes_over([leaf_hash(b"%d" % place) for place in range(9)]))
    path = consistency_proof(4, 9, nodes_over([leaf_hash(b"%d" % place) for place in range(9)]))
    assert replace(one, closed=AddCheckpoint(9, path, seen(LOG, 4, shorter))).checked(POLICY).kept == 9
    with pytest.raises(LogRefused):
        replace(one, closed=AddCheckpoint(9, path, seen(LOG, 4, bytes(32)))).checked(POLICY)


FORGED: dict[str, Callable[[Break], Break]] = {
    "another_closing": lambda one: replace(one, closed=replace(one.closed, note=seen(LOG, 9, bytes(32)))),
    "closed_unseen": lambda one: replace(one, closed=replace(one.closed, note=replace(one.closed.note, signatures=one.closed.note.signatures[:1]))),
    "begun_unseen": lambda one: replace(one, begun=replace(one.begun, note=replace(one.begun.note, signatures=one.begun.note.signatures[:1]))),
    "begun_under_the_former_name": lambda one: replace(one, begun=replace(one.begun, note=seen(LOG, 10, bytes(32)))),
    "begun_by_another_log": lambda one: replace(one, begun=replace(one.begun, note=seen(OTHER_LOG.under("log.example/cases/2"), 10, bytes(32)))),
    "one_of_the_third_generation": lambda one: replace(one, begun=replace(one.begun, note=seen(LOG.under(f"{LOG.name}/3"), 10, Checkpoint.of(one.begun.note).root))),
    "no_path": lambda one: replace(one, begun=replace(one.begun, path=())),
    "no_former_path": lambda one: replace(one, closed=replace(one.closed, path=())),
    "one_word_twice": lambda one: replace(one, proofs=(one.proofs[0], one.proofs[0]), entries=(one.entries[0], one.entries[0])),
    "words_in_another_order": lambda one: replace(one, proofs=one.proofs[::-1], entries=one.entries[::-1]),
    "another_word": lambda one: replace(one, entries=(one.entries[0], one.entries[1].replace(b"staff:b", b"staff:c"))),
    "other_words": lambda one: replace(one, entries=broken().entries),
    "proofs_by_another_checkpoint": lambda one: replace(one, proofs=(replace(one.proofs[0], note=one.closed.note), one.proofs[1])),
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_break_of_which_anything_is_forged_is_refused(forge: Callable[[Break], Break]) -> None:
    broken().checked(POLICY)
    with pytest.raises(LogRefused):
        forge(broken()).checked(POLICY)


def test_one_person_and_another_number_of_kept_entries_are_refused() -> None:
    for one, code in ((broken(first="staff:b"), "accepted_by_one"), (broken(said=4), "break_unproven")):
        with pytest.raises(LogRefused) as refusal:
            one.checked(POLICY)
        assert refusal.value.code == code


@pytest.mark.parametrize("written", [b"", b"{}", b"[]", json.dumps({"closed": 1, "begun": "", "accepted": []}).encode(), b"\xff"], ids=range(5))
def test_what_is_no_break_is_refused(written: bytes) -> None:
    with pytest.raises(LogRefused):
        Break.of(written)


@examples(st.integers(1, 9999))
def test_an_origin_is_read_as_it_is_written(generation: int) -> None:
    origin = Origin("logs.example/returns", generation)
    assert (Origin.of(str(origin)), origin.log) == (origin, "returns")
    assert origin.next.former == origin


def test_a_name_that_says_its_first_generation_is_none() -> None:
    assert Origin.of("logs.example/returns/1") == Origin("logs.example/returns/1")
    assert Origin.of("logs.example/returns/02") == Origin("logs.example/returns/02")
