"""A file that counts and of which nothing followed is dropped by two others than those two by whom it counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.bank_file_revoking import AskToRevokeBankFile, KeepBankFile, RevokeBankFile
from services.reintegration.domain.bank_file_state import BankFileFacts
from services.reintegration.domain.bank_files import BANK_FILE
from shared.actors import Actor
from shared.contracts.bank import BankFileDropped, BankFileKept, BankFileRevocationAsked
from shared.messages import Command
from tests.given import NOON, staff
from tests.unit.reintegration.test_bank_file import (
    BRINGER,
    CONFIRMED,
    DROP,
    IMPORTED,
    NOBODY_PAID,
    SECOND,
    SEEN,
    WAITS,
)

THIRD = staff("third", "finance_reconciler")
CHIEF = staff("chief", "chief_of_mission")
NOTHING_FOLLOWED = replace(NOBODY_PAID, followed=False)
COUNTS = WAITS.given(CONFIRMED).knowing(NOTHING_FOLLOWED)
ASK, REVOKE, KEEP = AskToRevokeBankFile(reason="differs_from_the_bank"), RevokeBankFile(), KeepBankFile()
ASKED = BankFileRevocationAsked(reason="differs_from_the_bank", asked_by=THIRD.person_id, asked_at=NOON)
REVOKED = BankFileDropped(reason="differs_from_the_bank", dropped_by=CHIEF.person_id, dropped_at=NOON)
KEPT = BankFileKept(kept_by=CHIEF.person_id, kept_at=NOON)


def test_one_of_two_others_asks_and_the_other_drops_it_or_lets_it_count_on() -> None:
    COUNTS.when(ASK, THIRD).then(ASKED)
    COUNTS.given(ASKED).when(REVOKE, CHIEF).then(REVOKED)
    COUNTS.given(ASKED).when(KEEP, CHIEF).then(KEPT)
    COUNTS.given(ASKED, KEPT).when(ASK, THIRD).then(ASKED)


@pytest.mark.parametrize("order", [ASK, REVOKE, KEEP], ids=["ask", "revoke", "keep"])
def test_neither_of_those_by_whom_it_counts_nor_whoever_asked_or_pays_decides(order: Command) -> None:
    state = COUNTS if order is ASK else COUNTS.given(ASKED)
    for who in (BRINGER, SECOND, staff("payer", "finance_approver", "finance_payer"), *((THIRD,) if order is not ASK else ())):
        state.when(order, who).refused("four_eyes")
    state.knowing(replace(NOTHING_FOLLOWED, i_paid=True)).when(order, CHIEF).refused("four_eyes")


def test_what_something_rests_on_stays_and_what_does_not_count_is_not_revoked() -> None:
    COUNTS.knowing(NOBODY_PAID).when(ASK, THIRD).refused("something_followed")
    COUNTS.given(ASKED).knowing(NOBODY_PAID).when(REVOKE, CHIEF).refused("something_followed")
    COUNTS.given(ASKED).knowing(NOBODY_PAID).when(KEEP, CHIEF).then(KEPT)
    COUNTS.given(ASKED).when(ASK, CHIEF).refused("revocation_asked")
    COUNTS.when(REVOKE, CHIEF).refused("revocation_not_asked")
    COUNTS.when(KEEP, CHIEF).refused("revocation_not_asked")
    for state in (WAITS.knowing(NOTHING_FOLLOWED), COUNTS.given(ASKED, REVOKED)):
        state.when(ASK, THIRD).refused("file_does_not_count")


@given(st.lists(st.tuples(st.sampled_from((SEEN, DROP, ASK, REVOKE, KEEP)), st.sampled_from((BRINGER, SECOND, THIRD, CHIEF)), st.booleans()), max_size=12))
def test_whatever_is_tried_what_counted_is_dropped_by_two_who_had_no_part_in_it(tried: list[tuple[Command, Actor, bool]]) -> None:
    past = WAITS
    for order, who, followed in tried:
        outcome = past.knowing(BankFileFacts(i_paid=False, importer_paid=False, followed=followed)).when(order, who)
        past = past.given(*outcome.events)
    state = BANK_FILE.fold(past.past)
    assert state is not None and IMPORTED in past.past
    if state.status == "dropped" and state.confirmed_by is not None:
        assert len({state.imported_by, state.confirmed_by, state.revocation_asked_by, state.dropped_by}) == 4
