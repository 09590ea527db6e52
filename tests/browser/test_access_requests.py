"""Data protection collects for a person what is held about them, without JavaScript, and takes it home."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from playwright.async_api import expect
from pypdf import PdfReader

from ops.demo_year.people import moment
from ops.screenshots import RIGHT_TO_LEFT
from services.counselling.domain.identity import RecordIdentity
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.e2e.test_policy_matrix import Ground, ground
from tests.running import Mission


@pytest.fixture(scope="module")
async def travelled(mission: Mission) -> Ground:
    at = await ground(mission, "TR", 79)
    identity = RecordIdentity(family_name="Yilmaz", given_names_own_script="عائشة", languages=("prs",))
    await mission.done("counselling", "coordinator", at.mother, identity, moment(47, 9))
    await mission.caller.drained()
    return at


async def test_what_is_held_is_looked_at_and_taken_home_twice(mission: Mission, visits: Visits, travelled: Ground) -> None:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, "data-protection")
    await page.get_by_role("link", name="Access requests").click()
    await page.get_by_label("Id of the person").fill("0190")
    await page.get_by_role("button", name="Collect it").click()
    await expect(page.get_by_role("alert")).to_contain_text("36 characters")
    await page.get_by_label("Id of the person").fill(str(travelled.mother))
    await page.get_by_role("button", name="Collect it").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("What will be told")
    # Dari was recorded, which is read in Persian.
    await expect(page.get_by_label("Language of the document")).to_have_value("fas")
    await expect(page.locator("main")).not_to_contain_text("Yilmaz")
    async with page.expect_download() as document_to_come:
        await page.get_by_role("button", name="Download the document").click()
    async with page.expect_download() as data_to_come:
        await page.get_by_role("button", name="Download the data").click()
    document, data = await document_to_come.value, await data_to_come.value
    assert document.suggested_filename.endswith("-fas.pdf")
    read = PdfReader(BytesIO(Path(await document.path()).read_bytes()))
    assert "Yilmaz" in " ".join(one.extract_text() for one in read.pages)
    told = json.loads(Path(await data.path()).read_text(encoding="utf-8"))
    assert told["person_id"] == str(travelled.mother)
    assert set(told["held"]) == {"counselling", "returns", "reintegration", "audit"}
    (case,) = told["held"]["returns"]["records"]["cases"]
    assert case["id"] == str(travelled.case_id)
    # All services have it on record under one id.
    for service in told["held"]:
        chain = await mission.read(service, "auditor", f"/v1/log/chain/{travelled.mother}")
        noted = [json.loads(line) for line in chain.text.splitlines() if '"read_held"' in line]
        assert told["correlation_id"] in {event["correlationid"] for event in noted}


async def test_what_would_be_told_fits_everybody(mission: Mission, visits: Visits, travelled: Ground) -> None:
    page = await visits.open(width=320, languages=RIGHT_TO_LEFT)
    await sign_in(page, mission.addresses.portal, "data-protection")
    await page.goto(f"{mission.addresses.portal}/access-requests")
    await page.get_by_label("Id of the person").fill(str(travelled.mother))
    await page.get_by_role("button", name="Collect it").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("What will be told")
    await assert_for_everybody(page)


async def test_it_is_for_data_protection_alone(mission: Mission, visits: Visits, travelled: Ground) -> None:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, "coordinator")
    assert await page.get_by_role("link", name="Access requests").count() == 0
    await page.goto(f"{mission.addresses.portal}/access-requests")
    await page.get_by_label("Id of the person").fill(str(travelled.mother))
    await page.get_by_role("button", name="Collect it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")
    assert await page.get_by_role("heading", name="What will be told").count() == 0
