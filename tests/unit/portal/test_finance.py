"""The choices of finance's pages are those that their service has."""

from typing import Any, get_args

import pytest

from services.portal.pages.finance import DECISIONS, STATUSES
from services.portal.pages.given_grants import after_approval, costs_of, ways_of, why_not
from services.reintegration.domain.grant_state import GrantStatus
from services.reintegration.grant_decisions import Decided


def test_a_list_of_grants_is_narrowed_by_each_status_that_a_grant_can_have() -> None:
    assert get_args(GrantStatus) == STATUSES


def test_each_decision_that_a_page_offers_to_look_for_is_one_and_only_an_office_s_own_is_not_offered() -> None:
    assert set(get_args(Decided)) - set(DECISIONS) == {"delivered"}
    assert set(DECISIONS) <= set(get_args(Decided))


FUND = {
    "status": "open", "countries": [], "grant_categories": [], "currency": "EUR", "available": "1193.95", "valid_from": "2023-01-01",
    "valid_until": "2023-12-31", "programmes": [], "id": "the-fund",
}  # fmt: skip
GRANT = {"currency": "TND", "amount": "4000.000", "destination_country": "TN"}
IN_EURO: dict[str, Any] = {"state": {**GRANT, "currency": "EUR", "amount": "100.00"}}


@pytest.mark.parametrize(("cost", "said"), [("1193.95", ""), ("1193.96", "enough"), (None, "no rate")])
def test_a_fund_in_another_currency_is_offered_by_what_the_grant_costs_it_today(cost: str | None, said: str) -> None:
    found = {"state": GRANT, "costs": [{"currency": "EUR", "amount": cost, "rates": []}]}
    reason = why_not(FUND, found, "2023-05-02")
    assert said in reason and bool(said) == bool(reason)
    if not said:
        assert after_approval(FUND, costs_of(found)) == "0.00"


@pytest.mark.parametrize(
    ("told", "said"),
    [({"programme": "AVRR-WB"}, ""), ({"programme": "AVRR-EU"}, "this programme"), ({"programme": None}, "this programme"), ({}, "")],
    ids=["its own", "another", "none yet", "not told"],
)
def test_a_fund_for_some_programmes_is_not_offered_for_a_case_of_another_one(told: dict[str, str | None], said: str) -> None:
    reason = why_not({**FUND, "programmes": ["AVRR-WB"]}, {**IN_EURO, **told}, "2023-05-02")
    assert said in reason and bool(said) == bool(reason)
    assert why_not(FUND, {**IN_EURO, **told}, "2023-05-02") == ""


def test_once_a_first_approval_named_a_fund_no_other_one_is_offered() -> None:
    def half(fund_id: str) -> dict[str, Any]:
        return {"state": {**IN_EURO["state"], "approvals": [{"level": 1, "fund_id": fund_id}]}, "programme": None}

    assert why_not(FUND, half("the-fund"), "2023-05-02") == ""
    assert "another fund" in why_not(FUND, half("some-other-fund"), "2023-05-02")


def test_who_pays_for_an_office_is_offered_its_account_and_cash_and_the_missions_payer_every_way() -> None:
    assert [way.value for way in ways_of({"office_payer"})] == ["office_account", "cash"]
    assert ways_of({"finance_payer"}) == ways_of({"finance_payer", "office_payer"}) == ()
