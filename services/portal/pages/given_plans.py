"""What is known of an order about a plan before somebody types: whom it covers, its lines as they stand, what is confirmed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import named, names_of, option, short, travellers
from services.portal.translation import _
from services.portal.wording import word
from services.portal.words import money


async def of_plan(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For the plan of a case, which the address names, or for one that there is."""
    del posted
    case_id = named(page, "case")
    if case_id is not None:
        state = (await page.ask("returns", f"/v1/cases/{case_id}")).body["state"]
        # An office is not shown who withdrew, and of the others not how far they are.
        going = [one for one in state["persons"] if one.get("travel") != "withdrawn"]
        people = travellers(going, await names_of(page, (one["person_id"] for one in going)))
        fixed = {"case_id": str(case_id), "person_ids": [option.value for option in people]}
        return Given(fixed, {"person_id": people}, fresh=frozenset({"line_id"})), f"/cases/{case_id}"
    found = await page.ask("reintegration", f"/v1/plans/{id}")
    state, version, back = found.body["state"], found.etag or "", f"/plans/{id}"
    lines = [line for line in state["lines"] if line["category"]]
    if form.name == "complete_plan":
        # A line that is not chosen has a grant that was completed; the service knows which.
        options = {"line_id": [Option(line["line_id"], said(line)) for line in lines]}
        return Given(options=options, start={"otherwise": [{} for _line in lines]}, version=version), back
    if form.name in ("confirm_draft", "share_plan"):
        return Given(version=version, shown=[(_("Line"), said(line)) for line in lines]), back
    names = await names_of(page, state["person_ids"])
    options = {"person_id": [option(names, one, short(one)) for one in state["person_ids"]]}
    # Its lines are replaced by those that are given, so they must be the ones that were shown.
    start = {"lines": [as_given(line) for line in lines]} if lines else {}
    return Given(options=options, start=start, fresh=frozenset({"line_id"}), version=version), back


def said(line: Mapping[str, Any]) -> str:
    """A line in a few words: what for, how much, for whom."""
    return f"{word(line['category'])}, {money(line['planned'], line['currency'])} · {short(line['person_id'])}"


def as_given(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it is shown, the way in which it is given."""
    details = {name: value for name, value in (line["details"] or {}).items() if value is not None}
    return {**line, **details, "planned": {"amount": line["planned"], "currency": line["currency"]}}
