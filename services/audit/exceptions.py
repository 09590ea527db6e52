"""What somebody independent should look at though each of it was allowed, told by the archived events alone; pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID
from zlib import crc32
from zoneinfo import ZoneInfo

from shared.actors import PROGRAMS
from shared.contracts.access import ExportTaken, RecordRead, VoucherOpened
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.authority import AuthorityGiven, DeputyNamed
from shared.contracts.bank import BankFileConfirmed, BankLineExplained, BankLineMatched, BankLineToldApart
from shared.contracts.batches import BatchApproved, BatchHandedOut
from shared.contracts.commitments import CommitmentAdded
from shared.contracts.funds import FundChanged, FundOpened
from shared.contracts.own_accounts import OwnAccountConfirmed
from shared.contracts.payees import CallBackConfirmed, PayeeConfirmed, SharedAccountAccepted
from shared.contracts.periods import PeriodReopened
from shared.contracts.plans import PlanRevised
from shared.contracts.reintegration import (
    GrantApproved,
    GrantEndorsed,
    GrantResubmitted,
    GrantRevised,
    PaymentConfirmed,
    TrancheReleased,
)
from shared.contracts.sanctions import HitsCleared
from shared.settings import MISSION, Mission
from shared.topology import SERVICES

ExceptionKind = Literal["same_day", "out_of_hours", "edited_after_approval", "many_reads", "by_deputy"]
KINDS: Final[tuple[ExceptionKind, ...]] = get_args(ExceptionKind)

# Another number whenever these rules find something else.
_VERSION: Final = 4
# What is usual is the mission's to say; on its time zone hours and days depend.
_USUAL: Final = ("mission_time_zone", "office_opens", "office_closes", "office_days", "many_reads")
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def rules_of(mission: Mission, version: int = _VERSION) -> int:
    """The number of the rules with what a mission says is usual: another one wherever they find something else.

    All that was found is then found anew. Where the mission says nothing of its own it is the version of the rules alone.
    """
    said, unsaid = (one.model_dump_json(include=set(_USUAL)) for one in (mission, Mission.model_construct()))
    return version if said == unsaid else version << 24 | crc32(said.encode()) & 0xFFFFFF


RULES: Final = rules_of(MISSION)
MANY_READS: Final = MISSION.many_reads

# What orders a payment.
ORDERS: Final = frozenset({TrancheReleased.kind})
ACCOUNT_CHANGED: Final = CallBackConfirmed.kind
_EDITS: Final = frozenset({GrantRevised.kind, GrantResubmitted.kind, CommitmentAdded.kind, PlanRevised.kind, ACCOUNT_CHANGED})
# By whose word an act on the authority of another shows.
_DEPUTED: Final[Mapping[str, str]] = {ApprovalGiven.kind: "approved_by", CommitmentAdded.kind: "added_by"}
# What binds money, says where money goes, gives somebody the right to, or takes whole logs home. Counselling and travel keep
# no office hours.
_BINDING: Final = frozenset(
    {
        kind.kind
        for kind in (
            GrantEndorsed, ApprovalGiven, CommitmentAdded, TrancheReleased, PaymentConfirmed, PayeeConfirmed, CallBackConfirmed,
            SharedAccountAccepted, BatchApproved, BatchHandedOut, OwnAccountConfirmed, AuthorityGiven, DeputyNamed, FundOpened,
            FundChanged, PeriodReopened, BankFileConfirmed, BankLineExplained, BankLineMatched, BankLineToldApart, HitsCleared,
        )
    }
    | {ExportTaken.kind_in("audit")}
)  # fmt: skip
# Whoever reads in the archive reads events, and is not counted among those who look at people.
READS: Final = frozenset(kind.kind_in(service.name) for kind in (RecordRead, VoucherOpened) for service in SERVICES)
APPROVED: Final = GrantApproved.kind
_OF_GRANT: Final = APPROVED.removesuffix("approved.v1")

# Of all events those that a rule may have something to say about.
EXAMINED: Final = ORDERS | _EDITS | _BINDING | READS | frozenset(_DEPUTED)


@dataclass(frozen=True, slots=True)
class Seen:
    """One archived event, as far as the rules look at it."""

    log: str
    index: int
    id: UUID
    kind: str
    subject: UUID
    case_id: UUID
    at: datetime
    actor_id: str
    roles: frozenset[str]
    data: Mapping[str, Any]

    @property
    def by_person(self) -> bool:
        """Whether somebody did it, and no program of ours."""
        return not self.roles <= PROGRAMS


@dataclass(frozen=True, slots=True)
class Approval:
    """That a grant was approved, where in its log, and when."""

    index: int
    id: UUID
    grant_id: UUID
    case_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class AccountChange:
    """That the account of a payee who is of no case was changed, where in its log."""

    index: int
    id: UUID
    payee_id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """An exception: the event that shows it, the others that belong to it, and how many where it is of a number."""

    kind: ExceptionKind
    event: Seen
    beside: tuple[UUID, ...] = ()
    number: int | None = None


def needs_approvals(event: Seen) -> bool:
    """Whether a rule holds this event against the approvals of its case."""
    return event.kind in ORDERS or event.kind in _EDITS


def changes_account(event: Seen) -> UUID | None:
    """The payee of no case, such as a vendor, whose account this event changes; such a one is paid for grants of many cases."""
    return event.subject if event.kind == ACCOUNT_CHANGED and event.case_id == event.subject else None


def pays_to(event: Seen) -> UUID | None:
    """The payee to whom this event orders a payment."""
    return _id(event.data.get("payee_id")) if event.kind in ORDERS else None


def exceptions_of(
    event: Seen, approvals: Iterable[Approval], zone: ZoneInfo, changes: Iterable[AccountChange] = ()
) -> Iterator[Found]:
    """What there is to look at in one event, held against the approvals of its case in the same log.

    For a payee of no case ``approvals`` are those of the grants of which a payment to it was ordered before; ``changes``
    are those of a payee's account that no earlier order of this grant to it tells of.
    """
    before = [one for one in approvals if one.index < event.index]
    if event.kind in ORDERS:
        of_grant = [one for one in before if one.grant_id == event.subject]
        today = [one.id for one in of_grant if day_of(one.at, zone) == day_of(event.at, zone)]
        if today:
            yield Found("same_day", event, tuple(today))
        since = [one for one in changes if one.index < event.index and any(known.index < one.index for known in of_grant)]
        if since:
            yield Found("edited_after_approval", event, (*(one.id for one in of_grant), *(one.id for one in since)))
    if event.kind in _EDITS:
        # A change of a grant is held against its own approvals, one of a plan or an account against all that it is about.
        edited = [one.id for one in before if one.grant_id == event.subject or not event.kind.startswith(_OF_GRANT)]
        if edited:
            yield Found("edited_after_approval", event, tuple(edited))
    deputy = event.data.get(_DEPUTED.get(event.kind, ""))
    if deputy is not None and event.data.get("authority_holder") not in (None, deputy):
        yield Found("by_deputy", event)
    if event.kind in _BINDING and event.by_person and out_of_hours(event.at, zone):
        yield Found("out_of_hours", event)


def records_read(event: Seen) -> frozenset[UUID]:
    """Which records somebody was shown by this event; none where it is no reading by a person."""
    if event.kind not in READS or not event.by_person:
        return frozenset()
    shown = event.data.get("shown")
    named = (event.data.get("about"), event.data.get("grant_id"), *(shown if isinstance(shown, list) else ()))
    return frozenset(id for one in named if (id := _id(one)) is not None)


def many_reads(events: Sequence[Seen], known: Collection[UUID]) -> tuple[frozenset[UUID], Found | None]:
    """The records that one person was shown on one day with these events, and the event by which they were too many.

    ``known`` are those of before. Where they were too many before, no event is found again.
    """
    shown = frozenset(known)
    crossing: Seen | None = None
    for event in events:
        before, shown = shown, shown | records_read(event)
        if len(before) <= MANY_READS < len(shown):
            crossing = event
    return shown, Found("many_reads", crossing, number=len(shown)) if crossing is not None else None


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The mission's day of a moment."""
    return moment.astimezone(zone).date()


def out_of_hours(moment: datetime, zone: ZoneInfo, usual: Mission | None = None) -> bool:
    """Whether no office of the mission is open then."""
    here, usual = moment.astimezone(zone), usual or MISSION
    return _WEEKDAYS[here.weekday()] not in usual.office_days or not usual.office_opens <= here.time() < usual.office_closes


def _id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
