"""What a page can fill in before somebody types: the persons of a case, the version that was read, the funds there are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page, Turned
from services.portal.words import money, word

Provides = Callable[[Page, Form, UUID], Awaitable[tuple[Given, str]]]

_OF_PERSONS: Final = ("person_id", "person_ids", "signed_by", "principal_id")


async def given_for(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """What is known for this command on this subject, and the page that it belongs to."""
    resource = form.path.split("/")[2]
    given, back = await _PROVIDED.get(resource, _nothing)(page, form, id)
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


def persons(of: Sequence[Mapping[str, Any]]) -> tuple[Option, ...]:
    """The persons of a case to choose from; they have no names here."""
    return tuple(
        Option(str(person["person_id"]), f"{word(person['age_group'])}, {word(person['sex'])} · {short(person['person_id'])}")
        for person in of
    )


def named(page: Page, name: str) -> UUID | None:
    """The id that a page's address names besides its own; what is no id is no page."""
    stated = page.request.query_params.get(name)
    if stated is None:
        return None
    try:
        return UUID(stated)
    except ValueError:
        raise Turned(page.fault(404, "not_found", "There is no such page.")) from None


def short(id: object) -> str:
    """The end of an id, by which people tell two apart."""
    return f"…{str(id)[-6:]}"


async def _case(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    answer = await page.ask("returns", f"/v1/cases/{id}")
    state = answer.body["state"]
    options: dict[str, Sequence[Option]] = dict.fromkeys(_OF_PERSONS, persons(state["persons"]))
    country = state["destination_country"]
    start = {"destination_country": country, "receiving_country": country, "language": "eng", "programme": "avrr-wb"}
    expected = [str(one["person_id"]) for one in state["persons"] if one["travel"] == "expected"]
    return Given(options=options, start={**start, "person_ids": expected}), f"/cases/{id}"


async def _grant(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    answer = await page.ask("reintegration", f"/v1/grants/{id}")
    state = answer.body["state"]
    fixed: dict[str, Any] = {"request_version": state["request_version"]} if "request_version" in state else {}
    options: dict[str, Sequence[Option]] = {
        "number": tuple(
            Option(str(tranche["number"]), f"{tranche['number']}: {money(tranche['amount'], state['currency'])}, {word(tranche['status'])}")
            for tranche in state["tranches"]
        )
    }
    if form.name == "approve_grant":
        funds = await page.ask("reintegration", "/v1/funds", limit=100)
        options["fund_id"] = tuple(
            Option(fund["id"], f"{fund['project']} ({fund['donor']}): {money(fund['available'], fund['currency'])} available")
            for fund in funds.body["items"]
        )
    start = {"money": {"amount": state["amount"], "currency": state["currency"]}}
    return Given(fixed, options, start), f"/grants/{id}"


async def _session(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    site = min(page.session.sites, default="")
    start = {"site": site, "language": "eng", "interpreter": "none", "modality": "in_person"}
    person_id = named(page, "person")
    if person_id is None:
        # Whoever is asked nothing about persons stays anonymous.
        return Given({"person_ids": []}, start=start), "/"
    return Given({"person_ids": [str(person_id)]}, start=start), f"/persons/{person_id}"


async def _person(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    site = min(page.session.sites, default="")
    return Given(start={"site": site, "language": "eng", "text_version": "2023-01"}), f"/persons/{id}"


async def _intention(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    person_id = str(named(page, "person") or id)
    sessions = (await page.ask("counselling", "/v1/sessions", limit=100)).body["items"]
    options = {
        "session_id": tuple(
            Option(row["id"], f"{row['held_at'][:16].replace('T', ' ')} UTC, {word(row['site'])}")
            for row in reversed(sessions)
            if row["outcome"] == "intention_expressed"
        )[:20]
    }
    person = (await page.ask("counselling", f"/v1/persons/{person_id}")).body["state"]
    fixed = {"principal_id": person_id, "person_ids": [person_id]}
    return Given(fixed, options, {"destination_country": person["country_of_origin"]}), f"/persons/{person_id}?case={id}"


async def _plan(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    case_id = named(page, "case")
    if case_id is not None:
        state = (await page.ask("returns", f"/v1/cases/{case_id}")).body["state"]
        people = persons(state["persons"])
        fixed = {"case_id": str(case_id), "person_ids": [option.value for option in people]}
        return Given(fixed, {"person_id": people}, fresh=frozenset({"line_id"})), f"/cases/{case_id}"
    state = (await page.ask("reintegration", f"/v1/plans/{id}")).body["state"]
    options = {"person_id": tuple(Option(one, short(one)) for one in state["person_ids"])}
    return Given(options=options, start={"lines": [_line(one) for one in state["lines"]]}, fresh=frozenset({"line_id"})), f"/plans/{id}"


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it is shown, the way in which it is given."""
    return {**line, "planned": {"amount": line["planned"], "currency": line["currency"]}}


async def _new_grant(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    if form.name != "request_grant":
        return await _grant(page, form, id)
    plan_id, line_id = named(page, "plan") or id, page.request.query_params.get("line", "")
    state = (await page.ask("reintegration", f"/v1/plans/{plan_id}")).body["state"]
    line = next((one for one in state["lines"] if one["line_id"] == line_id), None)
    if line is None:
        raise Turned(page.fault(404, "not_found", "There is no such line in this plan."))
    fixed = {
        "case_id": state["case_id"], "person_id": line["person_id"], "plan_id": str(plan_id), "plan_line_id": line_id,
    }  # fmt: skip
    planned = _line(line)["planned"]
    start = {"category": line["category"], "money": planned, "tranches": [{"number": 1, "money": planned}]}
    return Given(fixed, start=start), f"/plans/{plan_id}"


async def _nothing(page: Page, form: Form, id: UUID) -> tuple[Given, str]:
    site = min(page.session.sites, default="")
    return Given(start={"site": site, "language": "eng"}), "/"


_PROVIDED: Final[Mapping[str, Provides]] = {
    "cases": _case, "grants": _new_grant, "sessions": _session, "persons": _person, "intentions": _intention,
    "plans": _plan,
}  # fmt: skip
