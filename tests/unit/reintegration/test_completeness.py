"""What a request holds before it is submitted: a budget, what the person brings, compared quotations, and its papers."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import pytest

from services.reintegration.domain.budget import BudgetLine, Quotation
from services.reintegration.domain.completeness import refuse_incomplete, terms
from services.reintegration.domain.grant import GRANT, DraftGrant, ReviseGrant, SubmitGrant
from services.reintegration.domain.grant_facts import GrantFacts, PolicyInForce
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.policies import EXAMPLE
from shared.contracts.reintegration import (
    EvidenceFiled,
    EvidenceKind,
    GrantCategory,
    GrantRevised,
    GrantSubmitted,
    RequiredPaper,
)
from shared.errors import RuleViolation
from shared.messages import Concealed, Context, Event
from shared.money import Money
from tests.given import NOON, code_of
from tests.unit.reintegration.examples import LENIENT, NOTHING_STANDS_AGAINST_IT, REQUEST, REQUESTER, eur, ref

THREE = tuple(
    Quotation(vendor=f"V-{number}", money=eur("1200.00"), evidence_id=ref(70 + number), chosen=number == 2) for number in (1, 2, 3)
)
FILED: Mapping[UUID, EvidenceKind] = {quotation.evidence_id: "quotation" for quotation in THREE}


def paper(evidence_id: UUID, kind: EvidenceKind) -> EvidenceFiled:
    return EvidenceFiled(
        evidence_id=evidence_id, evidence_kind=Concealed.of(kind), media_type="application/pdf", size=2048, sha256="ab" * 32,
        tranche=None, filed_by=REQUESTER.person_id, filed_as="receiving_office", filed_at=NOON,
    )  # fmt: skip


def asking(policy: PolicyInForce | None = LENIENT) -> GrantFacts:
    return replace(NOTHING_STANDS_AGAINST_IT, policy=policy)


def under(**asked: Any) -> PolicyInForce:
    return replace(LENIENT, **asked)


def drafted(order: DraftGrant = REQUEST, papers: Mapping[UUID, EvidenceKind] | None = None) -> Grant:
    events = GRANT.decide(None, order, asking(), Context(REQUESTER, NOON))
    grant = GRANT.fold((*events, *(paper(id, kind) for id, kind in (papers or {}).items())))
    assert grant is not None
    return grant


def submit(grant: Grant, policy: PolicyInForce | None = LENIENT) -> tuple[Event, ...]:
    order = SubmitGrant(request_version=grant.request_version, content_hash=grant.content_hash)
    return GRANT.decide(grant, order, asking(policy), Context(REQUESTER, NOON))


def refusal(grant: Grant, policy: PolicyInForce | None = LENIENT) -> str:
    with pytest.raises(RuleViolation) as refused:
        submit(grant, policy)
    return code_of(refused.value)


def order(**changed: object) -> DraftGrant:
    return REQUEST.model_copy(update=changed)


def test_a_request_without_a_budget_is_kept_as_a_draft_and_not_submitted() -> None:
    assert refusal(drafted(order(budget_lines=()))) == "budget_lines_do_not_add_up"
    (submitted,) = submit(drafted())
    assert isinstance(submitted, GrantSubmitted)


def test_lines_that_do_not_make_the_amount_are_refused_at_once() -> None:
    short = (BudgetLine(what="stock", money=eur("1199.99")),)
    with pytest.raises(RuleViolation) as refused:
        drafted(order(budget_lines=short))
    assert code_of(refused.value) == "budget_lines_do_not_add_up"


@pytest.mark.parametrize(("own", "enough"), [("0.00", False), ("299.99", False), ("300.00", True), ("400.00", True)])
def test_the_person_brings_at_least_their_share_of_all_that_is_planned(own: str, enough: bool) -> None:
    grant, policy = drafted(order(own_contribution=eur(own))), under(own_contribution_percent=20)
    if enough:
        assert submit(grant, policy)
    else:
        assert refusal(grant, policy) == "own_contribution_too_small"
    assert submit(grant)


def test_above_the_policys_amount_three_quotations_are_compared_or_it_is_said_why_not() -> None:
    above, at = under(quotations_above=Decimal("1199.99")), under(quotations_above=Decimal("1200.00"))
    assert refusal(drafted(), above) == "quotations_missing"
    assert submit(drafted(), at)
    two = order(quotations=THREE[1:])
    assert refusal(drafted(two, FILED), above) == "quotations_missing"
    assert submit(drafted(order(quotations=THREE), FILED), above)
    assert submit(drafted(two, {**FILED, ref(80): "justification"}), above)
    assert submit(drafted(papers={ref(80): "justification"}), above)
    # What is in another currency is not known to be below.
    assert refusal(drafted(), under(currency="BAM")) == "quotations_missing"


@pytest.mark.parametrize("modality", ["cash_instalment", "cash_for_work"])
def test_for_what_is_given_in_cash_no_prices_are_compared(modality: str) -> None:
    assert submit(drafted(order(modality=modality)), under(quotations_above=Decimal("1.00")))


def test_a_quotation_is_a_paper_of_this_request_and_one_is_chosen() -> None:
    missing = dict(list(FILED.items())[:2])
    assert refusal(drafted(order(quotations=THREE), missing)) == "quotation_without_paper"
    none = tuple(quotation.model_copy(update={"chosen": False}) for quotation in THREE)
    assert refusal(drafted(order(quotations=none), FILED)) == "no_quotation_chosen"


def test_a_paper_that_is_filed_after_the_submission_does_not_stand_in_the_request() -> None:
    grant = GRANT.fold((*submit(drafted()), paper(ref(80), "business_plan")), drafted())
    assert grant is not None
    with pytest.raises(RuleViolation) as refused:
        refuse_incomplete(grant, terms(under(required_papers=(RequiredPaper(category="business", evidence_kind="business_plan"),))))
    assert code_of(refused.value) == "paper_missing"


@pytest.mark.parametrize("kind", get_args(EvidenceKind))
def test_each_paper_that_the_policy_asks_for_is_named_where_it_is_missing(kind: EvidenceKind) -> None:
    policy = under(required_papers=(RequiredPaper(category="business", evidence_kind=kind),))
    grant = drafted()
    with pytest.raises(RuleViolation) as refused:
        refuse_incomplete(grant, terms(policy))
    assert code_of(refused.value) == "paper_missing"
    assert kind.replace("_", " ") in refused.value.sentence
    refuse_incomplete(replace(grant, category="housing"), terms(policy))


@pytest.mark.parametrize(
    ("asked", "instead"), [("lease", "quotation"), ("prescription", "estimate")]
)
def test_a_quotation_does_for_a_lease_and_an_estimate_for_a_prescription(asked: EvidenceKind, instead: EvidenceKind) -> None:
    def complete(kind: EvidenceKind, category: GrantCategory, wanted: EvidenceKind) -> bool:
        policy = under(required_papers=(RequiredPaper(category=category, evidence_kind=wanted),))
        grant = replace(drafted(), category=category)
        filed = GRANT.fold((paper(ref(80), kind),), grant)
        assert filed is not None
        try:
            refuse_incomplete(filed, terms(policy))
        except RuleViolation:
            return False
        return True

    assert complete(asked, "medical", asked) and complete(instead, "medical", asked)
    assert not complete(asked, "medical", instead)


def test_where_no_policy_was_published_the_example_asks_for_papers() -> None:
    assert refusal(drafted(order(**amount("900.00"))), None) == "paper_missing"
    assert submit(drafted(order(**amount("900.00")), {ref(80): "business_plan"}), None)
    assert refusal(drafted(papers={ref(80): "business_plan"}), None) == "quotations_missing"
    assert terms(None).required_papers == EXAMPLE.required_papers


def amount(of: str) -> dict[str, object]:
    money = Money(amount=Decimal(of), currency="EUR")
    tranche = REQUEST.tranches[0].model_copy(update={"money": money})
    return {"money": money, "tranches": (tranche,), "budget_lines": (BudgetLine(what="stock", money=money),)}


def test_what_is_revised_after_its_submission_is_as_complete() -> None:
    grant = drafted()
    submitted = GRANT.fold(submit(grant), grant)
    assert submitted is not None
    revising = ReviseGrant(modality=REQUEST.modality, money=REQUEST.money, tranches=REQUEST.tranches, nonce=ref(91))
    with pytest.raises(RuleViolation) as refused:
        GRANT.decide(submitted, revising, asking(), Context(REQUESTER, NOON))
    assert code_of(refused.value) == "budget_lines_do_not_add_up"
    # A draft may lose its budget again.
    (revised,) = GRANT.decide(grant, revising, asking(), Context(REQUESTER, NOON))
    assert isinstance(revised, GrantRevised)
    emptied = GRANT.fold((revised,), grant)
    assert emptied is not None and emptied.budget is None and emptied.budget_hash is None
