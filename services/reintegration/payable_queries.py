"""What stands for and against paying a payee, read in the statement that reads the facts of a grant's release."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from services.reintegration.account_tokens import OF_STAFF, SHARED_BY
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.payee_state import Payee
from services.reintegration.sanctions_screening import NEWEST
from services.reintegration.sealed import vendors_of
from shared.db import Sql, UnitOfWork
from shared.ids import FIRST

# A payee that changes at the same moment is changed before or after the whole release: its row is held until that commits.
HELD: Final = "to_be_paid AS MATERIALIZED (SELECT * FROM payees WHERE id = :payee_id FOR SHARE) "
LOCKED: Final = "(SELECT version FROM to_be_paid)"
SEEN: Final = "(SELECT version FROM payees WHERE id = :payee_id)"


def stands_against(of: str) -> str:
    """What is known of the payee whose row is named ``of``, as a value that `payable_of` reads."""
    return (
        f"json_build_object('payee', to_jsonb({of}), "
        f"'account_known', EXISTS (SELECT FROM payee_details d WHERE d.payee_id = {of}.id AND d.account_no = coalesce({of}.confirmed_no, 1)), "
        f"'shared_with', ARRAY(SELECT DISTINCT o.payee_id FROM payee_tokens t JOIN {SHARED_BY} WHERE t.payee_id = {of}.id), "
        f"'of_staff', EXISTS (SELECT FROM payee_tokens t JOIN {OF_STAFF} WHERE t.payee_id = {of}.id), "
        f"'sharers', ARRAY(SELECT s.accepted_by FROM payee_shares s WHERE s.payee_id = {of}.id UNION SELECT s.accepted_by FROM payee_shares s WHERE s.other_id = {of}.id), "
        f"'newest_lists', ARRAY(SELECT l.id FROM ({NEWEST}) l ORDER BY l.id))"
    )


PAYABLE: Final = f"(SELECT {stands_against('p')} FROM to_be_paid p) AS payable"
_PAYABLE: Final = Sql(f"WITH {HELD} SELECT {LOCKED} AS locked, {SEEN} AS seen, {PAYABLE}")
# Of whom a grant can be paid to: its returnee, who sells for it, and the office of its country.
OF_GRANT: Final = Sql(
    f"SELECT p.id, {stands_against('p')} AS payable FROM payees p WHERE p.country = ANY (ARRAY[:country]) AND p.id > :after "
    "AND p.currency = :currency AND p.status NOT IN ('closed', 'blocked') AND CASE p.kind WHEN 'office' THEN true "
    "WHEN 'vendor' THEN coalesce(p.vendor_key = lower(cast(:vendor_code AS text)), true) "
    "ELSE p.person_id = :person_id OR p.case_id = :case_id END ORDER BY p.country, p.id LIMIT :limit"
)
# An office pays what was released to be paid by it; of what waits, to the account that is confirmed by now.
_RELEASED_TO: Final = Sql(
    "SELECT a.grant_id, a.tranche, a.attempt_id FROM payment_attempts a WHERE a.status = 'released' AND a.payee_id = :payee_id "
    "AND a.account_no = :account_no AND a.method <> 'bank_file' ORDER BY a.attempt_id"
)
_GRANTS_AT_ONCE: Final = 200
_WAITING: Final = Sql(
    "SELECT g.id, g.version, coalesce(g.budget, 'null')::text AS budget FROM payees p JOIN grants g "
    "ON g.destination_country = p.country AND g.currency = p.currency AND g.status = ANY (ARRAY['approved', 'in_disbursement']) "
    "AND (g.recovery_opened_at IS NULL OR g.recovery_closed_at IS NOT NULL) "
    """AND g.tranches @> '[{"status": "planned"}]' AND CASE p.kind WHEN 'returnee' THEN g.person_id = p.person_id OR g.case_id = p.case_id """
    "ELSE true END WHERE p.id = :payee_id AND p.confirmed_no = :account_no AND p.status NOT IN ('closed', 'blocked') "
    f"AND g.id > :after ORDER BY g.id LIMIT {_GRANTS_AT_ONCE}"
)


@dataclass(frozen=True, slots=True)
class _Told:
    payee: Payee
    account_known: bool
    shared_with: frozenset[UUID]
    of_staff: bool
    newest_lists: tuple[UUID, ...]
    sharers: frozenset[str]


_TOLD: TypeAdapter[_Told | None] = TypeAdapter(_Told | None)


def payable_of(told: str | None) -> Payable:
    """What a statement says of a payee; unknown where it says nothing."""
    known = _TOLD.validate_json(told or "null")
    if known is None:
        return Payable()
    return Payable(known.payee, known.account_known, known.shared_with, known.of_staff, known.newest_lists, known.sharers)


async def of_grant(unit: UnitOfWork, grant: Grant, after: UUID | None, limit: int) -> list[tuple[UUID, Payable]]:
    """Up to ``limit`` payees that a grant may be paid to, oldest first, with what stands against paying each."""
    chosen = grant.budget.chosen if grant.budget is not None else None
    rows = await unit.rows(
        OF_GRANT, country=grant.destination_country, currency=grant.currency, person_id=grant.person_id, case_id=grant.case_id,
        vendor_code=chosen.vendor if chosen is not None else None, after=after or FIRST, limit=limit,
    )  # fmt: skip
    return [(row["id"], payable_of(row["payable"])) for row in rows]


@dataclass(frozen=True, slots=True)
class ReleasedTo:
    """An attempt to pay that an office has to make: of which tranche of which grant."""

    grant_id: UUID
    tranche: int
    attempt_id: UUID


async def released_to(unit: UnitOfWork, payee_id: UUID, account_no: int) -> list[ReleasedTo]:
    """What an office within reach has to pay to this account, oldest first."""
    rows = await unit.rows(_RELEASED_TO, payee_id=payee_id, account_no=account_no)
    return [ReleasedTo(row["grant_id"], row["tranche"], row["attempt_id"]) for row in rows]


async def may_be_paid_to(unit: UnitOfWork, payee_id: UUID, account_no: int, payee: Payee) -> bool:
    """Whether a tranche that waits within an office's reach can be paid to this account, once it is released."""
    after, more = FIRST, True
    while more:
        rows = await unit.rows(_WAITING, payee_id=payee_id, account_no=account_no, after=after)
        chosen = await vendors_of(unit, rows) if payee.kind == "vendor" else [None] * len(rows)
        if any(vendor is None or vendor.lower() == (payee.vendor_code or "").lower() for vendor in chosen):
            return True
        more = len(rows) == _GRANTS_AT_ONCE
        after = rows[-1]["id"] if rows else after
    return False


async def payable(unit: UnitOfWork, payee_id: UUID) -> Payable:
    """What is known of a payee now; its row is held until the unit of work ends."""
    row = await unit.row(_PAYABLE, payee_id=payee_id)
    assert row is not None
    if row["locked"] != row["seen"]:
        row = await unit.row(_PAYABLE, payee_id=payee_id)
        assert row is not None
    return payable_of(row["payable"])
