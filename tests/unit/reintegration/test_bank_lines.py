"""What persons say of a line of the bank's: nothing of a payment of ours is explained away, matched or undone by one alone."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.bank_line_acts import (
    BEGINNINGS,
    OF_THE_ATTEMPT_FOUND,
    TRANSITIONS,
    BankLineAct,
)
from services.reintegration.domain.bank_lines import (
    BANK_LINE,
    BankLineFacts,
    ConfirmExplanation,
    ConfirmMatch,
    ConfirmUndoing,
    DropExplanation,
    DropMatch,
    ExplainLine,
    KeepMatch,
    MatchLine,
    ProposeExplanation,
    UndoMatch,
)
from services.reintegration.domain.matching import BankLine, KnownAttempt
from shared.actors import Actor
from shared.contracts.bank import (
    BankLineExplained,
    BankLineExplanationAsked,
    BankLineExplanationDropped,
    BankLineMatchAsked,
    BankLineMatchDropped,
    BankLineMatched,
    BankLineMatchKept,
    BankLineMatchUndone,
    BankLineUndoAsked,
)
from shared.errors import Refusal
from shared.messages import Command, Context, Event
from tests.given import NOON, Given
from tests.unit.reintegration.examples import CHIEF, RECONCILER, TODAY, eur, ref

LINE = BankLine(ref(71), "booked", None, Decimal("500.00"), "EUR", "debit", booked_on=TODAY, bank_reference="B-1", sent_at=NOON)
FITS = KnownAttempt(ref(41), "released", "bank_file", Decimal("500.00"), "EUR")
# Paid already, so that a debit which names it settles nothing of it.
NAMED = replace(FITS, attempt_id=ref(42), status="paid")
NAMES_NOTHING = BankLineFacts(LINE, waits=True, attempt=FITS, may_be_ours=False, may_be_another=False, paid_by_reader=False)
OF_NAMED = replace(LINE, attempt_id=NAMED.attempt_id)
NAMES_ONE = replace(NAMES_NOTHING, line=OF_NAMED, named=NAMED, of_named=OF_NAMED)
PLAIN: Given[BankLineAct, BankLineFacts] = Given(BANK_LINE, NAMES_NOTHING)
OF_ONE: Given[BankLineAct, BankLineFacts] = Given(BANK_LINE, NAMES_ONE)

EXPLAIN, PROPOSE = ExplainLine(explanation="charges"), ProposeExplanation(explanation="charges")
MATCH = MatchLine(attempt_id=FITS.attempt_id)
# Half a euro more was booked than ordered.
BOOKED_MORE = PLAIN.knowing(replace(NAMES_NOTHING, line=replace(LINE, amount=Decimal("500.50"))))
MATCH_PART = MATCH.model_copy(update={"paid_part": eur("500.00")})
MATCH_OTHER = MATCH.model_copy(update={"other_than_named": "quoted_wrongly"})
EXPLAINED = BankLineExplained(explanation="charges", explained_by=RECONCILER.person_id, explained_at=NOON)
ASKED = BankLineExplanationAsked(explanation="charges", asked_by=RECONCILER.person_id, asked_at=NOON)
BY_TWO = EXPLAINED.model_copy(update={"asked_by": RECONCILER.person_id, "explained_by": CHIEF.person_id})
MATCH_ASKED = BankLineMatchAsked(attempt_id=FITS.attempt_id, asked_by=RECONCILER.person_id, asked_at=NOON)
MATCHED = BankLineMatched(
    attempt_id=FITS.attempt_id, asked_by=RECONCILER.person_id, matched_by=CHIEF.person_id, matched_at=NOON
)  # fmt: skip
UNDO_ASKED = BankLineUndoAsked(attempt_id=FITS.attempt_id, asked_by=RECONCILER.person_id, asked_at=NOON)
UNDONE = BankLineMatchUndone(
    attempt_id=FITS.attempt_id, asked_by=RECONCILER.person_id, undone_by=CHIEF.person_id, undone_at=NOON
)  # fmt: skip
DROPPED = BankLineMatchDropped(dropped_by=CHIEF.person_id, dropped_at=NOON)
EXPLANATION_DROPPED = BankLineExplanationDropped(dropped_by=CHIEF.person_id, dropped_at=NOON)


def test_what_names_no_payment_of_ours_one_person_explains() -> None:
    PLAIN.when(EXPLAIN, RECONCILER).then(EXPLAINED)
    PLAIN.when(PROPOSE, RECONCILER).refused("names_no_payment")
    # Nor does it take another person where the one who looks at it paid something.
    PLAIN.knowing(replace(NAMES_NOTHING, paid_by_reader=True)).when(EXPLAIN, RECONCILER).then(EXPLAINED)


def test_what_names_a_payment_of_ours_two_persons_explain_away() -> None:
    OF_ONE.when(EXPLAIN, RECONCILER).refused("names_our_payment")
    OF_ONE.when(PROPOSE, RECONCILER).then(ASKED)
    asked = OF_ONE.given(ASKED)
    asked.when(ConfirmExplanation(), RECONCILER).refused("four_eyes")
    asked.when(ConfirmExplanation(), CHIEF).then(BY_TWO)
    for order in (EXPLAIN, PROPOSE, MATCH_OTHER):
        asked.when(order, CHIEF).refused("explanation_waits")
    asked.when(DropExplanation(), CHIEF).then(EXPLANATION_DROPPED)
    dropped = asked.given(EXPLANATION_DROPPED)
    dropped.when(PROPOSE, RECONCILER).then(ASKED)
    dropped.when(ConfirmExplanation(), CHIEF).refused("wrong_status")


def test_what_may_be_an_open_payment_of_ours_two_persons_explain_away_though_it_names_none() -> None:
    fits = PLAIN.knowing(replace(NAMES_NOTHING, may_be_ours=True))
    fits.when(EXPLAIN, RECONCILER).refused("names_our_payment")
    fits.when(PROPOSE, RECONCILER).then(ASKED)
    fits.given(ASKED).when(ConfirmExplanation(), RECONCILER).refused("four_eyes")
    fits.given(ASKED).when(ConfirmExplanation(), CHIEF).then(BY_TWO)
    whoever_paid = replace(NAMES_NOTHING, may_be_ours=True, paid_by_reader=True)
    fits.knowing(whoever_paid).when(PROPOSE, RECONCILER).refused("four_eyes")
    assert BankLineFacts().may_be_ours


@pytest.mark.parametrize("past", [(MATCH_ASKED, MATCHED), (MATCH_ASKED, MATCHED, UNDO_ASKED, BankLineMatchKept(kept_by=CHIEF.person_id, kept_at=NOON))], ids=["matched", "kept"])  # fmt: skip
def test_what_two_found_to_be_a_payment_is_explained_once_two_have_undone_it(past: Sequence[Event]) -> None:
    matched = PLAIN.given(*past)
    for order in (EXPLAIN, PROPOSE, MATCH):
        matched.when(order, RECONCILER).refused("line_matched")
    matched.when(UndoMatch(), RECONCILER).then(UNDO_ASKED)
    asked = matched.given(UNDO_ASKED)
    asked.when(EXPLAIN, RECONCILER).refused("undo_waits")
    asked.when(ConfirmUndoing(), RECONCILER).refused("four_eyes")
    asked.when(ConfirmUndoing(), CHIEF).then(UNDONE)
    asked.when(KeepMatch(), CHIEF).then_kinds(BankLineMatchKept)
    asked.given(UNDONE).when(EXPLAIN, RECONCILER).then(EXPLAINED)


def test_of_what_settled_or_is_explained_nothing_is_said_any_more() -> None:
    settled = replace(NAMES_ONE, waits=False)
    for past, order in (
        ((), EXPLAIN), ((), PROPOSE), ((), MATCH_OTHER), ((ASKED,), ConfirmExplanation()), ((MATCH_ASKED,), ConfirmMatch()),
        ((MATCH_ASKED, MATCHED), UndoMatch()), ((MATCH_ASKED, MATCHED, UNDO_ASKED), ConfirmUndoing()), ((EXPLAINED,), EXPLAIN),
    ):  # fmt: skip
        OF_ONE.given(*past).knowing(settled).when(order, CHIEF).refused("line_settled")


def test_a_line_that_is_of_another_payment_than_the_bank_names_says_so_and_never_while_that_one_is_open() -> None:
    OF_ONE.when(MATCH, RECONCILER).refused("other_than_named")
    OF_ONE.when(MATCH_OTHER, RECONCILER).then(MATCH_ASKED.model_copy(update={"other_than_named": "quoted_wrongly"}))
    PLAIN.when(MATCH_OTHER, RECONCILER).refused("names_no_other")
    still_open = replace(NAMES_ONE, named=replace(NAMED, status="released", amount=Decimal("7.00")))
    OF_ONE.knowing(still_open).when(MATCH_OTHER, RECONCILER).refused("named_payment_open")
    credit = replace(LINE, direction="credit", attempt_id=NAMED.attempt_id)
    comes_back = replace(NAMES_ONE, line=credit, of_named=credit, attempt=replace(FITS, status="paid"))
    OF_ONE.knowing(comes_back).when(MATCH_OTHER, RECONCILER).refused("named_payment_open")
    OF_ONE.knowing(replace(NAMES_ONE, of_named=None)).when(MATCH_OTHER, RECONCILER).refused("named_payment_open")
    # Nor is what two persons had ended hidden under the one that was released in its place.
    ended = replace(NAMED, status="failed", unanswered=True, pays_for=(ref(1), 1))
    in_its_place = replace(NAMES_ONE, named=ended, attempt=replace(FITS, pays_for=(ref(1), 1)))
    OF_ONE.knowing(in_its_place).when(MATCH_OTHER, RECONCILER).refused("named_booked_after_all")
    of_another_tranche = replace(in_its_place, attempt=replace(FITS, pays_for=(ref(1), 2)))
    OF_ONE.knowing(of_another_tranche).when(MATCH_OTHER, RECONCILER).then_kinds(BankLineMatchAsked)
    # What was asked before is held against what is known when a second one confirms it.
    said = MATCH_ASKED.model_copy(update={"other_than_named": "quoted_wrongly"})
    OF_ONE.given(said).knowing(still_open).when(ConfirmMatch(), CHIEF).refused("named_payment_open")
    OF_ONE.given(said).when(ConfirmMatch(), CHIEF).then(MATCHED)


def test_whoever_paid_says_nothing_of_the_lines_of_their_payments() -> None:
    paid = replace(NAMES_ONE, paid_by_reader=True)
    for past, order in (
        ((), PROPOSE), ((), MATCH_OTHER), ((ASKED,), ConfirmExplanation()),
        ((MATCH_ASKED.model_copy(update={"other_than_named": "quoted_wrongly"}),), ConfirmMatch()),
        ((MATCH_ASKED, MATCHED), UndoMatch()), ((MATCH_ASKED, MATCHED, UNDO_ASKED), ConfirmUndoing()),
        ((ASKED,), DropExplanation()), ((MATCH_ASKED,), DropMatch()), ((MATCH_ASKED, MATCHED, UNDO_ASKED), KeepMatch()),
    ):  # fmt: skip
        OF_ONE.given(*past).knowing(paid).when(order, CHIEF).refused("four_eyes")


@pytest.mark.parametrize("after", [EXPLAINED, MATCH_ASKED], ids=["explained", "asked-anew"])
def test_what_one_person_said_of_a_match_in_logs_of_before_is_still_read(after: Event) -> None:
    # Nobody who spoke before is forgotten by it.
    folded, alone = BANK_LINE.fold((MATCH_ASKED, MATCHED, after)), BANK_LINE.fold((after,))
    assert folded is not None
    assert alone is not None
    assert folded.spoken == (CHIEF.person_id, RECONCILER.person_id)
    assert replace(folded, spoken=alone.spoken) == alone
    for order in (EXPLAIN, MATCH):
        PLAIN.given(MATCH_ASKED, MATCHED).when(order, RECONCILER).refused("line_matched")


def test_facts_that_were_not_looked_up_say_nothing_of_a_line() -> None:
    for order in (EXPLAIN, PROPOSE, MATCH):
        PLAIN.knowing(BankLineFacts()).when(order, RECONCILER).refused("not_found")


def test_a_part_is_said_of_another_amount_alone_and_in_the_currency_of_the_payment_and_is_confirmed_by_another() -> None:
    BOOKED_MORE.when(MATCH, RECONCILER).refused("amount_differs")
    (asked,) = BOOKED_MORE.when(MATCH_PART, RECONCILER).events
    assert isinstance(asked, BankLineMatchAsked)
    assert asked.paid_part == eur("500.00")
    BOOKED_MORE.given(asked).when(ConfirmMatch(), RECONCILER).refused("four_eyes")
    BOOKED_MORE.given(asked).when(ConfirmMatch(), CHIEF).then_kinds(BankLineMatched)
    PLAIN.when(MATCH_PART, RECONCILER).refused("fits_as_it_is")
    # Nothing that may be another payment is taken for charges, nor by the second one.
    several = BOOKED_MORE.knowing(replace(NAMES_NOTHING, line=replace(LINE, amount=Decimal("500.50")), may_be_another=True))
    several.when(MATCH_PART, RECONCILER).refused("may_be_another")
    several.given(asked).when(ConfirmMatch(), CHIEF).refused("may_be_another")
    assert BankLineFacts().may_be_another
    BOOKED_MORE.when(MATCH.model_copy(update={"paid_part": eur("500.01")}), RECONCILER).refused("amount_differs")
    BOOKED_MORE.when(MATCH.model_copy(update={"paid_part": eur("500.00").model_copy(update={"currency": "BAM"})}), RECONCILER).refused("currencies_differ")


def test_a_part_in_another_currency_is_held_to_the_rate_of_its_day_by_both_and_what_it_was_worth_stays() -> None:
    dollars = replace(NAMES_NOTHING, line=replace(LINE, amount=Decimal("10000.00"), currency="USD"))
    for worth in (None, Decimal("526.00")):
        PLAIN.knowing(replace(dollars, part_worth=worth)).when(MATCH_PART, RECONCILER).refused("too_far_from_rate")
    near = replace(dollars, line=replace(LINE, amount=Decimal("540.00"), currency="USD"), part_worth=Decimal("526.00"))
    (asked,) = PLAIN.knowing(near).when(MATCH_PART, RECONCILER).events
    # The rate was corrected since.
    PLAIN.given(asked).knowing(replace(near, part_worth=Decimal(400))).when(ConfirmMatch(), CHIEF).refused("too_far_from_rate")
    (matched,) = PLAIN.given(asked).knowing(near).when(ConfirmMatch(), CHIEF).events
    assert isinstance(matched, BankLineMatched)
    assert matched.part_worth == eur("526.00").model_copy(update={"currency": "USD"})
    (cheap,) = PLAIN.given(asked).knowing(replace(near, part_worth=Decimal(550))).when(ConfirmMatch(), CHIEF).events
    assert isinstance(cheap, BankLineMatched)
    assert cheap.part_worth == eur("540.00").model_copy(update={"currency": "USD"})


def test_every_state_can_be_reached_and_is_a_row_of_the_table() -> None:
    reached: Final = {after for ways in TRANSITIONS.values() for after in ways} | BEGINNINGS
    assert reached == TRANSITIONS.keys()


ORDERS: Final = (
    EXPLAIN, PROPOSE, ConfirmExplanation(), DropExplanation(), MATCH, MATCH_OTHER, ConfirmMatch(), DropMatch(), UndoMatch(),
    ConfirmUndoing(), KeepMatch(),
)  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(ORDERS), st.sampled_from((RECONCILER, CHIEF))), max_size=14)


@given(st.booleans(), STEPS)
def test_whatever_is_ordered_what_speaks_of_a_payment_of_ours_takes_two(names_one: bool, steps: Sequence[tuple[Command, Actor]]) -> None:
    facts, state, log = NAMES_ONE if names_one else NAMES_NOTHING, None, list[Event]()
    for order, who in steps:
        try:
            events = BANK_LINE.decide(state, order, facts, Context(who, NOON))
        except Refusal:
            continue
        before, state = state, BANK_LINE.fold(events, state)
        log += events
        assert state is not None
        if state.status in ("matched", "match_undone") or (state.status == "explained" and names_one):
            assert state.asked_by not in (None, state.acted_by)
        if before is not None and before.status in OF_THE_ATTEMPT_FOUND:
            assert state.status in OF_THE_ATTEMPT_FOUND | {"match_undone"}
        if state.status == "explained":
            facts = replace(facts, waits=False)
    assert BANK_LINE.fold(log) == state
