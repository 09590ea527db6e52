"""A witness signs a log that only grew, says where it stands to whoever does not know, and never signs two histories."""

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note, Signature
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import EMPTY_ROOT, consistency_proof, leaf_hash, root_of
from shared.tlog.witnessing import SIZE, AddCheckpoint, Answer, Seen, answer, is_open, keys_of
from tests.unit.shared.tlog.test_notes import AT, FINANCE, LOG, OLD_LOG, ORIGIN, OTHER_LOG
from tests.unit.shared.tlog.test_tree import LEAVES, MOST, NODES, ROOTS, nodes_over

KEYS = (LOG.verifier_key,)
# The same log until its third entry, and another one from there on.
OTHERWISE = nodes_over([*LEAVES[:2], *(leaf_hash(b"otherwise") for _ in LEAVES[2:])])


def note(size: int, root: bytes | None = None) -> Note:
    text = Checkpoint(ORIGIN, size, ROOTS[size] if root is None else root).text
    return Note(text, (LOG.sign(text),))


def asked(old: int, size: int) -> AddCheckpoint:
    return AddCheckpoint(old, consistency_proof(old, size, NODES), note(size))


def told(order: AddCheckpoint, seen: Seen | None) -> Answer:
    return answer(order, seen, KEYS, FINANCE, AT)


def test_a_request_is_read_as_it_was_written() -> None:
    order = asked(3, 7)
    assert AddCheckpoint.of(bytes(order)) == order


@examples(st.lists(st.integers(0, MOST), min_size=1, max_size=8))
def test_a_log_that_only_grows_is_signed_each_time(sizes: list[int]) -> None:
    seen: Seen | None = None
    for size in sorted(sizes):
        order = asked(seen.size if seen else 0, size)
        said = told(order, seen)
        assert said.status == 200
        (line,) = said.body.splitlines()
        signed = Note.of(f"{order.note}{line}\n".encode()).signed_by([FINANCE.verifier_key])
        assert signed == {FINANCE.verifier_key: AT}
        seen = said.seen
        assert seen == Seen(size, ROOTS[size])


@examples(st.integers(0, MOST), st.integers(0, MOST), st.integers(0, MOST))
def test_whoever_does_not_know_where_it_stands_is_told_and_nothing_is_signed(had: int, old: int, size: int) -> None:
    old, size = sorted((old, size))
    if old == had:
        return
    said = told(asked(old, size), Seen(had, ROOTS[had]))
    assert (said.status, said.body, said.media_type, said.seen) == (409, f"{had}\n", SIZE, None)


@examples(st.integers(3, MOST), st.integers(3, MOST))
def test_a_second_history_is_never_signed(one: int, other: int) -> None:
    had, size = sorted((one, other))
    order = AddCheckpoint(had, consistency_proof(had, size, OTHERWISE), note(size, root_of(size, OTHERWISE)))
    said = told(order, Seen(had, ROOTS[had]))
    assert (said.status, said.seen) == (409 if had == size else 422, None)
    # Nor is the true one, by a proof of something else.
    said = told(AddCheckpoint(had, order.path or (LEAVES[0],), note(size)), Seen(had, ROOTS[had]))
    assert (said.status, said.seen) == (422, None)


def test_a_log_that_is_not_known_or_not_signed_for_is_told_so() -> None:
    order = asked(0, 5)
    assert answer(order, None, (), FINANCE, AT).status == 404
    for signatures in ((OTHER_LOG.sign(order.note.text),), (OLD_LOG.sign(order.note.text),), (Signature(ORIGIN, LOG.verifier_key.id, b"x" * 64),)):
        said = told(AddCheckpoint(0, (), Note(order.note.text, signatures)), None)
        assert (said.status, said.seen) == (403, None)
    shorter = AddCheckpoint(7, (), note(5))
    assert told(shorter, Seen(7, ROOTS[7])).status == 400
    assert keys_of(ORIGIN, (LOG.verifier_key, OTHER_LOG.verifier_key)) == KEYS


def test_an_empty_log_is_signed_and_grows_from_there() -> None:
    said = told(asked(0, 0), None)
    assert (said.status, said.seen) == (200, Seen(0, EMPTY_ROOT))
    assert told(asked(0, 9), said.seen).status == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"old 1\n", b"old 01\n\n" + str(note(1)).encode(), b"new 1\n\n" + str(note(1)).encode(), b"old 1\nAAAA\n\n" + str(note(1)).encode(),
     b"old 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + str(note(1)).encode(), b"\xff\n\n" + str(note(1)).encode(), b"old 1\n\nx",
     b"old 1\n\n" + b"x" * (1 << 18)],
)  # fmt: skip
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(LogRefused):
        AddCheckpoint.of(body)


def test_a_generation_is_signed_by_the_logs_key_under_its_own_name_and_by_no_other() -> None:
    later = LOG.under(f"{ORIGIN}/2")
    text = Checkpoint(later.name, 3, ROOTS[3]).text
    keys = keys_of(later.name, [LOG.verifier_key, OTHER_LOG.verifier_key])
    assert keys == (later.verifier_key,)
    order = AddCheckpoint(0, (), Note(text, (later.sign(text),)))
    assert answer(order, None, keys, FINANCE, AT).status == 200
    assert answer(AddCheckpoint(0, (), Note(text, (LOG.sign(text),))), None, keys, FINANCE, AT).status == 403


def test_nothing_more_is_signed_of_a_generation_once_the_next_one_was_seen() -> None:
    remembered = {f"{ORIGIN}/2": Seen(1, ROOTS[1])}
    assert [is_open(name, remembered.get) for name in (ORIGIN, f"{ORIGIN}/2", f"{ORIGIN}/3")] == [False, True, True]
