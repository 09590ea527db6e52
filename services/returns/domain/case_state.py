"""The state of a return case: its status with the declared ways between them, and each person's own travel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from services.returns.domain.final_report import FinalReport
from services.returns.domain.holds import Hold
from services.returns.domain.screening import PersonScreening
from services.returns.domain.support import Support
from services.returns.domain.tickets import TicketCost
from shared.contracts.corrections import Correctable
from shared.contracts.counselling import AgeGroup, Sex
from shared.contracts.families import NotSettled, OtherParent, Supervision
from shared.contracts.reopening import ReopeningReason
from shared.contracts.returns import (
    ArrivalNeed,
    Assistance,
    ClosureReason,
    EvidenceKind,
    FitnessCondition,
    FitnessOutcome,
    GrantStage,
    TravelDocumentKind,
)

Status = Literal[
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board", "departed",
    "arrived", "reintegrating", "grant_approved", "grant_disbursed", "monitoring", "closing", "closed", "withdrawn",
    "ineligible", "not_departed", "lapsed", "joined", "on_hold",
]
# For so long after it what was told by other services counts as known.
FACTS_HOLD: Final = timedelta(seconds=60)
# For so long after it a clearance to board stands.
CLEARANCE_HOLDS: Final = timedelta(hours=24)

Travel = Literal["expected", "withdrawn", "departed", "arrived"]

BEFORE_DEPARTURE: Final[tuple[Status, ...]] = (
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board",
)
GATED: Final[tuple[Status, ...]] = ("ready_to_travel", "cleared_to_board")
FOLLOWING_GRANTS: Final[tuple[Status, ...]] = ("reintegrating", "grant_approved", "grant_disbursed", "monitoring")
# Where a case may be when it is put on hold. While it is being closed the answer is a moment away.
HOLDABLE: Final[tuple[Status, ...]] = (*BEFORE_DEPARTURE, "departed", "arrived", *FOLLOWING_GRANTS)
TERMINAL: Final[tuple[Status, ...]] = ("closed", "withdrawn", "ineligible", "not_departed", "lapsed", "joined")
# Where a family may part and come together again. Whoever is cleared to board leaves as they were cleared.
REGROUPING: Final[tuple[Status, ...]] = ("intention", "screening", "applied", "approved", "preparing", "ready_to_travel")

_GRANT_LED: Final = frozenset(FOLLOWING_GRANTS)

# With a booking somebody of such a case is expected at the other end.
AWAITED: Final[tuple[Status, ...]] = ("preparing", "ready_to_travel", "cleared_to_board", "departed")

BEGINNINGS: Final[frozenset[str]] = frozenset({"intention"})
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "intention": frozenset({"screening", "departed", "withdrawn", "lapsed", "joined", "on_hold"}),
    "screening": frozenset({"applied", "departed", "withdrawn", "ineligible", "lapsed", "joined", "on_hold"}),
    "applied": frozenset({"approved", "departed", "withdrawn", "ineligible", "lapsed", "joined", "on_hold"}),
    "approved": frozenset({"preparing", "departed", "withdrawn", "lapsed", "joined", "on_hold"}),
    "preparing": frozenset({"ready_to_travel", "departed", "withdrawn", "lapsed", "joined", "on_hold"}),
    "ready_to_travel": frozenset({"cleared_to_board", "preparing", "departed", "withdrawn", "joined", "on_hold"}),
    "cleared_to_board": frozenset({"preparing", "departed", "withdrawn", "on_hold"}),
    # Back only where two people have said that it was recorded wrongly.
    "departed": frozenset({"arrived", "not_departed", "preparing", "on_hold"}),
    "arrived": frozenset({*_GRANT_LED, "departed", "closing", "on_hold"}),
    "reintegrating": frozenset({"grant_approved", "grant_disbursed", "monitoring", "closing", "on_hold"}),
    "grant_approved": frozenset({"reintegrating", "grant_disbursed", "monitoring", "on_hold"}),
    "grant_disbursed": frozenset({"reintegrating", "grant_approved", "monitoring", "closing", "on_hold"}),
    "monitoring": frozenset({"reintegrating", "grant_approved", "grant_disbursed", "closing", "on_hold"}),
    "closing": frozenset({"closed", "arrived", *_GRANT_LED}),
    # The one ending that can be taken back: what is over is the support, not the journey.
    "closed": _GRANT_LED,
    "withdrawn": frozenset(),
    "ineligible": frozenset(),
    "not_departed": frozenset(),
    "lapsed": frozenset(),
    "joined": frozenset(),
    # Back to where it was, or to where it has come meanwhile; never past the gate.
    "on_hold": frozenset({*(frozenset(HOLDABLE) - frozenset(GATED)), "withdrawn"}),
}

# One command may state several facts (the last one waited for withdraws, so the case has departed, and as the others
# have arrived it has arrived; whoever did not leave after all had withdrawn), but its row is written once: this is what a
# row may do, for the database to hold.
_BESIDES: Final[Mapping[str, frozenset[str]]] = {
    "departed": _GRANT_LED | {"withdrawn"},
    "arrived": frozenset(),
}
ROW_TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    status: to | _BESIDES.get(status, _GRANT_LED | {"arrived"} if "departed" in to else frozenset())
    for status, to in TRANSITIONS.items()
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is on record for one person's journey: of what kind, since when, from which to which day it holds.

    ``outcome`` and ``conditions`` are a decision's on fitness to travel; of supervision the latter are who sees to it where,
    of the other parent the one thing by which that is settled, or why it is not. ``country`` is for which one a transit
    visa is; of one that was recorded before visas said so it is None.
    """

    kind: EvidenceKind
    established_at: datetime
    valid_from: date | None = None
    valid_until: date | None = None
    outcome: FitnessOutcome | None = None
    conditions: tuple[FitnessCondition | Supervision | OtherParent | NotSettled, ...] = ()
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """The question whether a person's departure or arrival was recorded wrongly, which is for somebody else to decide.

    ``withdrew_at`` is when the person had withdrawn, where that is why.
    """

    of: Correctable
    asked_by: str
    asked_at: datetime
    withdrew_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CasePerson:
    """One person of a case with what their own journey needs; ``declared_by`` is who signed the declaration for them.

    ``confirmed_at`` is when an adult last confirmed, for the present booking, that they still wish to go. ``evidence``
    is the latest of each kind, for as long as the journey needs it. Of somebody under way ``expected_at`` is when they
    should land, as it was booked when they left, and ``overdue_at`` the same once it was said that nobody confirmed it.
    ``withdrew`` is whether they ever withdrew, also if they left afterwards; ``correction`` is what is asked about the
    record of their journey; ``guardian_id`` is who stands up for a child and does not travel with it; ``parent_ids`` are both
    parents of a child, where it is known who they are.
    """

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: str
    travel: Travel = "expected"
    declared_by: UUID | None = None
    own_plan_id: UUID | None = None
    document: TravelDocumentKind | None = None
    document_valid_until: date | None = None
    evidence: tuple[Evidence, ...] = ()
    assistance: tuple[Assistance, ...] = ()
    confirmed_at: datetime | None = None
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    expected_at: datetime | None = None
    overdue_at: datetime | None = None
    withdrew: bool = False
    correction: Correction | None = None
    guardian_id: UUID | None = None
    parent_ids: tuple[UUID, ...] = ()

    @property
    def recorded_as_adult(self) -> bool:
        """Whether the person was recorded as an adult with the intention, or since their year of birth was corrected; who counts as one, `of_age` says."""
        return self.age_group == "adult"

    def has(self, kind: EvidenceKind) -> Evidence | None:
        """The latest evidence of a kind."""
        return next((one for one in self.evidence if one.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Booking:
    """Confirmed seats to the final destination, for these persons."""

    departs_at: datetime
    arrives_at: datetime
    person_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class NotedGrant:
    """How far one grant of the case is, as reintegration last told."""

    grant_id: UUID
    stage: GrantStage


@dataclass(frozen=True, slots=True)
class Case:
    """A return case from an intention to its end.

    ``departs_at``, ``arrives_at``, ``booked_person_ids``, ``flight`` and ``needs`` are the present booking, its seats
    those of persons who have not left, ``booked_at`` when it was recorded and ``times_booked`` how many there were with it; ``transit_country``, ``transit_visa_needed``
    and ``reception_arranged_at`` are what goes with it, as each person's ``assistance`` and exit formalities do. ``departed_at`` and ``arrived_at`` are when the last of those did with whom the case departed and
    arrived. ``contact_tried_at`` holds the tries since ``last_contact_at``, the latest moment at which somebody of the
    case was certainly in contact with us, but for what screening tells of it (`in_contact_at`). ``reopening_reason`` is why a closed case is to be taken up again, until
    counselling has answered. ``holds`` are all that were placed while the case had not ended, and
    ``status_before_hold`` is where it goes on once none of them stands.

    ``holds_until`` is when time alone unmakes the readiness or the clearance that the case has, as far as the case
    itself knows; ``clearance_lapsed_at`` when time last did. ``arrival_due_at`` is when it has next to be said that
    nobody confirmed an arrival, ``arrival_overdue_at`` when the first of those should have landed of whom that was said.

    ``screening`` is what was found out about those who still travel, with the alerts about anybody that protection has not
    closed; ``protection_since`` is since when protection has to look at the case, for an alert or for a hold of its own.
    ``supports`` is what its persons need on the way, planned or given, in the order in which it became known;
    ``final_report`` is what it is closed with.

    ``split_from`` is the case from which this one was split off, ``split_into`` those that were split off from it, and
    ``joined_into`` the one in which everybody of it goes on. ``regrouping_with`` is the case with which that was asked for,
    until counselling has answered. ``correction_since`` is since when somebody has to decide whether a journey was recorded
    wrongly, ``inquired_since`` since when the office abroad is asked about the family that would receive a child.

    ``departure_asked_at`` is since when that office waits to hear whether those under way departed at all, and
    ``departure_confirmed_at`` when it was last told that they did; ``ticket_costs`` is what its bookings cost.
    """

    case_ref: str
    status: Status
    destination_country: str
    principal_id: UUID
    counsellor_id: str
    persons: tuple[CasePerson, ...]
    expressed_at: datetime
    last_contact_at: datetime
    contact_tried_at: tuple[datetime, ...] = ()
    submitted_by: str | None = None
    approved_by: str | None = None
    programme: str | None = None
    receiving_country: str | None = None
    departs_at: datetime | None = None
    arrives_at: datetime | None = None
    booked_person_ids: tuple[UUID, ...] = ()
    flight: str | None = None
    needs: tuple[ArrivalNeed, ...] = ()
    transit_country: str | None = None
    transit_visa_needed: bool = False
    booked_at: datetime | None = None
    reception_arranged_at: datetime | None = None
    cleared_at: datetime | None = None
    clearance_lapsed_at: datetime | None = None
    holds_until: datetime | None = None
    times_missed: int = 0
    times_booked: int = 0
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    arrival_due_at: datetime | None = None
    arrival_overdue_at: datetime | None = None
    agreed_plan_id: UUID | None = None
    grants: tuple[NotedGrant, ...] = ()
    status_before_closing: Status | None = None
    closure_reason: ClosureReason | None = None
    reopening_reason: ReopeningReason | None = None
    holds: tuple[Hold, ...] = ()
    status_before_hold: Status | None = None
    screening: tuple[PersonScreening, ...] = ()
    protection_since: datetime | None = None
    supports: tuple[Support, ...] = ()
    split_from: UUID | None = None
    split_into: tuple[UUID, ...] = ()
    joined_into: UUID | None = None
    regrouping_with: UUID | None = None
    correction_since: datetime | None = None
    inquired_since: datetime | None = None
    final_report: FinalReport | None = None
    departure_asked_at: datetime | None = None
    departure_confirmed_at: datetime | None = None
    ticket_costs: tuple[TicketCost, ...] = ()

    @property
    def in_contact_at(self) -> datetime:
        """When somebody of the case was last in contact with us, also in screening.

        An alert that is closed, an assessment of protection's and a panel are no contact. That one of them was recorded
        would show in ``last_contact_at``, which all staff are shown; so no part of screening stands in that.
        """
        heard = (part for one in self.screening for part in (one.voluntariness, one.fear, one.vulnerability) if part)
        return max((self.last_contact_at, *(part.at for part in heard)))

    @property
    def stretch(self) -> Status:
        """How far the case is on its way, whatever holds it there: its status but for holds."""
        return self.status_before_hold or self.status

    def person(self, person_id: UUID) -> CasePerson | None:
        """The person of this case under this id, also one who withdrew."""
        return next((person for person in self.persons if person.person_id == person_id), None)

    def screening_of(self, person_id: UUID) -> PersonScreening:
        """What screening found out about one person; of whom nothing was recorded, nothing."""
        return next((one for one in self.screening if one.person_id == person_id), PersonScreening(person_id))

    @property
    def travelling(self) -> tuple[CasePerson, ...]:
        """Those who have neither withdrawn nor left: for them the journey is prepared."""
        return tuple(person for person in self.persons if person.travel == "expected")

    @property
    def gone(self) -> tuple[CasePerson, ...]:
        """Those who have left, arrived or not."""
        return tuple(person for person in self.persons if person.travel in ("departed", "arrived"))

    @property
    def under_way(self) -> tuple[CasePerson, ...]:
        """Those who have left and have not arrived, whatever became of the case."""
        return tuple(person for person in self.persons if person.travel == "departed")

    @property
    def consenting(self) -> tuple[CasePerson, ...]:
        """Those travelling whose own data consent is needed: every adult, and the principal of whatever age.

        Where no adult travels, nobody consents for anybody else, so it is everybody's.
        """
        return deciding(self.travelling, self.principal_id)

    @property
    def booking(self) -> Booking | None:
        """The present booking, if there is one."""
        if self.departs_at is None or self.arrives_at is None:
            return None
        return Booking(self.departs_at, self.arrives_at, self.booked_person_ids)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What the records of persons say about one person of the case."""

    person_id: UUID
    counselled_at: datetime | None = None
    data_consent: bool = False
    heard_alone: bool = False
    erased: bool = False
    data_expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the persons' records say, and until when everything that happened elsewhere is known here.

    ``followers_caught_up_at`` is the last moment at which every consumer of this service had nothing left to read. A
    shell on a replayed clock hands in the replayed ``now`` while they are caught up. None: not known, so stale.
    Whether somebody of the case was erased or has another open case is asked to reopen it, and of whoever left but goes on
    with it no more, who the guardian to be is as one is recorded; ``other`` is the case that a command names besides its own.
    """

    persons: tuple[KnownPerson, ...] = ()
    followers_caught_up_at: datetime | None = None
    anybody_erased: bool = False
    in_another_case: bool = False
    guardian_erased: bool = False
    guardian_is_a_child: bool = False
    other: "Case | None" = None
    own_id: UUID | None = None

    def are_fresh(self, at: datetime) -> bool:
        """Whether all that happened elsewhere was known here at this moment, or a little before.

        A clock may run a little before or behind another's; beyond the limit on either side nothing is known.
        """
        return self.followers_caught_up_at is not None and abs(at - self.followers_caught_up_at) <= FACTS_HOLD

    def of(self, person_id: UUID) -> KnownPerson:
        """What is known of one person; of a stranger, nothing that would let anybody travel."""
        return next((known for known in self.persons if known.person_id == person_id), KnownPerson(person_id))


def deciding(persons: tuple[CasePerson, ...], principal_id: UUID) -> tuple[CasePerson, ...]:
    """Whose consent these persons go with: of the adults among them and the principal; with no adult, of everybody."""
    # As they are recorded: whoever asks by the same rule is told nothing of a doubt. What that asks for, the checklist does.
    if not any(person.recorded_as_adult for person in persons):
        return persons
    return tuple(person for person in persons if person.recorded_as_adult or person.person_id == principal_id)


def standing(grants: Iterable[NotedGrant]) -> Status:
    """The status that a case's grants give it once reintegration has started.

    Live is a grant that has not ended. A paid grant counts as approved, so that a new request beside it does not hide
    that there is a grant; without any grant the case is reintegrating.
    """
    stages = [grant.stage for grant in grants]
    live = [stage for stage in stages if stage != "ended"]
    if not stages:
        return "reintegrating"
    if not live:
        return "monitoring"
    if all(stage == "disbursed" for stage in live):
        return "grant_disbursed"
    if any(stage in ("approved", "disbursed") for stage in live):
        return "grant_approved"
    return "reintegrating"


def with_grant(grants: tuple[NotedGrant, ...], grant_id: UUID, stage: GrantStage) -> tuple[NotedGrant, ...]:
    """The grants with one of them at this stage, in the order in which they became known."""
    noted = NotedGrant(grant_id, stage)
    if any(grant.grant_id == grant_id for grant in grants):
        return tuple(noted if grant.grant_id == grant_id else grant for grant in grants)
    return (*grants, noted)
