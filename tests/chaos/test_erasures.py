"""Parts are killed at any moment of an erasure: it is completed after their restart, and never half done in between."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from uuid import UUID

import pytest

from ops.demo_year.people import moment
from ops.demo_year.script import Step
from services.counselling.domain.erasure import ApproveErasure, RequestErasure
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import GiveConsent, RegisterPerson
from shared.ids import uuid7
from tests.chaos.journeys import Journey
from tests.chaos.system import System
from tests.integration.bus.house import until

NOON = moment(200, 12)
EVERY_SERVICE = ("counselling", "returns", "reintegration")
# What dies: each service alone, all of them at once, the database, the broker.
VICTIMS: tuple[tuple[str, ...], ...] = (
    ("counselling",), ("returns",), ("reintegration",), EVERY_SERVICE, ("postgres",), ("nats",),
)  # fmt: skip
# From before the approval is asked for until after the last confirmation.
WITHIN_SECONDS = 0.25

# Who is erased has nothing left, and who is not has everything: each of these rows would be half of an erasure.
_HALF_DONE = (
    "SELECT p.id FROM persons p WHERE (p.erased_at IS NULL) <> "
    "EXISTS (SELECT FROM birth_years b WHERE b.person_id = p.id) OR (p.identity_number > 0 AND "
    "NOT EXISTS (SELECT FROM person_keys k WHERE k.person_id = p.id)) OR (p.erased_at IS NOT NULL AND ("
    "EXISTS (SELECT FROM person_keys k WHERE k.person_id = p.id) OR EXISTS (SELECT FROM identities i WHERE "
    "i.person_id = p.id) OR EXISTS (SELECT FROM event_log e JOIN disclosure d ON d.event_id = e.id WHERE e.subject = p.id) "
    "OR NOT EXISTS (SELECT FROM event_log e WHERE e.subject = p.id AND e.type = 'avrr.counselling.person.erased.v1')))"
)
_OPEN = "SELECT id FROM persons WHERE erasure ->> 'status' <> 'completed'"


def known(person_id: UUID) -> Journey:
    return [
        Step(NOON, "counsellor-1", person_id, RegisterPerson(
            sex="male", birth_year=1987, country_of_origin="TR", site="trc_usivak"
        )),
        Step(NOON, "counsellor-1", person_id, GiveConsent(
            consent="data", text_version="v1", language="tur", method="signature", given_at=NOON
        )),
        Step(NOON, "counsellor-1", person_id, RecordIdentity(family_name="Invented", given_names="Nobody")),
        Step(NOON, "data-protection", person_id, RequestErasure(ground="person_asked")),
    ]  # fmt: skip


async def test_an_erasure_is_completed_whatever_dies_and_is_never_half_done(
    system: System, request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    kills, dice = request.config.getoption("--erasure-kills"), Random(request.config.getoption("--chaos-seed"))
    before, after, killed = 0, 0, Counter[str]()
    for number in range(kills):
        person_id = uuid7()
        await system.clients.run(f"known-{number}", [known(person_id)])
        approval = Step(NOON, "chief-of-mission", person_id, ApproveErasure())
        victims, wait = VICTIMS[number % len(VICTIMS)], dice.uniform(0, WITHIN_SECONDS)
        async with asyncio.TaskGroup() as group:
            group.create_task(system.clients.run(f"erased-{number}", [[approval]]))
            await asyncio.sleep(wait)
            await asyncio.gather(*map(system.running.kill, victims))
        # The supervisor would give whoever dies often longer and longer pauses.
        await asyncio.gather(*map(system.running.start, victims))
        killed["+".join(victims)] += 1
        assert await system.ask("counselling", _HALF_DONE) == []
        done = not await system.ask("counselling", _OPEN)
        before, after = before + (not done), after + done

        async def completed() -> bool:
            return not await system.ask("counselling", _OPEN)

        await until(completed, 60)
    half = await system.ask("counselling", _HALF_DONE)
    wrong = await system.wrong()
    tell(
        f"erasures: {kills} kills ({dict(sorted(killed.items()))}), {before} of them before all had confirmed and {after} "
        f"after; {len(half)} half done, {len(wrong)} wrong"
    )
    assert (half, wrong) == ([], [])
