"""What each member of staff decided on grants: a row for each decision, the reader's own list, and the check of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.reintegration.domain.grant_state import Grant
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.attempts import PaymentFailed, PaymentReversed
from shared.contracts.commitments import CommitmentAdded
from shared.contracts.recoveries import (
    MoneyRecovered,
    RecoveryProposalDropped,
    RecoveryProposed,
    RecoveryWrittenOff,
    WriteOffAsked,
    WriteOffDropped,
)
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    GrantApproved,
    GrantCancelled,
    GrantEndorsed,
    GrantRejected,
    GrantReturned,
    PaymentConfirmed,
    TrancheReconciled,
    TrancheReleased,
)
from shared.contracts.stops import GrantResumed, GrantSuspended, RecoveryOpened
from shared.db import Sql, UnitOfWork, Write
from shared.ids import UUID_PATTERN
from shared.messages import Event
from shared.moments import MICROSECONDS, from_microseconds, in_microseconds
from shared.money import Amount, Money
from shared.verify import ASKED, LOG_OF_ASKED, Check

Decided = Literal[
    "endorsed", "returned", "rejected", "approved", "cancelled", "released", "paid", "failed", "reversed", "delivered", "reconciled", "suspended",
    "resumed", "recovery_opened", "commitment_added", "recovered", "write_off_asked", "write_off_dropped", "written_off", "recovery_proposed",
    "recovery_dropped",
]
DECISIONS: Final[tuple[Decided, ...]] = get_args(Decided)

# On a replayed clock somebody may decide the same twice at one moment, and that they did is one row.
_TAKE = Sql(
    "INSERT INTO grant_decisions (grant_id, request_version, what, tranche, decided_by, decided_at, amount, currency, "
    "destination_country) VALUES (:grant_id, :request_version, :what, :tranche, :decided_by, :decided_at, :amount, :currency, "
    ":destination_country) ON CONFLICT DO NOTHING"
)
_ORDER = "d.decided_at DESC, d.grant_id DESC, d.request_version DESC, {}d.tranche DESC LIMIT :limit"
_LISTED = (
    "SELECT d.grant_id, d.request_version, d.what, d.tranche, d.decided_at, d.amount, d.currency, d.destination_country "
    "FROM grant_decisions d WHERE d.decided_by = ANY (ARRAY[:actor_id]) AND d.decided_at <= :decided_at "
)
# The moment is compared once more alone, where the index begins.
LISTED = Sql(
    f"{_LISTED}AND (d.decided_at, d.grant_id, d.request_version, d.what, d.tranche) "
    "< (:decided_at, :grant_id, :request_version, :what, :tranche) "
    f"ORDER BY d.decided_by DESC, {_ORDER.format('d.what DESC, ')}"
)
LISTED_OF = Sql(
    f"{_LISTED}AND d.what = ANY (ARRAY[:of]) AND (d.decided_at, d.grant_id, d.request_version, d.tranche) "
    "< (:decided_at, :grant_id, :request_version, :tranche) "
    f"ORDER BY d.decided_by DESC, d.what DESC, {_ORDER.format('')}"
)
_NEWEST: Final[dict[str, object]] = {
    "decided_at": datetime(9999, 1, 1, tzinfo=UTC), "grant_id": UUID(int=2**128 - 1), "request_version": 0, "what": "",
    "tranche": 0,
}  # fmt: skip

Place = Annotated[str, Field(pattern=f"^{MICROSECONDS}-{UUID_PATTERN}-[1-9][0-9]{{0,5}}-[0-9]{{1,3}}-[a-z_]{{1,20}}$")]


class Decision(BaseModel):
    """One decision of the reader: on which version of which request, and for how much; ``tranche`` 0 is the whole grant."""

    grant_id: UUID
    request_version: int
    what: Decided
    tranche: int
    decided_at: datetime
    amount: Amount
    currency: str
    destination_country: str

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{in_microseconds(self.decided_at)}-{self.grant_id}-{self.request_version}-{self.tranche}-{self.what}"


@dataclass(frozen=True, slots=True)
class _Taken:
    what: Decided
    by: str | None
    at: datetime | None
    tranche: int = 0
    money: Money | None = None


def decisions_taken(grant_id: UUID, grant: Grant, events: Sequence[Event]) -> Sequence[Write]:
    """The rows of the decisions among these events, which made the grant what it is."""
    if any(isinstance(event, ApprovalGiven) for event in events):
        # Each approval is a decision; that it was the last one is no second one of whoever gave it.
        events = [event for event in events if not isinstance(event, GrantApproved)]
    return [_row(grant_id, grant, taken) for event in events if (taken := _taken(event)) is not None]


def _taken(event: Event) -> _Taken | None:
    match event:
        # What the bank says nobody decided.
        case PaymentConfirmed() | PaymentFailed() | PaymentReversed() if event.bank_line is not None:
            return None
        case GrantEndorsed():
            return _Taken("endorsed", event.endorsed_by, event.endorsed_at)
        case GrantReturned():
            return _Taken("returned", event.returned_by, event.returned_at)
        case GrantRejected():
            return _Taken("rejected", event.rejected_by, event.rejected_at)
        case ApprovalGiven() | GrantApproved():
            return _Taken("approved", event.approved_by, event.approved_at)
        case GrantSuspended():
            return _Taken("suspended", event.suspended_by, event.suspended_at)
        case GrantResumed():
            return _Taken("resumed", event.resumed_by, event.resumed_at)
        case RecoveryOpened():
            return _Taken("recovery_opened", event.opened_by, event.opened_at, money=event.money)
        case MoneyRecovered():
            return _Taken("recovered", event.recorded_by, event.recorded_at, money=event.money)
        case RecoveryProposed():
            return _Taken("recovery_proposed", event.proposed_by, event.proposed_at, money=event.money)
        case RecoveryProposalDropped():
            return _Taken("recovery_dropped", event.dropped_by, event.dropped_at, money=event.money)
        case WriteOffAsked():
            return _Taken("write_off_asked", event.asked_by, event.asked_at, money=event.money)
        case WriteOffDropped():
            return _Taken("write_off_dropped", event.dropped_by, event.dropped_at, money=event.money)
        case RecoveryWrittenOff():
            return _Taken("written_off", event.confirmed_by, event.confirmed_at, money=event.money)
        case CommitmentAdded():
            return _Taken("commitment_added", event.added_by, event.added_at, money=event.money)
        case GrantCancelled():
            return _Taken("cancelled", event.cancelled_by, event.cancelled_at)
        case TrancheReleased():
            return _Taken("released", event.released_by, event.released_at, event.number)
        case PaymentConfirmed():
            return _Taken("paid", event.confirmed_by, event.confirmed_at, event.number)
        case PaymentFailed():
            return _Taken("failed", event.reported_by, event.reported_at, event.number)
        case PaymentReversed():
            return _Taken("reversed", event.reversed_by, event.reversed_at, event.number)
        case DeliveryConfirmed():
            return _Taken("delivered", event.confirmed_by, event.confirmed_at, event.number)
        case TrancheReconciled():
            return _Taken("reconciled", event.reconciled_by, event.reconciled_at, event.number)
        case _:
            return None


def _row(grant_id: UUID, grant: Grant, taken: _Taken) -> Write:
    tranche = grant.tranche(taken.tranche)
    money = taken.money or (grant.money_of(tranche) if tranche else grant.money)
    return Write(
        _TAKE,
        {
            "grant_id": grant_id, "request_version": grant.request_version, "what": taken.what, "tranche": taken.tranche,
            "decided_by": taken.by, "decided_at": taken.at, "amount": money.amount,
            "currency": money.currency, "destination_country": grant.destination_country,
        },
        rows=None,
    )  # fmt: skip


async def own(
    unit: UnitOfWork, actor_id: str, of: Decided | None, after: Place | None, limit: int
) -> list[Decision]:
    """What somebody decided, all or one kind of it, the newest first."""
    asked = {"actor_id": actor_id, "limit": limit, **(_NEWEST if after is None else _place(after))}
    rows = await unit.rows(LISTED, **asked) if of is None else await unit.rows(LISTED_OF, of=of, **asked)
    return [Decision.model_validate(dict(row)) for row in rows]


def _place(text: Place) -> dict[str, object]:
    at, _, rest = text.partition("-")
    version, tranche, what = rest[37:].split("-")
    return {
        "decided_at": from_microseconds(at), "grant_id": UUID(rest[:36]), "request_version": int(version),
        "tranche": int(tranche), "what": what,
    }  # fmt: skip


# Each event that is a decision, as it stands in the log: which it is, who took it and when, by the names in its leaf.
_IN_THE_LOG = ", ".join(
    f"('avrr.reintegration.grant.{event}.v1', '{what}', '{by}', '{at}')"
    for event, what, by, at in (
        ("endorsed", "endorsed", "endorsed_by", "endorsed_at"), ("returned", "returned", "returned_by", "returned_at"),
        ("rejected", "rejected", "rejected_by", "rejected_at"), ("approved", "approved", "approved_by", "approved_at"),
        ("cancelled", "cancelled", "cancelled_by", "cancelled_at"), ("tranche_released", "released", "released_by", "released_at"),
        ("payment_confirmed", "paid", "confirmed_by", "confirmed_at"),
        ("payment_failed", "failed", "reported_by", "reported_at"),
        ("payment_reversed", "reversed", "reversed_by", "reversed_at"),
        ("delivery_confirmed", "delivered", "confirmed_by", "confirmed_at"),
        ("tranche_reconciled", "reconciled", "reconciled_by", "reconciled_at"),
        ("approval_given", "approved", "approved_by", "approved_at"), ("suspended", "suspended", "suspended_by", "suspended_at"),
        ("resumed", "resumed", "resumed_by", "resumed_at"), ("recovery_opened", "recovery_opened", "opened_by", "opened_at"),
        ("commitment_added", "commitment_added", "added_by", "added_at"),
        ("money_recovered", "recovered", "recorded_by", "recorded_at"),
        ("recovery_proposed", "recovery_proposed", "proposed_by", "proposed_at"),
        ("recovery_proposal_dropped", "recovery_dropped", "dropped_by", "dropped_at"),
        ("write_off_asked", "write_off_asked", "asked_by", "asked_at"),
        ("write_off_dropped", "write_off_dropped", "dropped_by", "dropped_at"),
        ("recovery_written_off", "written_off", "confirmed_by", "confirmed_at"),
    )
)  # fmt: skip
_SAID = "grant_id, request_version, what, tranche, decided_by, decided_at, amount, currency"
_OF_THEIR_OWN = ", ".join(
    f"'{what}'"
    for what in (
        "recovery_opened", "commitment_added", "recovered", "recovery_proposed", "recovery_dropped", "write_off_asked",
        "write_off_dropped", "written_off",
    )
)
# What asks for a grant, or asks anew.
_ASKED = ", ".join(f"'avrr.reintegration.grant.{event}.v1'" for event in ("requested", "resubmitted", "drafted", "revised"))

CHECKS: tuple[Check, ...] = (
    Check(
        "grant decisions",
        Sql(
            # On which version and for how much the last leaf before it says that asked for something.
            "WITH logged AS (SELECT e.subject AS grant_id, a.request_version, k.what, s.tranche, "
            "coalesce(s.decided_by, e.actorid) AS decided_by, coalesce(s.decided_at, e.time) AS decided_at, "
            # What is asked back, comes back, is written off or added is for its own amount.
            f"CASE WHEN k.what IN ({_OF_THEIR_OWN}) THEN own.amount ELSE a.amount END AS amount, "
            f"CASE WHEN k.what IN ({_OF_THEIR_OWN}) THEN own.currency ELSE a.currency END AS currency "
            f"FROM (VALUES {_IN_THE_LOG}) k(type, what, by, at) JOIN {LOG_OF_ASKED} e ON e.type = k.type "
            "CROSS JOIN LATERAL leaf_decision(e.leaf, k.by, k.at) s CROSS JOIN LATERAL leaf_asked(e.leaf, 0) own "
            "LEFT JOIN LATERAL (SELECT r.leaf FROM event_log r WHERE r.subject = e.subject AND r.aggver < e.aggver "
            f" AND r.type IN ({_ASKED}) ORDER BY r.aggver DESC LIMIT 1) r ON true "
            "LEFT JOIN LATERAL leaf_asked(r.leaf, s.tranche) a ON true "
            # That an approval was the last is said right after it.
            "WHERE (e.type <> 'avrr.reintegration.grant.approved.v1' OR NOT EXISTS (SELECT FROM event_log g WHERE g.subject = e.subject "
            " AND g.aggver = e.aggver - 1 AND g.type = 'avrr.reintegration.grant.approval_given.v1' OFFSET 0)) "
            # What the bank says nobody decided.
            "AND e.actorid NOT LIKE 'service:%'), "
            f"kept AS (SELECT * FROM grant_decisions WHERE grant_id = {ASKED}), "
            f"lost AS (SELECT {_SAID} FROM logged EXCEPT SELECT {_SAID} FROM kept), "
            f"made_up AS (SELECT {_SAID} FROM kept EXCEPT SELECT {_SAID} FROM logged) "
            "SELECT DISTINCT grant_id FROM (SELECT * FROM lost UNION ALL SELECT * FROM made_up) wrong ORDER BY grant_id"
        ),
        by_id=True,
    ),
    Check(
        "grant decisions of no grant",
        Sql("SELECT DISTINCT d.grant_id FROM grant_decisions d WHERE NOT EXISTS (SELECT FROM grants g WHERE g.id = d.grant_id)"),
    ),
)
