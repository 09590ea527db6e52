"""At the pages a wrong year of birth is corrected by whoever may, with the real counselling behind them."""

import re

from fastapi import FastAPI

from services.portal.pages import persons
from shared.ids import uuid7
from tests.integration.portal.person import People, Portal
from tests.integration.portal.test_registering import counselling

__all__ = ["counselling"]


async def test_the_page_of_a_person_leads_to_the_order_that_corrects_their_year_of_birth(
    portal: Portal, people: People, counselling: FastAPI
) -> None:
    portal.app.include_router(persons.router)
    counsellor, person_id = people(), uuid7()
    await counsellor.sign_in("counsellor-3")
    registered = {"sex": "female", "birth_year": "1991", "country_of_origin": "BT", "site": "trc_lipa"}
    again = {"key": str(uuid7()), "version": ""}
    path = f"/do/counselling/register_person/{person_id}"
    assert (await counsellor.post(path, {**registered, "step": "send", **again})).status_code == 303

    order = f"/do/counselling/correct_birth_year/{person_id}"
    assert f'href="{order}"' in (await counsellor.get(f"/persons/{person_id}")).text
    form = (await counsellor.get(order)).text
    assert "Correct the year of birth" in form
    for reason in ("misunderstood", "document_seen", "person_asked", "recorded_by_mistake"):
        assert f'value="{reason}"' in form
    assert 'value="misspelt"' not in form and 'value="changed_since"' not in form
    version = re.search(r'name="version" value="([^"]*)"', form)
    assert version is not None
    sent = {"birth_year": "2010", "reason": "document_seen", "key": str(uuid7()), "version": version[1].replace("&#34;", '"')}
    done = await counsellor.post(order, {**sent, "step": "send"})
    assert (done.status_code, done.headers["location"]) == (303, f"/persons/{person_id}")
    assert "<dd>2010</dd>" in (await counsellor.get(f"/persons/{person_id}")).text
