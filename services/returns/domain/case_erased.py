"""Somebody who was erased: nothing is recorded beside the log about them any more, whatever else is."""

from dataclasses import dataclass, replace

from services.returns.domain.case_state import Case, CaseFacts
from shared.contracts.returns import EvidenceRecorded, ScreeningRecorded
from shared.decider import Events, Rule
from shared.errors import RuleViolation
from shared.messages import Command, Context


@dataclass(frozen=True, slots=True)
class _WithoutTheErased:
    rule: Rule[Case, CaseFacts]

    def __call__(self, state: Case | None, command: Command, facts: CaseFacts, context: Context) -> Events:
        told = self.rule.then(state, command, facts, context)
        about_erased = [
            event for event in told
            if isinstance(event, ScreeningRecorded | EvidenceRecorded) and facts.of(event.person_id).erased
        ]  # fmt: skip
        asked_about = getattr(command, "person_id", None)
        # What changes nothing is no answer to whoever ordered it; a reaction takes note all the same.
        nothing_else = self.rule.on == "existing" and 0 < len(told) == len(about_erased)
        if nothing_else or any(event.person_id == asked_about for event in about_erased):
            raise RuleViolation("person_erased", "This person was erased. Nothing can be recorded about them any more.")
        return tuple(event for event in told if event not in about_erased)


def without_the_erased(rule: Rule[Case, CaseFacts]) -> Rule[Case, CaseFacts]:
    """The same rule, which finds out nothing about anybody erased: ``person_erased`` if that is what was ordered,
    or all that an order would change.

    That they left, withdrew or arrived is recorded as of anybody. Protection is called for nobody of whom nothing is known.
    """
    return replace(rule, then=_WithoutTheErased(rule))
