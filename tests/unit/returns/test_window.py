"""What an office abroad is told of a case: coarse, with consent, from approval on, and how it hears of an end."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.returns.domain.case_state import Case, CasePerson, Status, Travel
from services.returns.domain.window import (
    ARRIVAL_AHEAD,
    NOTICE_STANDS,
    PUBLIC_STATES,
    Notice,
    answer,
    coming,
    may_confirm_arrival,
    state_abroad,
    statuses_of,
    whose_consent,
)
from tests.given import NOON
from tests.unit.returns.examples import CHILD, COORDINATOR, COUNSELLOR, FATHER, MOTHER

PERSONS = (
    CasePerson(MOTHER, "female", "adult", "PK"), CasePerson(FATHER, "male", "adult", "PK"),
    CasePerson(CHILD, "female", "child", "PK"),
)  # fmt: skip
APPROVED = Case(
    case_ref="0000-0000-000", status="ready_to_travel", destination_country="PK", principal_id=MOTHER,
    counsellor_id=COUNSELLOR.person_id, persons=PERSONS, expressed_at=NOON, last_contact_at=NOON,
    approved_by=COORDINATOR.person_id,
)  # fmt: skip
BOTH = frozenset({MOTHER, FATHER})
STATUSES = st.sampled_from(get_args(Status))
TRAVELS = st.lists(st.sampled_from(get_args(Travel)), min_size=3, max_size=3)


def travelling(*travel: Travel) -> Case:
    return replace(
        APPROVED,
        persons=tuple(replace(person, travel=how) for person, how in zip(PERSONS, travel, strict=True)),
    )


def test_every_status_has_a_coarse_one_and_every_coarse_one_is_of_some_status() -> None:
    assert set(PUBLIC_STATES) == set(get_args(Status))
    assert {status for state in set(PUBLIC_STATES.values()) for status in statuses_of(state)} == set(PUBLIC_STATES)


def test_every_adult_who_comes_must_agree_and_children_go_with_them() -> None:
    assert whose_consent(APPROVED) == BOTH
    assert whose_consent(travelling("expected", "withdrawn", "expected")) == {MOTHER}
    assert whose_consent(travelling("withdrawn", "withdrawn", "withdrawn")) == BOTH


def test_a_principal_of_whatever_age_is_asked() -> None:
    assert whose_consent(replace(APPROVED, principal_id=CHILD)) == {MOTHER, FATHER, CHILD}


def test_where_no_adult_comes_everybody_must_agree_and_consent() -> None:
    children = tuple(replace(person, age_group="child") for person in PERSONS)
    case = replace(APPROVED, persons=children)
    everybody = {MOTHER, FATHER, CHILD}
    assert whose_consent(case) == everybody
    assert {person.person_id for person in case.consenting} == everybody
    # Nor does a parent who withdrew decide for those who go without them.
    left = replace(APPROVED, persons=(replace(PERSONS[0], travel="withdrawn"), *children[1:]))
    assert whose_consent(left) == {FATHER, CHILD}
    assert {person.person_id for person in left.consenting} == {FATHER, CHILD}
    assert answer(case, None, BOTH, NOON) == ("not_consented", None)
    # Those who stayed say nothing for a child that left without them.
    gone = travelling("withdrawn", "withdrawn", "departed")
    assert whose_consent(gone) == {CHILD}


@given(STATUSES, TRAVELS, st.sets(st.sampled_from((MOTHER, FATHER, CHILD))), st.booleans(), st.booleans())
def test_nothing_is_told_without_approval_and_everybodys_consent(
    status: Status, travel: list[Travel], agreed: set[object], approved: bool, noticed: bool
) -> None:
    case = replace(travelling(*travel), status=status, approved_by="staff:somebody" if approved else None)
    notice = Notice(NOON) if noticed else None
    reason, state = answer(case, notice, frozenset(agreed), NOON)  # type: ignore[arg-type]
    assert (reason == "told") == (state is not None)
    if state is not None:
        assert approved or case.gone
        assert whose_consent(case) <= agreed
        assert state == state_abroad(case)
        assert state == PUBLIC_STATES[status] or (case.gone and state in ("departed", "arrived"))
        assert noticed or state != "not_coming"


def test_no_answer_about_consent_is_no_and_the_same_no_before_an_approval() -> None:
    assert answer(APPROVED, None, None, NOON) == ("consent_unanswered", None)
    # Else an order, which is asked again while nobody can say, would tell that there is a case.
    assert answer(replace(APPROVED, status="applied", approved_by=None), None, None, NOON) == ("consent_unanswered", None)


@pytest.mark.parametrize("status", statuses_of("not_coming"))
def test_an_end_is_told_only_to_who_was_told_of_an_arrival_and_for_a_day(status: Status) -> None:
    case = replace(APPROVED, status=status)
    told = NOON - timedelta(days=3)
    assert answer(case, None, BOTH, NOON) == ("ended", None)
    assert answer(case, Notice(told), BOTH, NOON) == ("told", "not_coming")
    notice = Notice(told, NOON)
    assert answer(case, notice, BOTH, NOON + NOTICE_STANDS - timedelta(seconds=1)) == ("told", "not_coming")
    assert answer(case, notice, BOTH, NOON + NOTICE_STANDS) == ("ended", None)


@pytest.mark.parametrize("status", statuses_of("not_coming"))
def test_whoever_left_although_the_case_had_ended_is_told_of_and_can_be_met(status: Status) -> None:
    case = replace(travelling("withdrawn", "withdrawn", "departed"), status=status)
    notice = Notice(NOON - timedelta(days=3), NOON - timedelta(days=2))
    assert answer(case, notice, {CHILD}, NOON) == ("told", "departed")
    assert answer(case, None, {CHILD}, NOON) == ("told", "departed")
    assert answer(case, notice, frozenset(), NOON) == ("not_consented", None)
    assert may_confirm_arrival(case, notice)
    assert [person.person_id for person in coming(case)] == [CHILD]
    met = replace(travelling("expected", "expected", "arrived"), status=status)
    assert (state_abroad(met), [person.person_id for person in coming(met)]) == ("arrived", [CHILD])
    nobody = replace(travelling("withdrawn", "expected", "expected"), status=status)
    assert (state_abroad(nobody), coming(nobody)) == ("not_coming", ())


def test_an_arrival_lies_ahead_once_travel_is_settled_until_somebody_came() -> None:
    assert {"travel_scheduled", "departed"} == ARRIVAL_AHEAD
