"""The auditor asks the archive: a case's chain, who looked at it, who was refused, what somebody should look at; without JavaScript."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.e2e.test_policy_matrix import Ground, ground
from tests.running import Mission

# An archive takes an event within seconds; a busy machine takes longer.
WITHIN_SECONDS = 75


@pytest.fixture(scope="module")
async def travelled(mission: Mission) -> Ground:
    """A case with a grant that somebody looked at and somebody was refused."""
    at = await ground(mission, "TN", 143)
    assert (await mission.read("returns", "coordinator", f"/v1/cases/{at.case_id}")).is_success
    assert (await mission.read("counselling", "operations", f"/v1/persons/{at.case_id}/held")).status_code == 403
    return at


async def at_page(mission: Mission, visits: Visits, path: str, *wanted: str) -> Page:
    """An auditor's page, opened again and again until it says all of this: each log comes into the archive by itself."""
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, "auditor")
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            await page.goto(mission.addresses.portal + path)
            await page.wait_for_load_state()
            found = [await page.locator("main").get_by_text(one).count() for one in wanted]
            if all(found):
                return page


async def test_a_case_is_followed_over_all_logs_to_a_proof(mission: Mission, visits: Visits, travelled: Ground) -> None:
    whole = ("Departed", "counselling", "returns", "reintegration", "Each cause that is named on this page")
    page = await at_page(mission, visits, f"/archive/cases/{travelled.case_id}", *whole)
    await expect(page.get_by_text("Each cause that is named on this page")).to_be_visible()
    rows = page.locator("#found tbody tr")
    await expect(rows.first).to_contain_text("Expressed")
    text = await page.locator("#found").inner_text()
    assert all(log in text for log in ("counselling", "returns", "reintegration"))
    # The case opened because somebody had expressed the wish.
    opened = rows.filter(has_text="Opened").first
    await expect(opened.get_by_role("link", name="Expressed")).to_have_attribute("href", "#" + str(await rows.first.get_attribute("id")))
    await opened.get_by_role("link", name="Opened").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Opened")


async def test_who_looked_at_a_case_and_who_was_refused_is_found_from_it(mission: Mission, visits: Visits, travelled: Ground) -> None:
    page = await at_page(mission, visits, f"/archive/readings?id={travelled.case_id}", "staff:coordinator")
    await page.goto(f"{mission.addresses.portal}/archive/cases/{travelled.case_id}")
    await page.get_by_role("link", name="Who looked at it").click()
    row = page.locator("#found tbody tr").filter(has_text="staff:coordinator").first
    await expect(row).to_contain_text("read case")
    await row.get_by_role("link", name="all of theirs").click()
    await expect(page.locator("#found tbody tr").filter(has_text="staff:counsellor")).to_have_count(0)
    page = await at_page(mission, visits, f"/archive/refusals?id={travelled.case_id}", "staff:operations")
    refused = page.locator("#found tbody tr")
    await expect(refused).to_have_count(1)
    await expect(refused).to_contain_text("staff:operations")
    await refused.get_by_role("link", name="not_permitted").click()
    await expect(page.get_by_label("Code")).to_have_value("not_permitted")


async def test_all_logs_are_searched_by_case_and_reason_and_lead_to_a_proof(mission: Mission, visits: Visits, travelled: Ground) -> None:
    page = await at_page(mission, visits, "/archive?reason=not_permitted", "not_permitted")
    await page.goto(mission.addresses.portal)
    await page.get_by_role("link", name="Search the archive of the logs").click()
    await page.get_by_label("Id of its case or person").fill(str(travelled.case_id))
    await page.get_by_label("Kind of event").select_option("avrr.returns.case.departed.v1")
    await page.get_by_role("button", name="Search").click()
    rows = page.locator("#found tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("staff:operations")
    await rows.get_by_role("link", name="Departed").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Departed")
    await expect(page.locator("#leaf")).to_contain_text(str(travelled.case_id))
    # What was typed stays, each fault stands beside its field, and the list of faults leads to it.
    await page.goto(f"{mission.addresses.portal}/archive?case={travelled.case_id}&actor=%22&reason=No+show")
    await expect(page.get_by_label("By whom")).to_have_accessible_description("This cannot be read. An actor is written such as staff:anna.")
    await expect(page.get_by_label("Code of the reason")).to_have_value("No show")
    await expect(page.get_by_label("Id of its case or person")).to_have_value(str(travelled.case_id))
    await page.get_by_role("alert").get_by_role("link", name="Code of the reason").click()
    assert page.url.endswith("#reason")


async def test_what_cannot_be_read_is_said_and_kept(mission: Mission, visits: Visits) -> None:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, "auditor")
    for path in ("readings", "refusals", "exceptions"):
        await page.goto(f"{mission.addresses.portal}/archive/{path}?id=0190&from=x")
        await expect(page.get_by_role("alert")).to_contain_text("in five groups")
        await expect(page.locator("#id")).to_have_value("0190")
        await page.goto(f"{mission.addresses.portal}/archive/{path}?actor=%22")
        await expect(page.get_by_role("alert")).to_contain_text("staff:anna")


@pytest.mark.parametrize("languages", ["en-GB", "ar-XB"])
async def test_its_pages_fit_everybody(mission: Mission, visits: Visits, travelled: Ground, languages: str) -> None:
    page = await visits.open(width=320, languages=languages)
    await sign_in(page, mission.addresses.portal, "auditor")
    pages = (f"/cases/{travelled.case_id}", "/readings", "/refusals", "/exceptions", "/exceptions?from=x", f"?case={travelled.case_id}", "?case=x&actor=%22&from=y")
    for path in pages:
        await page.goto(f"{mission.addresses.portal}/archive{path}")
        await expect(page.locator("main h1")).to_be_visible()
        await assert_for_everybody(page)


@pytest.mark.parametrize("path", ["", "/readings", "/refusals", "/exceptions", "/cases/01900000-0000-7000-8000-000000000001"])
async def test_nobody_else_sees_them(mission: Mission, visits: Visits, path: str) -> None:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, "manager")
    await expect(page.get_by_role("link", name="archive of the logs")).to_have_count(0)
    answer = await page.goto(f"{mission.addresses.portal}/archive{path}")
    assert answer is not None and answer.status == 403
