"""Name and account of a vendor or an office that was closed are deleted after their last day, and on no day before."""

from datetime import date, timedelta

from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.payee import PAYEE
from services.reintegration.domain.payee_ending import DeletePayeeDetails, not_due
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import Payee
from services.reintegration.domain.person import KEPT_YEARS, kept_until
from services.reintegration.refusals import REFUSALS
from shared.actors import Actor
from shared.contracts.payees import PayeeClosed, PayeeDetailsDeleted
from tests.given import NOON, Given
from tests.unit.reintegration.examples import CASE_ID, PERSON, RECONCILER
from tests.unit.reintegration.test_payee import CLOSED, CONFIRMED, REGISTERED

CLOCK = Actor.service("retention")
SINCE = date(2023, 5, 9)
LAST = date(2033, 5, 9)
DELETED = PayeeDetailsDeleted(kept_until=LAST, deleted_on=LAST + timedelta(days=1))


def on(day: date | None, since: date | None = SINCE) -> Given[Payee, PayeeFacts]:
    return Given(PAYEE, PayeeFacts(today=day, kept_since=since))


@examples(st.integers(-4000, 4000), st.dates(date(2020, 1, 1), date(2060, 12, 31)))
def test_they_are_deleted_on_any_day_after_the_last_and_on_none_before(days: int, since: date) -> None:
    last = kept_until(since)
    assert last.year == since.year + KEPT_YEARS
    day = last + timedelta(days=days)
    asked = on(day, since).given(REGISTERED, CONFIRMED, CLOSED).when(DeletePayeeDetails(), CLOCK)
    if days > 0:
        asked.then(PayeeDetailsDeleted(kept_until=last, deleted_on=day))
    else:
        asked.refused("not_due")


def test_what_was_deleted_is_not_deleted_again() -> None:
    on(LAST + timedelta(days=9)).given(REGISTERED, CONFIRMED, CLOSED, DELETED).when(DeletePayeeDetails(), CLOCK).then()


def test_who_may_be_paid_and_who_is_a_person_keep_theirs() -> None:
    later = on(LAST + timedelta(days=1))
    later.given(REGISTERED, CONFIRMED).when(DeletePayeeDetails(), CLOCK).refused("payee_not_closed")
    returnee = REGISTERED.model_copy(update={"payee_kind": "returnee", "vendor_code": None, "case_id": CASE_ID, "person_id": PERSON})
    later.given(returnee, CONFIRMED, CLOSED).when(DeletePayeeDetails(), CLOCK).refused("goes_with_the_person")
    on(None, None).given(REGISTERED, CONFIRMED, CLOSED).when(DeletePayeeDetails(), CLOCK).refused("not_due")


def test_a_payee_that_was_closed_by_a_fact_of_before_is_kept_from_then_on_as_well() -> None:
    before = PayeeClosed(reason="not_needed", closed_by=RECONCILER.person_id, closed_at=NOON)
    on(LAST + timedelta(days=1)).given(REGISTERED, CONFIRMED, before).when(DeletePayeeDetails(), CLOCK).then(DELETED)


def test_the_database_refuses_it_in_the_same_words() -> None:
    assert REFUSALS["ck_payees_details_kept_for_their_time"].code == not_due().code
