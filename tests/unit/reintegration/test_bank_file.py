"""A file of the bank's counts once another person, who paid nothing that it names, found the same in the bank's own portal."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.bank_file_confirming import ConfirmBankFile, DropBankFile, StatementSeen
from services.reintegration.domain.bank_file_state import BankFileFacts
from services.reintegration.domain.bank_files import BANK_FILE, MOST_UNCONFIRMED, ImportBankFile
from shared.actors import Actor
from shared.contracts.bank import BankFileConfirmed, BankFileDropped, BankFileImported, ImportedStatement
from shared.messages import Command
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import ref

BRINGER = staff("bringer", "finance_reconciler")
SECOND = staff("second", "finance_reconciler")
ALSO_PAYER = staff("also-payer", "finance_approver", "finance_payer")
NOBODY_PAID = BankFileFacts(i_paid=False, importer_paid=False)
FILES = Given(BANK_FILE, NOBODY_PAID)


def statement(closing: str, lines: int) -> ImportedStatement:
    return ImportedStatement(
        own_account_id=ref(61), identification=f"IZVOD-{lines}", currency="EUR", opening=Decimal("1000.00"), closing=Decimal(closing),
        first_on=date(2023, 5, 2), closed_on=date(2023, 5, 31), lines=lines,
    )  # fmt: skip


IMPORT = ImportBankFile(
    file_kind="statement", sha256="a" * 64, lines=5, lines_sha256="b" * 64, statements=(statement("950.64", 4), statement("-3.50", 1))
)
IMPORTED = BankFileImported(
    **IMPORT.model_dump(exclude={"attempts", "statements"}), statements=IMPORT.statements, imported_by=BRINGER.person_id,
    imported_at=NOON, unconfirmed=True,
)  # fmt: skip
REPORTED = IMPORTED.model_copy(update={"file_kind": "status_report", "statements": (), "identification": "R-1", "instruction_id": ref(7)})
SEEN = ConfirmBankFile(file_sha256="a" * 64, statements=(StatementSeen(closing=Decimal("950.64"), line_count=4), StatementSeen(closing=Decimal("-3.5"), line_count=1)))
HASHED = ConfirmBankFile(file_sha256="a" * 64)
CONFIRMED = BankFileConfirmed(compared=("file", "balances"), confirmed_by=SECOND.person_id, confirmed_at=NOON)
DROP = DropBankFile(reason="not_from_the_bank")
DROPPED = BankFileDropped(reason="not_from_the_bank", dropped_by=SECOND.person_id, dropped_at=NOON)
WAITS = FILES.given(IMPORTED)


def test_what_is_imported_waits_for_another_person_who_saw_the_same_at_the_bank() -> None:
    FILES.when(IMPORT, BRINGER).then(IMPORTED)
    WAITS.when(SEEN, SECOND).then(CONFIRMED)
    FILES.given(REPORTED).when(HASHED, SECOND).then(CONFIRMED.model_copy(update={"compared": ("file",)}))


@pytest.mark.parametrize(
    ("order", "code"),
    [
        # That the file is the same does not say that the bank has it.
        (HASHED, "nothing_compared"),
        (SEEN.model_copy(update={"statements": SEEN.statements[:1]}), "balances_differ"),
        (SEEN.model_copy(update={"statements": SEEN.statements[::-1]}), "balances_differ"),
        (SEEN.model_copy(update={"statements": (SEEN.statements[0], StatementSeen(closing=Decimal("3.50"), line_count=1))}), "balances_differ"),
        (SEEN.model_copy(update={"statements": (SEEN.statements[0], StatementSeen(closing=Decimal("-3.50"), line_count=2))}), "balances_differ"),
        # A line of it may be of another payment, though it closes and counts the same.
        (SEEN.model_copy(update={"file_sha256": "c" * 64}), "another_file"),
    ],
    ids=["hash_alone", "one_of_two", "another_order", "another_sign", "another_number", "another_hash"],
)  # fmt: skip
def test_a_look_that_found_something_else_or_nothing_confirms_no_statement(order: Command, code: str) -> None:
    WAITS.when(order, SECOND).refused(code)


def test_a_report_is_compared_by_its_hash_and_has_no_balances() -> None:
    reported = FILES.given(REPORTED)
    reported.when(ConfirmBankFile(file_sha256="c" * 64), SECOND).refused("another_file")
    reported.when(SEEN, SECOND).refused("balances_differ")


@pytest.mark.parametrize("order", [SEEN, DROP], ids=["confirm", "drop"])
def test_neither_whoever_imported_nor_whoever_pays_decides_on_it(order: Command) -> None:
    WAITS.when(order, BRINGER).refused("four_eyes")
    for payer in (ALSO_PAYER, staff("office-payer", "finance_reconciler", "office_payer")):
        WAITS.when(order, payer).refused("four_eyes")
    WAITS.knowing(replace(NOBODY_PAID, i_paid=True)).when(order, SECOND).refused("four_eyes")
    # What was not looked up refuses.
    WAITS.knowing(BankFileFacts()).when(order, SECOND).refused("four_eyes")


def test_nobody_brings_a_file_that_tells_of_payments_of_their_own_and_one_that_came_so_is_dropped() -> None:
    paid = replace(NOBODY_PAID, i_paid=True)
    FILES.knowing(paid).when(IMPORT, BRINGER).refused("four_eyes")
    theirs = WAITS.knowing(replace(NOBODY_PAID, importer_paid=True))
    theirs.when(SEEN, SECOND).refused("four_eyes")
    theirs.when(DROP, SECOND).then(DROPPED)


@pytest.mark.parametrize("order", [SEEN, DROP], ids=["confirm", "drop"])
def test_what_counts_stays_and_what_was_dropped_comes_back_under_another_id_alone(order: Command) -> None:
    WAITS.given(CONFIRMED).when(order, SECOND).refused("file_confirmed")
    WAITS.given(DROPPED).when(order, SECOND).refused("file_dropped")
    FILES.given(IMPORTED.model_copy(update={"unconfirmed": False})).when(order, SECOND).refused("file_confirmed")


def test_a_file_of_before_counts_by_the_word_of_whoever_imported_it() -> None:
    state = BANK_FILE.fold((IMPORTED.model_copy(update={"unconfirmed": False}),))
    assert state is not None
    assert (state.status, state.before_rule, state.confirmed_by, state.acted_by) == ("confirmed", True, None, BRINGER.person_id)


def test_nobody_stops_more_payments_than_a_few_files_name_before_a_second_person_looks() -> None:
    FILES.knowing(replace(NOBODY_PAID, waiting=MOST_UNCONFIRMED - 1)).when(IMPORT, BRINGER).then(IMPORTED)
    FILES.knowing(replace(NOBODY_PAID, waiting=MOST_UNCONFIRMED)).when(IMPORT, BRINGER).refused("too_many_unconfirmed")


_PERSONS = (BRINGER, SECOND, ALSO_PAYER, staff("third", "finance_approver"))
_ORDERS: tuple[Command, ...] = (IMPORT, SEEN, HASHED, DROP)


@given(st.lists(st.tuples(st.sampled_from(_ORDERS), st.sampled_from(_PERSONS), st.booleans(), st.booleans()), max_size=12))
def test_whatever_is_tried_a_file_counts_by_two_who_paid_nothing_and_what_is_decided_stays(
    tried: list[tuple[Command, Actor, bool, bool]],
) -> None:
    past = FILES
    decided = None
    for order, who, i_paid, importer_paid in tried:
        before = BANK_FILE.fold(past.past)
        outcome = past.knowing(BankFileFacts(i_paid=i_paid, importer_paid=importer_paid)).when(order, who)
        past = past.given(*outcome.events)
        after = BANK_FILE.fold(past.past)
        if decided is not None:
            assert after == decided
        if after is not None and before is not None and after != before:
            assert who.person_id != after.imported_by
            assert who is not ALSO_PAYER
            assert not i_paid
            assert after.status == "dropped" or not importer_paid
            decided = after
