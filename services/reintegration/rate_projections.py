"""What else changes with a rate of exchange: every revision is kept as a row of its own, and the check that they are true."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.rates import Rate
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

_KEEP = Sql(
    "INSERT INTO exchange_rates (currency, base, effective_on, revision, rate_id, rate, source, reason, recorded_by, "
    "recorded_at, void) VALUES (:currency, :base, :effective_on, :revision, :rate_id, :rate, :source, :reason, :recorded_by, "
    ":recorded_at, :void)"
)


def exchange_rates(rate_id: UUID, before: Rate | None, rate: Rate, events: tuple[Event, ...]) -> Sequence[Write]:
    """The revision that now counts of its day; the key of the first one holds that a day has one rate."""
    return (
        Write(
            _KEEP,
            {
                "currency": rate.currency, "base": rate.base, "effective_on": rate.effective_on,
                "revision": rate.revision, "rate_id": rate_id, "rate": rate.rate, "source": rate.source,
                "reason": rate.reason, "recorded_by": rate.recorded_by, "recorded_at": rate.recorded_at, "void": rate.void,
            },
        ),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        "exchange rates",
        Sql(
            "SELECT coalesce(r.id, e.rate_id) FROM rates r FULL JOIN "
            "(SELECT rate_id, count(*) AS revisions, min(revision) AS first, max(revision) AS newest FROM exchange_rates GROUP BY rate_id) e "
            "ON e.rate_id = r.id LEFT JOIN exchange_rates n ON n.rate_id = e.rate_id AND n.revision = e.newest "
            "WHERE r.id IS NULL OR e.rate_id IS NULL OR (r.revision, r.revision) IS DISTINCT FROM (e.first + e.revisions - 1, e.newest) "
            "OR (r.currency, r.base, r.effective_on, r.rate, r.source, r.reason, r.recorded_by, r.recorded_at, r.void) "
            "IS DISTINCT FROM (n.currency, n.base, n.effective_on, n.rate, n.source, n.reason, n.recorded_by, n.recorded_at, n.void)"
        ),
    ),
    # A day is recorded under another id only after what stood there was taken out, and its revisions go on from there.
    Check(
        "days of exchange rates",
        Sql(
            "SELECT rate_id FROM (SELECT rate_id, revision, void, row_number() OVER of_day AS number, "
            "rate_id IS DISTINCT FROM lead(rate_id) OVER of_day AND lead(rate_id) OVER of_day IS NOT NULL AS handed_on, "
            "lead(rate_id) OVER of_day = rate_id AS goes_on FROM exchange_rates "
            "WINDOW of_day AS (PARTITION BY currency, base, effective_on ORDER BY revision)) e "
            "WHERE revision <> number OR (handed_on AND NOT void) OR (goes_on AND void)"
        ),
    ),
)
