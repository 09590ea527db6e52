"""Whatever is ordered of grants and their fund, it never holds less than nothing, and the postings add up to what it says."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from services.reintegration.domain.fund import (
    FUND,
    ChangeFund,
    CloseFund,
    ConfirmFund,
    FundBalance,
    FundFacts,
)
from services.reintegration.domain.grant import GRANT, ApproveGrant, CancelGrant
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.tranches import ConfirmDelivery, ConfirmPayment
from services.reintegration.posting_projections import postings
from shared.actors import Actor
from shared.errors import Refusal
from shared.messages import Command, Context
from tests.given import NOON
from tests.unit.reintegration.examples import (
    APPROVER,
    CHIEF,
    ENDORSED,
    ENDORSER,
    FUND_ID,
    MANAGER,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAYER,
    REQUESTED,
    TODAY,
    eur,
    ref,
    release,
)
from tests.unit.reintegration.test_fund import ASKED, OPENED

GRANTS = 3
ACTS = st.sampled_from(("goes_on",) * 7 + ("cancel",))
ON_GRANTS = st.tuples(ACTS, st.integers(0, GRANTS - 1))
ON_THE_FUND = st.one_of(
    st.decimals("600", "2600", places=2).map(lambda amount: ChangeFund(granted=eur(str(amount)), valid_until=date(2024, 6, 30), reason="donor_adds")),
    st.just(CloseFund(reason="project_ended")),
    st.integers(2, 4).map(lambda number: ConfirmFund(change_no=number)),
)


def _order(state: Grant, act: str) -> tuple[Command, Actor]:
    """The grant's next step, or its end."""
    if act == "cancel":
        return CancelGrant(reason="not_needed"), ENDORSER
    if state.status == "endorsed":
        shown = {"request_version": state.request_version, "content_hash": state.content_hash, "money": state.money}
        return ApproveGrant.model_validate({"fund_id": FUND_ID, **shown}), APPROVER
    if released := state.tranches_in("released"):
        return ConfirmPayment(number=released[0].number, reference="BANK-1", paid_on=TODAY), PAYER
    if paid := state.tranches_in("paid"):
        return ConfirmDelivery(number=paid[0].number), OFFICE
    planned = state.tranches_in("planned") or state.tranches
    return release(planned[0].number), PAYER


@settings(max_examples=100)
@examples(steps=st.lists(st.one_of(ON_GRANTS, ON_GRANTS, ON_GRANTS, ON_THE_FUND), min_size=10, max_size=40))
def test_a_fund_is_never_committed_beyond_what_it_grants_and_its_postings_add_up(steps: list[tuple[str, int] | Command]) -> None:
    fund = FUND.fold((ASKED, OPENED.model_copy(update={"granted": eur("2500.00")})))
    assert fund is not None
    grants = [GRANT.fold((REQUESTED, ENDORSED)) for _ in range(GRANTS)]
    booked = {"commit": Decimal(0), "release": Decimal(0), "spend": Decimal(0)}
    for step in steps:
        assert fund is not None
        states = [one for one in grants if one is not None]
        committed = sum((one.committed for one in states), Decimal(0))
        spent = sum((one.paid for one in states), Decimal(0))
        try:
            if isinstance(step, tuple):
                before = states[step[1]]
                order, who = _order(before, step[0])
                facts = replace(NOTHING_STANDS_AGAINST_IT, fund=FundBalance(fund, committed, spent))
                after = GRANT.fold(GRANT.decide(before, order, facts, Context(who, NOON)), before)
                assert after is not None
                for write in postings(ref(900 + step[1]), before, after):
                    assert Decimal(str(write.values["amount"])) > 0
                    booked[str(write.values["kind"])] += Decimal(str(write.values["amount"]))
                grants[step[1]] = after
            else:
                who = CHIEF if isinstance(step, ConfirmFund) else MANAGER
                fund = FUND.fold(FUND.decide(fund, step, FundFacts(committed, spent, undelivered=False), Context(who, NOON)), fund)
        except Refusal:
            continue
        states = [one for one in grants if one is not None]
        committed = sum((one.committed for one in states), Decimal(0))
        spent = sum((one.paid for one in states), Decimal(0))
        assert fund is not None
        assert Decimal(0) <= committed <= fund.granted - spent
        assert fund.status == "open" or committed == 0
        assert (booked["commit"] - booked["release"] - booked["spend"], booked["spend"]) == (committed, spent)
