"""Finance takes its lists home, without JavaScript: after the key, as files that say what they know."""

from pathlib import Path

from playwright.async_api import Page, expect

from ops.browser import touch_key
from tests import xlsx
from tests.browser.conftest import Visits
from tests.browser.test_finance import at_desk, fit, opened
from tests.running import Mission

TAKE = "Take it as a spreadsheet (XLSX)"


async def taken(page: Page, link: str, name: str) -> dict[str, xlsx.Sheet]:
    async with page.expect_download() as to_come:
        await page.get_by_role("link", name=link).click()
    file = await to_come.value
    assert file.suggested_filename == f"avrr-{name}.xlsx"
    return xlsx.read(Path(await file.path()).read_bytes())


async def test_finance_takes_its_lists_home(mission: Mission, visits: Visits) -> None:
    fund = await opened(mission, "SHEET", "5000.00")
    page = await at_desk(mission, visits, "finance-reconciler")
    for path, name in (("/queue", "queue"), ("/grants?status=endorsed", "grants"), ("/funds", "funds")):
        await page.goto(mission.addresses.portal + path)
        sheets = await taken(page, TAKE, name)
        assert list(sheets)[-1] == "About"
        if name == "grants":
            assert sheets["About"].pairs()["Status"].value == "endorsed"
            assert {row[3] for row in sheets["Grants"].values()[1:]} <= {"endorsed"}
    lines = {row[0]: row for row in sheets["Funds"].values()}
    assert (lines[str(fund)][1], lines[str(fund)][5]) == ("SHEET", "5000.00")
    await fit(mission, visits, "finance-reconciler", "/exports/grants?status=endorsed", "/grants")


async def test_who_has_not_touched_the_key_does_so_first_and_the_download_begins_by_itself(mission: Mission, visits: Visits) -> None:
    page = await at_desk(mission, visits, "deputy", "/grants?status=endorsed")
    await page.get_by_role("link", name=TAKE).click()
    async with page.expect_download() as to_come:
        await touch_key(page)
        await expect(page.get_by_role("status")).to_contain_text("Your download begins by itself.")
    assert (await to_come.value).suggested_filename == "avrr-grants.xlsx"
    await page.goto(mission.addresses.portal + "/exports/rates")
    # Nothing begins from an address that somebody was sent.
    assert await page.get_by_role("status").count() == 0
    assert list(await taken(page, TAKE, "rates")) == ["Rates", "About"]


async def test_who_has_no_part_in_the_money_is_offered_no_spreadsheet_and_gets_none(mission: Mission, visits: Visits) -> None:
    page = await at_desk(mission, visits, "coordinator", "/grants")
    assert await page.get_by_role("link", name=TAKE).count() == 0
    answer = await page.goto(mission.addresses.portal + "/exports/grants/file")
    assert answer is not None and answer.status == 403
