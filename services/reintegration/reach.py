"""What a receiving office may know of: cases of its countries after an arrival, and plans that are shared with it before."""

from services.reintegration.domain import case
from services.reintegration.policy import POLICY
from shared.actors import Actor, Role
from shared.messages import Context
from shared.policy import Reach


def within_reach(known: case.Case | None, context: Context, *, shared: bool = False) -> case.Case | None:
    """The case, if whoever acts may know of it; an office is told that no such case is known.

    Of a plan that is ``shared`` it knows before anybody arrives, once the case is approved and unless it has ended.
    """
    if known is None or not context.actor.roles & {Role.RECEIVING_OFFICE}:
        return known
    reach = POLICY.reach(context.actor, "read_case")
    if shared and known.may_be_shared and reach.covers(known.destination_country):
        return known
    return known if case_within(known, reach, context.actor) else None


def case_within(known: case.Case, reach: Reach, _: Actor) -> bool:
    """Whether a case stands within this reach, as the routes of cases ask."""
    # Before an arrival a receiving office hears of cases from returns alone, and of plans, which tell of health, not
    # at all.
    return reach.countries is None or (bool(known.arrived) and reach.covers(known.destination_country))
