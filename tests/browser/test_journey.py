"""One person's way through the pages alone, each step by its own persona: from registration to a grant accounted for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from playwright.async_api import Page, expect

from ops.browser import sign_in
from services.reintegration.domain.fund import OpenFund
from shared.ids import uuid7
from shared.money import Money
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits
from tests.running import Mission

HERE = ZoneInfo("Europe/Sarajevo")
NOW = datetime.now(UTC).astimezone(HERE)


@dataclass
class Walk:
    """The pages of several people, who hand each other addresses."""

    mission: Mission
    visits: Visits
    open_pages: dict[str, Page]

    async def of(self, persona: str) -> Page:
        if persona not in self.open_pages:
            page = await self.visits.open(scripts=False)
            await sign_in(page, self.mission.addresses.portal, persona)
            self.open_pages[persona] = page
        return self.open_pages[persona]

    async def go(self, persona: str, path: str) -> Page:
        page = await self.of(persona)
        await page.goto(self.mission.addresses.portal + path)
        return page

    async def do(self, persona: str, path: str, action: str, answers: Mapping[str, str | bool | datetime]) -> Page:
        """Follows an action from a page, answers its questions, checks them and sends."""
        page = await self.go(persona, path)
        await page.get_by_role("link", name=action, exact=True).first.click()
        for name, value in answers.items():
            await self.answer(page, name, value)
        await page.locator("button.main").click()
        if answers:
            await expect(page.get_by_text("Check what will be recorded.")).to_be_visible()
            await page.locator("button.main").click()
        await self.touched(page)
        await expect(page.get_by_role("status")).to_contain_text("recorded", timeout=20_000)
        return page

    async def answer(self, page: Page, name: str, value: str | bool | datetime) -> None:
        if isinstance(value, datetime):
            await page.locator(f'[name="{name}.day"]').fill(f"{value:%Y-%m-%d}")
            await page.locator(f'[name="{name}.time"]').fill(f"{value:%H:%M}")
        elif isinstance(value, bool):
            await page.locator(f'input[name="{name}"][value="{"yes" if value else "no"}"]').check()
        elif await page.locator(f'input[name="{name}"][type="radio"], input[name="{name}"][type="checkbox"]').count():
            await page.locator(f'input[name="{name}"][value="{value}"]').check()
        elif await page.locator(f'select[name="{name}"]').count():
            await page.locator(f'select[name="{name}"]').select_option(value)
        else:
            await page.locator(f'[name="{name}"]').fill(value)

    async def touched(self, page: Page) -> None:
        """If the security key was asked for, it is touched, and what was typed is sent once more."""
        key = page.get_by_role("button", name="Touch the key")
        if await key.count():
            await key.click()


def path_of(page: Page, resource: str) -> str:
    return re.sub(rf".*(/{resource}/[0-9a-f-]+).*", r"\1", page.url)


async def test_the_pages_lead_from_registration_to_a_grant_accounted_for(mission: Mission, visits: Visits) -> None:
    walk = Walk(mission, visits, {})
    case, plan = await _home(walk)
    await walk.do(
        "receiving-office-tr", plan, "Agree the plan", {"agreed_on": f"{NOW:%Y-%m-%d}"},
    )  # fmt: skip
    await mission.caller.drained()
    page = await walk.go("receiving-office-tr", plan)
    await page.get_by_role("link", name="Ask for a grant").first.click()
    await walk.answer(page, "modality", "in_kind_vendor")
    grant = path_of(page, "request_grant").replace("request_grant", "grants")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    fund = str(uuid7())
    opened = OpenFund(
        project="PAGES", donor="DONOR", granted=Money(amount=Decimal(5000), currency="EUR"),
        valid_from=NOW.date() - timedelta(days=30), valid_until=NOW.date() + timedelta(days=30),
    )  # fmt: skip
    await mission.done("reintegration", "manager", UUID(fund), opened, datetime.now(UTC))
    await walk.do("coordinator", grant, "Endorse", {})
    await walk.do("finance-approver", grant, "Approve", {"fund_id": fund})
    await walk.do("finance-payer", grant, "Release a tranche", {"number": "1"})
    await walk.do(
        "finance-payer", grant, "Confirm a payment",
        {"number": "1", "reference": f"PAGES-{fund[:8]}", "paid_on": f"{NOW:%Y-%m-%d}"},
    )  # fmt: skip
    await walk.do("receiving-office-tr", grant, "Confirm a delivery", {"number": "1"})
    await walk.do("finance-reconciler", grant, "Reconcile a tranche", {"number": "1"})
    page = await walk.go("finance-reconciler", grant)
    await expect(page.locator("dl.summary").first).to_contain_text("completed")
    for persona, path in (
        ("counsellor-3", "/"), ("counsellor-3", case), ("receiving-office-tr", "/cases"), ("finance-approver", "/grants"),
        ("finance-payer", grant), ("receiving-office-tr", "/status"), ("coordinator", plan), ("manager", "/funds"),
    ):  # fmt: skip
        await fit_for_everybody(walk, persona, path)


async def fit_for_everybody(walk: Walk, persona: str, path: str) -> None:
    """No fault that axe finds, nothing too wide at 320 px, in either direction."""
    for languages in ("en-GB", "ar-XB"):
        page = await walk.visits.open(width=320, languages=languages)
        await sign_in(page, walk.mission.addresses.portal, persona)
        await page.goto(walk.mission.addresses.portal + path)
        await expect(page.locator("html")).to_have_attribute("dir", "ltr" if languages == "en-GB" else "rtl")
        await assert_for_everybody(page)


async def _home(walk: Walk) -> tuple[str, str]:
    """Registration, session, wish, screening, application, approval, own plan, departure and arrival."""
    page = await walk.do(
        "counsellor-3", "/", "Register a person",
        {"sex": "female", "birth_year": "1990", "country_of_origin": "TR", "site": "trc_borici"},
    )  # fmt: skip
    person = path_of(page, "persons")
    given = NOW - timedelta(minutes=30)
    consent: dict[str, str | bool | datetime] = {
        "text_version": "2023-01", "language": "tur", "method": "signature", "given_at": given
    }  # fmt: skip
    await walk.do("counsellor-3", person, "Record a consent", {**consent, "consent": "data"})
    await walk.do(
        "counsellor-3", person, "Record a session with this person",
        {"session_type": "individual", "outcome": "intention_expressed", "held_at": NOW - timedelta(minutes=20)},
    )  # fmt: skip
    page = await walk.go("counsellor-3", person)
    await page.get_by_role("link", name="Record the wish to return").click()
    await walk.answer(page, "session_id", await page.locator('[name="session_id"]').first.get_attribute("value") or "")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await page.get_by_role("link", name="Go to the case").click()
    case = path_of(page, "cases")
    await walk.mission.caller.drained()
    await walk.do("counsellor-3", case, "Start screening", {})
    someone = person.rpartition("/")[2]
    await walk.do(
        "counsellor-3", case, "Record a screening",
        {"person_id": someone, "screened_at": NOW - timedelta(minutes=15), "alternatives_explained": True,
         "legal_consequences_explained": True, "voluntary": True},
    )  # fmt: skip
    await walk.do(
        "counsellor-3", case, "Record a signed declaration",
        {"person_id": someone, "signed_by": someone, "method": "signature", "language": "tur",
         "signed_at": NOW - timedelta(minutes=12)},
    )  # fmt: skip
    await walk.do("counsellor-3", case, "Submit the application", {})
    await walk.do("coordinator", case, "Approve the application", {})
    await walk.do(
        "counsellor-3", person, "Record a consent", {**consent, "consent": "transfer", "recipient_country": "TR"}
    )
    await walk.do("operations", case, "Start preparation", {"programme": "avrr-wb"})
    await walk.mission.caller.drained()
    await walk.do(
        "counsellor-3", case, "Record the own plan",
        {"lines.0.person_id": someone, "lines.0.dimension": "economic", "lines.0.category": "business",
         "lines.0.planned.amount": "900"},
    )  # fmt: skip
    await walk.do(
        "operations", case, "Record a departure", {"departed_at": NOW - timedelta(minutes=9), "person_ids": someone}
    )
    await walk.do(
        "receiving-office-tr", case, "Confirm an arrival",
        {"person_id": someone, "arrived_at": NOW - timedelta(minutes=4), "known_by": "met"},
    )  # fmt: skip
    await walk.mission.caller.drained()
    page = await walk.go("receiving-office-tr", case)
    await page.locator('a[href^="/plans/"]').first.click()
    return case, path_of(page, "plans")
