"""Who finds it right that payees have one account, and who confirms it then: nobody does both, and nobody who stated it either."""

from collections.abc import Collection
from uuid import UUID

from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import Payee
from shared.decider import ReadsFacts
from shared.errors import FourEyes
from shared.messages import Context


def not_by_whoever_stated_the_other() -> FourEyes:
    """Refuses to find right an account that one stated for another payee; the database's CHECK refuses it in the same words."""
    return FourEyes("You stated this account for the other payee, so somebody else has to find it right.")


def not_by_whoever_confirmed_one() -> FourEyes:
    """Refuses to find right an account that one confirmed for either payee."""
    return FourEyes("You confirmed this account for one of these payees, so somebody else has to find it right.")


def not_by_whoever_found_it_right() -> FourEyes:
    """Refuses to confirm an account of which one found it right that another payee has it as well."""
    return FourEyes("You found it right that another payee has this account, so somebody else has to confirm it.")


@ReadsFacts
def not_who_found_it_right(_: Payee, facts: PayeeFacts, context: Context) -> None:
    """Refuses to confirm the account that waits to whoever found it right that it is another payee's as well."""
    if context.actor.person_id in facts.sharers:
        raise not_by_whoever_found_it_right()


@ReadsFacts
def some_left_to_find_right(_: Payee, facts: PayeeFacts, context: Context) -> None:
    """Refuses whoever had a part in every account that could be found right here."""
    if facts.shared_with <= facts.had_parts(context.actor.person_id):
        refuse_parts(facts.shared_with, facts, context)


def refuse_parts(with_ids: Collection[UUID], facts: PayeeFacts, context: Context) -> None:
    """Refuses to find right what one stated or confirmed for one of these payees, or confirmed for this one."""
    # It counts for both, so whoever stated or confirmed it there cannot find it right here.
    if any(context.actor.person_id in facts.shared_stated_by.get(one, ()) for one in with_ids):
        raise not_by_whoever_stated_the_other()
    if any(context.actor.person_id in facts.shared_confirmed_by.get(one, ()) for one in with_ids):
        raise not_by_whoever_confirmed_one()
