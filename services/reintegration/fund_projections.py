"""What else changes with a fund: what was asked, what was confirmed, and the checks that balances are true."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.fund import Asked, Fund
from shared.contracts.funds import FundChangeDropped
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import ASKED, LOG_OF_ASKED, Check

_ASK = Sql(
    "INSERT INTO fund_changes (fund_id, change_no, what, granted, currency, valid_until, asked_by, reason, asked_at) "
    "VALUES (:fund_id, :change_no, :what, :granted, :currency, :valid_until, :asked_by, :reason, :asked_at)"
)
# By a trigger this is what sets the balance.
_CONFIRM = Sql(
    "INSERT INTO fund_confirmations (fund_id, change_no, what, granted, currency, valid_until, asked_by, confirmed_by, "
    "confirmed_at) VALUES (:fund_id, :change_no, :what, :granted, :currency, :valid_until, :asked_by, :confirmed_by, "
    ":confirmed_at)"
)
_DROP = Sql(
    "INSERT INTO fund_drops (fund_id, change_no, dropped_by, dropped_at) "
    "VALUES (:fund_id, :change_no, :dropped_by, :dropped_at)"
)


def fund_changes(fund_id: UUID, before: Fund | None, fund: Fund, events: tuple[Event, ...]) -> Sequence[Write]:
    """What was asked, what somebody else confirmed of it, or that it was dropped; nobody changes what was asked."""
    if fund.waiting is not None:
        more: dict[str, object] = {"reason": fund.waiting.reason, "asked_at": fund.waiting.asked_at}
        return (Write(_ASK, _terms(fund_id, fund, fund.waiting) | more),)
    if before is not None and before.waiting is not None and fund.confirmed_no > before.confirmed_no:
        more = {"confirmed_by": fund.confirmed_by, "confirmed_at": fund.confirmed_at}
        return (Write(_CONFIRM, _terms(fund_id, fund, before.waiting) | more),)
    return [
        Write(_DROP, {"fund_id": fund_id, **event.model_dump()}) for event in events if isinstance(event, FundChangeDropped)
    ]


def _terms(fund_id: UUID, fund: Fund, asked: Asked) -> dict[str, object]:
    return {
        "fund_id": fund_id, "change_no": fund.change_no, "what": asked.what, "granted": asked.granted,
        "currency": fund.currency, "valid_until": asked.valid_until, "asked_by": asked.asked_by,
    }  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        "fund balances",
        Sql(
            "SELECT coalesce(b.fund_id, f.id) FROM fund_balances b FULL JOIN (SELECT f.id, f.currency, f.granted, "
            "f.valid_from, f.valid_until, f.status = 'closed' AS closed, "
            "coalesce(sum(g.fund_committed), 0) AS committed, coalesce(sum(g.fund_paid - coalesce(g.fund_recovered, 0)), 0) AS spent "
            "FROM funds f LEFT JOIN grants g ON g.fund_id = f.id WHERE f.status IN ('open', 'closed') GROUP BY f.id) f "
            "ON f.id = b.fund_id WHERE b.fund_id IS NULL OR f.id IS NULL "
            "OR (b.currency, b.granted, b.closed, b.valid_from, b.valid_until, b.committed, b.spent) "
            "IS DISTINCT FROM (f.currency, f.granted, f.closed, f.valid_from, f.valid_until, f.committed, f.spent)"
        ),
    ),
    # Of a fund that one person opened alone nothing was asked, so what it granted then stands nowhere else.
    Check(
        "fund changes",
        Sql(
            "WITH asked AS (SELECT fund_id, count(*) AS changes, max(change_no) AS newest FROM fund_changes GROUP BY fund_id), "
            "confirmed AS (SELECT DISTINCT ON (fund_id) * FROM fund_confirmations ORDER BY fund_id, change_no DESC) "
            "SELECT coalesce(f.id, a.fund_id) FROM funds f FULL JOIN asked a ON a.fund_id = f.id "
            "LEFT JOIN confirmed c ON c.fund_id = f.id WHERE f.id IS NULL "
            "OR (coalesce(a.changes, 0), coalesce(a.newest, 0)) IS DISTINCT FROM (cast(f.change_no AS bigint), f.change_no) "
            "OR (coalesce(c.change_no, 0), c.asked_by, c.confirmed_by, c.confirmed_at) "
            "IS DISTINCT FROM (f.confirmed_no, f.asked_by, f.confirmed_by, f.confirmed_at) "
            "OR (c.change_no IS NOT NULL AND (c.currency, c.granted, c.valid_until) IS DISTINCT FROM (f.currency, f.granted, f.valid_until))"
        ),
    ),
    # What was dropped is what the log says; all else that was asked waits or is confirmed.
    Check(
        "fund drops",
        Sql(
            "SELECT coalesce(d.fund_id, l.fund_id) FROM (SELECT fund_id, change_no, dropped_by, dropped_at FROM fund_drops "
            f" WHERE fund_id = {ASKED}) d FULL JOIN (SELECT e.subject AS fund_id, "
            " cast(convert_from(e.leaf, 'UTF8')::json -> 'data' ->> 'change_no' AS integer) AS change_no, s.decided_by, s.decided_at "
            f" FROM {LOG_OF_ASKED} e CROSS JOIN LATERAL leaf_decision(e.leaf, 'dropped_by', 'dropped_at') s "
            " WHERE e.type = 'avrr.reintegration.fund.change_dropped.v1') l ON (l.fund_id, l.change_no) = (d.fund_id, d.change_no) "
            "WHERE (d.dropped_by, d.dropped_at) IS DISTINCT FROM (l.decided_by, l.decided_at) "
            "UNION SELECT c.fund_id FROM fund_changes c JOIN funds f ON f.id = c.fund_id "
            "LEFT JOIN fund_confirmations a ON (a.fund_id, a.change_no) = (c.fund_id, c.change_no) "
            "LEFT JOIN fund_drops d ON (d.fund_id, d.change_no) = (c.fund_id, c.change_no) "
            f"WHERE c.fund_id = {ASKED} AND num_nonnulls(a.fund_id, d.fund_id) "
            "+ cast(f.waiting IS NOT NULL AND f.change_no = c.change_no AS integer) <> 1"
        ),
        by_id=True,
    ),
)
