"""What counselling does when returns reports that an attempt has ended: those persons may begin another."""

from collections.abc import Callable, Mapping
from uuid import UUID

from services.counselling.domain.intention import RecordAttemptEnded
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


def on_person_withdrew(event: PersonWithdrew, cause: Received) -> tuple[Order, ...]:
    """One person stays behind; the attempt goes on for the others."""
    return _attempt_ended((event.person_id,), cause)


def _attempt_ended(person_ids: tuple[UUID, ...], cause: Received) -> tuple[Order, ...]:
    # A case carries the id of the intention that began it.
    return (Order("intention", cause.subject, RecordAttemptEnded(person_ids=person_ids)),)


REACTIONS: Mapping[type[Event], Callable[..., tuple[Order, ...]]] = {
    CaseWithdrawn: on_case_withdrawn,
    CaseDeclaredIneligible: on_case_declared_ineligible,
    CaseLapsed: on_case_lapsed,
    CaseNotDeparted: on_case_not_departed,
    CaseClosed: on_case_closed,
    PersonWithdrew: on_person_withdrew,
}
