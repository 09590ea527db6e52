"""What a request has to hold before anybody judges it: its budget, what the policy asks for, and the papers to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.reintegration.domain.budget import Budget, lines_do_not_add_up
from services.reintegration.domain.grant_facts import PolicyInForce
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.policies import EXAMPLE
from shared.contracts.reintegration import EvidenceKind, RequiredPaper
from shared.contracts.visits import NextTrancheNeed
from shared.errors import RuleViolation
from shared.money import Money

LEAST_QUOTATIONS: Final = 3
# Which paper does as well where another is asked for (a lease or a quotation, a prescription or an estimate).
_DOES_AS_WELL: Final[Mapping[EvidenceKind, EvidenceKind]] = {"lease": "quotation", "prescription": "estimate"}
# Nothing is bought with it by the mission, so there is nothing of which prices could be compared.
_IN_CASH: Final = frozenset({"cash_instalment", "cash_for_work"})
_IN_WORDS: Final[Mapping[EvidenceKind, str]] = {
    "business_plan": "a business plan", "lease": "a lease or a quotation", "quotation": "a quotation",
    "prescription": "a prescription or an estimate", "estimate": "an estimate of a clinic", "medical_report": "a medical report",
    "medical_certificate": "a medical certificate", "justification": "a justification", "receipt": "a receipt", "invoice": "an invoice",
    "handover_certificate": "a handover certificate", "photo": "a photo", "other": "another paper",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy that a request is submitted under asks of its content, of each tranche before the next, and before it is reconciled."""

    quotations_above: Money
    own_contribution_percent: int
    required_papers: tuple[RequiredPaper, ...]
    next_tranche_needs: tuple[NextTrancheNeed, ...]
    reconciling_needs: tuple[NextTrancheNeed, ...]


def terms(policy: PolicyInForce | None) -> Terms:
    """What this version of a policy asks for; None is the example of the system."""
    if policy is None:
        return Terms(
            EXAMPLE.quotations_above, EXAMPLE.own_contribution_percent, EXAMPLE.required_papers, EXAMPLE.next_tranche_needs,
            EXAMPLE.reconciling_needs,
        )  # fmt: skip
    limit = Money(amount=policy.quotations_above, currency=policy.currency)
    return Terms(
        limit, policy.own_contribution_percent, policy.required_papers, policy.next_tranche_needs, policy.reconciling_needs
    )


def refuse_incomplete(grant: Grant, terms: Terms) -> None:
    """Refuses a request that lacks something, by what it lacks.

    ``budget_lines_do_not_add_up`` without a budget, ``own_contribution_too_small``, ``quotation_without_paper``,
    ``no_quotation_chosen``, ``quotations_missing`` above the policy's amount, and ``paper_missing``, which names the kind.
    """
    budget = grant.budget
    if budget is None or budget.planned != grant.amount:
        raise lines_do_not_add_up()
    _refuse_small_contribution(grant, budget, terms)
    _refuse_uncompared(grant, budget, terms)
    for paper in terms.required_papers:
        if paper.category == grant.category and not _has(grant, paper.evidence_kind):
            raise paper_missing(paper.evidence_kind)


def paper_missing(kind: EvidenceKind) -> RuleViolation:
    """Refuses a request without a paper that its category has to come with."""
    return RuleViolation("paper_missing", f"A paper is missing: {_IN_WORDS[kind]}. File it with the request, then submit it.")


def _refuse_small_contribution(grant: Grant, budget: Budget, terms: Terms) -> None:
    planned = grant.amount + budget.own_contribution
    if budget.own_contribution * 100 < planned * terms.own_contribution_percent:
        raise RuleViolation(
            "own_contribution_too_small",
            f"Of all that is planned the person brings at least {terms.own_contribution_percent} percent.",
        )


def _refuse_uncompared(grant: Grant, budget: Budget, terms: Terms) -> None:
    papers = {paper.evidence_id for paper in grant.evidence if paper.evidence_id in grant.papers}
    if not {quoted.evidence_id for quoted in budget.quotations} <= papers:
        raise RuleViolation("quotation_without_paper", "A quotation names a paper that is not filed with this request.")
    if budget.quotations and budget.chosen is None:
        raise RuleViolation("no_quotation_chosen", "None of the quotations is chosen. Choose the one that is to be taken.")
    if grant.modality in _IN_CASH or not _is_above(grant, terms.quotations_above):
        return
    if len(budget.quotations) < LEAST_QUOTATIONS and not _has(grant, "justification"):
        raise RuleViolation(
            "quotations_missing",
            f"For this amount {LEAST_QUOTATIONS} quotations are compared. Name them with the one that is chosen, or file a "
            "justification.",
        )


def _is_above(grant: Grant, limit: Money) -> bool:
    # What is in another currency cannot be told to be below, so that it is treated as above.
    return grant.currency != limit.currency or grant.amount > limit.amount


def _has(grant: Grant, kind: EvidenceKind) -> bool:
    found = {paper.kind for paper in grant.evidence if paper.evidence_id in grant.papers}
    return kind in found or _DOES_AS_WELL.get(kind) in found

