"""Consents side by side: to what, for whom, until when; given for a child, taken back, overtaken, and on which paper."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.counselling.domain.consents import (
    EVERY_CATEGORY,
    MOST_CONSENTS,
    TERMS,
    Consent,
    FileConsentPaper,
    GiveConsent,
    Guardian,
    SignedPaper,
    WithdrawConsent,
    in_force,
)
from services.counselling.domain.erasure import PersonFacts
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import PERSON, Person, RegisterPerson
from shared.contracts.counselling import (
    ConsentGiven,
    ConsentKind,
    ConsentPaperFiled,
    ConsentWithdrawn,
    PersonRegistered,
)
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context, Event
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import run

AMIRA = staff("amira", "counsellor")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = NOON.date()
REGISTERED = PersonRegistered(
    sex="male", country_of_origin="MA", birth_year=Concealed.of("1994"), site="trc_lipa", registered_at=NOON
)
ONE, TWO, THREE, MOTHER = (UUID(f"01890a5d-ac96-774b-bcce-b302099a805{n}") for n in range(4))
KINDS: tuple[ConsentKind, ...] = get_args(ConsentKind)

person = Given(PERSON, PersonFacts(birth_year=1994))
known = person.given(REGISTERED)
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def give(consent: ConsentKind, country: str | None = None, at: datetime = NOON, **more: Any) -> GiveConsent:
    return GiveConsent.model_validate(
        {
            "consent": consent, "text_version": "2023-01", "language": "ara", "method": "signature", "given_at": at,
            "recipient_country": country, **more,
        }
    )  # fmt: skip


def agreed(consent: ConsentKind, country: str | None = None, at: datetime = NOON, **more: Any) -> ConsentGiven:
    terms = TERMS[consent]
    return ConsentGiven.model_validate(
        {
            "consent": consent, "text_version": "2023-01", "language": "ara", "method": "signature", "given_at": at,
            "recipient": (terms.abroad if country else None) or terms.recipient, "recipient_country": country,
            "purpose": terms.purpose, "categories": terms.usual, **more,
        }
    )  # fmt: skip


def taken_back(consent: ConsentKind, at: datetime = NOON, consent_id: UUID | None = None) -> ConsentWithdrawn:
    return ConsentWithdrawn(consent=consent, withdrawn_at=at, consent_id=consent_id)


def after(*events: Event) -> Person:
    state = PERSON.fold((REGISTERED, *events))
    assert state is not None
    return state


PROCESSING = known.given(agreed("data"))


def test_a_data_consent_is_given_to_this_mission_for_assistance() -> None:
    known.when(give("data", consent_id=ONE), AMIRA).then(agreed("data", consent_id=ONE))


@pytest.mark.parametrize(
    ("kind", "country", "recipient", "purpose"),
    [
        ("transfer", "MA", "receiving_office", "reintegration"),
        ("assistance", None, "iom_country_mission", "assistance"),
        ("transfer_to_consulate", "MA", "consular_post", "travel_document"),
        ("medical", None, "medical_provider", "medical_care"),
        ("medical", "MA", "receiving_office", "medical_care"),
        ("media", None, "public", "publicity"),
        ("survey", None, "iom_country_mission", "survey"),
    ],
)
def test_each_kind_has_its_recipient_and_its_purpose(
    kind: ConsentKind, country: str | None, recipient: str, purpose: str
) -> None:
    PROCESSING.when(give(kind, country), AMIRA).then(agreed(kind, country, recipient=recipient, purpose=purpose))


@pytest.mark.parametrize("kind", ["transfer", "transfer_to_consulate"])
def test_what_goes_abroad_names_the_country(kind: ConsentKind) -> None:
    PROCESSING.when(give(kind), AMIRA).refused("recipient_country_missing")


@pytest.mark.parametrize("kind", ["data", "assistance", "media", "survey"])
def test_what_stays_here_names_no_country(kind: ConsentKind) -> None:
    PROCESSING.when(give(kind, "MA"), AMIRA).refused("recipient_country_unexpected")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "data"])
def test_nothing_is_agreed_to_without_a_data_consent_in_force(kind: ConsentKind) -> None:
    order = give(kind, "MA" if TERMS[kind].needs_country else None)
    known.when(order, AMIRA).refused("data_consent_missing")
    known.given(agreed("data"), taken_back("data")).when(order, AMIRA).refused("data_consent_missing")
    over = known.given(agreed("data", at=NOON - 2 * DAY, expires_on=TODAY - DAY))
    over.when(order, AMIRA).refused("data_consent_missing")


def test_without_categories_a_transfer_covers_everything_but_health() -> None:
    assert set(EVERY_CATEGORY) - set(TERMS["transfer"].usual) == {"health"}
    PROCESSING.when(give("transfer", "MA", categories=("health", "travel")), AMIRA).then(
        agreed("transfer", "MA", categories=("travel", "health"))
    )


def test_an_embassy_is_never_told_of_health_plans_or_grants_whatever_is_agreed() -> None:
    for category in ("health", "plan", "grants", "travel"):
        order = give("transfer_to_consulate", "MA", categories=("identity", category))
        PROCESSING.when(order, AMIRA).refused("categories_not_covered")


def test_a_consent_from_before_categories_were_named_covers_what_is_usual() -> None:
    state = after(agreed("data", categories=()), agreed("transfer", "MA", categories=()))
    assert state.transfer_categories == TERMS["transfer"].usual
    assert [one.categories for one in state.consents] == [TERMS["data"].usual, TERMS["transfer"].usual]


def test_a_consent_cannot_be_given_in_the_future() -> None:
    known.when(give("data", at=NOON + HOUR), AMIRA).refused("in_the_future")


@pytest.mark.parametrize("day", [TODAY, TODAY - DAY, date(1999, 1, 1)])
def test_the_last_day_of_a_consent_lies_ahead(day: date) -> None:
    known.when(give("data", expires_on=day), AMIRA).refused("expiry_not_ahead")
    known.when(give("data", expires_on=TODAY + DAY), AMIRA).then(agreed("data", expires_on=TODAY + DAY))


def test_a_consent_stands_to_the_end_of_its_last_day() -> None:
    state = after(agreed("data", expires_on=TODAY + DAY))
    assert in_force(state.consents, "data", TODAY + DAY) is not None
    assert in_force(state.consents, "data", TODAY + 2 * DAY) is None


def test_the_last_day_of_a_consent_is_one_of_the_missions_calendar() -> None:
    # In Sarajevo it is the third of May already, an hour before midnight in UTC.
    night = datetime(2023, 5, 2, 23, 0, tzinfo=UTC)
    for last, over in ((TODAY, True), (TODAY + DAY, False)):
        past = known.given(agreed("data", at=NOON - DAY, expires_on=last))
        of_a_medic = past.when(give("medical"), AMIRA, night)
        of_a_medic.refused("data_consent_missing") if over else of_a_medic.then(agreed("medical"))
        anew = known.when(give("data", at=night, expires_on=last + DAY), AMIRA, night)
        anew.refused("expiry_not_ahead") if over else anew.then(agreed("data", at=night, expires_on=last + DAY))
    no_longer = PERSON.refusal(after(agreed("data", expires_on=TODAY)), RecordIdentity, PersonFacts(birth_year=1994), Context(AMIRA, night))
    assert no_longer is not None and no_longer.code == "data_consent_missing"
    # Of the year in which somebody is eighteen the last evening is the next day there.
    child = person.given(REGISTERED).knowing(PersonFacts(guardian=Guardian(1985, parent=True), birth_year=2004))
    new_year = datetime(2022, 12, 31, 23, 30, tzinfo=UTC)
    child.when(give("data", at=new_year, given_by=MOTHER), AMIRA).refused("adult_decides_alone")


def test_a_spoken_consent_names_a_witness_who_is_not_the_recorder() -> None:
    spoken: dict[str, Any] = {"method": "witnessed_verbal"}
    known.when(give("data", **spoken), AMIRA).refused("witness_missing")
    known.when(give("data", **spoken, witness_id=AMIRA.person_id), AMIRA).refused("witness_is_recorder")
    known.when(give("data", witness_id="staff:zoran"), AMIRA).refused("witness_unexpected")
    known.when(give("data", **spoken, witness_id="staff:zoran"), AMIRA).then(
        agreed("data", **spoken, witness_id="staff:zoran")
    )
    for name in ("Zoran Testić", "zoran@example.org"):
        with pytest.raises(ValidationError):
            give("data", **spoken, witness_id=name)


def test_a_guardian_agrees_for_a_child_and_nobody_for_an_adult() -> None:
    child = person.given(REGISTERED).knowing(PersonFacts(birth_year=2012))
    order, fact = give("data", given_by=MOTHER), agreed("data", given_by=MOTHER)
    for guardian in (Guardian(1985, named=True, somebody_named=True), Guardian(1985, parent=True)):
        child.knowing(PersonFacts(guardian=guardian, birth_year=2012)).when(order, AMIRA).then(fact)
    for nobody in (
        None, Guardian(1985), Guardian(1985, somebody_named=True), Guardian(1985, parent=True, somebody_named=True),
        Guardian(2010, named=True, somebody_named=True), Guardian(2010, parent=True),
    ):
        child.knowing(PersonFacts(guardian=nobody, birth_year=2012)).when(order, AMIRA).refused("not_a_guardian")
    known.knowing(PersonFacts(guardian=Guardian(1985, named=True), birth_year=1994)).when(order, AMIRA).refused("adult_decides_alone")


def test_of_what_is_the_same_the_later_takes_the_place_and_the_former_is_kept() -> None:
    state = after(
        agreed("data", consent_id=ONE), agreed("transfer", "MA", consent_id=TWO),
        agreed("data", consent_id=THREE, text_version="2023-02"), agreed("transfer", "ES", expires_on=TODAY + DAY),
    )  # fmt: skip
    assert [(one.consent, one.recipient_country, one.ended) for one in state.consents] == [
        ("data", None, "replaced"), ("transfer", "MA", "replaced"), ("data", None, None), ("transfer", "ES", None),
    ]  # fmt: skip
    assert (state.transfer_consent, state.transfer_country, state.transfer_expires_on) == (True, "ES", TODAY + DAY)


def test_consents_to_different_things_stand_side_by_side() -> None:
    state = after(
        agreed("data"), agreed("medical"), agreed("medical", "MA"), agreed("transfer_to_consulate", "MA"),
        agreed("transfer_to_consulate", "ES"), agreed("media"),
    )  # fmt: skip
    assert all(one.ended is None for one in state.consents)


def test_a_paper_from_before_the_withdrawal_does_not_bring_a_consent_back() -> None:
    past = known.given(agreed("data", at=NOON - 3 * HOUR), taken_back("data", NOON - HOUR))
    past.when(give("data", at=NOON - 2 * HOUR), AMIRA).refused("later_decision_recorded")
    past.when(give("data", at=NOON), AMIRA).then(agreed("data"))


def test_a_consent_given_at_the_moment_of_the_last_decision_is_not_overtaken() -> None:
    PROCESSING.when(give("data", text_version="v2"), AMIRA).then(agreed("data", text_version="v2"))


def test_what_was_agreed_before_the_data_consent_was_taken_back_stays_taken_back() -> None:
    past = known.given(agreed("data", at=NOON - 3 * HOUR), taken_back("data", NOON - HOUR), agreed("data"))
    past.when(give("transfer", "MA", at=NOON - 2 * HOUR), AMIRA).refused("later_decision_recorded")


def test_a_consent_is_taken_back_alone_by_its_id_or_all_of_its_kind() -> None:
    past = PROCESSING.given(agreed("medical", consent_id=ONE), agreed("medical", "MA", consent_id=TWO))
    past.when(WithdrawConsent(consent="medical", consent_id=TWO), AMIRA).then(taken_back("medical", consent_id=TWO))
    past.when(WithdrawConsent(consent="medical"), AMIRA).then(
        taken_back("medical", consent_id=ONE), taken_back("medical", consent_id=TWO)
    )
    past.when(WithdrawConsent(consent="medical", consent_id=THREE), AMIRA).refused("no_such_consent")
    past.when(WithdrawConsent(consent="transfer"), AMIRA).refused("no_such_consent")


def test_taking_the_data_consent_back_takes_every_other_one_back_first() -> None:
    past = PROCESSING.given(agreed("transfer", "MA"), agreed("survey", consent_id=ONE))
    past.when(WithdrawConsent(consent="data"), AMIRA).then(
        taken_back("transfer"), taken_back("survey", consent_id=ONE), taken_back("data")
    )
    PROCESSING.when(WithdrawConsent(consent="data"), AMIRA).then(taken_back("data"))


def test_a_consent_whose_last_day_is_over_can_be_taken_back_all_the_same() -> None:
    over = known.given(agreed("data", at=NOON - 2 * DAY, expires_on=TODAY - DAY))
    over.when(WithdrawConsent(consent="data"), AMIRA).then(taken_back("data"))


def test_a_consent_never_given_cannot_be_taken_back() -> None:
    known.when(WithdrawConsent(consent="data"), AMIRA).refused("no_such_consent")


def test_a_reader_is_told_that_there_is_no_consent_to_take_back() -> None:
    context = Context(AMIRA, NOON)
    before = PERSON.refusal(PERSON.fold((REGISTERED,)), WithdrawConsent, PersonFacts(), context)
    assert isinstance(before, RuleViolation)
    assert before.code == "no_such_consent"
    assert PERSON.refusal(after(agreed("data")), WithdrawConsent, PersonFacts(), context) is None


def test_the_same_consent_under_the_same_id_is_recorded_once_and_another_one_not() -> None:
    past = known.given(agreed("data", consent_id=ONE))
    past.when(give("data", consent_id=ONE), AMIRA).then()
    past.when(give("data", consent_id=ONE, text_version="v2"), AMIRA).refused("consent_differs")


def test_consents_are_not_heaped_up() -> None:
    many = known.given(*[agreed("data", text_version=f"v{n}") for n in range(MOST_CONSENTS)])
    many.when(give("data"), AMIRA).refused("too_many_consents")


def paper(consent_id: UUID = ONE, size: int = 1000) -> FileConsentPaper:
    return FileConsentPaper(consent_id=consent_id, media_type="image/jpeg", size=size, sha256=HASH)


def test_the_paper_of_a_consent_is_filed_once_with_its_hash() -> None:
    past = known.given(agreed("data", consent_id=ONE))
    filed = ConsentPaperFiled(
        consent_id=ONE, media_type="image/jpeg", size=1000, sha256=HASH, filed_by=AMIRA.person_id, filed_at=NOON
    )
    past.when(paper(), AMIRA).then(filed)
    past.given(filed).when(paper(), AMIRA).then()
    past.given(filed).when(paper(size=1001), AMIRA).refused("paper_differs")
    past.when(paper(TWO), AMIRA).refused("consent_unknown")
    state = after(agreed("data", consent_id=ONE), filed)
    assert state.consents[0].paper == SignedPaper("image/jpeg", 1000, HASH, AMIRA.person_id, NOON)


orders: st.SearchStrategy[list[Command]] = st.lists(
    st.one_of(
        st.builds(
            give,
            st.sampled_from(KINDS),
            st.sampled_from([None, "MA", "ES"]),
            st.integers(-3, 8).map(lambda hours: NOON + hours * HOUR),
            consent_id=st.sampled_from([None, ONE, TWO, THREE]),
            expires_on=st.sampled_from([None, TODAY + DAY]),
        ),
        st.builds(
            WithdrawConsent, consent=st.sampled_from(KINDS), consent_id=st.sampled_from([None, ONE, TWO, THREE])
        ),
        st.builds(paper, st.sampled_from([ONE, TWO, THREE]), st.integers(1, 2)),
    ),
    max_size=14,
)


def consents_fit_together(state: Person) -> bool:
    standing: list[Consent] = [one for one in state.consents if one.ended is None]
    data = [one for one in standing if one.consent == "data"]
    transfers = [one for one in standing if one.consent == "transfer"]
    return (
        state.data_consent == bool(data)
        and (bool(data) or not standing)
        and not any(one.same_as(other) for one in standing for other in standing if one is not other)
        and [one.recipient_country for one in transfers] == ([state.transfer_country] if state.transfer_consent else [])
        and (state.transfer_country is not None) == state.transfer_consent
        and all((one.ended is None) == (one.ended_at is None) for one in state.consents)
    )


SHAPE = TypeAdapter(Person)


@given(orders)
def test_whatever_is_ordered_the_person_is_the_fold_of_the_facts_and_consents_fit_together(
    commands: list[Command],
) -> None:
    register = RegisterPerson(sex="male", birth_year=1994, country_of_origin="MA", site="trc_lipa")
    run(
        PERSON, [(command, PersonFacts(birth_year=1994)) for command in (register, *commands)], SHAPE,
        holds=consents_fit_together,
    )  # fmt: skip
