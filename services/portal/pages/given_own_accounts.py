"""What is known of an account of our own before somebody types: where it may be, and what waits for a second person."""

from collections.abc import Sequence
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.translation import _
from services.portal.wording import countries, word


async def of_own_account(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For an account that is to be registered, or for what is asked of one, which is shown in full."""
    del posted
    if form.name == "register_own_account":
        options: dict[str, Sequence[Option]] = {"country": tuple(Option(code, name) for code, name in countries().items())}
        return Given(options=options, start={"account_kind": "bank", "currency": "EUR"}), "/own-accounts"
    found = await page.ask("reintegration", f"/v1/own-accounts/{id}")
    state, details = found.body["state"], found.body["state"]["details"]
    shown = [(_("Account"), details["iban"] or details["account_number"]), (_("Name at the bank"), details["holder"])]
    bank = details["bank_code"] or details["bank_name"]
    shown += [(_("Bank"), bank)] if bank else []
    shown += [(_("Currency"), state["currency"]), (_("Kind"), word(state["kind"]))]
    return Given(version=found.etag or "", shown=tuple(shown)), f"/own-accounts/{id}"
