"""When name and account of a vendor or an office that was closed are deleted: once the time is over for which payments are evidenced."""

from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import Payee
from services.reintegration.domain.person import kept_until
from shared.contracts.payees import PayeeDetailsDeleted
from shared.decider import Events, ReadsFacts, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context


class DeletePayeeDetails(Command):
    """Delete name, accounts and contacts of a vendor or an office that was closed, once they are not kept any more."""


def not_due() -> RuleViolation:
    """Refuses to delete what is still kept; the database's CHECK refuses it in the same words."""
    return RuleViolation("not_due", "The last day on which name and account of this payee are kept is not over yet.")


def _is_nobodys(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.person_id is not None:
        raise RuleViolation("goes_with_the_person", "What is kept of a returnee goes with the person, and not by itself.")


def _is_closed(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.closed_at is None:
        raise RuleViolation("payee_not_closed", "This payee is not closed, so it may be paid or called.")


@ReadsFacts
def _is_due(state: Payee, facts: PayeeFacts, _: Context) -> None:
    if state.details_deleted_on is not None:
        return
    if facts.today is None or facts.kept_since is None or facts.today <= kept_until(facts.kept_since):
        raise not_due()


def _delete(state: Payee, _: DeletePayeeDetails, facts: PayeeFacts, __: Context) -> Events:
    if state.details_deleted_on is not None:
        return ()
    assert facts.kept_since is not None and facts.today is not None
    return (PayeeDetailsDeleted(kept_until=kept_until(facts.kept_since), deleted_on=facts.today),)


ENDING_RULES: tuple[Rule[Payee, PayeeFacts], ...] = (
    changing(DeletePayeeDetails, "Delete name and account", _delete, _is_nobodys, _is_closed, _is_due),
)
