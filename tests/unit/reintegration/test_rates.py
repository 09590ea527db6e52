"""A rate is recorded once for a currency, a base and a day, and corrected with a reason."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from services.reintegration.domain.rates import RATE, CorrectRate, Rate, RateFacts, RecordRate, VoidRate
from shared.contracts.noted_cases import CaseEndNoted
from shared.contracts.rates import ExchangeRate, RateCorrected, RateRecorded, RateVoided
from tests.given import NOON, Given
from tests.unit.reintegration.examples import MANAGER, RECONCILER, TODAY

RATES = Given(RATE, RateFacts(today=TODAY))
WRITTEN: TypeAdapter[Decimal] = TypeAdapter(ExchangeRate)
RECORD = RecordRate(
    currency="TND", base="USD", effective_on=TODAY, rate=Decimal("3.042"), source="un_operational_rate"
)
RECORDED = RateRecorded(
    currency="TND", base="USD", effective_on=TODAY, rate=Decimal("3.042"), source="un_operational_rate",
    recorded_by=RECONCILER.person_id, recorded_at=NOON,
)  # fmt: skip
CORRECT = CorrectRate(rate=Decimal("3.024"), source="un_operational_rate", reason="mistyped")
CORRECTED = RateCorrected(
    currency="TND", base="USD", effective_on=TODAY, rate=Decimal("3.024"), source="un_operational_rate", reason="mistyped",
    corrected_by=RECONCILER.person_id, corrected_at=NOON,
)  # fmt: skip


VOIDED = RateVoided(
    currency="TND", base="USD", effective_on=TODAY, reason="wrong_day", voided_by=RECONCILER.person_id, voided_at=NOON
)


def record(**changed: object) -> RecordRate:
    return RECORD.model_copy(update=changed)


def test_a_rate_is_recorded_with_its_day_its_source_and_who_did() -> None:
    RATES.when(RECORD, RECONCILER).then(RECORDED)


def test_a_rate_is_corrected_for_a_reason_and_keeps_its_currency_and_day() -> None:
    RATES.given(RECORDED).when(CORRECT, RECONCILER).then(CORRECTED)


def test_a_rate_stands_as_it_was_said_last_and_by_whom() -> None:
    later, other = NOON + timedelta(hours=1), MANAGER.person_id
    first = Rate(
        currency="TND", base="USD", effective_on=TODAY, rate=Decimal("3.042"), source="un_operational_rate", revision=1, reason=None,
        recorded_by=RECONCILER.person_id, recorded_at=NOON,
    )  # fmt: skip
    second = replace(
        first, rate=Decimal("3.024"), source="central_bank", revision=2, reason="mistyped", recorded_by=other, recorded_at=later
    )
    corrected = CORRECTED.model_copy(update={"source": "central_bank", "corrected_by": other, "corrected_at": later})
    voided = VOIDED.model_copy(update={"voided_by": "staff:third", "voided_at": later + timedelta(hours=1)})
    assert RATE.fold((RECORDED,)) == first
    assert RATE.fold((RECORDED, corrected)) == second
    assert RATE.fold((RECORDED, corrected, voided)) == replace(
        second, void=True, revision=3, reason="wrong_day", recorded_by="staff:third", recorded_at=later + timedelta(hours=1)
    )


def test_a_rate_says_how_often_it_was_corrected_and_why_last() -> None:
    state = RATE.fold((RECORDED, CORRECTED))
    assert state is not None
    assert (state.rate, state.revision, state.reason, state.effective_on) == (Decimal("3.024"), 2, "mistyped", TODAY)


def test_a_rate_that_was_recorded_is_not_recorded_again() -> None:
    RATES.given(RECORDED).when(RECORD, RECONCILER).refused("already_exists")


def test_a_day_has_one_rate_of_a_currency_and_a_base() -> None:
    RATES.knowing(RateFacts(taken=True, today=TODAY)).when(RECORD, RECONCILER).refused("day_has_a_rate")


def test_a_rate_of_a_wrong_day_is_taken_out_for_a_reason_and_is_left_alone_then() -> None:
    RATES.given(RECORDED).when(VoidRate(reason="wrong_day"), RECONCILER).then(VOIDED)
    state = RATE.fold((RECORDED, CORRECTED, VOIDED))
    assert state is not None
    assert (state.void, state.revision, state.reason) == (True, 3, "wrong_day")
    for order in (CORRECT, VoidRate(reason="wrong_day")):
        RATES.given(RECORDED, VOIDED).when(order, RECONCILER).refused("rate_void")
    RATES.when(VoidRate(reason="wrong_day"), RECONCILER).refused("not_found")


def test_a_day_whose_rate_was_taken_out_is_recorded_anew_and_its_revisions_go_on() -> None:
    again = RECORDED.model_copy(update={"revision": 3})
    RATES.knowing(RateFacts(today=TODAY, revisions=2)).when(RECORD, RECONCILER).then(again)
    state = RATE.fold((again, CORRECTED))
    assert state is not None
    assert (state.revision, state.void) == (4, False)


@pytest.mark.parametrize(("beside", "much"), [("6.084", False), ("6.085", True), ("1.521", False), ("1.520", True)])
def test_a_rate_far_from_what_counts_beside_it_is_said_to_be_right(beside: str, much: bool) -> None:
    knowing = RATES.knowing(RateFacts(today=TODAY, beside=Decimal(beside)))
    if not much:
        knowing.when(RECORD, RECONCILER).then(RECORDED)
        return
    knowing.when(RECORD, RECONCILER).refused("differs_much")
    knowing.when(record(confirmed=True), RECONCILER).then(RECORDED)


def test_a_correction_is_measured_by_what_counts_beside_the_day_or_else_by_what_stood_there() -> None:
    far = CORRECT.model_copy(update={"rate": Decimal(30)})
    RATES.given(RECORDED).when(far, RECONCILER).refused("differs_much")
    RATES.given(RECORDED).when(far.model_copy(update={"confirmed": True}), RECONCILER).then_kinds(RateCorrected)
    beside = RATES.knowing(RateFacts(today=TODAY, beside=Decimal(29)))
    beside.given(RECORDED).when(far, RECONCILER).then_kinds(RateCorrected)
    beside.given(RECORDED).when(CORRECT, RECONCILER).refused("differs_much")


def test_a_correction_that_changes_nothing_is_none() -> None:
    same = CorrectRate(rate=Decimal("3.0420"), source="un_operational_rate", reason="mistyped")
    RATES.given(RECORDED).when(same, RECONCILER).refused("rate_unchanged")


def test_a_source_alone_can_be_corrected() -> None:
    RATES.given(RECORDED).when(
        CorrectRate(rate=Decimal("3.042"), source="central_bank", reason="wrong_source"), RECONCILER
    ).then_kinds(RateCorrected)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"currency": "TDN"}, "not_a_currency"), ({"currency": "XAU"}, "not_a_currency"), ({"currency": "USD"}, "rate_of_itself"),
        ({"currency": "EUR", "base": "EUR"}, "rate_of_itself"), ({"currency": "USD", "base": "EUR"}, "dollar_is_the_measure"),
    ],
)  # fmt: skip
def test_what_has_no_rate_is_given_none(changed: dict[str, object], code: str) -> None:
    RATES.when(record(**changed), RECONCILER).refused(code)


def test_the_euro_has_a_rate_to_the_dollar() -> None:
    RATES.when(record(currency="EUR"), RECONCILER).then_kinds(RateRecorded)


def test_a_rate_is_recorded_a_year_ahead_at_most() -> None:
    last = TODAY + timedelta(days=366)
    RATES.when(record(effective_on=last), RECONCILER).then_kinds(RateRecorded)
    RATES.when(record(effective_on=last + timedelta(days=1)), RECONCILER).refused("too_far_ahead")
    RATES.when(record(effective_on=date(1999, 1, 1)), RECONCILER).then_kinds(RateRecorded)


@pytest.mark.parametrize("written", ["1.95583", "655.957", "0.0000000001", "999999999.9999999999", "3"])
def test_a_rate_is_kept_as_it_was_written(written: str) -> None:
    assert WRITTEN.dump_python(WRITTEN.validate_python(written)) == written


@pytest.mark.parametrize(
    "written",
    ["0", "0.000", "-1", "1,95", "1e3", "NaN", "0.00000000001", "1234567890", "", " 3", "3\n", 3, 3.0, True, None, Decimal("NaN"), Decimal(0), Decimal(-1)],
)  # fmt: skip
def test_nothing_else_is_a_rate(written: object) -> None:
    with pytest.raises(ValidationError):
        WRITTEN.validate_python(written)


def test_an_event_of_another_aggregate_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match=r"^CaseEndNoted does not fit a rate here$"):
        RATE.evolve(None, CaseEndNoted())
    with pytest.raises(TypeError, match=r"^RateCorrected does not fit a rate here$"):
        RATE.evolve(None, CORRECTED)


def test_nobody_corrects_what_is_not_there() -> None:
    RATES.when(CORRECT, MANAGER).refused("not_found")
