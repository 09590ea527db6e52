"""What reintegration's tables answer about rates of exchange: the facts of their rules, lists, and what counts on a day."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.rates import RateFacts
from services.reintegration.queries import OF_A_REVISION, STANDS, TODAY, newest_rates
from shared.contracts.rates import Base, ExchangeRate, RateCorrectionReason, RateSource, RateVoidReason
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN

_OF_THE_PAIR = f"FROM exchange_rates e WHERE e.currency = :currency AND e.base = :base AND {STANDS}"
_BEHIND_A_RATE = Sql(
    "SELECT coalesce(n.revision, 0) AS revisions, coalesce(NOT n.void AND n.rate_id <> :rate_id, false) AS taken, "
    f"coalesce((SELECT e.rate {_OF_THE_PAIR} AND e.effective_on < :effective_on ORDER BY e.effective_on DESC LIMIT 1), "
    f"(SELECT e.rate {_OF_THE_PAIR} AND e.effective_on > :effective_on ORDER BY e.effective_on LIMIT 1)) AS beside, "
    f"{TODAY} AS today FROM (SELECT) one LEFT JOIN LATERAL (SELECT revision, void, rate_id FROM exchange_rates "
    "WHERE currency = :currency AND base = :base AND effective_on = :effective_on ORDER BY revision DESC LIMIT 1) n ON true"
)
IN_FORCE = Sql(
    "WITH RECURSIVE pairs AS ((SELECT currency, base FROM exchange_rates ORDER BY currency, base LIMIT 1) UNION ALL "
    "SELECT n.currency, n.base FROM pairs p CROSS JOIN LATERAL (SELECT currency, base FROM exchange_rates "
    "WHERE (currency, base) > (p.currency, p.base) ORDER BY currency, base LIMIT 1) n) " + newest_rates(":on")
)
IN_FORCE_OF = Sql(
    "WITH pairs AS (SELECT currency, base FROM unnest(cast(:currencies AS text[])) AS c(currency) "
    "CROSS JOIN (VALUES ('USD'), ('EUR')) AS b(base)) " + newest_rates(":on")
)
_REVISIONS = Sql(f"SELECT {OF_A_REVISION} FROM exchange_rates WHERE rate_id = :rate_id ORDER BY revision")
_LISTED = (
    "SELECT id AS rate_id, currency, base, effective_on, revision, rate, source, reason, recorded_by, recorded_at, void "
    "FROM rates WHERE {narrowed}effective_on <= :day AND (effective_on, id) < (:day, :id) "
    "ORDER BY {walked}effective_on DESC, id DESC LIMIT :limit"
)
LISTED = Sql(_LISTED.format(narrowed="", walked=""))
LISTED_OF = Sql(_LISTED.format(narrowed="currency = ANY (ARRAY[:currency]) AND ", walked="currency DESC, "))
_FROM_THE_NEWEST: Final = (date.max, UUID(int=2**128 - 1))

# Every number of this form is a day, so that a place in the list can be described exactly by a pattern.
Place = Annotated[str, Field(pattern=f"^[1-9][0-9]{{0,5}}-{UUID_PATTERN}$")]


class RateRevision(BaseModel):
    """One revision of a rate: from ``effective_on`` on one unit of ``base`` is ``rate`` units of ``currency``.

    With a ``void`` one the day has no rate any more.
    """

    rate_id: UUID
    currency: str
    base: Base
    effective_on: date
    revision: int
    rate: ExchangeRate
    source: RateSource
    reason: RateCorrectionReason | RateVoidReason | None
    recorded_by: str
    recorded_at: datetime
    void: bool

    @property
    def place(self) -> str:
        """What a list takes to go on after this: ``<day as a number>-<id>``."""
        return f"{self.effective_on.toordinal()}-{self.rate_id}"

    def recorded(self) -> RecordedRate:
        """The same for the rules of conversion."""
        return RecordedRate(self.currency, self.base, self.effective_on, self.revision, self.rate, self.source, self.void)


async def behind_a_rate(
    unit: UnitOfWork, rate_id: UUID, of: tuple[str, str, date], now: datetime, zone: str
) -> RateFacts:
    """Whether this currency, base and day have a rate under another id, what counts beside it, and the mission's day."""
    currency, base, effective_on = of
    row = await unit.row(
        _BEHIND_A_RATE, rate_id=rate_id, currency=currency, base=base, effective_on=effective_on, now=now, zone=zone
    )
    assert row is not None
    return RateFacts(row["taken"], row["today"], row["revisions"], row["beside"])


def _place(text: Place) -> tuple[date, UUID]:
    day, _, id = text.partition("-")
    return date.fromordinal(int(day)), UUID(id)


async def listed(unit: UnitOfWork, currency: str | None, after: Place | None, limit: int) -> list[RateRevision]:
    """The rates as they are now, of one currency if asked for, the newest day first."""
    day, id = _FROM_THE_NEWEST if after is None else _place(after)
    if currency is None:
        rows = await unit.rows(LISTED, day=day, id=id, limit=limit)
    else:
        rows = await unit.rows(LISTED_OF, currency=currency, day=day, id=id, limit=limit)
    return [RateRevision.model_validate(dict(row)) for row in rows]


async def in_force(unit: UnitOfWork, on: date) -> list[RateRevision]:
    """What counts on a day, of every currency and base that has a rate."""
    return [RateRevision.model_validate(dict(row)) for row in await unit.rows(IN_FORCE, on=on)]


async def rates_between(unit: UnitOfWork, currency: str, into: str, on: date) -> RatesInForce:
    """What an amount of one currency can be converted into another by on a day."""
    rows = await unit.rows(IN_FORCE_OF, currencies=sorted({currency, into, "EUR"}), on=on)
    return RatesInForce.on(on, [RateRevision.model_validate(dict(row)).recorded() for row in rows])


async def revisions(unit: UnitOfWork, rate_id: UUID) -> list[RateRevision]:
    """Everything that was recorded for a rate's day, in its order."""
    return [RateRevision.model_validate(dict(row)) for row in await unit.rows(_REVISIONS, rate_id=rate_id)]
