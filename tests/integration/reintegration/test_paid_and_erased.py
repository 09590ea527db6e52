"""Money that moves beside or after an erasure: which receipts stay is decided once, and nobody finds fault with it afterwards."""

import asyncio
from datetime import timedelta
from uuid import UUID

from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.person import RecordErasure
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PERSON
from shared.db import Sql
from tests.given import NOON
from tests.integration.reintegration.office import WORKER, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_attempts import REVERSE
from tests.integration.reintegration.test_erased_beside import Owner, waiting
from tests.integration.reintegration.test_erased_beside import owner as owner_of
from tests.integration.reintegration.test_erasure import erase
from tests.integration.reintegration.test_evidence import counted, filed
from tests.unit.reintegration.examples import ENDORSER, PAYER, RECONCILER

people, owner = people_of, owner_of
LATER = NOON + timedelta(hours=1)
_KEPT = Sql("SELECT p.id, p.kept_until IS NOT NULL AS kept, k.about FROM persons p LEFT JOIN person_keys k ON k.person_id = p.id AND k.keep_until = p.kept_until")


async def on_its_way(house: House, people: People) -> tuple[UUID, UUID]:
    """A person, and their grant with a paper, of which nothing is paid yet and a tranche is on its way."""
    line = await house.line()
    grant_id = await house.approved(line.request("1500.00", "500.00", "1000.00"), await house.fund())
    await filed(people, grant_id)
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    return line.person_id, grant_id


async def kept_of(house: House) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in await house.rows(_KEPT)]


async def test_an_erasure_waits_for_a_first_payment_and_keeps_what_it_was_for(
    house: House, people: People, owner: Owner
) -> None:
    person_id, grant_id = await on_its_way(house, people)
    # So that the payment is done but for its commit when the erasure looks at what was paid.
    under_way = owner.transaction()
    await under_way.start()
    await owner.execute("SELECT FROM log_head FOR UPDATE")
    pays = asyncio.ensure_future(house.try_to(GRANT, grant_id, house.payment(1), PAYER))
    await waiting(owner, 1)
    erases = asyncio.ensure_future(erase(house, person_id))
    await waiting(owner, 2)
    await under_way.rollback()
    assert await pays == "done"
    await erases
    assert await kept_of(house) == [(person_id, True, grant_id)]
    assert await counted(house, "evidence_files") == 1
    assert (await house.findings()).differences == []


async def test_an_erasure_that_waits_for_a_grant_does_not_hold_the_log_for_which_whoever_pays_waits(
    house: House, people: People, owner: Owner
) -> None:
    person_id, grant_id = await on_its_way(house, people)
    under_way = owner.transaction()
    await under_way.start()
    await owner.execute("SELECT FROM grants WHERE id = $1 FOR UPDATE", grant_id)
    erases = asyncio.ensure_future(erase(house, person_id))
    await waiting(owner, 1)
    assert await owner.fetchval("SELECT count(*) FROM pg_locks WHERE relation = 'log_head'::regclass AND mode = 'RowExclusiveLock'") == 0
    await under_way.rollback()
    await erases
    assert (await house.findings()).differences == []


async def test_a_first_payment_waits_for_an_erasure_and_brings_nothing_back(house: House, people: People) -> None:
    person_id, grant_id = await on_its_way(house, people)
    async with house.half_done(PERSON, person_id, RecordErasure(), WORKER):
        pays = await house.meanwhile(house.try_to(GRANT, grant_id, house.payment(1), PAYER, LATER))
    assert await pays == "done"
    assert await kept_of(house) == [(person_id, False, None)]
    assert await counted(house, "evidence_files") == 0
    assert (await house.findings()).differences == []


async def test_whoever_files_a_first_paper_holds_the_grant_before_the_persons_turn_as_an_erasure_does(
    house: House, people: People, owner: Owner
) -> None:
    line = await house.line()
    grant_id = await house.approved(line.request("500.00"), await house.fund())
    under_way = owner.transaction()
    await under_way.start()
    await owner.execute("SELECT FROM grants WHERE id = $1 FOR UPDATE", grant_id)
    files = asyncio.ensure_future(filed(people, grant_id))
    await waiting(owner, 1)
    assert await owner.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7041") == 0
    await under_way.rollback()
    await files
    await erase(house, line.person_id)
    assert (await house.findings()).differences == []


async def test_what_the_bank_sends_back_after_an_erasure_leaves_the_receipts_and_is_no_difference(
    house: House, people: People, owner: Owner
) -> None:
    person_id, grant_id = await on_its_way(house, people)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, grant_id, CancelGrant(reason="re_migrated"), ENDORSER)
    await erase(house, person_id)
    await house.give(GRANT, grant_id, REVERSE, RECONCILER, LATER)
    assert (await house.grant(grant_id)).paid == 0
    assert await kept_of(house) == [(person_id, True, grant_id)]
    assert (await house.findings()).differences == []
    # That one of them is gone is found out all the same.
    await owner.execute("DELETE FROM evidence_pieces")
    await owner.execute("DELETE FROM evidence_files")
    assert (await house.findings()).differences != []


async def test_what_came_back_before_an_erasure_had_not_been_paid_then(house: House, people: People) -> None:
    person_id, grant_id = await on_its_way(house, people)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, grant_id, REVERSE, RECONCILER)
    await erase(house, person_id)
    assert await kept_of(house) == [(person_id, False, None)]
    assert await counted(house, "evidence_files") == 0
    assert (await house.findings()).differences == []
