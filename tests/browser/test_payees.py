"""Payees on their pages: one registers, another confirms, and only an account that is asked for is shown."""

from playwright.async_api import expect

from shared.ids import uuid7
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits
from tests.browser.test_report import visited
from tests.running import Mission

# Invented, with check digits that are right.
ACCOUNT = "PK19 SCBL 0000 0011 9999 9999"


async def test_a_payee_is_registered_by_one_and_confirmed_by_another_on_its_pages(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "finance-reconciler", "/payees", scripts=True)
    await page.get_by_role("link", name="Register a payee", exact=True).click()
    for name, text in (
        ("currency", "PKR"), ("vendor_code", "V-BROWSER"), ("holder", "Invented Tools Ltd"), ("iban", ACCOUNT), ("bank_code", "INVTPKKA"),
        ("call_back_contact", "+92 000 0000001"),
    ):  # fmt: skip
        await page.locator(f'[name="{name}"]').fill(text)
    await page.locator('select[name="country"]').select_option("PK")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await page.goto(f"{mission.addresses.portal}/payees?code=V-BROWSER")
    await assert_for_everybody(page)
    await page.get_by_role("link", name="a business V-BROWSER").click()
    await expect(page.locator("main")).to_contain_text("before a second person confirmed it")
    await expect(page.locator("main")).to_contain_text("…9999, Invented Tools Ltd")
    await expect(page.locator("main")).not_to_contain_text("SCBL")
    await assert_for_everybody(page)

    chief = await visited(mission, visits, "chief-of-mission", "/payees?status=registered", scripts=True)
    await chief.get_by_role("link", name="a business V-BROWSER").click()
    await chief.get_by_role("link", name="Show in full", exact=True).click()
    await expect(chief.locator("main")).to_contain_text(ACCOUNT.replace(" ", ""))
    await assert_for_everybody(chief)
    await chief.go_back()
    await chief.get_by_role("link", name="Confirm the payee", exact=True).click()
    await chief.locator("button.main").click()
    await expect(chief.get_by_role("status")).to_contain_text("recorded")
    for path in ("/payees?code=V-BROWSER", "/payee-findings"):
        await chief.goto(mission.addresses.portal + path)
        await assert_for_everybody(chief)

    payer = await visited(mission, visits, "finance-payer", "/payees?code=V-BROWSER")
    await expect(payer.locator("main")).to_contain_text("active")
    await expect(payer.get_by_role("link", name="Register a payee")).to_have_count(0)


async def test_what_stands_against_a_payee_is_looked_at_on_its_pages(mission: Mission, visits: Visits) -> None:
    payee_id, list_id = uuid7(), uuid7()
    office = {
        "payee_kind": "office", "country": "PK", "currency": "PKR", "holder": "Invented Resemblance Office",
        "account_number": "BOX-77", "call_back_contact": "extension 1",
    }  # fmt: skip
    paths = (f"/v1/payees/{payee_id}", f"/v1/payees/{payee_id}/screen", f"/v1/payees/{payee_id}/ask-to-clear-hits")
    listed = b"id,name,aliases,birth_date,country\nQ.7,Resemblance Office Invented,,,\n"
    token = await mission.tokens.token("finance-reconciler")
    brought = await mission.client.put(
        f"{mission.addresses.services['reintegration']}/v1/sanctions-lists/{list_id}",
        params={"list_name": "BROWSER", "list_version": "1"}, content=listed,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "text/csv"},
    )  # fmt: skip
    assert brought.status_code == 201, brought.text
    for path, body in zip(paths, (office, {}, {"reason": "alike_by_chance"}), strict=True):
        answer = await mission.raw("POST", "reintegration", path, "finance-reconciler", body, Idempotency_Key=str(uuid7()))
        assert answer.is_success, answer.text
    chief = await visited(mission, visits, "chief-of-mission", "/payee-findings", scripts=True)
    await chief.locator(f'main a[href="/payees/{payee_id}"]').click()
    await expect(chief.locator("main")).to_contain_text("until two persons have looked")
    await expect(chief.locator("main")).to_contain_text("alike by chance")
    await assert_for_everybody(chief)
    await chief.get_by_role("link", name="What the lists say", exact=True).click()
    await expect(chief.locator("main")).to_contain_text("Resemblance Office Invented")
    await assert_for_everybody(chief)
    await chief.go_back()
    await chief.get_by_role("link", name="Clear the hits", exact=True).click()
    await chief.locator("button.main").click()
    await expect(chief.get_by_role("status")).to_contain_text("recorded")
    # The list counts for every payee, so that what waits for a screening in other tests has none that stops it.
    await expect(chief.locator("main")).not_to_contain_text("until two persons have looked")
