"""Which facts of a case its staff are shown in its timeline, and which moment in a fact is when it happened."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from shared.actors import Role
from shared.contracts import corrections, departures, families, final_report, reopening, returns, support
from shared.messages import Event

_STAFF: Final = frozenset({Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, Role.OPERATIONS})
# Whoever prepares a journey has no part in what was found out about a person (domain reference 5.4).
_CARING: Final = _STAFF - {Role.OPERATIONS}
# Who placed a hold and who lifted it would tell the others what it was about, so protection alone is told (`told_to`).
_DECIDING: Final = frozenset({Role.COORDINATOR, Role.PROTECTION})
_PROTECTING: Final = frozenset({Role.PROTECTION})
# All parts look alike; that a part came from protection would tell what it is.
_SCREENING: Final = frozenset({Role.COUNSELLOR, Role.PROTECTION})


@dataclass(frozen=True, slots=True)
class Shown:
    """Who is shown facts of one kind, and which of them who it was that brought it about.

    ``happened`` is the field with the moment at which they happened, if they have one. What is ``of_screening`` is shown
    to those of them alone who are shown what screening found in this case.
    """

    roles: frozenset[Role] = _STAFF
    happened: str | None = None
    actor_to: frozenset[Role] = _STAFF
    of_screening: bool = False


# What is not named here is shown to nobody.
TIMELINE: Final[Mapping[type[Event], Shown]] = {
    returns.CaseOpened: Shown(happened="expressed_at"),
    returns.ScreeningStarted: Shown(_CARING),
    returns.PersonScreened: Shown(_CARING, "screened_at"),
    returns.ScreeningRecorded: Shown(_SCREENING, "established_at", _PROTECTING, of_screening=True),
    returns.DeclarationSigned: Shown(happened="signed_at"),
    returns.ApplicationSubmitted: Shown(),
    returns.CaseDeclaredIneligible: Shown(),
    returns.CaseApproved: Shown(),
    returns.PreparationStarted: Shown(),
    returns.TravelDocumentRecorded: Shown(),
    returns.EvidenceRecorded: Shown(happened="established_at"),
    returns.ReceptionArranged: Shown(happened="arranged_at"),
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
    returns.ArrivalOverdue: Shown(),
    returns.CaseNotDeparted: Shown(),
    returns.PersonWithdrew: Shown(),
    returns.CaseWithdrawn: Shown(),
    returns.ContactTried: Shown(happened="tried_at"),
    returns.CaseLapsed: Shown(),
    returns.HoldPlaced: Shown(_DECIDING, "placed_at", _PROTECTING),
    returns.HoldLifted: Shown(_DECIDING, "lifted_at", _PROTECTING),
    returns.TransitInterrupted: Shown(happened="interrupted_at"),
    returns.PlanAgreementNoted: Shown(),
    returns.ReintegrationStarted: Shown(),
    returns.GrantStageNoted: Shown(),
    returns.MonitoringStarted: Shown(),
    final_report.FinalReportWritten: Shown(),
    returns.ClosingRequested: Shown(),
    returns.ClosingRefused: Shown(),
    returns.CaseClosed: Shown(),
    reopening.ReopeningRequested: Shown(),
    reopening.ReopeningRefused: Shown(),
    returns.CaseReopened: Shown(),
    corrections.CorrectionAsked: Shown(happened="withdrew_at"),
    corrections.CorrectionRejected: Shown(),
    corrections.DepartureCorrected: Shown(),
    corrections.ArrivalCorrected: Shown(),
    departures.DepartureConfirmationAsked: Shown(happened="asked_at"),
    departures.DepartureConfirmed: Shown(happened="confirmed_at"),
    departures.TicketCostRecorded: Shown(),
    # All support looks alike here. Who is not shown what tells of health is not shown that there was something either.
    support.SupportPlanned: Shown(_SCREENING, None, _PROTECTING, of_screening=True),
    support.SupportGiven: Shown(_SCREENING, None, _PROTECTING, of_screening=True),
    support.SupportCancelled: Shown(_SCREENING, None, _PROTECTING, of_screening=True),
    families.SplitAsked: Shown(),
    families.JoinAsked: Shown(),
    families.RegroupingDropped: Shown(),
    families.FamilySplit: Shown(),
    families.CaseSplitOff: Shown(),
    families.CaseJoined: Shown(),
    families.FamilyJoined: Shown(),
    families.GuardianNoted: Shown(),
    families.GuardianEnded: Shown(),
    families.AgeGroupNoted: Shown(),
}

_BY_KIND: Final = {event.kind: shown for event, shown in TIMELINE.items()}


def shown_to(roles: Collection[str], kind: str, *, screening: bool) -> Shown | None:
    """How facts of this kind are shown to somebody with these roles; None is not at all.

    ``screening`` is whether they are shown what screening found in this case (`is_shown_screening`).
    """
    shown = _BY_KIND.get(kind)
    if shown is None or shown.roles.isdisjoint(roles):
        return None
    return shown if screening or not shown.of_screening else None
