"""How times, days and amounts are written in a command: one way each, and nothing that only looks like it."""

from datetime import UTC, date, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.moments import Day, Moment
from shared.money import Money

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
DAY: TypeAdapter[date] = TypeAdapter(Day)


def amount_of(written: object) -> str:
    return str(Money.model_validate({"amount": written, "currency": "EUR"}).amount)


@pytest.mark.parametrize(
    "written", ["2023-05-02T12:00:00Z", "2023-05-02t14:00:00+02:00", "2023-05-02T12:00:00.000Z"]
)
def test_a_time_is_kept_in_utc(written: str) -> None:
    assert MOMENT.validate_python(written) == datetime(2023, 5, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        1_700_000_000, 1_700_000_000.5, "1700000000", "2023-05-02", "2023-05-02T12:00Z", "2023-05-02 12:00:00Z",
        "2023-05-02T12:00:00", "2023-05-02T12:00:00+0200", "٢٠٢٣-05-02T12:00:00Z", "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z", "2023-05-02T12:00:00Z\n", True, None,
    ],
)  # fmt: skip
def test_nothing_else_is_a_time(written: object) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(written)


@pytest.mark.parametrize(
    "written", [86_400, "86400", "2023-05-02T00:00:00", "2023-05-02T00:00:00Z", "20230502", "2023-02-30", " 2023-05-02"]
)
def test_nothing_but_year_month_and_day_is_a_day(written: object) -> None:
    assert DAY.validate_python("2023-05-02") == date(2023, 5, 2)
    with pytest.raises(ValidationError):
        DAY.validate_python(written)


@pytest.mark.parametrize(("written", "kept"), [("1250.00", "1250.00"), ("0", "0"), ("99999999999999.9999",) * 2])
def test_an_amount_is_kept_as_it_was_written(written: str, kept: str) -> None:
    assert amount_of(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        5, 5.0, "5.", ".5", "-5", "+5", " 5", "5\n", "1e3", "1E+2", "1_000", "1,000", "٣", "NaN", "Infinity", "0x10",
        "123456789012345", "0.00001", "", True, None,
    ],
)  # fmt: skip
def test_nothing_else_is_an_amount(written: object) -> None:
    with pytest.raises(ValidationError):
        amount_of(written)
