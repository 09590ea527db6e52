"""Where the archive and a log part is the first place in which both have an entry and not the same one; names say what was set apart."""

import re

import pytest

from services.audit.apart import LOG_PATTERN, is_apart, is_tail, lost_log, tail_log
from services.audit.tails import first_unlike
from shared.tlog.refusals import LogRefused

A, B, C, X = b"a", b"b", b"c", b"x"


@pytest.mark.parametrize(
    ("held", "told", "place"),
    [
        ([], [], None), ([], [A, B], None), ([A, B], [], None), ([A, B], [A, B], None), ([A, B], [A, B, C], None), ([A, B, C], [A], None),
        ([X], [A], 0), ([A, X, C], [A, B, C], 1), ([A, B, X], [A, B, C], 2), ([X, B], [A, B], 0), ([A, X], [A], None), ([A, X, None], [A, B, C], 1),
    ],
)  # fmt: skip
def test_it_is_found_among_what_both_have(held: list[bytes | None], told: list[bytes], place: int | None) -> None:
    assert first_unlike(held, told) == place


def test_an_archive_that_lost_an_entry_itself_is_set_apart_by_nothing() -> None:
    with pytest.raises(LogRefused) as refused:
        first_unlike([A, None, X], [A, B, C])
    assert refused.value.code == "archive_hole"


def test_what_was_lost_and_what_was_never_signed_have_names_of_their_own() -> None:
    names = ["returns", lost_log("returns", 2), tail_log("returns", 2)]
    assert names == ["returns", "returns.2", "returns.t2"]
    assert [(is_apart(name), is_tail(name)) for name in names] == [(False, False), (True, False), (True, True)]
    assert all(re.fullmatch(LOG_PATTERN, name) for name in names)
    assert not any(re.fullmatch(LOG_PATTERN, name) for name in ("returns.", "returns.t", "returns.t0", "returns.tt1", "returns.x1", "returns.t12345"))
