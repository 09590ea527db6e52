"""What a reconciliation found paid and not received, or ordered and not booked, as rows, derived from the grant, and the checks that both agree."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.grant_state import Grant, GrantTranche
from shared.db import Sql, Write
from shared.verify import Check

_FIND = Sql(
    "INSERT INTO reconciliation_differences (grant_id, tranche, destination_country, amount, currency, reason, reconciled_by, "
    "reconciled_at, booked_short, short_reason) VALUES (:grant_id, :tranche, :destination_country, :amount, :currency, :reason, :reconciled_by, "
    ":reconciled_at, :booked_short, :short_reason)"
)


def differences(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    """What reconciliations between two states of a grant found missing of its tranches."""
    known = {one.number for one in before.tranches if _differs(one)} if before is not None else set()
    return tuple(
        Write(
            _FIND,
            {
                "grant_id": grant_id, "tranche": one.number, "destination_country": grant.destination_country,
                "amount": one.difference, "currency": grant.currency, "reason": one.difference_reason,
                "reconciled_by": one.reconciled_by, "reconciled_at": one.reconciled_at,
                "booked_short": None if one.short_reason is None else one.booked_short, "short_reason": one.short_reason,
            },
        )
        for one in grant.tranches
        if _differs(one) and one.number not in known
    )  # fmt: skip


def _differs(one: GrantTranche) -> bool:
    return one.difference is not None or one.short_reason is not None


CHECKS: tuple[Check, ...] = (
    Check(
        "differences of reconciliations",
        Sql(
            "SELECT coalesce(d.grant_id, t.id) FROM reconciliation_differences d FULL JOIN (SELECT g.id, g.currency, "
            " g.destination_country, t.* FROM grants g, jsonb_to_recordset(g.tranches) AS t(number integer, difference numeric, "
            " difference_reason text, reconciled_by text, reconciled_at timestamptz, booked_short numeric, short_reason text) "
            " WHERE t.difference IS NOT NULL OR t.short_reason IS NOT NULL) t "
            "ON (t.id, t.number) = (d.grant_id, d.tranche) "
            "WHERE (d.destination_country, d.amount, d.currency, d.reason, d.reconciled_by, d.reconciled_at, d.booked_short, d.short_reason) "
            "IS DISTINCT FROM (t.destination_country, t.difference, t.currency, t.difference_reason, t.reconciled_by, "
            " t.reconciled_at, CASE WHEN t.short_reason IS NOT NULL THEN t.booked_short END, t.short_reason)"
        ),
    ),
    # What was received, what differs and what was never booked make what was ordered, and what was not used was asked back. A
    # reconciliation of before that says no reason of what was booked short has it in its difference.
    Check(
        "reconciled in three ways",
        Sql(
            "SELECT g.id FROM grants g, jsonb_to_recordset(g.tranches) AS t(status text, amount numeric, received numeric, "
            " difference numeric, booked_short numeric, short_reason text) WHERE t.status = 'reconciled' "
            " AND coalesce(t.received, t.amount - coalesce(t.booked_short, 0)) + coalesce(t.difference, 0) "
            "  + CASE WHEN t.short_reason IS NULL THEN 0 ELSE t.booked_short END <> t.amount "
            "UNION SELECT g.id FROM grants g JOIN (SELECT grant_id, sum(amount) AS amount FROM reconciliation_differences "
            " WHERE reason IN ('unspent', 'not_accounted_for') GROUP BY grant_id) d ON d.grant_id = g.id "
            "WHERE d.amount > coalesce(g.recovery_amount, 0)"
        ),
    ),
)
