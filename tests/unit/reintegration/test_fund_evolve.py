"""What each fact changes of a fund, and that it changes nothing else; what is asked for a fund is what is confirmed."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.reintegration.domain.fund import FUND, Asked, ConfirmFund, Fund, FundFacts, OpenFund
from shared.contracts.funds import (
    FundAsked,
    FundChangeAsked,
    FundChanged,
    FundChangeDropped,
    FundClosed,
    FundClosingAsked,
    FundOpened,
)
from shared.contracts.noted_cases import CaseEndNoted
from shared.messages import Event
from tests.given import NOON, Given
from tests.unit.reintegration.examples import CHIEF, MANAGER, eur

FIRST, LAST, LATER = date(2023, 1, 1), date(2023, 12, 31), date(2024, 6, 30)
NEXT_DAY = NOON + timedelta(days=1)
NAMED: dict[str, Any] = {
    "project": "CE-0500", "donor": "NO", "valid_from": FIRST, "valid_until": LAST, "countries": ("PK", "TR"),
    "grant_categories": ("business", "housing"), "programmes": ("AVRR-WB",),
}  # fmt: skip
BY_TWO: dict[str, Any] = {"asked_by": MANAGER.person_id, "confirmed_by": CHIEF.person_id, "confirmed_at": NEXT_DAY}
OPEN = OpenFund(granted=eur("10000.00"), **NAMED)
ASKED = FundAsked(change_no=1, granted=eur("10000.00"), **NAMED, asked_by=MANAGER.person_id, asked_at=NOON)
OPENED = FundOpened(granted=eur("10000.00"), **NAMED, change_no=1, **BY_TWO)
FUND_ASKED = Fund(
    granted=Decimal("10000.00"), currency="EUR", **NAMED, status="asked", change_no=1,
    waiting=Asked("open", Decimal("10000.00"), LAST, None, MANAGER.person_id, NOON),
)  # fmt: skip
FUND_OPEN = Fund(granted=Decimal("10000.00"), currency="EUR", **NAMED, change_no=1, confirmed_no=1, **BY_TWO)
CHANGING = replace(FUND_OPEN, change_no=2, waiting=Asked("change", Decimal("12000.00"), LATER, "donor_adds", "staff:one", NEXT_DAY))
CLOSING = replace(
    FUND_OPEN, change_no=2, waiting=Asked("close", Decimal("10000.00"), LAST, "project_ended", "staff:one", NEXT_DAY)
)
ANEW: dict[str, Any] = {"asked_by": "staff:one", "confirmed_by": "staff:two", "confirmed_at": NEXT_DAY + timedelta(hours=1)}

FACTS: dict[str, tuple[Fund | None, Event, Fund]] = {
    "asked for": (None, ASKED, FUND_ASKED),
    "confirmed": (FUND_ASKED, OPENED, FUND_OPEN),
    "opened by one alone": (
        None, FundOpened(granted=eur("10000.00"), **NAMED), Fund(granted=Decimal("10000.00"), currency="EUR", **NAMED),
    ),
    "a change asked for": (
        FUND_OPEN,
        FundChangeAsked(
            change_no=2, granted=eur("12000.00"), valid_until=LATER, reason="donor_adds", asked_by="staff:one", asked_at=NEXT_DAY
        ),
        CHANGING,
    ),
    "changed": (
        CHANGING, FundChanged(change_no=2, granted=eur("12000.00"), valid_until=LATER, **ANEW),
        replace(FUND_OPEN, change_no=2, confirmed_no=2, granted=Decimal("12000.00"), valid_until=LATER, **ANEW),
    ),
    "its end asked for": (
        FUND_OPEN, FundClosingAsked(change_no=2, reason="project_ended", asked_by="staff:one", asked_at=NEXT_DAY), CLOSING,
    ),
    "closed": (CLOSING, FundClosed(change_no=2, **ANEW), replace(FUND_OPEN, change_no=2, confirmed_no=2, status="closed", **ANEW)),
    "a change dropped": (
        CHANGING, FundChangeDropped(change_no=2, dropped_by="staff:one", dropped_at=NEXT_DAY), replace(FUND_OPEN, change_no=2),
    ),
    "never confirmed": (
        FUND_ASKED, FundChangeDropped(change_no=1, dropped_by="staff:one", dropped_at=NEXT_DAY),
        replace(FUND_ASKED, status="dropped", waiting=None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_changes_what_it_says_and_nothing_else(name: str) -> None:
    before, event, after = FACTS[name]
    assert FUND.evolve(before, event) == after


def test_what_is_asked_for_is_what_is_confirmed_with_all_that_it_is_for() -> None:
    funds = Given(FUND, FundFacts(committed=Decimal(0), spent=Decimal(0)))
    funds.when(OPEN, MANAGER).then(ASKED)
    funds.given(ASKED).when(ConfirmFund(change_no=1), CHIEF, NEXT_DAY).then(OPENED)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (None, CaseEndNoted()), (FUND_OPEN, OPENED), (FUND_OPEN, ASKED), (None, FACTS["a change asked for"][1]),
        (None, FACTS["changed"][1]), (None, FACTS["its end asked for"][1]), (None, FACTS["closed"][1]),
        (None, FACTS["a change dropped"][1]),
    ],
    ids=["of a case", "open already", "asked already", "change", "changed", "closing", "closed", "dropped"],
)  # fmt: skip
def test_what_does_not_fit_a_fund_is_a_fault_of_ours_that_says_which_fact_it_was(state: Fund | None, event: Event) -> None:
    with pytest.raises(TypeError, match=f"^{type(event).__name__} does not fit a fund here$"):
        FUND.evolve(state, event)
