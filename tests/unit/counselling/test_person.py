"""Registering a person, and correcting in which year they were born."""

from dataclasses import replace

import pytest

from services.counselling.domain.erasure import PersonFacts
from services.counselling.domain.person import (
    PERSON,
    CorrectBirthYear,
    GiveConsent,
    RegisterPerson,
    evolve,
)
from shared.contracts.counselling import (
    AgeGroup,
    BirthYearCorrected,
    ConsentWithdrawn,
    IdentityRecorded,
    PersonRegistered,
)
from shared.messages import Concealed
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT

AMIRA = staff("amira", "counsellor")
REGISTERED = PersonRegistered(
    sex="male", country_of_origin="MA", birth_year=Concealed.of("1994"), site="trc_lipa", registered_at=NOON
)

person = Given(PERSON, PersonFacts(birth_year=1994))
known = person.given(REGISTERED)


def register(birth_year: int = 1994) -> RegisterPerson:
    return RegisterPerson(sex="male", birth_year=birth_year, country_of_origin="MA", site="trc_lipa")


def test_a_person_is_registered_with_a_concealed_year_of_birth() -> None:
    person.when(register(), AMIRA).then(REGISTERED)


@pytest.mark.parametrize("year", [1900, 2023])
def test_the_earliest_year_and_this_year_are_possible(year: int) -> None:
    person.when(register(year), AMIRA).then_kinds(PersonRegistered)


@pytest.mark.parametrize("year", [1899, 2024])
def test_a_year_of_birth_before_1900_or_after_this_year_is_impossible(year: int) -> None:
    person.when(register(year), AMIRA).refused("birth_year_impossible")


def test_a_person_is_registered_only_once_under_an_id() -> None:
    known.when(register(), AMIRA).refused("already_exists")


def test_a_consent_needs_a_registered_person() -> None:
    order = GiveConsent(consent="data", text_version="v1", language="ara", method="signature", given_at=NOON)
    person.when(order, AMIRA).refused("not_found")


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_a_person() -> None:
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)
    with pytest.raises(TypeError):
        evolve(None, ConsentWithdrawn(consent="data", withdrawn_at=NOON))
    with pytest.raises(TypeError):
        evolve(PERSON.fold((REGISTERED,)), REGISTERED)


def correct(birth_year: int) -> CorrectBirthYear:
    return CorrectBirthYear(birth_year=birth_year, reason="document_seen")


def corrected(birth_year: int, age_group: AgeGroup | None = None) -> BirthYearCorrected:
    return BirthYearCorrected(birth_year=Concealed.of(str(birth_year)), reason="document_seen", age_group=age_group)


@pytest.mark.parametrize(
    ("birth_year", "age_group"), [(1993, None), (2004, None), (2005, "child"), (2023, "child")],
    ids=["another_adult", "eighteen_last_year", "eighteen_this_year", "newborn"],
)
def test_a_wrong_year_of_birth_is_corrected_and_it_is_told_whether_that_makes_a_child(
    birth_year: int, age_group: AgeGroup | None
) -> None:
    known.when(correct(birth_year), AMIRA).then(corrected(birth_year, age_group))


def test_whoever_was_taken_for_a_child_and_is_an_adult_is_told_of_as_well() -> None:
    Given(PERSON, PersonFacts(birth_year=2010), (REGISTERED,)).when(correct(1994), AMIRA).then(corrected(1994, "adult"))


def test_the_year_that_is_known_is_corrected_by_nothing() -> None:
    known.when(correct(1994), AMIRA).then()


@pytest.mark.parametrize("year", [1899, 2024])
def test_nobody_is_corrected_to_have_been_born_in_an_impossible_year(year: int) -> None:
    known.when(correct(year), AMIRA).refused("birth_year_impossible")


def test_a_date_that_lay_in_the_year_that_was_believed_is_emptied_and_nothing_else_changes() -> None:
    recorded = IdentityRecorded(number=1, stated=("family_name", "birth_date"), corrected=())
    emptied = IdentityRecorded(number=2, stated=(), corrected=(), reason="document_seen", emptied=("birth_date",))
    known.given(recorded).when(correct(1993), AMIRA).then(corrected(1993), emptied)
    before, after = PERSON.fold((REGISTERED, recorded)), PERSON.fold((REGISTERED, recorded, corrected(1993), emptied))
    assert before is not None
    assert after == replace(before, identity_number=2, identity_fields=("family_name",))
