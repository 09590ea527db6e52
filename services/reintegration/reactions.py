"""What reintegration does about the events of returns: it notes cases, arrivals and ends, and seals."""

from collections.abc import Callable, Mapping

from services.reintegration.domain.case import RecordArrival, RecordCase, RecordCaseEnd, SealCase
from shared.contracts.returns import (
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseWithdrawn,
    ClosingRequested,
    PersonArrived,
)
from shared.messages import Event, Order, Received


def on_case_opened(event: CaseOpened, cause: Received) -> tuple[Order, ...]:
    """Its persons, destination and counsellor are noted."""
    return (
        Order(
            "case",
            cause.subject,
            RecordCase(
                person_ids=tuple(person.person_id for person in event.persons),
                destination_country=event.destination_country,
                counsellor_id=event.counsellor_id,
            ),
        ),
    )


def on_person_arrived(event: PersonArrived, cause: Received) -> tuple[Order, ...]:
    """From now on there may be money for this person."""
    return (
        Order("case", cause.subject, RecordArrival(person_id=event.person_id, arrived_at=event.arrived_at)),
    )


def on_case_ended(
    event: CaseWithdrawn | CaseDeclaredIneligible | CaseLapsed | CaseNotDeparted, cause: Received
) -> tuple[Order, ...]:
    """The case takes no plan and no grant any more; why it ended is none of our business."""
    return (Order("case", cause.subject, RecordCaseEnd()),)


def on_closing_requested(event: ClosingRequested, cause: Received) -> tuple[Order, ...]:
    """Returns waits for our answer, which is `CaseSealed` or `SealRefused`."""
    return (Order("case", cause.subject, SealCase()),)


REACTIONS: Mapping[type[Event], Callable[..., tuple[Order, ...]]] = {
    CaseOpened: on_case_opened,
    PersonArrived: on_person_arrived,
    CaseWithdrawn: on_case_ended,
    CaseDeclaredIneligible: on_case_ended,
    CaseLapsed: on_case_ended,
    CaseNotDeparted: on_case_ended,
    ClosingRequested: on_closing_requested,
}
