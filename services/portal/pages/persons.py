"""Persons, families and sessions as counselling knows them, and what a counsellor begins from there."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from services.portal import sign_in
from services.portal.fields import Posted, typed
from services.portal.pages.frame import Page, Reading
from services.portal.pages.given_persons import CONSENTS, members_of
from services.portal.pages.naming import ids_of, names_of, registered, short
from services.portal.pages.searching import WITHIN, search_of
from services.portal.wording import countries
from shared.ids import uuid7

router = APIRouter()

SEXES: Final = ("female", "male", "other", "not_stated")
_WITHDRAWALS: Final = ("withdraw_case", "withdraw_person")


@router.get("/persons")
async def persons(page: Reading) -> Response:
    """Where one looks for who is registered already; what was looked for before a sign-in came between is found."""
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    return await _found(page, kept or {name: page.request.query_params.getlist(name) for name in ("person", "family")})


@router.post("/persons")
async def find_persons(page: Reading) -> Response:
    """Finds who is registered already, and begins the registration of who is not; puts a family together.

    What is looked for says something about a person, so it stands in no address.
    """
    sent = await page.request.form()
    return await _found(page, {name: [str(value) for value in sent.getlist(name)] for name in sent})


async def _found(page: Page, posted: Posted) -> Response:
    reference = typed("reference", posted)
    if reference:
        path = await _case_of_reference(page, reference)
        if path is not None:
            return RedirectResponse(path, status_code=303)
    asked = {name: typed(name, posted) for name in ("country_of_origin", "birth_year", "birth_year_within", "sex")}
    country, year = asked["country_of_origin"], asked["birth_year"]
    if asked["birth_year_within"] not in WITHIN:
        asked["birth_year_within"] = WITHIN[0]
    if asked["sex"] not in SEXES:
        asked["sex"] = ""
    complete = country in countries() and len(year) == 4 and year.isascii() and year.isdecimal()
    found = None
    if complete:
        found = (await page.ask("counselling", "/v1/persons", **asked, after=typed("after", posted))).body
    search = await search_of(page, posted)
    chosen = [str(id) for id in ids_of(page, posted.get("person", ()))]
    names = await names_of(page, [*chosen, *(row["id"] for row in (found["items"] if found else ()))])
    return await page.show(
        "persons.html", found=found, search=search, names=names, asked=asked, incomplete=bool(country or year) and not complete, reference=reference,
        countries=countries(), sexes=SEXES, within=WITHIN, registered=registered,
        chosen=chosen,
        joined=next((str(id) for id in ids_of(page, posted.get("family", ()))), ""), site=min(page.session.sites, default=""),
        short=short, family_id=uuid7(), person_id=uuid7(),
    )  # fmt: skip


async def _case_of_reference(page: Page, reference: str) -> str | None:
    """The page of the case with this reference, where its persons are; None if there is none."""
    cases = (await page.ask("returns", "/v1/cases", case_ref=reference[:40])).body["items"]
    return f"/cases/{cases[0]['id']}" if cases else None


@router.get("/persons/{person_id}")
async def person(
    person_id: UUID, page: Reading, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """One person, under an opaque id: the consents, the wish to return with its case, the family and the sessions."""
    with_sessions = page.has("counsellor", "coordinator")
    found, sessions = await asyncio.gather(
        page.ask("counselling", f"/v1/persons/{person_id}"),
        page.if_for(
            with_sessions, "counselling", "/v1/sessions", person_id=str(person_id), newest="true", after=after
        ),
    )
    body = found.body
    family, case, identity = await asyncio.gather(
        members_of(page, body["family_id"]),
        _case_of(page, body["intention_id"]),
        page.if_for(
            body["identity_shown"] is not None and body["state"]["identity_number"] > 0,
            "counselling", f"/v1/persons/{person_id}/identity",
        ),
    )  # fmt: skip
    return await page.show(
        "person.html", consent_kinds=CONSENTS, standing=_standing(body["state"]["consents"]), found=body, names=await names_of(page, (one["id"] for one in family)), state=body["state"], case=case, family=family, identity=identity,
        withdrawals=_withdrawals(case), sessions=sessions, with_sessions=with_sessions, registered=registered, short=short,
    )  # fmt: skip


def _standing(consents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The consents of which each could be taken back, those to data processing first."""
    return sorted((one for one in consents if one["ended"] is None), key=lambda one: CONSENTS.index(one["consent"]))


async def _case_of(page: Page, intention_id: str | None) -> Any:
    """The case that a wish to return began; None without one, and in the moment before returns has heard of it."""
    return await page.try_asking("returns", f"/v1/cases/{intention_id}") if intention_id is not None else None


def _withdrawals(case: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The ways to withdraw from a case; one person's own only where others would go on."""
    if case is None:
        return []
    going = [one for one in case["state"]["persons"] if one["travel"] != "withdrawn"]
    offered = _WITHDRAWALS if len(going) > 1 else _WITHDRAWALS[:1]
    return [action for action in case["actions"] if action["name"] in offered]


@router.get("/families/{family_id}")
async def family(family_id: UUID, page: Reading) -> Response:
    """One family: its members and what each is to the principal."""
    found = (await page.ask("counselling", f"/v1/families/{family_id}")).body
    by_id = {member["person_id"]: member for member in found["state"]["members"]}
    # The principal first, then the others in their order.
    rows = [row for row in found["persons"] if row["id"] in by_id]
    members = sorted(rows, key=lambda row: by_id[row["id"]]["relation"] != "principal")
    return await page.show(
        "family.html", found=found, names=await names_of(page, by_id), members=members, by_id=by_id, registered=registered,
        short=short,
    )  # fmt: skip


@router.get("/sessions")
async def sessions(page: Reading, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """The reader's own sessions, the latest first."""
    found = (await page.ask("counselling", "/v1/sessions", newest="true", after=after)).body
    return await page.show("sessions.html", found=found, session_id=uuid7())


@router.get("/sessions/{session_id}")
async def session(session_id: UUID, page: Reading) -> Response:
    """One session: what was spoken of, with whom, and what came of it."""
    found = (await page.ask("counselling", f"/v1/sessions/{session_id}")).body
    names = await names_of(page, found["state"]["person_ids"])
    return await page.show("session.html", found=found, state=found["state"], names=names, short=short)
