"""What a log tells against what was archived: which entries differ is named, however they were changed."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.comparing import differences, lines_of
from services.audit.findings import Difference
from shared.tlog.tree import leaf_hash

HELD = [leaf_hash(bytes([number])) for number in range(12)]
BEYOND = frozenset(leaf_hash(bytes([number])) for number in range(12, 30))


def test_a_log_that_tells_what_was_archived_has_no_differences() -> None:
    assert differences(100, HELD, HELD) == []
    assert differences(100, [], []) == []


def test_one_changed_entry_is_named_by_its_index() -> None:
    told = [*HELD[:5], leaf_hash(b"changed"), *HELD[6:]]
    assert differences(100, HELD, told) == [Difference("other", 105, 105)]


def test_what_was_taken_out_is_named_alone_and_not_everything_behind_it() -> None:
    told = [*HELD[:5], *HELD[7:], *sorted(BEYOND)[:2]]
    assert differences(100, HELD, told, BEYOND) == [Difference("missing", 105, 106)]


def test_a_log_that_is_shorter_misses_its_end() -> None:
    assert differences(100, HELD, HELD[:9]) == [Difference("missing", 109, 111)]
    assert differences(100, HELD, []) == [Difference("missing", 100, 111)]


def test_two_entries_that_changed_places_do_not_pass() -> None:
    told = [*HELD[:3], HELD[4], HELD[3], *HELD[5:]]
    assert differences(0, HELD, told) != []


def test_an_entry_that_the_archive_has_no_more_is_named_whatever_the_log_has_there() -> None:
    held = [*HELD[:5], None, None, *HELD[7:]]
    assert differences(100, held, HELD) == [Difference("archive", 105, 106)]
    assert differences(100, held, [*HELD[:5], *HELD[7:], *sorted(BEYOND)[:2]], BEYOND) == [Difference("archive", 105, 106)]
    assert differences(100, [None] * 12, HELD) == [Difference("archive", 100, 111)]
    assert differences(100, [None] * 12, []) == [Difference("archive", 100, 111)]


def test_an_entry_that_was_put_in_is_named_where_it_stands_and_nothing_behind_it() -> None:
    told = [*HELD[:5], leaf_hash(b"put in"), *HELD[5:11]]
    assert differences(100, HELD, told) == [Difference("other", 105, 105)]
    # In what is asked for next the log tells first what it told already in its right place.
    behind = [leaf_hash(bytes([number])) for number in range(12, 24)]
    assert differences(112, behind, [HELD[11], *behind[:11]], (), HELD) == []


@given(st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_every_index_that_was_touched_is_named_and_no_other(changed: set[int], taken_out: set[int]) -> None:
    told = [
        leaf_hash(b"changed %d" % place) if place in changed else hashed
        for place, hashed in enumerate(HELD)
        if place not in taken_out
    ]
    found = differences(0, HELD, told, BEYOND)
    named = [index for one in found for index in range(one.first, one.last + 1)]
    assert named == sorted(changed | taken_out)


@pytest.mark.parametrize("pieces", [[b"one\ntwo\n"], [b"on", b"e\nt", b"wo\n"], [b"one\ntwo"], [b"one\n", b"", b"two\n"]])
async def test_lines_are_the_same_however_they_were_cut_on_the_way(pieces: list[bytes]) -> None:
    async def coming() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    assert [line async for line in lines_of(coming())] == [b"one", b"two"]


async def test_a_line_without_an_end_does_not_grow_for_ever() -> None:
    async def coming() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 30_000

    assert max([len(line) async for line in lines_of(coming())]) < 70_000
