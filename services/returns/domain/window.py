"""What somebody outside the mission may be told of a case: a coarse state, whose consent it needs, and how it ends."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from services.returns.domain.case_state import Case, CasePerson, Status, deciding
from shared.contracts.access import StatusReason

PublicState = Literal[
    "in_preparation", "travel_scheduled", "departed", "arrived", "reintegration_ongoing", "closed", "not_coming"
]

PUBLIC_STATES: Final[Mapping[Status, PublicState]] = {
    "intention": "in_preparation",
    "screening": "in_preparation",
    "applied": "in_preparation",
    "approved": "in_preparation",
    "preparing": "in_preparation",
    "ready_to_travel": "travel_scheduled",
    "cleared_to_board": "travel_scheduled",
    "departed": "departed",
    "arrived": "arrived",
    "reintegrating": "reintegration_ongoing",
    "grant_approved": "reintegration_ongoing",
    "grant_disbursed": "reintegration_ongoing",
    "monitoring": "reintegration_ongoing",
    "closing": "reintegration_ongoing",
    "closed": "closed",
    "withdrawn": "not_coming",
    "ineligible": "not_coming",
    "not_departed": "not_coming",
    "lapsed": "not_coming",
    # Whoever comes, comes with the other case.
    "joined": "not_coming",
    # What an office is told goes by the stretch (`state_abroad`); nothing of a hold is seen outside.
    "on_hold": "in_preparation",
}

# An office that was told one of these waits for somebody at an airport.
ARRIVAL_AHEAD: Final[frozenset[PublicState]] = frozenset({"travel_scheduled", "departed"})

# The notice stands for a day from when it was first given, so that a line that breaks loses nothing; then the case is
# as unknown as any other.
NOTICE_STANDS: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """That an office was told of an arrival, and since when, if it was told so since, it knows that nobody comes."""

    told_at: datetime
    not_coming_at: datetime | None = None


def state_abroad(case: Case) -> PublicState:
    """How the case looks from outside: while it is held, as any other that has come as far.

    Somebody may have left although the case had ended. Then it is no longer true that nobody comes, and whoever is
    under way has to be met: it looks as far as they are.
    """
    state = PUBLIC_STATES[case.stretch]
    if state != "not_coming" or not case.gone:
        return state
    return "departed" if any(person.travel == "departed" for person in case.gone) else "arrived"


def coming(case: Case) -> tuple[CasePerson, ...]:
    """Whom an office may expect or has received: all who did not withdraw, and of a case that has ended whoever left."""
    if PUBLIC_STATES[case.stretch] == "not_coming":
        return case.gone
    return tuple(person for person in case.persons if person.travel != "withdrawn")


def statuses_of(state: PublicState) -> list[Status]:
    """Every status that looks like this from outside, of a case that is held the one to which it returns."""
    return [status for status, public in PUBLIC_STATES.items() if public == state]


def is_known_abroad(case: Case) -> bool:
    """Whether the receiving office may know of the case: from approval on, or once somebody has left all the same."""
    return case.approved_by is not None or bool(case.gone)


def whose_consent(case: Case) -> frozenset[UUID]:
    """Who must have agreed to the transfer: every adult who goes, and the principal of whatever age.

    Children go with the consent of the adults of their case; where no adult goes, everybody must have agreed. Where all
    withdrew, all of them are asked about.
    """
    coming = tuple(person for person in case.persons if person.travel != "withdrawn") or case.persons
    return frozenset(person.person_id for person in deciding(coming, case.principal_id))


def answer(
    case: Case, notice: Notice | None, agreed: Collection[UUID] | None, now: datetime
) -> tuple[StatusReason, PublicState | None]:
    """What an office of the case's own country is told, or the true reason why nothing (domain reference 5.4).

    ``agreed`` is who agrees to the transfer at this moment; None, if nobody could say, is no.
    """
    state = state_abroad(case)
    # First of all: while nobody can say who agrees, a case that may not be known is answered as one that is not there.
    if agreed is None:
        return "consent_unanswered", None
    if not is_known_abroad(case):
        return "not_known_abroad", None
    if not whose_consent(case) <= frozenset(agreed):
        return "not_consented", None
    if state == "not_coming" and not _still_to_be_told(notice, now):
        return "ended", None
    return "told", state


def may_confirm_arrival(case: Case, notice: Notice | None) -> bool:
    """Whether an office that was told of this arrival may confirm it, whatever anybody consents to at this moment.

    Somebody of the case is under way, or was: whoever stands at the airport is met and put on record, also while
    counselling does not answer, and nothing is told by it that the office does not see itself.
    """
    return notice is not None and bool(case.gone)


def _still_to_be_told(notice: Notice | None, now: datetime) -> bool:
    if notice is None:
        return False
    return notice.not_coming_at is None or now < notice.not_coming_at + NOTICE_STANDS
