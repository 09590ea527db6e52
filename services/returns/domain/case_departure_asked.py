"""Whether the persons departed at all: the office to which nobody has come asks, and the mission looks into it."""

from datetime import datetime

from services.returns.domain.case_corrections import no_correction_open
from services.returns.domain.case_guards import also_on_hold, open_or_somebody_under_way
from services.returns.domain.case_journey import SILENCE_BEFORE_NOT_DEPARTED
from services.returns.domain.case_state import Case, CaseFacts
from shared.contracts.departures import DepartureConfirmationAsked, DepartureConfirmed
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context


class AskToConfirmDeparture(Command):
    """Ask the mission whether the persons departed at all, 30 days after the departure of which it told.

    It looks into it, and confirms the departure or that nobody departed. Once it has confirmed, it may be asked again in
    another 30 days.
    """


class ConfirmDeparture(Command):
    """Confirm that the persons departed as it is recorded, after the receiving office has asked and somebody has looked.

    Where nobody departed, confirm that instead: it ends the case. Where only some did not, or the case has ended, have
    the departures that are wrong corrected.
    """


def _somebody_is_under_way(case: Case, facts: CaseFacts, context: Context) -> None:
    # Whoever left though their case had ended, or before the others, may be the very one who is missed; and the office
    # must not learn from the answer that it ended. On hold as well: so may be whoever was stopped on the way.
    if not case.under_way:
        also_on_hold("departed")(case, facts, context)


def _nobody_came_for_long(case: Case, _: CaseFacts, context: Context) -> None:
    last = _last_said(case)
    if last is None or context.now < last + SILENCE_BEFORE_NOT_DEPARTED:
        raise RuleViolation(
            "too_early",
            "Not until 30 days after the departure, or after the mission last confirmed it, can the mission be asked whether "
            "the persons departed. Call the mission if it presses.",
        )


def _last_said(case: Case) -> datetime | None:
    if not case.under_way:
        return None
    said = (case.departed_at, case.departure_confirmed_at, *(person.departed_at for person in case.gone))
    return max(at for at in said if at is not None)


def _not_asked_yet(case: Case, _: CaseFacts, __: Context) -> None:
    if case.departure_asked_at is not None:
        raise RuleViolation("asked_already", "The mission was asked already and has not answered yet.")


def _is_asked(case: Case, _: CaseFacts, __: Context) -> None:
    if case.departure_asked_at is None:
        raise RuleViolation("nothing_asked", "The receiving office has not asked whether the persons of this case departed.")


def _ask(_: Case, __: AskToConfirmDeparture, ___: CaseFacts, context: Context) -> Events:
    return (DepartureConfirmationAsked(asked_at=context.now),)


def _confirm(_: Case, __: ConfirmDeparture, ___: CaseFacts, context: Context) -> Events:
    return (DepartureConfirmed(confirmed_by=context.actor.person_id, confirmed_at=context.now),)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(
        AskToConfirmDeparture, "Ask whether they departed", _ask, _somebody_is_under_way, _nobody_came_for_long,
        _not_asked_yet,
    ),
    changing(ConfirmDeparture, "Confirm the departure", _confirm, open_or_somebody_under_way, _is_asked, no_correction_open),
)
