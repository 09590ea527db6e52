"""What is known of a file of the bank's before somebody confirms it, and of a line before somebody says what it is."""

from typing import Any
from uuid import UUID

from fastapi.responses import RedirectResponse

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page, Turned
from services.portal.pages.naming import short
from services.portal.translation import _, translated
from services.portal.wording import word
from services.portal.words import money


async def of_bank_line(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """The line as the bank has it, and what a colleague found it to be of."""
    del posted
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
    if line["found_part"] is not None:
        shown.append((_("Of what was ordered it paid"), money(line["found_part"], line["match_currency"])))
    if line["other_than_named"] is not None:
        shown.append((_("Why it is not of the one that the bank names"), word(line["other_than_named"])))
    if line["explanation"] is not None:
        shown.append((_("What it is"), word(line["explanation"])))
    if line["asked_by"] is not None:
        shown.append((_("Asked by"), line["asked_by"]))
    options = {"attempt_id": await _fitting(page, line)} if form.name == "match_line" else {}
    start = {"attempt_id": line["named_attempt"] or ""} if form.name == "match_line" else {}
    return Given(options=options, start=start, version=found.etag or "", shown=tuple(shown)), f"/bank-lines/{id}"


async def of_bank_file(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """Which file it is; to confirm one takes a copy of it, so that this has a page of its own."""
    del posted
    if form.name == "confirm_bank_file":
        raise Turned(RedirectResponse(f"/bank-files/{id}/confirm", status_code=303))
    return await to_confirm(page, id), f"/bank-files/{id}"


async def to_confirm(page: Page, id: UUID) -> Given:
    """Which file it is, without what whoever confirms it has to find at the bank; as many statements are asked for as it has."""
    answer = await page.ask("reintegration", f"/v1/bank-files/{id}")
    found: Any = answer.body
    shown = [(_("What the file is"), word(found["file_kind"])), (_("Imported by"), found["imported_by"])]
    shown += [(_("Statement"), f"{one['identification']} · {one['closed_on']} · {one['currency']}") for one in found["statements"]]
    if any(one["gap"] for one in found["statements"]):
        shown.append((_("Statement"), _("statements are missing before this one")))
    if found["revocation_asked_by"] is not None:
        shown += [(_("Asked to drop it"), found["revocation_asked_by"]), (_("Reason"), word(found["drop_reason"]))]
    if found["told_again"]:
        shown.append((_("Lines told before"), str(found["told_again"])))
    fixed: dict[str, Any] = {"file_sha256": None, **({} if found["statements"] else {"statements": []})}
    rows = {"statements": len(found["statements"])}
    return Given(fixed, rows=rows, version=answer.etag or "", shown=tuple(shown))


async def credits_that_wait(page: Page, currency: str) -> tuple[Option, ...]:
    """Lines by which money in this currency came that may be a recovery: nobody knows yet what it is, two said so, or they hold some more."""
    return tuple(
        Option(line["id"], f"{money(line['amount'], currency)} · {line['booked_on']} · {line['bank_reference'] or short(line['id'])}")
        for line in await all_of(page, "/v1/bank-lines", recovers=currency)
    )


async def _fitting(page: Page, line: Any) -> tuple[Option, ...]:
    """The attempts to pay that a line may be of, those of its amount first, and the one that the bank names among them."""
    found = await all_of(page, "/v1/payment-attempts", for_line=line["id"])
    ordered = {(line["amount"], line["currency"]), (line["instructed_amount"], line["instructed_currency"])}
    found.sort(key=lambda one: (one["money"]["amount"], one["money"]["currency"]) not in ordered)
    offered = [Option(one["id"], _attempt(one)) for one in found]
    named = line["named_attempt"]
    if offered and named is not None and named not in {one.value for one in offered}:
        offered.append(Option(named, f"{translated(_('The bank names'))} {short(named)}"))
    return tuple(offered)


def _attempt(attempt: Any) -> str:
    amount = money(attempt["money"]["amount"], attempt["money"]["currency"])
    said = [amount, word(f"attempt_{attempt['status']}"), f"{translated(_('Grant'))} {short(attempt['grant_id'])}", f"{translated(_('Tranche'))} {attempt['tranche']}"]
    if attempt["released_at"] is not None:
        said.append(attempt["released_at"][:10])
    return " · ".join(said)


async def all_of(page: Page, path: str, **narrowed: str) -> list[dict[str, Any]]:
    """All that a list of reintegration's holds, page by page."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        answer = (await page.ask("reintegration", path, limit=100, after=after, **narrowed)).body
        found += answer["items"]
        after = answer["next"]
        if after is None:
            return found
