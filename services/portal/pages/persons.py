"""Persons, families and sessions as counselling knows them, and what a counsellor begins from there."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.fields import typed
from services.portal.pages.frame import Reading
from services.portal.pages.given_persons import family_id_of, family_of
from services.portal.pages.naming import all_named, registered, short
from services.portal.wording import countries
from shared.ids import uuid7

router = APIRouter()

SEXES = ("female", "male", "other", "not_stated")


@router.get("/persons")
async def persons(
    page: Reading,
    country_of_origin: Annotated[str, Query(max_length=2)] = "",
    birth_year: Annotated[str, Query(max_length=10)] = "",
    birth_year_within: Annotated[int, Query(ge=0, le=3)] = 0,
    sex: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Finds who is registered already, and begins the registration of who is not; puts a family together."""
    year = typed("birth_year", {"birth_year": [birth_year]})
    asked = bool(country_of_origin or year)
    complete = country_of_origin in countries() and year.isascii() and year.isdecimal()
    found = None
    if complete:
        found = (
            await page.ask(
                "counselling", "/v1/persons", country_of_origin=country_of_origin, birth_year=year,
                birth_year_within=birth_year_within, sex=sex, after=after,
            )
        ).body  # fmt: skip
    chosen = all_named(page, "person")
    return await page.show(
        "persons.html", found=found, asked=asked, country_of_origin=country_of_origin, birth_year=year, sex=sex,
        birth_year_within=birth_year_within, countries=countries(), sexes=SEXES, registered=registered, chosen=chosen,
        short=short, family_id=uuid7(), person_id=uuid7(),
    )  # fmt: skip


@router.get("/persons/{person_id}")
async def person(
    person_id: UUID, page: Reading, case: Annotated[UUID | None, Query()] = None
) -> Response:
    """One person, under an opaque id; ``case`` is the return case that was just begun."""
    found, sessions = await asyncio.gather(
        page.ask("counselling", f"/v1/persons/{person_id}"),
        page.if_for(page.has("counsellor"), "counselling", "/v1/sessions", person_id=str(person_id), newest="true"),
    )
    body = found.body
    family_id = family_id_of(body)
    family = await family_of(page, person_id) if family_id is not None else ()
    return await page.show(
        "person.html", found=body, state=body["state"], case_id=case or body.get("intention_id"), family_id=family_id,
        family=family, sessions=sessions["items"] if sessions else (), session_id=uuid7(), intention_id=uuid7(),
        short=short,
    )  # fmt: skip


@router.get("/families/{family_id}")
async def family(family_id: UUID, page: Reading) -> Response:
    """One family: its members and what each is to the principal."""
    found = (await page.ask("counselling", f"/v1/families/{family_id}")).body
    return await page.show("family.html", found=found, state=found["state"], short=short)


@router.get("/sessions")
async def sessions(page: Reading, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """The reader's own sessions, the latest first."""
    found = (await page.ask("counselling", "/v1/sessions", newest="true", after=after)).body
    return await page.show("sessions.html", found=found, session_id=uuid7())


@router.get("/sessions/{session_id}")
async def session(session_id: UUID, page: Reading) -> Response:
    """One session: what was spoken of, with whom, and what came of it."""
    found = (await page.ask("counselling", f"/v1/sessions/{session_id}")).body
    return await page.show("session.html", found=found, state=found["state"], short=short)
