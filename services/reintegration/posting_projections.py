"""What a grant takes of its fund, posted one by one, months that close, and the checks that both are true."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.periods import AccountingPeriod, first_day
from shared.db import Sql, Write
from shared.messages import Event
from shared.settings import MISSION
from shared.verify import Check

# The row of the grant is locked, so that nobody else counts its postings meanwhile.
_POST = Sql(
    "INSERT INTO fund_postings (grant_id, posting_no, fund_id, destination_country, kind, tranche, amount, currency, "
    "amount_in_fund, fund_currency, occurred_on, month) "
    "SELECT d.grant_id, (SELECT count(*) FROM fund_postings p WHERE p.grant_id = d.grant_id) + cast(:nth AS integer), "
    "cast(:fund_id AS uuid), cast(:destination_country AS text), cast(:kind AS text), cast(:tranche AS integer), "
    "cast(:amount AS numeric), cast(:currency AS text), cast(:amount_in_fund AS numeric), cast(:fund_currency AS text), d.occurred_on, "
    "coalesce(cast(:posted_in AS date), date_trunc('month', cast(d.occurred_on AS timestamp))) FROM (SELECT cast(:grant_id AS uuid) AS grant_id, "
    "coalesce(cast(:day AS date), cast(cast(:at AS timestamptz) AT TIME ZONE cast(:zone AS text) AS date)) AS occurred_on) d"
)
_ZONE = MISSION.mission_time_zone
_CLOSE = Sql("INSERT INTO closed_months (month, period_id) VALUES (:month, :period_id)")
_REOPEN = Sql("DELETE FROM closed_months WHERE month = :month AND period_id = :period_id")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a grant takes more of its fund, in the fund's currency; below zero what is free again."""

    committed: Decimal
    spent: Decimal


class _OnADay(TypedDict, total=False):
    day: date | None
    posted_in: date | None


class _OfATranche(_OnADay, total=False):
    tranche: int


@dataclass(frozen=True, slots=True)
class _Posted:
    """``tranche`` is whose payment it is; ``day`` is when that was made or came back, and ``posted_in`` begins another month."""

    kind: Literal["commit", "add", "spend", "reverse", "release", "difference", "recover"]
    amount: Decimal
    amount_in_fund: Decimal
    tranche: int | None = None
    day: date | None = None
    posted_in: date | None = None


def takes_of_its_fund(before: Grant | None, grant: Grant) -> Taken:
    """What a grant takes of its fund from one state to the next."""
    (committed, spent), (was_committed, was_spent) = _taken_by(grant), _taken_by(before)
    return Taken(committed - was_committed, spent - was_spent)


def _taken_by(grant: Grant | None) -> tuple[Decimal, Decimal]:
    if grant is None:
        return NOTHING, NOTHING
    return grant.fund_committed or NOTHING, (grant.fund_paid or NOTHING) - (grant.fund_recovered or NOTHING)


def postings(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    """The movements between two states of a grant: what was paid or recovered, and what else was committed or became free.

    A payment, and with the last one what was not needed, is posted on the day on which it was made, and what came back on
    the day on which it did (`posted_on`), also where it is free again at once; all else on the mission's day of the grant's step.
    """
    if grant.fund_id is None:
        return ()
    return [_posting(grant_id, grant, nth, posted) for nth, posted in enumerate(_moved(before, grant), start=1)]


def posted_on(grant: Grant, paid_on: date) -> date:
    """The day on which a payment of this day is posted: in the west it may be a day before that of the commitment here.

    Then it is posted with the commitment, so that no month holds a payment of what is committed in a later one.
    """
    return paid_on if grant.approved_at is None else max(paid_on, grant.approved_at.astimezone(ZoneInfo(_ZONE)).date())


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is posted: by which day its month is chosen, and ``later_month`` begins that where it is not its own day's."""

    posted_on: date
    later_month: date | None = None


def place_of_a_payment(grant: Grant, paid_on: date) -> Place:
    """Where a payment of this day is posted."""
    return Place(posted_on(grant, paid_on))


def place_of_a_return(grant: Grant, tranche: GrantTranche | None, returned_on: date) -> Place:
    """Where it is posted that a tranche's payment came back: in no month before that of the payment, which may be a later one than its day's."""
    return _no_earlier_than(None if tranche is None else _paid_in(grant, tranche), posted_on(grant, returned_on))


def place_of_a_recovery(grant: Grant, amount: Decimal, received_on: date) -> Place:
    """Where it is posted that so much was given back: in no month by whose end less was paid than came back with it."""
    return _no_earlier_than(_paid_up_to(grant, grant.recovered + amount), posted_on(grant, received_on))


def _no_earlier_than(month: date | None, day: date) -> Place:
    return Place(day) if month is None or month <= day else Place(month, month)


def _paid_in(grant: Grant, tranche: GrantTranche) -> date | None:
    return None if tranche.paid_on is None else month_of(grant, tranche.paid_on, tranche.posted_in)


def _paid_up_to(grant: Grant, amount: Decimal) -> date | None:
    """The month by whose end so much was paid, else that of the last payment; None where nothing was."""
    months = sorted((month, tranche.booked) for tranche in grant.tranches if (month := _paid_in(grant, tranche)) is not None)
    reached = NOTHING
    for month, paid in months:
        reached += paid
        if reached >= amount:
            return month
    return months[-1][0] if months else None


def month_of(grant: Grant, day: date, posted_in: date | None) -> date:
    """The first day of the month in which something of a day is posted, which is the day's own unless said otherwise."""
    return posted_in or posted_on(grant, day).replace(day=1)


def _moved(before: Grant | None, grant: Grant) -> Iterator[_Posted]:
    recovered = len(before.recoveries) if before is not None else 0
    if len(grant.recoveries) > recovered:
        for came in grant.recoveries[recovered:]:
            share = came.amount if came.in_fund is None else came.in_fund
            yield _Posted("recover", came.amount, share, day=posted_on(grant, came.received_on), posted_in=came.posted_in)
        return
    taken = takes_of_its_fund(before, grant)
    spent = grant.paid - (before.paid if before is not None else NOTHING)
    committed = grant.committed - (before.committed if before is not None else NOTHING) + spent
    in_fund = taken.committed + taken.spent
    of: _OfATranche = {}
    freed: _OnADay = {}
    if spent > 0:
        paid = _just_paid(before, grant)
        assert paid.paid_on is not None
        of = {"tranche": paid.number, "day": posted_on(grant, paid.paid_on), "posted_in": paid.posted_in}
        yield _Posted("spend", spent, taken.spent, **of)
    elif spent:
        back = grant.former_attempts[-1]
        # Where what came back is free at once, no month is left in which it is committed.
        freed = {"day": posted_on(grant, back.ended_on), "posted_in": back.return_posted_in}
        yield _Posted("reverse", -spent, -taken.spent, back.tranche, **freed)
    if committed > 0:
        yield _Posted("commit", committed, abs(in_fund))
    elif committed:
        yield _Posted("release", -committed, abs(in_fund), **freed)
    elif in_fund:
        yield _Posted("add" if in_fund > 0 else "difference", NOTHING, abs(in_fund), **of)


def _just_paid(before: Grant | None, grant: Grant) -> GrantTranche:
    known = {tranche.number for tranche in before.tranches if tranche.paid_on is not None} if before is not None else set()
    return next(tranche for tranche in grant.tranches if tranche.paid_on is not None and tranche.number not in known)


def _posting(grant_id: UUID, grant: Grant, nth: int, posted: _Posted) -> Write:
    return Write(
        _POST,
        {
            "grant_id": grant_id, "nth": nth, "fund_id": grant.fund_id, "destination_country": grant.destination_country,
            "kind": posted.kind, "tranche": posted.tranche, "amount": posted.amount, "currency": grant.currency,
            "amount_in_fund": posted.amount_in_fund, "fund_currency": grant.fund_currency,
            "day": posted.day, "posted_in": posted.posted_in, "at": grant.waiting_since, "zone": MISSION.mission_time_zone,
        },
    )  # fmt: skip


def closed_months(
    period_id: UUID, before: AccountingPeriod | None, period: AccountingPeriod, events: tuple[Event, ...]
) -> Sequence[Write]:
    """A month that was closed takes no postings, one that was reopened does."""
    was = before.status if before is not None else "reopened"
    if period.status == was:
        return ()
    row = {"month": first_day(period.month), "period_id": period_id}
    return (Write(_CLOSE if period.status == "closed" else _REOPEN, row),)


_SPENT = "sum(CASE kind WHEN 'spend' THEN {0} ELSE -{0} END) FILTER (WHERE kind IN ('spend', 'reverse', 'recover'))"

CHECKS: tuple[Check, ...] = (
    # Balance, postings and grants say the same, of each grant and of each fund.
    Check(
        "fund postings",
        Sql(
            "SELECT coalesce(g.id, p.grant_id) FROM (SELECT * FROM grants WHERE fund_id IS NOT NULL) g FULL JOIN "
            "(SELECT grant_id, min(cast(fund_id AS text)) AS first, max(cast(fund_id AS text)) AS last, count(*) AS postings, "
            " max(posting_no) AS newest, "
            " coalesce(sum(CASE WHEN kind IN ('commit', 'add', 'reverse') THEN amount_in_fund WHEN kind = 'recover' THEN 0 ELSE -amount_in_fund END), 0) AS committed, "
            f" coalesce({_SPENT.format('amount_in_fund')}, 0) AS spent, "
            " coalesce(sum(CASE WHEN kind IN ('commit', 'reverse') THEN amount WHEN kind = 'recover' THEN 0 ELSE -amount END), 0) AS own_committed, "
            f" coalesce({_SPENT.format('amount')}, 0) AS own_spent, "
            " bool_and(fund_currency = f.currency) AS in_its_currency "
            " FROM fund_postings LEFT JOIN funds f ON f.id = fund_id GROUP BY grant_id) p ON p.grant_id = g.id "
            "WHERE g.id IS NULL OR p.grant_id IS NULL OR (g.fund_committed, g.fund_paid - coalesce(g.fund_recovered, 0)) IS DISTINCT FROM (p.committed, p.spent) "
            "OR (g.committed, g.paid - g.recovered) IS DISTINCT FROM (p.own_committed, p.own_spent) "
            "OR (cast(g.fund_id AS text), cast(g.fund_id AS text)) IS DISTINCT FROM (p.first, p.last) "
            "OR p.postings <> p.newest OR p.in_its_currency IS DISTINCT FROM true"
        ),
    ),
    # The first posting is the approval; what was added, not needed or freed is posted when that was. Payments are attempts' postings.
    Check(
        "days of postings",
        Sql(
            "SELECT g.id FROM grants g JOIN fund_postings p ON p.grant_id = g.id AND p.posting_no = 1 "
            "WHERE (p.kind, p.amount, p.currency, p.amount_in_fund, p.fund_currency, p.occurred_on) IS DISTINCT FROM "
            f" ('commit', g.amount, g.currency, g.fund_amount, g.fund_currency, cast(g.approved_at AT TIME ZONE '{_ZONE}' AS date)) "
            # What was added is posted as it was added, and what was not needed with the last payment, if that is ever made.
            "UNION SELECT coalesce(p.grant_id, a.grant_id) FROM (SELECT *, row_number() OVER (PARTITION BY grant_id ORDER BY posting_no) "
            " AS nth FROM fund_postings WHERE kind = 'add') p FULL JOIN commitment_additions a ON a.grant_id = p.grant_id AND a.addition_no = p.nth "
            f"WHERE (p.amount_in_fund, p.fund_currency, p.occurred_on) IS DISTINCT FROM (a.added, a.fund_currency, cast(a.added_at AT TIME ZONE '{_ZONE}' AS date)) "
            "UNION SELECT p.grant_id FROM fund_postings p WHERE p.kind = 'difference' AND NOT EXISTS (SELECT FROM fund_postings s "
            " WHERE s.grant_id = p.grant_id AND s.kind = 'spend' AND s.tranche = p.tranche AND s.occurred_on = p.occurred_on "
            " AND s.month = p.month AND s.posting_no = p.posting_no - 1) "
            "UNION SELECT p.grant_id FROM fund_postings p JOIN grant_decisions d ON d.grant_id = p.grant_id AND d.what = 'cancelled' "
            "WHERE p.kind = 'release' AND p.posting_no = (SELECT min(posting_no) FROM fund_postings n WHERE n.grant_id = p.grant_id "
            " AND n.kind = 'release') "
            # But what came back to a fund that was closed.
            "AND NOT EXISTS (SELECT FROM fund_postings r JOIN fund_balances b ON b.fund_id = r.fund_id AND b.closed WHERE r.grant_id = p.grant_id "
            " AND r.kind = 'reverse' AND r.posting_no = p.posting_no - 1 AND (r.amount, r.amount_in_fund) = (p.amount, p.amount_in_fund)) "
            f"AND p.occurred_on <> cast(d.decided_at AT TIME ZONE '{_ZONE}' AS date) "
            # What comes back to a cancelled grant, or to a fund that is closed, is free at once.
            "UNION SELECT p.grant_id FROM fund_postings p WHERE p.kind = 'release' AND p.posting_no > (SELECT min(posting_no) "
            " FROM fund_postings n WHERE n.grant_id = p.grant_id AND n.kind = 'release') AND NOT EXISTS (SELECT FROM fund_postings r "
            " WHERE r.grant_id = p.grant_id AND r.kind = 'reverse' AND r.posting_no = p.posting_no - 1 "
            " AND (r.amount, r.amount_in_fund) = (p.amount, p.amount_in_fund)) "
            # And in no other month than its own but with what came back; what was freed before that was so has the day of its record.
            "UNION SELECT p.grant_id FROM fund_postings p WHERE p.kind = 'release' AND p.month <> date_trunc('month', cast(p.occurred_on AS timestamp)) "
            "AND NOT EXISTS (SELECT FROM fund_postings r WHERE r.grant_id = p.grant_id AND r.kind = 'reverse' AND r.posting_no = p.posting_no - 1 "
            " AND (r.amount, r.amount_in_fund, r.occurred_on, r.month) = (p.amount, p.amount_in_fund, p.occurred_on, p.month))"
        ),
    ),
    Check(
        "postings of funds",
        Sql(
            "SELECT b.fund_id FROM fund_balances b LEFT JOIN (SELECT fund_id, "
            " sum(CASE WHEN kind IN ('commit', 'add', 'reverse') THEN amount_in_fund WHEN kind = 'recover' THEN 0 ELSE -amount_in_fund END) AS committed, "
            f" {_SPENT.format('amount_in_fund')} AS spent FROM fund_postings GROUP BY fund_id) p "
            "ON p.fund_id = b.fund_id "
            "WHERE (b.committed, b.spent) IS DISTINCT FROM (coalesce(p.committed, 0), coalesce(p.spent, 0))"
        ),
    ),
    Check(
        "closed months",
        Sql(
            "SELECT coalesce(p.id, c.period_id) FROM (SELECT * FROM accounting_periods WHERE status = 'closed') p "
            "FULL JOIN closed_months c ON c.period_id = p.id "
            "WHERE to_char(c.month, 'YYYY-MM') IS DISTINCT FROM p.month"
        ),
    ),
)
