"""A payee stands as its facts say, after each of them and in every part; and who had a part in which account is told apart."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.reintegration.domain.payee import (
    HOLD,
    PAYEE,
    AcceptSharedAccount,
    ChangeAccount,
    ConfirmCallBack,
    DropAccountChange,
)
from services.reintegration.domain.payee_details import PayeeDetails
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import AccountChange, Payee
from services.reintegration.domain.same_account import Spelling, spellings
from services.reintegration.refusals import REFUSALS
from shared.contracts.payees import (
    AccountChangeAsked,
    AccountChangeDropped,
    CallBackConfirmed,
    KnownContact,
    PayeeClosed,
    PayeeConfirmed,
    PayeeRegistered,
    SharedAccountAccepted,
)
from shared.contracts.sanctions import Hit, HitClearingAsked, HitsCleared, HitsConfirmed, PayeeScreened
from shared.messages import Concealed, Event
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import ARRIVED, CASE_ID, PERSON, ref
from tests.unit.reintegration.test_payee import CASH_BOX, CHANGE, PAYEES

HOUR = timedelta(hours=1)
FORMER = KnownContact(payee_id=ref(41), account_no=3, since=NOON - timedelta(days=99))
HIT = Hit(list_id=ref(42), list_name="UN", entry_id="QDi.001", how="near")
HIDDEN = Concealed.of("invented")
A, B, C, D, E, F, G, H = (f"staff:{letter}" for letter in "abcdefgh")

# Each fact with what changes by it; nobody has two parts, so that none is taken for another.
STORY: tuple[tuple[Event, dict[str, object]], ...] = (
    (
        PayeeRegistered(
            payee_kind="returnee", country="PK", currency="PKR", case_id=CASE_ID, person_id=PERSON, vendor_code=None,
            details=HIDDEN, registered_by=A, registered_at=NOON, former=FORMER,
        ),
        {},
    ),
    (
        PayeeScreened(account_no=1, list_ids=(HIT.list_id,), hits=(HIT,), screened_at=NOON + HOUR),
        {"screened_no": 1, "screened_at": NOON + HOUR, "screened_lists": (HIT.list_id,), "hits": (HIT,)},
    ),
    (
        HitClearingAsked(reason="another_kind", asked_by=B, asked_at=NOON),
        {"clearing_reason": "another_kind", "clearing_asked_by": B},
    ),
    (
        HitsCleared(hits=(HIT,), reason="another_kind", asked_by=B, cleared_by=C, cleared_at=NOON),
        {"hits": (), "cleared": (HIT,), "cleared_by": C, "handlers": (A, B, C)},
    ),
    (
        PayeeConfirmed(
            account_no=1, stated_by=A, confirmed_by=D, confirmed_at=NOON + 2 * HOUR, unreachable=True, held_until=NOON + HOLD
        ),
        {
            "status": "active", "confirmed_no": 1, "stated_by": A, "confirmed_by": D, "confirmed_at": NOON + 2 * HOUR,
            "held_until": NOON + HOLD, "handlers": (A, B, C, D),
            "contacts": (FORMER, KnownContact(account_no=1, since=NOON + 2 * HOUR)),
        },
    ),
    (
        AccountChangeAsked(account_no=2, details=HIDDEN, reason="bank_changed", asked_by=E, asked_at=NOON + 3 * HOUR),
        {
            "status": "on_hold", "stated_no": 2, "change": AccountChange(2, "bank_changed", E, NOON + 3 * HOUR), "cleared": (),
            "handlers": (A, B, C, D, E),
        },
    ),
    (
        SharedAccountAccepted(account_no=2, with_ids=(ref(43),), reason="family", stated_by=E, accepted_by=F, accepted_at=NOON),
        {"shares": (ref(43),), "handlers": (A, B, C, D, E, F)},
    ),
    (
        CallBackConfirmed(
            account_no=2, stated_by=E, called_at=NOON + 4 * HOUR, confirmed_by=G, confirmed_at=NOON + 5 * HOUR,
            held_until=NOON + 3 * HOUR + HOLD,
        ),
        {
            "status": "active", "confirmed_no": 2, "stated_by": E, "confirmed_by": G, "confirmed_at": NOON + 5 * HOUR,
            "held_until": NOON + 3 * HOUR + HOLD, "change": None, "handlers": (A, B, C, D, E, F, G),
            "contacts": (
                FORMER, KnownContact(account_no=1, since=NOON + 2 * HOUR), KnownContact(account_no=2, since=NOON + 5 * HOUR)
            ),
        },
    ),
    (
        AccountChangeAsked(account_no=3, details=HIDDEN, reason="contact_changed", asked_by=E, asked_at=NOON + 6 * HOUR),
        {"status": "on_hold", "stated_no": 3, "change": AccountChange(3, "contact_changed", E, NOON + 6 * HOUR)},
    ),
    (
        AccountChangeDropped(account_no=3, reason="entered_in_error", dropped_by=H, dropped_at=NOON),
        {"status": "active", "change": None, "handlers": (A, B, C, D, E, F, G, H)},
    ),
    (
        PayeeClosed(reason="misused", closed_by=H, closed_at=NOON), {"status": "closed", "closing_reason": "misused"},
    ),
)  # fmt: skip


def test_a_payee_stands_as_its_facts_say_after_each_of_them() -> None:
    expected = Payee(
        kind="returnee", country="PK", currency="PKR", registered_by=A, registered_at=NOON, handlers=(A,), status="registered",
        case_id=CASE_ID, person_id=PERSON, contacts=(FORMER,),
    )  # fmt: skip
    state: Payee | None = None
    for event, changed in STORY:
        state = PAYEE.evolve(state, event)
        expected = replace(expected, **changed)  # type: ignore[arg-type] # each by the name of its field
        assert state == expected, type(event).__name__


def test_an_end_leaves_no_change_that_waits_and_a_new_screening_nothing_that_was_asked() -> None:
    held = PAYEE.fold([event for event, _ in STORY[:6]])
    for ended in (
        HitsConfirmed(hits=(HIT,), confirmed_by=A, confirmed_at=NOON), PayeeClosed(reason="misused", closed_by=H, closed_at=NOON)
    ):
        state = PAYEE.evolve(held, ended)
        assert (state.status in ("blocked", "closed"), state.change) == (True, None)
    asked = PAYEE.fold([event for event, _ in STORY[:3]])
    screened = PAYEE.evolve(asked, PayeeScreened(account_no=1, list_ids=(), hits=(HIT,), screened_at=NOON))
    assert (screened.clearing_reason, screened.clearing_asked_by) == (None, None)
    cleared = PAYEE.fold([event for event, _ in STORY[:4]])
    again = PAYEE.evolve(cleared, HitClearingAsked(reason="another_kind", asked_by=B, asked_at=NOON))
    assert again.cleared_by is None


def test_a_code_of_a_vendor_is_kept_as_it_is_compared() -> None:
    vendor = PAYEE.evolve(None, STORY[0][0].model_copy(update={"payee_kind": "vendor", "vendor_code": "V-17x"}))
    assert (vendor.vendor_code, vendor.vendor_key) == ("V-17x", "v-17x")
    assert vendor.call == FORMER


def test_who_asked_for_a_change_neither_calls_back_nor_finds_the_account_right_whoever_registered() -> None:
    others = Given(PAYEE, PayeeFacts(case=ARRIVED, shared_with=frozenset({ref(43)}))).given(*(event for event, _ in STORY[:6]))
    asked, registered = (staff(one.removeprefix("staff:"), "finance_reconciler") for one in (E, A))
    other = staff("z", "finance_reconciler")
    accept = AcceptSharedAccount(with_ids=(ref(43),), reason="family")
    others.when(accept, asked).refused("four_eyes")
    others.when(accept, registered).refused("four_eyes")
    others.when(accept, other).then(
        SharedAccountAccepted(
            account_no=2, with_ids=(ref(43),), reason="family", stated_by=E, accepted_by=other.person_id, accepted_at=NOON
        )
    )
    alone = PAYEES.given(*(event for event, _ in STORY[:6]))
    at_once = ConfirmCallBack(account_no=2, called_at=NOON + 3 * HOUR)
    alone.when(at_once, asked, NOON + 4 * HOUR).refused("four_eyes")
    # Whoever registered may call about what another one asked, and a call at the moment of the change is not before it.
    alone.when(at_once, registered, NOON + 4 * HOUR).then_kinds(CallBackConfirmed)


def test_a_change_conceals_what_it_states_and_an_offices_box_stays_one() -> None:
    office = STORY[0][0].model_copy(
        update={"payee_kind": "office", "case_id": None, "person_id": None, "former": None}
    )
    confirmed = STORY[4][0].model_copy(update={"unreachable": False, "held_until": None})
    box = ChangeAccount(holder="Invented Office", account_number="BOX-2", call_back_contact="extension 2", reason="bank_changed")
    (event,) = PAYEES.given(office, confirmed).when(box, staff("z", "finance_reconciler")).events
    assert isinstance(event, AccountChangeAsked)
    told = PayeeDetails.model_validate_json(event.details.clear())
    assert (told.account_number, told.call_back_contact) == ("BOX-2", "extension 2")
    assert CASH_BOX.account_number == "BOX-1"
    assert CHANGE.reason == "bank_changed"


@pytest.mark.parametrize(
    ("constraint", "code"),
    [
        ("uq_payees_vendor_code", "vendor_code_taken"), ("uq_payees_person_currency", "person_has_a_payee"),
        ("ck_payee_confirmations_held_long_enough", "hold_not_over"), ("ck_payees_two_persons", "four_eyes"),
        ("ck_payee_confirmations_two_persons", "four_eyes"), ("ck_payee_shares_two_persons", "four_eyes"),
        ("ck_payee_shares_not_by_who_stated_the_other", "four_eyes"),
        ("ck_payees_cleared_by_two_persons", "four_eyes"), ("ck_payee_clearances_two_persons", "four_eyes"),
    ],
)  # fmt: skip
def test_what_the_database_holds_of_payees_is_refused_in_words_of_the_rules(constraint: str, code: str) -> None:
    refusal = REFUSALS[constraint]
    assert refusal.code == code
    assert refusal.sentence.endswith(".")


def test_what_waits_for_nobody_is_refused_by_its_code() -> None:
    drop = DropAccountChange(account_no=2, reason="entered_in_error")
    PAYEES.given(*(event for event, _ in STORY[:5])).when(drop, staff("z", "finance_reconciler")).refused("nothing_waits")


def test_an_ibans_bank_is_known_by_its_letters_by_its_number_and_by_the_code_beside_it() -> None:
    assert spellings("TR330006100519786457841326", None, "INVTTRIS", None) == (
        Spelling("iban TR330006100519786457841326"), Spelling("number TR 519786457841326", "INVT", "00061"),
    )  # fmt: skip
    assert spellings("TR330006100519786457841326", None, None, None)[1].bank is None
    assert spellings(None, "0-00", None, "IQ") == (Spelling("number IQ 0"),)
    assert spellings(None, "BOX-1", None, None) == (Spelling("number  BOX1"),)
    numbered = Spelling("number TR 1", None, "00061")
    assert numbered.means(Spelling("number TR 1"))
    assert numbered.means(Spelling("number TR 1", "INVT"))
    assert not numbered.means(Spelling("number TR 1", None, "00062"))
    assert Spelling("number TR 1").means(Spelling("number TR 1"))
