"""A sealed value opens in its place, under its person's key, and in no other way; nothing of it can be seen before."""

import pickle
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import uuid7
from shared.private import PersonKey, Place, Unsealed, opened, seal

PERSON, ANOTHER = uuid7(), uuid7()
KEY = PersonKey(PERSON, bytes(range(32)))
HERE = Place("counselling", "persons", "surname", PERSON, PERSON, 1)

names = st.text(max_size=12)
places = st.builds(Place, names, names, names, st.uuids(), st.just(PERSON), st.integers(0, 2**63))
texts = st.text(max_size=300)


def refused(key: PersonKey, place: Place, sealed: bytes) -> bool:
    try:
        opened(key, place, sealed)
    except Unsealed as error:
        return str(error) == "" and error.__cause__ is None
    return False


@given(places, texts)
def test_any_text_opens_again_in_its_place(place: Place, text: str) -> None:
    assert opened(KEY, place, seal(KEY, place, text)) == text


@given(places, places, texts)
def test_in_any_other_place_it_does_not_open(here: Place, there: Place, text: str) -> None:
    if here != there:
        assert refused(KEY, there, seal(KEY, here, text))


ELSEWHERE: dict[str, Any] = {
    "service": "returns", "table": "documents", "column": "first_name", "row_id": ANOTHER, "person_id": ANOTHER, "version": 2,
}  # fmt: skip


@pytest.mark.parametrize("part", ELSEWHERE)
@given(text=texts)
def test_moved_to_another_service_table_column_row_person_or_version_it_does_not_open(part: str, text: str) -> None:
    there = replace(HERE, **{part: ELSEWHERE[part]})
    assert refused(KEY, there, seal(KEY, HERE, text))
    # Also not for whoever took the key for that person's.
    assert refused(PersonKey(there.person_id, bytes(range(32))), there, seal(KEY, HERE, text))


@given(names, names, names, st.integers(0, 12))
def test_names_that_read_alike_side_by_side_are_different_places(table: str, column: str, more: str, cut: int) -> None:
    both = table + column
    one, other = (replace(HERE, table=both[:at], column=both[at:]) for at in (len(table), min(cut, len(both))))
    if one != other:
        assert refused(KEY, other, seal(KEY, one, more))


@given(st.binary(min_size=32, max_size=32), texts)
def test_another_key_opens_nothing(key: bytes, text: str) -> None:
    if key != bytes(range(32)):
        assert refused(PersonKey(PERSON, key), HERE, seal(KEY, HERE, text))


@given(st.data(), texts)
def test_one_changed_bit_or_a_cut_is_noticed(data: st.DataObject, text: str) -> None:
    sealed = seal(KEY, HERE, text)
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    changed = bytearray(sealed)
    changed[at // 8] ^= 1 << at % 8
    assert refused(KEY, HERE, bytes(changed))
    assert refused(KEY, HERE, sealed[: at // 8])


@given(st.text(max_size=31), st.text(max_size=31))
def test_of_short_texts_not_even_the_length_can_be_told(one: str, other: str) -> None:
    assert len(seal(KEY, HERE, one)) == len(seal(KEY, HERE, other)) == 1 + 12 + 128 + 16


@pytest.mark.parametrize(("letters", "filled"), [(124, 128), (125, 256), (252, 256), (253, 512), (5000, 8192)])
def test_of_longer_texts_only_the_magnitude_can_be_told(letters: int, filled: int) -> None:
    assert len(seal(KEY, HERE, "x" * letters)) == 1 + 12 + filled + 16


def test_the_same_text_is_never_sealed_alike_and_does_not_stand_in_what_is_kept() -> None:
    first, second = (seal(KEY, HERE, "CANARY-7431" * 9) for _ in range(2))
    assert first != second
    assert b"CANARY" not in first


def test_a_value_is_never_sealed_under_another_persons_key() -> None:
    with pytest.raises(ValueError, match="whom it is about") as raised:
        seal(PersonKey(ANOTHER, bytes(32)), HERE, "CANARY-7431")
    assert "CANARY" not in str(raised.value)


def test_a_key_is_neither_printed_nor_pickled_nor_made_of_less() -> None:
    key = bytes(range(200, 232))
    shown = f"{PersonKey(PERSON, key)!r} {PersonKey(PERSON, key)}"
    assert shown == "<PersonKey> <PersonKey>"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
    with pytest.raises(ValueError, match="32 bytes"):
        PersonKey(PERSON, b"short")


def test_files_of_a_person_open_under_their_key_alone_and_no_value_passes_for_one() -> None:
    grant = (UUID(int=1).bytes,)
    file = KEY.files().sealed(grant, b"a paper")
    assert KEY.files().opened(grant, file) == b"a paper"
    with pytest.raises(Unsealed):
        PersonKey(PERSON, bytes(32)).files().opened(grant, file)
    assert refused(KEY, HERE, file.wrapped_key)
