"""Five hats on a grant: whoever wore one takes no other, and the case's counsellor only asks."""

import pytest

from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
)
from shared.actors import Actor
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    PaymentConfirmed,
    TrancheReconciled,
)
from shared.messages import Command, Event
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    APPROVE,
    APPROVER,
    ASKED,
    ATTEMPT_2,
    CASE_ID,
    COUNSELLOR,
    DELIVERED_1,
    DEPUTY_PAYER,
    ENDORSE,
    ENDORSED,
    ENDORSER,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAID_1,
    PAYER,
    RECONCILED_1,
    RECONCILER,
    RELEASED_1,
    REQUESTED,
    REQUESTER,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    release,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
RELEASED_2 = RELEASED_1.model_copy(update={"number": 2, "money": eur("400.00"), "attempt_id": None})
PAID_2 = PaymentConfirmed(
    case_id=CASE_ID,
    number=2,
    money=eur("400.00"),
    reference="BANK-0002",
    paid_on=TODAY,
    confirmed_by=PAYER.person_id,
    confirmed_at=NOON,
)
TAKING: tuple[tuple[str, tuple[Event, ...], Command, tuple[Actor, ...]], ...] = (
    ("endorse", (*ASKED,), ENDORSE, (REQUESTER, COUNSELLOR)),
    (
        "approve",
        (*ASKED, ENDORSED),
        APPROVE,
        (REQUESTER, ENDORSER, COUNSELLOR),
    ),
    ("release", UNTIL_APPROVED, release(1), (REQUESTER, ENDORSER, APPROVER, COUNSELLOR)),
    (
        "confirm a payment",
        (*UNTIL_APPROVED, RELEASED_1),
        ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY),
        (REQUESTER, ENDORSER, APPROVER, COUNSELLOR),
    ),
    (
        "confirm a delivery",
        UNTIL_PAID,
        ConfirmDelivery(number=1),
        (ENDORSER, APPROVER, PAYER, COUNSELLOR),
    ),
    (
        "reconcile",
        UNTIL_DELIVERED,
        ReconcileTranche(number=1),
        (REQUESTER, ENDORSER, APPROVER, PAYER, OFFICE, COUNSELLOR),
    ),
    (
        "release the second",
        (*UNTIL_DELIVERED, RECONCILED_1),
        release(2),
        (REQUESTER, ENDORSER, APPROVER, RECONCILER, OFFICE, COUNSELLOR),
    ),
    (
        "deliver the second",
        (*UNTIL_DELIVERED, RECONCILED_1, RELEASED_2, PAID_2),
        ConfirmDelivery(number=2),
        (ENDORSER, APPROVER, PAYER, RECONCILER, COUNSELLOR),
    ),
)


@pytest.mark.parametrize(
    ("past", "command", "by"),
    [
        pytest.param(past, command, by, id=f"{by.person_id} to {what}")
        for what, past, command, refused in TAKING
        for by in refused
    ],
)
def test_nobody_takes_a_second_hat(past: tuple[Event, ...], command: Command, by: Actor) -> None:
    GRANTS.given(*past).when(command, by).refused("four_eyes")


def test_a_deputy_may_pay_the_next_tranche_and_neither_payer_reconciles() -> None:
    second = (*UNTIL_DELIVERED, RELEASED_2.model_copy(update={"released_by": DEPUTY_PAYER.person_id}))
    grant = GRANTS.given(*second, PAID_2.model_copy(update={"confirmed_by": DEPUTY_PAYER.person_id}))
    GRANTS.given(*UNTIL_DELIVERED).when(release(2, attempt_id=ATTEMPT_2), DEPUTY_PAYER).then(
        RELEASED_2.model_copy(update={"released_by": DEPUTY_PAYER.person_id, "attempt_id": ATTEMPT_2})
    )
    for payer in (PAYER, DEPUTY_PAYER):
        grant.when(ReconcileTranche(number=1), payer).refused("four_eyes")
    grant.when(ReconcileTranche(number=1), RECONCILER).then(RECONCILED_1)


def test_the_same_person_may_release_and_confirm_for_that_is_one_hat() -> None:
    GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(
        ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY), PAYER
    ).then(PAID_1)


def test_who_asked_may_confirm_what_was_delivered() -> None:
    GRANTS.given(*UNTIL_PAID).when(ConfirmDelivery(number=1), REQUESTER).then(
        DeliveryConfirmed(number=1, confirmed_by=REQUESTER.person_id, confirmed_at=NOON)
    )


def test_a_counsellor_who_asked_confirms_no_delivery() -> None:
    asked = REQUESTED.model_copy(update={"requested_by": COUNSELLOR.person_id})
    GRANTS.given(asked, *UNTIL_PAID[2:]).when(ConfirmDelivery(number=1), COUNSELLOR).refused("four_eyes")


def test_a_refused_person_is_told_why_somebody_else_has_to_do_it() -> None:
    refusal = GRANTS.given(*ASKED).when(ENDORSE, REQUESTER).refusal
    assert refusal is not None
    assert refusal.sentence == "You asked for this grant, so somebody else has to endorse it."


def test_a_counsellor_is_told_that_the_case_is_theirs() -> None:
    refusal = GRANTS.given(*ASKED).when(ENDORSE, COUNSELLOR).refusal
    assert refusal is not None
    assert refusal.sentence == "You are the counsellor of this case, so somebody else has to endorse it."


def test_the_row_of_a_grant_names_who_wears_each_hat() -> None:
    grant = GRANT.fold(
        (*UNTIL_PAID, DELIVERED_1, TrancheReconciled(number=1, reconciled_by=RECONCILER.person_id, reconciled_at=NOON))
    )
    assert grant is not None
    assert (
        grant.requester_id,
        grant.endorser_id,
        grant.approver_id,
        grant.payer_id,
        grant.reconciler_id,
        grant.counsellor_id,
    ) == tuple(actor.person_id for actor in (REQUESTER, ENDORSER, APPROVER, PAYER, RECONCILER, COUNSELLOR))
    assert hats(grant) == {
        ("requester", REQUESTER.person_id),
        ("endorser", ENDORSER.person_id),
        ("approver", APPROVER.person_id),
        ("payer", PAYER.person_id),
        ("deliverer", OFFICE.person_id),
        ("reconciler", RECONCILER.person_id),
    }


def test_five_people_are_enough_and_four_are_not() -> None:
    five = (REQUESTER, ENDORSER, APPROVER, PAYER, RECONCILER)
    orders: tuple[Command, ...] = (
        ENDORSE,
        APPROVE,
        release(1),
        ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY),
        ConfirmDelivery(number=1),
        ReconcileTranche(number=1),
    )

    # Whoever is refused an order is refused it whoever would have given those that come after it.
    ways: list[tuple[tuple[Actor, ...], Given[Grant, GrantFacts]]] = [((), GRANTS.given(*ASKED))]
    for order in orders:
        ways = [
            ((*people, by), grant.given(*done.events))
            for people, grant in ways
            for by in five
            if (done := grant.when(order, by)).refusal is None
        ]
    assert ways
    for (endorser, approver, payer, confirmer, deliverer, reconciler), _ in ways:
        assert (
            len(
                {
                    REQUESTER.person_id,
                    endorser.person_id,
                    approver.person_id,
                    payer.person_id,
                    reconciler.person_id,
                }
            )
            == 5
        )
        assert confirmer == payer
        assert deliverer == REQUESTER
