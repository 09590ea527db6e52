"""A line of the bank's settles the attempt of exactly its amount that it names, and what banks say adds up with what was paid."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.bank.pain002 import HAD_BEFORE
from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats
from services.reintegration.domain.matching import (
    BankLine,
    KnownAttempt,
    PartOfBooking,
    Settles,
    Unmatched,
    bank_charges,
    is_settling,
    rest_of_booking,
    settles,
)
from services.reintegration.domain.settlement import (
    SettleByBank,
    failure_reason,
    first_that_settles,
)
from services.reintegration.domain.tranches import ConfirmPayment
from services.reintegration.grant_told import to_pay
from shared.actors import Actor
from shared.errors import RuleViolation
from shared.messages import Context
from tests.given import NOON
from tests.unit.reintegration.examples import (
    DELIVERED_1,
    NOTHING_STANDS_AGAINST_IT,
    PAYER,
    RECONCILER,
    TODAY,
    UNTIL_APPROVED,
    ref,
    release,
)

SERVICE = Actor.service("reintegration")
ATTEMPT = ref(41)
ORDERED = (*UNTIL_APPROVED,)
KNOWN = KnownAttempt(ATTEMPT, "released", "bank_file", Decimal("800.00"), "EUR")
DEBIT = BankLine(
    ref(71), "booked", ATTEMPT, Decimal("800.00"), "EUR", "debit", booked_on=TODAY, bank_reference="B-1", sent_at=NOON, sent_otherwise=True,
)  # fmt: skip
CREDIT = replace(DEBIT, id=ref(72), direction="credit", bank_reference="R-1")
REFUSAL = BankLine(ref(73), "rejected", ATTEMPT, reasons=("AC04",), imported_at=NOON, sent_at=NOON, sent_otherwise=True)
LEFT = replace(DEBIT, sent_at=None, sent_otherwise=False, left_before_restore=True)
PAID, FAILED, BACK = (replace(KNOWN, status=status) for status in ("paid", "failed", "reversed"))


def in_exchange(booked: str | None, currency: str, ordered: str, of: str) -> BankLine:
    return replace(
        DEBIT, amount=None if booked is None else Decimal(booked), currency=currency, instructed_amount=Decimal(ordered), instructed_currency=of,
    )  # fmt: skip


def decided(state: Grant, command: object, by: Actor, **facts: object) -> Grant:
    known = replace(NOTHING_STANDS_AGAINST_IT, **facts)  # type: ignore[arg-type]
    folded = GRANT.fold(GRANT.decide(state, command, known, Context(by, NOON)), state)  # type: ignore[arg-type]
    assert folded is not None
    return folded


def released(attempt_id: UUID = ATTEMPT, state: Grant | None = None) -> Grant:
    begun = state or GRANT.fold(ORDERED)
    assert begun is not None
    return decided(begun, release(1, attempt_id=attempt_id, method="bank_file"), PAYER)


def settled(state: Grant, line: BankLine, **facts: object) -> Grant:
    return decided(state, SettleByBank(), SERVICE, bank_line=line, **facts)


@pytest.mark.parametrize(
    ("line", "attempt", "found"),
    [
        (DEBIT, KNOWN, "pays"), (CREDIT, PAID, "returns"), (REFUSAL, KNOWN, "refuses"),
        (replace(DEBIT, attempt_id=None), None, "names_no_attempt"), (DEBIT, None, "attempt_unknown"),
        (DEBIT, replace(KNOWN, method=None), "not_by_bank"),
        # What left an account of the mission's under the id of cash, or of what an office pays, somebody moved by hand.
        *((DEBIT, replace(KNOWN, method=method), "not_sent") for method in ("office_account", "cash")),
        *((line, replace(KNOWN, method="cash"), "not_by_bank") for line in (CREDIT, REFUSAL)),
        (replace(DEBIT, amount=None), KNOWN, "amount_unknown"), (replace(DEBIT, amount=Decimal("800.01")), KNOWN, "amount_differs"),
        (replace(DEBIT, currency="BAM"), KNOWN, "currency_differs"), (DEBIT, FAILED, "not_released"), (DEBIT, PAID, "already_settled"),
        (DEBIT, BACK, "already_settled"), (replace(DEBIT, reversal=True), PAID, "takes_back"), (CREDIT, KNOWN, "not_paid"),
        (CREDIT, FAILED, "not_paid"), (CREDIT, BACK, "already_settled"), (CREDIT, replace(PAID, delivered=True), "delivered_already"),
        (replace(CREDIT, by_code=True), PAID, "gives_no_reason"), (replace(CREDIT, by_code=True, reasons=("AC04",)), PAID, "returns"),
        (replace(CREDIT, by_code=True, by_hand=True), PAID, "returns"), (REFUSAL, PAID, "may_have_been_paid"), (REFUSAL, FAILED, "already_settled"),
        # What was ordered is in another currency than the account, or is said beside what was booked in its own.
        # A debit is held to what that is worth by the rate of its day, a tenth more or less; a credit is another amount than was paid.
        *((replace(in_exchange(booked, "EUR", "800.00", "TRY"), worth=Decimal(40), by_hand=by_hand), replace(KNOWN, currency="TRY"), "pays" if by_hand or near else "too_far_from_rate")
          for booked, near in (("40.00", True), ("36.00", True), ("44.00", True), ("35.99", False), ("44.01", False), (None, False)) for by_hand in (False, True)),
        (in_exchange("40.00", "EUR", "800.00", "TRY"), replace(KNOWN, currency="TRY"), "too_far_from_rate"),
        (replace(in_exchange("40.00", "EUR", "800.00", "TRY"), direction="credit"), replace(PAID, currency="TRY"), "back_in_another_currency"),
        (replace(in_exchange("40.00", "EUR", "800.00", "TRY"), direction="credit", by_hand=True), replace(PAID, currency="TRY"), "returns"),
        (in_exchange("1000.00", "EUR", "799.99", "TRY"), replace(KNOWN, currency="TRY"), "amount_differs"),
        (in_exchange("800.00", "EUR", "800.00", "TND"), replace(KNOWN, currency="TRY"), "currency_differs"),
        (in_exchange("800.00", "EUR", "800.00", "TRY"), KNOWN, "currency_differs"), (in_exchange("800.00", "EUR", "800.00", "EUR"), KNOWN, "pays"),
        (in_exchange("803.00", "EUR", "800.00", "EUR"), KNOWN, "amount_differs"), (in_exchange("800.00", "EUR", "797.00", "EUR"), KNOWN, "amount_differs"),
        (in_exchange(None, "EUR", "800.00", "EUR"), KNOWN, "amount_unknown"),
        *((replace(line, sent_at=None, sent_otherwise=False), KNOWN, "not_sent") for line in (DEBIT, CREDIT, REFUSAL, replace(DEBIT, by_hand=True))),
        (replace(DEBIT, sent_at=None), KNOWN, "another_account"), (replace(CREDIT, sent_at=None), PAID, "another_account"),
        (replace(REFUSAL, sent_at=None), KNOWN, "another_file"),
        # To whom it went is looked at before how much it was; two persons find that it is a payment all the same.
        (replace(DEBIT, other_payee=True, other_block=True, amount=Decimal(1)), KNOWN, "another_payee"), (replace(DEBIT, other_payee=True), PAID, "another_payee"),
        (replace(DEBIT, other_block=True), KNOWN, "another_block"), (replace(DEBIT, other_payee=True, other_block=True, by_hand=True), KNOWN, "pays"),
        (replace(DEBIT, other_payee=True, by_hand=True, amount=Decimal(1)), KNOWN, "amount_differs"), (replace(DEBIT, other_payee=True, sent_at=None, sent_otherwise=False), KNOWN, "not_sent"),
        (replace(CREDIT, other_block=True), PAID, "returns"),
        # Of another amount, or in another currency than said, two persons find which part is the payment: no more than was ordered, than the line has and than its booking leaves.
        *((replace(DEBIT, by_hand=True, amount=amount, paid_part=Decimal(part), booking_left=left), KNOWN, found) for amount, part, left, found in (
            (Decimal(801), "800", None, "pays"), (Decimal(801), "800.01", None, "amount_differs"), (Decimal(799), "799", None, "pays"), (Decimal(799), "799.01", None, "amount_differs"),
            (Decimal(799), "400", None, "pays"), (Decimal(799), "399.99", None, "amount_differs"), (Decimal(1), "1", None, "amount_differs"), (Decimal(801), "799", None, "amount_differs"), (Decimal(800), "799", Decimal(799), "pays"), (Decimal(799), "0", None, "amount_differs"), (None, "800", None, "pays"), (None, "800", Decimal(800), "pays"), (None, "800", Decimal(799), "amount_differs"),
        )),
        *((replace(DEBIT, by_hand=True, amount=Decimal(801), paid_part=Decimal(part), instructed_amount=Decimal(790), instructed_currency="EUR"), KNOWN, found) for part, found in (("790", "pays"), ("791", "amount_differs"))),
        # In another currency it is held to what the part is worth by the rate of its day; a booking with parts that nobody knows yet has that at least.
        *((replace(DEBIT, by_hand=True, currency="BAM", amount=None if booked is None else Decimal(booked), booking_left=None if has is None else Decimal(has), booking_open=opened, paid_part=Decimal(800), part_worth=None if worth is None else Decimal(worth)), KNOWN, found)
          for booked, has, opened, worth, found in (
            ("1564.66", None, False, "1564.66", "pays"), ("1721.12", None, False, "1564.66", "pays"), ("1721.13", None, False, "1564.66", "too_far_from_rate"), ("1408.19", None, False, "1564.66", "too_far_from_rate"),
            ("10000", None, False, "1564.66", "too_far_from_rate"), ("1564.66", None, False, None, "too_far_from_rate"), ("10000", None, True, "1564.66", "too_far_from_rate"),
            (None, "10000", True, "1564.66", "pays"), (None, "10000", False, "1564.66", "too_far_from_rate"), (None, "1408.19", True, "1564.66", "too_far_from_rate"), (None, None, True, "1564.66", "too_far_from_rate"),
        )), (replace(CREDIT, by_hand=True, paid_part=Decimal(1)), PAID, "amount_differs"),
        # Of what came back all that the line has, half of what was booked at least; in another currency by the rate of its day.
        *((replace(CREDIT, by_hand=True, amount=Decimal(has), paid_part=Decimal(part)), replace(PAID, booked_short=short), found) for has, part, short, found in (
            ("795", "795", None, "returns"), ("795", "794", None, "amount_differs"), ("794", "795", None, "amount_differs"), ("400", "400", None, "returns"), ("399.99", "399.99", None, "amount_differs"),
            ("795", "795", Decimal(6), "amount_differs"), ("801", "800", None, "amount_differs"),
        )),
        *((replace(CREDIT, by_hand=True, currency="BAM", amount=Decimal(has), paid_part=Decimal(800), part_worth=worth), attempt, found) for has, worth, attempt, found in (
            ("1500", Decimal("1564.66"), PAID, "returns"), ("1400", Decimal("1564.66"), PAID, "too_far_from_rate"), ("1500", None, PAID, "too_far_from_rate"), ("1500", Decimal("1564.66"), replace(PAID, delivered=True), "delivered_already"),
        )),
        # What was booked short comes back as it was booked.
        (replace(CREDIT, amount=Decimal(799)), replace(PAID, booked_short=Decimal(1)), "returns"), (CREDIT, replace(PAID, booked_short=Decimal(1)), "amount_differs"),
        *((replace(REFUSAL, reasons=("AC04", code)), KNOWN, "may_have_been_paid") for code in sorted(HAD_BEFORE)),
        # A restore lost that its file was handed out: two persons find its line, and no report settles it.
        (LEFT, KNOWN, "sent_before_restore"), (replace(LEFT, sent_otherwise=True), KNOWN, "sent_before_restore"), (replace(LEFT, by_hand=True), KNOWN, "pays"), (replace(LEFT, by_hand=True), PAID, "already_settled"),
        (replace(LEFT, by_hand=True, amount=Decimal("800.01")), KNOWN, "amount_differs"), (replace(LEFT, by_hand=True), FAILED, "not_released"), (replace(LEFT, by_hand=True), None, "attempt_unknown"),
        (replace(LEFT, by_hand=True, direction="credit"), PAID, "returns"), (replace(LEFT, direction="credit"), PAID, "sent_before_restore"), (replace(LEFT, by_hand=True), replace(KNOWN, method="cash"), "not_sent"),
        (replace(REFUSAL, sent_at=None, sent_otherwise=False, left_before_restore=True, by_hand=True), KNOWN, "not_sent"),
        # What else stands against it two persons are told, before they find that it is this payment all the same.
        (replace(LEFT, other_payee=True), KNOWN, "another_payee"), (replace(LEFT, other_block=True), KNOWN, "another_block"), (replace(LEFT, other_payee=True, by_hand=True), KNOWN, "pays"),
        (replace(LEFT, currency="BAM", amount=Decimal(9000), instructed_amount=Decimal(800), instructed_currency="EUR", worth=Decimal("1564.66")), KNOWN, "too_far_from_rate"),
    ],
)  # fmt: skip
def test_what_a_line_does_to_an_attempt_follows_from_both(line: BankLine, attempt: KnownAttempt | None, found: str) -> None:
    assert settles(line, attempt) == found
    assert found in (*get_args(Settles), *get_args(Unmatched))


def test_what_the_bank_says_makes_nobody_a_payer_and_hides_nobody_who_was_one() -> None:
    paid = settled(released(), DEBIT)
    assert (paid.paid, paid.payer_id, paid.tranches[0].confirmed_by, paid.tranches[0].paid_line) == (Decimal("800.00"), PAYER.person_id, None, DEBIT.id)
    back = settled(paid, CREDIT)
    assert (back.paid, back.reconciler_id, back.former_attempts[0].ended_as, back.former_attempts[0].ended_line) == (Decimal(0), None, None, CREDIT.id)
    refused = settled(released(), REFUSAL)
    assert (refused.former_attempts[0].reason, refused.former_attempts[0].ended_by) == ("account_closed", None)
    for state in (paid, back, refused):
        assert ("payer", PAYER.person_id) in hats(state)
        assert not any(person.startswith("service:") for _, person in hats(state))


def test_charges_and_what_is_missing_stand_with_the_attempt_and_change_no_sum_of_the_grant() -> None:
    for amount, part, charges, short in (("800.50", "800.00", "0.50", None), ("799.00", "799.00", None, "1.00"), ("799.00", "798.00", "1.00", "2.00")):
        paid = settled(released(), replace(DEBIT, by_hand=True, amount=Decimal(amount), paid_part=Decimal(part)))
        tranche = paid.tranches[0]
        assert (tranche.bank_charges, tranche.booked_short) == tuple(None if one is None else Decimal(one) for one in (charges, short))
        assert (paid.paid, paid.fund_paid, paid.committed + paid.paid) == (Decimal(800), Decimal(800), paid.amount)
        back = settled(paid, replace(CREDIT, amount=Decimal(800) - (tranche.booked_short or Decimal(0))))
        over = back.former_attempts[0]
        assert (back.paid, over.bank_charges, over.booked_short) == (Decimal(0), tranche.bank_charges, tranche.booked_short)


BAM = replace(DEBIT, by_hand=True, currency="BAM", amount=Decimal("1600.00"), paid_part=Decimal(800), part_worth=Decimal("1564.66"))


def test_charges_in_another_currency_are_what_was_booked_beyond_the_worth_of_the_part() -> None:
    paid = settled(released(), BAM).tranches[0]
    assert (paid.bank_charges, paid.charges_currency, paid.booked_short) == (Decimal("35.34"), "BAM", None)
    # What was booked below its worth is exchange.
    cheap = settled(released(), replace(BAM, amount=Decimal("1500.00"))).tranches[0]
    assert (cheap.bank_charges, cheap.charges_currency) == (None, None)


AMOUNTS_OF_PARTS = st.decimals(Decimal("0.01"), Decimal(2000), places=2)


@given(AMOUNTS_OF_PARTS, st.lists(st.tuples(st.booleans(), AMOUNTS_OF_PARTS), min_size=1, max_size=4), st.decimals(Decimal(0), Decimal(50), places=2))
def test_the_rest_of_a_booking_is_charged_once_with_the_part_that_is_settled_last(
    own: Decimal, others: list[tuple[bool, Decimal]], rest: Decimal
) -> None:
    whole = own + sum(amount for _, amount in others) + rest
    parts = [(own, True), *((amount, told) for told, amount in others)]
    charged = Decimal(0)
    for place, (amount, told) in enumerate(parts):
        line = replace(DEBIT, by_hand=not told, amount=amount if told else None, paid_part=None if told else amount, booking_whole=whole)
        known = [PartOfBooking(at < place, other if said or at < place else None) for at, (other, said) in enumerate(parts) if at != place]
        found = bank_charges(replace(line, booking_rest=rest_of_booking(line, known, "EUR")), "EUR")
        assert found is None or place == len(parts) - 1
        charged += Decimal(0) if found is None else found.amount
    assert charged == rest


def test_what_a_bank_kept_on_the_way_back_stands_with_the_attempt_and_changes_no_sum_of_the_grant() -> None:
    paid = settled(released(), replace(DEBIT, by_hand=True, amount=Decimal(799), paid_part=Decimal(799)))
    back = settled(paid, replace(CREDIT, by_hand=True, amount=Decimal(790), paid_part=Decimal(790)))
    over = back.former_attempts[0]
    assert (back.paid, back.fund_paid, over.booked_short, over.kept_by_bank) == (Decimal(0), Decimal(0), Decimal(1), Decimal(9))
    assert settled(paid, replace(CREDIT, amount=Decimal(799))).former_attempts[0].kept_by_bank is None


def test_what_an_explained_part_was_booked_with_is_no_charge_of_another() -> None:
    line = replace(DEBIT, booking_whole=Decimal(900))
    assert rest_of_booking(line, [PartOfBooking(settled=False, taken=Decimal(50))], "EUR") is None
    assert rest_of_booking(line, [PartOfBooking(settled=True, taken=Decimal(50))], "EUR") == Decimal(50)
    assert rest_of_booking(DEBIT, [], "EUR") is None


def test_of_what_the_bank_pays_no_person_says_what_became_of_it() -> None:
    state = released()
    for order, by in (
        (ConfirmPayment(number=1, reference="X-1", paid_on=TODAY), PAYER),
        (ReportPaymentFailed(number=1, reason="other", failed_on=TODAY), RECONCILER),
    ):
        with pytest.raises(RuleViolation) as refused:
            decided(state, order, by)
        assert refused.value.code == "paid_by_bank"
    with pytest.raises(RuleViolation) as refused:
        decided(settled(state, DEBIT), ReversePayment(number=1, reason="returned_by_bank", returned_on=TODAY), RECONCILER)
    assert refused.value.code == "paid_by_bank"


@pytest.mark.parametrize(
    "line",
    [
        replace(DEBIT, booked_on=TODAY + timedelta(days=1)), replace(DEBIT, booked_on=date(2020, 1, 1)),
        replace(DEBIT, sent_at=NOON + timedelta(days=2)), replace(DEBIT, amount=Decimal(1)), CREDIT,
    ],
    ids=["day_to_come", "before_the_approval", "before_it_was_sent", "other_amount", "nothing_paid"],
)  # fmt: skip
def test_what_stands_against_a_line_states_nothing_and_is_no_error(line: BankLine) -> None:
    state = released()
    assert settled(state, line) == state
    assert first_that_settles(state, [line], TODAY) is None


def test_a_month_that_is_closed_posts_in_the_oldest_open_one_and_without_one_nothing_is_stated() -> None:
    state = released()
    assert settled(state, DEBIT, month_closed=True, open_month=date(2023, 6, 1)).tranches[0].posted_in == date(2023, 6, 1)
    assert settled(state, DEBIT, month_closed=True, open_month=None) == state


def test_a_reference_that_was_used_gives_way_to_one_that_no_other_line_has() -> None:
    assert settled(released(), DEBIT, reference_used=False).tranches[0].reference == "B-1"
    assert settled(released(), DEBIT, reference_used=True).tranches[0].reference == f"BL-{DEBIT.id.hex}"
    assert settled(released(), replace(DEBIT, bank_reference="2023/0001.A")).tranches[0].reference == f"BL-{DEBIT.id.hex}"


def test_what_was_delivered_does_not_come_back_by_itself() -> None:
    delivered = GRANT.fold([DELIVERED_1], settled(released(), DEBIT))
    assert delivered is not None
    assert settled(delivered, CREDIT) == delivered


def test_a_bank_that_gives_no_reason_of_ours_refused() -> None:
    assert [failure_reason(codes) for codes in ((), ("NARR",), ("NARR", "AC01"), ("BE01",), ("AM02",))] == [
        "refused_by_bank", "refused_by_bank", "account_unknown", "name_mismatch", "limit_exceeded",
    ]  # fmt: skip


lines = st.builds(
    lambda id, kind, attempt, amount, direction, reversal, reasons: BankLine(
        ref(100 + id), kind, ref(40 + attempt), None if kind == "rejected" else Decimal(amount), "EUR",
        None if kind == "rejected" else direction, reversal, TODAY, f"B-{id}", reasons, imported_at=NOON, sent_at=NOON,
    ),
    st.integers(0, 12), st.sampled_from(["booked", "booked", "rejected"]), st.integers(0, 3), st.sampled_from(["800.00", "800.00", "799.99", "803.50"]),
    st.sampled_from(["debit", "credit"]), st.booleans(), st.sampled_from([(), ("AC04",), ("AM05",)]),
).flatmap(lambda line: st.sampled_from([None, "800.00", "799.99", "500.00"]).map(
    # Of some debits two persons found a part.
    lambda part: line if part is None or line.direction != "debit" else replace(line, by_hand=True, paid_part=Decimal(part))
))  # fmt: skip


@given(st.lists(lines | st.none(), max_size=30))
def test_payments_are_the_lines_that_paid_less_those_that_came_back_whatever_a_bank_says(steps: Sequence[BankLine | None]) -> None:
    """Acceptance 3: None releases anew where that can be; each line is offered to the grant as often as it is drawn."""
    state, paying, returning = released(ref(40)), dict[UUID, Decimal](), dict[UUID, Decimal]()
    attempts = 0
    used: set[UUID] = set()
    for step in steps:
        if step is None:
            if state.tranches[0].status == "planned" and attempts < 3:
                attempts += 1
                state = released(ref(40 + attempts), state)
            continue
        # The database offers a line as long as it settled nothing.
        if step.id in used:
            continue
        before = state
        state = settled(state, step)
        if state == before:
            continue
        used.add(step.id)
        if state.paid > before.paid:
            (paid,) = [one for one in state.tranches if one.paid_line == step.id]
            paying[step.id] = (step.amount or Decimal(0)) - (paid.bank_charges or Decimal(0)) + (paid.booked_short or Decimal(0))
        elif state.paid < before.paid:
            returning[step.id] = (step.amount or Decimal(0)) + (state.former_attempts[-1].booked_short or Decimal(0))
        else:
            assert step.kind == "rejected"
    assert state.paid == state.fund_paid == sum(paying.values()) - sum(returning.values())
    over = [attempt for attempt in state.former_attempts if attempt.paid_on is not None]
    assert {attempt.paid_line for attempt in over} | {tranche.paid_line for tranche in state.tranches if tranche.paid_line} == set(paying)
    assert {attempt.ended_line for attempt in over} == set(returning)
    # Whoever pays and reconciles is shown it, whatever the bank said.
    assert [told.ended_by for told in to_pay(state).former_attempts] == [None for _ in state.former_attempts]
    assert state.committed + state.paid == state.amount


LINES_AFTER_A_RESTORE = st.lists(
    st.builds(
        lambda id, amount, direction, by_hand, left: replace(
            DEBIT, id=ref(100 + id), amount=Decimal(amount), direction=direction, by_hand=by_hand, left_before_restore=left, sent_at=None, sent_otherwise=False,
        ),
        st.integers(0, 4), st.sampled_from(["800.00", "800.00", "799.99"]), st.sampled_from(["debit", "debit", "credit"]), st.booleans(), st.booleans(),
    ), max_size=8,
)  # fmt: skip


@given(LINES_AFTER_A_RESTORE)
def test_what_left_before_a_restore_is_spent_once_by_a_line_that_two_persons_found_and_is_never_payable_again(offered: list[BankLine]) -> None:
    state, paying = released(), list[UUID]()
    for line in offered:
        before, state = state, settled(state, line)
        if state.paid > before.paid:
            assert line.by_hand
            assert line.left_before_restore
            assert before.paid == 0
            paying.append(line.id)
        assert state.paid == state.fund_paid
        assert state.paid in (0, Decimal("800.00"))
        assert state.committed + state.paid == state.amount
        with pytest.raises(RuleViolation):
            decided(state, release(1, attempt_id=ref(42), method="bank_file"), PAYER, lost_tranches=frozenset({1}))
    assert (state.tranches[0].paid_line in paying) == (state.paid > 0)


def test_what_left_before_a_restore_was_booked_no_earlier_than_it_was_released() -> None:
    line = replace(LEFT, by_hand=True)
    assert settled(released(), line).tranches[0].paid_line == LEFT.id
    early = replace(line, booked_on=NOON.date() - timedelta(days=2))
    assert settled(released(), early) == released()


def test_facts_that_were_not_looked_up_settle_nothing() -> None:
    state = released()
    assert GRANT.decide(state, SettleByBank(), GrantFacts(), Context(SERVICE, NOON)) == ()
    assert not is_settling("attempt_unknown")
