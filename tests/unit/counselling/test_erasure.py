"""Erasing a person: asked by one, decided by another, not while a case is open or a hold stands, confirmed by every service."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.counselling.domain.erasure import (
    ApproveErasure,
    LiftLegalHold,
    PersonFacts,
    PlaceLegalHold,
    RecordErasureConfirmed,
    RecordPapersEnd,
    RefuseErasure,
    RequestErasure,
)
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import (
    PERSON,
    CorrectBirthYear,
    GiveConsent,
    Person,
    RegisterPerson,
    WithdrawConsent,
)
from shared.contracts.counselling import (
    ErasureApproved,
    ErasureCompleted,
    ErasureConfirmed,
    ErasureRefused,
    ErasureRequested,
    LegalHoldLifted,
    LegalHoldPlaced,
    PapersEndConfirmed,
    PersonErased,
    PersonRegistered,
)
from shared.contracts.erasure import HOLDERS, Deleted
from shared.errors import Refusal
from shared.messages import Command, Concealed, Context, Event
from tests.given import NOON, Given, staff
from tests.unit.counselling.sequences import survives_json

DPO, CHIEF, AMIRA = staff("dpo", "data_protection"), staff("chief", "chief_of_mission"), staff("amira", "counsellor")
REGISTERED = PersonRegistered(
    sex="male", country_of_origin="MA", birth_year=Concealed.of("1994"), site="trc_lipa", registered_at=NOON
)
AT_REST, UNDER_WAY = PersonFacts(attempt_active=False), PersonFacts(attempt_active=True)
HELD = (Deleted(what="identities", count=2),)
LATER = date(2033, 3, 31)

known = Given(PERSON, AT_REST).given(REGISTERED)
REQUESTED = ErasureRequested(ground="person_asked", requested_by=DPO.person_id, requested_at=NOON)
asked = known.given(REQUESTED)
APPROVED = ErasureApproved(ground="person_asked", approved_by=CHIEF.person_id, approved_at=NOON, services=HOLDERS)
erased = asked.given(APPROVED, PersonErased(erased_at=NOON, deleted=HELD))


def confirmed(service: str, kept: int = 0, until: date | None = None) -> RecordErasureConfirmed:
    return RecordErasureConfirmed(service=service, erased_at=NOON, kept=kept, kept_until=until)


def test_an_erasure_is_asked_for_and_approved_by_another() -> None:
    known.when(RequestErasure(ground="person_asked"), DPO).then(REQUESTED)
    asked.knowing(PersonFacts(False, HELD)).when(ApproveErasure(), CHIEF).then(
        APPROVED, PersonErased(erased_at=NOON, deleted=HELD)
    )


@pytest.mark.parametrize("order", [ApproveErasure(), RefuseErasure(reason="duty_to_keep")], ids=["approve", "refuse"])
def test_who_asked_decides_nothing(order: Command) -> None:
    asked.when(order, DPO).refused("four_eyes")
    known.when(order, CHIEF).refused("erasure_not_requested")


@pytest.mark.parametrize("order", [RequestErasure(ground="person_asked"), ApproveErasure()], ids=["ask", "approve"])
def test_nobody_is_erased_whose_case_is_open_or_who_is_on_hold(order: Command) -> None:
    before = asked if isinstance(order, ApproveErasure) else known
    before.knowing(UNDER_WAY).when(order, CHIEF).refused("case_open")
    held = before.given(LegalHoldPlaced(reason=Concealed.of("audit"), placed_by=DPO.person_id, placed_at=NOON))
    held.when(order, CHIEF).refused("legal_hold")
    lifted = held.given(LegalHoldLifted(reason=Concealed.of("over"), lifted_by=DPO.person_id, lifted_at=NOON))
    assert lifted.when(order, CHIEF).refusal is None


def test_a_hold_is_placed_once_and_lifted_once() -> None:
    placed = LegalHoldPlaced(reason=Concealed.of("complaint"), placed_by=DPO.person_id, placed_at=NOON)
    known.when(PlaceLegalHold(reason="complaint"), DPO).then(placed)
    known.given(placed).when(PlaceLegalHold(reason="audit"), DPO).refused("legal_hold_placed")
    known.given(placed).when(LiftLegalHold(reason="over"), DPO).then_kinds(LegalHoldLifted)
    known.when(LiftLegalHold(reason="over"), DPO).refused("no_legal_hold")


def test_what_was_refused_can_be_asked_for_again() -> None:
    asked.when(RequestErasure(ground="person_asked"), CHIEF).refused("erasure_requested")
    refused = ErasureRefused(reason="claim_under_way", refused_by=CHIEF.person_id, refused_at=NOON)
    asked.when(RefuseErasure(reason="claim_under_way"), CHIEF).then(refused)
    asked.given(refused).when(RequestErasure(ground="person_asked"), DPO).then(REQUESTED)


def test_it_is_complete_with_the_last_confirmation_and_says_what_is_kept_until_when() -> None:
    there = ErasureConfirmed(service="returns", confirmed_at=NOON)
    erased.when(confirmed("returns"), AMIRA).then(there)
    last = ErasureConfirmed(service="reintegration", confirmed_at=NOON, kept=2, kept_until=LATER)
    erased.given(there).when(confirmed("reintegration", 2, LATER), AMIRA).then(
        last, ErasureCompleted(completed_at=NOON, kept=2, kept_until=LATER)
    )


def test_that_receipts_were_deleted_is_noted_once_of_whoever_kept_some() -> None:
    there = ErasureConfirmed(service="returns", confirmed_at=NOON)
    last = ErasureConfirmed(service="reintegration", confirmed_at=NOON, kept=2, kept_until=LATER)
    complete = erased.given(there, last, ErasureCompleted(completed_at=NOON, kept=2, kept_until=LATER))
    ended = PapersEndConfirmed(service="reintegration", ended_on=LATER + timedelta(days=1))
    order = RecordPapersEnd(service="reintegration", ended_on=LATER + timedelta(days=1))
    complete.when(order, AMIRA).then(ended)
    complete.given(ended).when(order, AMIRA).then()
    for before in (erased, erased.given(there), known, asked, Given(PERSON, AT_REST)):
        before.when(order, AMIRA).then()
    complete.when(order.model_copy(update={"service": "returns"}), AMIRA).then()


def test_a_confirmation_that_comes_again_or_of_nobody_erased_changes_nothing() -> None:
    there = ErasureConfirmed(service="returns", confirmed_at=NOON)
    erased.given(there).when(confirmed("returns", 7), AMIRA).then()
    erased.when(confirmed("counselling"), AMIRA).then()
    for before in (known, asked, Given(PERSON, AT_REST)):
        before.when(confirmed("returns"), AMIRA).then()


OTHERS: Sequence[Command] = (
    GiveConsent(consent="data", text_version="v1", language="ara", method="signature", given_at=NOON),
    WithdrawConsent(consent="data"), RecordIdentity(family_name="Invented"), RequestErasure(ground="retention_over"),
    CorrectBirthYear(birth_year=2010, reason="document_seen"),
    ApproveErasure(), RefuseErasure(reason="duty_to_keep"), PlaceLegalHold(reason="audit"), LiftLegalHold(reason="over"),
)  # fmt: skip


@pytest.mark.parametrize("order", OTHERS, ids=lambda order: type(order).__name__)
def test_nothing_is_recorded_about_who_was_erased(order: Command) -> None:
    erased.when(order, CHIEF).refused("person_erased")


def test_every_command_about_a_person_is_refused_once_they_are_erased() -> None:
    state = PERSON.fold(erased.past)
    for rule in PERSON.rules:
        if rule.on == "existing":
            refusal = PERSON.refusal(state, rule.command, AT_REST, Context(CHIEF, NOON))
            assert refusal is not None and refusal.code == "person_erased", rule.command
    erased.when(RegisterPerson(sex="male", birth_year=1994, country_of_origin="MA", site="trc_lipa"), AMIRA).refused(
        "already_exists"
    )


def test_of_who_was_erased_the_same_is_known_with_and_without_what_was_concealed() -> None:
    state = PERSON.fold(erased.past)
    assert state is not None
    digested = REGISTERED.model_copy(update={"birth_year": Concealed(digest="x" * 43)})
    assert PERSON.fold((digested, *erased.past[1:])) == state
    assert (state.data_consent, state.identity_number) == (False, 0)


SHAPE = TypeAdapter(Person)
orders = st.lists(
    st.tuples(
        st.sampled_from((*OTHERS, *(confirmed(service) for service in HOLDERS), confirmed("reintegration", 1, LATER))),
        st.sampled_from((DPO, CHIEF)), st.booleans(),
    ),
    max_size=20,
)  # fmt: skip


def holds(before: Person, after: Person) -> bool:
    erasure = after.erasure
    asked_by_one = erasure is None or erasure.approved_by is None or erasure.approved_by != erasure.requested_by
    once = erasure is None or len({one.service for one in erasure.confirmed}) == len(erasure.confirmed)
    complete = erasure is None or (erasure.completed_at is not None) == (
        erasure.approved_at is not None and {one.service for one in erasure.confirmed} >= set(erasure.services)
    )
    nothing_left = after.erased_at is None or after == Person(
        sex=after.sex, country_of_origin=after.country_of_origin, site=after.site,
        registered_at=after.registered_at, erasure=erasure, erased_at=after.erased_at,
    )  # fmt: skip
    for_ever = before.erased_at is None or replace(after, erasure=None) == replace(before, erasure=None)
    return asked_by_one and once and complete and nothing_left and for_ever


@settings(deadline=None)
@given(orders)
def test_whatever_is_ordered_two_persons_erase_for_ever_and_all_services_confirm_once(
    given_orders: list[tuple[Command, object, bool]],
) -> None:
    state = PERSON.evolve(None, REGISTERED)
    facts: list[Event] = [REGISTERED]
    for order, by, open_case in given_orders:
        try:
            events = PERSON.decide(state, order, PersonFacts(open_case, HELD), Context(by, NOON))  # type: ignore[arg-type]
        except Refusal:
            continue
        was_on_hold = state.legal_hold
        before = state
        for event in events:
            state = PERSON.evolve(state, event)
        facts.extend(events)
        if any(isinstance(event, PersonErased) for event in events):
            assert not was_on_hold and not open_case
        assert holds(before, state), order
        assert survives_json(SHAPE, state)
    assert PERSON.fold(facts) == state
