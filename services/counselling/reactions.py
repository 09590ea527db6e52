"""What counselling does about the others' events: whose attempt ended may begin another; who erased a person is noted."""

from collections.abc import Callable, Mapping
from uuid import UUID

from services.counselling.domain.attempt_moves import (
    RecordAttemptMoved,
    RecordAttemptTakenOver,
    RecordMoveAsked,
)
from services.counselling.domain.case_guardian import (
    RecordCaseGuardian,
    RecordCaseGuardianEnded,
    RecordCaseGuardianMoved,
)
from services.counselling.domain.erasure import RecordErasureConfirmed, RecordPapersEnd
from services.counselling.domain.intention import RecordAttemptEnded, RecordReopeningAsked
from shared.contracts import BY_SERVICE
from shared.contracts.erasure import HOLDERS, Erased
from shared.contracts.families import (
    CaseJoined,
    FamilySplit,
    GuardianEnded,
    GuardianNoted,
    JoinAsked,
    SplitAsked,
)
from shared.contracts.reintegration import KeptPapersEnded
from shared.contracts.reopening import ReopeningRequested
from shared.contracts.returns import (
    CaseClosed,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseWithdrawn,
    PersonWithdrew,
)
from shared.messages import Event, Order, Received


def on_case_withdrawn(event: CaseWithdrawn, cause: Received) -> tuple[Order, ...]:
    """The migrant withdrew."""
    return _attempt_ended(event.person_ids, cause)


def on_case_declared_ineligible(event: CaseDeclaredIneligible, cause: Received) -> tuple[Order, ...]:
    """Assistance was refused."""
    return _attempt_ended(event.person_ids, cause)


def on_case_lapsed(event: CaseLapsed, cause: Received) -> tuple[Order, ...]:
    """Contact was lost before departure."""
    return _attempt_ended(event.person_ids, cause)


def on_case_not_departed(event: CaseNotDeparted, cause: Received) -> tuple[Order, ...]:
    """Nobody departed after all."""
    return _attempt_ended(event.person_ids, cause)


def on_case_closed(event: CaseClosed, cause: Received) -> tuple[Order, ...]:
    """Return and reintegration are over."""
    return _attempt_ended(event.person_ids, cause)


def on_reopening_requested(event: ReopeningRequested, cause: Received) -> tuple[Order, ...]:
    """Returns waits for our answer: who begins another attempt or is erased is known here, and decided in one place."""
    return (Order("intention", cause.subject, RecordReopeningAsked(person_ids=event.person_ids)),)


def on_split_asked(event: SplitAsked, cause: Received) -> tuple[Order, ...]:
    """Returns waits for our answer whether these persons may go on with a case of their own."""
    asked = RecordMoveAsked(to_id=event.new_case_id, person_ids=event.person_ids, principal_id=event.principal_id)
    return (Order("intention", cause.subject, asked),)


def on_join_asked(event: JoinAsked, cause: Received) -> tuple[Order, ...]:
    """Returns waits for our answer whether these persons may go on in another case."""
    return (Order("intention", cause.subject, RecordMoveAsked(to_id=event.into_case_id, person_ids=event.person_ids)),)


def on_family_split(event: FamilySplit, cause: Received) -> tuple[Order, ...]:
    """The attempt of these persons goes on under the new case's id."""
    return _moved(event.person_ids, cause.subject, event.new_case_id, event.principal_id)


def on_case_joined(event: CaseJoined, cause: Received) -> tuple[Order, ...]:
    """The attempt of these persons goes on under the other case's id."""
    return _moved(event.person_ids, cause.subject, event.into_case_id, event.person_ids[0])


def on_guardian_noted(event: GuardianNoted, cause: Received) -> tuple[Order, ...]:
    """Returns is answered whether it can be them: who is registered and not erased is known here."""
    return (Order("person", event.person_id, RecordCaseGuardian(guardian_id=event.guardian_id, case_id=cause.subject)),)


def on_guardian_ended(event: GuardianEnded, cause: Received) -> tuple[Order, ...]:
    """Nobody is kept for this child any more."""
    ended = RecordCaseGuardianEnded(guardian_id=event.guardian_id, case_id=cause.subject)
    return (Order("person", event.person_id, ended),)


def on_person_withdrew(event: PersonWithdrew, cause: Received) -> tuple[Order, ...]:
    """One person stays behind; the attempt goes on for the others."""
    return _attempt_ended((event.person_id,), cause)


def on_person_erased(event: Erased, cause: Received) -> tuple[Order, ...]:
    """A service has erased the person as it was told to."""
    service = event.kind.split(".")[1]
    confirmed = RecordErasureConfirmed(
        service=service, erased_at=event.erased_at, kept=event.kept, kept_until=event.kept_until
    )
    return (Order("person", cause.subject, confirmed),)


def on_kept_papers_ended(event: KeptPapersEnded, cause: Received) -> tuple[Order, ...]:
    """What reintegration kept of somebody erased is deleted too."""
    return (Order("person", cause.subject, RecordPapersEnd(service="reintegration", ended_on=event.ended_on)),)


def _moved(person_ids: tuple[UUID, ...], before: UUID, after: UUID, principal_id: UUID) -> tuple[Order, ...]:
    along = RecordCaseGuardianMoved(from_id=before, to_id=after)
    return (
        # Whoever erases a person holds the person first, then what is known of their attempt.
        *(Order("person", id, along) for id in sorted(set(person_ids))),
        # Who is taken over is told by the attempt that they leave, as long as they have not left it.
        Order("intention", after, RecordAttemptTakenOver(from_id=before, person_ids=person_ids, principal_id=principal_id)),
        Order("intention", before, RecordAttemptMoved(to_id=after, person_ids=person_ids)),
    )


def _attempt_ended(person_ids: tuple[UUID, ...], cause: Received) -> tuple[Order, ...]:
    # A case carries the id of the intention that began it.
    return (Order("intention", cause.subject, RecordAttemptEnded(person_ids=person_ids)),)


REACTIONS: Mapping[type[Event], Callable[..., tuple[Order, ...]]] = {
    CaseWithdrawn: on_case_withdrawn,
    CaseDeclaredIneligible: on_case_declared_ineligible,
    CaseLapsed: on_case_lapsed,
    CaseNotDeparted: on_case_not_departed,
    CaseClosed: on_case_closed,
    ReopeningRequested: on_reopening_requested,
    SplitAsked: on_split_asked,
    JoinAsked: on_join_asked,
    FamilySplit: on_family_split,
    CaseJoined: on_case_joined,
    PersonWithdrew: on_person_withdrew,
    GuardianNoted: on_guardian_noted,
    GuardianEnded: on_guardian_ended,
    KeptPapersEnded: on_kept_papers_ended,
    # Each of the other services says it with an event of its own.
    **{
        event: on_person_erased
        for service in HOLDERS
        for event in BY_SERVICE[service]
        if issubclass(event, Erased) and service != "counselling"
    },
}
