"""Every page of the list, as everybody finds it: for axe, at 320 px, by keyboard, from right to left, on a slow line."""

from itertools import groupby

import pytest
from playwright.async_api import expect

from ops.screenshots import PAGES, RIGHT_TO_LEFT, Shot
from tests.browser.axe import assert_for_everybody, assert_reachable
from tests.browser.budget import first_view
from tests.browser.conftest import Visits, sign_in
from tests.running import Mission

# A page that is reached by a link needs a case or a grant, which the journey's own tests make.
BY_PERSON = [
    (persona, [shot for shot in shots if not shot.follow])
    for persona, shots in groupby(PAGES, key=lambda shot: shot.persona)
]


@pytest.mark.parametrize("language", ["en-GB", RIGHT_TO_LEFT])
@pytest.mark.parametrize(("persona", "shots"), BY_PERSON, ids=[persona or "nobody" for persona, _ in BY_PERSON])
async def test_every_page_is_for_everybody(
    mission: Mission, visits: Visits, persona: str | None, shots: list[Shot], language: str
) -> None:
    page = await visits.open(languages=language)
    if persona is not None:
        await sign_in(page, mission.addresses.portal, persona)
    for shot in shots:
        async with first_view(page) as view:
            answer = await page.goto(f"{mission.addresses.portal}{shot.path}")
        assert answer is not None and answer.ok, shot.name
        assert view.bytes and view.requests and view.faults() == [], shot.name
        await (assert_for_everybody if language == "en-GB" else assert_reachable)(page)


async def test_the_menu_is_folded_where_there_is_little_room_and_opens_by_keyboard_without_scripts(
    mission: Mission, visits: Visits
) -> None:
    narrow, wide = await visits.open(width=320, scripts=False), await visits.open(scripts=False)
    for page in (narrow, wide):
        await sign_in(page, mission.addresses.portal, "finance-reconciler")
    menu, pages = narrow.locator("summary", has_text="Menu"), narrow.get_by_role("navigation", name="Pages")
    await expect(pages).to_be_hidden()
    await menu.focus()
    await narrow.keyboard.press("Enter")
    await expect(pages).to_be_visible()
    await narrow.get_by_role("link", name="Open items", exact=True).press("Enter")
    await expect(narrow.get_by_role("heading", level=1)).to_have_text("Open items")
    await expect(pages).to_be_hidden()
    await expect(wide.get_by_role("navigation", name="Pages")).to_be_visible()
    await expect(wide.locator("summary", has_text="Menu")).to_be_hidden()
    await wide.get_by_role("link", name="Open items", exact=True).click()
    await expect(wide.get_by_role("heading", level=1)).to_have_text("Open items")
