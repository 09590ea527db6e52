"""What is known of a line of the bank's before somebody says what it is, or of which payment."""

from typing import Any
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import short
from services.portal.translation import _
from services.portal.wording import word
from services.portal.words import money


async def of_bank_line(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """The line as the bank has it, and what a colleague found it to be of."""
    del form, posted
    found = await page.ask("reintegration", f"/v1/bank-lines/{id}")
    line: Any = found.body
    shown = [(_("Line"), short(line["id"]))]
    if line["amount"] is not None:
        shown.append((_("Amount"), money(line["amount"], line["currency"])))
    if line["direction"] is not None:
        shown.append((_("Direction"), word(line["direction"])))
    if line["booked_on"] is not None:
        shown.append((_("Booked on"), line["booked_on"]))
    if line["named_attempt"] is not None:
        shown.append((_("The bank names"), line["named_attempt"]))
    if line["match_attempt"] is not None:
        shown.append((_("A colleague found that it is of"), line["match_attempt"]))
    if line["other_than_named"] is not None:
        shown.append((_("Why it is not of the one that the bank names"), word(line["other_than_named"])))
    if line["explanation"] is not None:
        shown.append((_("What it is"), word(line["explanation"])))
    if line["asked_by"] is not None:
        shown.append((_("Asked by"), line["asked_by"]))
    return Given(version=found.etag or "", shown=tuple(shown)), f"/bank-lines/{id}"
