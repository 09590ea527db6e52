"""A provider that takes what it is asked and never answers: people go on, and few connections wait for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.portal import provider
from services.portal.sessions import AWAY
from services.portal.settings import PortalSettings
from tests.integration.portal.person import People, Person, Portal, running_portal
from tests.listening import listening
from tests.unit.ops.identity_provider import Hands

STAFF = ("counsellor-3", "counsellor-4", "coordinator")


@dataclass
class Hanging:
    """How often it was asked for anything."""

    times: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def hanging(portal: Portal) -> AsyncIterator[Hanging]:
    """Meanwhile whoever asks the provider for tokens hears nothing; afterwards it is as before."""
    found = Hanging()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.times += 1
        found.asked.set()
        await reader.read(-1)

    described = await portal.sessions.provider.discovery()
    async with listening(hear) as port:
        endpoint, described.token_endpoint = described.token_endpoint, f"http://127.0.0.1:{port}/token"
        try:
            yield found
        finally:
            described.token_endpoint = endpoint


async def test_while_it_hangs_one_in_a_while_asks_it_and_the_others_go_on_with_what_they_have(
    people: People, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = [people() for _ in STAFF]
    for person, persona in zip(here, STAFF, strict=True):
        await person.sign_in(persona)
    portal.hands.forward(250)
    async with hanging(portal) as provided:
        monkeypatch.setattr(provider, "DEADLINE_SECONDS", 0.2)
        assert await here[0].who() is not None
        assert None not in [await person.who() for person in here]
        assert provided.times == 1
        portal.hands.forward(AWAY.total_seconds())
        assert None not in await asyncio.gather(*(person.who() for person in here))
        assert None not in [await person.who() for person in here]
        assert provided.times == 2
        # A token that has ended is good for nothing.
        portal.hands.forward(50)
        assert (await here[0].get("/who")).status_code == 503
        monkeypatch.undo()
    assert None not in [await person.who() for person in here]
    assert len({await person.token() for person in here}) == 3


async def test_whoever_waits_for_it_leaves_half_of_the_connections_to_everybody_else(
    settings: PortalSettings, hands: Hands
) -> None:
    async with running_portal(settings.model_copy(update={"pool_size": 2}), hands) as portal:
        late, fresh = [Person(portal) for _ in STAFF], Person(portal)
        for person, persona in zip(late, STAFF, strict=True):
            await person.sign_in(persona)
        hands.forward(250)
        await fresh.sign_in("deputy")
        async with hanging(portal) as provided:
            asking = [asyncio.ensure_future(person.who()) for person in late]
            await provided.asked.wait()
            for _ in range(3):
                assert await fresh.who() is not None
            assert provided.times == 1
        # Theirs are good for a minute still.
        assert None not in await asyncio.gather(*asking)
        for person in (*late, fresh):
            await person.close()
