"""The auditor at the event log, without JavaScript: finds what is known of a case, takes it home, and believes nobody."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.e2e.test_policy_matrix import Ground, ground
from tests.running import Mission


@pytest.fixture(scope="module")
async def travelled(mission: Mission) -> Ground:
    return await ground(mission, "TN", 78)


async def at_log(mission: Mission, visits: Visits, path: str = "/log", persona: str = "auditor") -> Page:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, persona)
    await page.goto(mission.addresses.portal + path)
    return page


async def test_the_chain_of_a_case_is_found_taken_home_and_verified_with_nothing_but_a_hash(
    mission: Mission, visits: Visits, travelled: Ground
) -> None:
    page = await at_log(mission, visits)
    await page.get_by_label("Id of a case").fill(str(travelled.case_id))
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="Everything about this id").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(str(travelled.case_id)[-6:])
    # She touched her key when she signed in, a moment ago.
    async with page.expect_download() as leaves_to_come:
        await page.get_by_role("link", name="Download the leaves").click()
    async with page.expect_download() as table_to_come:
        await page.get_by_role("link", name="Download a table").click()
    leaves, table = await leaves_to_come.value, await table_to_come.value
    assert leaves.suggested_filename == f"chain-{travelled.case_id}.ndjson"
    lines = Path(await leaves.path()).read_bytes().splitlines()
    rows = list(csv.DictReader(io.StringIO(Path(await table.path()).read_text(encoding="utf-8"), newline="")))

    said = {row["event_id"]: row for row in rows}
    for line in lines:
        told = json.loads(line)
        assert hashlib.sha256(b"\x00" + line).hexdigest() == said[told["id"]]["leaf_hash"]
        assert str(travelled.case_id).encode() in line
    kinds = {json.loads(line)["type"] for line in lines}
    assert {
        "avrr.counselling.intention.expressed.v1", "avrr.returns.case.opened.v1", "avrr.returns.case.departed.v1",
        "avrr.reintegration.plan.agreed.v1", "avrr.reintegration.grant.drafted.v1",
    } <= kinds  # fmt: skip
    # A leaf that was changed by one byte is found out.
    assert hashlib.sha256(b"\x00" + lines[0].replace(b"1", b"2", 1)).hexdigest() not in {row["leaf_hash"] for row in rows}
    # Each log's own order, and of each log all that the table has but what was read in between.
    for service in ("counselling", "returns", "reintegration"):
        own = [said[json.loads(line)["id"]] for line in lines if json.loads(line)["source"] == f"urn:avrr:{service}"]
        positions = [int(row["position"]) for row in own]
        assert positions == sorted(positions)
        others = {row["kind"] for row in rows if row["service"] == service and row not in own}
        assert others <= {f"avrr.{service}.access.record_read.v1"}

    event_id = next(json.loads(line)["id"] for line in lines if b"case.departed" in line)
    await page.goto(f"{mission.addresses.portal}/log/returns/{event_id}")
    await expect(page.locator("#leaf-hash")).to_have_text(said[event_id]["leaf_hash"])
    leaf = await page.locator("#leaf").text_content()
    assert leaf is not None and hashlib.sha256(b"\x00" + leaf.encode()).hexdigest() == said[event_id]["leaf_hash"]


async def test_the_log_is_narrowed_and_goes_on_page_by_page(mission: Mission, visits: Visits, travelled: Ground) -> None:
    page = await at_log(mission, visits)
    assert await page.locator("#found tbody tr").count() == 30
    first = await page.locator("#found tbody th a").evaluate_all("links => links.map(link => link.href)")
    async with page.expect_navigation():
        await page.get_by_role("link", name="More").click()
    following = await page.locator("#found tbody th a").evaluate_all("links => links.map(link => link.href)")
    assert following and not set(first) & set(following)
    await page.goto(f"{mission.addresses.portal}/log?id={travelled.case_id}")
    await page.get_by_label("Kind of event").select_option("avrr.returns.case.departed.v1")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("#found tbody tr")).to_have_count(1)
    await expect(page.locator("#found")).to_contain_text("staff:operations")
    for name, text, alert in (("Id of a case", "0190", "in five groups"), ("From day", "2. 5. 2023", "2023-05-02")):
        await page.goto(f"{mission.addresses.portal}/log")
        await page.get_by_label(name).fill(text)
        await page.get_by_role("button", name="Search").click()
        await expect(page.get_by_role("alert")).to_contain_text(alert)
        await expect(page.get_by_label(name)).to_have_value(text)


async def test_one_event_is_shown_whole_and_a_selection_comes_back_as_a_file(
    mission: Mission, visits: Visits, travelled: Ground
) -> None:
    page = await at_log(mission, visits, f"/log?id={travelled.case_id}&kind=avrr.returns.case.departed.v1")
    await page.locator("#found tbody th a").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Departed")
    await expect(page.locator("main")).to_contain_text("departed_at")
    await page.get_by_role("link", name="Every event that names its subject").click()
    await expect(page.get_by_label("Id of a case")).to_have_value(str(travelled.case_id))
    async with page.expect_download() as to_come:
        await page.get_by_role("link", name="NDJSON reintegration").click()
    lines = Path(await (await to_come.value).path()).read_bytes().splitlines()
    assert lines and all(json.loads(line)["source"] == "urn:avrr:reintegration" for line in lines)


@pytest.mark.parametrize("persona", ["counsellor-1", "manager"])
async def test_nobody_else_sees_the_log(mission: Mission, visits: Visits, persona: str) -> None:
    page = await at_log(mission, visits, persona=persona)
    await expect(page.locator("main")).to_contain_text("not")
    assert await page.locator("#found").count() == 0
    for path in ("/log/returns/01900000-0000-7000-8000-000000000001", "/log/chain/01900000-0000-7000-8000-000000000001/leaves?format=ndjson"):
        answer = await page.goto(mission.addresses.portal + path)
        assert answer is not None and answer.status == 403


@pytest.mark.parametrize("languages", ["en-GB", "ar-XB"])
async def test_its_pages_fit_everybody(mission: Mission, visits: Visits, travelled: Ground, languages: str) -> None:
    page = await visits.open(width=320, languages=languages)
    await sign_in(page, mission.addresses.portal, "auditor")
    for path in (f"/log?id={travelled.plan_id}", f"/log/chain/{travelled.plan_id}", "/log?id=x"):
        await page.goto(mission.addresses.portal + path)
        await assert_for_everybody(page)
    await page.goto(f"{mission.addresses.portal}/log?id={travelled.plan_id}")
    await page.locator("#found tbody th a").first.click()
    await expect(page.locator("#leaf-hash")).to_be_visible()
    await assert_for_everybody(page)
