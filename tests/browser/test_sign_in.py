"""Signing in to the portal with a real browser's own ideas of cookies, redirects and scripts."""

import pytest

from ops.browser import sign_in
from tests.browser.conftest import Visits
from tests.running import Mission


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("name", ["counsellor-1", "finance-approver", "receiving-office-tr"])
async def test_somebody_signs_in_by_pages_only(mission: Mission, visits: Visits, name: str, scripts: bool) -> None:
    page = await visits.open(scripts=scripts)
    await sign_in(page, mission.addresses.portal, name)
    kept = {cookie["name"]: cookie for cookie in await page.context.cookies(mission.addresses.portal)}
    session = kept["__Host-avrr"]
    assert (session["httpOnly"], session["secure"], session["sameSite"], session["path"]) == (True, True, "Strict", "/")


async def test_somebody_signs_in_over_a_slow_network(mission: Mission, visits: Visits) -> None:
    page = await visits.open(slow=True)
    await sign_in(page, mission.addresses.portal, "counsellor-1")
