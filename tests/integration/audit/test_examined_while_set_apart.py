"""Whoever examines a log while entries of it are set apart comes to no place behind what was kept, past which nobody would look."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from services.audit import breaks, exceptions
from services.audit.examining import examine
from shared.db import Sql, UnitOfWork, Write
from shared.tlog.breaks import Break
from tests.integration.audit.archived_log import LOG, POLICY, WORKER, ArchivedLog
from tests.integration.audit.broken_log import Checkpointer, note_of
from tests.integration.audit.signed_log import Signed, foreign
from tests.integration.audit.test_breaks import ZONE
from tests.integration.bus.house import until

Looking = Callable[[], Coroutine[None, None, str | None]]

_PLACE = Sql("SELECT last_idx FROM archive_examined WHERE log = :log FOR UPDATE")
_MOVE = Sql("UPDATE archive_examined SET last_idx = :last WHERE log = :log AND rules = :rules")
_PLACES = Sql("SELECT log, last_idx FROM archive_examined ORDER BY log")


async def by_a_tail(signed: Signed) -> Looking:
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(1)
    return signed.look


async def by_a_break(signed: Signed) -> Looking:
    checkpointer, _ = await set_back(signed)
    return checkpointer.look


async def set_back(signed: Signed) -> tuple[Checkpointer, Break]:
    checkpointer = Checkpointer(signed.archived)
    await signed.archived.happen(1, by="staff:anna")
    await signed.archived.archive()
    checkpointer.note = str(note_of(await signed.archived.leaves()))
    assert await checkpointer.look() is None
    return checkpointer, await checkpointer.set_back(6)


async def waits(archived: ArchivedLog) -> bool:
    async with archived.beside_the_archive() as connection:
        return bool(await connection.fetch("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"))


async def places(archived: ArchivedLog) -> dict[str, int]:
    return {row["log"]: row["last_idx"] for row in await archived.made.worker.attempt(WORKER, lambda unit: unit.rows(_PLACES))}


@pytest.mark.parametrize("sets_apart", [by_a_tail, by_a_break])
async def test_what_is_set_apart_waits_for_whoever_examines(
    signed: Signed, sets_apart: Callable[[Signed], Awaitable[Looking]]
) -> None:
    archived, worker = signed.archived, signed.archived.made.worker
    while await examine(worker, LOG, ZONE):
        pass
    assert await places(archived) == {LOG: 5}
    look = await sets_apart(signed)
    held, on = asyncio.Event(), asyncio.Event()

    async def examines(unit: UnitOfWork) -> None:
        await unit.rows(_PLACE, log=LOG)
        held.set()
        await on.wait()
        unit.write(Write(_MOVE, {"log": LOG, "last": 6, "rules": exceptions.RULES}))

    async with asyncio.TaskGroup() as group:
        group.create_task(worker.attempt(WORKER, examines))
        await held.wait()
        looking = group.create_task(look())
        await until(lambda: waits(archived))
        on.set()
    assert looking.result() is None
    # What was looked at went with how far they had come, and the log is looked at from its beginning.
    (apart,) = [name for name in await places(archived) if name != LOG]
    assert await places(archived) == {apart: 6}
    await archived.archive()
    while await examine(worker, LOG, ZONE):
        pass
    assert (await places(archived))[LOG] == len(await archived.leaves()) - 1


async def test_whoever_examines_waits_for_what_is_set_apart_and_begins_anew(signed: Signed) -> None:
    archived, worker = signed.archived, signed.archived.made.worker
    _, proof = await set_back(signed)
    while await examine(worker, LOG, ZONE):
        pass
    await archived.archive()
    noted, on = asyncio.Event(), asyncio.Event()

    async def follow(unit: UnitOfWork) -> None:
        assert await breaks.follow(unit, LOG, 2, proof, proof.checked(POLICY))
        await unit.flush()
        noted.set()
        await on.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(worker.attempt(WORKER, follow))
        await noted.wait()
        examining = group.create_task(examine(worker, LOG, ZONE))
        await until(lambda: waits(archived))
        on.set()
    assert examining.result() == 6
    assert await places(archived) == {LOG: 5, f"{LOG}.1": 6}
