"""The events of reintegration about who is paid: payees, each by two persons, and their accounts, of which no event tells."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from shared.contracts.counselling import Country, StaffId
from shared.messages import Concealed, Event, Part
from shared.money import Currency

PayeeKind = Literal["returnee", "vendor", "office"]
VendorCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]
AccountChangeReason = Literal["bank_changed", "account_closed", "entered_in_error", "contact_changed"]
ChangeDropReason = Literal["not_confirmed_by_payee", "entered_in_error"]
SharedAccountReason = Literal["family", "same_business", "account_of_an_office"]
PayeeClosingReason = Literal["not_needed", "out_of_business", "details_wrong", "misused"]
ClosedFor = Literal["meant_by_a_list"] | PayeeClosingReason
_CLOSED_FOR: TypeAdapter[ClosedFor] = TypeAdapter(ClosedFor)


class KnownContact(Part):
    """The contact that was stated with an account which somebody confirmed, and since when; of which payee, if of another."""

    account_no: int
    since: datetime
    payee_id: UUID | None = None


class PayeeRegistered(Event, kind="avrr.reintegration.payee.registered.v1"):
    """Who can be paid once somebody else confirmed it: a returnee of a case, a vendor by the code of quotations, or an office.

    Name, account and contact are concealed as one value (`details`), account number 1. ``former`` is under which contact
    to call whoever was paid before as another payee; without it there was none.
    """

    payee_kind: PayeeKind
    country: Country
    currency: Currency
    case_id: UUID | None
    person_id: UUID | None
    vendor_code: VendorCode | None
    details: Concealed
    registered_by: StaffId
    registered_at: datetime
    former: KnownContact | None = None


class PayeeConfirmed(Event, kind="avrr.reintegration.payee.confirmed.v1"):
    """Somebody other than who registered the payee compared it with its papers; from now on it can be paid.

    Of whoever was paid before and is found under the former contact no more, the chief of mission said so (``unreachable``);
    it is paid to once ``held_until`` has passed.
    """

    account_no: int
    stated_by: StaffId
    confirmed_by: StaffId
    confirmed_at: datetime
    unreachable: bool = False
    held_until: datetime | None = None


class AccountChangeAsked(Event, kind="avrr.reintegration.payee.account_change_asked.v1"):
    """The payee is to be paid to another account, or called under another contact; until somebody called back, nothing is paid."""

    account_no: int
    details: Concealed
    reason: AccountChangeReason
    asked_by: StaffId
    asked_at: datetime


class CallBackConfirmed(Event, kind="avrr.reintegration.payee.call_back_confirmed.v1"):
    """The payee said themselves that the new account is theirs; it is paid to once ``held_until`` has passed."""

    account_no: int
    stated_by: StaffId
    called_at: datetime
    confirmed_by: StaffId
    confirmed_at: datetime
    held_until: datetime


class AccountChangeDropped(Event, kind="avrr.reintegration.payee.account_change_dropped.v1"):
    """The new account is not the payee's, or was mistyped; the one of before is paid to again."""

    account_no: int
    reason: ChangeDropReason
    dropped_by: StaffId
    dropped_at: datetime


class SharedAccount(Part):
    """An account of a payee that another one has as well, by the number that each has of it; a later account has another number."""

    account_no: int
    other_id: UUID
    other_no: int


class SharedAccountAccepted(Event, kind="avrr.reintegration.payee.shared_account_accepted.v1"):
    """Somebody who did not state the account found it right that these payees have the same one.

    ``accounts`` are those of which that was found, and no later one; events of before do not say it.
    """

    account_no: int
    with_ids: tuple[UUID, ...]
    reason: SharedAccountReason
    stated_by: StaffId
    accepted_by: StaffId
    accepted_at: datetime
    accounts: tuple[SharedAccount, ...] = ()


class StaffAccountsUploaded(Event, kind="avrr.reintegration.staff_list.uploaded.v1"):
    """These are to be the accounts of staff, of which hashes alone are kept; nobody else is paid to one of them.

    ``proposed`` says that the list counts once a second person confirmed it; one of before counted at once.
    """

    list_version: VendorCode
    accounts: Annotated[int, Field(ge=1)]
    uploaded_by: StaffId
    uploaded_at: datetime
    proposed: bool = False


class StaffAccountsConfirmed(Event, kind="avrr.reintegration.staff_list.confirmed.v1"):
    """From now on this list counts: so many accounts are new in it, and so many of the list before are gone."""

    added: Annotated[int, Field(ge=0)]
    gone: Annotated[int, Field(ge=0)]
    confirmed_by: StaffId
    confirmed_at: datetime


class StaffAccountsDropped(Event, kind="avrr.reintegration.staff_list.dropped.v1"):
    """This list will not count; the one before goes on."""

    dropped_by: StaffId
    dropped_at: datetime


class PayeeClosed(Event, kind="avrr.reintegration.payee.closed.v1"):
    """Nothing is paid to this payee any more. Of before: that is a `PayeeEnded` now, which conceals why."""

    reason: PayeeClosingReason
    closed_by: StaffId
    closed_at: datetime


class PayeeEnded(Event, kind="avrr.reintegration.payee.ended.v1"):
    """Nothing is paid to this payee any more; to which accounts it was paid stays known.

    Why is concealed (a `ClosedFor`), for it may be that a list of sanctions means somebody, who is blocked then.
    """

    closed_for: Concealed
    closed_by: StaffId
    closed_at: datetime


class PayeeDetailsDeleted(Event, kind="avrr.reintegration.payee.details_deleted.v1"):
    """Of a vendor or an office that was closed name, accounts and contacts were deleted, with their key; ``kept_until`` was their last day."""

    kept_until: date
    deleted_on: date


def closed_for(why: ClosedFor) -> Concealed:
    """Why a payee was closed, as an event has it."""
    return Concealed.of(why)


def why_closed(event: PayeeEnded) -> ClosedFor | None:
    """Why nothing is paid to a payee any more; None once that went with the person."""
    return _CLOSED_FOR.validate_python(event.closed_for.value) if event.closed_for.value is not None else None


EVENTS: tuple[type[Event], ...] = (
    PayeeRegistered, PayeeConfirmed, AccountChangeAsked, CallBackConfirmed, AccountChangeDropped, SharedAccountAccepted,
    PayeeClosed, PayeeEnded, PayeeDetailsDeleted, StaffAccountsUploaded, StaffAccountsConfirmed, StaffAccountsDropped,
)  # fmt: skip
