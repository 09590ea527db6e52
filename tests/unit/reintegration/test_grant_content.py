"""The hash of what is asked for: the same for the same request, another one for each change, and stable for ever."""

from dataclasses import replace
from decimal import Decimal

import pytest

from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_content import content_hash
from services.reintegration.domain.grant_state import Evidence, Grant, GrantTranche
from shared.contracts.reintegration import EvidenceFiled
from shared.messages import Concealed
from tests.given import NOON
from tests.unit.reintegration.examples import DRAFTED, HASH, REQUESTER, hash_after, ref

FILED = EvidenceFiled(
    evidence_id=ref(91), evidence_kind=Concealed.of("quotation"), media_type="application/pdf", size=1234, sha256="ab" * 32,
    tranche=None, filed_by=REQUESTER.person_id, filed_as="receiving_office", filed_at=NOON,
)


def _grant() -> Grant:
    grant = GRANT.fold((DRAFTED, FILED))
    assert grant is not None
    return grant


def test_a_hash_of_today_is_the_hash_of_tomorrow() -> None:
    assert HASH == "ce0d9788d753ff2796620bae53b99cd8ef04fefa61a07fc7b60b60f2884cb5bf"
    of_before = DRAFTED.model_copy(update={"plan_version": None})
    without_budget = of_before.model_copy(update={"budget": None, "budget_hash": None})
    assert hash_after(without_budget, FILED) == "49895cc9f1595ee4d30e8b3e4bf013779d9e29a8a46c3d376b1396f7594debc9"
    assert hash_after(of_before, FILED) == "f48be77edf4a065ce7d6e21ebaf6a382ce7bbfe434e007e18a7166c3875fa5d7"


_PAPER: Evidence = _grant().evidence[0]
_CHANGES: dict[str, dict[str, object]] = {
    "case": {"case_id": ref(61)},
    "person": {"person_id": ref(62)},
    "plan": {"plan_id": ref(63)},
    "line": {"plan_line_id": ref(64)},
    "another version of the plan": {"plan_version": 3},
    "no version of the plan": {"plan_version": None},
    "modality": {"modality": "service"},
    "amount": {"amount": Decimal("1200.01")},
    "currency": {"currency": "BAM"},
    "tranches divided otherwise": {"tranches": (GrantTranche(1, Decimal(700)), GrantTranche(2, Decimal(500)))},
    "fewer tranches": {"tranches": (GrantTranche(1, Decimal(1200)),)},
    "no paper": {"papers": ()},
    "another budget": {"budget_hash": "cd" * 32},
    "no budget": {"budget_hash": None},
    "another file": {"evidence": (replace(_PAPER, sha256="cd" * 32),)},
    "another paper": {"evidence": (replace(_PAPER, evidence_id=ref(92)),), "papers": (ref(92),)},
}


@pytest.mark.parametrize("name", _CHANGES)
def test_each_thing_that_is_asked_for_changes_the_hash(name: str) -> None:
    assert content_hash(replace(_grant(), **_CHANGES[name])) != content_hash(_grant())  # type: ignore[arg-type]


_KEEPS: dict[str, dict[str, object]] = {
    "noughts behind the amount": {"amount": Decimal("1200.0000"), "tranches": (GrantTranche(1, Decimal("800.0")), GrantTranche(2, Decimal("4E+2")))},
    "how far it is": {"status": "endorsed", "request_version": 3, "endorser_id": "staff:somebody"},
    "how far its tranches are": {"tranches": (GrantTranche(1, Decimal(800), "paid", reference="BANK-1"), GrantTranche(2, Decimal(400)))},
    "the person erased": {"category": None, "budget": None, "evidence": (replace(_PAPER, kind=None),)},
    "a paper filed later": {"evidence": (_PAPER, replace(_PAPER, evidence_id=ref(93)))},
}


@pytest.mark.parametrize("name", _KEEPS)
def test_what_becomes_of_a_request_does_not_change_what_it_asked_for(name: str) -> None:
    assert content_hash(replace(_grant(), **_KEEPS[name])) == content_hash(_grant())  # type: ignore[arg-type]


def test_what_a_grant_is_for_cannot_be_guessed_from_the_hash() -> None:
    for category in ("business", "medical", "psychosocial"):
        assert content_hash(replace(_grant(), category=category)) == content_hash(_grant())


def test_every_paper_of_a_version_is_one_that_was_filed() -> None:
    assert set(_grant().papers) == {FILED.evidence_id}
