"""A service is verified while people go on working: what is done meanwhile is no difference."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from services.counselling.domain.person import GiveConsent
from services.counselling.wiring import PERSON, WIRING
from shared.db import Database, Scope, UnitOfWork
from shared.verify import verify
from tests.given import NOON
from tests.integration.counselling.desk import Desk

# The log by itself is read in two turns, and would never end if it grew in each of them.
FIRST, LAST = 3, 12


async def nothing() -> None:
    """Nobody does anything."""


@dataclass
class Watched(Database):
    """A database in which something is done each time before it is looked at."""

    meanwhile: Callable[[], Awaitable[None]] = nothing
    turns: int = 0

    @contextlib.asynccontextmanager
    async def unit_of_work(self, scope: Scope, *, snapshot: bool = False) -> AsyncIterator[UnitOfWork]:
        self.turns += 1
        if FIRST <= self.turns <= LAST:
            await self.meanwhile()
        async with super().unit_of_work(scope, snapshot=snapshot) as unit:
            yield unit


def agreed() -> GiveConsent:
    return GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=NOON)


async def test_what_is_done_while_it_is_looked_at_is_no_difference(desk: Desk) -> None:
    person_id = await desk.registered()

    async def meanwhile() -> None:
        await desk.give(PERSON, person_id, agreed())
        await desk.give(PERSON, await desk.registered(), agreed())

    watched = Watched(desk.database.logins.verify, "verify-meanwhile", meanwhile=meanwhile)
    watched.keys = desk.database.person_keys
    await watched.open()
    try:
        findings = await verify(watched, "counselling", WIRING.by_name, WIRING.checks)
    finally:
        await watched.close()
    assert findings.differences == []
    assert watched.turns > LAST
