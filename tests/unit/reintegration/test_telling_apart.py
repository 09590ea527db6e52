"""A line that was taken for one told again is another one only as two persons find, neither of whom released what it names."""

from decimal import Decimal
from typing import Any

from services.reintegration.domain.bank_line_acts import BankLineAct
from services.reintegration.domain.bank_lines import (
    BANK_LINE,
    BankLineFacts,
    ConfirmApart,
    ExplainLine,
    KeepTogether,
    MatchLine,
    TellApart,
)
from services.reintegration.domain.matching import BankLine
from shared.contracts.bank import (
    BankLineApartAsked,
    BankLineApartDropped,
    BankLineExplained,
    BankLineToldApart,
)
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import PAYER, RECONCILER, TODAY, ref

LINE = BankLine(ref(71), "booked", None, Decimal("3.50"), "EUR", "debit", booked_on=TODAY, bank_reference="B-1")
TOLD_AGAIN = BankLineFacts(LINE, told_again=True, paid_by_reader=False)
LINES: Given[BankLineAct, BankLineFacts] = Given(BANK_LINE, TOLD_AGAIN)
COLLEAGUE: Any = staff("other-reconciler", "finance_reconciler")
ASKED = BankLineApartAsked(asked_by=RECONCILER.person_id, asked_at=NOON)
APART = BankLineToldApart(asked_by=RECONCILER.person_id, confirmed_by=COLLEAGUE.person_id, confirmed_at=NOON)


def test_one_asks_another_confirms_and_nobody_does_both() -> None:
    LINES.when(TellApart(), RECONCILER).then(ASKED)
    asked = LINES.given(ASKED)
    asked.when(ConfirmApart(), RECONCILER).refused("four_eyes")
    asked.when(TellApart(), COLLEAGUE).refused("apart_asked")
    asked.when(ConfirmApart(), COLLEAGUE).then(APART)
    LINES.given(ASKED, APART).when(ConfirmApart(), COLLEAGUE).refused("wrong_status")


def test_whoever_released_the_payment_that_it_names_finds_nothing_of_it() -> None:
    theirs = LINES.knowing(BankLineFacts(LINE, told_again=True))
    theirs.when(TellApart(), PAYER).refused("four_eyes")
    theirs.given(ASKED).when(ConfirmApart(), PAYER).refused("four_eyes")


def test_what_was_not_taken_for_told_again_is_not_told_apart_and_what_is_told_again_is_nothing_else_meanwhile() -> None:
    LINES.knowing(BankLineFacts(LINE, waits=True, paid_by_reader=False)).when(TellApart(), RECONCILER).refused("not_told_again")
    LINES.given(ASKED).when(ExplainLine(explanation="charges"), RECONCILER).refused("line_settled")
    LINES.given(ASKED).when(MatchLine(attempt_id=ref(1)), RECONCILER).refused("line_settled")
    LINES.given(ASKED).when(KeepTogether(), RECONCILER).then_kinds(BankLineApartDropped)


def test_once_it_is_another_line_it_is_explained_as_any_other() -> None:
    LINES.given(ASKED, APART).knowing(BankLineFacts(LINE, waits=True, may_be_ours=False, paid_by_reader=False)).when(ExplainLine(explanation="charges"), RECONCILER).then_kinds(BankLineExplained)
