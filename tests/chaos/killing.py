"""What pays is killed, what was paid is counted: shared by the tests that each tranche is paid exactly once."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Final
from uuid import UUID

import httpx

from ops.demo_year.calling import Caller
from ops.demo_year.wire import Wire
from ops.identity.client import PersonaTokens
from ops.system import addresses, development_secret, service_child
from shared.contracts.attempts import PaymentFailed, PaymentReversed
from shared.contracts.reintegration import DeliveryConfirmed, PaymentConfirmed, TrancheReleased
from shared.topology import BY_NAME
from tests.chaos.apart import free_port
from tests.chaos.paying import Mission, Payers, Payment, persons_for
from tests.chaos.system import System
from tests.hurry import HURRIED
from tests.integration.bus.house import until

SECOND_API: Final = "reintegration-api"
# What pays dies most often.
VICTIMS: Final = ("reintegration", SECOND_API, "postgres", "nats", "reintegration", SECOND_API, "postgres", "returns", "counselling")
READY_SECONDS: Final = 120.0
# More than are ever given.
EVERY_ANSWER: Final = 10**9

# Where it stands how often a tranche was paid, each counted by itself.
_OF_THE_LOG = (
    "SELECT subject AS grant_id, type AS what, count(*) AS times, 0 AS amount FROM event_log WHERE type = ANY (ARRAY["
    + ", ".join(f"'{kind.kind}'" for kind in (TrancheReleased, PaymentConfirmed, DeliveryConfirmed, PaymentFailed, PaymentReversed))
    + "]) GROUP BY 1, 2"
)
_OF_ATTEMPTS = (
    "SELECT grant_id, 'attempt ' || status AS what, count(*) AS times, sum(amount) AS amount FROM payment_attempts GROUP BY 1, 2"
)
_OF_POSTINGS = "SELECT grant_id, 'posted as ' || kind AS what, count(*) AS times, sum(amount) AS amount FROM fund_postings GROUP BY 1, 2"
_OF_REFERENCES = "SELECT grant_id, 'reference' AS what, count(*) AS times, 0 AS amount FROM payment_references GROUP BY 1"
_OF_STATUS = "SELECT id AS grant_id, 'grant ' || status AS what, 1 AS times, paid AS amount FROM grants"
COUNTED: Final = (_OF_THE_LOG, _OF_ATTEMPTS, _OF_POSTINGS, _OF_REFERENCES, _OF_STATUS)
BALANCE = "SELECT committed, spent FROM fund_balances"
UNDER_WAY = "SELECT grant_id FROM open_advances UNION ALL SELECT grant_id FROM payment_attempts WHERE status = 'released'"

Found = Mapping[tuple[UUID, str], tuple[int, Decimal]]


def unlike(found: Found, expected: Mapping[tuple[UUID, str], tuple[int, Decimal]]) -> list[str]:
    """Everything that was counted otherwise than it has to be, also what nobody expects."""
    return [
        f"{grant_id}: {what} is {found.get((grant_id, what))} and has to be {expected.get((grant_id, what))}"
        for grant_id, what in sorted(expected.keys() | found.keys(), key=str)
        if found.get((grant_id, what)) != expected.get((grant_id, what))
    ]


@dataclass
class Killer:
    """Kills parts without warning, the next once so much more was answered, until everything is paid."""

    system: System
    payers: Payers
    dice: Random
    kills: int
    answers: int
    done: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Every kill; the answers stop before the next but one, so that each falls among payments."""
        moments = sorted(self.dice.sample(range(2, self.answers * 9 // 10), self.kills))
        victims = [VICTIMS[number % len(VICTIMS)] for number in range(self.kills)]
        self.dice.shuffle(victims)
        for number, part in enumerate(victims):
            self.payers.allowed = moments[number] + 1
            await until(partial(self._is_time, moments[number]), READY_SECONDS)
            self.payers.allowed = moments[number + 1] + 1 if number + 1 < self.kills else EVERY_ANSWER
            await self.system.running.kill(part)
            # The supervisor would give whoever dies often longer and longer pauses.
            await self.system.running.start(part)
            self.done[part] += 1

    def _is_time(self, moment: int) -> bool:
        return self.payers.answered >= moment


@asynccontextmanager
async def payers_of(system: System, dice: Random) -> AsyncIterator[Payers]:
    """Callers of both processes that answer for reintegration; unlike the system's own they keep no history."""
    port = free_port()
    child = service_child(system.running, BY_NAME["reintegration"], "replay", role="api", port=port, environment=HURRIED)
    await system.running.add(child)
    found = addresses(system.running, "replay")
    elsewhere = {**found.services, "reintegration": f"http://127.0.0.1:{port}"}
    async with httpx.AsyncClient(timeout=15, transport=Wire(), trust_env=False) as client:
        tokens = PersonaTokens(found.issuer, development_secret(system.settings), client=client)
        callers = [Caller(client, services, tokens) for services in (found.services, elsewhere)]
        for caller in callers:
            await caller.learn()
        yield Payers(callers, dice)


async def ready_to_pay(system: System, mission: Mission, payments: int) -> list[list[Payment]]:
    """So many approved grants, by the persons whose they are."""
    await system.clients.run("opening", [mission.opening(payments)])
    persons = [mission.returned(grants) for grants in persons_for(payments)]
    await system.clients.run("returned", [steps for steps, _ in persons])
    await system.clients.run("granted", [steps for _, grants in persons for steps, _ in grants])
    return [[payment for _, payment in grants] for _, grants in persons]


async def counted_of(system: System) -> dict[tuple[UUID, str], tuple[int, Decimal]]:
    rows = [row for sql in COUNTED for row in await system.ask("reintegration", sql)]
    return {(UUID(bytes=row["grant_id"].bytes), row["what"]): (row["times"], Decimal(row["amount"])) for row in rows}
