"""Which ids something new may begin under."""

import re
from uuid import UUID, uuid1, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.errors import RuleViolation
from shared.ids import FIRST, LAST, uuid7
from shared.new_ids import PATTERN, NewId, refuse_unfit

NEW: TypeAdapter[UUID] = TypeAdapter(NewId)
OF_BEFORE = UUID("0189e3d1-7f00-4000-8000-000000000001")
OTHERS = {
    "nil": FIRST, "max": LAST, "1": uuid1(), "4": uuid4(), "5": uuid5(OF_BEFORE, "somebody"),
    "8": UUID("0189e3d1-7f00-8000-8000-000000000001"), "of Microsoft's": UUID("0189e3d1-7f00-7000-c000-000000000001"),
    "of Apollo's": UUID("0189e3d1-7f00-7000-0000-000000000001"),
}  # fmt: skip


@given(st.integers(0, 2**48 - 1))
def test_an_id_of_version_7_is_new_and_stands_behind_where_lists_begin(at_ms: int) -> None:
    id = uuid7(at_ms)
    assert NEW.validate_python(id) == NEW.validate_json(f'"{id}"') == id
    assert FIRST < id < LAST
    assert re.search(PATTERN, str(id))
    refuse_unfit(id, begun=True)


@pytest.mark.parametrize("id", OTHERS.values(), ids=OTHERS)
def test_any_other_is_malformed_and_begins_nothing_and_names_what_is_there(id: UUID) -> None:
    with pytest.raises(ValidationError) as refused:
        NEW.validate_python(id)
    assert [error["type"] for error in refused.value.errors()] == ["uuid_version"]
    with pytest.raises(RuleViolation) as unfit:
        refuse_unfit(id, begun=True)
    assert unfit.value.code == "id_unfit"
    refuse_unfit(id, begun=False)


@given(st.uuids())
def test_the_pattern_of_the_description_is_what_is_asked_for(id: UUID) -> None:
    accepted = id.version == 7 and id.variant == "specified in RFC 4122"
    assert bool(re.search(PATTERN, str(id))) == bool(re.search(PATTERN, str(id).upper())) == accepted
