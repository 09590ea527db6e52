"""What is known before somebody types where counselling is spoken to: the site, a person's family, the sessions of a wish."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from services.portal.client import Answer, Form
from services.portal.fields import Given, Note, Option, Posted, typed
from services.portal.pages.frame import Page
from services.portal.pages.naming import all_named, here, named, registered
from services.portal.translation import _, translated
from services.portal.wording import label, word
from shared.clock import real_time

State = Mapping[str, Any]

_ALIKE: Final = _(
    "Persons of the same country, year of birth and sex who are registered already: %(how_many)s. Is this one of them?"
)
_NOT_SAID: Final = _(
    "There is no session with this person in which the wish to return was expressed. Record that session first."
)
_CONSENTS: Final = ("data", "transfer")


async def new_person(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a registration: before it is sent, who is registered already that looks the same."""
    del form
    step = posted.get("step", [""])[0]
    # Done, it leads to the person; undone, to where one looks for others.
    back = f"/persons/{id}" if step == "send" else "/persons"
    start = {"site": min(page.session.sites, default="")}
    country, year, sex = (typed(name, posted) for name in ("country_of_origin", "birth_year", "sex"))
    if not (step == "check" and country and year.isascii() and year.isdecimal()):
        return Given(start=start), back
    asked = {"country_of_origin": country, "birth_year": year, "sex": sex}
    alike = await page.try_asking("counselling", "/v1/persons", **asked, limit=100)
    known = [row for row in alike["items"] if row["id"] != str(id)] if alike else []
    if not known:
        return Given(start=start), back
    how_many = f"{len(known)}{'+' if alike['next'] else ''}"
    return Given(start=start, notes=(Note(translated(_ALIKE, how_many=how_many), "/persons", asked),)), back


async def of_person(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a command on a registered person; an address may say which of the consents it is about."""
    if form.name == "register_person":
        return await new_person(page, form, id, posted)
    found = await page.ask("counselling", f"/v1/persons/{id}")
    if form.name == "record_identity":
        return _identity(found), f"/persons/{id}"
    start = {"language": "eng", "text_version": "2023-01", "given_at": _today(page)}
    consent = page.request.query_params.get("consent")
    if consent not in _CONSENTS:
        return Given(start=start, version=found.etag or ""), f"/persons/{id}"
    fixed: dict[str, Any] = {"consent": consent}
    if consent == "data":
        # It stays with this mission, so no country is asked for.
        fixed["recipient_country"] = None
    shown = ((_("Consent"), word(consent)),)
    return Given(fixed, start=start, version=found.etag or "", shown=shown), f"/persons/{id}"


def _identity(found: Answer) -> Given:
    """For who a person is: which fields are known, never what they say; a reason is asked for once something can be wrong."""
    state = found.body["state"]
    known = state["identity_fields"]
    start = {} if "birth_date" in known else {"birth_date": state["birth_year"]}
    if not known:
        return Given({"reason": None}, start=start, version=found.etag or "")
    so_far = (_("Recorded so far"), "; ".join(label(field) for field in known))
    return Given(start=start, version=found.etag or "", shown=(so_far,))


async def of_session(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a session: whoever is asked nothing about persons stays anonymous."""
    del posted
    if form.name == "mark_session_not_held":
        return Given(), "/sessions"
    start: dict[str, Any] = {
        "site": min(page.session.sites, default=""), "language": "eng", "interpreter": "none",
        "modality": "in_person", "session_type": "individual", "held_at": _today(page),
    }  # fmt: skip
    person_id = named(page, "person")
    may_be_scheduled = form.name == "hold_session" and person_id is None
    scheduled = await page.try_asking("counselling", f"/v1/sessions/{id}") if may_be_scheduled else None
    if scheduled is not None:
        state = scheduled["state"]
        start |= {name: state[name] for name in ("session_type", "modality", "site", "language")}
        return Given({"person_ids": state["person_ids"]}, start=start), f"/sessions/{id}"
    if person_id is None:
        return Given({"person_ids": []}, start=start), "/"
    members = await family_of(page, person_id)
    if len(members) < 2:
        return Given({"person_ids": [str(person_id)]}, start=start), f"/persons/{person_id}"
    start["person_ids"] = [str(person_id)]
    return Given(options={"person_ids": _to_choose(members)}, start=start), f"/persons/{person_id}"


async def of_intention(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a wish to return: the sessions in which it can have been said, and the family that would go along."""
    del form, posted
    person_id = named(page, "person") or id
    said, members = await asyncio.gather(
        page.ask("counselling", "/v1/sessions", person_id=str(person_id), newest="true", limit=100),
        family_of(page, person_id),
    )
    sessions = [row for row in said.body["items"] if row["outcome"] == "intention_expressed"]
    options: dict[str, Sequence[Option]] = {
        "session_id": tuple(
            Option(row["id"], f"{page.moment(row['held_at'])}, {word(row['site'])}") for row in sessions
        )
    }
    start: dict[str, Any] = {"destination_country": members[0]["country_of_origin"]}
    if sessions:
        start["session_id"] = sessions[0]["id"]
    fixed: dict[str, Any] = {}
    if len(members) < 2:
        fixed = {"principal_id": str(person_id), "person_ids": [str(person_id)]}
    else:
        options |= dict.fromkeys(("principal_id", "person_ids"), _to_choose(members))
        start |= {"principal_id": str(person_id), "person_ids": [member["id"] for member in members]}
    notes = () if sessions else (Note(translated(_NOT_SAID), f"/persons/{person_id}"),)
    return Given(fixed, options, start, notes=notes), f"/persons/{person_id}"


async def of_family(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a family: the persons who were put together on the page where people are found."""
    del form, posted
    people = _to_choose(await asyncio.gather(*(_person(page, person_id) for person_id in all_named(page, "person"))))
    rows = [{"person_id": person.value, "relation": "principal" if not number else ""} for number, person in enumerate(people)]
    return Given(options={"person_id": people}, start={"members": rows}), f"/families/{id}"


async def family_of(page: Page, person_id: UUID) -> list[State]:
    """The members of a person's family, the person first; the person alone if there is no family."""
    own = await _person(page, person_id)
    others = [row for row in await members_of(page, own["family_id"]) if row["id"] != own["id"]]
    return [own, *others]


async def members_of(page: Page, family_id: str | None) -> list[State]:
    """The members of a family with what tells them apart; nobody without a family."""
    if family_id is None:
        return []
    found: list[State] = (await page.ask("counselling", f"/v1/families/{family_id}")).body["persons"]
    return found


async def _person(page: Page, person_id: UUID) -> State:
    found = (await page.ask("counselling", f"/v1/persons/{person_id}")).body
    return {**found["state"], "id": found["id"], "family_id": found["family_id"]}


def _to_choose(people: Sequence[State]) -> tuple[Option, ...]:
    return tuple(Option(person["id"], registered(person, person["id"])) for person in people)


def _today(page: Page) -> str:
    """The mission's day, for a moment whose time of day somebody still has to say."""
    return f"{here(page, real_time()):%Y-%m-%d}"
