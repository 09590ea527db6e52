"""What is known of a fund or an accounting month before somebody types: what may be chosen, and what waits for a second person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import here
from services.portal.translation import _, translated
from services.portal.wording import countries, word
from services.portal.words import money
from shared.clock import real_time


async def of_fund(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a fund from today to the end of the year, or for what is asked of one, confirmed or dropped, as it stands now."""
    del posted
    if form.name == "open_fund":
        today = here(page, real_time()).date()
        options = {
            "countries": tuple(Option(code, name) for code, name in countries().items()),
            "programmes": tuple(Option(code, code) for code in await _programmes(page)),
        }
        first_days = {"valid_from": today.isoformat(), "valid_until": f"{today.year}-12-31"}
        return Given(options=options, start=first_days), "/funds"
    found = await page.ask("reintegration", f"/v1/funds/{id}")
    state = found.body["state"]
    currency = state["currency"]
    start: dict[str, Any] = {"granted": {"amount": state["granted"], "currency": currency}, "valid_until": state["valid_until"]}
    fixed = {"change_no": state["change_no"]} if form.name in ("confirm_fund", "drop_fund_change") else {}
    shown = [
        (_("Fund"), f"{state['project']} ({state['donor']})"), (_("Granted"), money(state["granted"], currency)),
        (_("Valid until"), state["valid_until"]), (_("Available"), money(found.body["balance"]["available"], currency)),
    ]  # fmt: skip
    if fixed and state["waiting"] and state["waiting"]["what"] == "open":
        # Whoever confirms it is the second to look at all of its terms, which are fixed from then on.
        shown += [(_("Valid from"), state["valid_from"]), (_("Pays for"), pays_for(state) or _("everything"))]
    if fixed and state["waiting"]:
        shown += what_is_asked(state["waiting"], currency)
    return Given(fixed, start=start, version=found.etag or "", shown=tuple(shown)), f"/funds/{id}"


def what_is_asked(waiting: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    """What waits for a second person, line by line: what would count from then on, and who asked."""
    asked = {"open": _("Asked: to open it with"), "change": _("Asked: to grant in all"), "close": _("Asked: to close it")}
    lines = [(asked[waiting["what"]], money(waiting["granted"], currency))]
    if waiting["what"] != "close":
        lines.append((_("Asked: valid until"), waiting["valid_until"]))
    if waiting["reason"]:
        lines.append((_("Reason"), word(waiting["reason"])))
    return [*lines, (_("Asked by"), waiting["asked_by"])]


def pays_for(fund: Mapping[str, Any]) -> str:
    """The countries, categories and programmes that a fund is limited to, as a sentence; nothing where it is for all."""
    parts = []
    if fund["countries"]:
        parts.append(translated(_("in %(these)s"), these=", ".join(word(code) for code in fund["countries"])))
    if fund["grant_categories"]:
        parts.append(translated(_("for %(these)s"), these=", ".join(word(code) for code in fund["grant_categories"])))
    if fund["programmes"]:
        parts.append(translated(_("of the programme %(these)s"), these=", ".join(fund["programmes"])))
    return "; ".join(parts)


async def of_period(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For closing the month before this one, or for what is asked of a month that was closed."""
    del posted
    there = await page.answer("reintegration", f"/v1/periods/{id}")
    if not there.ok:
        last = here(page, real_time()).date().replace(day=1) - timedelta(days=1)
        return Given(start={"month": f"{last:%Y-%m}"}), "/periods"
    state = there.body["state"]
    shown = [(_("Month"), state["month"]), (_("Status"), word(state["status"]))]
    if state["waiting"]:
        shown += [(_("Reason"), word(state["waiting"]["reason"])), (_("Asked by"), state["waiting"]["asked_by"])]
    fixed = {"month": state["month"]} if form.name == "close_period" else {}
    return Given(fixed, version=there.etag or "", shown=tuple(shown)), f"/periods/{id}"


async def _programmes(page: Page) -> list[str]:
    """The programmes that have an approval policy."""
    found: list[str] = []
    after = None
    while True:
        answer = (await page.ask("reintegration", "/v1/approval-policies", limit=100, after=after)).body
        found += (one["programme"] for one in answer["items"])
        after = answer["next"]
        if after is None:
            return found
