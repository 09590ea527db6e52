"""A reception centre's network: slow, broken off, answers lost; nothing is recorded twice and nothing typed is gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from playwright.async_api import Page, expect

from services.portal.sessions import COOKIE, hashed
from shared.ids import uuid7
from tests.browser.conftest import Visits, sign_in
from tests.browser.days import written
from tests.browser.relay import Relay, open_relay
from tests.running import Mission

DAY, CLOCK = written(datetime.now(UTC).replace(second=0) - timedelta(minutes=30))
PERSONA = "counsellor-3"
RELOADS = 5


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with open_relay() as opened:
        yield opened


async def arrive(page: Page, address: str) -> None:
    """Opens a page as somebody with a bad network does: once more when nothing came."""
    for _ in range(RELOADS):
        try:
            await page.goto(address)
        except Exception as error:
            if "ERR_" not in str(error):
                raise
        else:
            return
    raise AssertionError("nothing came")


async def fill_in(page: Page) -> None:
    await page.locator('[name="session_type"][value="individual"]').check()
    await page.locator('[name="present"][value="alone"]').check()
    await page.locator('[name="outcome"]').select_option("information_only")
    await page.locator('[name="held_at.day"]').fill(DAY)
    await page.locator('[name="held_at.time"]').fill(CLOCK)


async def events_of(mission: Mission, id: UUID) -> int:
    """How many facts counselling has recorded of this session."""
    connection = await connected(mission, "counselling")
    found: int = await connection.fetchval("SELECT count(*) FROM event_log WHERE subject = $1", id)
    await connection.close()
    return found


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_a_form_whose_answer_was_lost_is_sent_again_and_recorded_once(
    mission: Mission, visits: Visits, relay: Relay, scripts: bool
) -> None:
    id = uuid7()
    page = await visits.open(scripts=scripts, slow=True, relay=relay.address)
    await sign_in(page, mission.addresses.portal, PERSONA)
    with relay.breaking(2):
        await arrive(page, f"{mission.addresses.portal}/do/counselling/hold_session/{id}")
    assert relay.broken
    await fill_in(page)
    await page.locator("button.main").click()
    await expect(page.get_by_text("Check what will be recorded.")).to_be_visible()
    with relay.losing_answers():
        await page.locator("button.main").click()
        await page.wait_for_url("chrome-error://**")
    assert relay.lost
    assert await events_of(mission, id) == 1
    await page.reload()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    assert await events_of(mission, id) == 1


async def test_what_was_typed_outlasts_a_sign_in_that_ended_meanwhile(mission: Mission, visits: Visits) -> None:
    id = uuid7()
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, PERSONA)
    await page.goto(f"{mission.addresses.portal}/do/counselling/hold_session/{id}")
    await fill_in(page)
    await end_session(mission, page)
    await page.locator("button.main").click()
    await expect(page.locator('[name="held_at.time"]')).to_have_value(CLOCK)
    await expect(page.locator('[name="outcome"]')).to_have_value("information_only")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    assert await events_of(mission, id) == 1


async def end_session(mission: Mission, page: Page) -> None:
    """As if nobody had touched this browser for longer than a session lasts."""
    cookies = await page.context.cookies(mission.addresses.portal)
    value = next(cookie["value"] for cookie in cookies if cookie["name"] == COOKIE)
    connection = await connected(mission, "portal")
    ended = await connection.execute(
        "UPDATE browser_sessions SET expires_at = now() WHERE id_hash = $1", hashed(value)
    )
    await connection.close()
    assert ended == "UPDATE 1"


async def connected(mission: Mission, database: str) -> "asyncpg.Connection[asyncpg.Record]":
    server = mission.running.postgres
    return await asyncpg.connect(server.url_for(database, server.user, server.password))
