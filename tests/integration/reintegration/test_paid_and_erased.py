"""Money that moves beside or after an erasure: which receipts stay is decided once, and nobody finds fault with it afterwards."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.person import RecordErasure
from services.reintegration.domain.stops import SuspendGrant
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
from tests.integration.reintegration.test_release import returnee
from tests.integration.reintegration.test_seen_on_the_spot import WITNESS
from tests.integration.reintegration.vendors import registered
from tests.unit.reintegration.examples import ENDORSER, OFFICE, PAYER, RECONCILER

people, owner = people_of, owner_of
LATER, LATEST = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
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


@pytest.mark.parametrize("method", ["office_account", "cash"])
async def test_what_stood_against_a_payment_to_somebody_erased_is_told_beside_it_and_is_no_difference(
    house: House, people: People, owner: Owner, method: str
) -> None:
    line = await house.line()
    grant_id = await house.approved(line.request("1500.00", "500.00", "1000.00"), await house.fund())
    await filed(people, grant_id)
    payee_id = await registered(house.made, returnee(line))
    await house.give(GRANT, grant_id, await house.vendors.release(1, method=method, payee_id=payee_id), PAYER)
    await erase(house, line.person_id)
    await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), ENDORSER)
    if method == "cash":
        await house.give(GRANT, grant_id, WITNESS, OFFICE)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    against = [one["stood_against"] for one in (await people.auditor.get("paid-although")).json()["items"]]
    assert len(against) == (2 if method == "cash" else 1)
    assert all({"grant_suspended", "payee_erased"} <= set(one) for one in against)
    assert (await house.findings()).differences == []
    # What had been concealed before the erasure is not to be there any more.
    await owner.execute(
        "INSERT INTO disclosure SELECT e.id, 'category', d.salt, 'business' FROM event_log e, disclosure d "
        "WHERE e.subject = $1 AND e.aggver = 1 AND d.path = 'stood_against' LIMIT 1", grant_id,
    )  # fmt: skip
    assert (await house.findings()).differences != []


async def erased_later(house: House, person_id: UUID) -> None:
    async with house.half_done(PERSON, person_id, RecordErasure(), WORKER, LATER):
        pass


@pytest.mark.parametrize("paid_at", [NOON, LATER, LATEST], ids=["by_a_slow_clock", "at_that_moment", "by_a_fast_clock"])
async def test_what_had_been_paid_is_told_by_the_order_of_the_log_and_by_no_clock(
    house: House, people: People, paid_at: datetime
) -> None:
    before, grant_before = await on_its_way(house, people)
    await house.give(GRANT, grant_before, house.payment(1), PAYER, paid_at)
    await erased_later(house, before)
    after, grant_after = await on_its_way(house, people)
    await erased_later(house, after)
    await house.give(GRANT, grant_after, house.payment(1), PAYER, paid_at)
    assert sorted(await kept_of(house), key=str) == sorted([(before, True, grant_before), (after, False, None)], key=str)
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("back_at", [NOON, LATER, LATEST], ids=["by_a_slow_clock", "at_that_moment", "by_a_fast_clock"])
async def test_what_had_come_back_is_told_by_the_order_of_the_log_and_by_no_clock(
    house: House, people: People, back_at: datetime
) -> None:
    before, grant_before = await on_its_way(house, people)
    after, grant_after = await on_its_way(house, people)
    for grant_id in (grant_before, grant_after):
        await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, grant_before, REVERSE, RECONCILER, back_at)
    await erased_later(house, before)
    await erased_later(house, after)
    await house.give(GRANT, grant_after, REVERSE, RECONCILER, back_at)
    assert sorted(await kept_of(house), key=str) == sorted([(before, False, None), (after, True, grant_after)], key=str)
    assert (await house.findings()).differences == []


async def test_what_came_back_and_was_paid_again_before_an_erasure_had_been_paid_then(house: House, people: People) -> None:
    person_id, grant_id = await on_its_way(house, people)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, grant_id, REVERSE, RECONCILER)
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await erase(house, person_id)
    assert await kept_of(house) == [(person_id, True, grant_id)]
    assert (await house.findings()).differences == []
