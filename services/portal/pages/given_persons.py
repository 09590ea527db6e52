"""What is known before somebody types where counselling is spoken to: the site, a person's family, the sessions of a wish."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted, typed
from services.portal.pages.frame import Page
from services.portal.pages.naming import all_named, here, named, registered
from services.portal.wording import word
from shared.clock import real_time

# What a found-nobody search already knows of the person who is registered then.
_CARRIED: Final = ("sex", "birth_year", "country_of_origin", "site")

_ALIKE: Final = "Registered already from the same country, of the same year and sex"


async def new_person(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a registration: what was searched by, and who is registered already that looks the same."""
    del form
    asked = page.request.query_params
    start: dict[str, Any] = {"site": min(page.session.sites, default="")}
    start |= {name: asked[name] for name in _CARRIED if asked.get(name)}
    notes: tuple[tuple[str, str], ...] = ()
    country, year, sex = (typed(name, posted) for name in ("country_of_origin", "birth_year", "sex"))
    if country and year.isascii() and year.isdecimal():
        alike = await page.try_asking(
            "counselling", "/v1/persons", country_of_origin=country, birth_year=year, sex=sex, limit=100
        )
        known = [row for row in alike["items"] if row["id"] != str(id)] if alike else []
        if known:
            how_many = f"{len(known)}{'+' if alike and alike['next'] else ''}"
            sentence = f"{_ALIKE}: {how_many}. Look whether this is one of them."
            notes = ((sentence, f"/persons?country_of_origin={country}&birth_year={int(year)}&sex={sex}"),)
    return Given(start=start, notes=notes), f"/persons/{id}"


async def of_person(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a command on a registered person."""
    if form.name == "register_person":
        return await new_person(page, form, id, posted)
    found = await page.ask("counselling", f"/v1/persons/{id}")
    start = {"language": "eng", "text_version": "2023-01", "given_at": _today(page)}
    return Given(start=start, version=found.etag or ""), f"/persons/{id}"


async def of_session(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a session: whoever is asked nothing about persons stays anonymous."""
    del posted
    if form.name == "mark_session_not_held":
        return Given(), "/sessions"
    start: dict[str, Any] = {
        "site": min(page.session.sites, default=""), "language": "eng", "interpreter": "none",
        "modality": "in_person", "session_type": "individual", "held_at": _today(page),
    }  # fmt: skip
    scheduled = await page.try_asking("counselling", f"/v1/sessions/{id}") if form.name == "hold_session" else None
    if scheduled is not None:
        state = scheduled["state"]
        start |= {name: state[name] for name in ("session_type", "modality", "site", "language")}
        return Given({"person_ids": state["person_ids"]}, start=start), f"/sessions/{id}"
    person_id = named(page, "person")
    if person_id is None:
        return Given({"person_ids": []}, start=start), "/"
    members = await family_of(page, person_id)
    if len(members) < 2:
        return Given({"person_ids": [str(person_id)]}, start=start), f"/persons/{person_id}"
    start["person_ids"] = [str(person_id)]
    return Given(options={"person_ids": members}, start=start), f"/persons/{person_id}"


async def of_intention(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a wish to return: the sessions in which it can have been said, and the family that would go along."""
    del form, posted
    person_id = named(page, "person") or id
    said = await page.ask("counselling", "/v1/sessions", person_id=str(person_id), newest="true", limit=100)
    sessions = [row for row in said.body["items"] if row["outcome"] == "intention_expressed"]
    options: dict[str, tuple[Option, ...]] = {
        "session_id": tuple(
            Option(row["id"], f"{page.moment(row['held_at'])}, {word(row['site'])}") for row in sessions
        )
    }
    person = (await page.ask("counselling", f"/v1/persons/{person_id}")).body["state"]
    start: dict[str, Any] = {"destination_country": person["country_of_origin"]}
    if sessions:
        start["session_id"] = sessions[0]["id"]
    members = await family_of(page, person_id)
    fixed: dict[str, Any] = {}
    if len(members) < 2:
        fixed = {"principal_id": str(person_id), "person_ids": [str(person_id)]}
    else:
        options |= {"principal_id": members, "person_ids": members}
        start |= {"principal_id": str(person_id), "person_ids": [member.value for member in members]}
    notes = () if sessions else (
        (
            "There is no session with this person, of yours or of your site, in which the wish was expressed. Record it first.",
            f"/persons/{person_id}",
        ),
    )
    return Given(fixed, options, start, notes=notes), f"/persons/{person_id}?case={id}"


async def of_family(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a family: the persons who were put together on the page where people are found."""
    del form, posted
    chosen = all_named(page, "person")
    people = [await _option(page, person_id) for person_id in chosen]
    rows = [{"person_id": person.value, "relation": "principal" if not number else ""} for number, person in enumerate(people)]
    return Given(options={"person_id": people}, start={"members": rows}), f"/families/{id}"


async def family_of(page: Page, person_id: UUID) -> tuple[Option, ...]:
    """The members of a person's family, the person first; the person alone if there is no family."""
    own = await _option(page, person_id)
    found = (await page.ask("counselling", f"/v1/persons/{person_id}")).body
    family_id = family_id_of(found)
    if family_id is None:
        return (own,)
    family = (await page.ask("counselling", f"/v1/families/{family_id}")).body["state"]
    others = [UUID(member["person_id"]) for member in family["members"] if member["person_id"] != str(person_id)]
    return (own, *[await _option(page, other) for other in others])


def family_id_of(found: Mapping[str, Any]) -> str | None:
    """The family of a person as counselling answered."""
    return found.get("family_id")


async def _option(page: Page, person_id: UUID) -> Option:
    state = (await page.ask("counselling", f"/v1/persons/{person_id}")).body["state"]
    return Option(str(person_id), registered(state, person_id))


def _today(page: Page) -> str:
    """The mission's day, for a moment whose time of day somebody still has to say."""
    return f"{here(page, real_time()):%Y-%m-%d}"
