"""What else changes with a rate of exchange: every revision is kept as a row of its own, and the check that they are true."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.rates import Rate
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

_KEEP = Sql(
    "INSERT INTO exchange_rates (currency, base, effective_on, revision, rate_id, rate, source, reason, recorded_by, "
    "recorded_at) VALUES (:currency, :base, :effective_on, :revision, :rate_id, :rate, :source, :reason, :recorded_by, "
    ":recorded_at)"
)


def exchange_rates(rate_id: UUID, before: Rate | None, rate: Rate, events: tuple[Event, ...]) -> Sequence[Write]:
    """The revision that now counts of its day; the key of the first one holds that a day has one rate."""
    return (
        Write(
            _KEEP,
            {
                "currency": rate.currency, "base": rate.base, "effective_on": rate.effective_on,
                "revision": rate.revision, "rate_id": rate_id, "rate": rate.rate, "source": rate.source,
                "reason": rate.reason, "recorded_by": rate.recorded_by, "recorded_at": rate.recorded_at,
            },
        ),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        "exchange rates",
        Sql(
            "SELECT coalesce(r.id, e.rate_id) FROM rates r FULL JOIN "
            "(SELECT rate_id, count(*) AS revisions, max(revision) AS newest FROM exchange_rates GROUP BY rate_id) e "
            "ON e.rate_id = r.id LEFT JOIN exchange_rates n ON n.rate_id = e.rate_id AND n.revision = e.newest "
            "WHERE r.id IS NULL OR e.rate_id IS NULL OR (r.revision, r.revision) IS DISTINCT FROM (e.revisions, e.newest) "
            "OR (r.currency, r.base, r.effective_on, r.rate, r.source, r.reason, r.recorded_by, r.recorded_at) "
            "IS DISTINCT FROM (n.currency, n.base, n.effective_on, n.rate, n.source, n.reason, n.recorded_by, n.recorded_at)"
        ),
    ),
)
