"""What reintegration tells of recoveries: the grants of which money is still asked back, and what came back or is written off."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from services.reintegration.domain.grant_state import GrantStatus
from services.reintegration.returned_unnamed_queries import MAY_RETURN_SEVERAL, may_return
from shared.contracts.recoveries import WriteOffReason
from shared.contracts.stops import RecoveryReason
from shared.db import Sql
from shared.money import Amount

# The line of the bank's by which an order says that money came back. What it names and is under way, or paid and not delivered,
# it may be the return of, and what names none and has the amount of one that was paid, or of several, as well.
RECOVERY_LINE: Final = (
    "(SELECT json_build_object('credit', l.kind = 'booked' AND l.direction = 'credit' AND NOT l.reversal, 'amount', l.amount::text, "
    "'currency', l.currency, 'recovered', l.recovered::text, 'state', l.state, 'said', c.status, 'explained_as', c.explanation, "
    "'returns', EXISTS (SELECT FROM payment_attempts n WHERE n.attempt_id = l.of_attempt AND (n.status = 'released' "
    " OR n.status = 'paid' AND EXISTS (SELECT FROM open_advances o WHERE o.grant_id = n.grant_id AND o.tranche = n.tranche))), "
    f"'may_return', {MAY_RETURN_SEVERAL} OR EXISTS (SELECT FROM payment_attempts o WHERE {may_return('o')})) "
    "FROM bank_lines l LEFT JOIN bank_line_acts c ON c.id = l.id WHERE l.id = cast(:bank_line AS uuid))"
)
# Walks an index of these alone, which are few.
LISTED = Sql(
    "SELECT id, case_id, destination_country, status, currency, recovery_for, recovery_opened_at, recovery_amount AS asked_back, "
    "recovered, written_off, recovery_amount - recovered - written_off AS open, write_off IS NOT NULL AS waits, "
    "recovery_proposed IS NOT NULL AS to_confirm FROM grants "
    "WHERE recovery_opened_at IS NOT NULL AND recovery_closed_at IS NULL "
    "AND id > coalesce(cast(:after AS uuid), cast('00000000-0000-0000-0000-000000000000' AS uuid)) ORDER BY id LIMIT :limit"
)


class RecoveryRow(BaseModel):
    """A grant of which money is still asked back: how much in all, what of it came back or is written off, and what is open.

    ``waits``: somebody asked to write off some of it, and another person decides. ``to_confirm``: somebody recorded that some of it
    was given back, and another person confirms it.
    """

    id: UUID
    case_id: UUID
    destination_country: str
    status: GrantStatus
    currency: str
    recovery_for: RecoveryReason
    recovery_opened_at: datetime
    asked_back: Amount
    recovered: Amount
    written_off: Amount
    open: Amount
    waits: bool
    to_confirm: bool


class MoneyBackRow(BaseModel):
    """Money that came back of what was asked back, as who pays and who reconciles see it."""

    recovery_no: int
    amount: Amount
    in_fund: Amount | None
    received_on: date
    reference: str
    bank_line: UUID | None
    recorded_by: str
    recorded_at: datetime
    posted_in: date | None
    proposed_by: str | None


class ProposedBackRow(BaseModel):
    """Money that somebody recorded as given back and nobody has confirmed yet, which does not count."""

    proposal_no: int
    amount: Amount
    received_on: date
    reference: str
    proposed_by: str
    proposed_at: datetime


class WriteOffRow(BaseModel):
    """What is, or is asked to be, waited for no more."""

    write_off_no: int
    amount: Amount
    reason: WriteOffReason
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
