"""From a command's schema to questions, and from what was typed back to its body."""

from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.session import HoldSession
from services.portal.fields import Fault, Given, Option, as_sent, body_of, day_of, fields_of
from services.portal.pages.identity import PURPOSES
from services.reintegration.domain.grant import DraftGrant
from services.reintegration.domain.rates import RecordRate
from services.returns.domain.case_journey import ConfirmArrival
from shared.contracts.access import UnmaskingPurpose

HERE = ZoneInfo("Europe/Sarajevo")
SESSION = HoldSession.model_json_schema()
ARRIVAL = ConfirmArrival.model_json_schema()
REQUEST = DraftGrant.model_json_schema()
RATE = RecordRate.model_json_schema()
ANNA = "01890a5d-ac96-774b-bcce-b302099a8057"


def test_a_fixed_answer_is_not_asked_and_is_sent() -> None:
    given = Given({"person_ids": []})
    fields = fields_of(SESSION, given)
    assert "person_ids" not in {field.key for field in fields}
    posted = {
        "session_type": ["individual"], "modality": ["in_person"], "site": ["trc_lipa"], "language": ["eng"],
        "interpreter": ["none"], "present": ["alone"], "held_at.day": ["2023-07-01"], "held_at.time": ["14:30"], "outcome": ["referred"],
    }  # fmt: skip
    body, faults = body_of(fields, given, posted, HERE)
    assert faults == ()
    assert HoldSession.model_validate(body).person_ids == ()
    # Half past two in Sarajevo's summer.
    assert body["held_at"] == "2023-07-01T12:30:00Z"


def test_digits_of_other_scripts_are_read_as_meant() -> None:
    given = Given(options={"person_id": (Option(ANNA, "Anna"),)})
    posted = {
        "person_id": [ANNA], "known_by": ["met"],
        "arrived_at.day": ["۲۰۲۳-۰۱-۰۲"], "arrived_at.time": ["٠٩:١٥"],  # noqa: RUF001 -- what is tested
    }  # fmt: skip
    body, faults = body_of(fields_of(ARRIVAL, given), given, posted, HERE)
    assert (faults, body["arrived_at"]) == ((), "2023-01-02T08:15:00Z")


@pytest.mark.parametrize(("typed", "meant"), [("1,95583", "1.95583"), ("655,9570", "655.957"), ("0,921", "0.921"), ("1250.125", "1250.125"), ("٣", "3")])
def test_a_rate_is_read_with_a_comma_too(typed: str, meant: str) -> None:
    posted = {"currency": ["BAM"], "base": ["EUR"], "effective_on": ["2.5.2023"], "rate": [typed], "source": ["fixed_by_law"]}
    fields = fields_of(RATE, Given())
    assert {field.kind for field in fields if field.key == "rate"} == {"decimal"}
    body, faults = body_of(fields, Given(), posted, HERE)
    assert faults == ()
    assert RecordRate.model_validate(body).rate == Decimal(meant)


@pytest.mark.parametrize("typed", ["0", "-1", "1.2.3", "1,000.5", "about two"])
def test_what_is_no_rate_is_said_to_be_unreadable(typed: str) -> None:
    fields = tuple(field for field in fields_of(RATE, Given()) if field.key == "rate")
    assert body_of(fields, Given(), {"rate": [typed]}, HERE)[1] == (Fault("rate", "unreadable"),)


@pytest.mark.parametrize("typed", ["15,500", "15.500", "1.250", "655,957", "١٥,٥٠٠"])  # noqa: RUF001 -- what is tested
def test_what_may_be_thousands_or_a_part_is_not_guessed(typed: str) -> None:
    rate = tuple(field for field in fields_of(RATE, Given()) if field.key == "rate")
    assert body_of(rate, Given(), {"rate": [typed]}, HERE) == ({}, (Fault("rate", "in_two_ways"),))
    money = tuple(field for field in fields_of(REQUEST, Given()) if field.key == "money")
    for currency in ("EUR", "XOF", "DZD", ""):
        posted = {"money.amount": [typed], "money.currency": [currency]}
        assert body_of(money, Given(), posted, HERE) == ({}, (Fault("money", "in_two_ways"),))


@pytest.mark.parametrize(
    ("typed", "currency", "sent"),
    [
        ("1.250", "TND", "1.250"), ("1,250", "tnd", "1.250"), ("1250", "TND", "1250"), ("15500", "XOF", "15500"),
        ("15,50", "EUR", "15.50"), ("0.500", "EUR", "0.500"),
    ],
)  # fmt: skip
def test_what_is_read_of_an_amount_stands_on_the_page_that_is_checked(typed: str, currency: str, sent: str) -> None:
    fields = tuple(field for field in fields_of(REQUEST, Given(rows={"tranches": 1})) if field.key in ("money", "tranches"))
    posted = {
        "money.amount": [typed], "money.currency": [currency],
        "tranches.0.number": ["1"], "tranches.0.money.amount": [typed], "tranches.0.money.currency": [currency],
    }  # fmt: skip
    body, faults = body_of(fields, Given(), posted, HERE)
    assert (faults, body["money"]) == ((), {"amount": sent, "currency": currency.upper()})
    shown = as_sent(fields, posted, HERE)
    assert (shown["money"], shown["tranches.0.money"]) == (body["money"], body["tranches"][0]["money"])


@pytest.mark.parametrize("currency", ["XXX", "DEM", "euro", "€"])
def test_an_amount_is_in_a_currency_that_the_page_offers(currency: str) -> None:
    money = tuple(field for field in fields_of(REQUEST, Given()) if field.key == "money")
    posted = {"money.amount": ["900"], "money.currency": [currency]}
    assert body_of(money, Given(), posted, HERE)[1] == (Fault("money", "not_offered"),)


@pytest.mark.parametrize("text", ["2023-05-02", "2.5.2023", "02.05.2023", "2. 5. 2023.", "2023-5-2"])
def test_a_day_is_read_as_people_write_it(text: str) -> None:
    assert str(day_of(text)) == "2023-05-02"


@pytest.mark.parametrize("text", ["", "yesterday", "31.2.2023", "5/2/2023", "2023-05", "0.0.2023"])
def test_what_could_be_several_days_or_none_is_not_guessed(text: str) -> None:
    assert day_of(text) is None


@pytest.mark.parametrize(("clock", "meant"), [("9:05", "07:05:00"), ("0905", "07:05:00"), ("9.05", "07:05:00"), ("23:59:07", "21:59:07")])
def test_a_time_of_day_is_read_as_people_write_it(clock: str, meant: str) -> None:
    given = Given(options={"person_id": (Option(ANNA, "Anna"),)})
    posted = {"person_id": [ANNA], "known_by": ["met"], "arrived_at.day": ["2023-07-01"], "arrived_at.time": [clock]}
    body, faults = body_of(fields_of(ARRIVAL, given), given, posted, HERE)
    assert (faults, body["arrived_at"]) == ((), f"2023-07-01T{meant}Z")


@pytest.mark.parametrize("clock", ["", "25:00", "noon", "12:60"])
def test_a_moment_without_its_time_of_day_is_not_taken_for_midnight(clock: str) -> None:
    given = Given(options={"person_id": (Option(ANNA, "Anna"),)})
    posted = {"person_id": [ANNA], "known_by": ["met"], "arrived_at.day": ["2023-07-01"], "arrived_at.time": [clock]}
    _, faults = body_of(fields_of(ARRIVAL, given), given, posted, HERE)
    assert faults == (Fault("arrived_at", "unreadable"),)


@pytest.mark.parametrize(
    ("day", "clock", "meant"),
    [
        ("2023-10-29", "02:30", "comes_twice"),
        ("2023-10-29", "02:30 +02:00", "2023-10-29T00:30:00Z"),
        ("2023-10-29", "02:30+0100", "2023-10-29T01:30:00Z"),
        ("2023-10-29", "02:30 +03:00", "other_clock"),
        ("2023-10-29", "01:59", "2023-10-28T23:59:00Z"),
        ("2023-10-29", "03:00", "2023-10-29T02:00:00Z"),
        ("2023-03-26", "02:30", "comes_never"),
        ("2023-03-26", "02:30 +01:00", "comes_never"),
        ("2023-03-26", "01:59", "2023-03-26T00:59:00Z"),
        ("2023-03-26", "03:00", "2023-03-26T01:00:00Z"),
        ("2023-07-01", "02:30 +01:00", "other_clock"),
        ("2023-07-01", "02:30 +25:99", "unreadable"),
    ],
)
def test_in_the_nights_in_which_clocks_are_changed_no_moment_is_guessed(day: str, clock: str, meant: str) -> None:
    given = Given(options={"person_id": (Option(ANNA, "Anna"),)})
    posted = {"person_id": [ANNA], "known_by": ["met"], "arrived_at.day": [day], "arrived_at.time": [clock]}
    body, faults = body_of(fields_of(ARRIVAL, given), given, posted, HERE)
    assert ([fault.code for fault in faults] or [body["arrived_at"]]) == [meant]


@pytest.mark.parametrize(
    ("posted", "fault"),
    [
        ({}, Fault("person_id", "missing")),
        ({"person_id": ["somebody else"]}, Fault("person_id", "not_offered")),
        ({"person_id": [ANNA], "arrived_at.day": ["yesterday"]}, Fault("arrived_at", "unreadable")),
        ({"person_id": [ANNA], "known_by": ["hearsay"]}, Fault("known_by", "not_offered")),
    ],
)
def test_what_is_missing_or_cannot_be_read_is_named(posted: dict[str, list[str]], fault: Fault) -> None:
    given = Given(options={"person_id": (Option(ANNA, "Anna"),)})
    _, faults = body_of(fields_of(ARRIVAL, given), given, posted, HERE)
    assert fault in faults


def test_rows_that_nobody_filled_are_left_out() -> None:
    given = Given(
        {"case_id": ANNA, "person_id": ANNA, "plan_id": ANNA, "plan_line_id": ANNA}, rows={"tranches": 3}
    )
    posted = {
        "category": ["business"], "modality": ["service"], "money.amount": ["900"], "money.currency": ["EUR"],
        "tranches.0.number": ["1"], "tranches.0.money.amount": ["900"], "tranches.0.money.currency": ["EUR"],
        "tranches.1.money.currency": ["EUR"], "tranches.2.money.currency": ["EUR"],
    }  # fmt: skip
    body, faults = body_of(fields_of(REQUEST, given), given, posted, HERE)
    assert faults == ()
    assert len(DraftGrant.model_validate(body).tranches) == 1


def test_who_a_person_is_is_asked_by_languages_and_nationalities_to_choose_and_names_come_back_as_typed() -> None:
    fields = fields_of(RecordIdentity.model_json_schema(), Given({"reason": None}))
    asked = {field.key: field for field in fields}
    assert {option.label for option in asked["languages"].options} >= {"Dari", "Arabic"}
    ((nationality,),) = asked["nationalities"].rows
    assert [option.label for option in nationality.options][:2] == ["Afghanistan", "Albania"]
    posted = {
        "family_name": [" Test "], "given_names_own_script": ["آزمایشی"], "languages": ["prs"],
        "birth_date": ["۱۹۹۰-۰۵"],  # noqa: RUF001 -- what is tested
        "nationalities.0.nationality": ["AF"], "contacts.0.kind": ["phone"], "contacts.0.contact": ["+387 1"],
        "contacts.0.safe": ["no"], "other_names.0.other_name": [""],
    }  # fmt: skip
    body, faults = body_of(fields, Given({"reason": None}), posted, HERE)
    assert faults == ()
    order = RecordIdentity.model_validate(body)
    assert (order.family_name, order.given_names_own_script, order.birth_date) == ("Test", "آزمایشی", "1990-05")
    assert (order.other_names, order.contacts[0].safe, order.nationalities[0].nationality) == ((), False, "AF")


def test_letters_that_no_name_in_latin_has_are_asked_for_again() -> None:
    fields = fields_of(RecordIdentity.model_json_schema(), Given())
    faults = body_of(fields, Given(), {"family_name": ["آزمایشی"], "birth_date": ["7.3.1994"]}, HERE)[1]
    assert faults == (Fault("family_name", "unreadable"), Fault("birth_date", "unreadable"))


def test_every_purpose_that_unmasks_is_offered_in_words() -> None:
    assert set(PURPOSES) == set(get_args(UnmaskingPurpose))
