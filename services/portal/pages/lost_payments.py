"""Payments that restores lost: each with what is known of it by now, and what finance states and clears."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import apart, days_since, named, short
from services.portal.translation import _, translated
from services.portal.wording import word
from services.portal.words import money

router = APIRouter()

# The page of what a stop was of, where there is one.
_PAGES: Final[Mapping[str, str]] = {"grant": "grants", "fund": "funds", "payee": "payees", "payment_batch": "payment-batches"}


@router.get("/lost-payments")
async def lost_payments(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every restore that two persons accepted, and how far finance is with the payments that it lost."""
    found = (await page.ask("reintegration", "/v1/lost-payments", after=None if after is None else str(after))).body
    return await page.show("lost_payments.html", found=found, days=days_since)


@router.get("/lost-payments/{restore_id}")
async def lost_payments_of(restore_id: UUID, page: Reading) -> Response:
    """What one restore lost: payments and what became of each, how much nobody knows, what the bank's files know of it, and stops."""
    found = (await page.ask("reintegration", f"/v1/lost-payments/{restore_id}")).body
    return await page.show(
        "lost_payments_of.html", found=found, state=found["state"], bank=found["bank"], rows=_rows(found), of_stops=_PAGES, short=short, days=days_since
    )  # fmt: skip


async def of_lost_payments(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For what somebody states of one lost payment, or of all of them, which are shown once more."""
    del posted
    found = await page.ask("reintegration", f"/v1/lost-payments/{id}")
    state, back, version = found.body["state"], f"/lost-payments/{id}", found.etag or ""
    if form.name == "name_found_payment":
        return await _by_a_line(page, found.body["bank"]["lines"], version), back
    if form.name != "settle_lost_payment":
        counted = {outcome: sum(one["outcome"] == outcome for one in state["payments"]) for outcome in ("left", "not_left", None)}
        shown = (
            (_("Its money left"), str(counted["left"])), (_("No money left"), str(counted["not_left"])),
            (_("Not known yet"), str(counted[None])), (_("Entries known to nobody"), translated(_("at least %(num)s"), num=state["unknown"]) if state["unknown"] else _("not known")),
            (_("Own accounts without a statement of these days"), _accounts(found.body["bank"]["statements_missing"])),
            (_("Stops to be stated again"), str(len(state["stops"]))),
        )  # fmt: skip
        return Given(version=version, shown=shown), back
    outcomes = tuple(Option(outcome, word(f"lost_{outcome}")) for outcome in ("left", "not_left"))
    rows = _rows(found.body)
    chosen = named(page, "event")
    one = next((row for row in rows if row[0]["event_id"] == str(chosen)), None)
    if one is None:
        events = tuple(Option(entry["event_id"], _called(entry, known)) for entry, known in rows if not known["own"])
        left_out = [translated(_("%(what)s: you ordered or recorded it yourself"), what=_called(*row)) for row in rows if row[1]["own"]]
        return Given(options={"event_id": events, "outcome": outcomes}, version=version, left_out=left_out), back
    return Given(
        {"event_id": one[0]["event_id"]}, options={"outcome": outcomes}, version=version, shown=((_("Lost payment"), _called(*one)),)
    ), back


def _rows(found: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each lost payment with what is known of it by now."""
    known = {one["event_id"]: one for one in found["known"]}
    return [(one, known[one["event_id"]]) for one in found["state"]["payments"] if one["event_id"] in known]


async def _by_a_line(page: Page, lines: Sequence[Mapping[str, Any]], version: str) -> Given:
    """For whoever states which tranche was paid by a line, which the page's address names or one chooses; the grants are those that are paid."""
    grants = await _that_are_paid(page)
    line = named(page, "line")
    if line is not None:
        return Given({"line_id": str(line)}, options={"grant_id": grants}, version=version, shown=((_("Line of the bank"), short(line)),))
    debits = [one for one in lines if one["direction"] == "debit" and one["state"] in ("unmatched", "explained")]
    options = tuple(Option(one["id"], f"{money(one['amount'], one['currency']) if one['amount'] else ''} · {short(one['id'])}") for one in debits)
    return Given(options={"line_id": options, "grant_id": grants}, version=version)


async def _that_are_paid(page: Page) -> tuple[Option, ...]:
    """Grants of which a tranche may be paid; none where they are more than a list holds, so that an id is typed."""
    found: list[Option] = []
    for status in ("approved", "in_disbursement", "suspended"):
        answer = await page.ask("reintegration", "/v1/grants", status=status, limit="100")
        if answer.body["next"]:
            return ()
        found += [
            Option(one["id"], f"{money(one['amount'], one['currency'])} · {word(one['destination_country'])} · {word(status)} · {short(one['id'])}")
            for one in answer.body["items"]
        ]
    return tuple(found)


def _accounts(missing: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['currency']} {apart(one['account'])}" for one in missing) or "0"


def _called(entry: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """One of them in a line: what the lost entry says, of which tranche, how much, and the end of its id."""
    amount = money(known["amount"], known["currency"] or "") if known["amount"] else ""
    of = f"{short(known['grant_id'])}/{known['tranche']}" if known["grant_id"] else short(entry["attempt_id"] or "")
    return " · ".join(part for part in (word(f"lost_{entry['fact']}"), of, amount, short(entry["event_id"] or "")) if part)
