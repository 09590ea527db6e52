"""What is known before somebody types where counselling is spoken to: the site, a person's family, the sessions of a wish."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, get_args
from uuid import UUID

import httpx

from services.portal.client import Answer, Form
from services.portal.fields import Given, Note, Option, Posted, typed
from services.portal.pages.frame import Page, Turned
from services.portal.pages.naming import all_named, here, named, names_of, option, registered
from services.portal.translation import _, translated
from services.portal.wording import label, word
from shared.clock import real_time
from shared.contracts.counselling import ConsentKind

State = Mapping[str, Any]

_ALIKE: Final = _(
    "Persons of the same country, year of birth and sex who are registered already: %(how_many)s. Is this one of them?"
)
_NOT_LOOKED: Final = _(
    "It could not be looked who is registered already and looks the same, for you have searched as often as anybody may: "
    "go on if you know that this person is not, or try again in %(minutes)s min."
)
_NOT_SAID: Final = _(
    "There is no session with this person in which the wish to return was expressed. Record that session first."
)
_NOBODY_AGREES: Final = _(
    "This is a child, and nobody is registered who may agree for it. Register its family or name a guardian first."
)
CONSENTS: Final[tuple[ConsentKind, ...]] = get_args(ConsentKind)
_ABROAD: Final = ("transfer", "transfer_to_consulate", "medical", "family_assessment")
_OF_ERASURES: Final = frozenset(
    {"request_erasure", "approve_erasure", "refuse_erasure", "place_legal_hold", "lift_legal_hold"}
)


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
    alike = await page.try_answer("counselling", "/v1/persons", **asked, limit=100)
    if alike is None:
        return Given(start=start), back
    if alike.status == httpx.codes.TOO_MANY_REQUESTS:
        # Nobody waits to be registered until it can be looked again, but whoever registers them knows that nobody looked.
        return Given(start=start, notes=(Note(_not_looked(alike), "/persons"),)), back
    known = [row for row in alike.body["items"] if row["id"] != str(id)] if alike.ok else []
    if not known:
        return Given(start=start), back
    how_many = f"{len(known)}{'+' if alike.body['next'] else ''}"
    return Given(start=start, notes=(Note(translated(_ALIKE, how_many=how_many), "/persons", asked),)), back


async def of_person(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a command on a registered person; an address may say which consent it is about, or of which kind."""
    if form.name == "register_person":
        return await new_person(page, form, id, posted)
    if form.name in _OF_ERASURES:
        # Who erases knows the person by the id alone.
        stands = await page.ask("counselling", f"/v1/persons/{id}/erasure")
        return Given(version=stands.etag or "", shown=((_("Id of the person"), str(id)),)), f"/erasures/{id}"
    found = await page.ask("counselling", f"/v1/persons/{id}")
    if form.name == "record_identity":
        return _identity(found), f"/persons/{id}"
    if form.name == "record_host_status":
        first: Mapping[str, Any] = {} if found.body["state"]["host_status_number"] else {"reason": None}
        return Given(first, version=found.etag or ""), f"/persons/{id}"
    consent_id = named(page, "consent_id")
    if form.name == "withdraw_consent" and consent_id is not None:
        return _taken_back(page, found, consent_id), f"/persons/{id}"
    consent = page.request.query_params.get("consent")
    # An id is given where the consent is recorded.
    fixed: dict[str, Any] = {"consent": consent, "consent_id": None} if consent in CONSENTS else {}
    shown = ((_("Consent"), word(consent)),) if consent in CONSENTS else ()
    if form.name == "give_consent":
        return await _agreed(page, found, Given(fixed, version=found.etag or "", shown=shown)), f"/persons/{id}"
    return Given(fixed, version=found.etag or "", shown=shown), f"/persons/{id}"


async def _agreed(page: Page, found: Answer, given: Given) -> Given:
    """For what somebody agrees to; of a child the form asks as well who agreed for it, among those who may."""
    fixed, options, notes = dict(given.fixed), {}, given.notes
    if fixed.get("consent") in CONSENTS and fixed["consent"] not in _ABROAD:
        # It stays with this mission, so no country is asked for.
        fixed["recipient_country"] = None
    may_agree = found.body["may_agree"]
    if may_agree:
        family = await members_of(page, found.body["family_id"])
        options["given_by"] = await _to_choose(page, [row for row in family if row["id"] in may_agree])
    else:
        # Nobody agrees for an adult, and a free id would name somebody who may not.
        fixed["given_by"] = None
    if may_agree == []:
        family_id = found.body["family_id"]
        notes = (Note(translated(_NOBODY_AGREES), f"/families/{family_id}" if family_id else f"/persons/{found.body['id']}"),)
    start = {"language": "eng", "text_version": "2023-01", "given_at": _today(page)}
    return replace(given, fixed=fixed, options=options, start=start, notes=notes)


def _not_looked(answer: Answer) -> str:
    """That nobody looked for whoever looks the same, and when somebody can."""
    seconds = answer.headers.get("Retry-After", "")
    minutes = max(1, math.ceil(int(seconds) / 60)) if seconds.isascii() and seconds.isdecimal() else 1
    return translated(_NOT_LOOKED, minutes=minutes)


def _taken_back(page: Page, found: Answer, consent_id: UUID) -> Given:
    """For the one consent that is taken back; what of it is sensitive stands on the page, not in the address."""
    one = next((one for one in found.body["state"]["consents"] if one["consent_id"] == str(consent_id)), None)
    if one is None:
        # Not all of a kind in place of one that is not there.
        raise Turned(page.fault(404, "not_found", _("There is no such page.")))
    country = ((_("Country"), word(one["recipient_country"])),) if one["recipient_country"] else ()
    given = (label("given_at"), page.moment(one["given_at"]))
    return Given(
        {"consent": one["consent"], "consent_id": str(consent_id)}, version=found.etag or "",
        shown=((_("Consent"), word(one["consent"])), *country, given),
    )  # fmt: skip


def _identity(found: Answer) -> Given:
    """For who a person is: which fields are known, never what they say; a reason is asked for once something can be wrong."""
    state = found.body["state"]
    known = state["identity_fields"]
    start = {} if "birth_date" in known else {"birth_date": found.body["birth_year"]}
    if not known:
        return Given({"reason": None, "emptied": []}, start=start, version=found.etag or "")
    so_far = (_("Recorded so far"), "; ".join(label(field) for field in known))
    options = {"emptied": tuple(Option(field, label(field)) for field in known)}
    return Given(options=options, start=start, version=found.etag or "", shown=(so_far,))


async def of_session(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a session: whoever is asked nothing about persons stays anonymous. Who was present is never filled in beforehand."""
    del posted
    if form.name == "mark_session_not_held":
        return Given(), "/sessions"
    if form.name == "amend_session":
        return _set_right(page, await page.ask("counselling", f"/v1/sessions/{id}")), f"/sessions/{id}"
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
    return Given(options={"person_ids": await _to_choose(page, members)}, start=start), f"/persons/{person_id}"


def _set_right(page: Page, found: Answer) -> Given:
    """For who was present in a session: what was recorded of it, to be changed."""
    state = found.body["state"]
    said = {name: state[name] for name in ("interpreter", "interpreter_kind", "present") if state[name]}
    return Given(start=said, version=found.etag or "", shown=((label("held_at"), page.moment(state["held_at"])),))


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
        options |= dict.fromkeys(("principal_id", "person_ids"), await _to_choose(page, members))
        # Whoever belongs to a family only as a guardian need not travel with it.
        going = [str(person_id), *(one["id"] for one in members[1:] if one["relation"] != "guardian")]
        start |= {"principal_id": str(person_id), "person_ids": going}
    notes = () if sessions else (Note(translated(_NOT_SAID), f"/persons/{person_id}"),)
    return Given(fixed, options, start, notes=notes), f"/persons/{person_id}"


async def of_family(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a family: the persons who were put together on the page where people are found, or one who joins or leaves."""
    if form.name != "register_family":
        return await _of_member(page, form, id, posted), f"/families/{id}"
    members = await asyncio.gather(*(_person(page, person_id) for person_id in all_named(page, "person")))
    people = await _to_choose(page, members)
    rows = [{"person_id": person.value, "relation": "principal" if not number else ""} for number, person in enumerate(people)]
    options = {"person_id": people, "guardian_of": people}
    return Given(options=options, start={"members": rows}), f"/families/{id}"


async def _of_member(page: Page, form: Form, id: UUID, posted: Posted) -> Given:
    """For one who joins a family, leaves it or is the guardian of children in it; the address says who."""
    del posted
    found = await page.ask("counselling", f"/v1/families/{id}")
    person_id = named(page, "person") or id
    version, others = found.etag or "", [row for row in found.body["persons"] if row["id"] != str(person_id)]
    who = await _person(page, person_id)
    fixed, shown = {"person_id": str(person_id)}, ((_("Person"), registered(who, person_id)),)
    options: dict[str, Sequence[Option]] = {"guardian_of": await _to_choose(page, others)}
    if form.name == "add_family_member":
        options["relation"] = tuple(Option(one, word(one)) for one in ("spouse", "child", "other_dependant", "guardian"))
        return Given(fixed, options, version=version, shown=shown)
    wards: list[str] = next((one["guardian_of"] for one in found.body["state"]["members"] if one["person_id"] == str(person_id)), [])
    return Given(fixed, options, {"guardian_of": wards}, version=version, shown=shown)


async def family_of(page: Page, person_id: UUID) -> list[State]:
    """The members of a person's family, the person first; the person alone if there is no family."""
    own = await _person(page, person_id)
    others = [row for row in await members_of(page, own["family_id"]) if row["id"] != own["id"]]
    return [own, *others]


async def members_of(page: Page, family_id: str | None) -> list[State]:
    """The members of a family with what tells them apart and their relation; nobody without a family."""
    if family_id is None:
        return []
    found = (await page.ask("counselling", f"/v1/families/{family_id}")).body
    relations = {member["person_id"]: member["relation"] for member in found["state"]["members"]}
    return [{**row, "relation": relations[row["id"]]} for row in found["persons"] if row["id"] in relations]


async def _person(page: Page, person_id: UUID) -> State:
    found = (await page.ask("counselling", f"/v1/persons/{person_id}")).body
    return {**found["state"], "id": found["id"], "birth_year": found["birth_year"], "family_id": found["family_id"]}


async def _to_choose(page: Page, people: Sequence[State]) -> tuple[Option, ...]:
    names = await names_of(page, (person["id"] for person in people))
    return tuple(option(names, person["id"], registered(person, person["id"])) for person in people)


def _today(page: Page) -> str:
    """The mission's day, for a moment whose time of day somebody still has to say."""
    return f"{here(page, real_time()):%Y-%m-%d}"
