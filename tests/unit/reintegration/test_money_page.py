"""What docs/money.md says of rates and amounts is what is calculated, to the last minor unit."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from services.reintegration.domain.conversion import Converted, RatesInForce, RecordedRate
from services.reintegration.domain.rates import RATE, RateFacts, RecordRate
from shared.contracts.rates import RateRecorded
from shared.messages import Context
from shared.money import Money
from tests.given import NOON
from tests.unit.reintegration.examples import RECONCILER

PAGE = (Path(__file__).parent.parent.parent.parent / "docs" / "money.md").read_text(encoding="utf-8")


def rows(columns: int) -> Iterator[list[str]]:
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| 20") and len(cells) == columns:
            yield cells


def recorded() -> list[RecordedRate]:
    found = []
    for on, currency, base, of, source in rows(5):
        order = RecordRate.model_validate({"currency": currency, "base": base, "effective_on": on, "rate": of, "source": source})
        (event,) = RATE.decide(None, order, RateFacts(today=NOON.date()), Context(RECONCILER, NOON))
        assert isinstance(event, RateRecorded)
        found.append(RecordedRate(event.currency, event.base, event.effective_on, 1, event.rate, event.source))
    return found


def stops(currency: str, found: Converted) -> list[str]:
    passed = [currency]
    for leg in found.legs:
        passed.append(leg.currency if leg.base == passed[-1] else leg.base)
    return passed


@pytest.mark.parametrize("row", list(rows(6)), ids=lambda row: f"{row[0]} {row[1]} in {row[5].split()[1]}")
def test_an_amount_on_the_page_is_converted_as_it_says(row: list[str]) -> None:
    on, amount, way, of, counts_from, result = row
    units, currency = amount.split()
    expected, into = result.split()
    found = RatesInForce.on(date.fromisoformat(on), recorded()).convert(Money(amount=Decimal(units), currency=currency), into)
    assert str(found.money.amount) == expected
    assert " → ".join(stops(currency, found)) == way
    assert (str(found.rate), str(found.effective_on)) == (of, counts_from)


def test_the_page_shows_every_currency_that_it_names_and_both_bases() -> None:
    shown = {cell.split()[1] for row in rows(6) for cell in (row[1], row[5])}
    assert shown == {"EUR", "USD", "BAM", "TND", "XOF"}
    assert {base for _, _, base, _, _ in rows(5)} == set(get_args(RecordRate.model_fields["base"].annotation))
