"""How a grant changes by what somebody saw on the spot: a visit, or cash that was handed over."""

from dataclasses import replace

from services.reintegration.domain.grant_state import CashWitness, Grant, Visit
from shared.contracts.visits import CashWitnessed, VisitRecorded


def seen(state: Grant, event: CashWitnessed | VisitRecorded) -> Grant:
    """The grant after what was seen; a visit moves nothing on, so that nobody waits from then on for something else."""
    if isinstance(event, VisitRecorded):
        visit = Visit(event.tranche, event.visited_on, event.mode, event.finding, event.recorded_by, event.recorded_at)
        return replace(state, visits=(*state.visits, visit))
    witness = CashWitness(event.handed_over_on, event.identity_document, event.witnessed_by, event.witnessed_at)
    if state.tranche(event.number) is None:
        raise LookupError("an event names a tranche that its grant does not have")
    tranches = tuple(replace(one, witness=witness) if one.number == event.number else one for one in state.tranches)
    return replace(state, tranches=tranches, waiting_since=event.witnessed_at)
