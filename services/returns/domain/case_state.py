"""The state of a return case: its status with the declared ways between them, and each person's own travel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from shared.contracts.counselling import AgeGroup, Sex
from shared.contracts.returns import ArrivalNeed, ClosureReason, GrantStage, TravelDocumentKind

Status = Literal[
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board", "departed",
    "arrived", "reintegrating", "grant_approved", "grant_disbursed", "monitoring", "closing", "closed", "withdrawn",
    "ineligible", "not_departed", "lapsed",
]
Travel = Literal["expected", "withdrawn", "departed", "arrived"]

BEFORE_DEPARTURE: Final[tuple[Status, ...]] = (
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board",
)
GATED: Final[tuple[Status, ...]] = ("ready_to_travel", "cleared_to_board")
FOLLOWING_GRANTS: Final[tuple[Status, ...]] = ("reintegrating", "grant_approved", "grant_disbursed", "monitoring")
TERMINAL: Final[tuple[Status, ...]] = ("closed", "withdrawn", "ineligible", "not_departed", "lapsed")

_GRANT_LED: Final = frozenset(FOLLOWING_GRANTS)

# With a booking somebody of such a case is expected at the other end.
AWAITED: Final[tuple[Status, ...]] = ("preparing", "ready_to_travel", "cleared_to_board", "departed")

BEGINNINGS: Final[frozenset[str]] = frozenset({"intention"})
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "intention": frozenset({"screening", "departed", "withdrawn", "lapsed"}),
    "screening": frozenset({"applied", "departed", "withdrawn", "ineligible", "lapsed"}),
    "applied": frozenset({"approved", "departed", "withdrawn", "ineligible", "lapsed"}),
    "approved": frozenset({"preparing", "departed", "withdrawn", "lapsed"}),
    "preparing": frozenset({"ready_to_travel", "departed", "withdrawn", "lapsed"}),
    "ready_to_travel": frozenset({"cleared_to_board", "preparing", "departed", "withdrawn"}),
    "cleared_to_board": frozenset({"preparing", "departed", "withdrawn"}),
    "departed": frozenset({"arrived", "not_departed"}),
    "arrived": frozenset({*_GRANT_LED, "closing"}),
    "reintegrating": frozenset({"grant_approved", "grant_disbursed", "monitoring", "closing"}),
    "grant_approved": frozenset({"reintegrating", "grant_disbursed", "monitoring"}),
    "grant_disbursed": frozenset({"reintegrating", "grant_approved", "monitoring", "closing"}),
    "monitoring": frozenset({"reintegrating", "grant_approved", "grant_disbursed", "closing"}),
    "closing": frozenset({"closed", "arrived", *_GRANT_LED}),
    "closed": frozenset(),
    "withdrawn": frozenset(),
    "ineligible": frozenset(),
    "not_departed": frozenset(),
    "lapsed": frozenset(),
}

# One command may state several facts (the last one waited for withdraws, so the case has departed, and as the others
# have arrived it has arrived), but its row is written once: this is what a row may do, for the database to hold.
ROW_TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    status: (
        to | {"arrived"} | _GRANT_LED if "departed" in to else to | _GRANT_LED if status == "departed" else to
    )
    for status, to in TRANSITIONS.items()
}


@dataclass(frozen=True, slots=True)
class CasePerson:
    """One person of a case with what their own journey needs; ``declared_by`` is who signed the declaration for them.

    ``confirmed_at`` is when an adult last confirmed, for the present booking, that they still wish to go.
    """

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: str
    travel: Travel = "expected"
    screened_at: datetime | None = None
    declared_by: UUID | None = None
    own_plan_id: UUID | None = None
    document: TravelDocumentKind | None = None
    document_valid_until: date | None = None
    confirmed_at: datetime | None = None
    departed_at: datetime | None = None
    arrived_at: datetime | None = None

    @property
    def is_adult(self) -> bool:
        """Whether the person was an adult when the intention was recorded."""
        return self.age_group == "adult"


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
    those of persons who have not left. ``departed_at`` and ``arrived_at`` are when the last of those did with whom the case departed and
    arrived. ``contact_tried_at`` holds the tries since ``last_contact_at``, the latest moment at which somebody of the
    case was certainly in contact with us.
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
    cleared_at: datetime | None = None
    times_missed: int = 0
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    agreed_plan_id: UUID | None = None
    grants: tuple[NotedGrant, ...] = ()
    status_before_closing: Status | None = None
    closure_reason: ClosureReason | None = None

    def person(self, person_id: UUID) -> CasePerson | None:
        """The person of this case under this id, also one who withdrew."""
        return next((person for person in self.persons if person.person_id == person_id), None)

    @property
    def travelling(self) -> tuple[CasePerson, ...]:
        """Those who have neither withdrawn nor left: for them the journey is prepared."""
        return tuple(person for person in self.persons if person.travel == "expected")

    @property
    def gone(self) -> tuple[CasePerson, ...]:
        """Those who have left, arrived or not."""
        return tuple(person for person in self.persons if person.travel in ("departed", "arrived"))

    @property
    def consenting(self) -> tuple[CasePerson, ...]:
        """Those travelling whose own data consent is needed: every adult, and the principal of whatever age."""
        return tuple(
            person for person in self.travelling if person.is_adult or person.person_id == self.principal_id
        )

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


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the persons' records say, and until when everything that happened elsewhere is known here.

    ``followers_caught_up_at`` is the last moment at which every consumer of this service had nothing left to read. A
    shell on a replayed clock hands in the replayed ``now`` while they are caught up. None: not known, so stale.
    """

    persons: tuple[KnownPerson, ...] = ()
    followers_caught_up_at: datetime | None = None

    def of(self, person_id: UUID) -> KnownPerson:
        """What is known of one person; of a stranger, nothing that would let anybody travel."""
        return next((known for known in self.persons if known.person_id == person_id), KnownPerson(person_id))


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
