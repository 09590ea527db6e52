"""The medical certificate: who gives it for what, that nothing of health is endorsed or approved without, and what ends it."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from services.reintegration.domain.certificate import CertifyMedicalNeed, RefuseCertificate
from services.reintegration.domain.grant import GRANT, ApproveGrant, EndorseGrant, ReviseGrant
from services.reintegration.domain.grant_state import Certificate, Grant
from services.reintegration.domain.hats import may_wear
from services.reintegration.domain.plan_lines import Line
from services.reintegration.domain.turns import Turn, turns
from shared.actors import Actor
from shared.contracts.reintegration import GrantAttested
from shared.errors import FourEyes, RuleViolation
from shared.ledger import conceal
from shared.messages import Command, Concealed, Context, Event
from shared.money import Money
from tests.given import NOON, SIGNED_IN, Given, code_of, staff
from tests.unit.reintegration.examples import (
    AGREED,
    APPROVER,
    ASKED_HASH,
    COUNSELLOR,
    DRAFTED,
    ENDORSER,
    FUND_ID,
    NOTHING_STANDS_AGAINST_IT,
    PERSON,
    REQUEST,
    REQUESTER,
    SHOP,
    SUBMITTED,
    eur,
    ref,
)
from tests.unit.reintegration.test_completeness import drafted, submit

MEDICAL = staff("doctor", "medical")
CARE = Line(SHOP, PERSON, "social", "medical", Decimal("1500.00"), "EUR")
FACTS = replace(NOTHING_STANDS_AGAINST_IT, plan=replace(AGREED, lines=(CARE,)))


# A request for treatment that is submitted, and the order to certify it.
CERTIFYING = Given(GRANT, FACTS).given(DRAFTED.model_copy(update={"category": Concealed.of("medical")}), SUBMITTED)
CERTIFY = CertifyMedicalNeed(request_version=1, content_hash=ASKED_HASH, price_from=eur("1000.00"), price_to=eur("1300.00"))


def asked(category: str = "medical") -> Grant:
    """A request that is submitted, for something of this category."""
    draft = drafted()
    grant = GRANT.fold(submit(draft), draft)
    assert grant is not None
    return replace(grant, category=category)


def shown(grant: Grant) -> dict[str, object]:
    return {"request_version": grant.request_version, "content_hash": grant.content_hash}


def certify(grant: Grant, low: str = "1000.00", high: str = "1300.00", **changed: object) -> CertifyMedicalNeed:
    return CertifyMedicalNeed.model_validate({**shown(grant), "price_from": eur(low), "price_to": eur(high), **changed})


def refuse(grant: Grant) -> RefuseCertificate:
    return RefuseCertificate.model_validate({**shown(grant), "reason": "need_not_shown"})


def decide(grant: Grant, order: Command, by: Actor = MEDICAL) -> tuple[Event, ...]:
    facts = replace(FACTS, plan=replace(AGREED, lines=(replace(CARE, category=grant.category),)))
    return GRANT.decide(grant, order, facts, Context(by, NOON, SIGNED_IN))


def done(grant: Grant, order: Command, by: Actor = MEDICAL) -> Grant:
    after = GRANT.fold(decide(grant, order, by), grant)
    assert after is not None
    return after


def refusal(grant: Grant, order: Command, by: Actor = MEDICAL) -> str:
    with pytest.raises(RuleViolation) as refused:
        decide(grant, order, by)
    return code_of(refused.value)


def endorse(grant: Grant) -> EndorseGrant:
    return EndorseGrant.model_validate(shown(grant))


def approve(grant: Grant) -> ApproveGrant:
    return ApproveGrant.model_validate({**shown(grant), "fund_id": FUND_ID, "money": grant.money})


@pytest.mark.parametrize("category", ["medical", "psychosocial"])
def test_medical_staff_certify_need_and_price_of_what_is_for_health(category: str) -> None:
    grant = asked(category)
    certified = done(grant, certify(grant))
    assert certified.certificate == Certificate(
        "certified", None, Decimal("1000.00"), Decimal("1300.00"), MEDICAL.person_id, NOON
    )
    assert (certified.status, certified.content_hash) == ("submitted", grant.content_hash)
    endorsed = done(certified, endorse(certified), ENDORSER)
    assert done(endorsed, approve(endorsed), APPROVER).status == "approved"


def test_a_refusal_to_certify_stands_on_the_request_with_its_reason_and_without_a_price() -> None:
    grant = asked()
    refused = done(grant, refuse(grant))
    assert refused.certificate == Certificate("refused", "need_not_shown", None, None, MEDICAL.person_id, NOON)


@pytest.mark.parametrize("category", ["medical", "psychosocial"])
def test_nothing_of_health_is_endorsed_or_approved_without_a_certificate_that_holds_its_amount(category: str) -> None:
    grant = asked(category)
    refused = done(grant, refuse(grant))
    short = done(grant, certify(grant, high="1199.99"))
    for state, code in (
        (grant, "certificate_missing"), (refused, "certificate_refused"), (short, "beyond_certificate"),
    ):  # fmt: skip
        assert refusal(state, endorse(state), ENDORSER) == code
        endorsed = replace(state, status="endorsed", endorser_id=ENDORSER.person_id)
        assert refusal(endorsed, approve(endorsed), APPROVER) == code
    exactly = done(grant, certify(grant, high="1200.00"))
    endorsed = done(exactly, endorse(exactly), ENDORSER)
    assert done(endorsed, approve(endorsed), APPROVER).status == "approved"


def test_what_is_not_for_health_needs_none_and_gets_none() -> None:
    for category in ("business", "housing", "other"):
        grant = asked(category)
        assert refusal(grant, certify(grant)) == refusal(grant, refuse(grant)) == "no_certificate_needed"
        assert done(grant, endorse(grant), ENDORSER).status == "endorsed"


def test_a_new_version_needs_a_new_certificate() -> None:
    grant = asked()
    certified = done(grant, certify(grant))
    again = ReviseGrant(
        modality="service", money=REQUEST.money, tranches=REQUEST.tranches, budget_lines=REQUEST.budget_lines, nonce=ref(91)
    )
    revised = done(certified, again, REQUESTER)
    assert (revised.request_version, revised.certificate) == (2, None)
    assert refusal(revised, endorse(revised), ENDORSER) == "certificate_missing"
    assert refusal(revised, certify(grant)) == "version_changed"
    assert refusal(revised, certify(grant, request_version=2)) == "content_changed"
    assert done(revised, certify(revised)).certificate is not None


def test_the_last_word_of_medical_staff_counts_until_it_is_endorsed() -> None:
    grant = asked()
    dearer = done(done(grant, certify(grant, high="1200.00")), certify(grant, high="2000.00"))
    assert dearer.certificate is not None and dearer.certificate.price_to == Decimal("2000.00")
    endorsed = done(dearer, endorse(dearer), ENDORSER)
    assert refusal(endorsed, certify(endorsed)) == refusal(endorsed, refuse(endorsed)) == "wrong_status"


def test_prices_are_in_order_and_in_the_currency_of_the_grant() -> None:
    grant = asked()
    assert refusal(grant, certify(grant, low="1300.01")) == "prices_reversed"
    assert done(grant, certify(grant, low="1300.00")).certificate is not None
    in_marks = Money(amount=Decimal("1300.00"), currency="BAM")
    assert refusal(grant, certify(grant, price_to=in_marks)) == "currencies_differ"


@pytest.mark.parametrize("hat", ["endorser", "approver", "payer", "reconciler", "deliverer"])
def test_whoever_certified_takes_no_other_part(hat: str) -> None:
    grant = asked()
    certified = done(grant, certify(grant))
    for by, guarded in ((MEDICAL, hat), (REQUESTER, "certifier")):
        with pytest.raises(FourEyes):
            may_wear(guarded)(certified, FACTS, Context(by, NOON))  # type: ignore[arg-type]


@pytest.mark.parametrize("by", [REQUESTER, replace(COUNSELLOR, roles=frozenset({"medical"}))], ids=["requester", "counsellor"])
def test_whoever_asked_or_counsels_certifies_nothing(by: Actor) -> None:
    grant = asked()
    assert refusal(grant, certify(grant), by) == refusal(grant, refuse(grant), by) == "four_eyes"


def test_medical_staff_have_their_turn_until_they_gave_their_word() -> None:
    grant = asked()
    assert turns(grant) == {"endorser": Turn("endorse", NOON), "certifier": Turn("certify", NOON)}
    assert set(turns(done(grant, certify(grant)))) == {"endorser"}
    assert set(turns(asked("business"))) == {"endorser"}


def test_what_medical_staff_said_does_not_stand_in_the_leaf_and_is_gone_with_the_person() -> None:
    grant = asked()
    for order in (certify(grant), refuse(grant)):
        (event,) = decide(grant, order)
        assert isinstance(event, GrantAttested)
        leaf = json.loads(conceal(event)[0].model_dump_json())
        assert leaf.keys() == {"request_version", "content_hash", "attestation", "attested_by", "attested_at"}
        assert len(leaf["attestation"]) == 43
        after = GRANT.fold((GrantAttested.model_validate(leaf),), grant)
        assert after is not None and after.certificate is None
