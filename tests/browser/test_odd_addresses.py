"""Addresses and fields that nobody would write by hand end in a page that says so, never in a fault of ours."""

import pytest

from shared.ids import uuid7
from tests.browser.conftest import Visits, sign_in
from tests.running import Mission

ODD = (
    "/do/counselling/hold_session/{id}?person=nobody",
    "/do/counselling/express_intention/{id}?person=%00",
    "/do/reintegration/record_own_plan/{id}?case=../x",
    "/do/reintegration/draft_grant/{id}?plan=1&line=2",
    "/do/returns/no_such_thing/{id}",
    "/do/nowhere/approve_case/{id}",
    "/cases/{id}",
    "/cases/not-an-id",
    "/cases?after=not-an-id",
    "/status?case_ref=..%2F..%2Fx",
    "/funds/not-an-id",
    "/report?year=%00",
    "/grants/{id}/evidence",
    "/grants/{id}/evidence?again=..%2F..%2Fx",
    "/grants/{id}/evidence/{id}",
    "/grants/{id}/evidence/not-an-id",
    "/no-such-page",
)


@pytest.mark.parametrize("path", ODD)
async def test_an_odd_address_is_answered_by_a_page(mission: Mission, visits: Visits, path: str) -> None:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, "counsellor-3")
    answer = await page.goto(mission.addresses.portal + path.replace("{id}", str(uuid7())))
    assert answer is not None
    assert answer.status < 500
    assert answer.headers["content-type"].startswith("text/html")
    assert await page.get_by_role("heading", level=1).count() == 1
