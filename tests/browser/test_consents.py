"""A consent at its page, without JavaScript: its signed paper is photographed, filed, read for a purpose, and the consent taken back.

The persons are invented, and nothing that says something about them stands in the address of any request.
"""

import hashlib
import json
from datetime import UTC, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import FilePayload, expect

from ops.demo_year.people import moment
from services.counselling.domain.family import NameGuardian, RegisterFamily
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import GiveConsent, WithdrawConsent
from services.counselling.domain.session import HoldSession
from services.portal.pages.naming import short
from shared.contracts.counselling import FamilyMember
from shared.ids import uuid7
from tests.browser.conftest import Visits
from tests.browser.test_bad_network import end_session
from tests.browser.test_identity import agreed
from tests.browser.test_persons import NOW, Desk, at, registered
from tests.e2e.test_consent_taken_back import depart, lines_of, on_the_eve
from tests.e2e.test_main_line import OFFICE, Line, mother_and_child
from tests.running import Mission
from tests.unit.shared.files.examples import CANARY, jpeg

PHOTO = FilePayload(name="IMG_2044 Fatima.jpg", mimeType="image/jpeg", buffer=jpeg(6))
PROGRAM = FilePayload(name="consent.pdf", mimeType="application/pdf", buffer=b"MZ\x90\x00" + bytes(200))


@pytest.fixture
async def desk(mission: Mission, visits: Visits) -> Desk:
    # Where each page is looked at once more by the rules for everybody.
    return Desk(mission, visits, await visits.open(width=320))


async def test_the_paper_of_a_consent_is_filed_read_for_a_purpose_and_the_consent_taken_back(desk: Desk) -> None:
    # How somebody is registered and agrees at the pages is in test_persons.py.
    person = f"/persons/{await agreed(desk.mission, 1977)}"
    page = await desk.arrived("counsellor-3")
    await page.goto(desk.portal + person)
    listed = page.locator("ul.rows li").filter(has_text="data processing")
    await expect(listed).not_to_contain_text("signed paper filed")

    await desk.follow(page, "data processing")
    consent = urlsplit(page.url).path
    await desk.follow(page, "File the signed paper of a consent")
    await expect(page.get_by_role("alert")).to_contain_text("Choose the file.")
    await page.locator('input[type="file"]').set_input_files(PROGRAM)
    await desk.follow(page, "File the signed paper of a consent")
    await expect(page.get_by_role("alert")).to_contain_text("Only PDF, JPEG and PNG files are taken.")
    await page.locator('input[type="file"]').set_input_files(PHOTO)
    await end_session(desk.mission, page)
    await page.get_by_role("button", name="File the signed paper of a consent").click()
    await expect(page.get_by_text("Choose the file again.")).to_be_visible()
    await page.locator('input[type="file"]').set_input_files(PHOTO)
    await page.get_by_role("button", name="File the signed paper of a consent").click()
    await expect(page.get_by_role("status")).to_contain_text("The signed paper was filed.")
    await desk.look_at(page)

    await desk.follow(page, "Save the paper")
    await expect(page.get_by_role("alert")).to_contain_text("Say what you need it for.")
    await page.get_by_label("to see whether it is right").check()
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="Save the paper").click()
    download = await begun.value
    content = Path(await download.path()).read_bytes()
    assert download.suggested_filename == f"consent-{consent[-6:]}.jpg"
    assert content.startswith(b"\xff\xd8") and CANARY not in content
    await page.goto(desk.portal + consent)
    await expect(page.locator("main")).to_contain_text(hashlib.sha256(content).hexdigest()[:12])

    assert await read_by_data_protection(desk, person.removeprefix("/persons/")) == content
    await desk.follow(page, "Take a consent back")
    await expect(page.locator("main")).to_contain_text("data processing")
    await desk.send(page)
    assert urlsplit(page.url).path == person
    await expect(listed).to_contain_text("taken back")
    await expect(listed).to_contain_text("signed paper filed")
    assert desk.telling() == []


async def read_by_data_protection(desk: Desk, person_id: str) -> bytes:
    """Data protection, which is shown no person, comes to the same paper from what is held; both readings are on record."""
    page = await desk.arrived("data-protection")
    await page.goto(f"{desk.portal}/access-requests")
    await page.get_by_label("Id of the person").fill(person_id)
    await desk.follow(page, "Collect it")
    await desk.follow(page, "data processing")
    await desk.follow(page, "Save the paper")
    await expect(page.get_by_role("alert")).to_contain_text("Say what you need it for.")
    await page.get_by_label("to see whether it is right").check()
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="Save the paper").click()
    content = Path(await (await begun.value).path()).read_bytes()
    chain = await desk.mission.read("counselling", "auditor", f"/v1/log/chain/{person_id}")
    read = [json.loads(line)["data"] for line in chain.text.splitlines() if '"read_consent_paper"' in line]
    assert [one["purpose"] for one in read] == ["correction", "correction"]
    assert len({one["actor_id"] for one in read}) == 2
    return content


async def test_of_two_consents_of_a_kind_one_is_taken_back_and_another_site_reads_no_paper(desk: Desk) -> None:
    person_id, ids = await agreed(desk.mission, 1978), {"TR": uuid7(), "GE": uuid7()}
    for country, consent_id in ids.items():
        order = GiveConsent(
            consent="medical", text_version="2023-01", language="ara", method="signature", recipient_country=country,
            given_at=(NOW - timedelta(minutes=4)).astimezone(UTC), consent_id=consent_id,
        )  # fmt: skip
        await desk.mission.done("counselling", "counsellor-3", person_id, order, NOW.astimezone(UTC))
    page = await desk.arrived("counsellor-4")
    await page.goto(f"{desk.portal}/persons/{person_id}/consents/{ids['GE']}")
    await expect(page.locator("main .reason")).to_contain_text("not")
    assert await page.locator("main form").count() == 0
    await page.goto(f"{desk.portal}/persons/{person_id}/consents/{uuid7()}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")
    await page.goto(f"{desk.portal}/do/counselling/withdraw_consent/{person_id}?consent_id={uuid7()}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")
    await page.goto(f"{desk.portal}/persons/{person_id}")
    await desk.follow(page, "Take a consent back: medical, Georgia")
    await expect(page.locator("main")).to_contain_text("Georgia")
    await desk.send(page)
    rows = page.locator("ul.rows li")
    await expect(rows.filter(has_text="Georgia")).to_contain_text("taken back")
    await expect(rows.filter(has_text="Türkiye")).to_contain_text("stands")
    assert desk.telling() == []


async def test_a_childs_guardian_agrees_at_the_page_and_an_adults_form_asks_nothing_of_it(desk: Desk) -> None:
    mission, now, family_id = desk.mission, NOW.astimezone(UTC), uuid7()
    mother, child, aunt = await agreed(mission, 1979), await registered(mission, NOW.year - 9), await registered(mission, 1980)
    heard = HoldSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="eng", interpreter="none", present=("not_known",),
        person_ids=(mother,), held_at=now - timedelta(minutes=4), topics=(), outcome="information_only",
    )  # fmt: skip
    await mission.done("counselling", "counsellor-3", uuid7(), heard, now)
    await mission.done("counselling", "coordinator", mother, RecordIdentity(family_name="Kanari", given_names="Mina"), now)
    page = await desk.arrived("counsellor-3")
    form = f"{desk.portal}/do/counselling/give_consent/{child}?consent=data"
    await page.goto(form)
    await expect(page.get_by_text("nobody is registered who may agree for it")).to_be_visible()
    await expect(page.locator('[name="given_by"]')).to_have_count(0)
    members = ((mother, "principal"), (child, "child"), (aunt, "other_dependant"))
    family = RegisterFamily(members=tuple(FamilyMember(person_id=id, relation=relation) for id, relation in members))
    await mission.done("counselling", "counsellor-3", family_id, family, now)
    await page.goto(form.replace(str(child), str(mother)))
    await expect(page.get_by_text("agreed for the child")).to_have_count(0)

    await page.goto(form)
    await expect(page.locator('[name="given_by"]')).to_have_count(1)
    await page.get_by_label("Mina Kanari").check()
    await page.locator('input[name="method"][value="witnessed_verbal"]').check()
    await at(page, "given_at", NOW - timedelta(minutes=3))
    await page.locator('[name="witness_id"]').fill("staff:one-who-heard-it")
    await page.locator('[name="expires_on"]').fill(f"{NOW.year + 1}-05-02")
    await desk.follow(page, "Check the answers")
    await expect(page.locator("main")).to_contain_text("Mina Kanari")
    await desk.send(page)
    await desk.follow(page, "data processing")
    summary = page.locator("dl.summary").first
    for said in (short(mother), "staff:one-who-heard-it", f"2 May {NOW.year + 1}"):
        await expect(summary).to_contain_text(said)

    named = NameGuardian(person_id=aunt, guardian_of=(child,))
    await mission.done("counselling", "coordinator", family_id, named, now)
    await page.goto(form)
    await expect(page.locator('[name="given_by"]')).to_have_value(str(aunt))
    assert desk.telling() == []


async def test_an_office_confirms_whom_it_met_though_the_case_is_shown_to_it_no_more(desk: Desk) -> None:
    line = Line(desk.mission, household := mother_and_child(), seed=13)
    mother, child = household.members
    case_id = await on_the_eve(line, uuid7(), lines_of(line))
    page = await desk.arrived(OFFICE)
    await page.goto(f"{desk.portal}/cases/{case_id}")
    await depart(line, case_id)
    await page.reload()
    form = page.get_by_role("link", name=f"Confirm an arrival {short(child.person_id)}")
    await expect(form).to_be_visible()
    back = WithdrawConsent(consent="transfer")
    await desk.mission.done("counselling", household.counsellor, mother.person_id, back, moment(30, 20))
    await desk.follow(page, f"Confirm an arrival {short(child.person_id)}")
    await at(page, "arrived_at", moment(31, 9))
    await page.get_by_label("met").check()
    await desk.send(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Status of a case")
    await page.goto(f"{desk.portal}/cases/{case_id}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")
    found = await desk.mission.read("returns", "coordinator", f"/v1/cases/{case_id}")
    travel = {one["person_id"]: one["travel"] for one in found.json()["state"]["persons"]}
    assert travel == {str(mother.person_id): "departed", str(child.person_id): "arrived"}
    assert desk.telling() == []
