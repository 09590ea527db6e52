"""The pages of the bank's files where something comes between: a refusal, a service that is away, a sign-in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.portal.client import Services
from services.portal.pages.log_selection import SERVICES
from services.portal.sessions import IDLE
from shared.certificates import trusted
from shared.ids import uuid7
from tests.integration.portal.person import People, Portal
from tests.integration.portal.test_bringing import bring
from tests.integration.reintegration.office import House
from tests.listening import listening


@asynccontextmanager
async def hung_up(portal: Portal) -> AsyncIterator[None]:
    """Meanwhile each service hears what is said to it and hangs up without an answer."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with listening(hear) as port, httpx.AsyncClient(verify=trusted(), trust_env=False) as client:
        everywhere = dict.fromkeys(SERVICES, f"http://127.0.0.1:{port}")
        services, portal.app.state.services = portal.app.state.services, Services(client, everywhere)
        yield
        portal.app.state.services = services


async def test_who_may_not_settle_a_file_is_told_so_and_not_that_nothing_was_settled(people: People, house: House) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    answer = await person.post(f"/bank-files/{uuid7()}/settle")
    assert answer.status_code == 403
    assert "This page cannot be shown" in answer.text and "settled by it" not in answer.text


async def test_without_an_answer_nobody_is_told_what_was_settled(people: People, portal: Portal, house: House) -> None:
    person = people()
    await person.sign_in("finance-reconciler")
    async with hung_up(portal):
        answer = await person.post(f"/bank-files/{uuid7()}/settle")
    assert (answer.status_code, "not known whether payments were settled" in answer.text) == (503, True)
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as client:
        portal.app.state.services = Services(client, dict.fromkeys(SERVICES, "http://127.0.0.1:1"))
        answer = await person.post(f"/bank-files/{uuid7()}/settle")
    assert (answer.status_code, "Nothing was sent." in answer.text) == (503, True)


async def test_after_a_sign_in_that_came_between_one_is_at_the_file_that_was_to_be_settled(
    people: People, portal: Portal, house: House
) -> None:
    person = people()
    await person.sign_in("finance-reconciler")
    portal.hands.forward(IDLE.total_seconds())
    path = f"/bank-files/{uuid7()}"
    sent = await person.post(f"{path}/settle")
    answer = await person.back(await person.at_provider(await person.get(sent.headers["location"]), "finance-reconciler"))
    assert answer.headers["refresh"] == f"0; url={path}/settle"
    back = await person.get(f"{path}/settle")
    assert (back.status_code, back.headers["location"]) == (303, path)


async def test_of_a_file_that_no_bank_sends_nobody_is_told_to_photograph_it(people: People, house: House) -> None:
    person = people()
    await person.sign_in("finance-reconciler")
    fields = {"file_id": str(uuid7()), "file_kind": "statement"}
    answer = await bring(person, "/bank-files", fields, b"<a>" * 33 + b"</a>" * 33)
    assert answer.status_code == 409, answer.text
    assert "larger than any that a bank sends" in answer.text and "Photograph" not in answer.text
