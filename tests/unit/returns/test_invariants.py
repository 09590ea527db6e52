"""Every invariant of the field that concerns a return, along random orders: 200 stories of 30, with ``--thorough`` 5,000 of 50.

Each is said in other words than the rules have, so that a rule that is wrong does not say by itself that it is right.
All are looked at after each order of the same stories; each test tells of one of them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, get_args
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as over
from hypothesis import strategies as st

from services.returns.domain.case import CASE
from services.returns.domain.case_state import (
    BEFORE_DEPARTURE,
    TERMINAL,
    Case,
    CaseFacts,
    CasePerson,
    KnownPerson,
)
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.domain.screening import Vulnerability
from services.returns.domain.window import state_abroad
from shared.actors import Actor
from shared.contracts.corrections import ArrivalCorrected, CorrectionAsked, DepartureCorrected
from shared.contracts.families import OtherParent
from shared.contracts.reopening import ReopeningRequested
from shared.contracts.returns import (
    CaseReopened,
    CaseWithdrawn,
    ClearedToBoard,
    FlightMissed,
    HoldPlaced,
    PersonDeparted,
    PersonWithdrew,
    ReadyToTravel,
    ReintegrationStarted,
)
from shared.errors import Refusal, RuleViolation
from shared.messages import Context, Event
from tests.given import NOON
from tests.unit.returns.examples import (
    APPLIED,
    ARRIVED,
    BOOKED,
    CHILD,
    CLEARED,
    CONFIRMED,
    COORDINATOR,
    COUNSELLOR,
    DEPARTED,
    EXPRESSED_AT,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    OPERATIONS,
    PROTECTION,
    READY,
    SCREENED_AT,
    left,
)
from tests.unit.returns.examples import told as told_of
from tests.unit.returns.pushing import pushed
from tests.unit.returns.test_age_in_doubt import LOOKED_AFTER, TWO
from tests.unit.returns.test_transitions import STEP, Step, nothing_stands_against

# A quarter of a million orders take some minutes.
pytestmark = pytest.mark.timeout(3600)

STAFF: Final = (COUNSELLOR, COORDINATOR, PROTECTION, OPERATIONS)
# Most orders are what is missing, so that a story comes as far as the rules that it tries; some pass over what is.
HOW: Final = st.sampled_from((*["pushed"] * 5, "hasty", "hasty", "any", "any"))
TURN: Final = st.tuples(HOW, STEP, st.sampled_from([*[None] * 20, *FAMILY]))
Turn = tuple[str, Step, UUID | None]
# The father may be a child himself, or whoever takes a sister along; or mother and child have left without him.
DOUBTED: Final = (*BOOKED, told_of(FATHER, Vulnerability(SCREENED_AT, ("separated",))))
YOUTH: Final = tuple(fact for fact in TWO if fact != LOOKED_AFTER[1])
PARTLY: Final = (*CLEARED, left(MOTHER), left(CHILD))
BEGINNINGS: Final = st.sampled_from((OPENED, APPLIED, BOOKED, BOOKED, READY, CONFIRMED, CLEARED, DEPARTED, ARRIVED, DOUBTED, YOUTH, PARTLY))


@dataclass(frozen=True)
class Told:
    """One order of a story and what came of it: the case before and after, who gave it, and what was known when."""

    before: Case
    after: Case
    events: tuple[Event, ...]
    by: Actor
    facts: CaseFacts
    at: datetime

    def states(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    @property
    def goes(self) -> tuple[CasePerson, ...]:
        """Whoever was found ready or cleared by this order, at the moment of it."""
        if not self.states(ReadyToTravel) and not self.states(ClearedToBoard):
            return ()
        return self.after.travelling


Invariant = Callable[[Told], bool]


def recorded_adults(persons: tuple[CasePerson, ...]) -> list[CasePerson]:
    return [person for person in persons if person.age_group == "adult"]


def adults(told: Told, persons: tuple[CasePerson, ...] | None = None) -> list[CasePerson]:
    """Of whom nobody noted that they may be a child on its own; of those who go, if no others are named."""
    doubted = {
        one.person_id for one in told.after.screening
        if one.vulnerability and {"uasc", "unaccompanied", "separated"} & {*one.vulnerability.indicators}
    }  # fmt: skip
    among = recorded_adults(told.goes if persons is None else persons)
    return [person for person in among if person.person_id not in doubted]


def children(told: Told) -> list[CasePerson]:
    grown = adults(told)
    return [person for person in told.goes if person not in grown]


def each_adult_was_heard_in_an_individual_session(told: Told) -> bool:
    return all(told.facts.of(one.person_id).counselled_at is not None for one in recorded_adults(told.goes))


def an_own_plan_covers_everybody(told: Told) -> bool:
    return all(one.own_plan_id is not None for one in told.goes)


def each_adult_has_signed_and_agreed_and_a_guardian_has_signed_for_each_child(told: Told) -> bool:
    signed_by = {one.person_id: one.declared_by for one in told.goes}
    grown = {one.person_id for one in adults(told, told.after.persons) if one.travel != "withdrawn"}
    return (
        all(signed_by[one.person_id] == one.person_id for one in adults(told))
        and all(signed_by[one.person_id] in {*grown, one.guardian_id} for one in children(told))
        and all(told.facts.of(one.person_id).data_consent for one in recorded_adults(told.goes))
    )


def each_adult_goes_freely_was_heard_alone_and_has_confirmed_it_within_a_day(told: Told) -> bool:
    for one in told.goes:
        wish = told.after.screening_of(one.person_id).voluntariness
        if wish is None or not (wish.free and wish.informed and wish.capable) or wish.interpreter == "family":
            return False
        if one in adults(told) and wish.company != "nobody":
            return False
        if one.recorded_as_adult and not told.facts.of(one.person_id).heard_alone:
            return False
    if not told.states(ClearedToBoard):
        return True
    leaves = told.after.departs_at
    return leaves is not None and all(
        one.confirmed_at is not None and timedelta(0) <= leaves - one.confirmed_at <= timedelta(hours=24)
        for one in (recorded_adults(told.goes) if adults(told) else told.goes)
    )


def everybody_is_screened_and_no_hold_stands(told: Told) -> bool:
    screened = all(
        nothing_stands_against(told.after.screening_of(one.person_id), is_adult=one.recorded_as_adult) for one in told.goes
    )
    return not told.goes or (screened and not any(hold.lifted_at is None for hold in told.after.holds))


def no_child_goes_without_an_adult_and_its_best_interests(told: Told) -> bool:
    for one in children(told):
        best = told.after.screening_of(one.person_id).best_interests
        if best is None or best.outcome != "return":
            return False
        # Without an adult only where a panel found it so and somebody looks after it from door to door.
        lands = told.after.arrives_at
        looked_after = lands is not None and _valid(one, "supervision", lands) and best.procedure == "determination"
        if not adults(told) and not looked_after:
            return False
    return True


def a_child_goes_beside_both_parents_or_it_is_settled_by_what_it_does_not(told: Told) -> bool:
    if not recorded_adults(told.goes):
        return True
    for one in children(told):
        # Somebody who may be a child does not go beside another who may be one.
        if one.recorded_as_adult and not adults(told):
            continue
        paper = next((known for known in one.evidence if known.kind == "other_parent"), None)
        both = {MOTHER, FATHER} <= {person.person_id for person in told.after.persons if person.travel != "withdrawn"}
        if not both if paper is None else not set(paper.conditions) & set(get_args(OtherParent)):
            return False
    return True


def a_parent_who_stays_behind_a_child_under_way_is_told_to_protection(told: Told) -> bool:
    child = told.after.person(CHILD)
    if child is None or child.travel != "departed":
        return True
    parents = {one.person_id: one for one in told.before.persons if one.person_id in child.parent_ids and not one.withdrew}
    stays = any(isinstance(event, PersonWithdrew | DepartureCorrected) and event.person_id in parents for event in told.events)
    misses = told.states(FlightMissed) and any(one.travel == "expected" for one in parents.values())
    alerts = told.after.screening_of(CHILD).alerts
    return not (stays or misses) or any("left_uncleared" in alert.causes for alert in alerts)


def a_victim_of_trafficking_goes_only_on_an_acceptable_risk(told: Told) -> bool:
    found = (told.after.screening_of(one.person_id) for one in told.goes)
    return all(
        not found_of.indicators & {"vot_presumed", "vot_identified"}
        or (found_of.trafficking is not None and found_of.trafficking.risk == "acceptable")
        for found_of in found
    )


def each_document_is_valid_on_arrival_and_each_visa_on_the_way(told: Told) -> bool:
    lands = told.after.arrives_at
    if told.goes and lands is None:
        return False
    return all(
        lands is not None and one.document_valid_until is not None and one.document_valid_until >= lands.date()
        and (not told.after.transit_visa_needed or _valid_for(one, told.after.transit_country, lands))
        for one in told.goes
    )  # fmt: skip


def _valid_for(person: CasePerson, country: str | None, at: datetime) -> bool:
    visa = person.has("transit_visa")
    return visa is not None and visa.country == country and _valid(person, "transit_visa", at)


def _valid(person: CasePerson, kind: str, at: datetime) -> bool:
    paper = next((one for one in person.evidence if one.kind == kind), None)
    return paper is not None and (paper.valid_until is None or paper.valid_until >= at.date())


def whoever_is_flagged_is_fit_that_day_and_has_the_help_that_takes(told: Told) -> bool:
    for one in told.goes:
        asked = [paper for paper in one.evidence if paper.kind == "fitness_asked"]
        decided = [paper for paper in one.evidence if paper.kind == "fitness"]
        if asked and (not decided or decided[0].established_at < asked[0].established_at):
            return False
        lands = told.after.arrives_at
        if decided and (lands is None or decided[0].outcome == "unfit" or not _valid(one, "fitness", lands)):
            return False
        if decided and not set(decided[0].conditions) - {"medication"} <= set(one.assistance):
            return False
    return True


def exactly_they_are_booked_and_the_exit_is_reported(told: Told) -> bool:
    if not told.goes:
        return True
    leaves = told.after.departs_at
    return (
        leaves is not None and set(told.after.booked_person_ids) == {one.person_id for one in told.goes}
        and all(_valid(one, "exit_formalities", leaves) for one in told.goes)
    )  # fmt: skip


def somebody_other_than_the_counsellor_has_approved(told: Told) -> bool:
    approved_by = told.after.approved_by
    return approved_by is None or approved_by not in (told.after.counsellor_id, told.after.submitted_by)


def the_office_is_notified_and_the_reception_arranged(told: Told) -> bool:
    arranged_at, booked_at = told.after.reception_arranged_at, told.after.booked_at
    if not told.goes:
        return True
    return arranged_at is not None and (booked_at is None or arranged_at >= booked_at - timedelta(days=1))


def support_begins_only_once_whoever_left_has_arrived(told: Told) -> bool:
    gone = [one for one in told.after.persons if one.departed_at is not None]
    return not told.states(ReintegrationStarted) or (bool(gone) and all(one.arrived_at is not None for one in gone))


def a_case_has_one_principal_who_has_not_withdrawn_before_everybody_has(told: Told) -> bool:
    principal = [one for one in told.after.persons if one.person_id == told.after.principal_id]
    stays = all(one.travel == "withdrawn" or one.withdrew for one in told.after.persons)
    return len(principal) == 1 and (principal[0].travel != "withdrawn" or stays)


def an_attempt_that_was_over_goes_on_only_where_it_was_asked_about(told: Told) -> bool:
    return not told.states(CaseReopened) or (told.before.status, told.before.reopening_reason is not None) == ("closed", True)


def withdrawing_is_always_possible_before_departure_by_anybody_and_never_after(told: Told) -> bool:
    case = told.after
    # Each of staff in turn; nothing is known, and nothing is asked.
    context = Context(STAFF[told.at.minute % len(STAFF)], told.at)
    possible = case.status not in TERMINAL and case.stretch in BEFORE_DEPARTURE
    try:
        events = CASE.decide(case, WithdrawCase(), CaseFacts(), context)
        if case.travelling:
            CASE.decide(case, WithdrawPerson(person_id=case.travelling[-1].person_id), CaseFacts(), context)
    except RuleViolation as refusal:
        return not possible and refusal.code in ("departed_already", "case_ended")
    ended = CASE.fold(events, case)
    return possible and ended is not None and not ended.travelling and ended.status not in ("ready_to_travel", "cleared_to_board")


def a_case_that_is_withdrawn_keeps_no_booking_and_nobody_abroad_expects_it(told: Told) -> bool:
    case = told.after
    if case.status != "withdrawn" or case.gone:
        return True
    nothing_booked = case.booking is None and not case.booked_person_ids and case.reception_arranged_at is None
    return nothing_booked and state_abroad(case) == "not_coming" and not any(one.evidence for one in case.persons)


def why_a_case_is_held_is_never_seen_outside(told: Told) -> bool:
    if not told.states(HoldPlaced):
        return True
    seen = state_abroad(told.after)
    return seen == ("in_preparation" if told.after.stretch in BEFORE_DEPARTURE else state_abroad(told.before))


def an_end_is_an_end_and_only_a_closed_case_goes_on(told: Told) -> bool:
    if told.before.status not in TERMINAL:
        return True
    return told.after.status == told.before.status or (told.before.status == "closed" and told.states(CaseReopened))


def nobody_left_with_clearance_that_nobody_had_given(told: Told) -> bool:
    cleared = [event for event in told.events if isinstance(event, PersonDeparted) and event.cleared]
    given_at = told.before.cleared_at
    return all(given_at is not None and given_at <= event.departed_at <= given_at + timedelta(hours=24) for event in cleared)


def a_departure_or_arrival_is_corrected_by_another_than_who_asked(told: Told) -> bool:
    decided = [event for event in told.events if isinstance(event, DepartureCorrected | ArrivalCorrected)]
    asked = {one.person_id: one.correction for one in told.before.persons}
    return all(
        (question := asked[event.person_id]) is not None
        and question.asked_by != told.by.person_id == event.corrected_by
        for event in decided
    )  # fmt: skip


# By the number that the field's own list has, where it has one (a departure 1 to 12, then the others).
INVARIANTS: Final[tuple[Invariant, ...]] = (
    each_adult_was_heard_in_an_individual_session,
    an_own_plan_covers_everybody,
    each_adult_has_signed_and_agreed_and_a_guardian_has_signed_for_each_child,
    each_adult_goes_freely_was_heard_alone_and_has_confirmed_it_within_a_day,
    everybody_is_screened_and_no_hold_stands,
    no_child_goes_without_an_adult_and_its_best_interests,
    a_child_goes_beside_both_parents_or_it_is_settled_by_what_it_does_not,
    a_parent_who_stays_behind_a_child_under_way_is_told_to_protection,
    a_victim_of_trafficking_goes_only_on_an_acceptable_risk,
    each_document_is_valid_on_arrival_and_each_visa_on_the_way,
    whoever_is_flagged_is_fit_that_day_and_has_the_help_that_takes,
    exactly_they_are_booked_and_the_exit_is_reported,
    somebody_other_than_the_counsellor_has_approved,
    the_office_is_notified_and_the_reception_arranged,
    support_begins_only_once_whoever_left_has_arrived,
    a_case_has_one_principal_who_has_not_withdrawn_before_everybody_has,
    an_attempt_that_was_over_goes_on_only_where_it_was_asked_about,
    withdrawing_is_always_possible_before_departure_by_anybody_and_never_after,
    a_case_that_is_withdrawn_keeps_no_booking_and_nobody_abroad_expects_it,
    why_a_case_is_held_is_never_seen_outside,
    an_end_is_an_end_and_only_a_closed_case_goes_on,
    nobody_left_with_clearance_that_nobody_had_given,
    a_departure_or_arrival_is_corrected_by_another_than_who_asked,
)


@dataclass
class Looked:
    """What all stories came to: how often each fact was stated, and the first that broke an invariant."""

    orders: int = 0
    stated: Counter[type[Event]] = field(default_factory=Counter)
    broken: dict[Invariant, Told] = field(default_factory=dict)


def look_along(past: tuple[Event, ...], story: list[Turn], looked: Looked) -> None:
    """Gives the orders of one story, and looks at every invariant after each that was not refused."""
    case, at = CASE.fold(past), NOON
    assert case is not None
    for number, (how, (timely, later, unwilling, by), unheard) in enumerate(story):
        at += later if how == "any" else timedelta(minutes=1)
        known = tuple(
            # The father was heard beside his wife where the mother was not heard at all.
            KnownPerson(one, None if one == unheard != FATHER else EXPRESSED_AT, one != unwilling, heard_alone=one != unheard)
            for one in FAMILY
        )
        order, giver = (timely(at), by) if how == "any" else pushed(case, at, number, hasty=how == "hasty")
        looked.orders += 1
        try:
            events = CASE.decide(case, order, facts := CaseFacts(known, at), Context(giver, at))
        except Refusal:
            continue
        after = CASE.fold(events, case)
        assert after is not None
        looked.stated.update(type(event) for event in events)
        told = Told(case, after, events, giver, facts, at)
        for invariant in INVARIANTS:
            if invariant not in looked.broken and not invariant(told):
                looked.broken[invariant] = told
        case = after


@pytest.fixture(scope="module")
def looked(request: pytest.FixtureRequest) -> Looked:
    stories, steps = (5_000, 50) if request.config.getoption("--thorough") else (200, 30)
    found = Looked()

    @settings(
        max_examples=stories, phases=(Phase.generate,), database=None, derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @over(BEGINNINGS, st.lists(TURN, min_size=steps, max_size=steps))
    def all_stories(past: tuple[Event, ...], story: list[Turn]) -> None:
        look_along(past, story, found)

    all_stories()
    return found


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.__name__)
def test_along_any_orders(looked: Looked, invariant: Invariant) -> None:
    assert looked.broken.get(invariant) is None


def test_the_stories_reach_what_the_invariants_speak_of(looked: Looked) -> None:
    needed = {
        ReadyToTravel, ClearedToBoard, PersonDeparted, ReintegrationStarted, CaseWithdrawn, HoldPlaced, CorrectionAsked,
        DepartureCorrected, ArrivalCorrected, ReopeningRequested, CaseReopened,
    }  # fmt: skip
    assert needed <= set(looked.stated), {kind.__name__ for kind in needed - set(looked.stated)}
    assert looked.orders >= 6_000
