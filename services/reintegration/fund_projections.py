"""What else changes with a fund: what was asked, what was confirmed, and the checks that balances are true."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.fund import Asked, Fund
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

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


def fund_changes(fund_id: UUID, before: Fund | None, fund: Fund, events: tuple[Event, ...]) -> Sequence[Write]:
    """What was asked, or what somebody else confirmed of it; what was dropped leaves what was asked as it is."""
    if fund.waiting is not None:
        more: dict[str, object] = {"reason": fund.waiting.reason, "asked_at": fund.waiting.asked_at}
        return (Write(_ASK, _terms(fund_id, fund, fund.waiting) | more),)
    if before is not None and before.waiting is not None and fund.confirmed_no > before.confirmed_no:
        more = {"confirmed_by": fund.confirmed_by, "confirmed_at": fund.confirmed_at}
        return (Write(_CONFIRM, _terms(fund_id, fund, before.waiting) | more),)
    return ()


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
            "f.valid_from, f.valid_until, f.status = 'closed' AS closed, coalesce(sum(g.committed), 0) AS committed, coalesce(sum(g.paid), 0) AS spent "
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
)
