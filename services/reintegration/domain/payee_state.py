"""A payee as it stands: how its status moves, and how facts change it.

Decision 51.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from shared.contracts.payees import (
    AccountChangeAsked,
    AccountChangeDropped,
    AccountChangeReason,
    CallBackConfirmed,
    KnownContact,
    PayeeClosed,
    PayeeClosingReason,
    PayeeConfirmed,
    PayeeDetailsDeleted,
    PayeeEnded,
    PayeeKind,
    PayeeRegistered,
    SharedAccountAccepted,
    why_closed,
)
from shared.contracts.sanctions import (
    ClearingReason,
    Hit,
    HitClearingAsked,
    HitsCleared,
    HitsConfirmed,
    PayeeScreened,
    finding_in,
)
from shared.messages import Event
from shared.transitions import moved

PayeeStatus = Literal["registered", "active", "on_hold", "blocked", "closed"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"registered"})
# From being blocked a payee is closed by the erasure of its person alone, which takes along why.
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "registered": frozenset({"active", "blocked", "closed"}), "active": frozenset({"on_hold", "blocked", "closed"}),
    "on_hold": frozenset({"active", "blocked", "closed"}), "blocked": frozenset({"closed"}), "closed": frozenset(),
}  # fmt: skip

ENDED: Final[frozenset[str]] = frozenset({"blocked", "closed"})
# Of more than these the others are found once two persons cleared these.
MOST_HITS: Final = 100
# An example, never an IOM rule: for so long a contact that came with a change is not the one that is called about another.
CONTACT_SETTLES: Final = timedelta(days=30)


def contact_to_call(contacts: Sequence[KnownContact], asked_at: datetime) -> KnownContact | None:
    """Under which of the contacts, oldest first, to call about what was asked then: the newest that had stood for thirty days.

    The oldest where none had, so that nobody is called under a contact that whoever asks may have brought along; None
    where nobody ever confirmed one.
    """
    settled = [contact for contact in contacts if contact.since <= asked_at - CONTACT_SETTLES]
    return settled[-1] if settled else next(iter(contacts), None)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """Another account that waits for somebody to call back; its details are sealed under this number."""

    account_no: int
    reason: AccountChangeReason
    asked_by: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Payee:
    """Who can be paid, without name and account, which are sealed beside.

    ``stated_no`` counts the accounts that were ever stated, ``confirmed_no`` is the one that is paid to, None before anybody
    confirmed one. ``stated_by`` and ``confirmed_by`` are of that one; ``handlers`` are all who ever stated an account,
    confirmed one or called back, and ``clearers`` who had hits cleared; none of them pays. Until ``held_until`` nothing is paid. ``hits`` are entries of lists of sanctions that
    may mean it, ``cleared`` those that two persons found not to. ``shares`` are the payees of which
    somebody found it right that they have the same account. ``contacts`` are those that were ever confirmed, oldest first; of
    whoever was paid before as another payee the first one is that one's. ``vendor_key`` is the code of a vendor as it is
    compared, in small letters. Of a vendor or an office ``closed_at`` is when it was closed, and ``details_deleted_on`` the day on
    which name, accounts and contacts were deleted. ``screened_with`` says by which rules its names were compared last (`alike.MATCHER`).
    """

    kind: PayeeKind
    country: str
    currency: str
    registered_by: str
    registered_at: datetime
    handlers: tuple[str, ...]
    status: PayeeStatus = "registered"
    case_id: UUID | None = None
    person_id: UUID | None = None
    vendor_code: str | None = None
    stated_no: int = 1
    confirmed_no: int | None = None
    stated_by: str | None = None
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    held_until: datetime | None = None
    change: AccountChange | None = None
    closing_reason: PayeeClosingReason | None = None
    shares: tuple[UUID, ...] = ()
    screened_no: int | None = None
    screened_at: datetime | None = None
    screened_lists: tuple[UUID, ...] = ()
    hits: tuple[Hit, ...] = ()
    cleared: tuple[Hit, ...] = ()
    clearing_reason: ClearingReason | None = None
    clearing_asked_by: str | None = None
    cleared_by: str | None = None
    contacts: tuple[KnownContact, ...] = ()
    vendor_key: str | None = None
    clearers: tuple[str, ...] = ()
    closed_at: datetime | None = None
    details_deleted_on: date | None = None
    screened_with: int = 1

    @property
    def began_anew(self) -> bool:
        """Whether it was registered, and not confirmed yet, for somebody who was paid before as another payee."""
        return self.status == "registered" and bool(self.contacts)

    @property
    def call(self) -> KnownContact | None:
        """The contact under which to call about what waits now; None where nothing waits for a call."""
        if self.change is not None:
            return contact_to_call(self.contacts, self.change.asked_at)
        return self.contacts[0] if self.began_anew else None

    @property
    def newest_live_no(self) -> int:
        """The newest account that is paid to, is to be, or waits: up to it the names of a payee are screened."""
        return self.change.account_no if self.change is not None else self.confirmed_no or 1


def _with(state: Payee, *handlers: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*state.handlers, *handlers)))


def _and_known(state: Payee, event: PayeeConfirmed | CallBackConfirmed) -> tuple[KnownContact, ...]:
    return (*state.contacts, KnownContact(account_no=event.account_no, since=event.confirmed_at))


def evolve(state: Payee | None, event: Event) -> Payee:
    """The payee after one fact; TypeError for one that does not fit, `IllegalTransition` for a move that is not declared."""
    match event:
        case PayeeRegistered() if state is None:
            return Payee(
                kind=event.payee_kind, country=event.country, currency=event.currency, registered_by=event.registered_by,
                registered_at=event.registered_at, handlers=(event.registered_by,), case_id=event.case_id,
                person_id=event.person_id, vendor_code=event.vendor_code,
                vendor_key=event.vendor_code.lower() if event.vendor_code is not None else None,
                contacts=(event.former,) if event.former is not None else (),
            )  # fmt: skip
        case PayeeConfirmed() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "active"), confirmed_no=event.account_no,
                stated_by=event.stated_by, confirmed_by=event.confirmed_by, confirmed_at=event.confirmed_at,
                held_until=event.held_until, contacts=_and_known(state, event), handlers=_with(state, event.confirmed_by),
            )  # fmt: skip
        case AccountChangeAsked() if state is not None:
            change = AccountChange(event.account_no, event.reason, event.asked_by, event.asked_at)
            return replace(
                state, status=moved(TRANSITIONS, state.status, "on_hold"), stated_no=event.account_no, change=change,
                # Another name may be meant where this one was not.
                cleared=(), handlers=_with(state, event.asked_by),
            )  # fmt: skip
        case CallBackConfirmed() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "active"), confirmed_no=event.account_no,
                stated_by=event.stated_by, confirmed_by=event.confirmed_by, confirmed_at=event.confirmed_at,
                held_until=event.held_until, change=None, contacts=_and_known(state, event),
                handlers=_with(state, event.confirmed_by),
            )  # fmt: skip
        case AccountChangeDropped() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "active"), change=None, handlers=_with(state, event.dropped_by)
            )
        case SharedAccountAccepted() if state is not None:
            return replace(
                state, shares=(*state.shares, *event.with_ids), handlers=_with(state, event.accepted_by)
            )
        case PayeeScreened() if state is not None:
            return _screened(state, event)
        case HitClearingAsked() if state is not None:
            return replace(state, clearing_reason=event.reason, clearing_asked_by=event.asked_by, cleared_by=None)
        case HitsCleared() if state is not None:
            # Of more hits than are kept at once the others are found by the next screening, and nothing is paid before it.
            all_of_them = len(event.hits) < MOST_HITS
            return replace(
                state, hits=(), cleared=(*state.cleared, *event.hits), cleared_by=event.cleared_by,
                screened_lists=state.screened_lists if all_of_them else (),
                handlers=_with(state, event.asked_by, event.cleared_by),
            )  # fmt: skip
        case HitsConfirmed() if state is not None:
            return replace(state, status=moved(TRANSITIONS, state.status, "blocked"), change=None)
        case PayeeClosed() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "closed"), change=None, closing_reason=event.reason,
                closed_at=_unless_of_a_person(state, event.closed_at),
            )
        case PayeeEnded() if state is not None:
            why = why_closed(event)
            if why == "meant_by_a_list":
                return replace(state, status=moved(TRANSITIONS, state.status, "blocked"), change=None)
            return replace(
                state, status=moved(TRANSITIONS, state.status, "closed"), change=None, closing_reason=why,
                closed_at=_unless_of_a_person(state, event.closed_at),
            )
        case PayeeDetailsDeleted() if state is not None:
            return replace(state, details_deleted_on=event.deleted_on)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a payee here")


def _unless_of_a_person(state: Payee, at: datetime) -> datetime | None:
    # What is kept of a returnee goes with the person.
    return at if state.person_id is None else None


def _screened(state: Payee, event: PayeeScreened) -> Payee:
    looked = replace(state, screened_no=event.account_no, screened_at=event.screened_at, screened_lists=event.list_ids, screened_with=event.matcher)
    if event.found is None:
        return replace(looked, hits=event.hits, clearing_reason=None, clearing_asked_by=None)
    finding = finding_in(event.found)
    if finding is None:
        # As the erasure leaves the row (`migrations/sql/erasure_of_screenings_2.sql`).
        return replace(looked, hits=(), cleared=(), clearers=(), clearing_reason=None, clearing_asked_by=None, cleared_by=None)
    if finding.step == "screened":
        return replace(looked, hits=finding.hits, clearing_reason=finding.reason, clearing_asked_by=finding.asked_by)
    if finding.step == "clearing_asked":
        return replace(looked, clearing_reason=finding.reason, clearing_asked_by=finding.asked_by, cleared_by=None)
    parts = (who for who in (finding.asked_by, finding.cleared_by) if who is not None)
    return replace(
        looked, hits=(), cleared=(*state.cleared, *finding.hits), cleared_by=finding.cleared_by,
        # The others are found by the next screening, and nothing is paid before it.
        screened_lists=() if finding.more else event.list_ids,
        clearers=tuple(dict.fromkeys((*state.clearers, *parts))),
    )  # fmt: skip
