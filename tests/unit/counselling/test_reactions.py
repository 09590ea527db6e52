"""What counselling orders itself to do when returns reports the end of an attempt."""

from uuid import UUID

import pytest

from services.counselling.domain.intention import INTENTION, IntentionFacts, RecordAttemptEnded
from services.counselling.reactions import REACTIONS
from shared.actors import Actor
from shared.contracts import returns
from shared.contracts.returns import (
    CaseClosed,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseWithdrawn,
    PersonWithdrew,
)
from shared.messages import Concealed, Context, Event, Order, Received
from tests.given import NOON

CASE, FATHER, SON = UUID(int=7), UUID(int=1), UUID(int=2)
CAUSE = Received(subject=CASE, at=NOON, actor_id="staff:amira")

ENDS: tuple[Event, ...] = (
    CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=(FATHER, SON)),
    CaseDeclaredIneligible(reason=Concealed.of("destination_not_served"), person_ids=(FATHER, SON)),
    CaseLapsed(reason="no_contact", person_ids=(FATHER, SON)),
    CaseNotDeparted(person_ids=(FATHER, SON)),
    CaseClosed(reason="completed", person_ids=(FATHER, SON)),
)


@pytest.mark.parametrize("event", ENDS, ids=lambda event: type(event).__name__)
def test_the_end_of_a_case_ends_the_attempt_of_everybody_in_it(event: Event) -> None:
    assert REACTIONS[type(event)](event, CAUSE) == (
        Order("intention", CASE, RecordAttemptEnded(person_ids=(FATHER, SON))),
    )


def test_one_person_who_withdraws_ends_the_attempt_for_that_person_alone() -> None:
    event = PersonWithdrew(person_id=SON)
    assert REACTIONS[PersonWithdrew](event, CAUSE) == (
        Order("intention", CASE, RecordAttemptEnded(person_ids=(SON,))),
    )


def test_every_fact_of_returns_that_ends_an_attempt_has_a_reaction_and_no_other_has() -> None:
    says_who_ended = {type(event) for event in ENDS} | {PersonWithdrew}
    assert set(REACTIONS) == says_who_ended
    assert set(REACTIONS) <= set(returns.EVENTS)


@pytest.mark.parametrize(
    "event", [*ENDS, PersonWithdrew(person_id=SON)], ids=lambda event: type(event).__name__
)
def test_a_reaction_to_a_case_without_an_intention_changes_nothing(event: Event) -> None:
    for order in REACTIONS[type(event)](event, CAUSE):
        context = Context(Actor.service("counselling"), NOON)
        assert INTENTION.decide(None, order.command, IntentionFacts(), context) == ()
