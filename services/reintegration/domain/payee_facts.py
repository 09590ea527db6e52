"""What the rules of a payee read from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.reintegration.domain.case import Case
from services.reintegration.domain.payee_state import Payee
from shared.contracts.payees import KnownContact, SharedAccount
from shared.contracts.sanctions import Hit


@dataclass(frozen=True, slots=True)
class PayeeFacts:
    """The case of the returnee who is to be registered, if whoever acts may know of it, and what stands against an account.

    ``shared_with`` are other payees that have an account of this one's, but those of which that was found right, and
    ``shared_accounts`` by which numbers each has it; ``shared_stated_by`` says of each of them who stated these accounts, and
    ``shared_confirmed_by`` who confirmed them for it or for this one. ``sharers`` found it right, on whichever side, that
    another payee has the account that was stated last.
    ``former`` is under which contact to call whoever is to be registered and was paid before as another payee, and
    ``former_blocked`` that a list of sanctions means them. ``newest_lists`` are the sanctions lists that count now, in the order of their ids, and ``found`` what of them the payee's
    names are like, where that was looked up. ``today`` is the mission's day, and ``kept_since`` that of the closing or of the last
    payment, whichever is later.
    """

    case: Case | None = None
    shared_with: frozenset[UUID] = frozenset()
    of_staff: bool = False
    newest_lists: tuple[UUID, ...] = ()
    found: tuple[Hit, ...] = ()
    former: KnownContact | None = None
    former_blocked: bool = False
    today: date | None = None
    kept_since: date | None = None
    shared_accounts: tuple[SharedAccount, ...] = ()
    shared_stated_by: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    shared_confirmed_by: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    sharers: frozenset[str] = frozenset()

    def had_parts(self, person_id: str) -> frozenset[UUID]:
        """Those of the payees in ``shared_with`` of which this person does not find it right, for they stated or confirmed an account."""
        return frozenset(
            one for one in self.shared_with
            if person_id in self.shared_stated_by.get(one, ()) or person_id in self.shared_confirmed_by.get(one, ())
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payable:
    """What is known of a payee when money is to be sent to it; unknown is refused.

    ``account_known`` says that its account is still kept: of a returnee who was erased it is not. ``shared_with`` are other
    payees with an account of this one's, but those of which that was found right; ``sharers`` ever found that right, on whichever side.
    """

    payee: Payee | None = None
    account_known: bool = False
    shared_with: frozenset[UUID] = field(default_factory=frozenset)
    of_staff: bool = True
    newest_lists: tuple[UUID, ...] = ()
    sharers: frozenset[str] = field(default_factory=frozenset)
