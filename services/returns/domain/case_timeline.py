"""Which facts of a case its staff are shown in its timeline, and which moment in a fact is when it happened."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from shared.actors import Role
from shared.contracts import returns
from shared.messages import Event

_STAFF: Final = frozenset({Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, Role.OPERATIONS})
# Whoever prepares a journey has no part in what was found out about a person (domain reference 5.4).
_CARING: Final = _STAFF - {Role.OPERATIONS}


@dataclass(frozen=True, slots=True)
class Shown:
    """Who is shown facts of one kind; ``happened`` is the field with the moment at which they happened, if they have one."""

    roles: frozenset[Role] = _STAFF
    happened: str | None = None


# What is not named here is shown to nobody.
TIMELINE: Final[Mapping[type[Event], Shown]] = {
    returns.CaseOpened: Shown(happened="expressed_at"),
    returns.ScreeningStarted: Shown(_CARING),
    returns.PersonScreened: Shown(_CARING, "screened_at"),
    returns.DeclarationSigned: Shown(happened="signed_at"),
    returns.ApplicationSubmitted: Shown(),
    returns.CaseDeclaredIneligible: Shown(),
    returns.CaseApproved: Shown(),
    returns.PreparationStarted: Shown(),
    returns.TravelDocumentRecorded: Shown(),
    returns.OwnPlanNoted: Shown(),
    returns.BookingConfirmed: Shown(),
    returns.ReadyToTravel: Shown(),
    returns.VoluntarinessConfirmed: Shown(happened="confirmed_at"),
    returns.ClearedToBoard: Shown(happened="cleared_at"),
    returns.ClearanceLost: Shown(),
    returns.PersonDeparted: Shown(happened="departed_at"),
    returns.CaseDeparted: Shown(happened="departed_at"),
    returns.FlightMissed: Shown(),
    returns.PersonArrived: Shown(happened="arrived_at"),
    returns.CaseArrived: Shown(happened="arrived_at"),
    returns.CaseNotDeparted: Shown(),
    returns.PersonWithdrew: Shown(),
    returns.CaseWithdrawn: Shown(),
    returns.ContactTried: Shown(happened="tried_at"),
    returns.CaseLapsed: Shown(),
    returns.PlanAgreementNoted: Shown(),
    returns.ReintegrationStarted: Shown(),
    returns.GrantStageNoted: Shown(),
    returns.MonitoringStarted: Shown(),
    returns.ClosingRequested: Shown(),
    returns.ClosingRefused: Shown(),
    returns.CaseClosed: Shown(),
}

_BY_KIND: Final = {event.kind: shown for event, shown in TIMELINE.items()}


def shown_to(roles: Collection[str], kind: str) -> Shown | None:
    """How facts of this kind are shown to somebody with these roles; None is not at all."""
    shown = _BY_KIND.get(kind)
    return shown if shown is not None and not shown.roles.isdisjoint(roles) else None
