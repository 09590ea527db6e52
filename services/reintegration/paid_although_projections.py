"""That something was paid although something stood against it as rows, made of what was said, and the check that the log says so.

What stood against it stands beside the log alone, where it goes with the person (`paid_although_queries`).
"""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.grant_state import Grant, GrantTranche
from shared.contracts.reintegration import PaymentConfirmed
from shared.contracts.visits import CashWitnessed
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import ASKED, LOG_OF_ASKED, Check

_KEEP = Sql(
    "INSERT INTO paid_although (grant_id, tranche, attempt_no, what, destination_country, payee_id, amount, currency, "
    "said_by, said_at) VALUES (:grant_id, :tranche, :attempt_no, :what, :destination_country, :payee_id, "
    ":amount, :currency, :said_by, :said_at)"
)


def paid_although(grant_id: UUID, grant: Grant, events: Sequence[Event]) -> Sequence[Write]:
    """The rows of what these events, which made the grant what it is, say was paid although something stood against it."""
    return [
        _row(grant_id, grant, event)
        for event in events
        if isinstance(event, PaymentConfirmed | CashWitnessed) and event.stood_against is not None
    ]  # fmt: skip


def _row(grant_id: UUID, grant: Grant, event: PaymentConfirmed | CashWitnessed) -> Write:
    tranche = grant.tranche(event.number)
    assert isinstance(tranche, GrantTranche)
    handed_over = isinstance(event, CashWitnessed)
    return Write(
        _KEEP,
        {
            "grant_id": grant_id, "tranche": tranche.number, "attempt_no": tranche.attempt_no,
            "what": "handed_over" if handed_over else "paid", "destination_country": grant.destination_country,
            "payee_id": tranche.payee_id, "amount": tranche.amount, "currency": grant.currency,
            "said_by": event.witnessed_by if isinstance(event, CashWitnessed) else event.confirmed_by,
            "said_at": event.witnessed_at if isinstance(event, CashWitnessed) else event.confirmed_at,
        },
    )  # fmt: skip


# Tranche, attempt, which of the two it is and who said so, as the log has it; the first said what it was in clear.
_LOGGED = (
    "SELECT e.subject AS grant_id, cast(d.said ->> 'number' AS integer) AS tranche, cast(d.said ->> 'attempt_no' AS integer) AS attempt_no, "
    "CASE WHEN e.type LIKE '%cash_witnessed%' THEN 'handed_over' ELSE 'paid' END AS what, "
    "coalesce(d.said ->> 'witnessed_by', d.said ->> 'confirmed_by') AS said_by "
    f"FROM {LOG_OF_ASKED} e "
    "CROSS JOIN LATERAL (SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said) d "
    "WHERE e.type IN ('avrr.reintegration.grant.payment_confirmed.v1', 'avrr.reintegration.grant.cash_witnessed.v1') "
    "AND (d.said ->> 'stood_against' IS NOT NULL OR jsonb_array_length(coalesce(d.said -> 'paid_although', '[]')) > 0)"
)
_SAID = "grant_id, tranche, attempt_no, what, said_by"

CHECKS: tuple[Check, ...] = (
    Check(
        "paid although something stood against it",
        Sql(
            f"WITH logged AS ({_LOGGED}), kept AS (SELECT {_SAID} FROM paid_although WHERE grant_id = {ASKED}) SELECT DISTINCT grant_id "
            "FROM ((TABLE logged EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE logged)) wrong ORDER BY grant_id"
        ),
        by_id=True,
    ),
    Check(
        "paid although something stood against it of no grant",
        Sql("SELECT DISTINCT a.grant_id FROM paid_although a WHERE NOT EXISTS (SELECT FROM grants g WHERE g.id = a.grant_id)"),
    ),
)
