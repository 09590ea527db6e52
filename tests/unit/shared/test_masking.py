"""What a person is told of records in which others are named too."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.masking import (
    ANOTHER_PERSON,
    ELSEWHERE,
    OTHER_CASES,
    OWNERS,
    PERSONS,
    STAFF,
    STAFF_FIELDS,
    THINGS,
    Whose,
    disclosed,
    is_of_another,
    masked,
    without_kept_back,
)

ME, HER, CASE, GRANT, PLAN = (str(UUID(int=number, version=4)) for number in range(1, 6))
WHOSE = Whose(ME, frozenset({ME, CASE, GRANT}))


def test_what_is_ones_own_is_told_as_it_is() -> None:
    record = {"id": CASE, "person_ids": [ME], "case_ref": "ABCD-EFGH", "amount": "1250.00", "persons": [{"person_id": ME, "sex": "female"}]}
    assert masked(record, WHOSE) == record


def test_of_another_person_nothing_is_told_but_that_there_is_one() -> None:
    record = {
        "principal_id": HER, "person_ids": [ME, HER],
        "persons": [{"person_id": HER, "sex": "female", "declared_by": ME}, {"person_id": ME, "declared_by": HER}],
    }  # fmt: skip
    assert masked(record, WHOSE) == {
        "principal_id": ANOTHER_PERSON, "person_ids": [ME, ANOTHER_PERSON],
        "persons": [{"person_id": ANOTHER_PERSON}, {"person_id": ME, "declared_by": ANOTHER_PERSON}],
    }  # fmt: skip


def test_of_staff_it_is_told_in_which_part_and_not_who() -> None:
    assert masked({"counsellor_id": "anna", "tranches": [{"released_by": "lejla"}]}, WHOSE) == {
        "counsellor_id": STAFF, "tranches": [{"released_by": STAFF}]
    }  # fmt: skip
    assert masked({"approved_by": HER}, WHOSE) == {"approved_by": STAFF}


def test_a_grant_that_may_be_somebody_elses_is_not_told() -> None:
    grants = [{"grant_id": GRANT, "stage": "approved"}, {"grant_id": PLAN, "stage": "requested"}]
    assert masked({"grants": grants}, WHOSE) == {"grants": [grants[0], {"grant_id": ELSEWHERE}]}


def test_of_a_kind_some_of_which_is_kept_back_the_rest_is_told_however_deep_it_stands() -> None:
    kept_back = {"quiet": frozenset({"why"})}
    record = {"why": "hers", "parts": [{"kind": "quiet", "why": "x", "at": "noon"}, {"evidence_kind": "loud", "why": "y"}]}
    assert without_kept_back(record, kept_back) == {
        "why": "hers", "parts": [{"kind": "quiet", "at": "noon"}, {"evidence_kind": "loud", "why": "y"}]
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(OTHER_CASES))
def test_another_case_is_named_to_those_alone_whose_it_is(name: str) -> None:
    assert masked({name: PLAN, "more": [{name: [PLAN, CASE]}]}, WHOSE) == {name: ELSEWHERE, "more": [{name: [ELSEWHERE, CASE]}]}


def test_what_happened_to_another_person_is_theirs_to_ask_for() -> None:
    assert is_of_another({"person_id": HER, "screened_at": "2023-01-12"}, WHOSE)
    assert not is_of_another({"person_id": ME}, WHOSE)
    assert not is_of_another({"person_ids": [HER]}, WHOSE)


def test_what_an_event_conceals_is_put_in_its_place() -> None:
    data = {"reason": "digest", "lines": [{"category": "digest", "dimension": "economic"}]}
    assert disclosed(data, {"reason": "health", "lines.0.category": "medical"}) == {
        "reason": "health", "lines": [{"category": "medical", "dimension": "economic"}]
    }  # fmt: skip
    assert disclosed(data, {}) == data


_OTHERS = st.uuids(version=4).map(str)
_FIELDS = st.sampled_from(sorted(PERSONS | STAFF_FIELDS | OTHER_CASES | set(OWNERS) | {"new_id", "seen_by", "friends", "note"}))
_RECORDS = st.recursive(
    st.dictionaries(_FIELDS, _OTHERS | st.lists(_OTHERS, max_size=3), max_size=4),
    lambda parts: st.dictionaries(st.sampled_from(["persons", "lines", "more"]), parts | st.lists(parts, max_size=3), max_size=3),
    max_leaves=8,
)


@given(_RECORDS)
def test_no_id_of_anybody_else_is_ever_told(record: dict[str, Any]) -> None:
    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.values() for text in texts(item)]
        return [text for item in value for text in texts(item)] if isinstance(value, list) else [value]

    assert set(texts(masked(record, WHOSE))) <= {ANOTHER_PERSON, STAFF, ELSEWHERE}


def test_no_field_is_sorted_in_twice() -> None:
    assert not PERSONS & STAFF_FIELDS
    assert not THINGS & (PERSONS | STAFF_FIELDS)
    assert not OTHER_CASES & (PERSONS | STAFF_FIELDS | THINGS)
