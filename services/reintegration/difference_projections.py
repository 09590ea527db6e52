"""What a reconciliation found paid and not received as rows, derived from the grant, and the checks that both agree."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.grant_state import Grant
from shared.db import Sql, Write
from shared.verify import Check

_FIND = Sql(
    "INSERT INTO reconciliation_differences (grant_id, tranche, destination_country, amount, currency, reason, reconciled_by, "
    "reconciled_at) VALUES (:grant_id, :tranche, :destination_country, :amount, :currency, :reason, :reconciled_by, :reconciled_at)"
)


def differences(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    """What reconciliations between two states of a grant found missing of its tranches."""
    known = {one.number for one in before.tranches if one.difference is not None} if before is not None else set()
    return tuple(
        Write(
            _FIND,
            {
                "grant_id": grant_id, "tranche": one.number, "destination_country": grant.destination_country,
                "amount": one.difference, "currency": grant.currency, "reason": one.difference_reason,
                "reconciled_by": one.reconciled_by, "reconciled_at": one.reconciled_at,
            },
        )
        for one in grant.tranches
        if one.difference is not None and one.number not in known
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        "differences of reconciliations",
        Sql(
            "SELECT coalesce(d.grant_id, t.id) FROM reconciliation_differences d FULL JOIN (SELECT g.id, g.currency, "
            " g.destination_country, t.* FROM grants g, jsonb_to_recordset(g.tranches) AS t(number integer, difference numeric, "
            " difference_reason text, reconciled_by text, reconciled_at timestamptz) WHERE t.difference IS NOT NULL) t "
            "ON (t.id, t.number) = (d.grant_id, d.tranche) "
            "WHERE (d.destination_country, d.amount, d.currency, d.reason, d.reconciled_by, d.reconciled_at) "
            "IS DISTINCT FROM (t.destination_country, t.difference, t.currency, t.difference_reason, t.reconciled_by, "
            " t.reconciled_at)"
        ),
    ),
    # What was received and what differs make what was paid, and what was not used was asked back.
    Check(
        "reconciled in three ways",
        Sql(
            "SELECT g.id FROM grants g, jsonb_to_recordset(g.tranches) AS t(status text, amount numeric, received numeric, "
            " difference numeric, booked_short numeric) WHERE t.status = 'reconciled' AND coalesce(t.received, t.amount - coalesce(t.booked_short, 0)) + coalesce(t.difference, 0) <> t.amount "
            "UNION SELECT g.id FROM grants g JOIN (SELECT grant_id, sum(amount) AS amount FROM reconciliation_differences "
            " WHERE reason IN ('unspent', 'not_accounted_for') GROUP BY grant_id) d ON d.grant_id = g.id "
            "WHERE d.amount > coalesce(g.recovery_amount, 0)"
        ),
    ),
)
