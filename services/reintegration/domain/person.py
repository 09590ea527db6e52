"""What reintegration knows of a person beyond their cases: that they were erased, which receipts are kept, until when."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from shared.contracts.erasure import Deleted
from shared.contracts.reintegration import KeptPapersEnded, PersonErased
from shared.decider import Decider, Events, ReadsFacts, changing, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event

# Financial records are kept seven to ten years, by the donor's rules (domain: retention defaults); we keep to the longest.
KEPT_YEARS: Final = 10


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was erased here.

    ``kept_until`` is the last day on which receipts of money paid to them are kept, if there were any, and
    ``kept_ended_on`` the day on which these were deleted.
    """

    erased_at: datetime
    kept_until: date | None = None
    kept_ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is held of the person: what goes, and how many papers there are of grants on which money was paid, when last.

    ``today`` is the mission's day, and ``grant_ids`` the grants whose papers go, where papers that were kept are to end.
    """

    held: tuple[Deleted, ...] = ()
    receipts: int = 0
    last_paid_on: date | None = None
    grant_ids: tuple[UUID, ...] = ()
    today: date | None = None


class RecordErasure(Command):
    """Erase the person, as data protection decided; receipts of paid money stay until their retention is over."""

    log_first = True


class EndKeptPapers(Command):
    """Delete the receipts that an erasure let stay, as the time is over that was said when it was decided."""


def kept_until(last_paid_on: date) -> date:
    """The last day on which receipts are kept: ten years after the last payment."""
    try:
        return last_paid_on.replace(year=last_paid_on.year + KEPT_YEARS)
    except ValueError:
        return date(last_paid_on.year + KEPT_YEARS, 3, 1)


def _record_erasure(state: Person | None, _: RecordErasure, facts: PersonFacts, context: Context) -> Events:
    if state is not None:
        return ()
    keeps = facts.receipts > 0 and facts.last_paid_on is not None
    return (
        PersonErased(
            erased_at=context.now,
            deleted=facts.held,
            kept=facts.receipts if keeps else 0,
            kept_until=kept_until(facts.last_paid_on) if keeps and facts.last_paid_on is not None else None,
        ),
    )


def _keeps_something(state: Person, _: PersonFacts, __: Context) -> None:
    if state.kept_until is None:
        raise RuleViolation("nothing_kept", "Of this person no receipts are kept.")


@ReadsFacts
def _is_due(state: Person, facts: PersonFacts, _: Context) -> None:
    if state.kept_ended_on is not None or state.kept_until is None:
        return
    if facts.today is None or facts.today <= state.kept_until:
        raise RuleViolation("not_due", "The last day on which these receipts are kept is not over yet.")


def _end_kept_papers(state: Person, _: EndKeptPapers, facts: PersonFacts, __: Context) -> Events:
    if state.kept_ended_on is not None:
        return ()
    assert state.kept_until is not None and facts.today is not None
    return (
        KeptPapersEnded(
            grant_ids=facts.grant_ids, deleted=facts.held, kept_until=state.kept_until, ended_on=facts.today
        ),
    )


def evolve(state: Person | None, event: Event) -> Person:
    """The person after one fact; TypeError for a fact that is none of a person's."""
    match event:
        case PersonErased():
            return Person(event.erased_at, event.kept_until)
        case KeptPapersEnded() if state is not None:
            return replace(state, kept_ended_on=event.ended_on)
        case _:
            raise TypeError(f"{type(event).__name__} is not a fact about a person")


PERSON: Decider[Person, PersonFacts] = Decider(
    rules=(
        recording(RecordErasure, "Erase the person", _record_erasure),
        changing(EndKeptPapers, "Delete receipts whose time is over", _end_kept_papers, _keeps_something, _is_due),
    ),
    evolve=evolve,
    events=(PersonErased, KeptPapersEnded),
)
