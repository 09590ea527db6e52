"""From when somebody is kept count of: since they withdrew, since their case ended, or since they arrived all the same."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_reintegration import RecordCaseSealed, RecordPlanAgreed, RequestClosing
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.queries.ended import cases_of
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    DEPARTS,
    OLEG,
    ZORAN,
    Mission,
    final_report,
    somebody,
)

LATER = NOON + timedelta(days=200)


async def kept(mission: Mission, person_id: UUID) -> tuple[str, datetime | None]:
    found = await transact(mission.database.api, EVERYWHERE.scope(ANNA, log=True), lambda unit: cases_of(unit, [person_id]))
    ((ending, ended_at),) = [(one.ending, one.ended_at) for one in found]
    return ending, ended_at


async def test_who_withdrew_is_kept_from_then_and_not_from_when_the_case_of_the_others_ended(mission: Mission) -> None:
    attempt = await mission.brought_to("screening", somebody(), somebody("female"))
    withdrew, other = attempt.ids
    await mission.order(attempt.id, WithdrawPerson(person_id=withdrew), ANNA, NOON)
    assert await kept(mission, withdrew) == ("without_return", NOON)
    assert await kept(mission, other) == ("open", None)
    await mission.order(attempt.id, WithdrawCase(), ANNA, LATER)
    assert await kept(mission, withdrew) == ("without_return", NOON)
    assert await kept(mission, other) == ("without_return", LATER)


async def test_whoever_left_after_their_case_had_ended_is_open_until_they_arrived_and_then_returned(mission: Mission) -> None:
    attempt = await mission.brought_to("screening", somebody(), somebody("female"))
    gone, stayed = attempt.ids
    await mission.order(attempt.id, WithdrawCase(), ANNA, NOON)
    assert await kept(mission, gone) == await kept(mission, stayed) == ("without_return", NOON)
    departure = RecordDeparture(person_ids=(gone,), departed_at=DEPARTS, record_id=uuid7())
    await mission.order(attempt.id, departure, OLEG, ARRIVES)
    assert await kept(mission, gone) == ("open", None)
    await mission.order(attempt.id, ConfirmArrival(person_id=gone, arrived_at=ARRIVES, known_by="met"), ANKARA, ARRIVES)
    assert await kept(mission, gone) == ("returned", ARRIVES)
    assert await kept(mission, stayed) == ("without_return", NOON)


async def test_whoever_withdrew_and_left_after_the_case_of_the_others_was_closed_is_waited_for(mission: Mission) -> None:
    attempt = await mission.brought_to("screening", somebody(), somebody("female"))
    gone, other = attempt.ids
    await mission.order(attempt.id, WithdrawPerson(person_id=gone), ANNA, NOON)
    rest = replace(attempt, persons=attempt.persons[1:])
    for step in (mission.apply, mission.approve, mission.prepare, mission.make_ready, mission.clear, mission.depart, mission.arrive):
        await step(rest)
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    await mission.order(attempt.id, final_report(), ZORAN, ARRIVES)
    await mission.order(attempt.id, RequestClosing(reason="completed"), ZORAN, ARRIVES)
    await mission.order(attempt.id, RecordCaseSealed(), at=ARRIVES)
    assert await kept(mission, other) == ("returned", ARRIVES)
    departure = RecordDeparture(person_ids=(gone,), departed_at=ARRIVES, record_id=uuid7())
    await mission.order(attempt.id, departure, OLEG, LATER)
    assert await kept(mission, gone) == ("open", None)
    await mission.order(attempt.id, ConfirmArrival(person_id=gone, arrived_at=LATER, known_by="met"), ANKARA, LATER)
    assert await kept(mission, gone) == ("returned", LATER)


async def test_of_whoever_arrived_before_the_departures_of_their_ended_case_were_known_the_ending_counts(mission: Mission) -> None:
    attempt = await mission.brought_to("screening", somebody())
    (gone,) = attempt.ids
    await mission.order(attempt.id, WithdrawCase(), ANNA, LATER)
    for order, by in (
        (RecordDeparture(person_ids=(gone,), departed_at=DEPARTS, record_id=uuid7()), OLEG),
        (ConfirmArrival(person_id=gone, arrived_at=ARRIVES, known_by="met"), ANKARA),
    ):
        await mission.order(attempt.id, order, by, LATER)
    assert await kept(mission, gone) == ("returned", LATER)
