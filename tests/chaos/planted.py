"""Faults that somebody could make, each planted in one process of a trial: what finds nothing wrong must be able to find these.

Only `tests.chaos.tried` plants them. A program of avrr has no setting for it, and whoever installs avrr has no tests.
"""

import asyncio
import copy
import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

import asyncpg

from shared import db, handling
from shared.aggregate import Aggregate
from shared.appending import Leaf, appending
from shared.bus import Bus, Delivery
from shared.consumer import Consumer
from shared.contracts.counselling import IntentionExpressed
from shared.db import UnitOfWork
from shared.handling import Handled
from shared.relay import Relay, subject_of
from shared.turn import Turn

# Which event of a stream, or which command of a process, meets the fault where not all do.
_NUMBER: Final = 4


def _die_once() -> None:
    """Where only few random kills would fall, this one does; whoever comes after it lives."""
    died = Path(os.environ["CHAOS_CLOCK"]).with_name("died")
    if not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def acknowledges_before_it_commits() -> None:
    """A follower tells the broker that it has taken an event before it has, and dies in between."""
    take = Consumer._try

    @wraps(take)
    async def early(self: Consumer, delivery: Delivery, stop: asyncio.Event) -> Literal["taken", "stop", "unfinished"]:
        await delivery.ack()
        if delivery.sequence >= _NUMBER:
            # The word is on its way by then.
            await asyncio.sleep(0.05)
            _die_once()
        return await take(self, delivery, stop)

    Consumer._try = early  # type: ignore[method-assign]


def moves_on_before_it_reacts() -> None:
    """A follower commits that it has taken an event before it commits what it made of it, and dies in between."""
    take = Consumer._take

    @wraps(take)
    async def apart(self: Consumer, unit: UnitOfWork, event: object) -> str:
        verdict = await self._verdict(unit, event)  # type: ignore[arg-type]
        if verdict == "new":
            await unit._connection.execute("COMMIT")
            if event.envelope.type == IntentionExpressed.kind:  # type: ignore[attr-defined]
                _die_once()
            await unit._connection.execute(db.begin_for(self._scope, self._database.notify))
            await self._apply(unit, event.envelope, event.hash)  # type: ignore[attr-defined]
        return verdict

    Consumer._take = apart  # type: ignore[method-assign]


def skips_an_event() -> None:
    """A relay goes past an event of its log, and numbers those behind it as if there had been none."""

    async def publish(
        self: Relay, connection: "asyncpg.Connection[asyncpg.Record]", position: int, until: float, stop: asyncio.Event
    ) -> int:
        rows = await connection.fetch(
            "SELECT id, type, leaf FROM event_log WHERE idx <> $3 AND idx >= $1 ORDER BY idx LIMIT $2",
            position + (position >= _NUMBER), 100, _NUMBER,
        )  # fmt: skip
        for row in rows:
            position = await self._bus.publish(subject_of(self._service, row["type"]), row["leaf"], event_id=row["id"], after=position)
        return position

    Relay._publish = publish  # type: ignore[method-assign]


def relays_without_a_turn() -> None:
    """Two relays of one log are active, and neither tells the broker behind which event its own belongs."""
    run = Relay.run

    async def always(self: Turn) -> bool:
        if self._session is None:
            self._session = await self._opened()
        self.held = True
        return True

    async def anywhere(self: Bus, subject: str, leaf: bytes, *, event_id: UUID, after: int) -> int:
        answer = await self._request(subject, leaf, {})
        return int(str(answer["seq"]))

    async def both(self: Relay, stop: asyncio.Event) -> None:
        await asyncio.gather(run(self, stop), run(copy.copy(self), stop))

    Turn.taken = always  # type: ignore[method-assign]
    Bus.publish = anywhere  # type: ignore[method-assign]
    Relay.run = both  # type: ignore[method-assign]


def remembers_no_key() -> None:
    """A service does not remember what it answered under which `Idempotency-Key`."""
    decided = handling._decided

    async def anew(
        unit: UnitOfWork, aggregate: Aggregate[object, object], id: UUID, command: object, context: object, origin: object,
        expected_version: object, repeat: object, *others: object,
    ) -> Handled:  # fmt: skip
        del repeat
        return await decided(unit, aggregate, id, command, context, origin, expected_version, None, *others)  # type: ignore[arg-type]

    handling._decided = anew  # type: ignore[assignment]


def appends_before_it_commits() -> None:
    """An API appends to the log in a transaction of its own, and dies before it commits what the events say."""

    async def commit(self: UnitOfWork) -> bool:
        leaves, self._leaves = tuple(self._leaves), []
        if leaves:
            await _append(leaves)
            if any(".access." not in leaf.type for leaf in leaves):
                _die_once()
        await self.flush()
        await self._connection.execute("COMMIT")
        return bool(leaves)

    UnitOfWork.commit = commit  # type: ignore[method-assign]


async def _append(leaves: tuple[Leaf, ...]) -> None:
    connection = await asyncpg.connect(os.environ["AVRR_API_DATABASE_URL"])
    try:
        await connection.execute(f"SET app.notify = 'on'; {appending(leaves)}")
    finally:
        await connection.close()


def leaves_out_an_event() -> None:
    """An API changes a row and does not say so in the log."""
    count = 0
    append = UnitOfWork.append

    def now_and_then(self: UnitOfWork, *leaves: Leaf) -> None:
        nonlocal count
        # That somebody looked at something is nobody's order: whether it is on record, no client was told.
        ordered = any(".access." not in leaf.type for leaf in leaves)
        count += ordered
        if not (ordered and count % _NUMBER == 0):
            append(self, *leaves)

    UnitOfWork.append = now_and_then  # type: ignore[method-assign]


# Whoever follows another service has the fault here; of the others whoever answers, or relays.
IN_FOLLOWERS: Final = frozenset({"acknowledges_before_it_commits", "moves_on_before_it_reacts"})
PLANTED: Final[Mapping[str, Callable[[], None]]] = MappingProxyType(
    {
        fault.__name__: fault
        for fault in (
            acknowledges_before_it_commits, moves_on_before_it_reacts, skips_an_event, relays_without_a_turn, remembers_no_key,
            appends_before_it_commits, leaves_out_an_event,
        )
    }
)  # fmt: skip
