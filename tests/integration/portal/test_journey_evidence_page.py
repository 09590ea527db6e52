"""A case's page tells a doctor and whoever books what was decided on somebody's health, and others that it was asked."""

import re
from datetime import date, timedelta

from services.returns.domain.case_evidence import FlagForMedical, RecordFitToTravel, RecordTransitVisa
from services.returns.domain.case_preparation import ConfirmBooking
from services.returns.wiring import WIRING
from shared.timers import look
from tests.given import NOON, staff
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns
from tests.integration.returns.mission import ANNA, ARRIVES, DEPARTS, OLEG

DECISION = "fit to travel, with conditions"
ASKED = "a decision on fitness to travel is asked for"


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_decision_is_shown_to_who_decides_and_who_books_and_its_flag_to_others(
    people: People, returns: Returns
) -> None:
    mission, attempt = returns.mission, await returns.mission.brought_to("preparing")
    person_id, page = attempt.ids[0], f"/cases/{attempt.id}"
    await mission.order(attempt.id, FlagForMedical(person_id=person_id), ANNA)
    doctor, operations, protection = people(), people(), people()
    await doctor.sign_in("medical")
    assert ASKED in (seen := await at(doctor, page)) and f"/do/returns/record_fit_to_travel/{attempt.id}" in seen
    assert "conditions" in await at(doctor, f"/do/returns/record_fit_to_travel/{attempt.id}")
    decision = RecordFitToTravel(
        person_id=person_id, outcome="fit_with_conditions", decided_at=NOON, valid_from=NOON.date(),
        valid_until=date(2030, 1, 1), conditions=("wheelchair",),
    )  # fmt: skip
    await mission.order(attempt.id, decision, staff("selma", "medical"))
    await operations.sign_in("operations")
    assert DECISION in (told := await at(operations, page)) and "a wheelchair" in told
    await protection.sign_in("protection")
    seen = await at(protection, page)
    assert ASKED in seen and DECISION not in seen and "wheelchair" not in seen


async def test_a_visa_is_shown_with_the_country_that_it_is_for_and_asked_for_by_that_of_the_booking(
    people: People, returns: Returns
) -> None:
    mission, attempt = returns.mission, await returns.mission.brought_to("preparing")
    booking = ConfirmBooking(
        departs_at=DEPARTS, arrives_at=ARRIVES, destination_country="TR", person_ids=attempt.ids, transit_country="AE"
    )
    await mission.order(attempt.id, booking, OLEG)
    operations = people()
    await operations.sign_in("operations")
    form = await at(operations, f"/do/returns/record_transit_visa/{attempt.id}")
    assert re.search(r'<option value="AE"[^>]* selected', form)
    visa = RecordTransitVisa(person_ids=attempt.ids, issued_at=NOON, valid_from=NOON.date(), valid_until=date(2030, 1, 1))
    await mission.order(attempt.id, visa, OLEG)
    assert "transit visa: United Arab Emirates" in await at(operations, f"/cases/{attempt.id}")


async def test_an_arrival_that_nobody_confirmed_stands_in_a_list_of_its_own(people: People, returns: Returns) -> None:
    mission, attempt = returns.mission, await returns.coming()
    await mission.depart(attempt)
    await look(mission.database.worker, "returns", WIRING.by_name, WIRING.timers, ARRIVES + timedelta(days=1))
    operations = people()
    await operations.sign_in("operations")
    assert f"/cases/{attempt.id}" in await at(operations, "/cases?whose=overdue")
    await mission.arrive(attempt)
    assert f"/cases/{attempt.id}" not in await at(operations, "/cases?whose=overdue")
