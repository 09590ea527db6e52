"""What counselling orders itself to do when returns reports the end of an attempt."""

from datetime import date
from uuid import UUID

import pytest

from services.counselling.domain.attempt import IntentionFacts
from services.counselling.domain.attempt_moves import (
    RecordAttemptMoved,
    RecordAttemptTakenOver,
    RecordMoveAsked,
)
from services.counselling.domain.case_guardian import RecordCaseGuardianMoved
from services.counselling.domain.erasure import RecordErasureConfirmed, RecordPapersEnd
from services.counselling.domain.intention import (
    INTENTION,
    RecordAttemptEnded,
    RecordReopeningAsked,
)
from services.counselling.reactions import REACTIONS
from shared.actors import Actor
from shared.contracts import returns
from shared.contracts.erasure import HOLDERS, Erased
from shared.contracts.families import (
    CaseJoined,
    FamilySplit,
    GuardianEnded,
    GuardianNoted,
    JoinAsked,
    SplitAsked,
)
from shared.contracts.reintegration import KeptPapersEnded
from shared.contracts.reopening import ReopeningRequested
from shared.contracts.returns import (
    CaseClosed,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseWithdrawn,
    PersonWithdrew,
)
from shared.errors import RuleViolation
from shared.messages import Concealed, Context, Event, Order, Received
from shared.topology import BY_NAME
from tests.given import NOON

CASE, OTHER, FATHER, SON = UUID(int=7), UUID(int=5), UUID(int=1), UUID(int=2)
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


def test_whether_a_case_is_taken_up_again_is_asked_of_its_attempt() -> None:
    event = ReopeningRequested(reason="contact_regained", person_ids=(FATHER, SON))
    assert REACTIONS[ReopeningRequested](event, CAUSE) == (
        Order("intention", CASE, RecordReopeningAsked(person_ids=(FATHER, SON))),
    )


def test_a_family_that_parts_or_comes_together_is_asked_about_at_its_attempt() -> None:
    split = SplitAsked(new_case_id=OTHER, principal_id=FATHER, person_ids=(FATHER,))
    assert REACTIONS[SplitAsked](split, CAUSE) == (
        Order("intention", CASE, RecordMoveAsked(to_id=OTHER, person_ids=(FATHER,), principal_id=FATHER)),
    )
    assert REACTIONS[JoinAsked](JoinAsked(into_case_id=OTHER, person_ids=(FATHER,)), CAUSE) == (
        Order("intention", CASE, RecordMoveAsked(to_id=OTHER, person_ids=(FATHER,))),
    )


@pytest.mark.parametrize(
    "event",
    [
        FamilySplit(new_case_id=OTHER, principal_id=FATHER, person_ids=(FATHER, SON)),
        CaseJoined(into_case_id=OTHER, person_ids=(FATHER, SON)),
    ],
    ids=["split", "joined"],
)
def test_whoever_goes_on_in_another_case_has_their_attempt_there_in_one_transaction(event: Event) -> None:
    along = RecordCaseGuardianMoved(from_id=CASE, to_id=OTHER)
    assert REACTIONS[type(event)](event, CAUSE) == (
        *(Order("person", id, along) for id in sorted((FATHER, SON))),
        # They are taken over while the attempt that they leave still tells who they are.
        Order("intention", OTHER, RecordAttemptTakenOver(from_id=CASE, person_ids=(FATHER, SON), principal_id=FATHER)),
        Order("intention", CASE, RecordAttemptMoved(to_id=OTHER, person_ids=(FATHER, SON))),
    )


def test_every_fact_of_returns_that_ends_an_attempt_has_a_reaction_and_no_other_has_but_what_takes_it_up_or_along() -> None:
    says_who_ended = {type(event) for event in ENDS} | {PersonWithdrew}
    assert {event for event in REACTIONS if not issubclass(event, Erased)} == says_who_ended | {
        ReopeningRequested, KeptPapersEnded, SplitAsked, JoinAsked, FamilySplit, CaseJoined, GuardianNoted,
        GuardianEnded,
    }  # fmt: skip
    assert says_who_ended <= set(returns.EVENTS)


def test_every_other_service_that_holds_persons_confirms_an_erasure_under_its_own_name() -> None:
    said: dict[str, Order] = {}
    for kind in (event for event in REACTIONS if issubclass(event, Erased)):
        event = kind(erased_at=NOON, deleted=(), kept=2, kept_until=date(2033, 3, 31))
        (order,) = REACTIONS[kind](event, Received(subject=SON, at=NOON, actor_id="service:any"))
        assert isinstance(order.command, RecordErasureConfirmed)
        said[order.command.service] = order
    assert set(said) == set(HOLDERS) - {"counselling"}
    for service, order in said.items():
        confirmed = RecordErasureConfirmed(service=service, erased_at=NOON, kept=2, kept_until=date(2033, 3, 31))
        assert order == Order("person", SON, confirmed)


def test_the_end_of_what_reintegration_kept_is_noted_of_the_person() -> None:
    event = KeptPapersEnded(grant_ids=(), deleted=(), kept_until=date(2033, 3, 31), ended_on=date(2033, 4, 1))
    noted = RecordPapersEnd(service="reintegration", ended_on=date(2033, 4, 1))
    assert REACTIONS[KeptPapersEnded](event, CAUSE) == (Order("person", CAUSE.subject, noted),)


def test_counselling_and_each_other_holder_of_persons_follow_each_other() -> None:
    for service in set(HOLDERS) - {"counselling"}:
        assert service in BY_NAME["counselling"].follows
        assert "counselling" in BY_NAME[service].follows


@pytest.mark.parametrize(
    "event", [*ENDS, PersonWithdrew(person_id=SON)], ids=lambda event: type(event).__name__
)
def test_what_became_of_a_case_without_an_intention_is_not_passed_over(event: Event) -> None:
    for order in REACTIONS[type(event)](event, CAUSE):
        context = Context(Actor.service("counselling"), NOON)
        with pytest.raises(RuleViolation, match="attempt_unknown"):
            INTENTION.decide(None, order.command, IntentionFacts(), context)
