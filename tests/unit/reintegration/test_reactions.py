"""Which facts of returns reintegration answers, and with which orders."""

from datetime import UTC, datetime

import pytest

from services.reintegration.domain.case import (
    CASE,
    CaseFacts,
    RecordArrival,
    RecordCase,
    RecordCaseEnd,
    RecordProgramme,
    SealCase,
    UnsealCase,
)
from services.reintegration.reactions import REACTIONS
from shared.contracts.counselling import CoveredPerson
from shared.contracts.returns import (
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseReopened,
    CaseWithdrawn,
    ClosingRequested,
    PersonArrived,
    PreparationStarted,
)
from shared.messages import Command, Concealed, Context, Event, Order, Received
from tests.given import NOON
from tests.unit.reintegration.examples import ARRIVED_AT, CASE_ID, CHILD, COUNSELLOR, PERSON

CAUSE = Received(subject=CASE_ID, at=NOON, actor_id=COUNSELLOR.person_id)


def _orders(event: Event) -> tuple[Order, ...]:
    return REACTIONS[type(event)](event, CAUSE)


def _one_order(command: Command) -> tuple[Order, ...]:
    return (Order("case", CASE_ID, command),)


def test_an_opened_case_is_noted_with_every_person_of_it() -> None:
    opened = CaseOpened(
        case_ref="K7QM-2XRA",
        principal_id=PERSON,
        persons=(
            CoveredPerson(person_id=PERSON, sex="female", age_group="adult", country_of_origin="PK"),
            CoveredPerson(person_id=CHILD, sex="male", age_group="child", country_of_origin="PK"),
        ),
        destination_country="PK",
        counsellor_id=COUNSELLOR.person_id,
        expressed_at=datetime(2023, 2, 1, 8, 0, tzinfo=UTC),
    )
    assert _orders(opened) == _one_order(
        RecordCase(
            person_ids=(PERSON, CHILD), destination_country="PK", counsellor_id=COUNSELLOR.person_id, deciding_ids=(PERSON,)
        )
    )


def test_of_a_case_in_which_no_adult_goes_everybody_decides() -> None:
    opened = CaseOpened(
        case_ref="K7QM-2XRA", principal_id=PERSON, destination_country="PK", counsellor_id=COUNSELLOR.person_id,
        persons=tuple(
            CoveredPerson(person_id=one, sex="male", age_group="child", country_of_origin="PK") for one in (PERSON, CHILD)
        ),
        expressed_at=datetime(2023, 2, 1, 8, 0, tzinfo=UTC),
    )  # fmt: skip
    (order,) = _orders(opened)
    assert isinstance(order.command, RecordCase)
    noted = CASE.fold(CASE.decide(None, order.command, CaseFacts(), Context(COUNSELLOR, ARRIVED_AT)))
    assert noted is not None
    assert noted.whose_consent() == {PERSON, CHILD}


def test_the_programme_that_a_case_is_prepared_under_is_noted() -> None:
    started = PreparationStarted(programme="AVRR-WB", receiving_country="PK")
    assert _orders(started) == _one_order(RecordProgramme(programme="AVRR-WB"))


def test_a_case_that_is_taken_up_again_takes_grants_again() -> None:
    reopened = CaseReopened(reason="support_goes_on", person_ids=(PERSON,))
    assert _orders(reopened) == _one_order(UnsealCase())


def test_an_arrival_is_noted_with_the_time_at_which_it_happened() -> None:
    arrived = PersonArrived(person_id=PERSON, arrived_at=ARRIVED_AT, known_by="met")
    assert _orders(arrived) == _one_order(RecordArrival(person_id=PERSON, arrived_at=ARRIVED_AT))


@pytest.mark.parametrize(
    "event",
    [
        CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=(PERSON,)),
        CaseDeclaredIneligible(reason=Concealed.of("not_entitled"), person_ids=(PERSON,)),
        CaseLapsed(reason="no_contact", person_ids=(PERSON,)),
        CaseNotDeparted(person_ids=(PERSON,)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_way_in_which_a_case_ends_before_departure_ends_it_here(event: Event) -> None:
    assert _orders(event) == _one_order(RecordCaseEnd())


def test_a_request_to_close_asks_for_the_seal() -> None:
    assert _orders(ClosingRequested(reason="completed")) == _one_order(SealCase())


def test_an_end_whose_reason_is_known_only_by_its_digest_is_understood() -> None:
    salted = CaseWithdrawn(reason=Concealed.of("health").salted("salt"), person_ids=(PERSON,))
    from_the_stream = CaseWithdrawn.model_validate_json(salted.model_dump_json())
    assert _orders(from_the_stream) == _one_order(RecordCaseEnd())
