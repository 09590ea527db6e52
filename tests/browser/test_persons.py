"""Persons at the pages, without JavaScript: registered, found on another site, heard, wishing to return and withdrawing.

Nothing that says something about a person stands in the address of any request on the way.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from playwright.async_api import Page, Request, expect

from services.counselling.domain.family import RegisterFamily
from services.counselling.domain.person import RegisterPerson
from services.portal.pages.naming import short
from shared.contracts.counselling import FamilyMember
from shared.ids import uuid7
from tests.browser.axe import assert_fits_as_it_stands
from tests.browser.conftest import Visits, sign_in
from tests.browser.days import written
from tests.browser.test_bad_network import end_session
from tests.running import Mission

NOW = datetime.now(UTC)
# Nobody else in the tests' system comes from there.
COUNTRY, YEAR = "BT", "1961"
AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What else an address of the portal may hold, as a part of its path and as what it says beside.
OF_A_PATH = re.compile(r"[a-z_-]*|portal\.[0-9a-f]+\.css|htmx\.[0-9a-f]+\.js")
# The kinds of consent that are asked for here, and what a page says of itself after a sign-in that came between.
SAYS_NOTHING = ("data", "transfer", "file")


@dataclass
class Desk:
    """Counsellors at the pages without scripts, every address that they ask the portal for, and a second look at each page."""

    mission: Mission
    visits: Visits
    twin: Page
    seen: list[str] = field(default_factory=list)

    @property
    def portal(self) -> str:
        return self.mission.addresses.portal

    async def arrived(self, persona: str, *, scripts: bool = False) -> Page:
        page = await self.visits.open(scripts=scripts)
        page.context.on("request", self.note)
        await sign_in(page, self.portal, persona)
        return page

    async def follow(self, page: Page, name: str) -> None:
        """Follows a link or button of this name, and looks at the page that it leads to as everybody might."""
        found = page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name))
        async with page.expect_navigation():
            await found.first.click()
        await self.look_at(page)

    async def look_at(self, page: Page) -> None:
        await assert_fits_as_it_stands(page, self.twin)

    async def look_for(self, page: Page, year: str) -> None:
        """Finds who was born in this year, from the page where one begins."""
        await page.goto(f"{self.portal}/persons")
        await self.look_at(page)
        await asked(page, year)
        await self.follow(page, "Find")

    async def send(self, page: Page) -> None:
        """Checks the answers of a form, looks at that page too, and sends it."""
        await page.wait_for_load_state()
        if await page.get_by_role("button", name="Check the answers").count():
            await self.follow(page, "Check the answers")
        await page.locator("button.main").click()
        await expect(page.get_by_role("status")).to_contain_text("recorded")
        await self.look_at(page)

    def telling(self) -> list[str]:
        """Addresses with anything in them but names of pages, opaque ids, the kind of a consent, and that a file is chosen again."""
        return [url for url in self.seen if tells(url)]

    def note(self, request: Request) -> None:
        """Keeps the address of a request to the portal."""
        if request.url.startswith(self.portal):
            self.seen.append(request.url)


def tells(url: str) -> bool:
    parts = urlsplit(url)
    if any(not (AN_ID.fullmatch(part) or OF_A_PATH.fullmatch(part)) for part in parts.path.split("/")):
        return True
    said = dict(parse_qsl(parts.query))
    if parts.path == "/signed-in":
        return not said.keys() <= {"code", "state", "iss"}
    if parts.path == "/sign-in":
        return said.keys() != {"return_to"} or tells(said["return_to"])
    return any(not (AN_ID.fullmatch(value) or value in SAYS_NOTHING) for value in said.values())


@pytest.fixture
async def desk(mission: Mission, visits: Visits) -> Desk:
    return Desk(mission, visits, await visits.open())


async def at(page: Page, name: str, moment: datetime) -> None:
    day, clock = written(moment)
    await page.locator(f'[name="{name}.day"]').fill(day)
    await page.locator(f'[name="{name}.time"]').fill(clock)


async def heard_alone(page: Page, outcome: str) -> None:
    """Fills in the form of a session in which nobody else was present."""
    await page.locator('[name="present"][value="alone"]').check()
    await page.locator('[name="outcome"]').select_option(outcome)
    await at(page, "held_at", NOW - timedelta(minutes=20))


async def asked(page: Page, year: str) -> None:
    await page.locator("#country_of_origin").select_option(COUNTRY)
    await page.locator("#birth_year").fill(year)


async def test_a_person_is_registered_found_elsewhere_heard_and_may_wish_and_withdraw(desk: Desk) -> None:
    page = await desk.arrived("counsellor-3")
    await desk.look_for(page, YEAR)
    await expect(page.get_by_text("No such person is registered.")).to_be_visible()
    await desk.follow(page, "Register a person")
    await expect(page.locator('[name="birth_year"]')).to_have_value(YEAR)
    await page.locator('input[name="sex"][value="female"]').check()
    await desk.send(page)
    person = urlsplit(page.url).path
    await desk.follow(page, "Record a consent: data processing")
    await page.locator('[name="language"]').select_option("eng")
    await page.locator('input[name="method"][value="signature"]').check()
    await at(page, "given_at", NOW - timedelta(minutes=30))
    await desk.send(page)
    assert urlsplit(page.url).path == person

    page = await desk.arrived("counsellor-4")
    await desk.look_for(page, YEAR)
    await desk.follow(page, f"female, {YEAR}, Bhutan")
    assert urlsplit(page.url).path == person
    await desk.follow(page, "Record a session with this person")
    await heard_alone(page, "intention_expressed")
    await desk.send(page)
    await desk.follow(page, "Record the wish to return")
    await page.locator('[name="session_id"]').first.check()
    await desk.send(page)
    await desk.mission.caller.drained()
    await page.goto(desk.portal + person)
    await expect(page.get_by_role("link", name="Record the wish to return")).to_have_count(0)
    case = await page.get_by_role("link", name="Go to the case").get_attribute("href") or ""
    reference = await page.get_by_role("link", name="Go to the case").locator("span").inner_text()
    await page.goto(f"{desk.portal}/persons")
    await page.locator("#reference").fill(reference.lower())
    await desk.follow(page, "Open")
    assert urlsplit(page.url).path == case
    await page.goto(f"{desk.portal}/persons")
    await page.locator("#reference").fill("X" * len(reference))
    await desk.follow(page, "Open")
    await expect(page.get_by_role("alert")).to_contain_text("No case has this reference.")
    await page.goto(desk.portal + person)
    await desk.follow(page, "Withdraw")
    await page.get_by_label("changed mind").check()
    await desk.send(page)
    assert urlsplit(page.url).path == case
    await expect(page.locator("dl.summary").first).to_contain_text("withdrawn")
    await desk.mission.caller.drained()
    await page.goto(desk.portal + person)
    await expect(page.get_by_role("link", name="Go to the case")).to_have_count(0)
    await expect(page.get_by_role("link", name="Schedule a session with this person")).to_be_visible()
    assert len(desk.seen) > 20
    assert desk.telling() == []


async def test_a_family_is_put_together_and_each_member_leads_to_the_others(desk: Desk) -> None:
    people = [await registered(desk.mission, 1962), await registered(desk.mission, 1962)]
    page = await desk.arrived("counsellor-3")
    await page.goto(f"{desk.portal}/persons/{people[0]}")
    await desk.follow(page, "Register a family")
    await asked(page, "1962")
    await desk.follow(page, "Find")
    await desk.follow(page, f"Add to a family {short(people[1])}")
    await desk.follow(page, "Register them as a family")
    await page.locator('[name="members.1.relation"][value="spouse"]').check()
    await desk.send(page)
    members = page.locator("main section")
    await expect(members).to_have_count(2)
    await members.last.get_by_role("heading").get_by_role("link").click()
    await desk.follow(page, str(people[0])[-6:])
    assert urlsplit(page.url).path == f"/persons/{people[0]}"
    assert desk.telling() == []


async def test_a_member_leaves_a_family_and_another_joins_it(desk: Desk) -> None:
    mission, family_id = desk.mission, uuid7()
    people = [await registered(mission, 1969) for _ in range(3)]
    order = RegisterFamily(
        members=(
            FamilyMember(person_id=people[0], relation="principal"), FamilyMember(person_id=people[1], relation="spouse"),
        )
    )  # fmt: skip
    await mission.done("counselling", "counsellor-3", family_id, order, NOW)
    page = await desk.arrived("counsellor-3")
    await page.goto(f"{desk.portal}/families/{family_id}")
    members = page.locator("main section")
    await page.get_by_role("link", name=f"Remove a member {short(people[1])}").click()
    await page.locator('[name="reason"][value="separated"]').check()
    await desk.send(page)
    await expect(members).to_have_count(1)
    await page.get_by_role("link", name="Add a member").click()
    await asked(page, "1969")
    await desk.follow(page, "Find")
    await page.get_by_role("link", name=f"Add to this family {short(people[2])}").click()
    await page.locator('[name="relation"][value="other_dependant"]').check()
    await page.locator('[name="reason"][value="united"]').check()
    await desk.send(page)
    await expect(members).to_have_count(2)
    await expect(members.last).to_contain_text("other dependant")
    assert desk.telling() == []


@pytest.mark.parametrize("scripts", [False, True])
async def test_more_persons_follow_by_a_form(desk: Desk, scripts: bool) -> None:
    year = 1963 + scripts
    for _ in range(51):
        await registered(desk.mission, year)
    page = await desk.arrived("counsellor-3", scripts=scripts)
    await desk.look_for(page, str(year))
    await expect(page.locator("tbody tr")).to_have_count(50)
    await page.get_by_role("button", name="More").click()
    await expect(page.locator("tbody tr")).to_have_count(51 if scripts else 1)
    await expect(page.get_by_role("button", name="More")).to_have_count(0)
    assert desk.telling() == []


async def test_what_was_looked_for_is_found_after_a_sign_in_came_between(desk: Desk) -> None:
    someone = await registered(desk.mission, 1970)
    page = await desk.arrived("counsellor-3")
    await page.goto(f"{desk.portal}/persons")
    await asked(page, "1970")
    await end_session(desk.mission, page)
    await page.get_by_role("button", name="Find").click()
    await expect(page.locator(f'a[href="/persons/{someone}"]')).to_be_visible()
    assert desk.telling() == []


async def registered(mission: Mission, year: int) -> UUID:
    person_id = uuid7()
    order = RegisterPerson(sex="male", birth_year=year, country_of_origin=COUNTRY, site="trc_lipa")
    await mission.done("counselling", "counsellor", person_id, order, NOW)
    return person_id
