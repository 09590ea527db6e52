"""Whatever dies while the mission's bank is told to pay and says what it did: each tranche is ordered and paid exactly once."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import chain
from random import Random
from typing import Final
from uuid import UUID

import pytest

from ops.demo_year.people import Dice
from ops.settings import OpsSettings
from ops.verification import verify_system
from shared.contracts.attempts import PaymentFailed
from shared.contracts.reintegration import TrancheReleased
from tests.chaos.by_bank import Bank, ByBank
from tests.chaos.killing import BALANCE, UNDER_WAY, Killer, counted_of, payers_of, ready_to_pay, unlike
from tests.chaos.paying import EACH, Mission
from tests.chaos.system import open_system
from tests.chaos.test_paid_once import ONCE

# For each payment at least two orders twice to release it, and one of its delivery.
LEAST_ANSWERS: Final = 5
_PAID: Final = "SELECT attempt_id FROM payment_attempts WHERE status = 'paid'"
_BOOKED: Final = "SELECT settled_attempt FROM bank_lines WHERE kind = 'booked' AND direction = 'debit' AND state = 'matched'"


def expected_of(grant_ids: list[UUID], failed: Counter[UUID]) -> Mapping[tuple[UUID, str], tuple[int, Decimal]]:
    """What is counted of each grant that was paid once, after the bank refused it so many times."""
    found: dict[tuple[UUID, str], tuple[int, Decimal]] = {}
    for grant_id in grant_ids:
        times = failed[grant_id]
        found |= {(grant_id, what): once for what, once in ONCE.items()}
        found[grant_id, TrancheReleased.kind] = (1 + times, Decimal(0))
        if times:
            found[grant_id, PaymentFailed.kind] = (times, Decimal(0))
            found[grant_id, "attempt failed"] = (times, EACH.amount * times)
    return found


async def test_each_tranche_is_ordered_and_paid_once_by_the_bank_whatever_dies(
    request: pytest.FixtureRequest, tell: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    seed, payments = request.config.getoption("--chaos-seed"), request.config.getoption("--by-bank")
    dice, mission, begun = Random(seed), Mission(Dice(seed)), time.monotonic()
    async with (
        open_system(OpsSettings(data=tmp_path_factory.mktemp("paid_by_bank") / "data")) as system,
        payers_of(system, dice) as payers,
    ):
        persons = await ready_to_pay(system, mission, payments)
        house = ByBank(system, payers, Bank())
        await house.open_account()
        ready = time.monotonic()
        killer = Killer(system, payers, dice, max(6, payments // 10), payments * LEAST_ANSWERS)
        async with asyncio.TaskGroup() as group:
            group.create_task(killer.run())
            group.create_task(house.pay_all(persons))
        paid = time.monotonic()

        await system.caller.drained()
        grant_ids = [payment.grant_id for payment in chain.from_iterable(persons)]
        wrong = unlike(await counted_of(system), expected_of(grant_ids, house.failed))
        (balance,) = await system.ask("reintegration", BALANCE)
        under_way = await system.ask("reintegration", UNDER_WAY)
        attempts = sorted(UUID(bytes=row[0].bytes) for row in await system.ask("reintegration", _PAID))
        booked = sorted(UUID(bytes=row[0].bytes) for row in await system.ask("reintegration", _BOOKED))
        wrong += await system.unlike_their_streams()
        wrong += [line async for line, count in verify_system(system.settings, None) if count]
    summary = (
        f"paid by bank: seed {seed}, {payments} tranches in {len(house.bank.had)} files, {house.failed.total()} refused by the bank and "
        f"paid anew, {payers.answered} answers, {payers.unheard} that nobody waited for or got, killed {dict(sorted(killer.done.items()))}; "
        f"ready in {ready - begun:.0f} s, paid in {paid - ready:.0f} s, {len(wrong)} wrong"
    )
    tell(summary)
    assert wrong == [], summary
    # What the bank carried out, by its own books: nothing twice, nothing but what was ordered, and all that we have as paid.
    assert set(house.bank.executed.values()) == {1}, summary
    assert attempts == booked == sorted(house.bank.executed), summary
    assert len(attempts) == payments, summary
    assert (balance["committed"], balance["spent"]) == (0, EACH.amount * payments), summary
    assert under_way == [], summary
    assert house.failed.total() > 0, summary
    assert killer.done.total() == killer.kills, summary
    assert payers.unheard > 0, summary
