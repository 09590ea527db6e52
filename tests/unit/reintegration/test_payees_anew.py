"""Whoever was paid before is not confirmed on papers alone, and whom to call about it no change of theirs decides."""

from datetime import timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.payee import (
    CALL_BACK_WITHIN,
    HOLD,
    PAYEE,
    ClosePayee,
    ConfirmCallBack,
    ConfirmPayee,
)
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import CONTACT_SETTLES, contact_to_call
from shared.contracts.payees import (
    KnownContact,
    PayeeConfirmed,
    PayeeEnded,
    PayeeRegistered,
)
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import ARRIVED, CHIEF, OFFICE, RECONCILER, ref
from tests.unit.reintegration.test_payee import ASKED, CALLED, CONFIRMED, DROPPED, HOUR, REGISTERED, VENDOR

FORMER = KnownContact(payee_id=ref(31), account_no=2, since=NOON - timedelta(days=90))
ANEW = REGISTERED.model_copy(update={"former": FORMER})
PAYEES = Given(PAYEE, PayeeFacts(case=ARRIVED))
UNREACHABLE = ConfirmPayee(unreachable=True)


def back(hours: int = 1) -> ConfirmCallBack:
    return ConfirmCallBack(account_no=1, called_at=NOON + hours * HOUR)


def test_whoever_was_paid_before_begins_as_a_change_of_account_does() -> None:
    known = PAYEES.knowing(PayeeFacts(former=FORMER))
    (event,) = known.when(VENDOR, OFFICE).events
    assert isinstance(event, PayeeRegistered)
    assert event.former == FORMER
    anew = PAYEES.given(ANEW)
    anew.when(ConfirmPayee(), RECONCILER).refused("call_back_first")
    anew.when(UNREACHABLE, RECONCILER).refused("call_back_first")
    anew.when(back(), OFFICE, NOON + 2 * HOUR).refused("four_eyes")
    anew.when(back(-1), RECONCILER, NOON + 2 * HOUR).refused("called_before_change")
    anew.when(ConfirmCallBack(account_no=2, called_at=NOON), RECONCILER, NOON + HOUR).refused("another_change_waits")
    anew.when(back(), RECONCILER, NOON + 2 * HOUR).then(CALLED.model_copy(update={"account_no": 1}))
    anew.when(back(), RECONCILER, NOON + CALL_BACK_WITHIN + HOUR).refused("change_too_old")
    anew.when(ClosePayee(reason="details_wrong"), RECONCILER).then_kinds(PayeeEnded)


def test_where_nobody_is_there_any_more_the_chief_of_mission_confirms_and_two_days_pass() -> None:
    anew = PAYEES.given(ANEW)
    anew.when(ConfirmPayee(), CHIEF).refused("call_back_first")
    anew.when(UNREACHABLE, CHIEF, NOON + HOUR).then(
        PayeeConfirmed(
            account_no=1, stated_by=OFFICE.person_id, confirmed_by=CHIEF.person_id, confirmed_at=NOON + HOUR, unreachable=True,
            held_until=NOON + HOLD,
        )
    )
    oneself = staff(OFFICE.person_id.removeprefix("staff:"), "chief_of_mission")
    anew.when(UNREACHABLE, oneself).refused("four_eyes")


def test_whoever_was_never_paid_is_confirmed_on_papers_and_by_nobody_for_want_of_a_contact() -> None:
    PAYEES.given(REGISTERED).when(UNREACHABLE, CHIEF).refused("nobody_to_call")
    PAYEES.given(REGISTERED).when(back(), RECONCILER, NOON + HOUR).refused("nothing_waits")
    PAYEES.given(REGISTERED).when(ConfirmPayee(), RECONCILER).then(CONFIRMED)
    PAYEES.given(ANEW, CALLED.model_copy(update={"account_no": 1})).when(back(), RECONCILER).refused("nothing_waits")


def test_whom_a_list_means_is_registered_under_no_other_payee() -> None:
    PAYEES.knowing(PayeeFacts(former_blocked=True)).when(VENDOR, OFFICE).refused("payee_blocked")


def test_whoever_drops_a_change_has_a_part_in_the_payee() -> None:
    dropped = DROPPED.model_copy(update={"dropped_by": "staff:third"})
    state = PAYEE.fold((REGISTERED, CONFIRMED, ASKED, dropped))
    assert state is not None
    assert "staff:third" in state.handlers


def test_contacts_are_known_from_when_somebody_confirmed_them_and_a_dropped_one_never_is() -> None:
    state = PAYEE.fold((ANEW, CALLED.model_copy(update={"account_no": 1}), ASKED, DROPPED, ASKED.model_copy(update={"account_no": 3})))
    assert state is not None
    assert state.contacts == (FORMER, KnownContact(account_no=1, since=CALLED.confirmed_at))
    assert state.call == FORMER
    later = PAYEE.fold((ANEW, CALLED.model_copy(update={"account_no": 1})))
    assert later is not None
    assert later.call is None


@pytest.mark.parametrize(
    ("days", "called"), [((90, 40), 2), ((90, 30), 2), ((90, 29), 1), ((20, 10), 1), ((29, 0), 1), ((5,), 1), ((), None)],
    ids=["both-settled", "to-the-day", "a-day-short", "none-settled", "just-now", "one", "none"],
)  # fmt: skip
def test_the_contact_to_call_is_the_newest_that_had_stood_for_thirty_days_or_else_the_first(
    days: tuple[int, ...], called: int | None
) -> None:
    contacts = [KnownContact(account_no=number, since=NOON - timedelta(days=ago)) for number, ago in enumerate(days, 1)]
    found = contact_to_call(contacts, NOON)
    assert (found.account_no if found is not None else None) == called


AGES = st.lists(st.integers(0, 120), min_size=1, max_size=6).map(lambda days: sorted(days, reverse=True))


@examples(AGES, st.integers(0, 29))
def test_a_contact_that_came_within_thirty_days_is_never_called_while_there_is_an_older_one(days: list[int], newest: int) -> None:
    contacts = [KnownContact(account_no=number, since=NOON - timedelta(days=ago)) for number, ago in enumerate([*days, newest], 1)]
    found = contact_to_call(sorted(contacts, key=lambda contact: contact.since), NOON)
    assert found is not None
    assert found.since <= NOON - CONTACT_SETTLES or found.since == min(contact.since for contact in contacts)
