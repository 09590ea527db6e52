"""Each service's own log, asked of the service itself, held against the archive: round after round, the newest first."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx
import structlog

from services.audit.findings import COMPARED, NOTHING_OPEN, Difference, Kind, Standing, settle, standing
from services.audit.own_reads import OwnReads
from services.audit.repeating import each, waited_out
from shared.db import Database, Scope, Sql, UnitOfWork
from shared.endpoints import PROGRAM_READS
from shared.tables import LEAF_LIMIT
from shared.tlog.tree import leaf_hash
from shared.topology import AUDIT

# A difference in the newest entries, and in a log that is walked within one look, is found within so many seconds.
LOOK_SECONDS: Final = 20.0
# For so long each look goes on with the round that it finds begun, so that a log of millions is walked without hurry.
WALK_SECONDS: Final = 10.0
NEWEST: Final = 1_000
AT_A_TIME: Final = 2_000
_TIMEOUT: Final = httpx.Timeout(10.0, connect=2.0)
# For a whole answer: one that comes byte after byte keeps no other log from being compared.
ANSWER_SECONDS: Final = 30.0

# Whichever says more: a place that somebody took out or set back, or entries that are there no more, hide nothing.
_SIZE = Sql(
    "SELECT greatest((SELECT last_idx FROM cursor WHERE source = :log), "
    "(SELECT max(idx) FROM archive_entries WHERE log = :log), -1) + 1 AS size"
)
# The hash is made of the bytes (RFC 6962, 2.1): the column beside them would go on saying what they were.
_HELD = Sql(
    "SELECT idx, sha256(decode('00', 'hex') || leaf) AS leaf_hash FROM archive_entries "
    "WHERE log = :log AND idx >= :first AND idx < :end"
)
log = structlog.get_logger("comparing")


@dataclass(slots=True)
class Compared:
    """How far one log was compared: ``rounds`` whole ones, ``next`` where the present one goes on, and what keeps it.

    ``read_by_others`` is how often at least the log was told to somebody else who has the archive's credential.
    """

    next: int = 0
    rounds: int = 0
    found: Standing = NOTHING_OPEN
    fault: str | None = None
    round_ended: float | None = field(default=None)
    reads: OwnReads = field(default_factory=OwnReads)
    read_by_others: int = 0

    @property
    def differences(self) -> int:
        """How many findings of the log are open and accepted by nobody."""
        return self.found.ringing


def differences(
    first: int, held: Sequence[bytes | None], told: Sequence[bytes],
    beyond: Collection[bytes] = (), before: Collection[bytes] = (),
) -> list[Difference]:
    """Where the hashes that a log tells from an index on are not those that the archive holds from there on.

    None in ``held`` is an entry that the archive has no more. ``beyond`` are hashes of entries that follow: where some are
    missing, the log tells as many of those in their place. ``before`` are hashes of entries that precede: where the log has
    some more, it tells as many of those first.

    An entry that is told counts in its place whatever came before it, so that one that was taken out is named alone and
    not everything behind it, and one that was put in by the index before which it stands.
    """  # fmt: skip
    places = {hashed: place for place, hashed in enumerate(held) if hashed is not None}
    found: list[Difference] = []
    expected, strange, ended = 0, 0, len(told) < len(held)

    def close(until: int) -> None:
        nonlocal expected, strange
        # What stands where the archive lost an entry is most likely that entry.
        lost = sum(hashed is None for hashed in held[expected:until])
        kind: Kind = "other" if strange > lost else "missing"
        for place in range(expected, until):
            one = Difference("archive" if held[place] is None else kind, first + place, first + place)
            if found and (found[-1].kind, found[-1].last) == (one.kind, one.first - 1):
                one = Difference(one.kind, found.pop().first, one.last)
            found.append(one)
        if strange and until == expected:
            found.append(Difference("other", first + until, first + until))
        expected, strange = until + 1, 0

    for hashed in told:
        place = places.get(hashed)
        if place is None and hashed in beyond:
            ended = True
            break
        if place is None and hashed in before and not expected:
            continue
        if place is None or place < expected:
            strange += 1
        else:
            close(place)
    # Of a log that tells as many as were asked for, what it has more has pushed out as many at the end.
    until = len(held) if ended else min(expected + strange, len(held))
    if expected < until:
        close(until)
    return found


class Comparing:
    """Compares every log that has an address with the archive, for as long as it runs."""

    def __init__(
        self, database: Database, client: httpx.AsyncClient, urls: Mapping[str, str], token: Callable[[], Awaitable[str]],
        refused: Callable[[], None], elapsed: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.logs: Mapping[str, Compared] = {name: Compared() for name in urls}
        self._database = database
        self._client = client
        self._urls = urls
        self._token = token
        self._refused = refused
        self._elapsed = elapsed
        self._began = elapsed()
        self._scope = Scope(f"service:{AUDIT.name}")

    async def round(self) -> None:
        """Looks at every log once; whatever fails is tried again in the next round."""
        await each(self.logs, self.look)

    async def look(self, name: str) -> None:
        """Compares the newest entries of a log, and goes on with its round for a while."""
        compared = self.logs[name]
        with waited_out(compared, lambda kind: log.warning("comparison_waits", source=name, kind=kind)):
            size = await self._size(name)
            await self._compare(name, max(size - NEWEST, 0), size)
            until = self._elapsed() + WALK_SECONDS
            while self._elapsed() < until:
                end = min(compared.next + AT_A_TIME, size)
                await self._compare(name, compared.next, end)
                compared.next = end
                if end >= size:
                    compared.next, compared.rounds, compared.round_ended = 0, compared.rounds + 1, self._elapsed()
                    break
            compared.found = await self._database.attempt(self._scope, lambda unit: standing(unit, name))
            if compared.reads.others > compared.read_by_others:
                compared.read_by_others = compared.reads.others
                log.error("log_read_by_others", source=name, times=compared.read_by_others)

    def round_seconds(self, name: str) -> float:
        """How long ago a round over this log ended, or since when there was none."""
        ended = self.logs[name].round_ended
        return self._elapsed() - (self._began if ended is None else ended)

    def status(self) -> dict[str, object]:
        """What readiness tells of each log; times are seconds ago, None if never."""
        return {
            name: {
                "rounds": one.rounds, "next": one.next, "differences": one.differences, "accepted": one.found.accepted,
                "fault": one.fault, "read_by_others": one.read_by_others,
                "round_ended_seconds_ago": None if one.round_ended is None else round(self._elapsed() - one.round_ended, 3),
            }
            for name, one in self.logs.items()
        }  # fmt: skip

    async def _size(self, name: str) -> int:
        row = await self._database.alone(_SIZE, log=name)
        return row["size"] if row is not None else 0

    async def _compare(self, name: str, first: int, end: int) -> None:
        if end <= first:
            return

        held = await self._database.attempt(self._scope, lambda unit: archived(unit, name, first, end))
        told = await self.told(name, first, end - first)
        found = differences(first, held, told)
        if found:
            beyond = await self._database.attempt(self._scope, lambda unit: archived(unit, name, end, end + len(told)))
            before = await self._database.attempt(self._scope, lambda unit: archived(unit, name, max(first - len(told), 0), first))
            found = differences(first, held, told, _hashes(beyond), _hashes(before))

        if found or self.logs[name].found != NOTHING_OPEN:
            await self._database.attempt(self._scope, lambda unit: settle(unit, name, COMPARED, first, end, found))
        for one in found:
            # Which entries and how, and nothing of what they say.
            log.error("log_differs_from_archive", source=name, kind=one.kind, first=one.first, last=one.last)

    async def told(self, name: str, first: int, count: int) -> list[bytes]:
        """The hashes of the entries that a service's log has from an index on, fewer where it ends; its memory is that of one batch."""
        asked = {"from": first, "limit": count}
        url = f"{self._urls[name].rstrip('/')}/v1/events"
        told: list[bytes] = []
        async with asyncio.timeout(ANSWER_SECONDS):
            headers = {"Authorization": f"Bearer {await self._token()}"}
            reads = self.logs[name].reads
            reads.asked()
            async with self._client.stream("GET", url, params=asked, headers=headers, timeout=_TIMEOUT) as answer:
                reads.told(answer.headers.get(PROGRAM_READS))
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    self._refused()
                answer.raise_for_status()
                async with contextlib.aclosing(lines_of(answer.aiter_bytes())) as lines:
                    async for line in lines:
                        if len(told) == count:
                            # More than was asked for is read no further.
                            break
                        told.append(leaf_hash(line))
        return told


async def archived(unit: UnitOfWork, name: str, first: int, end: int) -> list[bytes | None]:
    """The hashes of what the archive holds in these places, made anew of the bytes; None where it holds nothing."""
    found = {row["idx"]: bytes(row["leaf_hash"]) for row in await unit.rows(_HELD, log=name, first=first, end=end)}
    return [found.get(idx) for idx in range(first, end)]


def _hashes(held: Sequence[bytes | None]) -> frozenset[bytes]:
    return frozenset(hashed for hashed in held if hashed is not None)


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The lines of a body, however it was cut on the way; a line that is longer than any entry ends where it is too long."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > LEAF_LIMIT:
            yield rest
            rest = b""
    if rest:
        yield rest
