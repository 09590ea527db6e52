"""What is asked about them besides: everything that is refused, shown, exported, watched or failing, with what was answered."""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final
from uuid import UUID

import asyncpg
import httpx

from ops.browser import ensure_browser, open_browser, sign_in
from ops.demo_year.people import Household, moment
from ops.repairs import replay_dead_letter
from services.counselling.domain.person import GiveConsent, RegisterPerson
from shared.actors import PROGRAMS
from shared.ids import uuid7
from tests.e2e.canaries import BIRTH_YEAR, Described, Flock, Json, heard
from tests.e2e.canary_journeys import (
    COUNSELLOR,
    COUNTRY,
    FIRST_DAY,
    OFFICE,
    SAID,
    SEARCHES,
    SITE,
    post,
    together,
)
from tests.e2e.conftest import Mission

# Counsellors of the same site and of another one who counsel none of them, and others who work on their cases.
OTHERS: Final = ("counsellor-3", "counsellor-1", "coordinator", "finance-approver", OFFICE)


@dataclass
class Told:
    """Everything that anybody was answered where nothing personal may stand, by what was asked."""

    answers: dict[str, bytes] = field(default_factory=dict)

    def note(self, asked: str, answer: httpx.Response) -> None:
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.answers[f"{asked}: {answer.status_code}"] = f"{answer.url}\n{head}\n".encode() + answer.content


@dataclass(frozen=True)
class Driven:
    """What was done with the canaries: who they stand for, which fields had one, and what was answered."""

    mission: Mission
    flock: Flock
    households: Sequence[Household]
    personal: Sequence[Described]
    bodies: Sequence[Described]
    told: Told
    control: UUID
    case_id: UUID

    @property
    def person_ids(self) -> list[UUID]:
        return [member.person_id for household in self.households for member in household.members]


async def refuse(driven: Driven) -> None:
    """Asks for everything that is refused, with a canary wherever something can be said: nothing of it may come back."""
    mission, flock, told = driven.mission, driven.flock, driven.told
    person_id, identity = driven.person_ids[0], next(body for body in driven.personal if body.name == "record_identity")

    def word() -> str:
        return flock.latin("what was refused")

    async def send(asked: str, service: str, path: str, persona: str | None, body: object, **more: str) -> None:
        answer = await post(mission, service, path, persona, body, at=moment(FIRST_DAY + 8, 9).isoformat(), **more)
        assert answer.status_code in range(400, 500), (asked, answer.status_code)
        told.note(f"{asked} {service} {path}", answer)

    async def malformed(body: Described) -> None:
        path, persona = re.sub(r"{\w+}", str(uuid7()), body.path), somebody_who_may(body)
        if persona is None:
            return
        for what, sent in (
            ("texts", {name: word() for name in body.fields()} | {flock.own_script("a refused name of a field"): 1}),
            ("lists", {name: [{word(): word()}] for name in body.fields()}),
            ("a text", word()),
            ("no JSON", f'{{"name": "{word()}'.encode()),
        ):
            await send(f"{body.name} as {what}", body.service, path, persona, sent)

    def who(year: int = BIRTH_YEAR) -> Json:
        return {**identity.example(flock, SAID["record_identity"]), "birth_date": f"{year}-05-02"}

    path = f"/v1/persons/{person_id}/record-identity"
    unknown = f"/v1/persons/{uuid7()}/record-identity"
    key = str(uuid7())
    await together(lambda body=body: malformed(body) for body in driven.bodies)  # type: ignore[misc]
    await send("nobody", "counselling", path, None, who())
    await send("a bad token", "counselling", path, None, who(), Authorization=f"Bearer {word()}")
    await send("not theirs", "counselling", path, "auditor", who())
    await send("another site", "counselling", path, "counsellor-1", who())
    await send("unknown", "counselling", unknown, COUNSELLOR, who())
    await send("another year", "counselling", path, COUNSELLOR, who(BIRTH_YEAR + 1))
    await send("no reason", "counselling", path, COUNSELLOR, who())
    await send("stale", "counselling", path, COUNSELLOR, {**who(), "reason": "misspelt"}, **{"If-Match": '"1"'})
    first = await post(mission, "counselling", path, COUNSELLOR, {**who(), "reason": "misspelt"}, **{"Idempotency-Key": key})
    assert first.is_success, first.text
    await send("key reused", "counselling", path, COUNSELLOR, {**who(), "reason": "misspelt"}, **{"Idempotency-Key": key})
    for service in mission.addresses.services:
        for asked in (f"/v1/persons/{word()}", f"/v1/{word()}", f"/v1/cases?case_ref={word()}", f"/v1/persons?birth_year={word()}"):
            answer = await mission.raw("GET", service, asked, "coordinator")
            # What somebody typed into an address they see there; what is answered says nothing of it.
            told.answers[f"typed {service} {asked}"] = answer.content


def somebody_who_may(body: Described) -> str | None:
    """A persona whom the policy gives this operation; None for what only a program may ask."""
    rows = import_module(f"services.{body.service}.policy").POLICY.rows
    roles = {row.role.value for row in rows if row.operation == body.name} - PROGRAMS
    if not roles:
        return None
    role = "counsellor" if "counsellor" in roles else min(roles)
    return {"counsellor": COUNSELLOR, "receiving_office": OFFICE}.get(role, role.replace("_", "-"))


async def look(driven: Driven) -> None:
    """Reads what is shown masked, and everything that leaves the mission as a file or for whoever runs it."""
    mission, told = driven.mission, driven.told
    for person_id in driven.person_ids[:3]:
        for path in (f"/v1/persons/{person_id}", f"/v1/persons/{person_id}/identity"):
            told.note("read", await mission.read("counselling", "protection", path))
    told.note("found", await mission.read("counselling", COUNSELLOR, f"/v1/persons?country_of_origin={COUNTRY}&birth_year={BIRTH_YEAR}"))
    for body in driven.personal:
        if body.name in SEARCHES:
            sought = body.example(driven.flock, SAID[body.name])
            known = next(canary for canary, where in driven.flock.where.items() if where.endswith("record_identity family_name"))
            for order in (sought, {**sought, "name": {**sought["name"], "family_name": known}}):
                answer = await post(mission, body.service, body.path, "coordinator", order)
                assert answer.is_success, (body.name, answer.status_code)
                told.note("looked for", answer)
            assert answer.json()["items"], "whoever is looked for by name is found, and masked"
    for service in mission.addresses.services:
        for path in (
            "/v1/events?from=0", "/v1/log?limit=100", "/v1/log/export?format=csv", "/v1/log/export?format=ndjson",
            f"/v1/log/chain/{driven.person_ids[0]}", "/v1/statistics?from=2025-01-01&to=2025-12-31", "/v1/forms",
        ):  # fmt: skip
            answer = await mission.read(service, "auditor", path)
            assert answer.status_code in (200, 404), (service, path, answer.status_code)
            told.note("exported", answer)
    of_the_archive = (
        "/v1/archive?limit=100", f"/v1/archive/cases/{driven.case_id}/chain?limit=100", "/v1/archive/readings?limit=100",
        f"/v1/archive/readings?about={driven.person_ids[0]}", "/v1/archive/refusals?limit=100", "/v1/archive/exceptions?limit=100",
    )  # fmt: skip
    for path in of_the_archive:
        answer = await mission.read("audit", "auditor", path)
        assert answer.status_code == 200, (path, answer.status_code)
        told.note(f"searched {path}", answer)
    for url in mission.addresses.services.values():
        for path in ("/metrics", "/healthz", "/readyz", "/v1/openapi.json"):
            told.note("watched", await mission.client.get(url + path))
    for path in ("/metrics", "/healthz", "/readyz"):
        told.note("watched", await mission.client.get(mission.addresses.portal + path))
    for asked in ("grants?", "funds?", "funds?table=uses&", "rates?", "open-items?", "open-items?table=items&", "exceptions?from=2025-01-01&to=2025-12-31&"):
        table, sheets = [await mission.read("reintegration", "auditor", f"/v1/exports/{asked}format={one}") for one in ("csv", "xlsx")]
        assert table.status_code == sheets.status_code == 200, (asked, table.text)
        told.note("taken home", table)
        # What is in it is packed.
        with zipfile.ZipFile(io.BytesIO(sheets.content)) as file:
            told.answers[f"taken home {asked} as a spreadsheet"] = b"\n".join(file.read(name) for name in file.namelist())


async def look_at_pages(driven: Driven) -> None:
    """The portal's pages: what is typed there comes back to whoever typed it, and is kept by nobody."""
    mission, flock, told, portal = driven.mission, driven.flock, driven.told, driven.mission.addresses.portal
    person_id = driven.person_ids[0]
    cookies: dict[str, str] = {}
    async with open_browser(ensure_browser()) as browser:
        for persona in (COUNSELLOR, *OTHERS):
            context = await browser.new_context()
            await sign_in(await context.new_page(), portal, persona)
            cookies[persona] = "; ".join(f"{one['name']}={one['value']}" for one in await context.cookies(portal))
            await context.close()
    ours = {"Origin": portal, "Sec-Fetch-Site": "same-origin"}
    typed = {
        "step": "check", "family_name": flock.latin("typed into a page"), "reason": "misspelt",
        "family_name_own_script": flock.own_script("typed into a page"),
    }  # fmt: skip
    order = f"{portal}/do/counselling/record_identity/{person_id}"
    async with httpx.AsyncClient(trust_env=False, timeout=30, headers=ours) as client:
        signed_in = {"Cookie": cookies[COUNSELLOR]}
        # Whoever counsels somebody reads their name where the case is; nobody else does.
        for path in ("/", "/cases", f"/cases/{driven.case_id}", f"/persons/{person_id}"):
            assert heard((await client.get(portal + path, headers=signed_in)).content), path
            for persona in OTHERS:
                told.note(f"{path} as {persona}", await client.get(portal + path, headers={"Cookie": cookies[persona]}))
        shown = await client.post(f"{portal}/persons/{person_id}/identity", data={"purpose": "casework"}, headers=signed_in)
        assert heard(shown.content), "whoever says what for sees who it is"
        for step in ("check", "send"):
            answer = await client.post(order, data={**typed, "step": step, "birth_date": "no day"}, headers=signed_in)
            assert answer.status_code == 422
            assert heard(answer.content), "what was typed is there again"
        assert heard((await client.post(order, data=typed, headers=signed_in)).content), "what was typed is shown once more"
        reference = {"reference": flock.latin("typed to find a case")}
        assert (await client.post(f"{portal}/persons", data=reference, headers=signed_in)).status_code == 200
        sought = {"country_of_origin": COUNTRY, "birth_year": flock.latin("typed to find somebody")}
        assert (await client.post(f"{portal}/persons", data=sought, headers=signed_in)).status_code == 200
        # Whoever is signed out finds after the sign-in what was typed before it: sealed meanwhile, and in no address.
        away = await client.post(order, data=typed)
        assert away.status_code in (200, 303), away.status_code
        told.note("typed before a sign-in", away)
        name = flock.latin("the name of a file")
        grant = await mission.read("reintegration", COUNSELLOR, "/v1/grants?limit=1")
        grant_id = grant.json()["items"][0]["id"]
        sent = await client.post(
            f"{portal}/grants/{grant_id}/evidence", data={"kind": "receipt"}, headers=signed_in,
            files={"file": (f"{name}.pdf", b"no receipt", "application/pdf")},
        )  # fmt: skip
        told.note("a file that is none", sent)
        told.note("no page", await client.get(f"{portal}/persons/{uuid7()}", headers=signed_in))


async def fail_a_reaction(driven: Driven) -> None:
    """Lets returns fail at somebody's consent until it waits as a dead letter, and then takes the fault away."""
    mission, person_id = driven.mission, driven.control
    server = mission.running.postgres
    connection = await asyncpg.connect(server.url_for("returns", server.user, server.password))
    try:
        await connection.execute(
            "CREATE FUNCTION invented_fault() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'an invented fault at %', NEW; END $$; "
            "CREATE TRIGGER invented_fault BEFORE INSERT ON persons FOR EACH ROW "
            f"WHEN (NEW.id = '{person_id}') EXECUTE FUNCTION invented_fault()"
        )
        order = RegisterPerson(sex="male", birth_year=BIRTH_YEAR, country_of_origin=COUNTRY, site=SITE)
        await mission.done("counselling", COUNSELLOR, person_id, order, moment(FIRST_DAY, 9))
        agreed = GiveConsent(
            consent="data", text_version="2023-01", language="dzo", method="signature", given_at=moment(FIRST_DAY, 9)
        )
        await mission.done("counselling", COUNSELLOR, person_id, agreed, moment(FIRST_DAY, 9, 1))
        await mission.caller.drained()
        letter = await connection.fetchrow("SELECT source, idx FROM dead_letter WHERE partitionkey = $1", str(person_id))
        driven.told.answers["a dead letter"] = repr(
            await connection.fetch("SELECT * FROM dead_letter WHERE partitionkey = $1", str(person_id))
        ).encode()
        await connection.execute("DROP TRIGGER invented_fault ON persons; DROP FUNCTION invented_fault()")
        assert letter is not None
    finally:
        await connection.close()
    assert (await replay_dead_letter(mission.settings, "returns", letter["source"], letter["idx"])).endswith("1 applied")
