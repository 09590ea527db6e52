"""Whatever dies while payments are ordered and confirmed, and however often that is asked: each tranche is paid exactly once."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from random import Random
from typing import Final
from uuid import UUID

import pytest

from ops.demo_year.people import Dice
from ops.settings import OpsSettings
from ops.verification import verify_system
from shared.contracts.reintegration import DeliveryConfirmed, PaymentConfirmed, TrancheReleased
from tests.chaos.killing import BALANCE, UNDER_WAY, Found, Killer, counted_of, payers_of, ready_to_pay, unlike
from tests.chaos.paying import EACH, Mission, Payers, Payment
from tests.chaos.system import open_system

# For each payment two orders twice to release it, two twice to confirm it, and one of its delivery.
ANSWERS: Final = 9
# To how many persons is paid at a time.
WIDTH: Final = 12

# Of a grant that was paid once, and of nothing else.
ONCE: Final[Mapping[str, tuple[int, Decimal]]] = {
    TrancheReleased.kind: (1, Decimal(0)), PaymentConfirmed.kind: (1, Decimal(0)), DeliveryConfirmed.kind: (1, Decimal(0)),
    "attempt paid": (1, EACH.amount), "posted as commit": (1, EACH.amount), "posted as spend": (1, EACH.amount),
    "reference": (1, Decimal(0)), "grant disbursed": (1, EACH.amount),
}  # fmt: skip


def not_paid_once(found: Found, grant_ids: Iterable[UUID]) -> list[str]:
    """Everything by which one of these grants was not paid exactly once, and whatever was paid of another."""
    return unlike(found, {(grant_id, what): once for grant_id in grant_ids for what, once in ONCE.items()})


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


async def test_each_tranche_is_paid_once_whatever_dies_and_however_often_it_is_asked(
    request: pytest.FixtureRequest, tell: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    seed, payments = request.config.getoption("--chaos-seed"), request.config.getoption("--releases")
    dice, mission, begun = Random(seed), Mission(Dice(seed)), time.monotonic()
    async with (
        open_system(OpsSettings(data=tmp_path_factory.mktemp("paid_once") / "data")) as system,
        payers_of(system, dice) as payers,
    ):
        persons = await ready_to_pay(system, mission, payments)
        ready = time.monotonic()
        killer = Killer(system, payers, dice, max(6, payments // 20), payments * ANSWERS)
        await _pay(payers, killer, persons)
        paid = time.monotonic()

        await system.caller.drained()
        found = await counted_of(system)
        grant_ids = [payment.grant_id for payment in chain.from_iterable(persons)]
        wrong = not_paid_once(found, grant_ids)
        (balance,) = await system.ask("reintegration", BALANCE)
        under_way = await system.ask("reintegration", UNDER_WAY)
        wrong += await system.unlike_their_streams()
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
