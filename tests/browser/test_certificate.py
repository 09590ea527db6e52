"""The certificate of medical staff: found in their queue, given without scripts, read by who decides, who reads no diagnosis."""

from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from shared.ids import uuid7
from tests.browser.conftest import Visits
from tests.browser.test_finance import at_desk, fit
from tests.e2e.test_policy_matrix import Ground, ground
from tests.running import Mission
from tests.unit.shared.files.examples import png

OFFICE = "receiving-office-dz"


@pytest.fixture(scope="module")
async def asked(mission: Mission) -> Ground:
    """A family of which the mother needs treatment: a grant is asked for, with the prescription."""
    found = await ground(mission, "DZ", 82, ("medical", "business"))
    url = f"{mission.addresses.services['reintegration']}/v1/grants/{found.grant_id}/evidence/{uuid7()}?kind=prescription"
    bearer = f"Bearer {await mission.tokens.token(OFFICE)}"
    answer = await mission.client.put(url, content=png(), headers={"Authorization": bearer, "Content-Type": "image/png"})
    assert answer.is_success, answer.text
    return found


async def opened(mission: Mission, visits: Visits, persona: str, grant_id: UUID) -> Page:
    return await at_desk(mission, visits, persona, f"/grants/{grant_id}")


async def test_medical_staff_certify_what_waits_for_them_and_who_decides_reads_no_diagnosis(
    mission: Mission, visits: Visits, asked: Ground
) -> None:
    grant_id = asked.grant_id
    page = await opened(mission, visits, "coordinator", grant_id)
    await expect(page.locator("main")).to_contain_text("Medical staff have not certified yet")
    await expect(page.locator("main")).to_contain_text("treatment")
    await expect(page.locator("main")).not_to_contain_text("prescription")
    page = await at_desk(mission, visits, "medical")
    await page.locator(f'main a[href="/grants/{grant_id}"]').first.click()
    await expect(page.locator("main")).to_contain_text("prescription")
    await page.get_by_role("link", name="Certify need and price", exact=True).click()
    await page.locator('input[name="price_from.amount"]').fill("100")
    await page.locator('input[name="price_to.amount"]').fill("5000")
    await page.locator("button.main").click()
    await expect(page.get_by_text("Check what will be recorded.")).to_be_visible()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await page.goto(f"{mission.addresses.portal}/queue")
    assert await page.locator(f'main a[href="/grants/{grant_id}"]').count() == 0
    for persona in ("coordinator", "finance-approver"):
        page = await opened(mission, visits, persona, grant_id)
        for said in ("Medical certificate", "needed", "5,000.00 EUR", "staff:medical"):
            await expect(page.locator("main")).to_contain_text(said)
        await expect(page.locator("main")).not_to_contain_text("prescription")
    page = await at_desk(mission, visits, "coordinator", f"/do/reintegration/endorse_grant/{grant_id}")
    await expect(page.locator("main")).to_contain_text("needed, from 100.00 EUR to 5,000.00 EUR; by staff:medical")
    await fit(mission, visits, "medical", "/queue", f"/grants/{grant_id}")


async def test_medical_staff_find_no_grant_that_is_for_something_else(mission: Mission, visits: Visits, asked: Ground) -> None:
    other = await ground(mission, "EG", 81)
    page = await at_desk(mission, visits, "medical", "/grants")
    await expect(page.locator(f'main a[href="/grants/{asked.grant_id}"]').first).to_be_visible()
    assert await page.locator(f'main a[href="/grants/{other.grant_id}"]').count() == 0
    await page.goto(f"{mission.addresses.portal}/grants/{other.grant_id}")
    await expect(page.locator("main")).not_to_contain_text("Amount")
