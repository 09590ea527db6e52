"""No action that is offered and no refusal tells a doubt of an age to whoever is not shown screening."""

import re

import pytest

from services.returns.domain.case import CASE
from services.returns.domain.case_application import SignDeclaration, SubmitApplication
from services.returns.domain.case_evidence import FlagForMedical
from services.returns.domain.case_families import SplitFamily
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_other_parent import AskForOtherParent, SettleOtherParent
from services.returns.domain.case_preparation import ClearToBoard, ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_supervision import RecordGuardian
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.policy import POLICY
from shared.actors import Actor
from shared.contracts.families import GuardianNoted
from shared.contracts.returns import (
    ReadyToTravel,
    ScreeningStarted,
)
from shared.messages import Command, Context, Event
from tests.given import NOON, SIGNED_IN
from tests.unit.returns.examples import (
    BEST,
    BOARDED_AT,
    BOOKED,
    CHILD,
    COORDINATOR,
    COUNSELLOR,
    DECLARED,
    FATHER,
    MOTHER,
    OPERATIONS,
    READY,
    SIGNED_AT,
    STRANGER,
    SUBMITTER,
    after,
    caught_up,
    covered,
    given,
    opened,
    ref,
    signed,
    told,
)
from tests.unit.returns.test_age_in_doubt import (
    BY_FATHER,
    CONFIRMED_BOTH,
    DOUBTED,
    FOR_YOUTH,
    SISTER,
    TWO,
    YOUTH,
    doubt,
    without,
)

DAY = SIGNED_AT.date()
# Everything whose answer could rest on whether somebody is an adult.
ABOUT_PERSONS: tuple[Command, ...] = tuple(
    order
    for one in (MOTHER, FATHER, CHILD)
    for order in (
        ConfirmVoluntariness(person_id=one, confirmed_at=NOON),
        SettleOtherParent(person_id=one, settled_by="custody_decision", settled_on=DAY),
        AskForOtherParent(person_id=one, not_settled="consent_withdrawn"),
        RecordGuardian(person_id=CHILD, guardian_id=one), RecordGuardian(person_id=one, guardian_id=STRANGER),
        *(
            SignDeclaration(person_id=one, signed_by=by, method="signature", language="urd", signed_at=SIGNED_AT)
            for by in (MOTHER, FATHER, STRANGER)
        ),
        FlagForMedical(person_id=one), WithdrawPerson(person_id=one), RecordDeparture(person_ids=(one,), departed_at=BOARDED_AT),
        *(
            SplitFamily(new_case_id=ref(50), person_ids=parting, principal_id=first)
            for parting in ((one,), (MOTHER, CHILD), (FATHER, CHILD), (MOTHER, FATHER), (MOTHER, FATHER, CHILD))
            for first in parting
        ),
    )
)
ORDERS = (*ABOUT_PERSONS, SubmitApplication(), ClearToBoard(), MarkReadyToTravel(), WithdrawCase())
ALONE_IN_DOUBT = opened(covered(MOTHER, "adult"))
NO_GUARDIANS = tuple(event for event in TWO if not isinstance(event, GuardianNoted))
# With each doubt the case of somebody recorded as adult beside nobody, a child, another adult, or both; before and once it is ready.
DOUBTS: tuple[tuple[Event, ...], ...] = (
    (ALONE_IN_DOUBT, ScreeningStarted(), DOUBTED), (*DECLARED, DOUBTED), (*DECLARED, DOUBTED, told(MOTHER, BEST), *BY_FATHER), (*BOOKED, DOUBTED), (*READY, DOUBTED), (*BOOKED, doubt(FATHER)),
    (*BOOKED, DOUBTED, doubt(FATHER)), (*READY, DOUBTED, doubt(FATHER)), TWO, (*TWO, ReadyToTravel()),
    (*NO_GUARDIANS, ReadyToTravel()), CONFIRMED_BOTH,
)  # fmt: skip


def may(reader: Actor, command: type[Command]) -> bool:
    operation = re.sub(r"(?<!^)(?=[A-Z])", "_", command.__name__).lower()
    return any(row.operation == operation and row.role in reader.roles for row in POLICY.rows)


def told_of(past: tuple[Event, ...], reader: Actor) -> dict[object, str | None]:
    """What somebody is told stands against whatever they may order: among the actions of the case, and as its answer."""
    case = given(*past).knowing(caught_up(NOON))
    offered = (rule.command for rule in CASE.rules if may(reader, rule.command))
    refused = {one: CASE.refusal(after(*past), one, case.facts, Context(reader, NOON, SIGNED_IN)) for one in offered}
    answers = {one: case.when(one, reader).refusal for one in ORDERS if may(reader, type(one))}
    return {one: refusal.code if refusal is not None else None for one, refusal in (*refused.items(), *answers.items())}


@pytest.mark.parametrize("reader", [OPERATIONS, COORDINATOR, SUBMITTER], ids=lambda reader: reader.person_id)
@pytest.mark.parametrize("past", DOUBTS, ids=range(len(DOUBTS)))
def test_no_action_and_no_refusal_tells_a_doubt_from_anything_else_that_screening_finds(
    past: tuple[Event, ...], reader: Actor
) -> None:
    record = tuple(event for event in past if event not in (DOUBTED, doubt(FATHER)))
    with_doubt, without = told_of(past, reader), told_of(record, reader)
    assert AskForOtherParent in with_doubt
    assert ConfirmVoluntariness in with_doubt or SplitFamily in with_doubt
    others = {
        one: (code, without[one]) for one, code in with_doubt.items()
        if code != without[one] and {"screening_not_settled", "screening_incomplete"}.isdisjoint((code, without[one]))
    }  # fmt: skip
    # For whom a guardian signs or confirms, a guardian does: by that answer the doubt is told to whoever tries it.
    assert set(map(type, others)) <= {ConfirmVoluntariness, SignDeclaration}
    assert set(others.values()) <= {(None, "only_adults_confirm"), (None, "adult_signs_in_person")}


def test_a_colleague_who_signs_and_submits_is_told_of_a_doubt_no_more_than_that_screening_is_open() -> None:
    own = SignDeclaration(person_id=YOUTH, signed_by=YOUTH, method="signature", language="urd", signed_at=SIGNED_AT)
    given(*without(FOR_YOUTH)).when(own, SUBMITTER).refused("screening_not_settled")
    applying = (*TWO[: TWO.index(FOR_YOUTH)], signed(YOUTH, YOUTH), signed(SISTER, STRANGER))
    given(*applying).when(SubmitApplication(), SUBMITTER).refused("screening_incomplete")
    given(*applying).when(SubmitApplication(), COUNSELLOR).refused("declaration_missing")
    given(*applying[:-1]).when(SubmitApplication(), SUBMITTER).refused("declaration_missing")
