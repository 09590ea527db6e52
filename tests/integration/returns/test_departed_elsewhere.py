"""Who withdrew from a case and began anew departs once, in the case with which they go on."""

from datetime import timedelta

import pytest

from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from shared.errors import Refusal
from shared.ids import uuid7
from tests.integration.returns.mission import ANNA, ARRIVES, DEPARTS, OLEG, Mission, family, somebody


async def test_who_withdrew_and_began_anew_departs_in_the_case_with_which_they_go_on(mission: Mission) -> None:
    left = await mission.brought_to("preparing", somebody("female"), somebody())
    staying = left.ids[1]
    await mission.order(left.id, WithdrawPerson(person_id=staying, record_id=uuid7()), ANNA)
    departure = RecordDeparture(person_ids=left.ids, departed_at=DEPARTS, record_id=uuid7())
    again = await mission.opened(left.persons[1])
    with pytest.raises(Refusal) as refusal:
        await mission.order(left.id, departure, OLEG, ARRIVES)
    assert refusal.value.code == "in_another_case"
    # Whoever goes on here is named without them, and they are where they go on.
    for case, person_id in ((left, left.ids[0]), (again, staying)):
        only = RecordDeparture(person_ids=(person_id,), departed_at=DEPARTS, record_id=uuid7())
        await mission.order(case.id, only, OLEG, ARRIVES)
    assert (await mission.figures(DEPARTS.date(), DEPARTS.date()))["departures"] == 2
    found = await mission.verified()
    assert found.sound, found.differences


async def test_who_withdrew_and_goes_on_nowhere_is_recorded_where_they_left(mission: Mission) -> None:
    ended = await mission.brought_to("preparing", *family())
    await mission.order(ended.id, WithdrawCase(record_id=uuid7()), ANNA)
    again = await mission.opened(ended.persons[0])
    await mission.order(again.id, WithdrawCase(record_id=uuid7()), ANNA)
    departure = RecordDeparture(person_ids=ended.ids, departed_at=DEPARTS, record_id=uuid7())
    await mission.order(ended.id, departure, OLEG, ARRIVES)
    assert {one.travel for one in (await mission.case(ended.id)).persons} == {"departed"}


async def test_who_left_before_they_began_anew_departed_in_the_case_that_had_ended_by_then(mission: Mission) -> None:
    ended = await mission.brought_to("preparing", somebody("female"), somebody())
    await mission.order(ended.id, WithdrawCase(record_id=uuid7()), ANNA)
    anew = ARRIVES + timedelta(days=30)
    again = await mission.opened(ended.persons[0], at=anew)
    since = RecordDeparture(person_ids=ended.ids[:1], departed_at=anew, record_id=uuid7())
    with pytest.raises(Refusal) as refusal:
        await mission.order(ended.id, since, OLEG, anew)
    assert refusal.value.code == "in_another_case"
    before = RecordDeparture(person_ids=ended.ids, departed_at=anew - timedelta(seconds=1), record_id=uuid7())
    await mission.order(ended.id, before, OLEG, anew)
    assert {one.travel for one in (await mission.case(ended.id)).persons} == {"departed"}
    assert {one.travel for one in (await mission.case(again.id)).persons} == {"expected"}
    found = await mission.verified()
    assert found.sound, found.differences


async def test_while_the_case_that_they_left_goes_on_they_depart_with_no_two(mission: Mission) -> None:
    going_on = await mission.brought_to("preparing", somebody("female"), somebody())
    await mission.order(going_on.id, WithdrawPerson(person_id=going_on.ids[1], record_id=uuid7()), ANNA)
    anew = ARRIVES + timedelta(days=30)
    await mission.opened(going_on.persons[1], at=anew)
    before = RecordDeparture(person_ids=going_on.ids[1:], departed_at=DEPARTS, record_id=uuid7())
    with pytest.raises(Refusal) as refusal:
        await mission.order(going_on.id, before, OLEG, anew)
    assert refusal.value.code == "in_another_case"
