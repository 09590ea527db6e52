"""What a grant takes of a fund in another currency: fixed by the day's rates, never more than committed, and added to by whoever may."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.caps import EXAMPLE_CAPS
from services.reintegration.domain.case import CASE
from services.reintegration.domain.commitment import Cost, cost
from services.reintegration.domain.commitment_orders import AddToCommitment
from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.delegation import ActingTerms
from services.reintegration.domain.fund import FundBalance
from services.reintegration.domain.grant import GRANT, CancelGrant
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats
from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmDelivery, ConfirmPayment
from shared.actors import Actor
from shared.contracts.commitments import CommitmentAdded, RateUsed
from shared.contracts.noted_cases import ArrivalTakenBack
from shared.contracts.reintegration import GrantApproved, GrantCancelled, PaymentConfirmed, TrancheReleased
from shared.errors import Refusal
from shared.messages import Command, Context, Event, SignIn
from shared.money import Money
from tests.given import NOON, SIGNED_IN, Given, code_of, staff
from tests.unit.reintegration.examples import (
    APPROVE,
    APPROVER,
    ARRIVED,
    ASKED,
    ATTEMPT_1,
    ATTEMPT_2,
    AUTHORITY,
    CHIEF,
    COUNSELLOR,
    DEPUTY_PAYER,
    ENDORSED,
    ENDORSER,
    FUND,
    FUND_ID,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    ONE_APPROVES,
    PAYER,
    PERSON,
    REQUESTER,
    SEALED,
    TODAY,
    UNTIL_APPROVED,
    eur,
    had,
    ref,
    release,
)

DOLLARS = FundBalance(replace(FUND, currency="USD"), committed=Decimal("2000.00"), spent=Decimal("1000.00"))
SECOND = staff("second", "finance_approver")


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="USD")


def euros_for_a_dollar(rate: str) -> RatesInForce:
    return RatesInForce.on(TODAY, [RecordedRate("EUR", "USD", TODAY, 1, Decimal(rate), "un_operational_rate")])


def by(who: Actor, up_to: str = "5000.00", currency: str = "EUR", **changes: Any) -> ActingTerms:
    return replace(
        AUTHORITY, authority_id=ref(sum(who.person_id.encode())), holder_id=who.person_id, acting_id=who.person_id,
        up_to=Decimal(up_to), currency=currency, **changes,
    )  # fmt: skip


def facts(rate: str = "0.8", *terms: ActingTerms, **changes: Any) -> GrantFacts:
    rates = euros_for_a_dollar(rate)
    support = replace(had("0.00"), caps=changes.pop("caps", ONE_APPROVES), rates=rates)
    known: dict[str, Any] = {"fund": DOLLARS, "rates": rates, "support": support, **changes}
    return replace(NOTHING_STANDS_AGAINST_IT, terms=terms or (AUTHORITY,), **known)


def after(state: Grant, order: Command, who: Actor, known: GrantFacts) -> tuple[tuple[Event, ...], Grant]:
    events = GRANT.decide(state, order, known, Context(who, NOON, SIGNED_IN))
    changed = GRANT.fold(events, state)
    assert changed is not None
    return events, changed


def code(state: Grant, order: Command, who: Actor, known: GrantFacts) -> str:
    with pytest.raises(Refusal) as caught:
        after(state, order, who, known)
    return code_of(caught.value)


def endorsed() -> Grant:
    state = GRANT.fold((*ASKED, ENDORSED))
    assert state is not None
    return state


def approved(rate: str = "0.8") -> Grant:
    return after(endorsed(), APPROVE, APPROVER, facts(rate))[1]


def in_fund(state: Grant) -> tuple[str, ...]:
    return tuple(str(amount) for amount in (state.fund_amount, state.fund_total, state.fund_committed, state.fund_paid))


# What is missing at 0.75 euros a dollar, to the cent.
ADD = AddToCommitment(money=usd("100.00"))
# A grant that a fund in dollars pays, at 0.8 euros each, by whoever may add to that.
# The rate moved since: what `ADD` adds is missing.
COMMITTED = Given(GRANT, facts("0.75")).given(
    *ASKED, ENDORSED, *GRANT.decide(endorsed(), APPROVE, facts(), Context(APPROVER, NOON, SIGNED_IN))
)


def test_the_last_approval_commits_what_the_tranches_cost_by_the_rates_of_the_day_and_keeps_the_rates() -> None:
    events, state = after(endorsed(), APPROVE, APPROVER, facts())
    told = events[-1]
    assert isinstance(told, GrantApproved)
    assert (told.money, told.in_fund) == (eur("1200.00"), usd("1500.00"))
    used = RateUsed(
        currency="EUR", base="USD", effective_on=TODAY, revision=1, rate=Decimal("0.8"), source="un_operational_rate"
    )
    assert told.rates == state.fund_rates == (used,)
    assert (state.committed, state.fund_currency, *in_fund(state)) == (Decimal("1200.00"), "USD", "1500.00", "1500.00", "1500.00", "0")


def test_each_tranche_is_rounded_by_itself_so_that_without_a_move_none_falls_short() -> None:
    # 800 / 0.7 and 400 / 0.7 are 1142.857… and 571.428…, rounded 1142.86 and 571.43; 1200 / 0.7 would be 1714.29 as well.
    state = approved("0.7")
    assert state.fund_amount == Decimal("1714.29")
    for number in (1, 2):
        state = after(state, release(number), PAYER, facts("0.7"))[1]
        state = after(state, ConfirmPayment(number=number, reference=f"B-{number}", paid_on=TODAY), PAYER, facts("0.7"))[1]
        state = after(state, ConfirmDelivery(number=number), OFFICE, facts("0.7"))[1]
    assert in_fund(state) == ("1714.29", "1714.29", "0.00", "1714.29")


def test_in_the_same_currency_no_rate_is_asked_for_and_nothing_is_said_of_one() -> None:
    events, state = after(endorsed(), APPROVE, APPROVER, NOTHING_STANDS_AGAINST_IT)
    told = events[-1]
    assert isinstance(told, GrantApproved)
    assert (told.in_fund, told.rates) == (None, ())
    assert (state.fund_currency, *in_fund(state)) == ("EUR", "1200.00", "1200.00", "1200.00", "0")
    assert code(state, ADD, APPROVER, NOTHING_STANDS_AGAINST_IT) == "same_currency"


@pytest.mark.parametrize(
    ("known", "refused"),
    [
        (facts(rates=RatesInForce({})), "rate_missing"),
        (facts(fund=replace(DOLLARS, committed=Decimal("7500.01"))), "fund_exhausted"),
        (facts("0.6999"), None),
        (facts(fund=replace(DOLLARS, committed=Decimal("7500.00"))), None),
        (facts("500000"), "worth_nothing_in_fund"),
    ],
)
def test_a_fund_pays_in_its_own_currency_as_far_as_it_reaches(known: GrantFacts, refused: str | None) -> None:
    if refused is None:
        after(endorsed(), APPROVE, APPROVER, known)
    else:
        assert code(endorsed(), APPROVE, APPROVER, known) == refused


def test_no_tranches_cost_nothing_and_ask_for_no_rate() -> None:
    assert cost(approved(), (), "USD", RatesInForce({})) == Cost(usd("0.00"), ())


def test_a_release_fixes_what_the_tranche_costs_by_the_rates_of_its_day() -> None:
    events, state = after(approved(), release(1), PAYER, facts("0.85"))
    (told,) = events
    assert isinstance(told, TrancheReleased)
    assert (told.money, told.in_fund) == (eur("800.00"), usd("941.18"))
    assert [str(rate.rate) for rate in told.rates] == ["0.85"]
    events, state = after(
        state, ConfirmPayment(number=1, reference="BANK-1", paid_on=TODAY), PAYER, facts(rates=RatesInForce({}))
    )
    (paid,) = events
    assert isinstance(paid, PaymentConfirmed)
    assert (paid.in_fund, paid.not_needed) == (usd("941.18"), None)
    assert in_fund(state) == ("1500.00", "1500.00", "558.82", "941.18")


def test_what_was_released_by_a_mistyped_rate_is_taken_back_and_released_anew_by_the_right_one() -> None:
    # Typed 0.98, meant 0.89.
    state = after(approved(), release(1, attempt_id=ATTEMPT_1), PAYER, facts("0.98"))[1]
    assert [one.in_fund for one in state.tranches] == [Decimal("816.33"), None]
    # A correction of the rate changes nothing of what was released.
    not_sent = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY)
    state = after(state, not_sent, DEPUTY_PAYER, facts("0.89"))[1]
    assert (in_fund(state), state.tranches[0].in_fund) == (("1500.00", "1500.00", "1500.00", "0"), None)
    (told,), state = after(state, release(1, attempt_id=ATTEMPT_2), PAYER, facts("0.89"))
    assert isinstance(told, TrancheReleased)
    assert (told.in_fund, [str(rate.rate) for rate in told.rates]) == (usd("898.88"), ["0.89"])
    state = after(state, ConfirmPayment(number=1, reference="BANK-1", paid_on=TODAY), PAYER, facts("0.89"))[1]
    assert in_fund(state) == ("1500.00", "1500.00", "601.12", "898.88")


def test_what_is_committed_for_a_tranche_on_its_way_covers_no_other_one() -> None:
    state = after(approved(), release(1), PAYER, facts())[1]
    # Of 1500.00 the first takes 1000.00; the second costs 400 / 0.75 = 533.33.
    assert code(state, AddToCommitment(money=usd("33.34")), APPROVER, facts("0.75")) == "beyond_shortfall"
    added = after(state, AddToCommitment(money=usd("33.33")), APPROVER, facts("0.75"))[1]
    paid = after(added, ConfirmPayment(number=1, reference="BANK-1", paid_on=TODAY), PAYER, facts("0.75"))[1]
    assert in_fund(paid) == ("1500.00", "1533.33", "533.33", "1000.00")
    assert code(paid, AddToCommitment(money=usd("0.01")), APPROVER, facts("0.75")) == "nothing_short"


def test_a_shortfall_of_one_cent_over_all_that_is_left_stops_the_release_and_an_addition_lets_it_go_on() -> None:
    state = approved()
    # 800 / 0.7999 + 400 / 0.7999 = 1000.13 + 500.06
    assert code(state, release(1), PAYER, facts("0.7999")) == "commitment_short"
    short = AddToCommitment(money=usd("0.18"))
    enough = AddToCommitment(money=usd("0.19"))
    almost = after(state, short, APPROVER, facts("0.7999"))[1]
    assert code(almost, release(1), PAYER, facts("0.7999")) == "commitment_short"
    assert code(state, AddToCommitment(money=usd("0.20")), APPROVER, facts("0.7999")) == "beyond_shortfall"
    added = after(state, enough, APPROVER, facts("0.7999"))[1]
    assert code(added, AddToCommitment(money=usd("0.01")), APPROVER, facts("0.7999")) == "nothing_short"
    assert code(almost, short, APPROVER, facts("0.7999")) == "beyond_shortfall"
    assert in_fund(added) == ("1500.00", "1500.19", "1500.19", "0")
    after(added, release(1), PAYER, facts("0.7999"))
    assert code(state, release(1), PAYER, facts(rates=RatesInForce({}))) == "rate_missing"


def paid_in_full(state: Grant, rate: str) -> tuple[tuple[Event, ...], Grant]:
    events: tuple[Event, ...] = ()
    for number in (1, 2):
        state = after(state, release(number), PAYER, facts(rate))[1]
        events, state = after(
            state, ConfirmPayment(number=number, reference=f"B-{number}", paid_on=TODAY), PAYER, facts(rate)
        )
        if number == 1:
            state = after(state, ConfirmDelivery(number=1), OFFICE, facts(rate))[1]
    return events, state


def test_what_was_committed_and_not_needed_is_told_apart_with_the_last_payment() -> None:
    events, state = paid_in_full(approved(), "0.9")
    paid = events[0]
    assert isinstance(paid, PaymentConfirmed)
    # 888.89 and 444.44 of 1500.00
    assert (paid.in_fund, paid.not_needed) == (usd("444.44"), usd("166.67"))
    assert in_fund(state) == ("1500.00", "1500.00", "0.00", "1333.33")
    events, state = paid_in_full(approved(), "0.8")
    assert isinstance(events[0], PaymentConfirmed)
    assert events[0].not_needed is None


def test_a_cancellation_frees_all_that_is_still_committed_of_the_fund() -> None:
    state = after(approved(), release(1), PAYER, facts("0.85"))[1]
    state = after(state, ConfirmPayment(number=1, reference="BANK-1", paid_on=TODAY), PAYER, facts())[1]
    events, state = after(state, CancelGrant(reason="not_needed"), ENDORSER, facts())
    (told,) = events
    assert isinstance(told, GrantCancelled)
    assert (told.released, told.in_fund) == (eur("400.00"), usd("558.82"))
    assert in_fund(state) == ("1500.00", "1500.00", "0.00", "941.18")


def test_an_addition_says_the_total_by_whose_authority_and_how_many_would_have_to_approve_it() -> None:
    events, state = after(approved(), ADD, APPROVER, facts("0.75"))
    (told,) = events
    assert isinstance(told, CommitmentAdded)
    assert (told.addition_no, told.money, told.total, told.in_authority) == (1, usd("100.00"), usd("1600.00"), eur("1200.00"))
    assert (told.weighed, told.levels_needed, told.authority_holder) == (eur("1200.00"), 1, APPROVER.person_id)
    assert (told.rate, told.rate_on, told.rate_sources) == ("0.75", TODAY, ("un_operational_rate",))
    assert (state.last_addition, [one.amount for one in state.additions]) == (1, [Decimal("100.00")])
    (again,), state = after(state, ADD, SECOND, facts("0.7", by(SECOND)))
    assert isinstance(again, CommitmentAdded)
    assert (again.addition_no, again.total) == (2, usd("1700.00"))
    # Whoever adds wears the approver's hat from then on.
    assert ("approver", SECOND.person_id) in hats(state)
    assert code(state, release(1), SECOND, facts()) == "four_eyes"


def test_an_addition_tells_all_that_whoever_checks_it_later_needs() -> None:
    deputy = by(CHIEF, "9000.00", role="chief_of_mission", terms_no=4, valid_from=date(2023, 1, 1), valid_until=date(2023, 12, 31))
    terms = replace(deputy, acting_id=SECOND.person_id)
    known = facts("0.75", terms, support=replace(had("20.00"), caps=ONE_APPROVES, rates=euros_for_a_dollar("0.75")))
    events = GRANT.decide(approved(), ADD, known, Context(SECOND, NOON, SignIn("phishing_resistant", 42)))
    assert events == (
        CommitmentAdded(
            addition_no=1, fund_id=FUND_ID, money=usd("100.00"), total=usd("1600.00"), levels_needed=1, weighed=eur("1220.00"),
            one_approver_up_to=eur("3000.00"), two_approvers_up_to=eur("5000.00"), added_by=SECOND.person_id, added_at=NOON,
            added_on=TODAY, authority_id=terms.authority_id, terms_no=4, authority_holder=CHIEF.person_id,
            authority_role="chief_of_mission", authority_up_to=eur("9000.00"), authority_valid_from=date(2023, 1, 1),
            authority_valid_until=date(2023, 12, 31), in_authority=eur("1200.00"), rate="0.75", rate_on=TODAY,
            rate_sources=("un_operational_rate",), strength="phishing_resistant", auth_age_seconds=42,
        ),
    )  # fmt: skip
    assert code_without_sign_in(approved(), known) == "sign_in_unknown"


def code_without_sign_in(state: Grant, known: GrantFacts) -> str:
    with pytest.raises(Refusal) as caught:
        GRANT.decide(state, ADD, known, Context(SECOND, NOON))
    return code_of(caught.value)


def test_in_the_authoritys_own_currency_an_addition_says_no_rate() -> None:
    (told,), _ = after(approved(), ADD, APPROVER, facts("0.75", by(APPROVER, "1600.00", "USD")))
    assert isinstance(told, CommitmentAdded)
    assert (told.in_authority, told.rate, told.rate_on, told.rate_sources) == (usd("1600.00"), None, None, ())


@pytest.mark.parametrize("who", [REQUESTER, ENDORSER, COUNSELLOR], ids=lambda who: who.person_id)
def test_nobody_with_another_part_adds_to_a_commitment(who: Actor) -> None:
    assert code(approved(), ADD, who, facts("0.8", by(who))) == "four_eyes"


def test_nobody_adds_for_somebody_with_a_part_in_the_grant_nor_for_whoever_approved_it() -> None:
    for holder in (ENDORSER, APPROVER):
        stands_in = by(holder, role="finance_approver")
        terms = replace(stands_in, acting_id=SECOND.person_id)
        assert code(approved(), ADD, SECOND, facts("0.75", terms)) == "stands_in_for_one_involved"


def test_who_paid_adds_nothing() -> None:
    state = after(approved(), release(1), PAYER, facts("0.85"))[1]
    assert code(state, ADD, PAYER, facts("0.85", by(PAYER))) == "four_eyes"


@pytest.mark.parametrize(
    ("known", "order", "refused"),
    [
        (replace(facts("0.75"), terms=()), ADD, "no_authority"),
        (facts("0.75", by(APPROVER, open=False)), ADD, "authority_not_in_force"),
        (facts("0.75", by(APPROVER, valid_until=date(2023, 5, 1))), ADD, "authority_not_in_force"),
        # The whole commitment has to be within it, not what is added.
        (facts("0.75", by(APPROVER, "1199.99")), ADD, "beyond_authority"),
        (facts("0.75", by(APPROVER, "1200.00")), ADD, None),
        (facts("0.75", by(APPROVER, "1599.99", "USD")), ADD, "beyond_authority"),
        (facts("0.75", by(APPROVER, "5000.00", "TND")), ADD, "rate_missing"),
        (facts("0.75", fund=replace(DOLLARS, committed=Decimal("8900.01"))), ADD, "fund_exhausted"),
        (facts("0.75", fund=replace(DOLLARS, committed=Decimal("8900.00"))), ADD, None),
        (facts("0.75", fund=None), ADD, "fund_unknown"),
        (facts("0.75", today=date(2024, 1, 1)), ADD, "fund_not_valid"),
        (facts("0.75", month_closed=True), ADD, "period_closed"),
        (facts("0.75"), AddToCommitment(money=eur("100.00")), "currencies_differ"),
        (facts("0.75"), AddToCommitment(money=usd("0.001")), "finer_than_paid"),
        (facts("0.75", support=None), ADD, "policy_unknown"),
        (facts("0.75"), AddToCommitment(money=usd("100.01")), "beyond_shortfall"),
        (facts("0.8"), ADD, "nothing_short"),
        (facts("0.9"), ADD, "nothing_short"),
        # Without a rate nobody knows what is missing.
        (facts("0.75", by(APPROVER, "5000.00", "USD"), rates=RatesInForce({})), ADD, "rate_missing"),
    ],
)
def test_an_addition_is_held_to_the_same_as_an_approval(known: GrantFacts, order: AddToCommitment, refused: str | None) -> None:
    if refused is None:
        after(approved(), order, APPROVER, known)
    else:
        assert code(approved(), order, APPROVER, known) == refused


def test_after_the_last_day_of_the_fund_it_is_said_what_to_do() -> None:
    with pytest.raises(Refusal) as caught:
        after(approved(), ADD, APPROVER, facts("0.75", today=date(2024, 1, 1)))
    assert code_of(caught.value) == "fund_not_valid"
    assert "A manager asks for a later last day, or the grant is cancelled" in caught.value.sentence


@pytest.mark.parametrize(("up_to", "refused"), [("1124.99", "beyond_authority"), ("1125.00", None)])
def test_the_reader_is_told_whether_what_is_committed_already_is_within_their_authority(up_to: str, refused: str | None) -> None:
    told = GRANT.refusal(approved(), AddToCommitment, facts("0.75", by(APPROVER, up_to)), Context(APPROVER, NOON))
    assert (told.code if told is not None else None) == refused


def test_the_reader_is_offered_to_add_where_something_is_missing_alone() -> None:
    for rate, refused in (("0.75", None), ("0.8", "nothing_short"), ("0.85", "nothing_short")):
        told = GRANT.refusal(approved(), AddToCommitment, facts(rate), Context(APPROVER, NOON))
        assert (told.code if told is not None else None) == refused


def test_more_than_the_grant_had_approvals_for_is_added_by_the_chief_of_mission_alone() -> None:
    caps = replace(EXAMPLE_CAPS, one_approver_up_to=Decimal("1199.99"), two_approvers_up_to=Decimal("2000.00"))
    assert code(approved(), ADD, APPROVER, facts("0.75", caps=caps)) == "more_approvals_needed"
    chief = by(CHIEF, role="chief_of_mission")
    (told,), _ = after(approved(), ADD, CHIEF, facts("0.75", chief, caps=caps))
    assert isinstance(told, CommitmentAdded)
    assert (told.levels_needed, told.authority_role) == (2, "chief_of_mission")
    # With what else the person had, the same total may need more.
    known = facts("0.75")
    assert known.support is not None
    others = replace(known, support=replace(known.support, person=(eur("1800.01"),)))
    assert code(approved(), ADD, APPROVER, others) == "more_approvals_needed"


def test_nothing_is_added_for_a_person_who_has_not_arrived_after_all_or_whose_case_is_over() -> None:
    taken_back = CASE.fold((ArrivalTakenBack(person_id=PERSON),), ARRIVED)
    for case, refused in ((taken_back, "not_arrived_yet"), (SEALED, "case_sealed"), (None, "case_unknown")):
        assert code(approved(), ADD, APPROVER, facts("0.75", case=case)) == refused
        told = GRANT.refusal(approved(), AddToCommitment, facts("0.75", case=case), Context(APPROVER, NOON))
        assert told is not None
        assert told.code == refused


def test_nothing_is_added_once_nothing_is_left_to_release_or_money_is_asked_back() -> None:
    state = paid_in_full(approved(), "0.8")[1]
    assert code(state, ADD, APPROVER, facts()) == "wrong_status"
    state = after(approved(), release(1), PAYER, facts("0.85"))[1]
    state = after(state, ConfirmPayment(number=1, reference="B-1", paid_on=TODAY), PAYER, facts())[1]
    delivered = after(state, ConfirmDelivery(number=1), OFFICE, facts())[1]
    last = after(delivered, release(2), PAYER, facts("0.85"))[1]
    assert code(last, ADD, APPROVER, facts()) == "no_tranche_left"
    asked_back = after(state, OpenRecovery(reason="overpaid", money=eur("1.00")), SECOND, facts())[1]
    assert code(asked_back, ADD, APPROVER, facts()) == "recovery_open"


def test_an_approval_of_before_took_what_it_took_of_a_fund_in_its_own_currency() -> None:
    state = GRANT.fold(UNTIL_APPROVED)
    assert state is not None
    assert (state.fund_currency, *in_fund(state)) == ("EUR", "1200.00", "1200.00", "1200.00", "0")


def test_a_deputy_of_the_chief_adds_nothing_that_needs_more_approvals_than_were_given() -> None:
    # One approval is enough for what is committed, which is 1125.00; with 100.00 dollars more two are needed, and the chief alone adds that.
    caps = replace(ONE_APPROVES, one_approver_up_to=Decimal("1150.00"))
    chief = by(CHIEF, role="chief_of_mission")
    for person in (APPROVER, SECOND):
        deputy = replace(chief, acting_id=person.person_id)
        assert code(approved(), ADD, person, facts("0.75", deputy, caps=caps)) == "more_approvals_needed"
    after(approved(), ADD, CHIEF, facts("0.75", chief, caps=caps))
