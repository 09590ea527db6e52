"""Who had been erased before a database was set back is erased again, whatever stands against it by now, and nobody else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.counselling.domain.erasure import PersonFacts, RecordErasureConfirmed, RedoErasure
from services.counselling.domain.person import PERSON
from shared.actors import Actor
from shared.contracts.counselling import (
    ErasureApproved,
    ErasureConfirmed,
    ErasureRefused,
    ErasureRequested,
    LegalHoldPlaced,
    PersonErased,
)
from shared.contracts.erasure import HOLDERS
from shared.messages import Concealed, Context, Event
from tests.given import NOON, Given
from tests.unit.counselling.test_erasure import APPROVED, CHIEF, DPO, HELD, REGISTERED, REQUESTED

AGAIN = RedoErasure(ground="person_asked", requested_by=DPO.person_id, approved_by=CHIEF.person_id)
ERASED = PersonErased(erased_at=NOON, deleted=HELD)
# Facts of the moment at which it is done again.
NOW = PersonFacts(attempt_active=True, held=HELD)
story = Given(PERSON, NOW)
SERVICE = Actor.service("counselling")


def test_whose_request_and_approval_were_lost_is_erased_under_those_who_had_decided() -> None:
    story.given(REGISTERED).when(AGAIN, SERVICE).then(REQUESTED, APPROVED, ERASED)


def test_a_request_that_was_kept_stands_and_is_not_made_again() -> None:
    story.given(REGISTERED, REQUESTED).when(AGAIN, SERVICE).then(APPROVED, ERASED)


def test_a_request_of_somebody_else_does_not_stand_in_for_the_one_that_was_approved() -> None:
    earlier = ErasureRequested(ground="unlawfully_kept", requested_by=CHIEF.person_id, requested_at=NOON)
    refused = ErasureRefused(reason="asked_by_mistake", refused_by=DPO.person_id, refused_at=NOON)
    story.given(REGISTERED, earlier).when(AGAIN, SERVICE).then(refused, REQUESTED, APPROVED, ERASED)


def test_neither_a_hold_nor_a_case_of_the_time_before_keeps_anybody_from_being_erased_again() -> None:
    hold = LegalHoldPlaced(reason=Concealed.of("audit"), placed_by=DPO.person_id, placed_at=NOON)
    story.given(REGISTERED, hold).when(AGAIN, SERVICE).then(REQUESTED, APPROVED, ERASED)


def test_for_who_is_erased_already_or_was_never_registered_nothing_follows() -> None:
    story.given(REGISTERED, REQUESTED, APPROVED, ERASED).when(AGAIN, SERVICE).then()
    story.given().when(AGAIN, SERVICE).then()


@settings(max_examples=60)
@given(confirmed=st.permutations([name for name in HOLDERS if name != "counselling"]))
def test_it_completes_once_every_service_has_confirmed_as_it_had(confirmed: list[str]) -> None:
    facts: list[Event] = [REGISTERED, REQUESTED, APPROVED, ERASED]
    for service in confirmed:
        order = RecordErasureConfirmed(service=service, erased_at=NOON, kept=0, kept_until=None)
        facts += PERSON.decide(PERSON.fold(facts), order, NOW, Context(SERVICE, NOON))
    kinds = [type(fact) for fact in facts]
    assert (kinds.count(ErasureRequested), kinds.count(ErasureApproved)) == (1, 1)
    assert kinds.count(ErasureConfirmed) == len(confirmed)
    state = PERSON.fold(facts)
    assert state is not None
    assert state.erasure is not None
    assert state.erasure.status == "completed"
