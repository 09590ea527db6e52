"""To whom a tranche of a grant can be paid, and by which way: the returnee, the chosen vendor, or the office of the country."""

from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.payable import refuse_unless_payable
from services.reintegration.domain.payee_state import Payee
from shared.actors import Actor, Role
from shared.contracts.attempts import PaymentMethod
from shared.errors import RuleViolation
from shared.messages import Context


def refuse_unless_of_grant(state: Grant, payee: Payee, method: PaymentMethod) -> None:
    """Refused unless this payee is one that this grant is for, and can be paid in this way.

    As ``payee_in_another_country``; ``payee_not_of_grant`` for a returnee who is neither the person of the grant nor of
    their case; ``another_vendor`` where quotations were compared and it is not the one that was chosen; ``office_by_bank``
    for an office, which has the money already that the mission's bank would send.
    """
    if payee.country != state.destination_country:
        raise RuleViolation("payee_in_another_country", "This payee is in another country than the grant is for.")
    if payee.kind == "returnee" and payee.person_id != state.person_id and payee.case_id != state.case_id:
        raise RuleViolation("payee_not_of_grant", "This payee is somebody else than the grant is for.")
    if payee.kind == "vendor" and _another_vendor_was_chosen(state, payee.vendor_code):
        raise RuleViolation("another_vendor", "The quotation of another vendor was chosen. That one is paid.")
    if payee.kind == "office" and method == "bank_file":
        raise RuleViolation("office_by_bank", "An office pays for itself. It is not paid by the mission's bank.")


def refuse_another_way(method: PaymentMethod | None, payer: Actor) -> None:
    """Refused as ``not_by_the_office`` where whoever pays for an office has to do with what the mission's bank pays."""
    if method == "bank_file" and Role.OFFICE_PAYER in payer.roles and Role.FINANCE_PAYER not in payer.roles:
        raise RuleViolation(
            "not_by_the_office", "An office pays from its account or in cash. The mission's own payers have to do with what its bank pays."
        )


def account_to_pay(state: Grant, method: PaymentMethod, facts: GrantFacts, context: Context) -> int:
    """The number of the account that a tranche is paid to from its release on.

    Refused as `refuse_another_way`, as ``payee_unknown``, as `refuse_unless_of_grant` and, with what stands against the payee itself, as
    `refuse_unless_payable` refuses.
    """
    refuse_another_way(method, context.actor)
    payee = facts.payable.payee
    if payee is None:
        raise RuleViolation("payee_unknown", "There is no payee under this reference.")
    refuse_unless_of_grant(state, payee, method)
    return refuse_unless_payable(facts.payable, state.currency, context.actor.person_id, context.now)


def paid_by_bank() -> RuleViolation:
    """Refuses anybody's word on a payment of which the bank alone says what became of it."""
    return RuleViolation("paid_by_bank", "The bank is ordered to pay this. What became of it its own files say, and nobody else.")


def refuse_of_the_bank(tranche: GrantTranche) -> None:
    """Refused as ``paid_by_bank`` where the mission's bank was ordered to pay this."""
    if tranche.method == "bank_file":
        raise paid_by_bank()


def _another_vendor_was_chosen(state: Grant, vendor_code: str | None) -> bool:
    # Of who was erased nobody knows any more which one was chosen; nothing is paid for them either.
    chosen = state.budget.chosen if state.budget is not None else None
    return chosen is not None and chosen.vendor.lower() != (vendor_code or "").lower()
