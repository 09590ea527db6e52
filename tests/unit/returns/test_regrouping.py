"""Families that part and come together along random orders, with all that counselling and returns tell each other in between.

Nothing waits for an answer: what either service tells is heard by the other at some later moment, in its order.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as over
from hypothesis import strategies as st

from services.counselling.domain.attempt import Intention, IntentionFacts
from services.counselling.domain.intention import INTENTION
from services.counselling.reactions import REACTIONS as IN_COUNSELLING
from services.returns.domain.case import CASE
from services.returns.domain.case_families import JoinFamily, SplitFamily
from services.returns.domain.case_holds import LiftHold, PutOnHold
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_state import BEFORE_DEPARTURE, TERMINAL, Case
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.domain.of_age import is_adult
from services.returns.reactions import REACTIONS as IN_RETURNS
from services.returns.wiring import other_case
from shared.contracts.counselling import CoveredPerson, IntentionExpressed
from shared.contracts.families import CaseSplitOff, FamilyJoined, FamilySplit
from shared.errors import Refusal
from shared.messages import Command, Context, Event, Order, Received
from tests.given import NOON
from tests.unit.returns.examples import (
    BOOKED,
    CASE_ID,
    CHILD,
    COUNSELLOR,
    EVERYTHING_KNOWN,
    EXPRESSED_AT,
    FATHER,
    MOTHER,
    OPENED,
    PREPARING,
    PROTECTION,
    REACTION,
    READY,
    SCREENED,
    covered,
    ref,
)
from tests.unit.returns.test_transitions import what_always_holds

GRANDMOTHER, COUSIN = ref(15), ref(16)
pytestmark = pytest.mark.timeout(3600)


@dataclass
class World:
    """The cases and attempts of one family, and what each service has told that the other has not heard yet."""

    cases: dict[UUID, list[Event]] = field(default_factory=dict)
    attempts: dict[UUID, list[Event]] = field(default_factory=dict)
    told_by_returns: deque[tuple[UUID, Event]] = field(default_factory=deque)
    told_by_counselling: deque[tuple[UUID, Event]] = field(default_factory=deque)
    _folded: dict[UUID, tuple[int, Case | None]] = field(default_factory=dict)
    splits: int = 0
    joins: int = 0

    def case(self, id: UUID) -> Case | None:
        events = tuple(self.cases.get(id, ()))
        known, state = self._folded.get(id, (0, None))
        if len(events) > known:
            state = CASE.fold(events[known:], state)
            self._folded[id] = (len(events), state)
        return state

    def attempt(self, id: UUID) -> Intention | None:
        return INTENTION.fold(self.attempts.get(id, ()))

    @property
    def open_cases(self) -> dict[UUID, Case]:
        found = {id: self.case(id) for id in self.cases}
        return {id: case for id, case in found.items() if case is not None and case.status not in TERMINAL}

    def carry_out(self, orders: tuple[Order, ...], at: datetime) -> None:
        """What these orders come to in returns, one after the other in one transaction."""
        was = {order.id: self.case(order.id) for order in orders}
        found: list[tuple[UUID, Event]] = []
        for order in orders:
            facts = EVERYTHING_KNOWN
            named = other_case(order.command)
            if named is not None:
                facts = replace(facts, other=self.case(named), own_id=order.id)
            events = CASE.decide(self.case(order.id), order.command, facts, Context(REACTION, at))
            self.cases.setdefault(order.id, []).extend(events)
            found += [(order.id, event) for event in events]
        self.look_at(was, found, at)

    def look_at(self, before: dict[UUID, Case | None], found: list[tuple[UUID, Event]], at: datetime) -> None:
        self.cases = {id: events for id, events in self.cases.items() if events}
        for id, event in found:
            self.told_by_returns.append((id, event))
            self.splits += isinstance(event, FamilySplit)
            self.joins += isinstance(event, FamilyJoined)
        for id, was in before.items():
            now = self.case(id)
            if now is not None:
                what_always_holds(was, now, EVERYTHING_KNOWN, at)
        if any(isinstance(event, FamilySplit | FamilyJoined) for _, event in found):
            self.nobody_is_lost(before)
            self.no_child_is_left_alone(before)

    def nobody_is_lost(self, before: dict[UUID, Case | None]) -> None:
        """Who goes on, and the alerts about them, are the same in both cases together, before and after."""
        was = [one for case in before.values() if case is not None for one in case.travelling]
        now = [one for id in before if (case := self.case(id)) is not None and case.status != "joined" for one in case.travelling]
        assert sorted(one.person_id for one in was) == sorted(one.person_id for one in now)
        documents = {one.person_id: (one.document, one.document_valid_until) for one in was}
        assert documents == {one.person_id: (one.document, one.document_valid_until) for one in now}
        alerts = [alert for case in before.values() if case is not None for one in case.screening for alert in one.alerts]
        kept = [alert for id in before if (case := self.case(id)) is not None for one in case.screening for alert in one.alerts]
        assert sorted(alerts, key=lambda one: one.alert_id) == sorted(kept, key=lambda one: one.alert_id)

    def no_child_is_left_alone(self, before: dict[UUID, Case | None]) -> None:
        for id in before:
            case = self.case(id)
            if case is not None and case.status not in TERMINAL and case.stretch in BEFORE_DEPARTURE:
                children = [one for one in case.travelling if not is_adult(one, case)]
                assert not children or any(is_adult(one, case) for one in case.travelling)

    def order(self, id: UUID, command: Command, by: object, at: datetime) -> None:
        facts = EVERYTHING_KNOWN
        named = other_case(command)
        if named is not None:
            facts = replace(facts, other=self.case(named), own_id=id)
        try:
            events = CASE.decide(self.case(id), command, facts, Context(by, at))  # type: ignore[arg-type]
        except Refusal:
            return
        was = {id: self.case(id)}
        self.cases[id].extend(events)
        self.look_at(was, [(id, event) for event in events], at)

    def hear_in_counselling(self, at: datetime) -> None:
        if not self.told_by_returns:
            return
        subject, event = self.told_by_returns.popleft()
        react = IN_COUNSELLING.get(type(event))
        orders = react(event, Received(subject=subject, at=at, actor_id="x")) if react is not None else ()
        # Persons are told as well who stands up for them where they go, which moves no attempt.
        for order in (one for one in orders if one.aggregate == "intention"):
            named = getattr(order.command, "to_id", None) or getattr(order.command, "from_id", None)
            facts = IntentionFacts(other=self.attempt(named) if named is not None else None)
            for one in INTENTION.decide(self.attempt(order.id), order.command, facts, Context(REACTION, at)):
                self.attempts.setdefault(order.id, []).append(one)
                self.told_by_counselling.append((order.id, one))
        self.everybody_has_one_attempt()

    def hear_in_returns(self, at: datetime) -> None:
        if not self.told_by_counselling:
            return
        subject, event = self.told_by_counselling.popleft()
        react = IN_RETURNS.get(type(event))
        if react is not None:
            orders = react(event, Received(subject=subject, at=at, actor_id="x"))
            self.carry_out(tuple(order for order in orders if isinstance(order, Order)), at)

    def everybody_has_one_attempt(self) -> None:
        active = [id for one in self.attempts if (attempt := self.attempt(one)) is not None for id in attempt.active_person_ids]
        assert len(active) == len(set(active))

    def everybody_is_in_one_case(self) -> None:
        going = [one.person_id for case in self.open_cases.values() for one in case.persons if one.travel != "withdrawn"]
        assert len(going) == len(set(going))

    def everything_is_heard(self, at: datetime) -> None:
        while self.told_by_returns or self.told_by_counselling:
            self.hear_in_counselling(at)
            self.hear_in_returns(at)
        for id, case in self.open_cases.items():
            attempt = self.attempt(id)
            assert attempt is not None
            assert case.regrouping_with is None
            assert set(attempt.active_person_ids) == {one.person_id for one in case.persons if one.travel != "withdrawn"}
        for id, events in self.cases.items():
            assert CASE.fold(events) == self.case(id)
        for id in self.attempts:
            attempt = self.attempt(id)
            assert attempt is not None
            assert id in self.open_cases or not attempt.active_person_ids


def begun(past: tuple[Event, ...]) -> World:
    family: tuple[CoveredPerson, ...] = (
        covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child"), covered(GRANDMOTHER, "adult"),
        covered(COUSIN, "child"),
    )  # fmt: skip
    world = World()
    if past is READY:
        # Whoever is ready is prepared whole, so that nobody is added to them.
        family = family[:3]
    opened = past[0].model_copy(update={"persons": family})
    world.cases[CASE_ID] = [opened, *past[1:]]
    world.attempts[CASE_ID] = [
        IntentionExpressed(
            session_id=ref(30), principal_id=MOTHER,
            persons=family, destination_country="PK", counsellor_id=COUNSELLOR.person_id, expressed_at=EXPRESSED_AT,
        )
    ]
    return world


PERSONS = (MOTHER, FATHER, CHILD, GRANDMOTHER, COUSIN)
GROUP = st.sets(st.sampled_from(PERSONS), min_size=1, max_size=3)
TURN = st.tuples(
    st.sampled_from(
        ["split"] * 4 + ["join"] * 4 + ["counselling"] * 8 + ["returns"] * 8
        + ["withdraw", "hold", "lift", "depart"]
    ),
    GROUP, st.integers(0, 7),
)  # fmt: skip


def played(world: World, story: list[tuple[str, set[UUID], int]]) -> None:
    at = NOON
    for number, (what, group, which) in enumerate(story):
        at += timedelta(minutes=1)
        ids = sorted(world.cases)
        id = ids[which % len(ids)]
        case = world.case(id)
        assert case is not None
        named = tuple(sorted(group & {one.person_id for one in case.persons} or group))
        match what:
            case "split":
                adult = next((one for one in named if one not in (CHILD, COUSIN)), named[0])
                order: Command = SplitFamily(new_case_id=ref(200 + number), person_ids=named, principal_id=adult)
                world.order(id, order, COUNSELLOR, at)
            case "join":
                related = [one for one in (case.split_from, *case.split_into) if one is not None]
                if related:
                    world.order(id, JoinFamily(into_case_id=related[which % len(related)]), COUNSELLOR, at)
            case "counselling":
                for _ in range(1 + which):
                    world.hear_in_counselling(at)
            case "returns":
                for _ in range(1 + which):
                    world.hear_in_returns(at)
            case "withdraw":
                world.order(id, WithdrawCase() if which == 0 else WithdrawPerson(person_id=named[0]), COUNSELLOR, at)
            case "hold":
                world.order(id, PutOnHold(hold_id=ref(600 + number), reason="protection"), PROTECTION, at)
            case "lift":
                for hold in case.holds:
                    world.order(id, LiftHold(hold_id=hold.hold_id, outcome="resolved"), PROTECTION, at)
            case "depart":
                # Whoever withdrew and left all the same is missed by the case, not by an attempt.
                leaving = tuple(one.person_id for one in case.travelling if one.person_id in named)
                if leaving:
                    order = RecordDeparture(person_ids=leaving, departed_at=at, record_id=ref(800 + number))
                    world.order(id, order, COUNSELLOR, at)
        world.everybody_is_in_one_case()
    world.everything_is_heard(at)
    world.everybody_is_in_one_case()


@over(
    st.sampled_from((OPENED, SCREENED, PREPARING, BOOKED, READY)),
    st.lists(TURN, min_size=10, max_size=40),
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate),
)
def test_everybody_is_in_one_case_with_one_attempt_whatever_is_asked_and_whenever_it_is_heard(
    past: tuple[Event, ...], story: list[tuple[str, set[UUID], int]]
) -> None:
    played(begun(past), story)


def test_a_family_parts_and_comes_together_again_in_such_a_story() -> None:
    world = begun(PREPARING)
    hears: list[tuple[str, set[UUID], int]] = [("counselling", {FATHER}, 0), ("returns", {FATHER}, 0)] * 8
    played(world, [("split", {FATHER}, 0), *hears, ("join", {FATHER}, 1), *hears])
    assert (world.splits, world.joins) == (1, 1)
    assert set(world.open_cases) == {CASE_ID}
    assert any(isinstance(event, CaseSplitOff) for events in world.cases.values() for event in events)
