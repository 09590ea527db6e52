"""Where a service keeps what its verification found: noted once, never changed but by when it was gone.

What whoever verifies knows itself counts: the row of its progress is read when it begins and believed no further, because
whoever has the worker's password can write there that everything was looked at.
"""

import math
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.folding import Difference
from shared.turn import Turn

# So many that are not gone are named; beyond, what is wrong is no matter of single rows.
MOST_NOTED: Final = 10_000
_MOST_KNOWN: Final = 1_000

_MAKE = Sql("INSERT INTO verify_progress (one) VALUES (true) ON CONFLICT (one) DO NOTHING")
_BEGIN = Sql(
    "SELECT looked_from, position, extract(epoch FROM clock_timestamp() - round_began_at)::float8 AS began_ago FROM verify_progress"
)
_STANDS = Sql(
    "SELECT (SELECT count(*) FROM verify_differences WHERE gone_at IS NULL) AS differences, p.rounds, p.round_seconds, "
    "extract(epoch FROM clock_timestamp() - p.looked_at)::float8 AS looked_ago, "
    "extract(epoch FROM clock_timestamp() - p.round_ended_at)::float8 AS ended_ago "
    "FROM (SELECT 1) one LEFT JOIN verify_progress p ON true"
)
_OPEN = Sql("SELECT about FROM verify_differences WHERE gone_at IS NULL AND fault <> 'derived' ORDER BY found_at LIMIT :most")
_OPEN_DERIVED = Sql(
    "SELECT kind, about FROM verify_differences WHERE gone_at IS NULL AND fault = 'derived' AND kind = ANY(cast(:kinds AS text[])) "
    "ORDER BY found_at LIMIT :most"
)
_SAME = (
    "EXISTS (SELECT FROM unnest(cast(:kinds AS text[]), cast(:abouts AS text[]), cast(:faults AS text[]), cast(:columns AS text[])) "
    "f(kind, about, fault, columns) WHERE (f.kind, f.about, f.fault, f.columns) = (d.kind, d.about, d.fault, d.columns))"
)
_GONE = "UPDATE verify_differences d SET gone_at = clock_timestamp() WHERE d.gone_at IS NULL AND {which} AND NOT " + _SAME
_ROWS_GONE = Sql(_GONE.format(which="d.fault <> 'derived' AND d.about = ANY(cast(:ids AS text[]))"))
_DERIVED_GONE = Sql(_GONE.format(which="d.fault = 'derived' AND d.kind = :kind"))
_DERIVED_GONE_OF = Sql(_GONE.format(which="d.fault = 'derived' AND d.kind = :kind AND d.about = ANY(cast(:ids AS text[]))"))
_NOTE = Sql(
    "INSERT INTO verify_differences (kind, about, fault, columns) SELECT * FROM unnest(cast(:kinds AS text[]), "
    "cast(:abouts AS text[]), cast(:faults AS text[]), cast(:columns AS text[])) f(kind, about, fault, columns) "
    "ON CONFLICT (kind, about, fault, columns) WHERE gone_at IS NULL DO NOTHING"
)
_LOOKED = Sql("UPDATE verify_progress SET looked_at = clock_timestamp(), looks = looks + 1")
_LOOKED_UNTIL = Sql("UPDATE verify_progress SET looked_from = :since")
_BEGUN = Sql("UPDATE verify_progress SET round_began_at = clock_timestamp()")
_WALKED = Sql("UPDATE verify_progress SET position = :position")
_ENDED = Sql(
    "UPDATE verify_progress SET position = NULL, rounds = rounds + 1, round_ended_at = clock_timestamp(), round_seconds = :seconds"
)

log = structlog.get_logger("verifying")


@dataclass(frozen=True, slots=True)
class Taken:
    """From where whoever verifies goes on: the transaction from which changes are looked for, and the round's last id."""

    looked_from: int | None
    position: UUID | None


@dataclass(frozen=True, slots=True)
class Stands:
    """How it stands by what was noted; times are seconds, None if never."""

    differences: int = 0
    rounds: int = 0
    round_seconds: float | None = None
    looked_ago: float | None = None
    ended_ago: float | None = None


@dataclass(slots=True)
class _Own:
    """What the process that has the turn knows by itself; moments are those of its own steady clock."""

    looked_from: int | None
    position: UUID | None
    began_at: float | None
    looked_at: float | None = None
    ended_at: float | None = None


class FoundDifferences:
    """Notes differences by the login of a service's worker; one process at a time does."""

    def __init__(self, service: str, database: Database) -> None:
        self._service = service
        self._database = database
        self._turn = Turn(database.url, f"{database.name}-verify-turn", b"avrr-row")
        self._scope = Scope(f"service:{service}")
        self.stands = Stands()
        self._own: _Own | None = None
        # What was told in the log and is not known to be gone.
        self._told: set[_Key] = set()
        self._known_at = time.monotonic()

    @property
    def differences(self) -> int:
        """How many rows differ: what is noted, or what this process found where less could be noted."""
        return max(self.stands.differences, len(self._told))

    def looked_ago(self) -> float | None:
        """Seconds since the last look, None if there was none; infinite where what is noted lies ahead of the clock."""
        return self._ago(self._own.looked_at if self._own is not None else None, self.stands.looked_ago)

    def ended_ago(self) -> float | None:
        """Seconds since the last whole round ended, as `looked_ago`."""
        return self._ago(self._own.ended_at if self._own is not None else None, self.stands.ended_ago)

    def began_ago(self) -> float | None:
        """Seconds since the present round began, or the last one where none is under way."""
        own = self._own
        return None if own is None or own.began_at is None else time.monotonic() - own.began_at

    async def taken(self) -> Taken | None:
        """Takes or keeps the turn to verify, None while another process has it; how it stands is known either way."""
        if not await self._turn.taken():
            self._forget()
            await self._database.attempt(self._scope, self._read)
            return None

        async def work(unit: UnitOfWork) -> None:
            if self._own is None:
                unit.write(Write(_MAKE, {}, rows=None))
                begin = await unit.row(_BEGIN)
                assert begin is not None
                ago = begin["began_ago"]
                began_at = None if ago is None or ago < 0 else time.monotonic() - ago
                self._own = _Own(begin["looked_from"], begin["position"], began_at)
            await self._read(unit)

        await self._database.attempt(self._scope, work)
        own = self._own
        assert own is not None
        return Taken(own.looked_from, own.position)

    def ended(self) -> None:
        """Gives the turn back, and what was known by having it."""
        self._turn.given_back()
        self._forget()

    async def known(self) -> list[UUID]:
        """About which ids something was found that is not gone, the oldest first."""
        rows = await self._database.attempt(self._scope, lambda unit: unit.rows(_OPEN, most=_MOST_KNOWN))
        told = [about for _, about, fault, _ in self._told if fault != "derived"]
        return list(dict.fromkeys(UUID(about) for about in (*(row["about"] for row in rows), *told)))[:_MOST_KNOWN]

    async def known_of(self, kinds: Sequence[str]) -> Mapping[str, Collection[str]]:
        """About what each of these checks found something that is not gone, of all of them the oldest first."""
        rows = await self._database.attempt(self._scope, lambda unit: unit.rows(_OPEN_DERIVED, kinds=kinds, most=_MOST_KNOWN))
        told = [(kind, about) for kind, about, fault, _ in self._told if fault == "derived" and kind in kinds]
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for kind, about in list(dict.fromkeys((*((row["kind"], row["about"]) for row in rows), *told)))[:_MOST_KNOWN]:
            found[kind][about] = None
        return {kind: list(abouts) for kind, abouts in found.items()}

    async def rows_compared(self, ids: Sequence[UUID], found: Sequence[Difference]) -> None:
        """Notes what of these ids differs, and that whatever else was noted of them is gone."""
        abouts = {str(id) for id in ids}
        if found or self.differences:
            gone = Write(_ROWS_GONE, {"ids": list(abouts), **_values(found)}, rows=None)
            was = {one for one in self._told if one[1] in abouts and one[2] != "derived"}
            await self._note(gone, found, was)

    async def checked(self, kind: str, found: Sequence[Difference], *, whole: bool) -> None:
        """Notes what a check found; that the rest is gone only if it was told ``whole``."""
        if found or self.differences:
            gone = Write(_DERIVED_GONE, {"kind": kind, **_values(found)}, rows=None) if whole else None
            was = {one for one in self._told if one[0] == kind and one[2] == "derived"} if whole else set()
            await self._note(gone, found, was)

    async def checked_of(self, kind: str, ids: Sequence[UUID | str], found: Sequence[Difference]) -> None:
        """Notes what a check found of these ids, and that the rest of what it found of them before is gone."""
        abouts = {str(id) for id in ids}
        if found or self.differences:
            gone = Write(_DERIVED_GONE_OF, {"kind": kind, "ids": list(abouts), **_values(found)}, rows=None)
            was = {one for one in self._told if one[0] == kind and one[1] in abouts and one[2] == "derived"}
            await self._note(gone, found, was)

    async def looked(self) -> None:
        """Notes that everything that was changed was read."""
        await self._run(Write(_LOOKED, {}))
        if self._own is not None:
            self._own.looked_at = time.monotonic()

    async def looked_until(self, since: int, *, waiting: bool) -> None:
        """The next look begins at this transaction; while something is ``waiting``, whoever begins anew begins before it."""
        if not waiting:
            await self._run(Write(_LOOKED_UNTIL, {"since": since}))
        if self._own is not None:
            self._own.looked_from = since

    async def walked(self, position: UUID | None, *, first: bool) -> None:
        """Notes how far a round is; None is its end."""
        own, now = self._own, time.monotonic()
        if first:
            await self._run(Write(_BEGUN, {}))
            if own is not None:
                own.began_at = now
        seconds = self.began_ago()
        await self._run(
            Write(_WALKED, {"position": position}) if position is not None else Write(_ENDED, {"seconds": seconds})
        )
        if own is not None:
            own.position = position
            if position is None:
                own.ended_at = now

    async def begins_anew(self) -> None:
        """Notes that the round begins from its start, and that it has not been one."""
        await self._run(Write(_WALKED, {"position": None}))
        if self._own is not None:
            self._own.position, self._own.began_at = None, None

    def _forget(self) -> None:
        self._own = None
        self._told.clear()

    def _ago(self, own: float | None, noted: float | None) -> float | None:
        now = time.monotonic()
        if own is not None:
            return now - own
        if noted is None:
            return None
        return math.inf if noted < 0 else noted + now - self._known_at

    async def _read(self, unit: UnitOfWork) -> None:
        stands = await unit.row(_STANDS)
        assert stands is not None
        self._known_at = time.monotonic()
        self.stands = Stands(**{name: stands[name] for name in Stands.__slots__ if stands[name] is not None})

    async def _run(self, write: Write) -> None:
        async def work(unit: UnitOfWork) -> None:
            unit.write(write)

        await self._database.attempt(self._scope, work)

    async def _note(self, gone: Write | None, found: Sequence[Difference], was: Collection["_Key"]) -> None:
        full = self.differences >= MOST_NOTED
        self._tell(found, was, full=full)

        async def work(unit: UnitOfWork) -> None:
            if gone is not None:
                unit.write(gone)
                await unit.flush()
            if found and not full:
                unit.write(Write(_NOTE, _values(found), rows=None))
            await self._read(unit)

        await self._database.attempt(self._scope, work)

    def _tell(self, found: Sequence[Difference], was: Collection["_Key"], *, full: bool) -> None:
        """Tells what is new before anything is written, so that no table that swallows it silences that."""
        keys = {_key(one) for one in found}
        self._told.difference_update(one for one in was if one not in keys)
        if full and found:
            log.error("more_rows_differ_than_are_noted", service=self._service, noted=self.differences)
            return
        for kind, about, fault, columns in dict.fromkeys(map(_key, found)):
            if (kind, about, fault, columns) not in self._told:
                self._told.add((kind, about, fault, columns))
                # Which row and how, and nothing of what it says.
                log.error("row_differs_from_log", service=self._service, kind=kind, about=about, fault=fault, columns=columns)


_Key = tuple[str, str, str, str]


def _key(one: Difference) -> _Key:
    return (one.kind, one.about, one.fault, _columns(one))


def _columns(one: Difference) -> str:
    return ",".join(one.columns)


def _values(found: Sequence[Difference]) -> dict[str, object]:
    return {
        "kinds": [one.kind for one in found], "abouts": [one.about for one in found],
        "faults": [one.fault for one in found], "columns": [_columns(one) for one in found],
    }  # fmt: skip
