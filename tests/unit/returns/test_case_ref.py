import hashlib
import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.returns.domain.case_ref import CASE_REF_PATTERN, case_ref, read_case_ref
from tests.unit.returns.examples import CASE_ID, OPENED, after

CASE_IDS = st.integers(0, 2**128 - 1).map(lambda value: UUID(int=value))
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(CASE_IDS)
def test_a_reference_has_its_form_and_is_read_as_itself(case_id: UUID) -> None:
    reference = case_ref(case_id)
    assert re.fullmatch(CASE_REF_PATTERN, reference)
    assert read_case_ref(reference) == reference


@given(CASE_IDS, CASE_IDS)
def test_a_reference_says_nothing_of_when_the_case_began(one: UUID, other: UUID) -> None:
    tail = 2**62 - 1
    moved_in_time = UUID(int=other.int & ~tail | one.int & tail)
    assert case_ref(moved_in_time) == case_ref(one)


def test_a_hundred_thousand_cases_have_as_many_references() -> None:
    # Spread by a digest rather than by chance, so that the test is the same each time.
    case_ids = {UUID(bytes=hashlib.md5(b"%d" % number, usedforsecurity=False).digest()) for number in range(100_000)}
    assert len({case_ref(case_id) for case_id in case_ids}) == len(case_ids)


@given(CASE_IDS, st.integers(0, 10), st.sampled_from(SYMBOLS))
def test_one_wrong_symbol_never_passes_as_another_reference(case_id: UUID, place: int, wrong: str) -> None:
    symbols = case_ref(case_id).replace("-", "")
    mistyped = symbols[:place] + wrong + symbols[place + 1 :]
    assert (read_case_ref(mistyped) is None) == (mistyped != symbols)


@given(CASE_IDS, st.integers(0, 10), st.integers(0, 10))
def test_two_symbols_in_each_others_place_never_pass_as_another_reference(case_id: UUID, one: int, other: int) -> None:
    symbols = list(case_ref(case_id).replace("-", ""))
    symbols[one], symbols[other] = symbols[other], symbols[one]
    mistyped = "".join(symbols)
    assert (read_case_ref(mistyped) is None) == (mistyped != case_ref(case_id).replace("-", ""))


@given(CASE_IDS)
def test_a_reference_survives_handwriting(case_id: UUID) -> None:
    reference = case_ref(case_id)
    written = reference.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_case_ref(f" {written} ") == reference


@pytest.mark.parametrize("typed", ["", "K7QW", "K7QW-2M9X-4RU", "0000-0000-00000", "ÄÄÄÄ-ÄÄÄÄ-ÄÄÄ"])
def test_what_cannot_be_a_reference_is_none(typed: str) -> None:
    assert read_case_ref(typed) is None


def test_a_case_keeps_the_reference_that_it_was_opened_with() -> None:
    assert after(*OPENED).case_ref == case_ref(CASE_ID)
