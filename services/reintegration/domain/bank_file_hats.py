"""Whoever brought or confirmed the bank's file that says a tranche was paid does not find as well that all of it agrees. Decision 69."""

from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant, GrantTranche
from shared.decider import ReadsFacts
from shared.errors import FourEyes
from shared.messages import Context


def refuse_who_brought_its_file(tranche: GrantTranche, facts: GrantFacts) -> None:
    """Refuses as ``four_eyes`` whoever imported or confirmed the file of which a line paid this tranche."""
    if _brought(tranche, facts):
        raise FourEyes("You imported or confirmed the bank's file that says this was paid, so somebody else has to reconcile it.")


@ReadsFacts
def not_who_brought_their_files(state: Grant, facts: GrantFacts, _: Context) -> None:
    """The guard that refuses where that holds for every tranche that waits to be reconciled."""
    waiting = state.tranches_in("delivered")
    if waiting and all(_brought(one, facts) for one in waiting):
        refuse_who_brought_its_file(waiting[0], facts)


def _brought(tranche: GrantTranche, facts: GrantFacts) -> bool:
    return tranche.paid_line is not None and tranche.number in facts.by_my_file
