"""Cases withdrawn at random moments while others push them forward: always before departure, never after, nothing left over."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ops.demo_year import granting, script, travelling
from ops.demo_year.people import Dice, Household, Member
from ops.demo_year.script import Journey, Step
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.ids import uuid7
from tests.e2e.conftest import Mission

# So many at once as a mission has people.
AT_ONCE = 8
OFFICE = "receiving-office-tr"
STAFF = ("counsellor-3", "coordinator", "protection", "operations")
# What was said elsewhere has not been heard here yet.
NOT_HEARD_YET = {"own_plan_missing", "case_unknown", "facts_stale", "data_consent_missing", "individual_session_missing"}


@dataclass
class Pushed:
    """One person's case on its way, the step before which it is withdrawn, and what the withdrawal came to."""

    id: UUID
    steps: list[Step]
    before: int
    by: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    answer: tuple[int, str] = (0, "")
    departed: bool = False


def steps_of(dice: Dice) -> tuple[UUID, list[Step], list[Step]]:
    """The wish of somebody alone to return, and everything that leads to their departure."""
    member = Member(uuid7(), "female", 1985, "principal")
    household = Household((member,), "TR", "tur", "trc_borici", "counsellor-3", "returned")
    beginning = Journey(dice)
    script.register(beginning, household, 10)
    case_id = script.express_intention(beginning, household, 10)
    on = Journey(dice)
    script.screen(on, household, case_id, 11)
    script.apply_for(on, household, case_id, 12)
    travelling.approve(on, case_id, 13)
    lines = granting.plan_lines(dice, household, {member.person_id: ("business",)})
    travelling.prepare(on, household, case_id, uuid7(), lines, 14)
    travelling.book(on, household, case_id, 24, 30)
    travelling.on_the_eve(on, household, case_id, 30)
    travelling.depart(on, household, case_id, 30)
    return case_id, list(beginning.in_order()), list(on.in_order())


async def push(mission: Mission, pushed: Pushed) -> None:
    for number, step in enumerate(pushed.steps):
        if number == pushed.before:
            pushed.reached.set()
        for _ in range(50):
            answer = await mission.give(step.service, step.persona, step.id, step.order, step.at)
            if answer.is_success or answer.json()["code"] not in NOT_HEARD_YET:
                break
            await mission.caller.drained()
        if not answer.is_success:
            assert answer.json()["code"] == "case_ended", (type(step.order).__name__, answer.text)
            break
        pushed.departed = number == len(pushed.steps) - 1
    pushed.reached.set()


async def withdraw(mission: Mission, pushed: Pushed) -> None:
    await pushed.reached.wait()
    at = pushed.steps[min(pushed.before, len(pushed.steps) - 1)].at + timedelta(seconds=1)
    answer = await mission.give("returns", pushed.by, pushed.id, WithdrawCase(), at)
    pushed.answer = (answer.status_code, "" if answer.is_success else answer.json()["code"])


@pytest.mark.timeout(3600)
async def test_withdrawing_succeeds_at_any_moment_before_departure_and_never_after_and_leaves_nothing_over(
    mission: Mission, request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    how_many = int(request.config.getoption("--withdrawals"))
    dice, chance = Dice(2023), random.Random(2023)
    cases, beginnings = [], []
    for _ in range(how_many):
        case_id, beginning, steps = steps_of(dice)
        beginnings.append(beginning)
        cases.append(Pushed(case_id, steps, chance.randint(0, len(steps)), chance.choice(STAFF)))
    seats = asyncio.Semaphore(AT_ONCE)

    async def begin(steps: list[Step]) -> None:
        async with seats:
            for step in steps:
                await mission.done(step.service, step.persona, step.id, step.order, step.at)

    async def both(pushed: Pushed) -> None:
        async with seats:
            await asyncio.gather(push(mission, pushed), withdraw(mission, pushed))

    await asyncio.gather(*map(begin, beginnings))
    await mission.caller.drained()
    await asyncio.gather(*map(both, cases))
    await mission.caller.drained()

    async def state(service: str, path: str) -> dict[str, Any]:
        answer = await mission.read(service, "coordinator", path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["state"]
        return found

    came_to: Counter[str] = Counter()
    for pushed in cases:
        case = await state("returns", f"/v1/cases/{pushed.id}")
        attempt = await state("counselling", f"/v1/intentions/{pushed.id}")
        came_to[case["status"]] += 1
        if pushed.answer[0] == 200:
            assert (case["status"], attempt["status"]) == ("withdrawn", "ended"), pushed.before
            booked = (case["departs_at"], case["booked_person_ids"], case["flight"], case["reception_arranged_at"])
            assert booked == (None, [], None, None)
            # A departure that is recorded all the same is never refused, and ends nothing that the withdrawal has ended.
            travel = "departed" if pushed.departed else "withdrawn"
            assert [(one["travel"], one["evidence"]) for one in case["persons"]] == [(travel, [])]
            shared = await state("reintegration", f"/v1/cases/{pushed.id}")
            assert shared["status"] == "ended"
        else:
            assert pushed.answer == (409, "departed_already")
            assert (case["status"], pushed.departed, attempt["status"]) == ("departed", True, "active")
    assert set(came_to) <= {"withdrawn", "departed"}
    # Of whoever stays nobody abroad is told, but that nobody comes where an arrival had been told of.
    for pushed in [one for one in cases if one.answer[0] == 200 and not one.departed][:5]:
        seen = await mission.read("returns", OFFICE, f"/v1/cases/{pushed.id}")
        assert seen.status_code == 404 or seen.json()["state"]["status"] == "not_coming"
    tell(f"{how_many} cases: " + ", ".join(f"{number} {status}" for status, number in sorted(came_to.items())))
