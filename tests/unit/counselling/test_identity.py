"""Who a person is: what may be stated, what counts as a correction, and what a reader is shown of it.

All persons here are invented.
"""

import unicodedata
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from services.counselling.domain.erasure import PersonFacts
from services.counselling.domain.identity import (
    FIELDS,
    Identity,
    RecordIdentity,
    identity_of,
    masked,
    shown,
    stated_by,
    texts_of,
)
from services.counselling.domain.person import PERSON
from shared.contracts.counselling import (
    ConsentGiven,
    ConsentWithdrawn,
    IdentityField,
    IdentityRecorded,
    PersonRegistered,
)
from shared.messages import Concealed
from tests.given import NOON, Given, staff

AMIRA = staff("amira", "counsellor")
REGISTERED = PersonRegistered(
    sex="female", country_of_origin="AF", birth_year=Concealed.of("1994"), site="trc_lipa", registered_at=NOON
)
AGREED = ConsentGiven(
    consent="data", text_version="v1", language="prs", method="thumbprint", given_at=NOON,
    recipient="iom_country_mission", purpose="assistance",
)  # fmt: skip
BOTH = RecordIdentity.model_validate({"family_name": "Testová", "family_name_own_script": "آزمایشی"})
FIRST = IdentityRecorded(number=1, stated=("family_name", "family_name_own_script"), corrected=())
# Invented names in the scripts that people here write, with marks, joiners and letters beyond the first plane.
NAMES = (
    "Özgür-Testoğlu", "D’Example", "محمدِ آزمایشی", "نمونه‌ای", "Пробний", "ਪਰਖ ਸਿੰਘ", "পরীক্ষা", "परीक्षक", "உதாரணம்", "测试", "예제",
    "መለኪያ", "ⵜⵉⵔⵎⵜ", "Δοκιμή", "דוגמה", "𞤆𞤵𞤤𞤢𞤪", "ܢܣܝܢܐ", "Ə́lişan",
)  # fmt: skip
WHOLE: dict[str, Any] = {
    "family_name": "Canarysurname", "given_names": "Canarygiven", "family_name_own_script": "کناری",
    "given_names_own_script": "پرنده", "other_names": [{"other_name": "Canarynick"}], "birth_date": "1994-03-07",
    "nationalities": [{"nationality": "AF"}], "languages": ["prs"],
    "contacts": [{"kind": "phone", "contact": "+387 00 000 777", "safe": True, "preferred": True}],
    "documents": [
        {"document_type": "passport", "document_number": "P0777123", "issuing_country": "AF", "expires_on": "2027-05-09"}
    ],
    "education": "vocational", "occupation": "canary keeper", "skills": [{"skill": "canary breeding"}],
}  # fmt: skip
CANARIES = (
    "canary", "2027-05", "vocational","Canary", "کناری", "پرنده", "1994-03", "777", "prs", "AF")

person = Given(PERSON, PersonFacts(birth_year=1994))
agreed = person.given(REGISTERED, AGREED)
known = agreed.given(FIRST)


def test_what_is_stated_becomes_a_fact_that_says_which_fields_and_not_what() -> None:
    agreed.when(BOTH, AMIRA).then(FIRST)


def test_without_a_data_consent_in_force_nothing_is_recorded() -> None:
    person.given(REGISTERED).when(BOTH, AMIRA).refused("data_consent_missing")
    agreed.given(ConsentWithdrawn(consent="data", withdrawn_at=NOON)).when(BOTH, AMIRA).refused("data_consent_missing")


def test_nobody_unknown_has_an_identity() -> None:
    person.when(BOTH, AMIRA).refused("not_found")


def test_stating_nothing_is_refused() -> None:
    agreed.when(RecordIdentity(), AMIRA).refused("nothing_stated")


def test_what_was_stated_before_is_corrected_for_a_reason_and_what_is_new_needs_none() -> None:
    again = BOTH.model_copy(update={"reason": "document_seen", "birth_date": "1994"})
    known.when(BOTH, AMIRA).refused("correction_reason_missing")
    known.when(again, AMIRA).then(
        IdentityRecorded(
            number=2, stated=("family_name", "family_name_own_script", "birth_date"),
            corrected=("family_name", "family_name_own_script"), reason="document_seen",
        )
    )
    known.when(RecordIdentity(given_names="Ana"), AMIRA).then(
        IdentityRecorded(number=2, stated=("given_names",), corrected=())
    )


@pytest.mark.parametrize("given_so_far", [agreed, known])
def test_a_reason_without_a_correction_is_refused(given_so_far: Given[Any, Any]) -> None:
    order = RecordIdentity(given_names="Ana", reason="misspelt")
    given_so_far.when(order, AMIRA).refused("correction_reason_unexpected")


@pytest.mark.parametrize("birth_date", ["1994", "1994-12", "1994-02-28"])
def test_a_date_of_birth_is_as_exact_as_it_is_known(birth_date: str) -> None:
    order = RecordIdentity(birth_date=birth_date)
    agreed.when(order, AMIRA).then(IdentityRecorded(number=1, stated=("birth_date",), corrected=()))
    precision = {4: "year", 7: "month", 10: "day"}[len(birth_date)]
    assert identity_of(texts_of(order)).birth_date_precision == precision


@pytest.mark.parametrize(
    ("birth_date", "code"),
    [("1993", "birth_year_differs"), ("1995-01-01", "birth_year_differs"), ("1994-02-29", "birth_date_impossible")],
)
def test_a_date_of_birth_in_another_year_or_that_never_was_is_refused(birth_date: str, code: str) -> None:
    agreed.when(RecordIdentity(birth_date=birth_date), AMIRA).refused(code)


def test_nobody_is_born_tomorrow() -> None:
    newborn = agreed.knowing(PersonFacts(birth_year=2023))
    today, tomorrow = (f"{NOON + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    newborn.when(RecordIdentity(birth_date=tomorrow), AMIRA).refused("in_the_future")
    newborn.when(RecordIdentity(birth_date=today), AMIRA).then(
        IdentityRecorded(number=1, stated=("birth_date",), corrected=())
    )


def test_what_was_recorded_by_mistake_is_emptied_for_a_reason_and_is_not_known_any_more() -> None:
    order = RecordIdentity(emptied=("family_name_own_script",), given_names="Ana", reason="recorded_by_mistake")
    emptied = IdentityRecorded(
        number=2, stated=("given_names",), corrected=(), emptied=("family_name_own_script",), reason="recorded_by_mistake"
    )
    known.when(order, AMIRA).then(emptied)
    known.when(order.model_copy(update={"reason": None}), AMIRA).refused("correction_reason_missing")
    known.when(RecordIdentity(emptied=("contacts",), reason="misspelt"), AMIRA).refused("nothing_to_empty")
    known.when(RecordIdentity(emptied=("family_name",), family_name="Ana", reason="misspelt"), AMIRA).refused(
        "stated_and_emptied"
    )
    after = known.given(emptied)
    after.when(order, AMIRA).refused("nothing_to_empty")
    # Nothing is believed there that a new statement would correct.
    after.when(RecordIdentity(family_name_own_script="آزمایشی"), AMIRA).then(
        IdentityRecorded(number=3, stated=("family_name_own_script",), corrected=())
    )


def test_of_the_ways_to_reach_somebody_one_is_preferred_and_only_one_that_is_safe() -> None:
    def contacts(*ways: tuple[bool, bool]) -> RecordIdentity:
        stated = [{"kind": "phone", "contact": "1", "safe": safe, "preferred": preferred} for safe, preferred in ways]
        return RecordIdentity.model_validate({"contacts": stated})

    agreed.when(contacts((True, True), (False, False)), AMIRA).then(
        IdentityRecorded(number=1, stated=("contacts",), corrected=())
    )
    agreed.when(contacts((True, True), (True, True)), AMIRA).refused("several_preferred_contacts")
    agreed.when(contacts((True, False), (False, True)), AMIRA).refused("preferred_contact_unsafe")


def test_a_contact_that_was_kept_before_there_were_preferred_ones_is_read() -> None:
    kept = '[{"kind": "phone", "contact": "1", "safe": true}]'
    assert identity_of({"contacts": kept}).contacts[0].preferred is False


def test_stateless_is_stated_in_place_of_a_nationality() -> None:
    order = RecordIdentity(stateless=True)
    agreed.when(order, AMIRA).then(IdentityRecorded(number=1, stated=("nationalities",), corrected=()))
    assert identity_of(texts_of(order)).stateless is True
    agreed.when(RecordIdentity.model_validate({"stateless": True, "nationalities": [{"nationality": "AF"}]}), AMIRA).refused(
        "stateless_with_nationality"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"family_name": "Тест"}, {"family_name": " "}, {"family_name": "T3st"}, {"family_name": "a" * 101},
        {"given_names_own_script": "\u202eabc"}, {"given_names_own_script": "a\nb"}, {"given_names_own_script": "a<b"},
        {"birth_date": "1994-13"}, {"birth_date": "7.3.1994"}, {"nationalities": [{"nationality": "XX"}]},
        {"languages": ["Dari"]}, {"contacts": [{"kind": "phone", "contact": "1"}]}, {"age": 29}, {"emptied": ["sex"]},
        {"documents": [{"document_type": "passport", "document_number": "<1", "issuing_country": "AF"}]},
        {"education": "some"}, {"skills": [{"skill": "\u202eabc"}]},
    ],
)  # fmt: skip
def test_what_cannot_be_a_name_or_a_date_is_malformed_and_is_not_repeated(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        RecordIdentity.model_validate(wrong)
    assert "input_value" not in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_script_is_taken_and_comes_back_composed(name: str) -> None:
    for form in ("NFC", "NFD"):
        order = RecordIdentity(family_name_own_script=unicodedata.normalize(form, name))
        assert identity_of(texts_of(order)).family_name_own_script == unicodedata.normalize("NFC", name)


@given(st.sampled_from(NAMES), st.text(st.characters(categories=["L"]), min_size=1, max_size=40))
def test_a_masked_name_says_its_first_letter_and_not_how_long_it_is(name: str, rest: str) -> None:
    initial = masked(name)
    assert initial.endswith("…")
    assert name.startswith(initial[:-1])
    assert sum(unicodedata.category(letter)[0] == "L" for letter in initial) == 1
    assert masked(f"{name}{rest}") == masked(f"{name} {rest}") == initial


@given(st.text(max_size=40))
def test_masking_shows_one_letter_of_whatever_it_is_given(text: str) -> None:
    assert sum(unicodedata.category(letter)[0] == "L" for letter in masked(text)) <= 1
    assert not any(unicodedata.category(letter)[0] in "NC" for letter in masked(text))


def test_masked_shows_initials_and_a_year_the_names_only_names_and_all_everything() -> None:
    order = RecordIdentity.model_validate(WHOLE)
    assert stated_by(order) == FIELDS == get_args(IdentityField)
    whole = identity_of(texts_of(order))
    assert shown(whole, "all") == whole
    assert shown(whole, "masked") == Identity(
        family_name="C…", given_names="C…", family_name_own_script="ک…", given_names_own_script="پ…",
        other_names=("C…",), birth_date="1994", birth_date_precision="year",
    )  # fmt: skip
    names = shown(whole, "names")
    assert (names.family_name, names.given_names_own_script, names.other_names) == ("Canarysurname", "پرنده", ("Canarynick",))
    assert (names.birth_date, names.nationalities, names.languages, names.contacts) == ("1994", (), (), ())
    assert (names.documents, names.education, names.occupation, names.skills) == ((), None, None, ())


def test_nothing_that_is_printed_says_who_somebody_is() -> None:
    order = RecordIdentity.model_validate(WHOLE)
    whole = identity_of(texts_of(order))
    printed: list[BaseModel] = [order, whole, *order.contacts, *order.other_names, *order.nationalities]
    printed += [*order.documents, *order.skills]
    said = "".join(f"{one!r}{one}{[one]}" for one in printed)
    assert not [canary for canary in CANARIES if canary in said]
    (event,) = agreed.when(order, AMIRA).events
    assert not [canary for canary in CANARIES if canary in event.model_dump_json()]
