"""A tranche goes to whom the grant is for, to the account that was confirmed, and of what the bank pays the bank alone tells."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.budget import Budget, Quoted
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.payee_of_grant import refuse_unless_of_grant
from services.reintegration.domain.payee_state import Payee
from services.reintegration.domain.tranches import ConfirmPayment
from services.reintegration.domain.turns import turns
from shared.contracts.attempts import FailureReason, PaymentFailed, PaymentMethod
from shared.contracts.reintegration import TrancheReleased
from shared.errors import Refusal
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    ATTEMPT_1,
    CASE_ID,
    CHILD,
    DEPUTY_PAYER,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE_PAYER,
    PAID_1,
    PAYER,
    PERSON,
    RECONCILER,
    RELEASE_1,
    RELEASED_1,
    STRANGER,
    TODAY,
    UNTIL_APPROVED,
    VENDOR_PAID,
    ref,
    release,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
BY_BANK = RELEASED_1.model_copy(update={"method": "bank_file"})
ORDERED = (*UNTIL_APPROVED, BY_BANK)
RETURNEE = replace(VENDOR_PAID, kind="returnee", vendor_code=None, case_id=CASE_ID, person_id=PERSON)
OF_THE_OFFICE = replace(VENDOR_PAID, kind="office", vendor_code=None)


def paying(payee: Payee | None, **more: Any) -> Given[Grant, GrantFacts]:
    """An approved grant, of which a tranche is to be paid to this payee."""
    payable = replace(Payable(payee, account_known=True, of_staff=False), **more)
    return GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, payable=payable)).given(*UNTIL_APPROVED)


def of_grant(payee: Payee, method: PaymentMethod = "office_account", chosen: str | None = None) -> str:
    grant = GRANT.fold(UNTIL_APPROVED)
    assert grant is not None
    if chosen is not None:
        quoted = tuple(Quoted(vendor, Decimal(1200), ref(61), vendor == chosen) for vendor in (chosen, "V-99"))
        grant = replace(grant, budget=Budget((), Decimal(0), quoted, ref(90)))
    try:
        refuse_unless_of_grant(grant, payee, method)
    except Refusal as refusal:
        return refusal.code
    return "its"


def test_a_returnee_is_the_grants_person_or_somebody_of_their_case() -> None:
    assert of_grant(RETURNEE) == "its"
    assert of_grant(replace(RETURNEE, person_id=CHILD)) == "its"
    # A family that parted: the person is the same in another case.
    assert of_grant(replace(RETURNEE, case_id=ref(71))) == "its"
    assert of_grant(replace(RETURNEE, case_id=ref(71), person_id=STRANGER)) == "payee_not_of_grant"


def test_where_quotations_were_compared_the_chosen_vendor_is_paid_and_no_other() -> None:
    assert of_grant(VENDOR_PAID) == "its"
    assert of_grant(VENDOR_PAID, chosen="V-17") == "its"
    assert of_grant(VENDOR_PAID, chosen="v-17") == "its"
    assert of_grant(VENDOR_PAID, chosen="V-18") == "another_vendor"
    assert of_grant(RETURNEE, chosen="V-18") == "its"


def test_an_office_pays_for_itself_and_nobody_is_paid_in_another_country() -> None:
    assert [of_grant(OF_THE_OFFICE, method) for method in ("office_account", "cash", "bank_file")] == ["its", "its", "office_by_bank"]
    for payee in (VENDOR_PAID, RETURNEE, OF_THE_OFFICE):
        assert of_grant(replace(payee, country="TR")) == "payee_in_another_country"


@pytest.mark.parametrize(
    ("payee", "more", "code"),
    [
        (None, {}, "payee_unknown"),
        (replace(VENDOR_PAID, country="TR"), {}, "payee_in_another_country"),
        (replace(VENDOR_PAID, confirmed_no=None, status="registered"), {}, "payee_not_confirmed"),
        (replace(VENDOR_PAID, status="on_hold"), {}, "payee_on_hold"),
        (replace(VENDOR_PAID, status="blocked"), {}, "payee_blocked"),
        (replace(VENDOR_PAID, status="closed"), {}, "payee_closed"),
        (replace(VENDOR_PAID, currency="PKR"), {}, "another_currency"),
        (replace(VENDOR_PAID, handlers=(PAYER.person_id,)), {}, "four_eyes"),
        (VENDOR_PAID, {"account_known": False}, "payee_erased"),
        (VENDOR_PAID, {"of_staff": True}, "account_of_staff"),
        (VENDOR_PAID, {"shared_with": frozenset({ref(52)})}, "account_shared"),
        (VENDOR_PAID, {"newest_lists": (ref(81),)}, "not_screened"),
    ],
    ids=[
        "unknown", "another country", "unconfirmed", "on hold", "blocked", "closed", "another currency", "handler", "erased",
        "of staff", "shared", "not screened",
    ],
)  # fmt: skip
def test_nothing_is_released_to_whom_nothing_can_be_paid(payee: Payee | None, more: dict[str, Any], code: str) -> None:
    paying(payee, **more).when(RELEASE_1, PAYER).refused(code)


def test_a_release_fixes_the_account_that_is_confirmed_at_that_moment() -> None:
    (event,) = paying(replace(VENDOR_PAID, confirmed_no=3, stated_no=3)).when(RELEASE_1, PAYER).events
    assert event == RELEASED_1.model_copy(update={"account_no": 3})


def test_whoever_does_not_say_what_is_known_of_a_payee_pays_nobody() -> None:
    GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, payable=Payable())).given(*UNTIL_APPROVED).when(RELEASE_1, PAYER).refused(
        "payee_unknown"
    )


def test_what_the_bank_pays_nobody_confirms_fails_or_reverses_by_their_word() -> None:
    GRANTS.given(*UNTIL_APPROVED).when(release(1, method="bank_file", attempt_id=ATTEMPT_1), PAYER).then(BY_BANK)
    ordered, paid = GRANTS.given(*ORDERED), GRANTS.given(*ORDERED, PAID_1)
    ordered.when(ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY), PAYER).refused("paid_by_bank")
    for who in (PAYER, RECONCILER):
        ordered.when(ReportPaymentFailed(number=1, reason="account_closed", failed_on=TODAY), who).refused("paid_by_bank")
    paid.when(ReversePayment(number=1, reason="returned_by_bank", returned_on=TODAY), RECONCILER).refused("paid_by_bank")
    # Until the bank says so nobody's turn is left, and once it did the delivery is due.
    assert [set(turns(state)) for one in (ordered, paid) if (state := GRANT.fold(one.past))] == [set(), {"deliverer"}]


def not_sent(day: date = TODAY, reason: FailureReason = "not_sent") -> ReportPaymentFailed:
    return ReportPaymentFailed(number=1, reason=reason, failed_on=day)


def test_whoever_pays_takes_back_what_stands_in_no_batch() -> None:
    ordered = GRANTS.given(*ORDERED)
    ordered.when(not_sent(), PAYER).then(
        PaymentFailed(
            number=1, attempt_no=1, attempt_id=ATTEMPT_1, reason="not_sent", failed_on=TODAY, reported_by=PAYER.person_id,
            reported_as="payer", reported_at=NOON,
        )
    )  # fmt: skip
    ordered.when(not_sent(), RECONCILER).refused("paid_by_bank")
    ordered.knowing(replace(NOTHING_STANDS_AGAINST_IT, in_a_batch=True)).when(not_sent(), PAYER).refused("in_a_batch")
    ordered.knowing(replace(NOTHING_STANDS_AGAINST_IT, own_line_waits=True)).when(not_sent(), PAYER).refused("bank_line_waits")
    # Of an own payer's no batch is asked.
    own = GRANTS.given(*UNTIL_APPROVED, RELEASED_1).knowing(replace(NOTHING_STANDS_AGAINST_IT, in_a_batch=True))
    own.when(not_sent(), DEPUTY_PAYER).then_kinds(PaymentFailed)


def test_whoever_pays_for_an_office_has_nothing_to_do_with_what_the_missions_bank_pays() -> None:
    approved, ordered = GRANTS.given(*UNTIL_APPROVED), GRANTS.given(*ORDERED)
    approved.when(release(1, method="bank_file"), OFFICE_PAYER).refused("not_by_the_office")
    for method in ("office_account", "cash"):
        approved.when(release(1, method=method), OFFICE_PAYER).then_kinds(TrancheReleased)
    ordered.when(not_sent(), OFFICE_PAYER).refused("not_by_the_office")
    ordered.when(ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY), OFFICE_PAYER).refused("paid_by_bank")
    both = staff("both", "office_payer", "finance_payer")
    approved.when(release(1, method="bank_file"), both).then_kinds(TrancheReleased)
    ordered.when(not_sent(), both).then_kinds(PaymentFailed)


def test_whoever_pays_for_an_office_takes_back_what_a_payer_of_the_mission_did_not_send() -> None:
    released = GRANTS.given(*UNTIL_APPROVED, RELEASED_1)
    (failed,) = released.when(not_sent(), OFFICE_PAYER).events
    assert isinstance(failed, PaymentFailed)
    assert failed.reported_as == "payer"
    released.when(not_sent(reason="not_collected"), OFFICE_PAYER).refused("reconciler_reports")


def test_facts_that_were_not_looked_up_let_nothing_be_taken_back() -> None:
    assert GrantFacts().in_a_batch
    assert GrantFacts().bank_line_waits
    assert GrantFacts().own_line_waits
