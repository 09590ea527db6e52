"""Evidence at its pages, without JavaScript: an office files invented receipts, finance reads them, what is no paper is refused."""

import hashlib
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Download, FilePayload, Page, expect

from shared.files.media import MOST_BYTES
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.browser.relay import open_relay
from tests.browser.test_bad_network import connected, end_session
from tests.e2e.test_policy_matrix import Ground, ground
from tests.running import Mission
from tests.unit.shared.files.examples import CANARY, bytes_of, jpeg, pdf, photo_in, writer

OFFICE = "receiving-office-ge"
PHOTO = FilePayload(name="IMG_2031 Fatima.jpg", mimeType="image/jpeg", buffer=jpeg(6))
RECEIPT = FilePayload(name="receipt.pdf", mimeType="application/pdf", buffer=bytes_of(photo_in(writer(), jpeg())))
PROGRAM = FilePayload(name="receipt.pdf", mimeType="application/pdf", buffer=b"MZ\x90\x00" + bytes(200))


@pytest.fixture(scope="module")
async def grant(mission: Mission) -> Ground:
    return await ground(mission, "GE", 91)


@pytest.fixture(scope="module")
async def other_grant(mission: Mission) -> Ground:
    return await ground(mission, "GE", 92)


def evidence_of(grant: Ground) -> str:
    return f"/grants/{grant.grant_id}/evidence"


async def at(mission: Mission, visits: Visits, persona: str, path: str) -> Page:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, persona)
    await page.goto(mission.addresses.portal + path)
    return page


async def send(page: Page, file: FilePayload | None, kind: str = "receipt", tranche: str = "") -> None:
    await page.locator('select[name="kind"]').select_option(kind)
    await page.locator(f'input[name="tranche"][value="{tranche}"]').check()
    if file is not None:
        await page.locator('input[type="file"]').set_input_files(file)
    await page.locator("button.main").click()


async def saved(page: Page, link: str) -> tuple[Download, bytes]:
    async with page.expect_download() as begun:
        await page.get_by_role("link", name=link).first.click()
    download = await begun.value
    return download, Path(await download.path()).read_bytes()


async def filed(mission: Mission, grant: UUID) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await mission.read("reintegration", OFFICE, f"/v1/grants/{grant}/evidence")).json()
    return found


async def test_what_an_office_files_finance_reads_as_it_is_kept(mission: Mission, visits: Visits, grant: Ground) -> None:
    page = await at(mission, visits, OFFICE, f"/grants/{grant.grant_id}")
    await expect(page.locator("main")).to_contain_text("Nothing has been filed yet.")
    await page.get_by_role("link", name="File evidence", exact=True).first.click()
    await send(page, RECEIPT)
    await expect(page.get_by_role("status")).to_contain_text("Evidence recorded: receipt.")
    await send(page, PHOTO, "photo", "1")
    await expect(page.get_by_role("status")).to_contain_text("Evidence recorded: photo.")
    await expect(page.locator("tbody tr")).to_have_count(2)

    page = await at(mission, visits, "finance-approver", f"/grants/{grant.grant_id}")
    known = {one["kind"]: one for one in await filed(mission, grant.grant_id)}
    for kind, ending, link in (("receipt", "pdf", "receipt …"), ("photo", "jpg", "photo …")):
        download, content = await saved(page, link)
        assert download.suggested_filename == f"{kind}-{known[kind]['evidence_id'][-6:]}.{ending}"
        assert CANARY not in content
        assert hashlib.sha256(content).hexdigest() == known[kind]["sha256"]
        await expect(page.get_by_role("row", name=link)).to_contain_text(known[kind]["sha256"][:12])
    await expect(page.get_by_role("row", name="photo …")).to_contain_text("receiving office")


async def test_whoever_may_not_file_reads_why_in_place_of_the_form(mission: Mission, visits: Visits, grant: Ground) -> None:
    page = await at(mission, visits, "finance-payer", evidence_of(grant))
    assert await page.locator("main form").count() == 0
    assert await page.locator("main .reason").inner_text()
    page = await at(mission, visits, "receiving-office-tr", evidence_of(grant))
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")
    page = await at(mission, visits, "manager", evidence_of(grant))
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")


async def test_what_is_not_taken_is_refused_in_plain_words_and_what_was_answered_stays(
    mission: Mission, visits: Visits, other_grant: Ground
) -> None:
    page = await at(mission, visits, OFFICE, evidence_of(other_grant))
    large = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=jpeg() + bytes(MOST_BYTES))
    named_wrongly = FilePayload(name="a.pdf", mimeType="application/pdf", buffer=jpeg())
    for file, said in (
        (PROGRAM, "Only PDF, JPEG and PNG files are taken."), (large, "larger than 10 MB"),
        (named_wrongly, "ends like that of another kind"), (None, "Choose the file."),
    ):  # fmt: skip
        await send(page, file, "quotation", "1")
        await expect(page.get_by_role("alert")).to_contain_text(said)
        await expect(page.get_by_role("alert")).to_contain_text("Nothing was filed")
        await expect(page.locator('select[name="kind"]')).to_have_value("quotation")
        await expect(page.locator('input[name="tranche"][value="1"]')).to_be_checked()
    assert await filed(mission, other_grant.grant_id) == []
    await send(page, RECEIPT, "quotation", "1")
    await expect(page.get_by_role("status")).to_contain_text("Evidence recorded: quotation.")


async def test_the_same_form_sent_twice_files_once(mission: Mission, visits: Visits, other_grant: Ground) -> None:
    before = len(await filed(mission, other_grant.grant_id))
    async with open_relay() as relay:
        page = await visits.open(scripts=False, relay=relay.address)
        await sign_in(page, mission.addresses.portal, OFFICE)
        await page.goto(mission.addresses.portal + evidence_of(other_grant))
        with relay.losing_answers():
            await send(page, PHOTO, "photo")
            await page.wait_for_url("chrome-error://**")
        assert relay.lost
        assert len(await filed(mission, other_grant.grant_id)) == before + 1
        await page.reload()
        await expect(page.get_by_role("status")).to_contain_text("Evidence recorded: photo.")
    assert len(await filed(mission, other_grant.grant_id)) == before + 1


async def test_a_sign_in_that_ended_meanwhile_leads_back_and_says_that_the_file_is_chosen_again(
    mission: Mission, visits: Visits, other_grant: Ground
) -> None:
    before = len(await filed(mission, other_grant.grant_id))
    page = await at(mission, visits, OFFICE, evidence_of(other_grant))
    await end_session(mission, page)
    await send(page, PHOTO, "handover_certificate", "1")
    await expect(page.get_by_text("Choose the file again; your other answers are still there.")).to_be_visible()
    await expect(page.locator('select[name="kind"]')).to_have_value("handover_certificate")
    assert len(await filed(mission, other_grant.grant_id)) == before
    await page.locator('input[type="file"]').set_input_files(PHOTO)
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("Evidence recorded: handover certificate.")
    assert len(await filed(mission, other_grant.grant_id)) == before + 1


async def test_a_file_that_was_changed_where_it_lies_is_never_saved_as_whole(
    mission: Mission, visits: Visits, grant: Ground
) -> None:
    page = await at(mission, visits, OFFICE, evidence_of(grant))
    await send(page, FilePayload(name="a.pdf", mimeType="application/pdf", buffer=pdf()), "lease")
    await expect(page.get_by_role("status")).to_contain_text("Evidence recorded: lease.")
    lease = next(one["evidence_id"] for one in await filed(mission, grant.grant_id) if one["kind"] == "lease")
    connection = await connected(mission, "reintegration")
    changed = "UPDATE evidence_pieces SET sealed = overlay(sealed placing '\\x00'::bytea from 30) WHERE evidence_id = $1"
    assert await connection.execute(changed, UUID(lease)) == "UPDATE 1"
    await connection.close()
    async with page.expect_download() as begun:
        await page.get_by_role("link", name="lease …").click()
    assert await (await begun.value).failure() is not None


@pytest.mark.parametrize("language", ["en-GB", "ar-XB"])
async def test_every_state_of_the_page_is_for_everybody(
    mission: Mission, visits: Visits, other_grant: Ground, language: str
) -> None:
    page = await visits.open(width=320, languages=language)
    await sign_in(page, mission.addresses.portal, OFFICE)
    await page.goto(mission.addresses.portal + evidence_of(other_grant))
    await assert_for_everybody(page)
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await assert_for_everybody(page)
    await send(page, PROGRAM)
    await expect(page.get_by_role("alert")).to_contain_text("Only PDF, JPEG and PNG files are taken.")
    await assert_for_everybody(page)
    await page.goto(f"{mission.addresses.portal}{evidence_of(other_grant)}?again=file")
    await assert_for_everybody(page)
    await page.goto(f"{mission.addresses.portal}/grants/{other_grant.grant_id}")
    await assert_for_everybody(page)
    page = await visits.open(width=320, languages=language)
    await sign_in(page, mission.addresses.portal, "finance-payer")
    await page.goto(mission.addresses.portal + evidence_of(other_grant))
    await assert_for_everybody(page)
