"""What reintegration's tables answer about the mission's own accounts: the list, their numbers masked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, model_validator

from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.own_accounts import OwnAccountFacts, OwnAccountStatus
from shared.contracts.own_accounts import OwnAccountKind
from shared.db import Sql, UnitOfWork

LISTED = Sql(
    "SELECT id, kind, currency, country, status, details, registered_at FROM own_accounts WHERE id > :after "
    "ORDER BY id LIMIT :limit"
)
# Whoever takes a file at the same moment holds the account as well, and is seen once they are done.
_HOLD = Sql("SELECT id FROM own_accounts WHERE id = :account_id FOR UPDATE")
_UNDER_WAY = Sql(
    "SELECT EXISTS (SELECT FROM payment_batches b JOIN batch_payments p ON p.batch_id = b.id AND p.live "
    "JOIN payment_attempts a ON a.attempt_id = p.attempt_id "
    "WHERE b.own_account_id = :account_id AND b.status = 'sent' AND a.status = 'released') "
    "OR EXISTS (SELECT FROM bank_statements s JOIN bank_files f ON f.id = s.file_id "
    "WHERE s.own_account_id = :account_id AND f.status = 'unconfirmed') AS payments_under_way"
)


class OwnAccountRow(BaseModel):
    """One of the mission's own accounts in a list, by its holder and the last characters of its number."""

    id: UUID
    kind: OwnAccountKind
    currency: str
    country: str | None
    status: OwnAccountStatus
    holder: str
    account: str
    registered_at: datetime

    @model_validator(mode="before")
    @classmethod
    def _masked(cls, row: Any) -> Any:
        if "details" not in row:
            return row
        details = AccountDetails.model_validate_json(row["details"])
        return {**{name: value for name, value in row.items() if name != "details"}, "holder": details.holder, "account": details.masked}


async def behind_an_account(unit: UnitOfWork, account_id: UUID, *, held: bool) -> OwnAccountFacts:
    """Whether anything that was ordered from the account is not answered yet, or a file of the bank's on it waits; ``held`` to
    the end of the transaction.
    """
    if held:
        await unit.rows(_HOLD, account_id=account_id)
    row = await unit.row(_UNDER_WAY, account_id=account_id)
    assert row is not None
    return OwnAccountFacts(payments_under_way=row["payments_under_way"])
