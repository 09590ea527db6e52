"""A repeat that comes while the first is still under way gets the first one's answer."""

import pytest

from services.reintegration.grant_wiring import GRANT
from shared.errors import Refusal
from shared.handling import Repeat, handle
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.unit.reintegration.examples import PAYER


@pytest.mark.parametrize(
    ("operation", "expected"), [("ReleaseTranche", "repeated"), ("CancelGrant", "idempotency_key_reused")]
)
async def test_a_repeat_that_waited_for_the_first_gets_its_answer(
    house: House, operation: str, expected: str
) -> None:
    grant_id = await house.approved((await house.line()).request("300.00"), await house.fund())
    key = str(uuid7())

    async def again() -> str:
        try:
            handled = await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER, key=key)
        except Refusal as refusal:
            return refusal.code
        return "repeated" if handled.repeated else "done"

    async with house.api.unit_of_work(EVERYWHERE.scope(PAYER)) as unit:
        await handle(
            unit, GRANT, grant_id, await house.vendors.release(1), Context(PAYER, NOON), Origin("test-correlation"),
            repeat=Repeat.of(key, operation, grant_id, b""), reach=EVERYWHERE,
        )  # fmt: skip
        await unit.flush()
        second = await house.meanwhile(again())
    assert await second == expected
    assert (await house.findings()).differences == []
