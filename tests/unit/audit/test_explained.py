"""A finding that nothing clears is explained by one person and accepted by another, as often as it had been found and no more."""

from typing import get_args

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from services.audit.domain.explained import (
    BEGINNINGS,
    CAUSES,
    FINDING,
    TRANSITIONS,
    AcceptFinding,
    ExplainedFinding,
    ExplainFinding,
    FindingFacts,
    FoundNow,
    RejectExplanation,
)
from services.audit.explaining import stands_of
from services.audit.findings import LASTING, Difference, Kind, joined
from shared.contracts.audit import (
    ExplanationRejected,
    FindingAccepted,
    FindingCause,
    FindingExplained,
    LastingFinding,
)
from shared.errors import Refusal
from shared.messages import Command, Context, Event
from tests.given import NOON, SIGNED_IN, Given, code_of, folded, staff

ADMINISTRATOR, MANAGER = staff("administrator", "administrator"), staff("manager", "manager")
PROTECTION, CHIEF = staff("data-protection", "data_protection"), staff("chief", "chief_of_mission")
PEOPLE = (ADMINISTRATOR, MANAGER, PROTECTION, CHIEF)
EXPLAIN = ExplainFinding(sightings=1, cause="database_restored", incident="INC-2026-14")
REJECT = RejectExplanation(reason="cause_not_shown")
EXPLAINED = FindingExplained(
    log="returns", finding="place", first=4, last=5, sightings=1, cause="database_restored", incident="INC-2026-14",
    explained_by=MANAGER.person_id, explained_at=NOON,
)  # fmt: skip
ACCEPTED = FindingAccepted(log="returns", finding="place", first=4, last=5, sightings=1, accepted_by=PROTECTION.person_id, accepted_at=NOON)
REJECTED = ExplanationRejected(
    log="returns", finding="place", first=4, last=5, reason="cause_not_shown", rejected_by=CHIEF.person_id, rejected_at=NOON
)


def found(sightings: int = 1, finding: LastingFinding | None = "place", *, gone: bool = False) -> FindingFacts:
    return FindingFacts(FoundNow("returns", finding, 4, 5, sightings, gone))


FOUND = Given(FINDING, found())


def explanation(*events: Event) -> ExplainedFinding:
    state = folded(FINDING, events)
    assert state is not None
    return state


def test_one_person_explains_and_another_accepts() -> None:
    FOUND.when(EXPLAIN, MANAGER).then(EXPLAINED)
    FOUND.given(EXPLAINED).when(AcceptFinding(), PROTECTION).then(ACCEPTED)
    state = explanation(EXPLAINED, ACCEPTED)
    assert (state.status, state.cause, state.accepted_by) == ("accepted", "database_restored", PROTECTION.person_id)


def test_nobody_decides_on_what_they_explained_themselves() -> None:
    for order in (AcceptFinding(), REJECT):
        FOUND.given(EXPLAINED).when(order, MANAGER).refused("four_eyes")


def test_an_explanation_that_is_rejected_hangs_nowhere_and_gives_room_for_another() -> None:
    FOUND.given(EXPLAINED).when(REJECT, CHIEF).then(REJECTED)
    FOUND.given(EXPLAINED, REJECTED).when(AcceptFinding(), PROTECTION).refused("not_explained")
    again = EXPLAIN.model_copy(update={"cause": "software_fault"})
    FOUND.given(EXPLAINED, REJECTED).when(again, ADMINISTRATOR).then_kinds(FindingExplained)
    state = explanation(EXPLAINED, REJECTED, EXPLAINED)
    assert (state.status, state.rejected_by, state.rejection) == ("explained", None, None)


def test_what_waits_or_was_accepted_is_not_explained_a_second_time() -> None:
    FOUND.given(EXPLAINED).when(EXPLAIN, ADMINISTRATOR).refused("already_explained")
    FOUND.given(EXPLAINED, ACCEPTED).when(EXPLAIN, ADMINISTRATOR).refused("already_accepted")
    FOUND.given(EXPLAINED, ACCEPTED).when(AcceptFinding(), CHIEF).refused("not_explained")
    FOUND.given(EXPLAINED, ACCEPTED).when(REJECT, CHIEF).refused("not_explained")


def test_what_is_found_again_is_accepted_by_nobody_before_it_was_explained_anew() -> None:
    again = FOUND.knowing(found(2))
    again.given(EXPLAINED).when(AcceptFinding(), PROTECTION).refused("found_again")
    again.given(EXPLAINED).when(EXPLAIN, ADMINISTRATOR).refused("found_again")
    anew = EXPLAIN.model_copy(update={"sightings": 2})
    again.given(EXPLAINED).when(anew, ADMINISTRATOR).then_kinds(FindingExplained)
    again.given(EXPLAINED, ACCEPTED).when(anew, ADMINISTRATOR).then_kinds(FindingExplained)
    state = explanation(EXPLAINED, ACCEPTED, EXPLAINED.model_copy(update={"sightings": 2}))
    assert (state.status, state.sightings, state.accepted_by, state.accepted_at) == ("explained", 2, None, None)


def test_what_can_be_mended_is_explained_by_nobody() -> None:
    FOUND.knowing(found(finding=None)).when(EXPLAIN, MANAGER).refused("finding_can_be_mended")
    assert frozenset(get_args(Kind)) - LASTING == {"other", "missing", "archive", "column", "tile"}


def test_what_is_as_it_should_be_again_or_was_never_found_is_neither_explained_nor_accepted() -> None:
    FOUND.knowing(found(gone=True)).when(EXPLAIN, MANAGER).refused("finding_gone")
    FOUND.knowing(found(gone=True)).given(EXPLAINED).when(AcceptFinding(), PROTECTION).refused("finding_gone")
    FOUND.knowing(FindingFacts()).when(EXPLAIN, MANAGER).refused("not_found")
    FOUND.when(AcceptFinding(), PROTECTION).refused("not_found")
    FOUND.when(REJECT, PROTECTION).refused("not_found")


@pytest.mark.parametrize("finding", sorted(LASTING))
@pytest.mark.parametrize("cause", get_args(FindingCause))
def test_a_cause_is_one_by_which_a_finding_of_that_kind_can_come_about(finding: LastingFinding, cause: FindingCause) -> None:
    said = FOUND.knowing(found(finding=finding)).when(EXPLAIN.model_copy(update={"cause": cause}), MANAGER)
    if cause in CAUSES[finding]:
        said.then_kinds(FindingExplained)
    else:
        said.refused("cause_does_not_fit")
        assert cause in ("checkpointer_restored", "key_changed_late")


@pytest.mark.parametrize("written", ["", "inc-1", "INC", "INC-1 of an invented person", "INC-123456789", "INC-1-2-3", "A-1", "INC-1\n"])
def test_of_an_incident_its_number_alone_can_be_said(written: str) -> None:
    with pytest.raises(ValidationError):
        ExplainFinding.model_validate({"sightings": 1, "cause": "exercise", "incident": written})


def test_each_status_is_reached_by_a_declared_move() -> None:
    assert set(TRANSITIONS) == set().union(*TRANSITIONS.values()) | BEGINNINGS == {"explained", "accepted", "rejected"}
    with pytest.raises(TypeError):
        FINDING.evolve(None, ACCEPTED)
    with pytest.raises(AssertionError):
        FINDING.evolve(explanation(EXPLAINED, ACCEPTED), REJECTED)


_ORDERS = st.sampled_from(("explain", "explain before", "accept", "reject", "found"))


@examples(st.lists(st.tuples(_ORDERS, st.sampled_from(PEOPLE)), max_size=30))
def test_whatever_people_do_what_is_accepted_was_explained_by_another_and_is_of_no_more_than_was_found(turns: list[tuple[str, object]]) -> None:
    state: ExplainedFinding | None = None
    past: list[Event] = []
    sightings = 1
    codes: set[str] = set()
    for what, person in turns:
        if what == "found":
            sightings += 1
            assert stands_of(sightings, state) in ("not_explained", "rejected", "found_again")
            continue
        order: Command = {
            "explain": EXPLAIN.model_copy(update={"sightings": sightings}), "explain before": EXPLAIN.model_copy(update={"sightings": sightings - 1}),
            "accept": AcceptFinding(), "reject": REJECT,
        }[what]  # fmt: skip
        before = state
        try:
            events = FINDING.decide(state, order, found(sightings), Context(person, NOON, SIGNED_IN))  # type: ignore[arg-type]
        except Refusal as refusal:
            codes.add(code_of(refusal))
            continue
        past += events
        state = FINDING.fold(events, state)
        assert state is not None and state == FINDING.fold(past)
        assert what != "explain before"
        assert state.explained_by not in (state.accepted_by, state.rejected_by)
        assert (state.accepted_by is None) == (state.accepted_at is None) == (state.status != "accepted")
        assert (state.rejected_by is None) == (state.rejection is None) == (state.status != "rejected")
        if state.status != "explained":
            assert before is not None and (before.status, before.explained_by) == ("explained", state.explained_by)
        assert stands_of(sightings, state) == state.status or what == "reject"
    assert codes <= {"four_eyes", "not_found", "not_explained", "found_again", "already_explained", "already_accepted"}


def test_neighbours_are_known_by_the_marks_of_all_of_them_and_a_mark_is_no_part_of_what_is_found() -> None:
    one, other = Difference("twice", 3, 3, "3:a"), Difference("twice", 4, 4, "4:b")
    assert joined([other, one]) == [Difference("twice", 3, 4)]
    assert joined([other, one])[0].mark == "3:a 4:b"
    assert joined([one])[0].mark != joined([one, other])[0].mark
