"""Who signed the batch by which the bank is ordered to pay a grant: they paid, so they take no other part on it."""

from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from shared.decider import ReadsFacts
from shared.errors import FourEyes
from shared.messages import Context


@ReadsFacts
def not_who_signed_its_batch(_: Grant, facts: GrantFacts, __: Context) -> None:
    """The guard that refuses as ``four_eyes`` whoever put a batch with this grant together, approved it or took its file."""
    if facts.signed_its_batch:
        raise FourEyes("You signed the batch by which the bank pays this grant, so somebody else has to do this.")
