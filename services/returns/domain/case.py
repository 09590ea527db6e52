"""The return case as a whole: the rules of all its stretches in one decider."""

from services.returns.domain import (
    case_application,
    case_journey,
    case_preparation,
    case_reintegration,
    case_withdrawal,
)
from services.returns.domain.case_evolve import evolve
from services.returns.domain.case_state import Case, CaseFacts
from shared.contracts import returns
from shared.decider import Decider

CASE: Decider[Case, CaseFacts] = Decider(
    rules=(
        *case_application.RULES,
        *case_preparation.RULES,
        *case_journey.RULES,
        *case_withdrawal.RULES,
        *case_reintegration.RULES,
    ),
    evolve=evolve,
    events=tuple(event for event in returns.EVENTS if event.kind.startswith("avrr.returns.case.")),
)
