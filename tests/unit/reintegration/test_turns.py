"""Whose turn it is agrees with what the guards let somebody do who has not acted on the grant yet."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.reintegration.domain.grant import GRANT, CancelGrant, ReviseGrant, SubmitGrant
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.turns import COMMANDS, Turn, turns
from shared.actors import Actor
from shared.decider import ReadsFacts
from shared.errors import FourEyes
from shared.messages import Command, Context, Event
from tests.given import NOON, SIGNED_IN, staff
from tests.unit.reintegration.examples import (
    APPROVED,
    APPROVER,
    ASKED,
    DELIVERED_1,
    ENDORSED,
    ENDORSER,
    NOTHING_STANDS_AGAINST_IT,
    PAID_1,
    RECONCILED_1,
    RELEASED_1,
    REQUEST,
    REQUESTER,
    RETURNED,
    THE_WHOLE_LINE,
    UNTIL_PAID,
)

NEW_TO_IT = staff("new_to_it")
LATER = NOON + timedelta(days=3)


def folded(*events: Event) -> Grant:
    state = GRANT.fold(events)
    assert state is not None
    return state


def states() -> Iterator[Grant]:
    """Every state of the whole line, and those of a grant that goes another way."""
    state: Grant | None = None
    for order, actor in THE_WHOLE_LINE:
        if state is not None and state.status in ("endorsed", "approved"):
            yield folded_on(state, CancelGrant(reason="lost_contact"))
        state = folded_on(state, order, actor)
        yield state
    yield folded(*ASKED, RETURNED)
    yield folded_on(folded(*UNTIL_PAID), CancelGrant(reason="re_migrated"))
    yield folded_on(folded(*UNTIL_PAID, DELIVERED_1), CancelGrant(reason="re_migrated"))


def folded_on(state: Grant | None, order: Command, actor: Actor = ENDORSER) -> Grant:
    after = GRANT.fold(GRANT.decide(state, order, NOTHING_STANDS_AGAINST_IT, Context(actor, NOON, SIGNED_IN)), state)
    assert after is not None
    return after


@pytest.mark.parametrize("state", list(states()), ids=lambda state: f"{state.status}-{[one.status for one in state.tranches]}")
def test_a_step_is_somebodys_turn_exactly_where_somebody_new_to_the_grant_may_take_it(state: Grant) -> None:
    possible = {
        step for step, command in COMMANDS.items()
        if GRANT.refusal(state, command, None, Context(REQUESTER if command in (ReviseGrant, SubmitGrant) else NEW_TO_IT, NOON)) is None
    }  # fmt: skip
    if state.status != "returned":
        # Whoever asked may change the request until it is approved, but nobody waits for that.
        possible -= {"revise"}
    assert {turn.step for turn in turns(state).values()} == possible


def test_without_facts_only_the_guards_that_read_some_are_left_out() -> None:
    reading = {rule.command.__name__ for rule in GRANT.rules if any(isinstance(guard, ReadsFacts) for guard in rule.guards)}
    assert reading == {"SubmitGrant", "ReviseGrant", "EndorseGrant", "ApproveGrant", "ReleaseTranche", "AddToCommitment", "ReconcileTranche", "ReversePayment",
                       "RecordRecovery", "ConfirmRecovery", "WriteOffRecovery", "ConfirmWriteOff", "WitnessCash", "ConfirmDelivery", "RecordVisit", "AskToEndPayment", "ConfirmPaymentEnd", "KeepPaymentOpen", "ReconcileInTheirPlace"}
    by_approver = GRANT.refusal(folded(*ASKED, ENDORSED), COMMANDS["approve"], None, Context(ENDORSER, NOON))
    assert isinstance(by_approver, FourEyes)
    assert by_approver.sentence == "You endorsed this grant, so somebody else has to approve it."


def test_a_turn_waits_since_its_own_moment_whatever_others_did_meanwhile() -> None:
    past = (*ASKED, ENDORSED, APPROVED, RELEASED_1, PAID_1)
    delivered = DELIVERED_1.model_copy(update={"confirmed_at": LATER})
    reconciled = RECONCILED_1.model_copy(update={"reconciled_at": LATER + timedelta(days=1)})
    assert turns(folded(*past)) == {"deliverer": Turn("confirm_delivery", NOON)}
    assert turns(folded(*past, delivered)) == {"payer": Turn("release", LATER), "reconciler": Turn("reconcile", LATER)}
    assert turns(folded(*past, delivered, reconciled)) == {"payer": Turn("release", LATER)}
    assert folded(*past, delivered, reconciled).waiting_since == LATER + timedelta(days=1)


def test_a_step_whose_event_does_not_say_when_it_was_keeps_the_last_moment_that_is_known() -> None:
    silent = [event.model_copy(update={f"{name}_at": None}) for event, name in ((ENDORSED, "endorsed"), (RELEASED_1, "released"))]
    approved = APPROVED.model_copy(update={"approved_at": LATER})
    assert folded(*ASKED, silent[0]).waiting_since == NOON
    assert turns(folded(*ASKED, silent[0], approved, silent[1])) == {"payer": Turn("confirm_payment", LATER)}


def test_who_acted_and_when_stands_with_the_grant_until_it_is_handed_in_again() -> None:
    endorsed = folded(*ASKED, ENDORSED)
    assert (endorsed.endorser_id, endorsed.endorsed_at) == (ENDORSER.person_id, NOON)
    again = ReviseGrant(modality="service", money=REQUEST.money, tranches=REQUEST.tranches, budget_lines=REQUEST.budget_lines)
    back = folded_on(folded(*ASKED, RETURNED), again, REQUESTER)
    assert (back.endorsed_at, back.request_version) == (None, 2)
    assert APPROVER.person_id not in {back.endorser_id, back.requester_id}
