"""Payments that restores lost: each with what is known of it by now, and what finance states and clears."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import days_since, named, short
from services.portal.translation import _, translated
from services.portal.wording import word
from services.portal.words import money

router = APIRouter()


@router.get("/lost-payments")
async def lost_payments(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every restore that two persons accepted, and how far finance is with the payments that it lost."""
    found = (await page.ask("reintegration", "/v1/lost-payments", after=None if after is None else str(after))).body
    return await page.show("lost_payments.html", found=found, days=days_since)


@router.get("/lost-payments/{restore_id}")
async def lost_payments_of(restore_id: UUID, page: Reading) -> Response:
    """The payments that one restore lost: what lost entries say, what is known by now, and what became of each."""
    found = (await page.ask("reintegration", f"/v1/lost-payments/{restore_id}")).body
    return await page.show("lost_payments_of.html", found=found, state=found["state"], rows=_rows(found), short=short, days=days_since)


async def of_lost_payments(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For what somebody states of one lost payment, or of all of them, which are shown once more."""
    del posted
    found = await page.ask("reintegration", f"/v1/lost-payments/{id}")
    state, back, version = found.body["state"], f"/lost-payments/{id}", found.etag or ""
    if form.name != "settle_lost_payment":
        counted = {outcome: sum(one["outcome"] == outcome for one in state["payments"]) for outcome in ("left", "not_left", None)}
        shown = (
            (_("Its money left"), str(counted["left"])), (_("No money left"), str(counted["not_left"])),
            (_("Not known yet"), str(counted[None])),
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


def _called(entry: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """One of them in a line: what the lost entry says, of which tranche, how much, and the end of its id."""
    amount = money(known["amount"], known["currency"] or "") if known["amount"] else ""
    of = f"{short(known['grant_id'])}/{known['tranche']}" if known["grant_id"] else short(entry["attempt_id"] or "")
    return " · ".join(part for part in (word(f"lost_{entry['fact']}"), of, amount, short(entry["event_id"] or "")) if part)
