"""Registering a person; giving consents and taking them back."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.counselling.domain.person import (
    PERSON,
    GiveConsent,
    Person,
    RegisterPerson,
    WithdrawConsent,
    evolve,
)
from shared.contracts.counselling import (
    ConsentGiven,
    ConsentKind,
    ConsentWithdrawn,
    PersonRegistered,
)
from shared.decider import NoFacts
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import FOREIGN_FACT, run

AMIRA = staff("amira", "counsellor")
HOUR = timedelta(hours=1)
REGISTERED = PersonRegistered(
    sex="male", country_of_origin="MA", birth_year=Concealed.of("1994"), site="trc_lipa", registered_at=NOON
)

person = Given(PERSON, NoFacts())
known = person.given(REGISTERED)


def register(birth_year: int = 1994) -> RegisterPerson:
    return RegisterPerson(sex="male", birth_year=birth_year, country_of_origin="MA", site="trc_lipa")


def give(
    consent: ConsentKind, country: str | None = None, at: datetime = NOON, version: str = "data-2023-01"
) -> GiveConsent:
    return GiveConsent(
        consent=consent,
        text_version=version,
        language="ara",
        method="signature",
        given_at=at,
        recipient_country=country,
    )


def given_consent(
    consent: ConsentKind, country: str | None = None, at: datetime = NOON, version: str = "data-2023-01"
) -> ConsentGiven:
    return ConsentGiven(
        consent=consent,
        text_version=version,
        language="ara",
        method="signature",
        given_at=at,
        recipient="receiving_office" if consent == "transfer" else "iom_country_mission",
        recipient_country=country,
        purpose="reintegration" if consent == "transfer" else "assistance",
    )


def withdrawn(consent: ConsentKind, at: datetime = NOON) -> ConsentWithdrawn:
    return ConsentWithdrawn(consent=consent, withdrawn_at=at)


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
    person.when(give("data"), AMIRA).refused("not_found")


def test_a_data_consent_is_given_to_this_mission_for_assistance() -> None:
    known.when(give("data"), AMIRA).then(given_consent("data"))


def test_a_transfer_consent_is_given_to_one_countrys_receiving_office_for_reintegration() -> None:
    known.given(given_consent("data")).when(give("transfer", "MA"), AMIRA).then(
        given_consent("transfer", "MA")
    )


def test_a_consent_cannot_be_given_in_the_future() -> None:
    known.when(give("data", at=NOON + HOUR), AMIRA).refused("in_the_future")


def test_a_transfer_consent_names_the_recipient_country() -> None:
    known.given(given_consent("data")).when(give("transfer"), AMIRA).refused("recipient_country_missing")


def test_a_data_consent_names_no_recipient_country() -> None:
    known.when(give("data", "MA"), AMIRA).refused("recipient_country_unexpected")


def test_nobody_agrees_to_a_transfer_without_having_agreed_to_processing() -> None:
    known.when(give("transfer", "MA"), AMIRA).refused("data_consent_missing")


def test_nobody_agrees_to_a_transfer_after_taking_the_data_consent_back() -> None:
    past = known.given(given_consent("data"), withdrawn("data"))
    past.when(give("transfer", "MA"), AMIRA).refused("data_consent_missing")


def test_a_new_text_or_country_replaces_the_active_consent() -> None:
    events = (
        REGISTERED,
        given_consent("data"),
        given_consent("transfer", "MA"),
        given_consent("data", version="data-2023-02"),
        given_consent("transfer", "ES", version="transfer-2"),
    )
    state = PERSON.fold(events)
    assert state is not None
    assert (state.data_consent, state.data_consent_version) == (True, "data-2023-02")
    assert (state.transfer_consent, state.transfer_country) == (True, "ES")
    assert state.transfer_consent_version == "transfer-2"


def test_a_paper_from_before_the_withdrawal_does_not_bring_a_consent_back() -> None:
    past = known.given(given_consent("data", at=NOON - 3 * HOUR), withdrawn("data", NOON - HOUR))
    past.when(give("data", at=NOON - 2 * HOUR), AMIRA).refused("later_decision_recorded")
    past.when(give("data", at=NOON), AMIRA).then(given_consent("data"))


def test_a_consent_given_at_the_moment_of_the_last_decision_is_not_overtaken() -> None:
    known.given(given_consent("data")).when(give("data", version="v2"), AMIRA).then(
        given_consent("data", version="v2")
    )


def test_a_transfer_agreed_before_the_data_consent_was_taken_back_stays_taken_back() -> None:
    past = known.given(
        given_consent("data", at=NOON - 3 * HOUR), withdrawn("data", NOON - HOUR), given_consent("data")
    )
    past.when(give("transfer", "MA", at=NOON - 2 * HOUR), AMIRA).refused("later_decision_recorded")


def test_a_transfer_consent_is_taken_back_alone() -> None:
    past = known.given(given_consent("data"), given_consent("transfer", "MA"))
    past.when(WithdrawConsent(consent="transfer"), AMIRA).then(withdrawn("transfer"))


def test_taking_the_data_consent_back_takes_the_transfer_back_first() -> None:
    past = known.given(given_consent("data"), given_consent("transfer", "MA"))
    past.when(WithdrawConsent(consent="data"), AMIRA).then(withdrawn("transfer"), withdrawn("data"))


def test_a_data_consent_without_a_transfer_is_taken_back_alone() -> None:
    known.given(given_consent("data")).when(WithdrawConsent(consent="data"), AMIRA).then(withdrawn("data"))


def test_a_consent_never_given_cannot_be_taken_back() -> None:
    known.when(WithdrawConsent(consent="data"), AMIRA).refused("no_such_consent")


def test_a_transfer_never_agreed_to_cannot_be_taken_back() -> None:
    known.given(given_consent("data")).when(WithdrawConsent(consent="transfer"), AMIRA).refused(
        "no_such_consent"
    )


def test_a_reader_is_told_that_there_is_no_consent_to_take_back() -> None:
    context = Context(AMIRA, NOON)
    before = PERSON.refusal(PERSON.fold((REGISTERED,)), WithdrawConsent, NoFacts(), context)
    assert isinstance(before, RuleViolation)
    assert before.code == "no_such_consent"
    after = PERSON.fold((REGISTERED, given_consent("data")))
    assert PERSON.refusal(after, WithdrawConsent, NoFacts(), context) is None


def test_a_fact_out_of_turn_or_of_something_else_does_not_apply_to_a_person() -> None:
    with pytest.raises(TypeError):
        evolve(None, FOREIGN_FACT)
    with pytest.raises(TypeError):
        evolve(None, withdrawn("data"))
    with pytest.raises(TypeError):
        evolve(PERSON.fold((REGISTERED,)), REGISTERED)


orders = st.lists(
    st.one_of(
        st.builds(register, st.sampled_from([1899, 1994, 2010])),
        st.builds(
            give,
            st.sampled_from(["data", "transfer"]),
            st.sampled_from([None, "MA", "ES"]),
            st.integers(-3, 8).map(lambda hours: NOON + hours * HOUR),
            st.sampled_from(["v1", "v2"]),
        ),
        st.builds(WithdrawConsent, consent=st.sampled_from(["data", "transfer"])),
    ),
    max_size=12,
)


def consents_fit_together(state: Person) -> bool:
    return (
        (not state.transfer_consent or state.data_consent)
        and state.data_consent == (state.data_consent_version is not None)
        and state.transfer_consent == (state.transfer_consent_version is not None)
        and state.transfer_consent == (state.transfer_country is not None)
    )


@given(orders)
def test_whatever_is_ordered_the_person_is_the_fold_of_the_facts_and_consents_fit_together(
    commands: list[Command],
) -> None:
    run(
        PERSON,
        [(command, NoFacts()) for command in (register(), *commands)],
        TypeAdapter(Person),
        holds=consents_fit_together,
    )
