"""What is sealed opens with its key and in its place, as it was, and nowhere else."""

import pytest

from services.portal.sealing import Seal, Unsealed

SECRET, ID = bytes(range(32)), b"i" * 32


def test_what_is_sealed_opens_in_its_place() -> None:
    kept = Seal(SECRET).sealed("kept_forms", ID, b"text")
    assert Seal(SECRET).opened("kept_forms", ID, kept) == b"text"
    assert b"text" not in kept
    assert Seal(SECRET).sealed("kept_forms", ID, b"text") != kept


def test_it_opens_nowhere_else_with_no_other_key_and_not_after_a_change() -> None:
    seal = Seal(SECRET)
    kept = seal.sealed("kept_forms", ID, b"text")
    for table, id, content in (
        ("browser_sessions", ID, kept), ("kept_forms", b"j" * 32, kept), ("kept_forms", ID, kept[:-1]),
        ("kept_forms", ID, b""), ("kept_forms", ID, kept[:12]), ("kept_forms", ID, b"\0" + kept),
        *(("kept_forms", ID, kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]) for at in range(len(kept))),
    ):  # fmt: skip
        with pytest.raises(Unsealed):
            seal.opened(table, id, content)
    with pytest.raises(Unsealed):
        Seal(bytes(32)).opened("kept_forms", ID, kept)


def test_a_name_depends_on_every_part_on_their_borders_and_on_the_key() -> None:
    seal = Seal(SECRET)
    names = [seal.name("form", "a", "bc"), seal.name("form", "ab", "c"), seal.name("form", "abc"), seal.name("owner", "a", "bc")]
    assert len({*names, Seal(bytes(32)).name("form", "a", "bc")}) == 5
    assert names[0] == Seal(SECRET).name("form", "a", "bc")
