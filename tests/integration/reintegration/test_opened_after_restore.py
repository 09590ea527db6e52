"""Reintegration is opened after a restore only once it was noted what its lost entries say of payments."""

import hashlib

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
from shared.set_back import mark, marked
from tests.given import NOON, staff
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_lost_payments import SERVICE, give

_LIST = hashlib.sha256(b"invented list").hexdigest()
_PROPOSED = ProposeAcceptance(kept=0, root="0" * 64, known=7, listed=0, list_sha256=_LIST, reason="exercise")


async def test_reintegration_opens_only_behind_what_was_lost_of_payments(house: House) -> None:
    found = await mark(house.made.worker, "reintegration", 7, "operator")
    assert found is not None

    async def accept(order: ProposeAcceptance | AcceptRestore, by: Actor) -> None:
        await transact(
            house.made.worker, EVERYWHERE.scope(by),
            lambda unit: handle(unit, WIRING.restore, found.id, order, Context(by, NOON), Origin("invented"), reach=EVERYWHERE),
        )  # fmt: skip

    await accept(_PROPOSED, staff("chief", "chief_of_mission"))
    await accept(AcceptRestore(list_sha256=_LIST), staff("edin", "auditor"))
    worker = await asyncpg.connect(house.made.logins.worker)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await worker.execute("UPDATE restored SET opened_at = now()")
        assert refused.value.sqlstate == "AV005"
        assert await marked(house.made.worker) is not None
        # Nothing was lost of payments, and that was noted.
        await give(house, record_of(found.id), RecordLostPayments(payments=()), SERVICE)
        await worker.execute("UPDATE restored SET opened_at = now()")
    finally:
        await worker.close()
    assert await marked(house.made.worker) is None
