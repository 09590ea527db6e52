"""What the bank's files know of the days that a restore lost: lines that name payments of which the database knows nothing, and statements that are missing."""

from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, model_validator

from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.batch import FURTHEST
from services.reintegration.domain.lost_payments import LostPaymentsFacts, NameFoundPayment
from shared.db import Sql, UnitOfWork
from shared.money import Amount

# Of line ``l``: the bank names by an id, a block or a code of ours what stands in no row here. Of a debit that bears several of them
# one at most is kept, so that nobody can tell that all are known.
_NAMES_UNKNOWN: Final = (
    "CASE WHEN l.names_several AND l.direction = 'debit' AND (l.attempt_id IS NOT NULL OR coalesce(l.block, 'other') = 'other') THEN true "
    "WHEN l.attempt_id IS NOT NULL THEN NOT EXISTS (SELECT FROM payment_attempts n WHERE n.attempt_id = l.attempt_id) "
    "WHEN l.block <> 'other' THEN NOT EXISTS (SELECT FROM payment_batches f WHERE replace(cast(f.id AS text), '-', '') = left(l.block, 32)) "
    "ELSE l.direction = 'debit' AND l.remittance_code IS NOT NULL END"
)
# The bank's days are of its own zone, which is at most one day off; a report is of the day on which it was brought. What was ordered
# after the restore is known, so that a line that is booked later is of the lost days all the same.
_DAY: Final = "coalesce(l.booked_on, cast(l.imported_at AT TIME ZONE 'UTC' AS date))"


def _since(restore: str) -> str:
    """From which moment on entries of this restore were lost: from the beginning where its log was set back to nothing."""
    return f"coalesce({restore}.since, '-infinity')"


def _of_days(restore: str) -> str:
    return f"{_DAY} >= cast({_since(restore)} AT TIME ZONE 'UTC' AS date) - 1"


_OF_RESTORE: Final = (
    f"{_of_days('r')} AND ({_NAMES_UNKNOWN}) "
    # Of several restores that are not cleared it is of the last one whose days these are.
    f"AND NOT EXISTS (SELECT FROM lost_payments n WHERE n.id > r.id AND n.status <> 'cleared' AND {_of_days('n')})"
)
# The bank may hold a lost order until its day, and books it a little later where that is no day of banks.
_HELD_DAYS: Final = FURTHEST.days + 5
# Of line ``l``, for a statement that knows it so: while a restore is not cleared, and while the bank may still carry out what it
# lost, what it is two persons say.
MAY_BE_LOST: Final = (
    f"EXISTS (SELECT FROM lost_payments r WHERE {_of_days('r')} AND ({_NAMES_UNKNOWN}) "
    f"AND (r.status <> 'cleared' OR {_DAY} <= cast(r.listed_at AT TIME ZONE 'UTC' AS date) + {_HELD_DAYS}))"
)
_WAIT: Final = Sql(
    "SELECT count(*) FILTER (WHERE l.state = 'unmatched') AS lines, coalesce(bool_or(l.state = 'unconfirmed'), false) AS files "
    f"FROM lost_payments r JOIN bank_lines l ON l.state = ANY (ARRAY['unmatched', 'unconfirmed']) AND {_OF_RESTORE} WHERE r.id = :id"
)
_MOST_SHOWN: Final = 200
_LINE: Final = "SELECT l.id, l.kind, l.state, l.amount, l.currency, l.direction, l.booked_on, l.attempt_id, l.remittance_code FROM lost_payments r JOIN bank_lines l"
_LINES: Final = Sql(
    f"{_LINE} ON l.state = ANY (ARRAY['unmatched', 'unconfirmed']) AND {_OF_RESTORE} "
    "WHERE r.id = :id AND (l.state <> 'unconfirmed' OR EXISTS (SELECT FROM bank_files b WHERE b.id = l.file_id "
    f"AND b.imported_by = cast(:reader AS text))) ORDER BY l.id LIMIT {_MOST_SHOWN}"
)
# Of these as many are kept as ever were, so that they are found by when they were brought, which is no earlier than their day.
_LOOKED_AT: Final = Sql(
    f"{_LINE} ON l.state = ANY (ARRAY['accepted', 'explained']) AND l.imported_at >= {_since('r')} - interval '2 days' AND {_OF_RESTORE} "
    f"WHERE r.id = :id AND r.status <> 'cleared' ORDER BY l.imported_at, l.id LIMIT {_MOST_SHOWN}"
)
_COUNTING: Final = "FROM bank_statements {0} JOIN bank_files {0}f ON {0}f.id = {0}.file_id AND {0}f.status = 'confirmed' WHERE {0}.live AND {0}.own_account_id = o.id"
_FIRST: Final = f"cast({_since('r')} AT TIME ZONE :zone AS date)"
_LAST: Final = "cast(r.listed_at AT TIME ZONE :zone AS date)"
_ENDS: Final = f"(SELECT min(e.closed_on) {_COUNTING.format('e')} AND e.closed_on >= {_LAST})"
# Statements that follow on each other from before the first day, or from that day on, to the end of the last one: each begins with
# the balance of the latest one before it. Where nothing comes before the first of them nobody knows when it begins. Whatever others
# know of lost entries, none of them says that it knows all, so that they are asked for after each restore.
_MISSING: Final = Sql(
    "SELECT o.id, o.currency, o.details FROM lost_payments r JOIN own_accounts o ON o.kind = 'bank' AND o.status = 'active' "
    # Of a log that was set back to nothing each account was confirmed anew.
    "AND (o.confirmed_at <= r.listed_at OR r.since IS NULL) "
    f"WHERE r.id = :id AND r.status <> 'cleared' AND ({_ENDS} IS NULL OR EXISTS (SELECT {_COUNTING.format('s')} "
    f"AND s.closed_on BETWEEN {_FIRST} AND {_ENDS} AND (s.first_on <= {_FIRST}) IS NOT TRUE "
    f"AND NOT EXISTS (SELECT {_COUNTING.format('b')} AND b.closed_on <= s.closed_on AND b.closing = s.opening "
    "AND (b.file_id, b.number) <> (s.file_id, s.number) "
    f"AND NOT EXISTS (SELECT {_COUNTING.format('m')} AND m.closed_on > b.closed_on AND m.closed_on < s.closed_on)))) ORDER BY o.id"
)
# Where a log was set back to nothing and there is no own account either, there is nothing of which a statement could be asked for.
_ACCOUNTS_KNOWN: Final = Sql(
    "SELECT r.since IS NOT NULL OR EXISTS (SELECT FROM own_accounts o WHERE o.kind = 'bank' AND o.status = 'active') AS known "
    "FROM lost_payments r WHERE r.id = :id"
)

_FOUND: Final = Sql(
    "SELECT EXISTS (SELECT FROM lost_payments r JOIN bank_lines l ON l.id = :line_id AND l.state = ANY (ARRAY['unmatched', 'explained']) "
    f"AND l.kind = 'booked' AND l.direction = 'debit' AND {_of_days('r')} WHERE r.id = :id) AS line, "
    "EXISTS (SELECT FROM grants g CROSS JOIN LATERAL jsonb_to_recordset(g.tranches) AS t(number integer) "
    "WHERE g.id = :grant_id AND t.number = :number) AS tranche"
)


class LostLine(BaseModel):
    """A line of the bank's that names a payment of which the restored database knows nothing; one that is `unmatched` waits.

    It names the payment by ``attempt_id`` or by the code of its remittance, or a block of payments alone.
    """

    id: UUID
    kind: Literal["booked", "rejected", "accepted"]
    state: Literal["unmatched", "unconfirmed", "accepted", "explained"]
    amount: Amount | None
    currency: str | None
    direction: Literal["credit", "debit"] | None
    booked_on: date | None
    attempt_id: UUID | None
    remittance_code: str | None


class MissingStatement(BaseModel):
    """An own account of which no statement that counts covers the lost days, by the last characters of its number."""

    id: UUID
    currency: str
    account: str

    @model_validator(mode="before")
    @classmethod
    def _masked(cls, row: Any) -> Any:
        if "details" not in row:
            return row
        details = AccountDetails.model_validate_json(row["details"])
        return {"id": row["id"], "currency": row["currency"], "account": details.masked}


class BankKnows(BaseModel):
    """What the bank's files know of what one restore lost.

    ``lines_waiting`` are all that wait, ``lines`` the first of them, behind which stand, until it is cleared, those by which the bank
    said that it had accepted a payment, and those that were explained; of a file that nobody confirmed yet whoever brought it is told alone, everybody else that one waits
    (``files_waiting``).
    """

    lines_waiting: int
    files_waiting: bool
    lines: list[LostLine]
    statements_missing: list[MissingStatement]


async def bank_knows(unit: UnitOfWork, id: UUID, reader: str | None, zone: str) -> BankKnows:
    """What the bank's files know of the days that one restore lost.

    Without a ``reader`` no line is told.
    """
    waits = await unit.row(_WAIT, id=id)
    assert waits is not None
    told = [*await unit.rows(_LINES, id=id, reader=reader), *await unit.rows(_LOOKED_AT, id=id)] if reader is not None else []
    return BankKnows(
        lines_waiting=waits["lines"], files_waiting=waits["files"],
        lines=[LostLine.model_validate(dict(row)) for row in told],
        statements_missing=[MissingStatement.model_validate(dict(row)) for row in await unit.rows(_MISSING, id=id, zone=zone)],
    )  # fmt: skip


async def behind_clearing(unit: UnitOfWork, id: UUID, zone: str) -> LostPaymentsFacts:
    """What stands against clearing one restore by what the bank's files know."""
    waits = await unit.row(_WAIT, id=id)
    assert waits is not None
    missing = await unit.rows(_MISSING, id=id, zone=zone)
    accounts = await unit.row(_ACCOUNTS_KNOWN, id=id)
    assert accounts is not None
    return LostPaymentsFacts(
        lines_wait=waits["lines"] > 0 or waits["files"], statements_missing=tuple(row["id"] for row in missing), accounts_known=accounts["known"]
    )


async def behind_a_found_one(unit: UnitOfWork, id: UUID, order: NameFoundPayment) -> LostPaymentsFacts:
    """Whether the line by which a payment was found is a debit of the lost days that waits or was explained, and whether there is such a tranche."""
    row = await unit.row(_FOUND, id=id, line_id=order.line_id, grant_id=order.grant_id, number=order.number)
    assert row is not None
    return LostPaymentsFacts(line_known=row["line"], tranche_known=row["tranche"])
