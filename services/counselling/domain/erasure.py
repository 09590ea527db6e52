"""How a person is erased: data protection asks, a second person decides, each service confirms; a legal hold forbids it."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal, Protocol

from services.counselling.domain.consents import Guardian
from shared.contracts.counselling import (
    ErasureApproved,
    ErasureCompleted,
    ErasureConfirmed,
    ErasureRefused,
    ErasureRequested,
    LegalHoldLifted,
    LegalHoldPlaced,
    PapersEndConfirmed,
    PersonErased,
    StaffId,
)
from shared.contracts.erasure import HOLDERS, Deleted, ErasureGround, HoldReason, RefusalGround
from shared.decider import Events, ReadsFacts
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Concealed, Context, Event

_HERE: Final = "counselling"
ErasureStatus = Literal["requested", "approved", "completed"]
# What is done about an erasure, as the operations are called.
OF_ERASURES: Final = frozenset(
    {"request_erasure", "approve_erasure", "refuse_erasure", "place_legal_hold", "lift_legal_hold"}
)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """That a service has erased the person, and how many receipts of paid money it keeps until when.

    ``ended_on`` is the day on which it deleted these too.
    """

    service: str
    confirmed_at: datetime
    kept: int = 0
    kept_until: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that was asked for; ``services`` are those that have to confirm, from the approval on."""

    status: ErasureStatus
    ground: ErasureGround
    requested_by: str
    requested_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    services: tuple[str, ...] = ()
    confirmed: tuple[Confirmation, ...] = ()
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the rules of a person read elsewhere: whether a return attempt is active, and how much is held of them.

    ``guardian`` is what is known of whoever is said to have agreed for a child, ``birth_year`` the person's own, which is
    sealed; None where it is not asked for, and of who was erased. ``guardian_registered`` is whether whoever a case names as
    the guardian is registered and was not erased.
    """

    attempt_active: bool = True
    held: tuple[Deleted, ...] = ()
    guardian: Guardian | None = None
    birth_year: int | None = None
    guardian_registered: bool = False


class Erasable(Protocol):
    """What these rules read of a person."""

    @property
    def erasure(self) -> Erasure | None:
        """The erasure that was asked for, if there is one."""

    @property
    def erased_at(self) -> datetime | None:
        """When the person was erased."""

    @property
    def legal_hold(self) -> bool:
        """Whether what is held must be kept for now."""


class RequestErasure(Command):
    """Ask that the person is erased in every service. A second person decides."""

    ground: ErasureGround


class RequestErasureWhenDue(Command):
    """Ask that the person is erased, because the time to keep what is held is over. A second person decides."""


class ApproveErasure(Command):
    """Erase the person in every service. Nobody can undo this."""

    log_first = True


class RefuseErasure(Command):
    """Decide that the person is not erased now, and why."""

    reason: RefusalGround


class PlaceLegalHold(Command):
    """Keep what is held about the person, whoever asks for an erasure, until the hold is lifted."""

    reason: HoldReason


class LiftLegalHold(Command):
    """End the legal hold. From then on the person can be erased."""

    reason: Literal["over", "placed_by_mistake"]


class RedoErasure(Command):
    """Erase the person again, as two persons decided once: the database was set back to before that (decision 119)."""

    log_first = True

    ground: ErasureGround
    requested_by: StaffId
    approved_by: StaffId


class RecordErasureConfirmed(Command):
    """Take note that a service has erased the person."""

    service: str
    erased_at: datetime
    kept: int = 0
    kept_until: date | None = None


class RecordPapersEnd(Command):
    """Take note that a service has deleted the receipts, too, which it kept of somebody erased."""

    service: str
    ended_on: date


def person_erased() -> RuleViolation:
    """Refuses to record anything about somebody who was erased."""
    return RuleViolation("person_erased", "This person was erased. Nothing can be recorded about them any more.")


def case_open() -> RuleViolation:
    """Refuses to erase somebody while their return case, or that of a child for whom they may agree, has not ended."""
    return RuleViolation(
        "case_open",
        "The person, or a child for whom they may agree or are the guardian, has an open return case. It must end before they "
        "can be erased.",
    )


def not_erased(state: Erasable, _: PersonFacts, __: Context) -> None:
    """A guard of everything that is recorded about a person."""
    if state.erased_at is not None:
        raise person_erased()


def not_on_hold(state: Erasable, _: PersonFacts, __: Context) -> None:
    """A guard: what is on legal hold is not erased."""
    if state.legal_hold:
        raise RuleViolation("legal_hold", "What is held about this person is on legal hold. It cannot be erased now.")


@ReadsFacts
def no_open_case(_: Erasable, facts: PersonFacts, __: Context) -> None:
    """A guard: who has an active return attempt is not erased, nor is whoever may agree for a child who has one."""
    if facts.attempt_active:
        raise case_open()


def not_asked_before(state: Erasable, _: PersonFacts, __: Context) -> None:
    """A guard: an erasure is asked for once."""
    if state.erasure is not None:
        raise RuleViolation("erasure_requested", "Somebody asked for this erasure already. A second person decides.")


def asked(state: Erasable, _: PersonFacts, __: Context) -> None:
    """A guard: only an erasure that was asked for is decided on."""
    if state.erasure is None or state.erasure.status != "requested":
        raise RuleViolation("erasure_not_requested", "Nobody has asked that this person is erased.")


def by_another(state: Erasable, _: PersonFacts, context: Context) -> None:
    """A guard: who asked does not decide."""
    if state.erasure is not None and state.erasure.requested_by == context.actor.person_id:
        raise four_eyes()


def four_eyes() -> FourEyes:
    """Refuses whoever asked for an erasure and would decide on it."""
    return FourEyes("Who asked for an erasure cannot decide on it. Another person must.")


def on_hold(state: Erasable, _: PersonFacts, __: Context) -> None:
    """A guard: only a hold that was placed is lifted."""
    if not state.legal_hold:
        raise RuleViolation("no_legal_hold", "There is no legal hold on this person.")


def no_hold_yet(state: Erasable, _: PersonFacts, __: Context) -> None:
    """A guard: a hold is placed once."""
    if state.legal_hold:
        raise RuleViolation("legal_hold_placed", "There is a legal hold on this person already.")


def request(_: Erasable, command: RequestErasure, __: PersonFacts, context: Context) -> Events:
    """The erasure is asked for."""
    return (
        ErasureRequested(ground=command.ground, requested_by=context.actor.person_id, requested_at=context.now),
    )


def request_when_due(_: Erasable, __: RequestErasureWhenDue, ___: PersonFacts, context: Context) -> Events:
    """The erasure is asked for by whoever keeps count of the time, and for no other reason."""
    return (
        ErasureRequested(ground="retention_over", requested_by=context.actor.person_id, requested_at=context.now),
    )


def approve(state: Erasable, _: ApproveErasure, facts: PersonFacts, context: Context) -> Events:
    """Counselling has erased the person with this; the other services hear of it and confirm."""
    assert state.erasure is not None
    approved = ErasureApproved(
        ground=state.erasure.ground, approved_by=context.actor.person_id, approved_at=context.now, services=HOLDERS
    )
    erased = PersonErased(erased_at=context.now, deleted=facts.held)
    return (approved, erased, *_confirmed_all(evolve(evolve(state.erasure, approved), erased), context))


def redo(state: Erasable | None, order: RedoErasure, facts: PersonFacts, context: Context) -> Events:
    """The person is erased again, whatever stands against it by now; nothing follows for who is erased, or was registered later."""
    if state is None or state.erased_at is not None:
        return ()
    approved = ErasureApproved(
        ground=order.ground, approved_by=order.approved_by, approved_at=context.now, services=HOLDERS
    )
    return (*_asked_again(state.erasure, order, context), approved, PersonErased(erased_at=context.now, deleted=facts.held))


def _asked_again(standing: Erasure | None, order: RedoErasure, context: Context) -> Events:
    """The request that was approved, where it does not stand; whoever asked before it may be who approved it."""
    asked = ErasureRequested(ground=order.ground, requested_by=order.requested_by, requested_at=context.now)
    if standing is None:
        return (asked,)
    if standing.requested_by == order.requested_by:
        return ()
    # That one had been decided on, for without that nobody asks again.
    return (ErasureRefused(reason="asked_by_mistake", refused_by=order.requested_by, refused_at=context.now), asked)


def refuse(_: Erasable, command: RefuseErasure, __: PersonFacts, context: Context) -> Events:
    """The erasure is not done; it can be asked for again."""
    return (ErasureRefused(reason=command.reason, refused_by=context.actor.person_id, refused_at=context.now),)


def place_hold(_: Erasable, command: PlaceLegalHold, __: PersonFacts, context: Context) -> Events:
    """Nothing is erased from now on."""
    return (
        LegalHoldPlaced(
            reason=Concealed.of(command.reason), placed_by=context.actor.person_id, placed_at=context.now
        ),
    )


def lift_hold(_: Erasable, command: LiftLegalHold, __: PersonFacts, context: Context) -> Events:
    """The hold is over."""
    return (
        LegalHoldLifted(
            reason=Concealed.of(command.reason), lifted_by=context.actor.person_id, lifted_at=context.now
        ),
    )


def record_confirmed(state: Erasable | None, order: RecordErasureConfirmed, _: PersonFacts, context: Context) -> Events:
    """A service has confirmed, each once; with the last of them the erasure is complete."""
    erasure = state.erasure if state is not None else None
    if erasure is None or erasure.approved_at is None or order.service in _heard_of(erasure):
        return ()
    confirmed = ErasureConfirmed(
        service=order.service, confirmed_at=order.erased_at, kept=order.kept, kept_until=order.kept_until
    )
    return (confirmed, *_confirmed_all(evolve(erasure, confirmed), context))


def record_papers_end(state: Erasable | None, order: RecordPapersEnd, _: PersonFacts, __: Context) -> Events:
    """What a service kept is deleted, each service's once."""
    erasure = state.erasure if state is not None else None
    kept = next((one for one in erasure.confirmed if one.service == order.service), None) if erasure is not None else None
    if kept is None or kept.kept_until is None or kept.ended_on is not None:
        return ()
    return (PapersEndConfirmed(service=order.service, ended_on=order.ended_on),)


def _heard_of(erasure: Erasure) -> frozenset[str]:
    return frozenset(confirmation.service for confirmation in erasure.confirmed)


def _confirmed_all(erasure: Erasure | None, context: Context) -> Events:
    if erasure is None or erasure.completed_at is not None or not _heard_of(erasure) >= set(erasure.services):
        return ()
    days = [confirmation.kept_until for confirmation in erasure.confirmed if confirmation.kept_until is not None]
    return (
        ErasureCompleted(
            completed_at=context.now,
            kept=sum(confirmation.kept for confirmation in erasure.confirmed),
            kept_until=max(days, default=None),
        ),
    )


def evolve(erasure: Erasure | None, event: Event) -> Erasure | None:
    """The erasure after one fact; TypeError for a fact that is none of an erasure's or comes out of turn."""
    match event:
        case ErasureRequested() if erasure is None:
            return Erasure("requested", event.ground, event.requested_by, event.requested_at)
        case ErasureRefused() if erasure is not None and erasure.status == "requested":
            return None
        case ErasureApproved() if erasure is not None and erasure.status == "requested":
            return replace(
                erasure, status="approved", approved_by=event.approved_by, approved_at=event.approved_at,
                services=event.services,
            )  # fmt: skip
        case PersonErased() if erasure is not None and erasure.status == "approved":
            here = Confirmation(_HERE, event.erased_at, event.kept, event.kept_until)
            return replace(erasure, confirmed=(*erasure.confirmed, here))
        case ErasureConfirmed() if erasure is not None and erasure.status in ("approved", "completed"):
            there = Confirmation(event.service, event.confirmed_at, event.kept, event.kept_until)
            return replace(erasure, confirmed=(*erasure.confirmed, there))
        case PapersEndConfirmed() if erasure is not None and event.service in _heard_of(erasure):
            confirmed = tuple(
                replace(one, ended_on=event.ended_on) if one.service == event.service else one for one in erasure.confirmed
            )
            return replace(erasure, confirmed=confirmed)
        case ErasureCompleted() if erasure is not None and erasure.status == "approved":
            return replace(erasure, status="completed", completed_at=event.completed_at)
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to an erasure here")
