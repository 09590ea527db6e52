"""One person's way through the pages alone, each step by its own persona: from registration to a grant accounted for."""

import asyncio
import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import FilePayload, Page, expect

from shared.ids import uuid7
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.browser.days import today, written
from tests.running import Mission
from tests.unit.shared.files.examples import pdf

NOW = datetime.now(UTC)


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
        await page.wait_for_url("**/do/**")
        for name, value in answers.items():
            await self.answer(page, name, value)
        await self.send(page)
        return page

    async def send(self, page: Page) -> None:
        """Sends what a page asks for, after a look at the answers where there were questions."""
        await page.wait_for_load_state()
        if await page.get_by_role("button", name="Check the answers").count():
            await page.locator("button.main").click()
            await expect(page.get_by_text("Check what will be recorded.")).to_be_visible()
        await page.locator("button.main").click()
        await self.touched(page)
        await expect(page.get_by_role("status")).to_contain_text("recorded", timeout=20_000)

    async def answer(self, page: Page, name: str, value: str | bool | datetime) -> None:
        # What is there is counted, which waits for nothing: a page that is still arriving would have none of it.
        await page.wait_for_load_state()
        if isinstance(value, datetime):
            day, clock = written(value)
            await page.locator(f'[name="{name}.day"]').fill(day)
            await page.locator(f'[name="{name}.time"]').fill(clock)
        elif isinstance(value, bool):
            await page.locator(f'input[name="{name}"][value="{"yes" if value else "no"}"]').check()
        elif await page.locator(f'input[name="{name}"][type="radio"], input[name="{name}"][type="checkbox"]').count():
            exact = page.locator(f'input[name="{name}"][value="{value}"]')
            await (exact if await exact.count() else page.get_by_label(value)).first.check()
        elif await page.locator(f'select[name="{name}"]').count():
            chosen = page.locator(f'select[name="{name}"]')
            exact = chosen.locator(f'option[value="{value}"]')
            option = exact if await exact.count() else chosen.locator("option", has_text=value)
            await chosen.select_option(await option.get_attribute("value"))
        else:
            await page.locator(f'[name="{name}"]').fill(value)

    async def touched(self, page: Page) -> None:
        """If the security key was asked for, it is touched, and what was typed is sent once more."""
        await page.wait_for_load_state()
        key = page.get_by_role("button", name="Touch the key")
        if await key.count():
            await key.click()
            await page.locator("button.main").click()


def path_of(page: Page, resource: str) -> str:
    return re.sub(rf".*(/{resource}/[0-9a-f-]+).*", r"\1", page.url)


# Some forty pages and their looks by everybody; a busy machine takes its time.
async def test_the_pages_lead_from_registration_to_a_grant_accounted_for(mission: Mission, visits: Visits) -> None:
    walk = Walk(mission, visits, {})
    case, plan = await _home(walk)
    project = f"PAGES-{uuid7().hex[-8:]}"
    await walk.do(
        "manager", "/funds", "Open a fund",
        {"project": project, "donor": "DONOR", "granted.amount": "5000", "valid_from": f"{NOW - timedelta(days=30):%Y-%m-%d}",
         "valid_until": f"{NOW + timedelta(days=30):%Y-%m-%d}"},
    )  # fmt: skip
    page = await walk.go("chief-of-mission", "/funds")
    await page.get_by_role("link", name=project).first.click()
    await walk.do("chief-of-mission", path_of(page, "funds"), "Confirm", {})
    await walk.do(
        "receiving-office-tr", plan, "Agree the plan", {"agreed_on": str(today()), "method": "signed"},
    )  # fmt: skip
    await mission.caller.drained()
    page = await walk.go("receiving-office-tr", plan)
    await page.get_by_role("link", name="Ask for a grant").first.click()
    await walk.answer(page, "modality", "in_kind_vendor")
    await walk.answer(page, "budget_lines.0.what", "equipment")
    grant = path_of(page, "draft_grant").replace("draft_grant", "grants")
    await walk.send(page)
    await walk.do("receiving-office-tr", grant, "Submit the request", {})
    await walk.do("coordinator", grant, "Endorse", {})
    await walk.do("finance-approver", grant, "Approve", {"fund_id": project})
    await _payable(walk)
    await walk.do("finance-payer", grant, "Release a tranche", {"number": "1", "payee_id": "V-PAGES", "method": "office_account"})
    await walk.do(
        "finance-payer", grant, "Confirm a payment",
        {"number": "1", "reference": project, "paid_on": str(today())},
    )  # fmt: skip
    await file_receipt(walk, grant)
    await walk.do("receiving-office-tr", grant, "Confirm a delivery", {"number": "1"})
    page = await walk.go("finance-reconciler", grant)
    await expect(page.get_by_role("row", name="receipt …")).to_contain_text("receiving office")
    await walk.do("finance-reconciler", grant, "Reconcile a tranche", {"number": "1"})
    page = await walk.go("finance-reconciler", grant)
    await expect(page.locator("dl.summary").first).to_contain_text("completed")
    await _closed_and_taken_up_again(walk, case)
    await _taken_home(walk, case)
    for persona, path in (
        ("counsellor-3", "/"), ("counsellor-3", case), ("receiving-office-tr", "/cases"), ("finance-approver", "/grants"),
        ("finance-payer", grant), ("receiving-office-tr", "/status"), ("coordinator", plan), ("manager", "/funds"),
    ):  # fmt: skip
        await fit_for_everybody(walk, persona, path)


async def _payable(walk: Walk) -> None:
    """The office states an invented vendor, and somebody else compares it with its papers."""
    await walk.do(
        "receiving-office-tr", "/payees", "Register a payee",
        {"payee_kind": "vendor", "country": "TR", "currency": "EUR", "vendor_code": "V-PAGES", "holder": "Invented Pages Ltd",
         "account_number": "PAGES-1", "bank_name": "Invented bank", "bank_country": "TR", "call_back_contact": "+00 000"},
    )  # fmt: skip
    page = await walk.go("chief-of-mission", "/payees?code=V-PAGES")
    await page.get_by_role("link", name="a business V-PAGES").click()
    await walk.do("chief-of-mission", path_of(page, "payees"), "Confirm the payee", {})


async def _held(walk: Walk, case: str) -> None:
    """Whoever sees that something is wrong stops the journey; why is told to whoever may lift it, and not to others."""
    await walk.do("protection", case, "Put on hold", {"reason": "legal"})
    page = await walk.go("operations", case)
    await expect(page.locator("dl.summary").first).to_contain_text("on hold")
    await expect(page.get_by_text("reason not told to you")).to_be_visible()
    await walk.do("coordinator", case, "Lift this hold", {"outcome": "resolved"})
    await expect((await walk.go("coordinator", case)).locator("dl.summary").first).to_contain_text("preparing")


async def _stopped_on_the_way(walk: Walk, case: str, person: str, left: datetime) -> None:
    """A journey is interrupted and goes on; that somebody left at all is doubted by one and found right by another."""
    await walk.do("operations", case, "Record an interrupted journey", {"person_ids": person, "interrupted_at": left})
    await expect((await walk.go("counsellor-3", case)).get_by_text("stopped on the way")).to_be_visible()
    await walk.do("operations", case, "Lift this hold", {"outcome": "resolved"})
    await walk.do("operations", case, "Say that a record is wrong", {"person_id": person, "of": "departure"})
    page = await walk.go("coordinator", case)
    await expect(page.get_by_text("the departure was recorded wrongly")).to_be_visible()
    await walk.do("coordinator", case, "Let the record stand", {"person_id": person})
    await expect((await walk.go("operations", case)).locator("dl.summary").first).to_contain_text("departed")


async def _closed_and_taken_up_again(walk: Walk, case: str) -> None:
    await walk.mission.caller.drained()
    await walk.do(
        "receiving-office-tr", case, "Write the final report",
        {"final_meeting": "held_remotely", "met_on": str(today()), "contributed_to": "income",
         "plan_outcome": "partly_reached", "partner_feedback": "positive", "follow_up": "done"},
    )  # fmt: skip
    await expect((await walk.go("coordinator", case)).locator("main")).to_contain_text("partly reached")
    await fit_for_everybody(walk, "coordinator", case)
    await walk.do("coordinator", case, "Ask to close the case", {"reason": "completed"})
    await walk.mission.caller.drained()
    await walk.do("coordinator", case, "Take the case up again", {"reason": "support_goes_on"})
    await walk.mission.caller.drained()
    await expect((await walk.go("coordinator", case)).locator("dl.summary").first).to_contain_text("monitoring")


async def file_receipt(walk: Walk, grant: str) -> None:
    """An invented receipt of the first tranche, from the office that saw what was delivered."""
    page = await walk.go("receiving-office-tr", grant)
    await page.get_by_role("link", name="File evidence", exact=True).first.click()
    await walk.answer(page, "kind", "receipt")
    await walk.answer(page, "tranche", "1")
    await page.locator('input[type="file"]').set_input_files(FilePayload(name="a.pdf", mimeType="application/pdf", buffer=pdf()))
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")


async def _taken_home(walk: Walk, case: str) -> None:
    """The auditor takes the case's chain home; each leaf has the hash that its log says, and nothing of it is missing."""
    case_id = case.rpartition("/")[2]
    page = await walk.go("auditor", f"/log/chain/{case_id}")
    taken: list[bytes] = []
    for name in ("Download the leaves", "Download a table"):
        async with page.expect_download() as to_come:
            await page.get_by_role("link", name=name).click()
        taken.append(Path(await (await to_come.value).path()).read_bytes())
    logged = {row["event_id"]: row for row in csv.DictReader(io.StringIO(taken[1].decode(), newline=""))}
    kinds: set[str] = set()
    for leaf in taken[0].splitlines():
        told = json.loads(leaf)
        assert hashlib.sha256(b"\x00" + leaf).hexdigest() == logged[told["id"]]["leaf_hash"]
        kinds.add(told["type"].removeprefix("avrr.").removesuffix(".v1"))
    assert kinds >= {
        "counselling.intention.expressed", "returns.case.opened", "returns.case.screening_recorded", "returns.case.approved",
        "returns.case.booking_confirmed", "returns.case.ready_to_travel", "returns.case.cleared_to_board",
        "returns.case.departed", "returns.case.arrived", "reintegration.plan.agreed", "reintegration.grant.drafted",
        "reintegration.grant.approved", "reintegration.grant.payment_confirmed", "reintegration.grant.completed",
    }, sorted(kinds)  # fmt: skip


async def second_after(moment: datetime) -> datetime:
    """The next whole second, once it has come."""
    wanted = moment.replace(microsecond=0) + timedelta(seconds=1)
    await asyncio.sleep((wanted - datetime.now(UTC)).total_seconds())
    return wanted


async def fit_for_everybody(walk: Walk, persona: str, path: str) -> None:
    """No fault that axe finds, nothing too wide at 320 px, in either direction."""
    for languages in ("en-GB", "ar-XB"):
        page = await walk.visits.open(width=320, languages=languages)
        await sign_in(page, walk.mission.addresses.portal, persona)
        await page.goto(walk.mission.addresses.portal + path)
        await expect(page.locator("html")).to_have_attribute("dir", "ltr" if languages == "en-GB" else "rtl")
        await assert_for_everybody(page)


async def _screened(walk: Walk, case: str, someone: str) -> None:
    """Every part of an adult's screening."""
    screened = NOW - timedelta(minutes=15)
    await walk.do(
        "counsellor-3", case, "Record what the wish rests on",
        {"person_id": someone, "answered_by": someone, "assessed_at": screened, "free": True, "informed": True,
         "capable": True, "company": "nobody", "interpreter": "professional", "legal_consequences_explained": True,
         "alternatives_explained": True},
    )  # fmt: skip
    await walk.do(
        "counsellor-3", case, "Record the answer on fear of return",
        {"person_id": someone, "asked_at": screened, "fears_return": False},
    )  # fmt: skip
    await walk.do("counsellor-3", case, "Record vulnerability", {"person_id": someone, "noted_at": screened})


async def _set_right(walk: Walk, person: str) -> None:
    """Who was present in the person's session was misunderstood: nobody else was."""
    page = await walk.go("counsellor-3", person)
    await page.locator('a[href^="/sessions/"]').first.click()
    await page.get_by_role("link", name="Set right who was present in a session", exact=True).click()
    await page.wait_for_url("**/do/**")
    await expect(page.locator('[name="present"][value="spouse"]')).to_be_checked()
    await page.locator('[name="present"][value="spouse"]').uncheck()
    await walk.answer(page, "present", "alone")
    await walk.answer(page, "reason", "misunderstood")
    await walk.send(page)
    await expect(page.get_by_text("nobody else")).to_be_visible()


async def _registered(walk: Walk) -> str:
    """Somebody whom nobody knew, on the page where people are found."""
    page = await walk.go("counsellor-3", "/persons")
    await walk.answer(page, "country_of_origin", "TR")
    await walk.answer(page, "birth_year", "1990")
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("button", name="Register a person").click()
    for name, value in {"sex": "female", "site": "trc_borici"}.items():
        await walk.answer(page, name, value)
    await walk.send(page)
    return path_of(page, "persons")


async def _home(walk: Walk) -> tuple[str, str]:
    """Registration, session, wish, screening, application, approval, own plan, departure and arrival."""
    person = await _registered(walk)
    given = NOW - timedelta(minutes=30)
    consent: dict[str, str | bool | datetime] = {
        "text_version": "2023-01", "language": "tur", "method": "signature", "given_at": given
    }  # fmt: skip
    await walk.do("counsellor-3", person, "Record a consent: data processing", consent)
    await walk.do(
        "counsellor-3", person, "Record a session with this person",
        {"session_type": "individual", "present": "spouse", "outcome": "intention_expressed",
         "held_at": NOW - timedelta(minutes=20)},
    )  # fmt: skip
    await _set_right(walk, person)
    page = await walk.go("counsellor-3", person)
    await page.get_by_role("link", name="Record the wish to return").click()
    await walk.answer(page, "session_id", await page.locator('[name="session_id"]').first.get_attribute("value") or "")
    await walk.send(page)
    await page.get_by_role("link", name="Go to the case").click()
    case = path_of(page, "cases")
    await walk.mission.caller.drained()
    await walk.do("counsellor-3", case, "Start screening", {})
    someone = person.rpartition("/")[2]
    await _screened(walk, case, someone)
    await walk.do(
        "counsellor-3", case, "Record a signed declaration",
        {"person_id": someone, "signed_by": someone, "method": "signature", "language": "tur",
         "signed_at": NOW - timedelta(minutes=12)},
    )  # fmt: skip
    await walk.do("counsellor-3", case, "Submit the application", {})
    await walk.do("coordinator", case, "Approve the application", {})
    await walk.do(
        "counsellor-3", person, "Record a consent: transfer to the office abroad", {**consent, "recipient_country": "TR"}
    )
    await walk.do("operations", case, "Start preparation", {"programme": "avrr-wb"})
    await walk.mission.caller.drained()
    await walk.do(
        "counsellor-3", case, "Record the own plan",
        {"lines.0.person_id": someone, "lines.0.dimension": "economic", "lines.0.category": "business",
         "lines.0.planned.amount": "900", "lines.0.objectives": "To bake bread.", "method": "verbal"},
    )  # fmt: skip
    await walk.do(
        "counsellor-3", case, "Record a travel document",
        {"person_id": someone, "document": "passport", "valid_until": f"{NOW + timedelta(days=900):%Y-%m-%d}"},
    )  # fmt: skip
    await walk.do(
        "operations", case, "Confirm the booking",
        {"departs_at": NOW + timedelta(hours=3), "arrives_at": NOW + timedelta(hours=6), "flight": "tk 1028",
         "needs": "help_at_airport"},
    )  # fmt: skip
    moment = NOW - timedelta(minutes=2)
    await walk.do("operations", case, "Record the exit formalities", {"person_ids": someone, "recorded_at": moment})
    # The reception after the booking, which may have been made on the other side of midnight.
    await walk.do(
        "operations", case, "Record that the reception is arranged",
        {"arranged_at": datetime.now(NOW.tzinfo).replace(microsecond=0)},
    )  # fmt: skip
    page = await walk.go("receiving-office-tr", "/arrivals")
    await expect(page.get_by_role("row", name="TK1028")).to_contain_text("help at the airport")
    await _held(walk, case)
    await walk.do("operations", case, "Mark as ready to travel", {})
    await walk.do(
        "operations", case, "Record the last confirmation", {"person_id": someone, "confirmed_at": NOW - timedelta(minutes=1)}
    )
    await walk.do("operations", case, "Clear to board", {})
    page = await walk.go("operations", case)
    await expect(page.locator("dl.summary").first).to_contain_text("cleared to board")
    left = await second_after(datetime.now(UTC))
    await walk.do("operations", case, "Record a departure", {"departed_at": left, "person_ids": someone})
    await _stopped_on_the_way(walk, case, someone, left)
    await walk.do(
        "receiving-office-tr", case, f"Confirm an arrival …\u2060{someone[-6:]}", {"person_id": someone, "arrived_at": left, "known_by": "met"}
    )
    await walk.mission.caller.drained()
    page = await walk.go("receiving-office-tr", case)
    await page.locator('a[href^="/plans/"]').first.click()
    return case, path_of(page, "plans")
