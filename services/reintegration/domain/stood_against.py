"""What stands against the money of a tranche that was released: it stops what still can be stopped, and marks what was done.

After a release a grant may be suspended, or a list of sanctions may come to mean its payee. An order by which money would
leave is refused then. That it left is a fact, which is recorded whatever stood against it, together with what did.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.payable import stands_against
from services.reintegration.domain.payee_facts import Payable
from shared.contracts.paid_although import StoodAgainst
from shared.errors import RuleViolation

_SENTENCES: Final = {
    "grant_suspended": "This grant is suspended. Nothing of it is handed over until it goes on.",
    "recovery_open": "Money of this grant is asked back. No more of it is handed over.",
}


def stood_against(state: Grant, tranche: GrantTranche, known: Payable, now: datetime) -> tuple[StoodAgainst, ...]:
    """Each thing that stands against paying this tranche now, the grant's first; of a tranche without a payee its grant's alone."""
    return tuple(code for code, _ in _standing(state, tranche, known, now))


def refuse_unless_payable_still(state: Grant, tranche: GrantTranche, known: Payable, now: datetime) -> None:
    """Refused by the code of the first thing that stands against paying this tranche now, as `stood_against` names them."""
    for code, sentence in _standing(state, tranche, known, now):
        raise RuleViolation(code, sentence)


def _standing(
    state: Grant, tranche: GrantTranche, known: Payable, now: datetime
) -> Iterator[tuple[StoodAgainst, str]]:
    if state.status == "suspended":
        yield "grant_suspended", _SENTENCES["grant_suspended"]
    if state.recovery_is_open:
        yield "recovery_open", _SENTENCES["recovery_open"]
    if tranche.payee_id is None or known.payee is None:
        return
    for code, refusal in stands_against(known, known.payee, now):
        yield code, refusal.sentence
    if known.payee.confirmed_no not in (None, tranche.account_no):
        yield "account_changed", "Another account of this payee is confirmed by now. The payment is taken back and released anew."
