"""The return case as a whole: the rules of all its stretches in one decider."""

from services.returns.domain import (
    case_ages,
    case_application,
    case_corrections,
    case_departure_asked,
    case_evidence,
    case_families,
    case_family_changed,
    case_final_report,
    case_holds,
    case_inquiry,
    case_journey,
    case_other_parent,
    case_preparation,
    case_reintegration,
    case_reopening,
    case_screening,
    case_supervision,
    case_support,
    case_tickets,
    case_timers,
    case_withdrawal,
)
from services.returns.domain.case_consequences import looked_at
from services.returns.domain.case_erased import without_the_erased
from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_state import Case, CaseFacts
from shared.contracts import returns
from shared.decider import Decider, Rule

_RULES: tuple[Rule[Case, CaseFacts], ...] = (
    *case_application.RULES,
    *case_screening.RULES,
    *case_preparation.RULES,
    *case_evidence.RULES,
    *case_support.RULES,
    *case_journey.RULES,
    *case_departure_asked.RULES,
    *case_tickets.RULES,
    *case_timers.RULES,
    *case_withdrawal.RULES,
    *case_corrections.RULES,
    *case_holds.RULES,
    *case_final_report.RULES,
    *case_reintegration.RULES,
    *case_reopening.RULES,
    *case_families.RULES,
    *case_family_changed.RULES,
    *case_supervision.RULES,
    *case_other_parent.RULES,
    *case_inquiry.RULES,
    *case_ages.RULES,
)

CASE: Decider[Case, CaseFacts] = Decider(
    rules=tuple(looked_at(without_the_erased(rule)) for rule in _RULES),
    evolve=evolve,
    events=tuple(event for event in returns.EVENTS if event.kind.startswith("avrr.returns.case.")),
)
