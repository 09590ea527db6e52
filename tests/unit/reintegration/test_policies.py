"""An approval policy is published in versions, whose amounts are of one currency and in order."""

from decimal import Decimal

import pytest

from services.reintegration.domain.caps import EXAMPLE_CAPS
from services.reintegration.domain.policies import (
    EXAMPLE,
    FUNDING_POLICY,
    FundingPolicy,
    PolicyFacts,
    PublishPolicy,
)
from shared.contracts.noted_cases import CaseEndNoted
from shared.contracts.reintegration import PolicyPublished, RequiredPaper
from shared.money import Money
from tests.given import NOON, Given
from tests.unit.reintegration.examples import MANAGER, eur

POLICIES = Given(FUNDING_POLICY, PolicyFacts())
PUBLISH = EXAMPLE.model_copy(update={"programme": "avrr-wb"})
PUBLISHED = PolicyPublished(
    **dict(PUBLISH), policy_version=1, published_by=MANAGER.person_id, published_at=NOON
)


def publish(**changed: object) -> PublishPolicy:
    return PUBLISH.model_copy(update=changed)


def test_a_programme_has_its_first_policy_and_then_the_next_versions_of_it() -> None:
    POLICIES.when(PUBLISH, MANAGER).then(PUBLISHED)
    second = publish(quotations_above=eur("1500.00"))
    expected = PUBLISHED.model_copy(update={"policy_version": 2, "quotations_above": eur("1500.00")})
    POLICIES.given(PUBLISHED).when(second, MANAGER).then(expected)


def test_a_policy_stands_as_it_was_published() -> None:
    papers = (RequiredPaper(category="housing", evidence_kind="lease"),)
    said = publish(own_contribution_percent=10, required_papers=papers, next_tranche_needs=("visit",), reconciling_needs=("receipt",))
    (published,) = POLICIES.given(PUBLISHED).when(said, MANAGER).events
    assert FUNDING_POLICY.fold((PUBLISHED, published)) == FundingPolicy(
        programme="avrr-wb", policy_version=2, currency="EUR", cap_per_person=Decimal("3000.00"), cap_per_family=Decimal("7500.00"),
        one_approver_up_to=Decimal("500.00"), two_approvers_up_to=Decimal("2000.00"), quotations_above=Decimal("1000.00"),
        own_contribution_percent=10, required_papers=papers, published_by=MANAGER.person_id, published_at=NOON,
        next_tranche_needs=("visit",), reconciling_needs=("receipt",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"two_approvers_up_to": eur("499.99")}, "thresholds_reversed"), ({"cap_per_family": eur("2999.99")}, "caps_reversed"),
        ({"quotations_above": Money(amount=eur("1").amount, currency="BAM")}, "currencies_differ"),
        ({"quotations_above": eur("1000.001")}, "finer_than_paid"),
        ({"required_papers": (RequiredPaper(category="housing", evidence_kind="lease"),) * 2}, "paper_named_twice"),
        ({"next_tranche_needs": ("visit", "visit")}, "need_named_twice"),
        ({"reconciling_needs": ("receipt", "receipt")}, "need_named_twice"),
        ({"required_papers": (RequiredPaper(category="business", evidence_kind="prescription"),)}, "paper_of_health"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_no_policy(changed: dict[str, object], code: str) -> None:
    POLICIES.when(publish(**changed), MANAGER).refused(code)
    POLICIES.given(PUBLISHED).when(publish(**changed), MANAGER).refused(code)


def test_no_currency_but_a_real_one_is_a_policys() -> None:
    names = ("cap_per_person", "cap_per_family", "one_approver_up_to", "two_approvers_up_to", "quotations_above")
    changed = {name: Money(amount=eur("5").amount, currency="EUE") for name in names}
    POLICIES.when(publish(**changed), MANAGER).refused("not_a_currency")


def test_thresholds_and_caps_may_be_the_same() -> None:
    equal = publish(two_approvers_up_to=eur("500.00"), cap_per_family=eur("3000.00"))
    POLICIES.when(equal, MANAGER).then_kinds(PolicyPublished)


def test_a_programme_has_one_policy_and_a_policy_one_programme() -> None:
    POLICIES.knowing(PolicyFacts(taken=True)).when(PUBLISH, MANAGER).refused("programme_has_a_policy")
    POLICIES.given(PUBLISHED).when(publish(programme="other"), MANAGER).refused("another_programme")


def test_the_example_could_be_published_and_its_cap_is_the_one_that_counts_now() -> None:
    POLICIES.when(EXAMPLE, MANAGER).then_kinds(PolicyPublished)
    assert (EXAMPLE_CAPS.currency, EXAMPLE_CAPS.cap_per_person, EXAMPLE_CAPS.cap_per_family) == (
        "EUR", EXAMPLE.cap_per_person.amount, EXAMPLE.cap_per_family.amount,
    )  # fmt: skip


def test_an_event_of_another_aggregate_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match=r"^CaseEndNoted is not an event of an approval policy$"):
        FUNDING_POLICY.evolve(None, CaseEndNoted())
