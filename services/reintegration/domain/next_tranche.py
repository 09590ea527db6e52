"""What has to be there of one tranche before the next is released, or it is reconciled: the policy of the grant says which of it (decision 56)."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.completeness import terms
from services.reintegration.domain.grant_facts import GrantFacts, PolicyInForce
from services.reintegration.domain.grant_state import Grant, GrantTranche
from shared.contracts.reintegration import EvidenceKind
from shared.contracts.visits import NextTrancheNeed
from shared.decider import ReadsFacts
from shared.errors import RuleViolation
from shared.messages import Context

# Any of them shows that what was paid for was bought or handed over.
_SHOWS_THE_USE: Final[frozenset[EvidenceKind]] = frozenset({"receipt", "invoice", "handover_certificate"})


@ReadsFacts
def next_tranche_may_follow(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that asks for what the policy of the grant wants of the previous tranche.

    Refused as ``receipts_missing`` without a receipt, an invoice or a handover certificate that is filed for it, and as
    ``visit_missing`` unless somebody else than who asked for the grant and who confirmed that delivery visited since its
    payment, or two of them by phone or video, and nobody found it otherwise since (decision 73).
    """
    planned = state.tranches_in("planned")
    previous = state.tranche(planned[0].number - 1) if planned else None
    if previous is not None:
        _refuse_without(state, previous, terms(facts.policy).next_tranche_needs)


def refuse_unless_accounted_for(state: Grant, tranche: GrantTranche, policy: PolicyInForce | None) -> None:
    """Refused as `next_tranche_may_follow` unless what the policy of the grant wants of a tranche that is reconciled is there.

    Of what nobody received there is nothing to show; why it is missing the reconciliation says.
    """
    needs = terms(policy).reconciling_needs
    _refuse_without(state, tranche, () if tranche.received == NOTHING else needs)


def _refuse_without(state: Grant, previous: GrantTranche, needs: Sequence[NextTrancheNeed]) -> None:
    if "receipt" in needs and not any(
        paper.tranche == previous.number and paper.kind in _SHOWS_THE_USE for paper in state.evidence
    ):
        raise RuleViolation(
            "receipts_missing",
            f"No receipt, invoice or handover certificate is filed for tranche {previous.number}. One is filed first.",
        )
    if "visit" in needs and not _visited(state, previous):
        raise RuleViolation(
            "visit_missing",
            f"First somebody who neither asked for this grant nor confirmed the delivery of tranche {previous.number} visits in person, "
            "or two of them do by phone or video, and finds it as agreed.",
        )


def _visited(state: Grant, tranche: GrantTranche) -> bool:
    """Whether, since its payment and since anybody found otherwise, enough independent visits found it as agreed."""
    since = (
        visit for visit in reversed(state.visits)
        if visit.tranche == tranche.number and tranche.paid_on is not None and visit.visited_on >= tranche.paid_on
    )  # fmt: skip
    found = takewhile(lambda visit: visit.finding == "as_agreed", since)
    # What a grant is asked for and what was delivered would otherwise be one person's word, and so would be that it is there.
    theirs = [visit for visit in found if visit.recorded_by not in (state.requester_id, tranche.delivered_by)]
    return any(visit.mode == "in_person" for visit in theirs) or len({visit.recorded_by for visit in theirs}) > 1
