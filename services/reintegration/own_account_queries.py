"""What reintegration's tables answer about the mission's own accounts: the list, their numbers masked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, model_validator

from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.own_accounts import OwnAccountStatus
from shared.contracts.own_accounts import OwnAccountKind
from shared.db import Sql

LISTED = Sql(
    "SELECT id, kind, currency, country, status, details, registered_at FROM own_accounts WHERE id > :after "
    "ORDER BY id LIMIT :limit"
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
