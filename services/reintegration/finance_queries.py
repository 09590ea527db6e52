"""What reintegration's tables answer for finance's own lists: what goes into a spreadsheet, each read at one moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from pydantic import BaseModel, TypeAdapter

from services.reintegration.domain.turns import TurnOf
from services.reintegration.queries import AVAILABLE
from shared.db import Sql, UnitOfWork
from shared.money import Amount


class UnclaimedCash(BaseModel):
    """Cash of a tranche that was released long ago and that nobody saw handed over; ``id`` is the grant's."""

    id: UUID
    tranche: int
    amount: Amount
    currency: str
    destination_country: str
    released_at: datetime


_ALL_TIME: Final = (datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 -- taken to the mission's zone below


def _exported(rows: str) -> Sql:
    """Rows with how many events the log had when they were read: one statement sees one moment of both."""
    return Sql(
        "SELECT log.events, found.* FROM (SELECT coalesce(max(idx), -1) + 1 AS events FROM event_log) log "
        f"LEFT JOIN LATERAL ({rows} LIMIT :limit) found ON true"
    )


# A category, which may tell of health, and whose grant it is stand in none of these.
_OF_A_GRANT = (
    "g.id, g.case_id, g.destination_country, g.status, g.modality, g.currency, g.amount, g.committed, g.paid, g.fund_id, "
    "g.recovered, g.fund_currency, g.fund_total, g.fund_committed, g.fund_paid, coalesce(g.fund_recovered, 0) AS fund_recovered, g.request_version, g.requested_at, g.endorsed_at, g.approved_at, g.waiting_since"
)
# A draft is nothing that was asked for.
_WITHIN = "g.submitted_version IS NOT NULL AND g.requested_at >= :since AND g.requested_at < :until ORDER BY g.requested_at, g.id"
GRANTS = _exported(f"SELECT {_OF_A_GRANT} FROM grants g WHERE {_WITHIN}")
GRANTS_AT = _exported(f"SELECT {_OF_A_GRANT} FROM grants g WHERE g.status = ANY (ARRAY[:status]) AND {_WITHIN}")
TURNS = _exported(
    f"SELECT {_OF_A_GRANT}, t.hat, t.step, t.since AS turn_since FROM grant_turns t JOIN grants g ON g.id = t.grant_id "
    "WHERE t.hat = ANY (cast(:hats AS text[])) ORDER BY t.since, t.grant_id, t.hat"
)
# A grant has at most one tranche under way, so that its id is the place in the list.
UNCLAIMED = Sql(
    "SELECT p.grant_id AS id, p.tranche, p.amount, p.currency, p.destination_country, p.released_at FROM payment_attempts p "
    "JOIN grants g ON g.id = p.grant_id WHERE p.method = 'cash' AND p.status = 'released' AND p.released_at < :before "
    "AND p.grant_id > :after AND NOT jsonb_path_exists(g.tranches, "
    "'$[*] ? (@.number == $number && exists(@.witness.witnessed_by))', jsonb_build_object('number', p.tranche)) "
    "ORDER BY p.grant_id LIMIT :limit"
)
FUNDS = _exported(
    "SELECT f.id, f.project, f.donor, f.currency, f.valid_from, f.valid_until, f.status, coalesce(b.granted, 0) AS granted, "
    "coalesce(b.committed, 0) AS committed, coalesce(b.spent, 0) AS spent, "
    f"{AVAILABLE}, f.waiting ->> 'what' AS waits, "
    "(SELECT json_agg(u) FROM (SELECT g.status, g.fund_currency AS currency, count(*) AS grants, cast(sum(g.fund_total) AS text) AS approved, "
    " cast(sum(g.fund_committed) AS text) AS committed, cast(sum(g.fund_paid) AS text) AS paid, "
    " cast(sum(coalesce(g.fund_recovered, 0)) AS text) AS recovered FROM grants g WHERE g.fund_id = f.id "
    " GROUP BY g.status, g.fund_currency ORDER BY g.status) u) AS uses "
    "FROM funds f LEFT JOIN fund_balances b ON b.fund_id = f.id "
    "ORDER BY f.project, f.donor, f.id"
)
_OF_A_RATE = "e.currency, e.base, e.effective_on, e.revision, e.rate, e.source, e.reason, e.void, e.recorded_by, e.recorded_at, e.rate_id"
_IN_ORDER = "ORDER BY e.currency, e.base, e.effective_on DESC, e.revision DESC"
RATES = _exported(f"SELECT {_OF_A_RATE} FROM exchange_rates e {_IN_ORDER}")
RATES_OF = _exported(f"SELECT {_OF_A_RATE} FROM exchange_rates e WHERE e.currency = :currency {_IN_ORDER}")


_EVENTS = Sql("SELECT coalesce(max(idx), -1) + 1 AS events FROM event_log")


@dataclass(frozen=True, slots=True)
class Exported:
    """Rows as they were at one moment, and how many events the log had then."""

    events: int
    rows: Sequence[asyncpg.Record]


async def _read(unit: UnitOfWork, sql: Sql, limit: int, **values: object) -> Exported:
    found = await unit.rows(sql, limit=limit, **values)
    # Where there is none, the log's length stands alone.
    return Exported(found[0]["events"], [row for row in found if row[1] is not None])


async def events_so_far(unit: UnitOfWork) -> int:
    """How many events the log has, where a list is read in parts."""
    row = await unit.row(_EVENTS)
    assert row is not None
    return int(row["events"])


async def grants(
    unit: UnitOfWork, status: str | None, first: date | None, last: date | None, zone: str, limit: int
) -> Exported:
    """Grants that were asked for on these days, both counted, by the mission's clocks."""
    begin, end = _ALL_TIME
    asked = {
        "since": (datetime.combine(first, time()) if first else begin).replace(tzinfo=ZoneInfo(zone)),
        "until": (datetime.combine(last + timedelta(days=1), time()) if last else end).replace(tzinfo=ZoneInfo(zone)),
    }
    if status is None:
        return await _read(unit, GRANTS, limit, **asked)
    return await _read(unit, GRANTS_AT, limit, status=status, **asked)


async def turns(unit: UnitOfWork, hats: Collection[TurnOf], limit: int) -> Exported:
    """The turns of these hats with their grants, the longest waiting first."""
    return await _read(unit, TURNS, limit, hats=sorted(hats))


class Use(BaseModel):
    """What the grants of one status take of a donor line, in its currency; ``approved`` with what was added since."""

    status: str
    currency: str
    grants: int
    approved: Decimal
    committed: Decimal
    paid: Decimal
    recovered: Decimal


_USES: Final = TypeAdapter(list[Use])


async def funds(unit: UnitOfWork, limit: int) -> tuple[Exported, Sequence[tuple[asyncpg.Record, Use]]]:
    """Every donor line with what it still holds, and what its grants take of it, by their status; all at one moment."""
    found = await _read(unit, FUNDS, limit)
    return found, [(row, use) for row in found.rows for use in _USES.validate_json(row["uses"] or "[]")]


async def rates(unit: UnitOfWork, currency: str | None, limit: int) -> Exported:
    """Every revision of every rate, or of one currency's."""
    if currency is None:
        return await _read(unit, RATES, limit)
    return await _read(unit, RATES_OF, limit, currency=currency)
