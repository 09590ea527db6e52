"""What a page can fill in before somebody types: the persons of a case, the version that was read, the funds there are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages import given_grants, given_persons
from services.portal.pages.frame import Page
from services.portal.pages.naming import here, named, short, travellers
from shared.clock import real_time

Provides = Callable[[Page, Form, UUID, Posted], Awaitable[tuple[Given, str]]]

# Of what has happened the day is most often today; the time of day is for whoever was there to say.
_MOMENTS: Final = ("screened_at", "signed_at", "departed_at", "arrived_at", "confirmed_at", "tried_at")
_OF_PERSONS: Final = ("person_id", "person_ids", "signed_by", "principal_id")


async def given_for(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """What is known for this command on this subject, and the page that it belongs to."""
    resource = form.path.split("/")[2]
    given, back = await _PROVIDED.get(resource, _nothing)(page, form, id, posted)
    rows = {
        name.removesuffix(".rows"): int(value[0])
        for name, value in posted.items()
        if name.endswith(".rows") and value[0].isascii() and value[0].isdecimal() and len(value[0]) < 4
    }
    more = posted.get("step", [""])[0] == "more"
    # What is known of a subject is said only where it is asked for.
    asked = form.schema.get("properties", {})
    fixed = {name: value for name, value in given.fixed.items() if name in asked}
    grown = {name: how_many + more for name, how_many in rows.items()}
    return replace(given, fixed=fixed, rows=grown), back


async def _case(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    del form, posted
    found = await page.ask("returns", f"/v1/cases/{id}")
    state = found.body["state"]
    people = travellers([one for one in state["persons"] if one["travel"] != "withdrawn"])
    options: dict[str, Sequence[Option]] = dict.fromkeys(_OF_PERSONS, people)
    country = state["destination_country"]
    start: dict[str, Any] = dict.fromkeys(_MOMENTS, f"{here(page, real_time()):%Y-%m-%d}")
    start |= {"destination_country": country, "receiving_country": country, "language": "eng", "programme": "avrr-wb"}
    start["person_ids"] = [str(one["person_id"]) for one in state["persons"] if one["travel"] == "expected"]
    one = named(page, "person")
    if one is not None or len(people) == 1:
        start["person_id"] = start["signed_by"] = people[0].value if one is None else str(one)
    for name in ("departs_at", "arrives_at"):
        if state.get(name):
            start[name] = here(page, datetime.fromisoformat(state[name])).isoformat()
    start |= {name: state[name] for name in ("flight", "needs") if state.get(name)}
    return Given(options=options, start=start, version=found.etag or ""), f"/cases/{id}"


async def _plan(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    case_id = named(page, "case")
    if case_id is not None:
        state = (await page.ask("returns", f"/v1/cases/{case_id}")).body["state"]
        people = travellers(state["persons"])
        fixed = {"case_id": str(case_id), "person_ids": [option.value for option in people]}
        return Given(fixed, {"person_id": people}, fresh=frozenset({"line_id"})), f"/cases/{case_id}"
    state = (await page.ask("reintegration", f"/v1/plans/{id}")).body["state"]
    options = {"person_id": tuple(Option(one, short(one)) for one in state["person_ids"])}
    return Given(options=options, start={"lines": [_line(one) for one in state["lines"]]}, fresh=frozenset({"line_id"})), f"/plans/{id}"


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it is shown, the way in which it is given."""
    return {**line, "planned": {"amount": line["planned"], "currency": line["currency"]}}


async def _nothing(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    del form, id, posted
    site = min(page.session.sites, default="")
    return Given(start={"site": site, "language": "eng", "held_at": f"{here(page, real_time()):%Y-%m-%d}"}), "/"


_PROVIDED: Final[Mapping[str, Provides]] = {
    "cases": _case, "grants": given_grants.of_grant, "funds": given_grants.of_fund, "plans": _plan, "sessions": given_persons.of_session,
    "persons": given_persons.of_person, "intentions": given_persons.of_intention, "families": given_persons.of_family,
}  # fmt: skip
