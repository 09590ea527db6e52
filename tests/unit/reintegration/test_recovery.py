"""What is asked back of a grant comes back or is written off by two persons, and its fund has spent that much less."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.attempts import ReversePayment
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats
from services.reintegration.domain.recovery import (
    ConfirmRecovery,
    ConfirmWriteOff,
    DropRecovery,
    DropWriteOff,
    RecordRecovery,
    WriteOffRecovery,
    share_in_fund,
)
from services.reintegration.domain.recovery_line import RecoveryLine
from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.turns import turns
from services.reintegration.posting_projections import postings, takes_of_its_fund
from shared.actors import Actor
from shared.contracts.recoveries import (
    MoneyRecovered,
    RecoveryClosed,
    RecoveryProposalDropped,
    RecoveryProposed,
    RecoveryWrittenOff,
    WriteOffAsked,
    WriteOffDropped,
)
from shared.contracts.reintegration import TrancheReleased
from shared.contracts.stops import RecoveryOpened
from shared.errors import RuleViolation
from shared.messages import Context, Event
from shared.money import Money
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    APPROVER,
    CASE_ID,
    CHIEF,
    COUNSELLOR,
    ENDORSER,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAYER,
    RECONCILER,
    REQUESTER,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    ref,
    release,
)
from tests.unit.reintegration.test_stops import COMPLETED, RECOVER, RECOVERY

CREDIT = RecoveryLine(credit=True, amount=Decimal("150.00"), currency="EUR", recovered=Decimal(0), state="unmatched", returns=False, may_return=False)
KNOWN = replace(NOTHING_STANDS_AGAINST_IT, recovery_line=replace(CREDIT, amount=Decimal("5000.00")))
GRANTS = Given(GRANT, KNOWN)
JUNE = date(2023, 6, 1)
BACK = RecordRecovery(money=eur("300.00"), received_on=TODAY, reference="BANK-0009", bank_line=ref(7))
PART = BACK.model_copy(update={"money": eur("100.00")})
CAME_BACK = MoneyRecovered(
    case_id=CASE_ID, recovery_no=1, money=eur("300.00"), received_on=TODAY, reference="BANK-0009",
    recorded_by=RECONCILER.person_id, recorded_at=NOON, bank_line=ref(7),
)  # fmt: skip
A_PART = CAME_BACK.model_copy(update={"money": eur("100.00")})
CLOSED = RecoveryClosed(case_id=CASE_ID, recovered=eur("300.00"), written_off=eur("0"), closed_at=NOON)
WRITE_OFF = WriteOffRecovery(money=eur("200.00"), reason="unreachable")
ASKED = WriteOffAsked(write_off_no=1, money=eur("200.00"), reason="unreachable", asked_by=RECONCILER.person_id, asked_at=NOON)
CONFIRM, DROP = ConfirmWriteOff(write_off_no=1), DropWriteOff(write_off_no=1)
WRITTEN_OFF = RecoveryWrittenOff(
    write_off_no=1, money=eur("200.00"), reason="unreachable", asked_by=RECONCILER.person_id, asked_at=NOON,
    confirmed_by=CHIEF.person_id, confirmed_at=NOON,
)  # fmt: skip
DROPPED = WriteOffDropped(write_off_no=1, money=eur("200.00"), dropped_by=CHIEF.person_id, dropped_at=NOON)
SECOND = staff("second_reconciler", "finance_reconciler")
IN_CASH = BACK.model_copy(update={"bank_line": None, "reference": "CASH-0003"})
CONFIRM_CASH, DROP_CASH = ConfirmRecovery(proposal_no=1), DropRecovery(proposal_no=1)
SAID = RecoveryProposed(
    proposal_no=1, money=eur("300.00"), received_on=TODAY, reference="CASH-0003", proposed_by=RECONCILER.person_id, proposed_at=NOON
)
NOT_COUNTED = RecoveryProposalDropped(proposal_no=1, money=eur("300.00"), dropped_by=SECOND.person_id, dropped_at=NOON)
ASKED_BACK = GRANTS.given(*UNTIL_DELIVERED, RECOVERY)


def folded(*events: Event) -> Grant:
    grant = GRANT.fold(events)
    assert grant is not None
    return grant


def knowing(given: Given[Grant, GrantFacts], **facts: object) -> Given[Grant, GrantFacts]:
    return given.knowing(replace(KNOWN, **facts))  # type: ignore[arg-type]


def test_what_comes_back_whole_closes_the_recovery_and_is_spent_no_more() -> None:
    ASKED_BACK.when(BACK, RECONCILER).then(CAME_BACK, CLOSED)
    before, after = folded(*UNTIL_DELIVERED, RECOVERY), folded(*UNTIL_DELIVERED, RECOVERY, CAME_BACK, CLOSED)
    assert (after.paid, after.fund_paid) == (before.paid, before.fund_paid)
    assert (after.recovered, after.fund_recovered, after.still_asked_back) == (Decimal("300.00"), Decimal("300.00"), Decimal(0))
    assert not after.recovery_is_open
    taken = takes_of_its_fund(before, after)
    assert (taken.committed, taken.spent) == (Decimal(0), Decimal("-300.00"))
    (posted,) = postings(ref(1), before, after)
    assert (posted.values["kind"], posted.values["amount"], posted.values["day"], posted.values["tranche"]) == (
        "recover", Decimal("300.00"), TODAY, None,
    )  # fmt: skip


def test_what_comes_back_in_parts_closes_the_recovery_with_the_last_part() -> None:
    ASKED_BACK.when(PART, RECONCILER).then(A_PART)
    rest = BACK.model_copy(update={"money": eur("200.00"), "reference": "BANK-0010"})
    kinds = [type(event) for event in ASKED_BACK.given(A_PART).when(rest, RECONCILER).events]
    assert kinds == [MoneyRecovered, RecoveryClosed]


def test_more_than_is_asked_back_is_not_recorded() -> None:
    for order in (BACK, WRITE_OFF):
        ASKED_BACK.when(order.model_copy(update={"money": eur("300.01")}), RECONCILER).refused("beyond_asked_back")
        ASKED_BACK.given(A_PART).when(order.model_copy(update={"money": eur("200.01")}), RECONCILER).refused("beyond_asked_back")
        in_francs = order.model_copy(update={"money": Money(amount=Decimal(100), currency="XOF")})
        ASKED_BACK.when(in_francs, RECONCILER).refused("currencies_differ")


def test_one_refund_is_recorded_once_by_its_reference() -> None:
    knowing(ASKED_BACK, reference_used=True).when(PART, RECONCILER).refused("reference_used")




@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"credit": False}, "no_credit"), ({"amount": None}, "no_credit"), ({"currency": "BAM"}, "currencies_differ"),
        ({"amount": Decimal("99.99")}, "beyond_line"), ({"state": "recovered", "recovered": Decimal("50.01")}, "beyond_line"),
        ({"returns": True}, "line_returns_a_payment"), ({"state": "matched"}, "line_settled"), ({"state": "returned"}, "line_settled"),
        ({"state": "duplicate"}, "line_settled"), ({"state": "unconfirmed"}, "line_settled"), ({"state": "dropped"}, "line_settled"),
        ({"state": "explained", "said": "explained", "explained_as": "interest"}, "line_settled"),
        ({"said": "match_asked"}, "match_waits"), ({"said": "matched"}, "line_matched"), ({"said": "explanation_asked"}, "explanation_waits"),
        ({"may_return": True}, "line_may_return_a_payment"),
    ],
    ids=[str(number) for number in range(16)],
)  # fmt: skip
def test_what_came_by_a_line_is_a_credit_that_is_nothing_else_and_covers_it(changed: dict[str, Any], code: str) -> None:
    knowing(ASKED_BACK, recovery_line=replace(CREDIT, **changed)).when(PART, RECONCILER).refused(code)


@pytest.mark.parametrize(
    "changed",
    [{}, {"said": "match_dropped"}, {"state": "recovered", "recovered": Decimal("50.00")},
     {"state": "explained", "said": "explained", "explained_as": "recovery", "may_return": True}],
    ids=["waiting", "dropped", "a-part", "explained"],
)  # fmt: skip
def test_what_a_line_still_holds_came_back_by_it(changed: dict[str, Any]) -> None:
    known = knowing(ASKED_BACK, recovery_line=replace(CREDIT, **changed))
    known.when(PART, RECONCILER).then(A_PART)
    knowing(ASKED_BACK, recovery_line=None).when(PART, RECONCILER).refused("bank_line_unknown")


def test_what_no_line_tells_of_counts_once_another_reconciler_confirmed_it() -> None:
    ASKED_BACK.when(IN_CASH, RECONCILER).then(SAID)
    before = folded(*UNTIL_DELIVERED, RECOVERY, SAID)
    assert (before.recovered, before.still_asked_back, before.recovery_is_open) == (Decimal(0), Decimal("300.00"), True)
    assert takes_of_its_fund(folded(*UNTIL_DELIVERED, RECOVERY), before).spent == 0
    waits = ASKED_BACK.given(SAID)
    waits.when(CONFIRM_CASH, RECONCILER).refused("four_eyes")
    waits.when(IN_CASH, SECOND).refused("recovery_waits")
    counted = CAME_BACK.model_copy(
        update={"bank_line": None, "reference": "CASH-0003", "recorded_by": SECOND.person_id, "proposed_by": RECONCILER.person_id}
    )
    waits.when(CONFIRM_CASH, SECOND).then(counted, CLOSED)
    after = folded(*UNTIL_DELIVERED, RECOVERY, SAID, counted, CLOSED)
    assert (after.recovered, after.recovery_proposed) == (Decimal("300.00"), None)
    assert {("reconciler", RECONCILER.person_id), ("reconciler", SECOND.person_id)} <= hats(after)


@pytest.mark.parametrize("actor", [REQUESTER, ENDORSER, APPROVER, PAYER, OFFICE, COUNSELLOR], ids=lambda actor: actor.person_id)
def test_nobody_who_wore_another_hat_confirms_that_money_was_given_back(actor: object) -> None:
    ASKED_BACK.given(SAID).when(CONFIRM_CASH, actor).refused("four_eyes")  # type: ignore[arg-type]


@pytest.mark.parametrize("actor", [REQUESTER, APPROVER, PAYER, COUNSELLOR], ids=lambda actor: actor.person_id)
def test_what_somebody_with_another_part_said_before_proposals_were_held_to_the_hats_is_dropped_and_never_counts(actor: Actor) -> None:
    waits = ASKED_BACK.given(SAID.model_copy(update={"proposed_by": actor.person_id}))
    waits.when(CONFIRM_CASH, SECOND).refused("proposed_in_another_part")
    waits.when(DROP_CASH, SECOND).then(NOT_COUNTED)


def test_what_was_said_to_be_given_back_is_dropped_by_either_and_said_anew() -> None:
    waits = ASKED_BACK.given(SAID)
    waits.when(DROP_CASH, SECOND).then(NOT_COUNTED)
    waits.when(DROP_CASH, RECONCILER).then_kinds(RecoveryProposalDropped)
    dropped = waits.given(NOT_COUNTED)
    dropped.when(CONFIRM_CASH, SECOND).refused("no_recovery_waits")
    dropped.when(IN_CASH, RECONCILER).then(SAID.model_copy(update={"proposal_no": 2}))
    dropped.given(SAID.model_copy(update={"proposal_no": 2})).when(CONFIRM_CASH, SECOND).refused("another_recovery_waits")


def test_what_happened_since_it_was_said_is_looked_at_when_it_is_confirmed() -> None:
    waits = ASKED_BACK.given(SAID)
    knowing(waits, reference_used=True).when(CONFIRM_CASH, SECOND).refused("reference_used")
    by_line = waits.given(A_PART)
    by_line.when(CONFIRM_CASH, SECOND).refused("beyond_asked_back")
    rest = BACK.model_copy(update={"money": eur("200.00"), "reference": "BANK-0010"})
    assert [type(event) for event in by_line.when(rest, RECONCILER).events] == [MoneyRecovered, RecoveryProposalDropped, RecoveryClosed]


def test_a_refund_lies_between_the_payment_and_today() -> None:
    early, late = (BACK.model_copy(update={"received_on": TODAY + timedelta(days=days)}) for days in (-1, 1))
    ASKED_BACK.when(early, RECONCILER).refused("returned_before_payment")
    ASKED_BACK.when(late, RECONCILER).refused("in_the_future")


def test_a_refund_of_a_closed_month_is_posted_in_the_oldest_open_one() -> None:
    closed = knowing(ASKED_BACK, month_closed=True, open_month=JUNE)
    closed.when(PART, RECONCILER).then(A_PART.model_copy(update={"posted_in": JUNE}))
    knowing(ASKED_BACK, month_closed=True).when(PART, RECONCILER).refused("period_closed")


@pytest.mark.parametrize("actor", [REQUESTER, ENDORSER, APPROVER, PAYER, OFFICE, COUNSELLOR], ids=lambda actor: actor.person_id)
def test_nobody_who_wore_another_hat_records_that_money_came_back(actor: object) -> None:
    ASKED_BACK.when(BACK, actor).refused("four_eyes")  # type: ignore[arg-type]


def test_whoever_recorded_it_wears_the_reconcilers_hat_from_then_on() -> None:
    after = folded(*UNTIL_DELIVERED, RECOVERY, A_PART)
    assert ("reconciler", RECONCILER.person_id) in hats(after)
    other = A_PART.model_copy(update={"recorded_by": "staff:second_reconciler", "recovery_no": 2})
    assert ("reconciler", "staff:second_reconciler") in hats(GRANT.evolve(after, other))
    ASKED_BACK.given(A_PART, other).when(DropWriteOff(write_off_no=1), RECONCILER).refused("no_write_off_waits")


def test_nothing_is_recorded_or_written_off_where_nothing_is_asked_back() -> None:
    for order in (BACK, IN_CASH, CONFIRM_CASH, DROP_CASH, WRITE_OFF, CONFIRM, DROP):
        GRANTS.given(*UNTIL_DELIVERED).when(order, RECONCILER).refused("nothing_asked_back")
        ASKED_BACK.given(CAME_BACK, CLOSED).when(order, RECONCILER).refused("recovery_closed")


def test_what_one_asks_to_write_off_another_one_confirms_and_it_stays_spent() -> None:
    ASKED_BACK.when(WRITE_OFF, RECONCILER).then(ASKED)
    waits = ASKED_BACK.given(ASKED)
    waits.when(CONFIRM, RECONCILER).refused("four_eyes")
    waits.when(WRITE_OFF, APPROVER).refused("write_off_waits")
    waits.when(CONFIRM, CHIEF).then(WRITTEN_OFF)
    before, after = folded(*UNTIL_DELIVERED, RECOVERY, ASKED), folded(*UNTIL_DELIVERED, RECOVERY, ASKED, WRITTEN_OFF)
    assert (after.written_off, after.still_asked_back, after.write_off) == (Decimal("200.00"), Decimal("100.00"), None)
    assert after.recovery_is_open
    assert takes_of_its_fund(before, after).spent == 0
    assert postings(ref(1), before, after) == []
    kinds = [type(event) for event in waits.given(WRITTEN_OFF).when(PART, RECONCILER).events]
    assert kinds == [MoneyRecovered, RecoveryClosed]


def test_a_write_off_is_dropped_by_whoever_asked_or_another_and_can_be_asked_anew() -> None:
    waits = ASKED_BACK.given(ASKED)
    waits.when(DROP, CHIEF).then(DROPPED)
    waits.when(DROP, RECONCILER).then_kinds(WriteOffDropped)
    waits.when(DropWriteOff(write_off_no=2), CHIEF).refused("another_write_off_waits")
    waits.given(DROPPED).when(WRITE_OFF, RECONCILER).then(ASKED.model_copy(update={"write_off_no": 2}))
    again = waits.given(DROPPED, ASKED.model_copy(update={"write_off_no": 2}))
    again.when(CONFIRM, CHIEF).refused("another_write_off_waits")


def test_money_that_comes_back_while_a_write_off_waits_goes_first() -> None:
    waits = ASKED_BACK.given(ASKED)
    waits.given(CAME_BACK.model_copy(update={"money": eur("150.00")})).when(CONFIRM, CHIEF).refused("beyond_asked_back")
    kinds = [type(event) for event in waits.when(BACK, RECONCILER).events]
    assert kinds == [MoneyRecovered, WriteOffDropped, RecoveryClosed]


@pytest.mark.parametrize("actor", [REQUESTER, PAYER, OFFICE, COUNSELLOR], ids=lambda actor: actor.person_id)
def test_nobody_who_asked_paid_or_delivered_has_money_written_off(actor: object) -> None:
    ASKED_BACK.when(WRITE_OFF, actor).refused("four_eyes")  # type: ignore[arg-type]
    ASKED_BACK.given(ASKED).when(CONFIRM, actor).refused("four_eyes")  # type: ignore[arg-type]


def test_once_a_recovery_is_closed_money_goes_on_and_another_one_may_be_opened() -> None:
    settled = GRANTS.given(*UNTIL_DELIVERED, RECOVERY, CAME_BACK, CLOSED)
    settled.when(release(2), PAYER).then_kinds(TrancheReleased)
    assert turns(folded(*UNTIL_DELIVERED, RECOVERY, CAME_BACK, CLOSED))["payer"].step == "release"
    # 800 were paid, of which 300 came back: 500 can be asked back at most.
    settled.when(OpenRecovery(reason="used_otherwise", money=eur("500.01")), RECONCILER).refused("beyond_paid")
    (opened,) = settled.when(OpenRecovery(reason="used_otherwise", money=eur("500.00")), RECONCILER).events
    assert isinstance(opened, RecoveryOpened)
    after = folded(*UNTIL_DELIVERED, RECOVERY, CAME_BACK, CLOSED, opened)
    assert (after.recovery_amount, after.still_asked_back, after.recovery_is_open) == (Decimal("800.00"), Decimal("500.00"), True)


def test_what_came_back_of_a_grant_that_has_ended_changes_no_status() -> None:
    GRANTS.given(*COMPLETED, RECOVERY).when(BACK, RECONCILER).then_kinds(MoneyRecovered, RecoveryClosed)
    assert folded(*COMPLETED, RECOVERY, CAME_BACK, CLOSED).status == "completed"


def test_a_withdrawal_asks_nothing_back() -> None:
    # The only order that asks back is a person's own; no reaction gives it.
    from services.reintegration.reactions import REACTIONS  # noqa: PLC0415 -- beside the core, which knows no reactions

    assert "OpenRecovery" not in repr(REACTIONS)
    GRANTS.given(*UNTIL_APPROVED).when(RECOVER, RECONCILER).refused("nothing_paid")


def in_dinars(paid: str, cost: str, recovered: str = "0", posted: str = "0") -> Grant:
    return replace(
        folded(*UNTIL_DELIVERED, RECOVERY), currency="TND", fund_currency="EUR", paid=Decimal(paid), fund_paid=Decimal(cost),
        recovered=Decimal(recovered), fund_recovered=Decimal(posted), recovery_amount=Decimal(paid),
    )  # fmt: skip


def test_what_comes_back_is_posted_at_its_share_of_what_the_grant_had_cost() -> None:
    # 4000.000 TND had cost 1208.08 EUR: a half of them is 604.04, a third 402.69 (402.6933… rounded once).
    assert share_in_fund(in_dinars("4000.000", "1208.08"), Decimal("2000.000")) == Decimal("604.04")
    assert share_in_fund(in_dinars("3000.000", "1208.08"), Decimal("1000.000")) == Decimal("402.69")
    assert share_in_fund(in_dinars("4000.000", "1208.08", "2000.000", "604.04"), Decimal("2000.000")) == Decimal("604.04")
    assert share_in_fund(in_dinars("4000.000", "1208.08"), Decimal("0.001")) == Decimal("0.00")


@given(
    cost=st.integers(1, 10**7), parts=st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
)  # fmt: skip
def test_a_grant_that_came_back_whole_has_cost_its_fund_exactly_nothing(cost: int, parts: list[int]) -> None:
    paid, cents = sum(parts), Decimal(cost).scaleb(-2)
    state = in_dinars(str(Decimal(paid).scaleb(-3)), str(cents))
    for part in parts:
        amount = Decimal(part).scaleb(-3)
        share = share_in_fund(state, amount)
        assert share >= 0
        state = replace(
            state, recovered=state.recovered + amount, fund_recovered=(state.fund_recovered or Decimal(0)) + share
        )
        assert state.fund_recovered is not None and state.fund_recovered <= cents
    assert state.fund_recovered == cents


def test_a_payment_is_not_reversed_once_money_was_posted_at_its_share() -> None:
    paid = folded(*UNTIL_PAID, RECOVERY.model_copy(update={"money": eur("1.00")}))
    reverse = ReversePayment(number=1, reason="returned_by_bank", returned_on=TODAY)
    state = replace(
        paid, currency="TND", fund_currency="EUR", recovery_amount=Decimal("1.000"), recovered=Decimal("0.500"),
        paid=Decimal("900.000"),
    )  # fmt: skip
    with pytest.raises(RuleViolation) as refused:
        GRANT.decide(state, reverse, GRANTS.facts, Context(RECONCILER, NOON))
    assert refused.value.code == "recovered_already"


def test_whoever_said_that_money_was_given_back_wears_the_reconcilers_hat_while_it_waits_whoever_records_meanwhile() -> None:
    by_another = A_PART.model_copy(update={"recorded_by": SECOND.person_id})
    worn = hats(folded(*UNTIL_DELIVERED, RECOVERY, SAID, by_another))
    assert {person for hat, person in worn if hat == "reconciler"} == {RECONCILER.person_id, SECOND.person_id}
