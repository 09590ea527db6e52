"""The budget of a request on its page: what is asked, what stands there before anybody types, and what comes back of it."""

from typing import Any
from zoneinfo import ZoneInfo

from services.portal.fields import Given, Option, body_of, fields_of
from services.portal.pages.given_budgets import certificate_shown, papers_of, start_of
from services.portal.pages.ordering import _started
from services.reintegration.domain.grant import ReviseGrant

HERE = ZoneInfo("Europe/Sarajevo")
REVISE = ReviseGrant.model_json_schema()
PAPERS = [f"01890a5d-ac96-774b-bcce-b302099a805{number}" for number in range(3)]
STATE: dict[str, Any] = {
    "amount": "500.00", "currency": "EUR", "modality": "service",
    "evidence": [
        {"evidence_id": PAPERS[0], "kind": "quotation"}, {"evidence_id": PAPERS[1], "kind": "photo"},
        {"evidence_id": PAPERS[2], "kind": "estimate"},
    ],
    "budget": {
        "lines": [{"what": "rent", "amount": "300.00"}, {"what": "furniture", "amount": "200.00"}], "own_contribution": "50.00",
        "quotations": [
            {"vendor": "V-1", "amount": "500.00", "evidence_id": PAPERS[0], "chosen": True},
            {"vendor": "V-2", "amount": "520.00", "evidence_id": PAPERS[2], "chosen": False},
        ],
    },
    "certificate": None,
}  # fmt: skip


def test_what_the_service_makes_itself_is_not_asked() -> None:
    assert "nonce" in REVISE["properties"]
    assert "nonce" not in {field.key for field in fields_of(REVISE, Given())}


def test_a_request_that_is_changed_begins_with_what_it_says_now_and_comes_back_unchanged() -> None:
    money = {"amount": "500.00", "currency": "EUR"}
    start = {**start_of(STATE), "money": money, "modality": "service", "tranches": [{"number": 1, "money": money}]}
    given = Given(options={"evidence_id": papers_of(STATE)}, start=start)
    fields = fields_of(REVISE, given)
    body, faults = body_of(fields, given, _started(fields, given), HERE)
    assert faults == ()
    order = ReviseGrant.model_validate(body)
    assert [(line.what, str(line.money.amount)) for line in order.budget_lines] == [("rent", "300.00"), ("furniture", "200.00")]
    assert order.own_contribution is not None and str(order.own_contribution.amount) == "50.00"
    assert [(one.vendor, str(one.evidence_id), one.chosen) for one in order.quotations] == [
        ("V-1", PAPERS[0], True), ("V-2", PAPERS[2], False)
    ]  # fmt: skip


def test_a_price_stands_in_a_quotation_or_an_estimate_and_not_in_a_photo() -> None:
    assert [option.value for option in papers_of(STATE)] == [PAPERS[0], PAPERS[2]]
    assert all(isinstance(option, Option) for option in papers_of(STATE))
    assert papers_of({}) == ()


def test_where_nothing_is_said_of_the_money_yet_one_line_has_all_of_it() -> None:
    assert start_of({**STATE, "budget": None}) == {"budget_lines": [{"money": {"amount": "500.00", "currency": "EUR"}}]}


def test_who_decides_reads_that_it_was_certified_and_up_to_what_price_or_why_not() -> None:
    certified = {"outcome": "certified", "reason": None, "price_from": "400", "price_to": "600", "attested_by": "staff:doctor"}
    ((name, said),) = certificate_shown({**STATE, "certificate": certified})
    assert (name, said) == ("Medical certificate", "needed, from 400.00 EUR to 600.00 EUR; by staff:doctor")
    refused = {"outcome": "refused", "reason": "price_not_shown", "price_from": None, "price_to": None, "attested_by": "staff:doctor"}
    assert certificate_shown({**STATE, "certificate": refused}) == (("Medical certificate", "refused: the price is not shown"),)
    assert certificate_shown(STATE) == certificate_shown({}) == ()
