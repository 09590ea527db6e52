"""What reintegration's tables answer about batches: all that stands against their payments, and the lists."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, model_validator

from services.reintegration import payable_queries, payee_details
from services.reintegration.bank.pain002 import HAD_BEFORE
from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.batch_file import Candidate
from services.reintegration.domain.batch_state import BatchStatus
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.matching import LEAST_PART
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.lost_payment_queries import LEFT_BEFORE, NOT_CLEARED, is_lost
from services.reintegration.lost_reference_queries import WAITS, waits_for_one_before, waits_unnamed
from shared.contracts.attempts import PaymentMethod
from shared.db import Sql, UnitOfWork
from shared.money import Money

_SAYS_IT_HAD: Final = f"l.reasons && ARRAY[{', '.join(repr(one) for one in sorted(HAD_BEFORE))}]"
# What a report refuses of a file that was dropped settles nothing of what stands in another one, and no money left by it.
_OF_A_DROPPED_FILE: Final = (
    "EXISTS (SELECT FROM bank_files f JOIN payment_batches d ON d.id = f.instruction_id WHERE f.id = l.file_id AND d.status = 'dropped') "
    "AND EXISTS (SELECT FROM batch_payments b WHERE b.attempt_id = a.attempt_id AND b.live AND b.batch_id = :batch_id)"
)
# Under lock to the end of the transaction, so that what is signed is as it was looked at. Whoever takes a part in a grant holds its
# row, so that nobody signs and reconciles at the same moment; and grants come before attempts and payees, as with whoever pays.
_HOLD_GRANTS = Sql(
    "SELECT g.id FROM grants g WHERE g.id IN (SELECT a.grant_id FROM payment_attempts a "
    "WHERE a.attempt_id = ANY (cast(:attempt_ids AS uuid[]))) ORDER BY g.id FOR SHARE"
)
_ATTEMPTS = Sql(
    "SELECT a.attempt_id, a.grant_id, a.amount, a.currency, a.status, a.method, a.payee_id, a.account_no, "
    "EXISTS (SELECT FROM batch_payments b WHERE b.attempt_id = a.attempt_id AND b.live AND b.batch_id <> :batch_id) AS elsewhere, "
    # Money may have left for it: who orders it once more would pay twice.
    f"EXISTS (SELECT FROM bank_lines l WHERE l.of_attempt = a.attempt_id AND {WAITS} "
    f"AND (l.direction = 'debit' OR l.kind = 'rejected' AND ({_SAYS_IT_HAD} OR NOT ({_OF_A_DROPPED_FILE})))) "
    f"OR {waits_unnamed('a')} "
    # Or for the one before it, which two persons ended since the bank had not answered.
    f"OR {waits_for_one_before('a')} AS line_waits, "
    f"{NOT_CLEARED} AS not_cleared, {is_lost('a')} AS lost, "
    # What a report says of another file, be it refused there, tells nothing of this one, unless it is that the bank had the same before.
    "EXISTS (SELECT FROM bank_lines l WHERE l.of_attempt = a.attempt_id AND l.state NOT IN ('unconfirmed', 'dropped') "
    f"AND (l.kind <> 'rejected' OR {_SAYS_IT_HAD} "
    "OR (SELECT f.instruction_id FROM bank_files f WHERE f.id = l.file_id) = :batch_id)) AS answered "
    "FROM payment_attempts a WHERE a.attempt_id = ANY (cast(:attempt_ids AS uuid[])) ORDER BY a.attempt_id FOR SHARE OF a"
)
_HOLD_PAYEES = Sql("SELECT id FROM payees WHERE id = ANY (cast(:payee_ids AS uuid[])) ORDER BY id FOR SHARE")
_PAYEES = Sql(
    f"SELECT p.id, {payable_queries.stands_against('p')} AS payable FROM payees p WHERE p.id = ANY (cast(:payee_ids AS uuid[]))"
)
# The bank had a file of which it booked or took something, also where nobody has found out yet what, or confirmed that it says so.
_OVER = Sql(
    f"SELECT count(*) AS over, {NOT_CLEARED} AS not_cleared FROM batch_payments b JOIN payment_attempts a ON a.attempt_id = b.attempt_id "
    "WHERE b.batch_id = :batch_id AND (a.status <> 'released' OR EXISTS (SELECT FROM bank_lines l "
    f"WHERE l.of_attempt = a.attempt_id AND l.state <> 'dropped' AND (l.kind <> 'rejected' OR {_SAYS_IT_HAD})) "
    f"OR {waits_unnamed('a')})"
)

# How far the bank is with a batch, by what its attempts say.
_PROGRESS: Final = (
    "LEFT JOIN LATERAL (SELECT waiting, paid, failed, returned FROM batch_progress WHERE batch_id = b.id OFFSET 0) so_far ON true "
    "LEFT JOIN LATERAL (SELECT details FROM own_accounts WHERE id = b.own_account_id OFFSET 0) o ON true"
)
_COLUMNS: Final = (
    "b.id, b.own_account_id, b.execution_on, b.count, b.sums, b.status, b.made_by, b.made_at, b.approved_by, b.sent_at, "
    "b.drop_asked_by, b.times_taken, o.details AS account, "
    "coalesce(so_far.waiting, 0) AS waiting, coalesce(so_far.paid, 0) AS paid, coalesce(so_far.failed, 0) AS failed, "
    "coalesce(so_far.returned, 0) AS returned"
)
LISTED = Sql(
    f"SELECT {_COLUMNS} FROM (SELECT * FROM payment_batches WHERE id > :after ORDER BY id LIMIT :limit) b {_PROGRESS} ORDER BY b.id"
)
# A list of one, and named in the order, so that the index that begins with it is walked (`lists`).
LISTED_OF_STATUS = Sql(
    f"SELECT {_COLUMNS} FROM (SELECT * FROM payment_batches WHERE status = ANY (ARRAY[:status]) AND id > :after "
    f"ORDER BY status, id LIMIT :limit) b {_PROGRESS} ORDER BY b.id"
)
_ONE = Sql(f"SELECT {_COLUMNS} FROM payment_batches b {_PROGRESS} WHERE b.id = :id")

_ATTEMPT: Final = (
    "a.attempt_id AS id, a.grant_id, a.tranche, a.attempt_no, a.destination_country, a.amount, a.currency, a.status, a.method, "
    "a.payee_id, a.account_no, a.released_at, a.paid_on, a.ended_on, a.reason"
)
_IN_A_BATCH: Final = "(SELECT p.batch_id FROM batch_payments p WHERE p.attempt_id = a.attempt_id AND p.live) AS batch_id"
ATTEMPTS = Sql(
    f"SELECT {_ATTEMPT}, {_IN_A_BATCH} FROM payment_attempts a WHERE a.attempt_id > :after ORDER BY a.attempt_id LIMIT :limit"
)
# What waits for a batch is a small part of all, and has an index of its own.
_WAITS: Final = "a.status = 'released' AND a.method = 'bank_file'"
WAITING = Sql(
    f"SELECT {_ATTEMPT}, NULL AS batch_id FROM payment_attempts a WHERE {_WAITS} AND a.currency = ANY (ARRAY[:currency]) "
    "AND a.attempt_id > :after AND NOT EXISTS (SELECT FROM batch_payments p WHERE p.attempt_id = a.attempt_id AND p.live) "
    "ORDER BY a.currency, a.attempt_id LIMIT :limit"
)
OF_A_BATCH = Sql(
    f"SELECT {_ATTEMPT}, p.batch_id FROM batch_payments p JOIN payment_attempts a ON a.attempt_id = p.attempt_id "
    "WHERE p.batch_id = :batch_id AND p.attempt_id > :after ORDER BY p.attempt_id LIMIT :limit"
)
# Of what a line that waits may be: for a debit what is open, or was ended since the bank had not answered, for a credit what was paid
# and not delivered; of a file that went to the bank from its account, and of an amount of which it has half at least.
_HAS: Final = "coalesce(l.amount, l.line_amount)"
_LEFT: Final = "(a.amount - coalesce(a.booked_short, 0))"
OF_A_LINE = Sql(
    f"SELECT {_ATTEMPT}, {_IN_A_BATCH} FROM bank_lines l JOIN payment_attempts a ON a.method = 'bank_file' AND CASE l.direction "
    "WHEN 'debit' THEN a.status = 'released' OR a.reason = 'not_answered' ELSE a.status = 'paid' AND EXISTS (SELECT FROM open_advances o "
    "WHERE o.grant_id = a.grant_id AND o.tranche = a.tranche) END WHERE l.id = :line_id AND l.kind = 'booked' AND l.state = 'unmatched' "
    "AND (EXISTS (SELECT FROM batch_payments h JOIN payment_batches f ON f.id = h.batch_id WHERE h.attempt_id = a.attempt_id "
    f"AND f.own_account_id = l.own_account_id AND f.sent_at IS NOT NULL) OR {LEFT_BEFORE}) "
    f"AND (l.currency <> a.currency OR {_HAS} IS NULL OR {_HAS} >= {_LEFT} * {LEAST_PART} AND (l.direction = 'debit' OR l.amount IS NULL OR l.amount <= {_LEFT})) "
    "AND a.attempt_id > :after ORDER BY a.attempt_id LIMIT :limit"
)

# How states of other aggregates are read: those of these that exist, by one statement.
Grants = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, Grant]]]


class BatchRow(BaseModel):
    """One batch in a list: its totals, and how many of its payments wait for the bank, were paid, failed or came back.

    ``settled`` says that the bank answered for each of them, ``times_taken`` how often somebody took the file to it.
    """

    id: UUID
    own_account_id: UUID
    account: str
    execution_on: date
    count: int
    sums: list[Money]
    status: BatchStatus
    settled: bool
    made_by: str
    made_at: datetime
    approved_by: str | None
    sent_at: datetime | None
    drop_asked_by: str | None
    times_taken: int
    waiting: int
    paid: int
    failed: int
    returned: int

    @model_validator(mode="before")
    @classmethod
    def _as_told(cls, row: Any) -> Any:
        if not isinstance(row.get("sums"), str):
            return row
        ours = AccountDetails.model_validate_json(row["account"])
        return {
            **row, "sums": json.loads(row["sums"]), "settled": row["status"] == "sent" and row["waiting"] == 0,
            "account": f"{ours.holder} {ours.masked}",
        }  # fmt: skip


class PaymentAttemptRow(BaseModel):
    """One attempt to pay in a list: of which grant, how much, how and to which payee, and the batch it stands in."""

    id: UUID
    grant_id: UUID
    tranche: int
    attempt_no: int
    destination_country: str
    money: Money
    status: str
    method: PaymentMethod | None
    payee_id: UUID | None
    account_no: int | None
    released_at: datetime | None
    paid_on: date | None
    ended_on: date | None
    reason: str | None
    batch_id: UUID | None

    @model_validator(mode="before")
    @classmethod
    def _in_its_currency(cls, row: Any) -> Any:
        if "money" in row:
            return row
        rest = {name: value for name, value in row.items() if name not in ("amount", "currency")}
        return {**rest, "money": {"amount": row["amount"], "currency": row["currency"]}}


async def candidates(
    unit: UnitOfWork, batch_id: UUID, attempt_ids: Sequence[UUID], grants: Grants
) -> dict[UUID, Candidate]:
    """Each of these attempts with all that stands against sending it, by a number of statements that does not grow with them.

    Grants, attempts and payees are held as they are to the end of the transaction. `Unsealed` as for a reading.
    """
    await unit.rows(_HOLD_GRANTS, attempt_ids=list(attempt_ids))
    rows = await unit.rows(_ATTEMPTS, batch_id=batch_id, attempt_ids=list(attempt_ids))
    # Of one payee all attempts of a batch have one account: where it was changed since, those to the former one cannot go.
    accounts = {row["payee_id"]: row["account_no"] for row in rows if row["payee_id"] is not None}
    await unit.rows(_HOLD_PAYEES, payee_ids=list(accounts))
    # By a later statement, which sees what was changed while the one before waited.
    known = {row["id"]: payable_queries.payable_of(row["payable"]) for row in await unit.rows(_PAYEES, payee_ids=list(accounts))}
    details = await payee_details.found_each(unit, unit.keys, accounts)
    asked_for = await grants({row["grant_id"] for row in rows})
    found: dict[UUID, Candidate] = {}
    for row in rows:
        grant = asked_for.get(row["grant_id"])
        if grant is not None:
            found[row["attempt_id"]] = Candidate(
                money=Money(amount=row["amount"], currency=row["currency"]), status=row["status"], method=row["method"],
                account_no=row["account_no"], elsewhere=row["elsewhere"], line_waits=row["line_waits"], answered=row["answered"],
                grant=grant, not_cleared=row["not_cleared"], lost=row["lost"],
                known=known.get(row["payee_id"], Payable()),
                details=details.get(row["payee_id"]) if accounts.get(row["payee_id"]) == row["account_no"] else None,
            )  # fmt: skip
    return found


async def answered(unit: UnitOfWork, batch_id: UUID) -> tuple[int, bool]:
    """For how many payments of a batch the bank, or somebody, has said what became of them; and whether a restore is not cleared."""
    row = await unit.row(_OVER, batch_id=batch_id)
    assert row is not None
    return int(row["over"]), bool(row["not_cleared"])


async def progress(unit: UnitOfWork, batch_id: UUID) -> BatchRow | None:
    """One batch as it stands in a list."""
    row = await unit.row(_ONE, id=batch_id)
    return None if row is None else BatchRow.model_validate(dict(row))
