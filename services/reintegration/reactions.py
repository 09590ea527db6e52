"""What reintegration does about others' events: it notes cases, arrivals and ends, seals, and erases."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from services.reintegration.domain.case import (
    RecordArrival,
    RecordArrivalTakenBack,
    RecordCase,
    RecordCaseEnd,
    RecordDeciding,
    RecordDeparture,
    RecordDepartureTakenBack,
    RecordPersonsJoined,
    RecordPersonsLeft,
    RecordProgramme,
    RecordStay,
    SealCase,
    UnsealCase,
)
from services.reintegration.domain.family import RecordFamily, RecordMember, RecordMemberGone
from services.reintegration.domain.person import RecordErasure
from shared.contracts.corrections import ArrivalCorrected, DepartureCorrected
from shared.contracts.counselling import (
    CoveredPerson,
    ErasureApproved,
    FamilyMember,
    FamilyMemberJoined,
    FamilyMemberLeft,
    FamilyRegistered,
)
from shared.contracts.families import (
    AgeGroupNoted,
    CaseJoined,
    CaseSplitOff,
    FamilyJoined,
    FamilySplit,
    GoingOn,
)
from shared.contracts.returns import (
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseReopened,
    CaseWithdrawn,
    ClosingRequested,
    PersonArrived,
    PersonDeparted,
    PersonWithdrew,
    PreparationStarted,
)
from shared.messages import Event, Order, Received


def on_case_opened(event: CaseOpened | CaseSplitOff, cause: Received) -> tuple[Order, ...]:
    """Its persons, destination and counsellor are noted."""
    return (
        Order(
            "case",
            cause.subject,
            RecordCase(
                person_ids=tuple(person.person_id for person in event.persons),
                destination_country=event.destination_country,
                counsellor_id=event.counsellor_id,
                deciding_ids=_deciding(event.persons, event.principal_id),
                programme=event.programme if isinstance(event, CaseSplitOff) else None,
            ),
        ),
    )


def on_preparation_started(event: PreparationStarted, cause: Received) -> tuple[Order, ...]:
    """Which funds pay for its grants, and what is asked of them, goes by the programme."""
    return (Order("case", cause.subject, RecordProgramme(programme=event.programme)),)


def on_family_registered(event: FamilyRegistered, cause: Received) -> tuple[Order, ...]:
    """Its cap is one for all of them."""
    member_ids = tuple(member.person_id for member in event.members if _counts(member))
    return (Order("family", cause.subject, RecordFamily(member_ids=member_ids)),)


def on_member_joined(event: FamilyMemberJoined, cause: Received) -> tuple[Order, ...]:
    """From now on the family's cap counts them too."""
    if not _counts(event.member):
        return ()
    return (Order("family", cause.subject, RecordMember(person_id=event.member.person_id)),)


def on_member_left(event: FamilyMemberLeft, cause: Received) -> tuple[Order, ...]:
    """From now on the family's cap does not count them."""
    return (Order("family", cause.subject, RecordMemberGone(person_id=event.person_id)),)


def _counts(member: FamilyMember) -> bool:
    # Somebody may be the guardian of children of many families, and belongs to none of them for it.
    return member.relation != "guardian"


def on_family_split(event: FamilySplit, cause: Received) -> tuple[Order, ...]:
    """These persons belong to a case of their own, which is noted by its own beginning."""
    return (Order("case", cause.subject, RecordPersonsLeft(person_ids=event.person_ids)),)


def on_family_joined(event: FamilyJoined, cause: Received) -> tuple[Order, ...]:
    """These persons belong to this case from now on; the one that they come from has ended."""
    person_ids = tuple(person.person_id for person in event.persons)
    joined = RecordPersonsJoined(person_ids=person_ids, deciding_ids=_deciding(event.persons, None))
    return (Order("case", cause.subject, joined),)


def on_age_group_noted(event: AgeGroupNoted, cause: Received) -> tuple[Order, ...]:
    """Whoever turns out to be a child consents for nobody, and an adult for themselves."""
    return (Order("case", cause.subject, RecordDeciding(deciding_ids=event.deciding_ids)),)


def on_person_withdrew(event: PersonWithdrew, cause: Received) -> tuple[Order, ...]:
    """Nobody abroad is told of who stays, nor is anything planned for them."""
    return (Order("case", cause.subject, RecordStay(person_id=event.person_id)),)


def on_person_departed(event: PersonDeparted, cause: Received) -> tuple[Order, ...]:
    """Somebody who had withdrawn and left all the same belongs to the case again."""
    return (Order("case", cause.subject, RecordDeparture(person_id=event.person_id)),)


def on_departure_corrected(event: DepartureCorrected, cause: Received) -> tuple[Order, ...]:
    """Somebody who had withdrawn did stay."""
    return (Order("case", cause.subject, RecordDepartureTakenBack(person_id=event.person_id)),)


def on_person_arrived(event: PersonArrived, cause: Received) -> tuple[Order, ...]:
    """From now on there may be money for this person."""
    return (
        Order("case", cause.subject, RecordArrival(person_id=event.person_id, arrived_at=event.arrived_at)),
    )


def on_arrival_corrected(event: ArrivalCorrected, cause: Received) -> tuple[Order, ...]:
    """There is no money for this person until they have arrived."""
    return (Order("case", cause.subject, RecordArrivalTakenBack(person_id=event.person_id)),)


def on_case_ended(
    event: CaseWithdrawn | CaseDeclaredIneligible | CaseLapsed | CaseNotDeparted | CaseJoined, cause: Received
) -> tuple[Order, ...]:
    """The case takes no plan and no grant any more; why it ended is none of our business."""
    return (Order("case", cause.subject, RecordCaseEnd()),)


def on_closing_requested(event: ClosingRequested, cause: Received) -> tuple[Order, ...]:
    """Returns waits for our answer, which is `CaseSealed` or `SealRefused`."""
    return (Order("case", cause.subject, SealCase()),)


def on_case_reopened(_: CaseReopened, cause: Received) -> tuple[Order, ...]:
    """There may be grants again, until it is closed once more."""
    return (Order("case", cause.subject, UnsealCase()),)


def on_erasure_approved(_: ErasureApproved, cause: Received) -> tuple[Order, ...]:
    """The person is erased here too; our `PersonErased` confirms it and says what is kept."""
    return (Order("person", cause.subject, RecordErasure()),)


def _deciding(persons: Sequence[CoveredPerson | GoingOn], principal_id: UUID | None) -> tuple[UUID, ...]:
    if not any(person.age_group == "adult" for person in persons):
        # Where nobody is noted, nobody consents for anybody else, and the case goes by everybody's consent.
        return ()
    return tuple(
        person.person_id for person in persons if person.age_group == "adult" or person.person_id == principal_id
    )


REACTIONS: Mapping[type[Event], Callable[..., tuple[Order, ...]]] = {
    CaseOpened: on_case_opened,
    CaseSplitOff: on_case_opened,
    PreparationStarted: on_preparation_started,
    FamilyRegistered: on_family_registered,
    FamilyMemberJoined: on_member_joined,
    FamilyMemberLeft: on_member_left,
    FamilySplit: on_family_split,
    FamilyJoined: on_family_joined,
    AgeGroupNoted: on_age_group_noted,
    PersonWithdrew: on_person_withdrew,
    PersonDeparted: on_person_departed,
    DepartureCorrected: on_departure_corrected,
    PersonArrived: on_person_arrived,
    ArrivalCorrected: on_arrival_corrected,
    CaseWithdrawn: on_case_ended,
    CaseDeclaredIneligible: on_case_ended,
    CaseLapsed: on_case_ended,
    CaseNotDeparted: on_case_ended,
    CaseJoined: on_case_ended,
    ClosingRequested: on_closing_requested,
    CaseReopened: on_case_reopened,
    ErasureApproved: on_erasure_approved,
}
