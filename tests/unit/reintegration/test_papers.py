"""To whom papers that tell what somebody suffers from are shown: medical staff and the side that filed them, no other."""

from dataclasses import replace
from typing import get_args

import pytest

from services.reintegration.domain.evidence import FileEvidence
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_state import Evidence, Grant
from services.reintegration.domain.papers import as_shown
from services.reintegration.policy import POLICY, hats_of, is_shown
from shared.actors import ABROAD, Actor, Role
from shared.contracts.reintegration import PAPERS_OF_HEALTH, EvidenceKind, Filer
from shared.errors import NotPermitted, RuleViolation
from shared.messages import Context
from shared.policy import EVERYWHERE, Reach
from tests.given import NOON, code_of, staff
from tests.unit.reintegration.examples import COUNSELLOR, NOTHING_STANDS_AGAINST_IT, UNTIL_PAID, ref

OFFICE = staff("office", "receiving_office", countries=("PK",))
MEDICAL = staff("medical", "medical")
DECIDING = [
    staff(role, role)
    for role in ("coordinator", "finance_approver", "finance_payer", "finance_reconciler", "chief_of_mission", "manager", "auditor")
]


def paper(kind: EvidenceKind, filed_as: Filer = "receiving_office", by: Actor = OFFICE) -> Evidence:
    return Evidence(ref(70), kind, "image/jpeg", 2048, "ab" * 32, None, by.person_id, filed_as, NOON)


def grant(*papers: Evidence, category: str | None = "medical") -> Grant:
    found = GRANT.fold(UNTIL_PAID)
    assert found is not None
    return replace(found, evidence=papers, category=category)


def sees(reader: Actor, shown: Evidence) -> bool:
    return bool(as_shown(grant(shown), reader).evidence)


def test_which_papers_tell_what_somebody_suffers_from() -> None:
    assert {"prescription", "estimate", "medical_report", "medical_certificate"} == PAPERS_OF_HEALTH
    assert set(get_args(EvidenceKind)) > PAPERS_OF_HEALTH


@pytest.mark.parametrize("kind", sorted(PAPERS_OF_HEALTH))
def test_medical_staff_and_the_side_that_filed_it_are_shown_a_paper_of_health(kind: EvidenceKind) -> None:
    colleague = staff("colleague", "receiving_office", countries=("PK",))
    assert all(sees(reader, paper(kind)) for reader in (MEDICAL, OFFICE, colleague))
    assert not sees(COUNSELLOR, paper(kind))
    assert not sees(staff("elsewhere", "receiving_office", countries=("TR",)), paper(kind))
    other = staff("other", "counsellor")
    by_a_counsellor = paper(kind, "counsellor", other)
    assert all(sees(reader, by_a_counsellor) for reader in (MEDICAL, COUNSELLOR, other))
    assert not sees(OFFICE, by_a_counsellor)
    nurse = replace(OFFICE, roles=OFFICE.roles | {Role.MEDICAL})
    assert sees(nurse, paper(kind)) and not sees(nurse, by_a_counsellor)
    assert not sees(staff("third", "counsellor"), by_a_counsellor)


@pytest.mark.parametrize("kind", sorted(PAPERS_OF_HEALTH))
@pytest.mark.parametrize("reader", DECIDING, ids=lambda reader: min(reader.roles))
def test_nobody_who_decides_on_money_is_shown_it_whatever_else_they_are(kind: EvidenceKind, reader: Actor) -> None:
    assert not sees(reader, paper(kind))
    for second in ("medical", "receiving_office", "counsellor"):
        with_both = replace(reader, roles=reader.roles | {second}, countries=frozenset({"PK"}))
        assert not sees(with_both, paper(kind))


@pytest.mark.parametrize("kind", sorted(set(get_args(EvidenceKind)) - PAPERS_OF_HEALTH))
def test_every_other_paper_is_shown_to_whoever_reads_the_grant(kind: EvidenceKind) -> None:
    assert all(sees(reader, paper(kind)) for reader in (MEDICAL, OFFICE, COUNSELLOR, *DECIDING))


@pytest.mark.parametrize("kind", sorted(PAPERS_OF_HEALTH))
def test_a_grant_that_is_not_for_health_takes_no_paper_of_it(kind: EvidenceKind) -> None:
    order = FileEvidence(evidence_id=ref(71), kind=kind, media_type="image/jpeg", size=2048, sha256="ab" * 32)
    context = Context(OFFICE, NOON)
    for of_health in ("medical", "psychosocial"):
        assert GRANT.decide(grant(category=of_health), order, NOTHING_STANDS_AGAINST_IT, context)
    for category in ("business", "housing", None):
        with pytest.raises(RuleViolation) as refused:
            GRANT.decide(grant(category=category), order, NOTHING_STANDS_AGAINST_IT, context)
        assert code_of(refused.value) == "paper_of_health"


@pytest.mark.parametrize("role", [role for role in Role if role != Role.MEDICAL])
def test_medical_staff_are_shown_grants_of_health_alone_unless_they_open_all_in_another_role(role: Role) -> None:
    reads_all = {"counsellor", "coordinator", "receiving_office", "finance_approver", "finance_payer", "finance_reconciler", "chief_of_mission"}
    assert is_shown(MEDICAL, of_health=True) and not is_shown(MEDICAL, of_health=False)
    # Whoever works abroad is of their office alone, as far as that may read grants at all.
    assert is_shown(staff("both", "medical", role), of_health=False) == (role in reads_all or role in ABROAD)
    assert is_shown(staff("one", role), of_health=False)


@pytest.mark.parametrize("operation", ["read_grant", "list_grants", "list_evidence", "read_evidence", "list_turns"])
def test_medical_staff_of_an_office_reach_no_further_than_their_office(operation: str) -> None:
    assert POLICY.reach(MEDICAL, operation) == EVERYWHERE
    nurse = replace(OFFICE, roles=OFFICE.roles | {Role.MEDICAL})
    assert POLICY.reach(nurse, operation) == POLICY.reach(OFFICE, operation) == Reach(frozenset({"PK"}))


def test_medical_staff_abroad_certify_nothing_and_wait_for_nothing_but_what_is_their_offices() -> None:
    assert hats_of(MEDICAL) == {"certifier"}
    payer = staff("payer", "office_payer", countries=("PK",))
    for abroad, theirs in ((OFFICE, {"requester", "deliverer"}), (payer, {"payer"})):
        both = replace(abroad, roles=abroad.roles | {Role.MEDICAL})
        assert hats_of(both) == hats_of(abroad) == theirs
        for operation in ("certify_medical_need", "refuse_certificate"):
            with pytest.raises(NotPermitted):
                POLICY.reach(both, operation)


def test_whoever_pays_for_an_office_is_shown_approved_grants_alone_and_gains_nothing_beside_medical_staff() -> None:
    payer = staff("payer", "office_payer", countries=("PK",))
    assert not is_shown(payer, of_health=True, approved=False)
    assert is_shown(payer, of_health=False, approved=True)
    assert is_shown(staff("both", "office_payer", "coordinator"), of_health=False, approved=False)
    both = replace(payer, roles=payer.roles | {Role.MEDICAL})
    assert is_shown(both, of_health=False, approved=True) and not is_shown(both, of_health=True, approved=False)
    for operation in ("release_tranche", "confirm_payment", "read_grant", "list_evidence", "read_evidence", "list_turns"):
        assert POLICY.reach(both, operation) == POLICY.reach(payer, operation) == Reach(frozenset({"PK"}))
    with pytest.raises(NotPermitted):
        POLICY.reach(both, "list_grants")
