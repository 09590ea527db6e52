"""The auditor at the integrity page and at one archived event, whose proof holds by the keys that are taken from there."""

import asyncio
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from shared.tlog.proofs import EntryProof
from shared.tlog.trust import TrustPolicy
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.running import Mission

# An archive takes an event, and a checkpoint covers it, within seconds; a busy machine takes longer.
WITHIN_SECONDS = 75


async def taken(page: Page, link: Locator) -> bytes:
    async with page.expect_download() as coming:
        await link.click()
    return Path(await (await coming.value).path()).read_bytes()


async def shows(page: Page, url: str, wanted: Locator) -> None:
    """Opens a page, again and again until it shows this."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            await page.goto(url)
            if await wanted.count():
                return


async def test_what_is_signed_is_seen_and_one_event_is_followed_up_to_it(mission: Mission, visits: Visits) -> None:
    page, portal = await visits.open(), mission.addresses.portal
    await sign_in(page, portal, "auditor")
    # Her own readings are events of the archive's log, so that there is one whatever else happened.
    await shows(page, f"{portal}/integrity", page.get_by_text("Every check passed"))
    await expect(page.get_by_text("Seen by the witness")).to_have_count(4)
    await assert_for_everybody(page)
    policy = TrustPolicy.of((await taken(page, page.get_by_role("link", name="C2SP tlog-policy"))).decode())

    answer = await mission.read("audit", "auditor", "/v1/archive?limit=1")
    event_id = answer.json()["items"][0]["id"]
    await shows(page, f"{portal}/archive/events/{event_id}", page.get_by_text("These steps lead from the event"))
    await assert_for_everybody(page)
    proof = EntryProof.of(await taken(page, page.get_by_role("link", name="Download the proof")))
    leaf = await taken(page, page.get_by_role("link", name="Download the leaf"))
    assert policy.checked(proof.note).size > proof.index and proof.holds_for(leaf)
    assert not proof.holds_for(leaf + b" ")
