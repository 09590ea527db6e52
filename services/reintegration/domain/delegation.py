"""By which authority somebody acts, and up to what amounts how many approve: what the rules of an approval are measured by."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from shared.contracts.authority import ApprovingRole
from shared.money import Money


@dataclass(frozen=True, slots=True)
class ActingTerms:
    """The terms by which somebody may act on an authority, their own or one whose holder they stand in for.

    ``open`` says that nobody ended the authority; both days count.
    """

    authority_id: UUID
    terms_no: int
    holder_id: str
    acting_id: str
    role: ApprovingRole
    up_to: Decimal
    currency: str
    valid_from: date
    valid_until: date
    open: bool

    @property
    def limit(self) -> Money:
        """Up to how much may be approved by it."""
        return Money(amount=self.up_to, currency=self.currency)

    def in_force(self, today: date) -> bool:
        """Whether anybody may act by it on this day."""
        return self.open and self.valid_from <= today <= self.valid_until


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Up to which amounts one person approves alone and two together; above them the chief of mission approves as well."""

    one_approver_up_to: Decimal
    two_approvers_up_to: Decimal
    currency: str

    def levels_for(self, amount: Decimal) -> int:
        """How many approvals an amount in the thresholds' currency needs."""
        if amount <= self.one_approver_up_to:
            return 1
        return 2 if amount <= self.two_approvers_up_to else 3
