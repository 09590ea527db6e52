"""Whatever dies while payments are ordered and confirmed, and however often that is asked: each tranche is paid exactly once."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import chain
from random import Random
from typing import Final
from uuid import UUID

import httpx
import pytest

from ops.demo_year.calling import Caller
from ops.demo_year.people import Dice
from ops.demo_year.wire import Wire
from ops.identity.client import PersonaTokens
from ops.settings import OpsSettings
from ops.system import addresses, development_secret, service_child
from ops.verification import verify_system
from shared.contracts.attempts import PaymentFailed, PaymentReversed
from shared.contracts.reintegration import DeliveryConfirmed, PaymentConfirmed, TrancheReleased
from shared.topology import BY_NAME, SERVICES
from tests.chaos.paying import EACH, Mission, Payers, Payment, persons_for
from tests.chaos.system import System, open_system
from tests.hurry import HURRIED
from tests.integration.bus.house import until

SECOND_API: Final = "reintegration-api"
# What pays dies most often.
VICTIMS: Final = ("reintegration", SECOND_API, "postgres", "nats", "reintegration", SECOND_API, "postgres", "returns", "counselling")
# For each payment two orders twice to release it, two twice to confirm it, and one of its delivery.
ANSWERS: Final = 9
READY_SECONDS: Final = 120.0
# To how many persons is paid at a time.
WIDTH: Final = 12

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
_BALANCE = "SELECT committed, spent FROM fund_balances"
_UNDER_WAY = "SELECT grant_id FROM open_advances UNION ALL SELECT grant_id FROM payment_attempts WHERE status = 'released'"

Found = Mapping[tuple[UUID, str], tuple[int, Decimal]]
# Of a grant that was paid once, and of nothing else.
ONCE: Final[Mapping[str, tuple[int, Decimal]]] = {
    TrancheReleased.kind: (1, Decimal(0)), PaymentConfirmed.kind: (1, Decimal(0)), DeliveryConfirmed.kind: (1, Decimal(0)),
    "attempt paid": (1, EACH.amount), "posted as commit": (1, EACH.amount), "posted as spend": (1, EACH.amount),
    "reference": (1, Decimal(0)), "grant disbursed": (1, EACH.amount),
}  # fmt: skip


def not_paid_once(found: Found, grant_ids: Iterable[UUID]) -> list[str]:
    """Everything by which one of these grants was not paid exactly once, and whatever was paid of another."""
    expected = {(grant_id, what): once for grant_id in grant_ids for what, once in ONCE.items()}
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
            self.payers.allowed = moments[number + 1] + 1 if number + 1 < self.kills else self.answers
            await self.system.running.kill(part)
            # The supervisor would give whoever dies often longer and longer pauses.
            await self.system.running.start(part)
            self.done[part] += 1

    def _is_time(self, moment: int) -> bool:
        return self.payers.answered >= moment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def _payers(system: System, dice: Random) -> AsyncIterator[Payers]:
    """Callers of both processes that answer for reintegration; unlike the system's own they keep no history."""
    port = _free_port()
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


async def _ready(system: System, mission: Mission, payments: int) -> list[list[Payment]]:
    """So many approved grants, by the persons whose they are."""
    await system.clients.run("opening", [mission.opening(payments)])
    persons = [mission.returned(grants) for grants in persons_for(payments)]
    await system.clients.run("returned", [steps for steps, _ in persons])
    await system.clients.run("granted", [steps for _, grants in persons for steps, _ in grants])
    return [[payment for _, payment in grants] for _, grants in persons]


async def _pay(payers: Payers, killer: Killer, persons: Sequence[Sequence[Payment]]) -> None:
    """All at once, but of one person one after the other: no more than one advance is open."""
    width = asyncio.Semaphore(WIDTH)

    async def of_a_person(payments: Sequence[Payment]) -> None:
        async with width:
            for payment in payments:
                await payers.pay(payment)

    async with asyncio.TaskGroup() as group:
        group.create_task(killer.run())
        for payments in persons:
            group.create_task(of_a_person(payments))


async def _counted(system: System) -> dict[tuple[UUID, str], tuple[int, Decimal]]:
    rows = [row for sql in COUNTED for row in await system.ask("reintegration", sql)]
    return {(UUID(bytes=row["grant_id"].bytes), row["what"]): (row["times"], Decimal(row["amount"])) for row in rows}


async def test_each_tranche_is_paid_once_whatever_dies_and_however_often_it_is_asked(
    request: pytest.FixtureRequest, tell: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    seed, payments = request.config.getoption("--chaos-seed"), request.config.getoption("--releases")
    dice, mission, begun = Random(seed), Mission(Dice(seed)), time.monotonic()
    async with (
        open_system(OpsSettings(data=tmp_path_factory.mktemp("paid_once") / "data")) as system,
        _payers(system, dice) as payers,
    ):
        persons = await _ready(system, mission, payments)
        ready = time.monotonic()
        killer = Killer(system, payers, dice, max(6, payments // 20), payments * ANSWERS)
        await _pay(payers, killer, persons)
        paid = time.monotonic()

        await system.caller.drained()
        found = await _counted(system)
        grant_ids = [payment.grant_id for payment in chain.from_iterable(persons)]
        wrong = not_paid_once(found, grant_ids)
        (balance,) = await system.ask("reintegration", _BALANCE)
        under_way = await system.ask("reintegration", _UNDER_WAY)
        for service in SERVICES:
            wrong += await system.unlike_its_stream(service)
        wrong += [line async for line, count in verify_system(system.settings, None) if count]
    summary = (
        f"paid once: seed {seed}, {payments} tranches, {payers.answered} answers, {payers.unheard} that nobody waited for or got, "
        f"{payers.refused} told that it was paid already, killed {dict(sorted(killer.done.items()))}; ready in {ready - begun:.0f} s, "
        f"paid in {paid - ready:.0f} s, {len(wrong)} wrong"
    )
    tell(summary)
    assert wrong == [], summary
    assert (balance["committed"], balance["spent"]) == (0, EACH.amount * payments), summary
    assert under_way == [], summary
    assert payers.answered == payments * ANSWERS, summary
    assert payers.refused == payments * 4, summary
    assert killer.done.total() == killer.kills, summary
    assert payers.unheard > 0, summary


_GRANT = UUID(int=1)
_PAID = {(_GRANT, what): once for what, once in ONCE.items()}


@pytest.mark.parametrize("what", sorted(ONCE), ids=lambda what: str(what).replace(" ", "-"))
def test_what_is_missing_or_there_twice_is_found(what: str) -> None:
    assert not_paid_once(_PAID, [_GRANT]) == []
    times, amount = _PAID[_GRANT, what]
    lost = {key: value for key, value in _PAID.items() if key != (_GRANT, what)}
    for wrong in (lost, {**_PAID, (_GRANT, what): (times + 1, amount)}, {**_PAID, (_GRANT, what): (times, amount + EACH.amount)}):
        assert len(not_paid_once(wrong, [_GRANT])) == 1


def test_an_attempt_that_is_left_under_way_and_a_grant_that_nobody_asked_for_are_found() -> None:
    assert len(not_paid_once({**_PAID, (_GRANT, "attempt released"): (1, EACH.amount)}, [_GRANT])) == 1
    assert len(not_paid_once(_PAID, [])) == len(ONCE)
