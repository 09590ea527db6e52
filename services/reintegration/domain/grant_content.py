"""What a request asks for, as one canonical text and its hash: what whoever endorses or approves puts their name to."""

import hashlib
from typing import Any

import rfc8785

from services.reintegration.domain.grant_state import Grant
from shared.money import Money


def content_hash(grant: Grant) -> str:
    """SHA-256, in hexadecimal digits, of the RFC 8785 JSON of what the request asks for.

    A part that a request does not have does not stand in the text, so that a part that is added here changes no hash
    of before. What is concealed in the log stands in it only with a nonce: a hash of few possible values tells which.
    """
    return hashlib.sha256(rfc8785.dumps({name: part for name, part in _parts(grant).items() if part})).hexdigest()


def _parts(grant: Grant) -> dict[str, Any]:
    papers = set(grant.papers)
    return {
        "case_id": str(grant.case_id),
        "person_id": str(grant.person_id),
        "plan_id": str(grant.plan_id),
        # What the line is and what is planned for it, the version says, which nobody changes.
        "plan_version": grant.plan_version,
        # The line says what the grant is for, so that its category need not stand here.
        "plan_line_id": str(grant.plan_line_id),
        "modality": grant.modality,
        "money": _money(grant.money),
        "tranches": [
            {"number": tranche.number, **_money(grant.money_of(tranche))} for tranche in grant.tranches
        ],
        # With a random part, so that it tells nothing of what stands in it.
        "budget": grant.budget_hash,
        "papers": [
            {"id": str(paper.evidence_id), "sha256": paper.sha256}
            for paper in grant.evidence
            if paper.evidence_id in papers
        ],
    }


def _money(money: Money) -> dict[str, str]:
    """The amount without noughts behind it: 1250.00 and 1250 are the same money."""
    return {"amount": f"{money.amount.normalize():f}", "currency": money.currency}
