"""An acceptance that was not over ends where the database was set back since: another one waits for two, and nobody is let in between."""

import asyncpg
import pytest

from ops.after_restore.payments import record_of
from services.reintegration.domain.lost_payments import RecordLostPayments
from services.reintegration.wiring import WIRING
from shared.actors import Actor
from shared.handling import handle, transact
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from shared.restores import AcceptRestore, ProposeAcceptance
from shared.set_back import Mark, mark, marked
from tests.given import NOON, staff
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_lost_payments import SERVICE, give
from tests.integration.reintegration.test_opened_after_restore import _LIST, _PROPOSED

_ENDS = "UPDATE restored SET opened_at = accepted_at WHERE opened_at IS NULL"


async def accepted(house: House, waits: Mark) -> None:
    async def order(given: ProposeAcceptance | AcceptRestore, by: Actor) -> None:
        await transact(
            house.made.worker, EVERYWHERE.scope(by),
            lambda unit: handle(unit, WIRING.restore, waits.id, given, Context(by, NOON), Origin("invented"), reach=EVERYWHERE),
        )  # fmt: skip

    await order(_PROPOSED, staff("chief", "chief_of_mission"))
    await order(AcceptRestore(list_sha256=_LIST), staff("edin", "auditor"))


async def test_what_was_accepted_ends_without_its_payments_only_where_another_one_waits(house: House) -> None:
    first = await mark(house.made.worker, "reintegration", 7, "operator")
    assert first is not None
    await accepted(house, first)
    worker = await asyncpg.connect(house.made.logins.worker)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await worker.execute(_ENDS)
        assert refused.value.sqlstate == "AV005"
        again = await mark(house.made.worker, "reintegration", 9, "operator", anew=True)
        assert again is not None
        assert (again.accepted, again.id > first.id) == (False, True)
        await accepted(house, again)
        # The next one opens behind what is noted of its own payments alone.
        for statement in (_ENDS, "UPDATE restored SET opened_at = now() WHERE opened_at IS NULL"):
            with pytest.raises(asyncpg.PostgresError) as refused:
                await worker.execute(statement)
            assert refused.value.sqlstate == "AV005"
        await give(house, record_of(again.id), RecordLostPayments(payments=()), SERVICE)
        await worker.execute("UPDATE restored SET opened_at = now() WHERE opened_at IS NULL")
    finally:
        await worker.close()
    assert await marked(house.made.worker) is None
    assert (await house.findings()).differences == []
