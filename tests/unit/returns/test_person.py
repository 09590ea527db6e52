from datetime import timedelta

from hypothesis import given as over
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.returns.domain.person import (
    PERSON,
    Person,
    RecordConsent,
    RecordCounselled,
    RecordErasure,
    RecordSessionAmended,
)
from shared.contracts.returns import (
    PersonConsentNoted,
    PersonCounselled,
    PersonErased,
    ScreeningStarted,
)
from shared.contracts.sessions import PersonHeardAloneNoted
from shared.decider import NoFacts
from shared.messages import Command
from tests.given import NOON, Given
from tests.unit.returns.examples import REACTION, ref
from tests.unit.returns.sequences import run

UNKNOWN = Given(PERSON, NoFacts())
SESSION, LATER_SESSION = ref(31), ref(32)
COUNSELLED = PersonCounselled(session_id=SESSION, held_at=NOON)
ALONE = PersonHeardAloneNoted(session_id=SESSION, alone=True)
AGREED = PersonConsentNoted(consent="data", active=True)
TO_PAKISTAN = PersonConsentNoted(consent="transfer", active=True, recipient_country="PK")


def test_an_individual_session_makes_a_person_counselled() -> None:
    UNKNOWN.when(RecordCounselled(session_id=SESSION, held_at=NOON), REACTION).then(COUNSELLED)


def test_only_the_first_individual_session_counts() -> None:
    later = RecordCounselled(session_id=LATER_SESSION, held_at=NOON + timedelta(days=1))
    UNKNOWN.given(COUNSELLED).when(later, REACTION).then()


def test_a_session_alone_is_noted_beside_the_first_and_later_too_but_each_only_once() -> None:
    alone = RecordCounselled(session_id=SESSION, held_at=NOON, alone=True)
    UNKNOWN.when(alone, REACTION).then(COUNSELLED, ALONE)
    UNKNOWN.given(COUNSELLED, ALONE).when(alone, REACTION).then()
    later = RecordCounselled(session_id=LATER_SESSION, held_at=NOON + timedelta(days=1), alone=True)
    UNKNOWN.given(COUNSELLED).when(later, REACTION).then(PersonHeardAloneNoted(session_id=LATER_SESSION, alone=True))


def test_a_session_set_right_adds_what_it_was_or_takes_it_away_and_leaves_others_as_they_are() -> None:
    UNKNOWN.given(COUNSELLED).when(RecordSessionAmended(session_id=SESSION, alone=True), REACTION).then(ALONE)
    both = (COUNSELLED, ALONE, PersonHeardAloneNoted(session_id=LATER_SESSION, alone=True))
    away = UNKNOWN.given(*both).when(RecordSessionAmended(session_id=SESSION, alone=False), REACTION)
    away.then(PersonHeardAloneNoted(session_id=SESSION, alone=False))
    assert PERSON.fold((*both, *away.events)) == Person(counselled_at=NOON, heard_alone_in=(LATER_SESSION,))
    UNKNOWN.given(*both, *away.events).when(RecordSessionAmended(session_id=SESSION, alone=False), REACTION).then()


def test_of_the_erased_no_session_is_noted_and_none_stays_but_that_they_were_counselled() -> None:
    erased = UNKNOWN.given(COUNSELLED, ALONE).when(RecordErasure(), REACTION)
    assert PERSON.fold((COUNSELLED, ALONE, *erased.events)) == Person(counselled_at=NOON, erased_at=NOON)
    gone = UNKNOWN.given(COUNSELLED, PersonErased(erased_at=NOON, deleted=()))
    gone.when(RecordSessionAmended(session_id=SESSION, alone=True), REACTION).then()
    gone.when(RecordCounselled(session_id=SESSION, held_at=NOON, alone=True), REACTION).then()


def test_a_consent_is_noted_of_somebody_not_yet_counselled() -> None:
    UNKNOWN.when(RecordConsent(consent="data", active=True), REACTION).then(AGREED)


def test_a_consent_that_stands_already_is_not_noted_again() -> None:
    UNKNOWN.given(AGREED).when(RecordConsent(consent="data", active=True), REACTION).then()


def test_the_end_of_a_consent_that_never_stood_is_not_noted() -> None:
    UNKNOWN.when(RecordConsent(consent="data", active=False), REACTION).then()


def test_a_consent_taken_back_stands_no_longer() -> None:
    withdrawn = UNKNOWN.given(AGREED).when(RecordConsent(consent="data", active=False), REACTION)
    withdrawn.then(PersonConsentNoted(consent="data", active=False))
    assert PERSON.fold((AGREED, *withdrawn.events)) == Person(data_consent=False)


def test_a_transfer_to_another_country_is_another_consent() -> None:
    to_india = RecordConsent(consent="transfer", active=True, recipient_country="IN")
    given = UNKNOWN.given(TO_PAKISTAN).when(to_india, REACTION)
    given.then(PersonConsentNoted(consent="transfer", active=True, recipient_country="IN"))
    assert PERSON.fold((TO_PAKISTAN, *given.events)) == Person(transfer_consent=True, transfer_country="IN")


def test_no_country_remains_where_the_transfer_consent_was_taken_back() -> None:
    back = PersonConsentNoted(consent="transfer", active=False)
    assert PERSON.fold((TO_PAKISTAN, back)) == Person()


def test_a_fact_of_something_else_is_a_programming_error() -> None:
    try:
        PERSON.evolve(None, ScreeningStarted())
    except TypeError:
        return
    raise AssertionError


COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        RecordCounselled, session_id=st.sampled_from([SESSION, LATER_SESSION]), alone=st.booleans(),
        held_at=st.integers(0, 90).map(lambda day: NOON + timedelta(day)),
    ),
    st.builds(RecordSessionAmended, session_id=st.sampled_from([SESSION, LATER_SESSION]), alone=st.booleans()),
    st.builds(
        RecordConsent,
        consent=st.sampled_from(["data", "transfer"]),
        active=st.booleans(),
        recipient_country=st.sampled_from([None, "PK", "IN"]),
    ),
)


SHAPE = TypeAdapter(Person)


@over(st.lists(COMMANDS, max_size=12))
def test_along_any_orders_a_person_is_the_fold_of_its_facts(commands: list[Command]) -> None:
    run(PERSON, [(command, NoFacts(), REACTION, NOON) for command in commands], SHAPE)
