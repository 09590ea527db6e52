"""Where a service keeps what its verification found: noted once, never changed but by when it was gone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.folding import Difference

# For so long nobody else verifies after the last word of whoever does.
LEASE_SECONDS: Final = 30.0
# So many that are not gone are named; beyond, what is wrong is no matter of single rows.
MOST_NOTED: Final = 10_000
_MOST_KNOWN: Final = 1_000

_TAKE = Sql(
    "INSERT INTO verify_progress AS p (one, holder) VALUES (true, :holder) ON CONFLICT (one) DO UPDATE "
    "SET holder = excluded.holder, noted_at = clock_timestamp() WHERE p.holder = excluded.holder "
    "OR p.noted_at < clock_timestamp() - make_interval(secs => cast(:lease AS float8)) RETURNING looked_from, position"
)
_STANDS = Sql(
    "SELECT (SELECT count(*) FROM verify_differences WHERE gone_at IS NULL) AS differences, p.rounds, p.round_seconds, "
    "extract(epoch FROM clock_timestamp() - p.looked_at)::float8 AS looked_ago, "
    "extract(epoch FROM clock_timestamp() - p.round_began_at)::float8 AS began_ago, "
    "extract(epoch FROM clock_timestamp() - p.round_ended_at)::float8 AS ended_ago "
    "FROM (SELECT 1) one LEFT JOIN verify_progress p ON true"
)
_OPEN = Sql("SELECT about FROM verify_differences WHERE gone_at IS NULL AND fault <> 'derived' ORDER BY found_at LIMIT :most")
_SAME = (
    "EXISTS (SELECT FROM unnest(cast(:kinds AS text[]), cast(:abouts AS text[]), cast(:faults AS text[]), cast(:columns AS text[])) "
    "f(kind, about, fault, columns) WHERE (f.kind, f.about, f.fault, f.columns) = (d.kind, d.about, d.fault, d.columns))"
)
_GONE = "UPDATE verify_differences d SET gone_at = clock_timestamp() WHERE d.gone_at IS NULL AND {which} AND NOT " + _SAME
_ROWS_GONE = Sql(_GONE.format(which="d.fault <> 'derived' AND d.about = ANY(cast(:ids AS text[]))"))
_DERIVED_GONE = Sql(_GONE.format(which="d.fault = 'derived' AND d.kind = :kind"))
_NOTE = Sql(
    "INSERT INTO verify_differences (kind, about, fault, columns) SELECT * FROM unnest(cast(:kinds AS text[]), "
    "cast(:abouts AS text[]), cast(:faults AS text[]), cast(:columns AS text[])) f(kind, about, fault, columns) "
    "ON CONFLICT (kind, about, fault, columns) WHERE gone_at IS NULL DO NOTHING RETURNING kind, about, fault, columns"
)
_LOOKED = Sql(
    "UPDATE verify_progress SET looked_from = :since, looked_at = clock_timestamp(), noted_at = clock_timestamp()"
)
_BEGUN = Sql("UPDATE verify_progress SET round_began_at = clock_timestamp(), noted_at = clock_timestamp()")
_WALKED = Sql("UPDATE verify_progress SET position = :position, noted_at = clock_timestamp()")
_ENDED = Sql(
    "UPDATE verify_progress SET position = NULL, rounds = rounds + 1, round_ended_at = clock_timestamp(), "
    "round_seconds = extract(epoch FROM clock_timestamp() - round_began_at), noted_at = clock_timestamp()"
)

log = structlog.get_logger("verifying")


@dataclass(frozen=True, slots=True)
class Taken:
    """From where whoever verifies goes on: the transaction from which changes are looked for, and the round's last id."""

    looked_from: int | None
    position: UUID | None


@dataclass(frozen=True, slots=True)
class Stands:
    """How it stands with a service's verification; times are seconds, None if never."""

    differences: int = 0
    rounds: int = 0
    round_seconds: float | None = None
    looked_ago: float | None = None
    began_ago: float | None = None
    ended_ago: float | None = None


class FoundDifferences:
    """Notes differences by the login of a service's worker; one process at a time does."""

    def __init__(self, service: str, database: Database, holder: UUID) -> None:
        self._service = service
        self._database = database
        self._holder = holder
        self._scope = Scope(f"service:{service}")
        self.stands = Stands()
        self._known_at = time.monotonic()

    def ago(self, seconds: float | None) -> float | None:
        """How long ago something of how it stands is by now, also while nobody verifies."""
        return None if seconds is None else round(seconds + time.monotonic() - self._known_at, 3)

    async def taken(self) -> Taken | None:
        """Takes or keeps the turn to verify, None while another process has it; how it stands is known either way."""

        async def work(unit: UnitOfWork) -> Taken | None:
            rows = await unit.rows(_TAKE, holder=self._holder, lease=LEASE_SECONDS)
            await self._read(unit)
            return Taken(rows[0]["looked_from"], rows[0]["position"]) if rows else None

        return await self._database.attempt(self._scope, work)

    async def known(self) -> list[UUID]:
        """About which ids something is noted that is not gone, the oldest first."""
        rows = await self._database.attempt(self._scope, lambda unit: unit.rows(_OPEN, most=_MOST_KNOWN))
        return list(dict.fromkeys(UUID(row["about"]) for row in rows))

    async def rows_compared(self, ids: Sequence[UUID], found: Sequence[Difference]) -> None:
        """Notes what of these ids differs, and that whatever else was noted of them is gone."""
        if found or self.stands.differences:
            await self._note(Write(_ROWS_GONE, {"ids": [str(id) for id in ids], **_values(found)}, rows=None), found)

    async def checked(self, kind: str, found: Sequence[Difference], *, whole: bool) -> None:
        """Notes what a check found; that the rest is gone only if it was told ``whole``."""
        if found or self.stands.differences:
            gone = Write(_DERIVED_GONE, {"kind": kind, **_values(found)}, rows=None) if whole else None
            await self._note(gone, found)

    async def looked(self, since: int) -> None:
        """Notes that everything changed before this transaction was looked at."""
        await self._run(Write(_LOOKED, {"since": since}))

    async def walked(self, position: UUID | None, *, first: bool) -> None:
        """Notes how far a round is; None is its end."""
        if first:
            await self._run(Write(_BEGUN, {}))
        await self._run(Write(_WALKED, {"position": position}) if position is not None else Write(_ENDED, {}))

    async def _read(self, unit: UnitOfWork) -> None:
        stands = await unit.row(_STANDS)
        assert stands is not None
        self._known_at = time.monotonic()
        self.stands = Stands(**{name: stands[name] for name in Stands.__slots__ if stands[name] is not None})

    async def _run(self, write: Write) -> None:
        async def work(unit: UnitOfWork) -> None:
            unit.write(write)

        await self._database.attempt(self._scope, work)

    async def _note(self, gone: Write | None, found: Sequence[Difference]) -> None:
        full = self.stands.differences >= MOST_NOTED

        async def work(unit: UnitOfWork) -> list[Difference]:
            if gone is not None:
                unit.write(gone)
            noted = await unit.rows(_NOTE, **_values(found)) if found and not full else []
            new = {tuple(row.values()) for row in noted}
            await self._read(unit)
            return [one for one in found if (one.kind, one.about, one.fault, _columns(one)) in new]

        for one in await self._database.attempt(self._scope, work):
            # Which row and how, and nothing of what it says.
            log.error("row_differs_from_log", service=self._service, kind=one.kind, about=one.about, fault=one.fault, columns=_columns(one))
        if full and found:
            log.error("more_rows_differ_than_are_noted", service=self._service, noted=self.stands.differences)


def _columns(one: Difference) -> str:
    return ",".join(one.columns)


def _values(found: Sequence[Difference]) -> dict[str, object]:
    return {
        "kinds": [one.kind for one in found], "abouts": [one.about for one in found],
        "faults": [one.fault for one in found], "columns": [_columns(one) for one in found],
    }  # fmt: skip
