"""Registering a person."""

import pytest

from services.counselling.domain.erasure import PersonFacts
from services.counselling.domain.person import PERSON, GiveConsent, RegisterPerson, evolve
from shared.contracts.counselling import ConsentWithdrawn, PersonRegistered
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
