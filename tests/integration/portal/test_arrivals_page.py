"""An office's arrivals with the real returns behind them: whom it was told of it confirms while counselling does not answer."""

import re

from services.portal.pages.naming import short
from shared.ids import uuid7
from tests.integration.portal.person import People
from tests.integration.portal.returns import Returns
from tests.integration.returns.mission import ARRIVES


async def test_an_office_without_the_page_of_a_case_reaches_the_confirmation_while_counselling_does_not_answer(
    people: People, returns: Returns
) -> None:
    told, unseen = await returns.coming(), await returns.coming()
    office = people()
    await office.sign_in("receiving-office-tr")
    arrivals = await office.get("/arrivals")
    case_ref = (await returns.mission.case(told.id)).case_ref
    assert arrivals.status_code == 200 and case_ref in arrivals.text
    # Of the other it had heard no more than that it is prepared.
    async with returns.mission.owner() as connection:
        await connection.execute("DELETE FROM arrival_notices WHERE case_id = $1", unseen.id)
    for attempt in (told, unseen):
        await returns.mission.depart(attempt)
    returns.register.away = True
    shown = await office.get("/arrivals")
    assert shown.status_code == 200
    links = re.findall(r'href="(/do/returns/confirm_arrival/[^"]+)"', shown.text)
    assert links == [f"/do/returns/confirm_arrival/{told.id}?person={person_id}" for person_id in told.ids]
    assert case_ref in shown.text and str(unseen.id) not in shown.text
    form = await office.get(links[1])
    assert form.status_code == 200 and short(told.ids[1]) in form.text
    sent = await office.post(
        links[1],
        {
            "arrived_at.day": f"{ARRIVES:%Y-%m-%d}", "arrived_at.time": "23:30", "known_by": "met", "step": "send",
            "key": str(uuid7()), "version": "",
        },
    )  # fmt: skip
    assert (sent.status_code, sent.headers["location"]) == (303, "/status")
    travel = {one.person_id: one.travel for one in (await returns.mission.case(told.id)).persons}
    assert travel == {told.ids[0]: "departed", told.ids[1]: "arrived"}
    left = re.findall(r"confirm_arrival/[^\"]+person=([^\"]+)", (await office.get("/arrivals")).text)
    assert left == [str(told.ids[0])]
    returns.register.away = False
    assert 'href="/do/' not in (await office.get("/arrivals")).text


async def test_staff_have_the_arrivals_whether_or_not_counselling_answers(people: People, returns: Returns) -> None:
    attempt = await returns.coming()
    returns.register.away = True
    somebody = people()
    await somebody.sign_in("operations")
    shown = await somebody.get("/arrivals")
    assert shown.status_code == 200 and str(attempt.id) in shown.text
