"""Expressing the wish to return, and the end of the attempt that it began."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.counselling.domain.attempt import Intention, IntentionFacts, PersonToCover, SessionBehind
from services.counselling.domain.family import Member, parents_of
from services.counselling.domain.intention import (
    INTENTION,
    ExpressIntention,
    RecordAttemptEnded,
    RecordReopeningAsked,
    evolve,
)
from shared.contracts.counselling import (
    AgeGroup,
    AttemptEnded,
    AttemptReopened,
    AttemptStaysEnded,
    CoveredPerson,
    IntentionExpressed,
    Sex,
)
from shared.messages import Command
from shared.transitions import IllegalTransition
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT, run

AMIRA, TARIK = staff("amira", "counsellor"), staff("tarik", "counsellor")
SESSION_ID, FAMILY_ID = UUID(int=100), UUID(int=200)
FATHER, MSTRANGER, SON, STRANGER = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
HELD_AT = NOON - timedelta(days=1)

SESSION = SessionBehind(
    held_at=HELD_AT,
    session_type="individual",
    outcome="intention_expressed",
    person_ids=(FATHER, SON),
    counsellor_id="staff:amira",
)


def person(person_id: UUID, sex: Sex, birth_year: int, family_id: UUID | None = FAMILY_ID) -> PersonToCover:
    return PersonToCover(
        person_id=person_id,
        sex=sex,
        birth_year=birth_year,
        country_of_origin="PK",
        data_consent=True,
        family_id=family_id,
        attempt_active=False,
        expressed_in_session=False,
    )


PERSONS = (person(FATHER, "male", 1985), person(MSTRANGER, "female", 1987), person(SON, "male", 2012))
FACTS = IntentionFacts(session=SESSION, persons=PERSONS)
intention = Given(INTENTION, FACTS)


def express(*person_ids: UUID, principal_id: UUID = FATHER) -> ExpressIntention:
    return ExpressIntention(
        session_id=SESSION_ID, principal_id=principal_id, person_ids=person_ids, destination_country="PK"
    )


def covered(person_id: UUID, sex: Sex, age_group: AgeGroup) -> CoveredPerson:
    return CoveredPerson(person_id=person_id, sex=sex, age_group=age_group, country_of_origin="PK")


EXPRESSED = IntentionExpressed(
    session_id=SESSION_ID,
    principal_id=FATHER,
    persons=(
        covered(FATHER, "male", "adult"),
        covered(MSTRANGER, "female", "adult"),
        covered(SON, "male", "child"),
    ),
    destination_country="PK",
    counsellor_id="staff:amira",
    expressed_at=HELD_AT,
)


def with_session(session: SessionBehind | None) -> Given[Intention, IntentionFacts]:
    return intention.knowing(replace(FACTS, session=session))


def with_persons(*persons: PersonToCover) -> Given[Intention, IntentionFacts]:
    return intention.knowing(replace(FACTS, persons=persons))


def test_the_wish_of_a_family_covers_every_member_and_names_the_counsellor_of_the_session() -> None:
    intention.when(express(FATHER, MSTRANGER, SON), TARIK).then(EXPRESSED)


def test_an_adult_alone_may_wish_to_return() -> None:
    with_persons(person(FATHER, "male", 1985, None)).when(express(FATHER), AMIRA).then(
        EXPRESSED.model_copy(update={"persons": (covered(FATHER, "male", "adult"),)})
    )


def test_a_child_alone_may_wish_to_return() -> None:
    with_persons(person(SON, "male", 2012, None)).when(express(SON, principal_id=SON), AMIRA).then(
        EXPRESSED.model_copy(update={"principal_id": SON, "persons": (covered(SON, "male", "child"),)})
    )


def test_whether_somebody_is_a_child_is_seen_on_the_day_it_is_recorded() -> None:
    alone = with_persons(person(FATHER, "male", 2005, None))
    for at, expected in (
        # In Sarajevo the year ends an hour before it does in UTC.
        (datetime(2023, 12, 31, 22, 59, tzinfo=UTC), "child"),
        (datetime(2023, 12, 31, 23, 0, tzinfo=UTC), "adult"),
    ):
        (event,) = alone.when(express(FATHER), AMIRA, at=at).events
        assert isinstance(event, IntentionExpressed)
        assert event.persons[0].age_group == expected


def test_an_intention_is_recorded_only_once_under_an_id() -> None:
    intention.given(EXPRESSED).when(express(FATHER, MSTRANGER, SON), AMIRA).refused("already_exists")


def test_nothing_is_accepted_on_facts_that_nobody_read() -> None:
    intention.knowing(IntentionFacts()).when(express(FATHER), AMIRA).refused("unknown_session")
    unread = PersonToCover(FATHER, "male", 1985, "PK")
    with_persons(unread).when(express(FATHER), AMIRA).refused("data_consent_missing")
    with_persons(replace(unread, data_consent=True)).when(express(FATHER), AMIRA).refused(
        "attempt_already_active"
    )


def test_an_intention_needs_a_session() -> None:
    with_session(None).when(express(FATHER), AMIRA).refused("unknown_session")


def test_an_intention_needs_a_session_that_was_held() -> None:
    with_session(replace(SESSION, held_at=None, outcome=None)).when(express(FATHER), AMIRA).refused(
        "session_not_held"
    )


def test_an_intention_needs_an_individual_session() -> None:
    with_session(replace(SESSION, session_type="legal_information")).when(express(FATHER), AMIRA).refused(
        "session_not_individual"
    )


def test_an_intention_needs_a_session_that_ended_with_the_wish_to_return() -> None:
    with_session(replace(SESSION, outcome="follow_up")).when(express(FATHER), AMIRA).refused(
        "session_without_intention"
    )


def test_the_principal_was_present_in_the_session() -> None:
    intention.when(express(MSTRANGER, SON, principal_id=MSTRANGER), AMIRA).refused("principal_not_in_session")


def test_the_principal_is_covered() -> None:
    intention.when(express(MSTRANGER, SON), AMIRA).refused("principal_not_covered")


def test_nobody_is_covered_twice() -> None:
    intention.when(express(FATHER, SON, SON), AMIRA).refused("person_twice")


def test_everybody_covered_is_registered() -> None:
    intention.when(express(FATHER, STRANGER), AMIRA).refused("unknown_person")


def test_every_adult_has_agreed_to_the_processing_of_data() -> None:
    with_persons(PERSONS[0], replace(PERSONS[1], data_consent=False)).when(
        express(FATHER, MSTRANGER), AMIRA
    ).refused("data_consent_missing")


def test_a_child_who_goes_along_need_not_have_agreed_itself() -> None:
    with_persons(PERSONS[0], replace(PERSONS[2], data_consent=False)).when(
        express(FATHER, SON), AMIRA
    ).then_kinds(IntentionExpressed)


def test_for_a_child_alone_consent_is_on_record() -> None:
    with_persons(replace(PERSONS[2], data_consent=False)).when(express(SON, principal_id=SON), AMIRA).refused(
        "data_consent_missing"
    )


def test_the_principal_of_several_is_an_adult() -> None:
    intention.when(express(FATHER, SON, principal_id=SON), AMIRA).refused("principal_is_a_child")


@pytest.mark.parametrize("other_family", [None, UUID(int=201)])
def test_several_persons_are_one_family(other_family: UUID | None) -> None:
    with_persons(PERSONS[0], person(MSTRANGER, "female", 1987, other_family)).when(
        express(FATHER, MSTRANGER), AMIRA
    ).refused("not_one_family")


def test_persons_without_any_family_are_not_one_family() -> None:
    with_persons(person(FATHER, "male", 1985, None), person(MSTRANGER, "female", 1987, None)).when(
        express(FATHER, MSTRANGER), AMIRA
    ).refused("not_one_family")


def test_nobody_begins_a_second_attempt_while_one_is_active() -> None:
    with_persons(PERSONS[0], replace(PERSONS[2], attempt_active=True)).when(
        express(FATHER, SON), AMIRA
    ).refused("attempt_already_active")


def test_an_ended_attempt_is_not_revived_from_the_same_session() -> None:
    with_persons(replace(PERSONS[0], expressed_in_session=True)).when(express(FATHER), AMIRA).refused(
        "already_expressed_in_session"
    )


def test_an_attempt_ends_for_those_who_are_named() -> None:
    intention.given(EXPRESSED).when(RecordAttemptEnded(person_ids=(SON, MSTRANGER)), AMIRA).then(
        AttemptEnded(person_ids=(MSTRANGER, SON))
    )


def test_an_attempt_ends_only_for_those_still_active() -> None:
    intention.given(EXPRESSED, AttemptEnded(person_ids=(SON,))).when(
        RecordAttemptEnded(person_ids=(FATHER, MSTRANGER, SON)), AMIRA
    ).then(AttemptEnded(person_ids=(FATHER, MSTRANGER)))


@pytest.mark.parametrize(
    "past",
    [
        (EXPRESSED, AttemptEnded(person_ids=(SON,))),
        (EXPRESSED, AttemptEnded(person_ids=(FATHER, MSTRANGER, SON))),
    ],
)
def test_the_end_of_an_attempt_is_accepted_in_any_state_and_changes_nothing_twice(
    past: tuple[IntentionExpressed | AttemptEnded, ...],
) -> None:
    intention.given(*past).when(RecordAttemptEnded(person_ids=(SON,)), AMIRA).then()


def test_what_is_told_of_an_attempt_that_is_not_known_waits_until_it_is() -> None:
    for order in (RecordAttemptEnded(person_ids=(SON,)), RecordReopeningAsked(person_ids=(SON,))):
        intention.given().when(order, AMIRA).refused("attempt_unknown")
    intention.given(EXPRESSED).when(RecordAttemptEnded(person_ids=(SON, STRANGER)), AMIRA).refused("attempt_unknown")


def test_an_attempt_goes_on_for_all_of_a_reopened_case_or_for_none() -> None:
    ended = intention.given(EXPRESSED, AttemptEnded(person_ids=(FATHER, MSTRANGER, SON)))
    order = RecordReopeningAsked(person_ids=(FATHER, SON))
    ended.knowing(IntentionFacts(free=frozenset({FATHER, SON}))).when(order, AMIRA).then(
        AttemptReopened(person_ids=(FATHER, SON))
    )
    for free in ((), (SON,), (SON, MSTRANGER, STRANGER)):
        ended.knowing(IntentionFacts(free=frozenset(free))).when(order, AMIRA).then(
            AttemptStaysEnded(person_ids=(FATHER, SON))
        )
    again = ended.given(AttemptReopened(person_ids=(FATHER, SON)))
    state = INTENTION.fold(again.past)
    assert state is not None
    assert (state.status, state.active_person_ids) == ("active", (FATHER, SON))
    assert INTENTION.fold((AttemptStaysEnded(person_ids=(MSTRANGER,)),), state) == state


def test_nobody_whom_the_wish_does_not_cover_goes_on_with_it() -> None:
    order = RecordReopeningAsked(person_ids=(FATHER, STRANGER))
    ended = intention.given(EXPRESSED, AttemptEnded(person_ids=(FATHER, MSTRANGER, SON)))
    ended.knowing(IntentionFacts(free=frozenset({FATHER, STRANGER}))).when(order, AMIRA).then(
        AttemptStaysEnded(person_ids=(FATHER, STRANGER))
    )
    intention.knowing(IntentionFacts(free=frozenset({FATHER}))).when(order, AMIRA).refused("attempt_unknown")


def test_an_intention_has_ended_once_nobody_is_active() -> None:
    some = INTENTION.fold((EXPRESSED, AttemptEnded(person_ids=(SON,))))
    assert some is not None
    assert (some.status, some.active_person_ids) == ("active", (FATHER, MSTRANGER))
    none = INTENTION.fold((AttemptEnded(person_ids=(FATHER, MSTRANGER)),), some)
    assert none is not None
    assert (none.status, none.active_person_ids) == ("ended", ())


def test_a_transition_that_is_not_declared_is_a_programming_error() -> None:
    everybody = AttemptEnded(person_ids=(FATHER, MSTRANGER, SON))
    with pytest.raises(IllegalTransition):
        INTENTION.fold((EXPRESSED, everybody, everybody))


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_an_intention() -> None:
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)
    with pytest.raises(TypeError):
        evolve(None, AttemptEnded(person_ids=(SON,)))
    with pytest.raises(TypeError):
        evolve(INTENTION.fold((EXPRESSED,)), EXPRESSED)


some_persons = st.lists(st.sampled_from([FATHER, MSTRANGER, SON, STRANGER]), min_size=1, max_size=4)
orders = st.lists(
    st.one_of(
        some_persons.map(lambda ids: express(*ids)),
        some_persons.map(lambda ids: RecordAttemptEnded(person_ids=tuple(ids))),
    ),
    max_size=10,
)


def status_fits_the_active(state: Intention) -> bool:
    return (state.status == "active") == bool(state.active_person_ids)


SHAPE = TypeAdapter(Intention)


@given(orders)
def test_whatever_is_ordered_the_intention_is_the_fold_of_the_facts_and_ends_once_for_each(
    commands: list[Command],
) -> None:
    events = run(
        INTENTION,
        [(command, FACTS) for command in commands],
        SHAPE,
        holds=status_fits_the_active,
    )
    ended = [
        person_id for event in events if isinstance(event, AttemptEnded) for person_id in event.person_ids
    ]
    assert len(ended) == len(set(ended))
    assert all(isinstance(event, AttemptEnded) for event in events[1:])


@pytest.mark.parametrize(
    ("may_be", "going", "told"),
    [
        ((FATHER, MSTRANGER), (FATHER, MSTRANGER, SON), (FATHER, MSTRANGER)),
        ((FATHER, MSTRANGER), (FATHER, SON), ()),
        ((FATHER,), (FATHER, MSTRANGER, SON), ()),
        ((FATHER, MSTRANGER, STRANGER), (FATHER, MSTRANGER, SON), ()),
        ((), (FATHER, MSTRANGER, SON), ()),
    ],
    ids=["both_go", "one_stays", "one_parent", "two_spouses", "none_known"],
)
def test_the_parents_of_a_child_are_named_only_where_all_who_may_be_them_go_along(
    may_be: tuple[UUID, ...], going: tuple[UUID, ...], told: tuple[UUID, ...]
) -> None:
    son = replace(person(SON, "male", 2012), parent_ids=may_be)
    (event,) = with_persons(*PERSONS[:2], son).when(express(*going), AMIRA).events
    assert isinstance(event, IntentionExpressed)
    assert {one.person_id: one.parent_ids for one in event.persons}[SON] == told


def test_the_parents_of_a_grown_child_are_not_named() -> None:
    grown = replace(person(SON, "male", 1999), parent_ids=(FATHER, MSTRANGER))
    (event,) = with_persons(*PERSONS[:2], grown).when(express(FATHER, MSTRANGER, SON), AMIRA).events
    assert isinstance(event, IntentionExpressed)
    assert all(one.parent_ids == () for one in event.persons)


def test_who_may_be_the_parents_of_a_child_its_family_says() -> None:
    members = (Member(FATHER, "principal"), Member(MSTRANGER, "spouse"), Member(SON, "child"), Member(STRANGER, "other_dependant"))
    assert parents_of(SON, members) == (FATHER, MSTRANGER)
    assert parents_of(STRANGER, members) == ()
    assert parents_of(MSTRANGER, members) == ()
