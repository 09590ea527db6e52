"""The budget of a request: lines that make its amount, quotations that can be compared, and a hash that nobody can guess."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.budget import (
    MOST_LINES,
    MOST_QUOTATIONS,
    Budget,
    BudgetedLine,
    BudgetLine,
    Quotation,
    Quoted,
    as_asked,
    budget_hash,
    concealed,
    read,
    written,
)
from shared.errors import RuleViolation
from shared.ledger import conceal
from shared.money import Money
from tests.given import code_of
from tests.unit.reintegration.examples import DRAFTED, REQUEST, eur, ref

NONCE = ref(90)
TOOLS, RENT = BudgetLine(what="equipment", money=eur("300.00")), BudgetLine(what="rent", money=eur("200.00"))
FIRST = Quotation(vendor="V-1", money=eur("500.00"), evidence_id=ref(71), chosen=True)
SECOND = Quotation(vendor="V-2", money=eur("520.00"), evidence_id=ref(72))
MARKS = Money(amount=Decimal("500.00"), currency="BAM")


def refusal(*lines: BudgetLine, own: Money | None = None, quotations: tuple[Quotation, ...] = ()) -> str:
    with pytest.raises(RuleViolation) as refused:
        as_asked(eur("500.00"), lines, own, quotations, NONCE)
    return code_of(refused.value)


def test_lines_make_exactly_the_amount_of_the_grant() -> None:
    budget = as_asked(eur("500.00"), (TOOLS, RENT), eur("50.00"), (FIRST, SECOND), NONCE)
    assert budget is not None
    assert (budget.planned, budget.own_contribution) == (Decimal("500.00"), Decimal("50.00"))
    assert budget.chosen == Quoted("V-1", Decimal("500.00"), ref(71), chosen=True)
    assert refusal(TOOLS) == "budget_lines_do_not_add_up"
    assert refusal(TOOLS, RENT, RENT) == "budget_lines_do_not_add_up"
    assert refusal(own=eur("50.00")) == "budget_lines_do_not_add_up"
    assert refusal(quotations=(FIRST,)) == "budget_lines_do_not_add_up"


def test_as_long_as_nothing_is_said_there_is_no_budget() -> None:
    assert as_asked(eur("500.00"), (), None, (), NONCE) is None


def test_a_budget_without_lines_plans_nothing() -> None:
    planned = Budget(lines=(), own_contribution=Decimal("50.00"), quotations=(), nonce=NONCE).planned
    assert (planned, type(planned)) == (Decimal(0), Decimal)


def test_every_amount_is_in_the_grants_currency_and_can_be_paid() -> None:
    in_marks = {"money": MARKS}
    assert refusal(TOOLS.model_copy(update=in_marks)) == "currencies_differ"
    assert refusal(TOOLS, RENT, quotations=(FIRST.model_copy(update=in_marks),)) == "currencies_differ"
    assert refusal(TOOLS, RENT, own=MARKS) == "currencies_differ"
    half_a_cent = BudgetLine(what="rent", money=eur("200.005"))
    assert refusal(TOOLS, half_a_cent) == "finer_than_paid"


def test_quotations_are_of_different_vendors_and_one_is_chosen() -> None:
    again = SECOND.model_copy(update={"vendor": "V-1"})
    assert refusal(TOOLS, RENT, quotations=(FIRST, again)) == "vendor_twice"
    both = SECOND.model_copy(update={"chosen": True})
    assert refusal(TOOLS, RENT, quotations=(FIRST, both)) == "several_chosen"


amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("99999.99"), places=2)
budgets = st.builds(
    Budget,
    lines=st.lists(st.builds(BudgetedLine, what=st.sampled_from(("rent", "treatment")), amount=amounts), max_size=MOST_LINES).map(tuple),
    own_contribution=amounts,
    quotations=st.lists(
        st.builds(Quoted, vendor=st.sampled_from(("V-1", "V-2")), amount=amounts, evidence_id=st.uuids(), chosen=st.booleans()),
        max_size=MOST_QUOTATIONS,
    ).map(tuple),
    nonce=st.uuids(),
)


@examples(budgets)
def test_what_was_written_is_read_again_and_written_alike(budget: Budget) -> None:
    assert read(written(budget)) == budget
    assert written(read(written(budget))) == written(budget)


def test_noughts_behind_an_amount_change_no_hash_and_each_part_does() -> None:
    def hashed(**changed: object) -> str:
        of: dict[str, object] = {
            "lines": (BudgetedLine("rent", Decimal("1250.00")),), "own_contribution": Decimal(5),
            "quotations": (Quoted("V-1", Decimal(9), ref(71), chosen=True),), "nonce": NONCE,
        }  # fmt: skip
        return budget_hash(written(Budget(**{**of, **changed})))  # type: ignore[arg-type]

    assert hashed() == hashed(lines=(BudgetedLine("rent", Decimal(1250)),))
    others = [
        hashed(lines=(BudgetedLine("furniture", Decimal("1250.00")),)), hashed(lines=(BudgetedLine("rent", Decimal("1250.01")),)),
        hashed(own_contribution=Decimal(6)), hashed(quotations=()), hashed(nonce=UUID(int=5)),
        hashed(quotations=(Quoted("V-2", Decimal(9), ref(71), chosen=True),)),
        hashed(quotations=(Quoted("V-1", Decimal(8), ref(71), chosen=True),)),
        hashed(quotations=(Quoted("V-1", Decimal(9), ref(72), chosen=True),)),
        hashed(quotations=(Quoted("V-1", Decimal(9), ref(71), chosen=False),)),
    ]  # fmt: skip
    assert len({hashed(), *others}) == len(others) + 1


def test_the_fullest_request_takes_little_of_a_leaf_and_tells_nothing_in_clear() -> None:
    lines = tuple(BudgetLine(what="treatment", money=eur("1.00")) for _ in range(MOST_LINES))
    quotations = tuple(
        Quotation(vendor=f"CLINIC-{number:033}", money=eur("99999999.99"), evidence_id=ref(100 + number))
        for number in range(MOST_QUOTATIONS)
    )
    of = {"money": eur(f"{MOST_LINES}.00"), "budget_lines": lines, "own_contribution": eur("5.00"), "quotations": quotations}
    budget, hashed = concealed(REQUEST.model_copy(update=of))
    drafted = DRAFTED.model_copy(update={"budget": budget, "budget_hash": hashed})
    leaf = conceal(drafted)[0].model_dump_json()
    assert len(leaf) < 2048
    assert "treatment" not in leaf and "CLINIC" not in leaf
