"""What reintegration notes when a family's case is split or joined: whom it holds, who decides, and whom a plan covers."""

from dataclasses import replace
from uuid import UUID

from services.reintegration.domain.case import (
    CASE,
    Case,
    CaseFacts,
    RecordArrival,
    RecordDeciding,
    RecordDeparture,
    RecordDepartureTakenBack,
    RecordPersonsJoined,
    RecordPersonsLeft,
    RecordStay,
)
from services.reintegration.domain.plan import PLAN, AgreePlan
from services.reintegration.domain.plan_state import PlanFacts
from services.reintegration.reactions import REACTIONS
from shared.contracts.corrections import DepartureCorrected
from shared.contracts.families import (
    AgeGroupNoted,
    CaseJoined,
    CaseSplitOff,
    FamilyJoined,
    FamilySplit,
    GoingOn,
)
from shared.contracts.noted_cases import (
    ArrivalNoted,
    CaseNoted,
    DecidingNoted,
    PersonsCame,
    PersonsLeft,
    StayNoted,
    StayTakenBack,
)
from shared.contracts.plans import PlanAgreed
from shared.contracts.returns import PersonDeparted, PersonWithdrew
from shared.messages import Order, Received
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    ARRIVED,
    CASE_ID,
    CHILD,
    COUNSELLOR,
    OFFICE,
    PERSON,
    STRANGER,
    TODAY,
)
from tests.unit.reintegration.test_plan import OWN_RECORDED, SHOP_LINE

NOTED = CaseNoted(
    person_ids=(PERSON, CHILD), destination_country="PK", counsellor_id=COUNSELLOR.person_id, deciding_ids=(PERSON,)
)
CAUSE = Received(subject=CASE_ID, at=NOON, actor_id="service:returns")


def noted(*events: PersonsLeft | PersonsCame | StayNoted | StayTakenBack | DecidingNoted) -> Case:
    case = CASE.fold((NOTED, *events))
    assert case is not None
    return case


def going_on(person_id: UUID) -> GoingOn:
    return GoingOn(person_id=person_id, sex="male", age_group="adult", country_of_origin="PK")


def test_who_goes_on_in_another_case_is_held_here_no_more_and_decides_nothing() -> None:
    case = Given(CASE, CaseFacts(0), (NOTED,))
    case.when(RecordPersonsLeft(person_ids=(PERSON, STRANGER)), COUNSELLOR).then(PersonsLeft(person_ids=(PERSON,)))
    left = noted(PersonsLeft(person_ids=(PERSON,)))
    assert (left.person_ids, left.deciding_ids) == ((CHILD,), ())
    case.given(PersonsLeft(person_ids=(PERSON,))).when(RecordPersonsLeft(person_ids=(PERSON,)), COUNSELLOR).then()


def test_who_comes_is_held_once_and_decides_if_they_are_an_adult() -> None:
    case = Given(CASE, CaseFacts(0), (NOTED,))
    joined = RecordPersonsJoined(person_ids=(STRANGER, PERSON), deciding_ids=(STRANGER,))
    case.when(joined, COUNSELLOR).then(PersonsCame(person_ids=(STRANGER,), deciding_ids=(STRANGER,)))
    came = noted(PersonsCame(person_ids=(STRANGER,), deciding_ids=(STRANGER,)))
    assert (came.person_ids, came.deciding_ids) == ((PERSON, CHILD, STRANGER), (PERSON, STRANGER))
    case.given(PersonsCame(person_ids=(STRANGER,), deciding_ids=(STRANGER,))).when(joined, COUNSELLOR).then()


def test_who_withdraws_is_held_no_more_and_decides_nothing_until_they_leave_all_the_same() -> None:
    stays, leaves, not_left = (of(person_id=PERSON) for of in (RecordStay, RecordDeparture, RecordDepartureTakenBack))
    stayed, went = StayNoted(person_id=PERSON), StayTakenBack(person_id=PERSON)
    case = Given(CASE, CaseFacts(0), (NOTED,))
    for order in (leaves, not_left, RecordStay(person_id=STRANGER)):
        case.when(order, COUNSELLOR).then()
    case.when(stays, COUNSELLOR).then(stayed)
    assert (noted(stayed).person_ids, noted(stayed).whose_consent()) == ((CHILD,), frozenset({CHILD}))
    case.given(stayed).when(stays, COUNSELLOR).then()
    case.given(stayed).when(not_left, COUNSELLOR).then()
    case.given(stayed).when(RecordDeparture(person_id=STRANGER), COUNSELLOR).then()
    # An arrival alone opens no way to money for somebody who stays, as far as is known.
    case.given(stayed).when(RecordArrival(person_id=PERSON, arrived_at=NOON), COUNSELLOR).then()
    case.given(stayed).when(leaves, COUNSELLOR).then(went)
    assert noted(stayed, went).person_ids == (CHILD, PERSON)
    assert noted(stayed, went).whose_consent() == {PERSON}
    case.given(stayed, went).when(leaves, COUNSELLOR).then()
    case.given(stayed, went).when(not_left, COUNSELLOR).then(stayed)
    assert noted(stayed, went, stayed) == noted(stayed)
    arrived = ArrivalNoted(person_id=PERSON, arrived_at=NOON)
    case.given(stayed, went, arrived).when(not_left, COUNSELLOR).then()


def test_who_stays_and_who_leaves_all_the_same_is_heard_from_returns() -> None:
    departed = PersonDeparted(person_id=PERSON, departed_at=NOON, cleared=False)
    corrected = DepartureCorrected(person_id=PERSON, corrected_by="other", corrected_at=NOON)
    for event, command in (
        (PersonWithdrew(person_id=PERSON), RecordStay(person_id=PERSON)),
        (departed, RecordDeparture(person_id=PERSON)), (corrected, RecordDepartureTakenBack(person_id=PERSON)),
    ):  # fmt: skip
        assert REACTIONS[type(event)](event, CAUSE) == (Order("case", CASE_ID, command),)


def test_each_fact_of_returns_about_a_family_is_noted() -> None:
    (begun,) = REACTIONS[CaseSplitOff](
        CaseSplitOff(
            case_ref="K7QW-2M9X-4RT", from_case_id=CASE_ID, principal_id=PERSON, persons=(going_on(PERSON),),
            destination_country="PK", counsellor_id=COUNSELLOR.person_id, expressed_at=NOON, last_contact_at=NOON,
            status="preparing",
        ),
        CAUSE,
    )  # fmt: skip
    assert begun.command.model_dump()["deciding_ids"] == (PERSON,)
    (left,) = REACTIONS[FamilySplit](FamilySplit(new_case_id=STRANGER, principal_id=PERSON, person_ids=(PERSON,)), CAUSE)
    assert left.command == RecordPersonsLeft(person_ids=(PERSON,))
    (came,) = REACTIONS[FamilyJoined](FamilyJoined(from_case_id=STRANGER, persons=(going_on(PERSON),)), CAUSE)
    assert came.command == RecordPersonsJoined(person_ids=(PERSON,), deciding_ids=(PERSON,))
    (ended,) = REACTIONS[CaseJoined](CaseJoined(into_case_id=STRANGER, person_ids=(PERSON,)), CAUSE)
    assert type(ended.command).__name__ == "RecordCaseEnd"


def test_a_plan_agreed_after_a_family_came_together_covers_everybody_of_the_case() -> None:
    case = replace(ARRIVED, person_ids=(PERSON, CHILD, STRANGER))
    plan = Given(PLAN, PlanFacts(case, today=TODAY), (OWN_RECORDED,))
    line = SHOP_LINE.model_copy(update={"person_id": STRANGER})
    (event,) = plan.when(AgreePlan(lines=(line,), agreed_on=TODAY, method="signed"), OFFICE).events
    assert isinstance(event, PlanAgreed)
    assert event.person_ids == (PERSON, CHILD, STRANGER)
    gone = Given(PLAN, PlanFacts(replace(ARRIVED, person_ids=(PERSON,)), today=TODAY), (OWN_RECORDED,))
    of_child = SHOP_LINE.model_copy(update={"person_id": CHILD})
    gone.when(AgreePlan(lines=(of_child,), agreed_on=TODAY, method="signed"), OFFICE).refused("line_for_a_stranger")


def test_whose_consent_a_case_goes_by_follows_who_is_a_child_after_all() -> None:
    case = Given(CASE, CaseFacts(), (NOTED,))
    event = AgeGroupNoted(person_id=CHILD, age_group="adult", deciding_ids=(PERSON, CHILD))
    (order,) = REACTIONS[AgeGroupNoted](event, CAUSE)
    assert order == Order("case", CASE_ID, RecordDeciding(deciding_ids=(PERSON, CHILD)))
    case.when(order.command, COUNSELLOR).then(DecidingNoted(deciding_ids=(PERSON, CHILD)))
    assert noted(DecidingNoted(deciding_ids=(PERSON, CHILD))).whose_consent() == {PERSON, CHILD}
    case.when(RecordDeciding(deciding_ids=(PERSON,)), COUNSELLOR).then()
    Given(CASE, CaseFacts()).when(RecordDeciding(deciding_ids=(PERSON,)), COUNSELLOR).then()
    # Where no adult is left, everybody's consent is asked.
    assert noted(DecidingNoted(deciding_ids=())).whose_consent() == {PERSON, CHILD}
