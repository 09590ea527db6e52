"""A family's case split and joined again, with the limits of the database, and both cases in one transaction."""

from datetime import date, datetime
from uuid import UUID

import asyncpg
import pytest

from services.returns.domain.case_application import RecordIntention
from services.returns.domain.case_families import (
    JoinFamily,
    SplitFamily,
)
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_other_parent import SettleOtherParent
from services.returns.domain.case_preparation import MarkReadyToTravel
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.domain.person import RecordErasure
from services.returns.queries.ended import cases_of
from services.returns.reactions import on_attempt_may_move
from services.returns.wiring import CASE, WIRING
from shared.contracts.counselling import AttemptMayMove
from shared.db import UnitOfWork
from shared.errors import Refusal
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Context, Origin, Received
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.returns.api import Api
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    BERIN,
    DEPARTS,
    OLEG,
    PETRA,
    RETURNS,
    ZORAN,
    Attempt,
    Mission,
    Stretch,
    family,
    somebody,
)


async def whole(mission: Mission, stretch: Stretch = "ready_to_travel") -> Attempt:
    return await mission.brought_to(stretch, somebody("female"), somebody("male", "child"), somebody("male"))


async def answered(mission: Mission, case_id: UUID, answer: AttemptMayMove, *, crash: bool = False) -> None:
    """Takes counselling's answer as the consumer does: all that follows from it in one transaction."""
    orders = on_attempt_may_move(answer, Received(subject=case_id, at=NOON, actor_id="x"))

    async def work(unit: UnitOfWork) -> None:
        for order in orders:
            given = Context(RETURNS, NOON)
            await handle(unit, CASE, order.id, order.command, given, Origin("test"), reach=EVERYWHERE)
            if crash:
                raise ConnectionError

    await transact(mission.database.worker, EVERYWHERE.scope(RETURNS), work, WIRING.refusals)


async def split(mission: Mission, attempt: Attempt) -> UUID:
    """The father of a family goes on apart; answers with the id of his case."""
    apart, father = uuid7(), attempt.ids[2]
    await mission.order(attempt.id, SplitFamily(new_case_id=apart, person_ids=(father,), principal_id=father), ANNA)
    await answered(mission, attempt.id, AttemptMayMove(to_id=apart, person_ids=(father,), principal_id=father))
    return apart


async def test_a_family_parts_at_one_moment_and_each_case_goes_on_by_itself(mission: Mission) -> None:
    attempt = await whole(mission)
    apart = await split(mission, attempt)
    stayed, gone_on = await mission.case(attempt.id), await mission.case(apart)
    assert [one.person_id for one in stayed.persons] == [attempt.ids[0], attempt.ids[1]]
    assert [one.person_id for one in gone_on.persons] == [attempt.ids[2]]
    assert (stayed.status, gone_on.status) == ("preparing", "preparing")
    assert (stayed.split_into, gone_on.split_from) == ((apart,), attempt.id)
    with pytest.raises(Refusal):
        await mission.order(apart, MarkReadyToTravel(), OLEG)
    day = NOON.date()
    assert (await mission.figures(day, day))["open_cases"] == 2
    assert (await mission.figures(day, day))["applications"] == 1
    found = await mission.verified()
    assert found.sound, found.differences


async def test_if_all_breaks_down_between_the_two_cases_nothing_of_it_has_happened(mission: Mission) -> None:
    attempt = await whole(mission)
    apart, father = uuid7(), attempt.ids[2]
    await mission.order(attempt.id, SplitFamily(new_case_id=apart, person_ids=(father,), principal_id=father), ANNA)
    answer = AttemptMayMove(to_id=apart, person_ids=(father,), principal_id=father)
    with pytest.raises(ConnectionError):
        await answered(mission, attempt.id, answer, crash=True)
    assert len((await mission.case(attempt.id)).persons) == 3
    with pytest.raises(Refusal):
        await mission.case(apart)
    # What is delivered once more is done once.
    await answered(mission, attempt.id, answer)
    await answered(mission, attempt.id, answer)
    assert len((await mission.case(attempt.id)).persons) == 2
    assert (await mission.verified()).sound


async def test_the_family_comes_together_again_and_the_case_of_who_parted_ends(mission: Mission) -> None:
    attempt = await whole(mission, "preparing")
    apart, father = await split(mission, attempt), attempt.ids[2]
    await mission.order(apart, JoinFamily(into_case_id=attempt.id), ANNA)
    await answered(mission, apart, AttemptMayMove(to_id=attempt.id, person_ids=(father,)))
    stayed, ended = await mission.case(attempt.id), await mission.case(apart)
    assert {one.person_id for one in stayed.persons} == set(attempt.ids)
    assert (ended.status, ended.joined_into) == ("joined", attempt.id)
    assert stayed.screening_of(father) != ended.screening_of(father)
    day = NOON.date()
    assert (await mission.figures(day, day))["open_cases"] == 1
    assert (await mission.verified()).sound


async def test_of_whoever_goes_on_apart_only_their_own_case_is_kept_count_of(mission: Mission) -> None:
    attempt = await whole(mission, "preparing")
    apart, father = await split(mission, attempt), attempt.ids[2]
    await mission.order(attempt.id, WithdrawCase(), ANNA)

    async def ended(person_id: UUID) -> list[tuple[UUID, str]]:
        found = await transact(
            mission.database.api, EVERYWHERE.scope(ANNA, log=True), lambda unit: cases_of(unit, [person_id])
        )
        return [(one.case_id, one.ending) for one in found]

    assert await ended(father) == [(apart, "open")]
    assert await ended(attempt.ids[0]) == [(attempt.id, "without_return")]


async def test_who_withdrew_and_left_all_the_same_is_kept_count_of_in_the_case_that_was_joined(mission: Mission) -> None:
    attempt = await whole(mission, "preparing")
    apart = uuid7()
    gone, father = attempt.ids[1:]
    await mission.order(attempt.id, SplitFamily(new_case_id=apart, person_ids=(father, gone), principal_id=father), ANNA)
    await answered(mission, attempt.id, AttemptMayMove(to_id=apart, person_ids=(father, gone), principal_id=father))
    await mission.order(apart, WithdrawPerson(person_id=gone), ANNA)
    await mission.order(apart, JoinFamily(into_case_id=attempt.id), ANNA)
    await answered(mission, apart, AttemptMayMove(to_id=attempt.id, person_ids=(father,)))

    async def ended() -> list[tuple[UUID, str, datetime | None]]:
        scope = EVERYWHERE.scope(ANNA, log=True)
        found = await transact(mission.database.api, scope, lambda unit: cases_of(unit, [gone]))
        return [(one.case_id, one.ending, one.ended_at) for one in found]

    assert await ended() == [(apart, "without_return", NOON)]
    departure = RecordDeparture(person_ids=(gone,), departed_at=DEPARTS, record_id=uuid7())
    await mission.order(apart, departure, OLEG, ARRIVES)
    assert await ended() == [(apart, "open", None)]
    await mission.order(apart, ConfirmArrival(person_id=gone, arrived_at=ARRIVES, known_by="met"), ANKARA, ARRIVES)
    assert await ended() == [(apart, "returned", ARRIVES)]


async def test_whoever_is_erased_is_erased_from_both_cases(mission: Mission) -> None:
    attempt = await whole(mission, "preparing")
    apart, father = await split(mission, attempt), attempt.ids[2]
    await mission.order(apart, WithdrawCase(), ANNA)
    await mission.note(father, RecordErasure())
    async with mission.owner() as owner:
        left = await owner.fetchval(
            "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id JOIN log_mentions m ON m.idx = e.idx "
            "WHERE m.about = $1", father,
        )  # fmt: skip
    assert left == 0
    found = await mission.verified()
    assert found.sound, found.differences


async def test_the_database_lets_no_case_begin_half_way_and_none_end_in_nothing(mission: Mission) -> None:
    attempt = await whole(mission, "preparing")
    apart = await split(mission, attempt)
    async with mission.owner() as owner:
        for wrong, constraint in (
            ("UPDATE cases SET status = 'joined' WHERE id = $1", "ck_cases_joined_with_another"),
            ("UPDATE cases SET joined_into = id WHERE id = $1", "ck_cases_joined_with_another"),
            ("UPDATE cases SET version = 1, split_from = NULL WHERE id = $1", "ck_cases_beginning"),
        ):
            with pytest.raises(asyncpg.CheckViolationError) as refused:
                await owner.execute(wrong, apart)
            assert refused.value.constraint_name == constraint


async def test_a_wish_that_is_heard_late_under_the_new_cases_id_opens_nothing_there(mission: Mission) -> None:
    attempt = await whole(mission, "preparing")
    apart = await split(mission, attempt)
    before = await mission.case(apart)
    other = somebody()
    wish = RecordIntention(
        case_ref=before.case_ref, principal_id=other.person_id, persons=(other,), destination_country="TR",
        counsellor_id=ANNA.person_id, expressed_at=NOON,
    )
    await mission.order(apart, wish)
    assert await mission.case(apart) == before


async def test_the_database_lets_no_child_be_ready_on_its_own_without_supervision_and_a_determination(mission: Mission) -> None:
    attempt = await whole(mission)
    async with mission.owner() as owner:
        # As if both adults had withdrawn past all rules.
        gone = (
            "(SELECT jsonb_agg(CASE WHEN p ->> 'age_group' = 'adult' THEN p || '{{\"travel\": \"withdrawn\"}}' ELSE p || $4::jsonb END) "
            "FROM jsonb_array_elements(told -> 'persons') p)"
        )
        alone = (
            f"UPDATE cases SET version = version + 1, booked_person_ids = ARRAY[$2]::uuid[], persons = {gone}, "
            f"in_clear = jsonb_set({{told}}, '{{{{persons}}}}', {gone}) FROM (SELECT $3::jsonb AS told) written WHERE id = $1"
        )
        child, told = attempt.ids[1], await mission.in_clear(attempt)
        kept = '{{"evidence": [{{"kind": "exit_formalities"}}{besides}]}}'
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await owner.execute(alone.format(told="told"), attempt.id, child, told, kept.format(besides=""))
        assert refused.value.constraint_name == "ck_cases_child_with_guardian"
        supervised = kept.format(besides=', {"kind": "supervision"}')
        assessed = "replace(told::text, '\"determination\"', '\"assessment\"')::jsonb"
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await owner.execute(alone.format(told=assessed), attempt.id, child, told, supervised)
        assert refused.value.constraint_name == "ck_cases_child_with_guardian"
        await owner.execute(alone.format(told="told"), attempt.id, child, told, supervised)
        # Nor is it cleared before its guardian has confirmed for it.
        cleared = alone.replace("SET ", "SET status = 'cleared_to_board', cleared_at = now(), ", 1).format(told="told")
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await owner.execute(cleared, attempt.id, child, told, supervised)
        assert refused.value.constraint_name == "ck_cases_cleared_on_confirmation"
        confirmed = supervised.replace("{", '{"confirmed_at": "2023-05-03T12:00:00Z", ', 1)
        await owner.execute(cleared, attempt.id, child, told, confirmed)


async def test_the_database_lets_no_child_be_ready_beside_one_parent_where_nothing_settles_that(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    told = await mission.in_clear(attempt)
    assert '"consent_signed"' in told
    moved = "UPDATE cases SET version = version + 1, persons = persons || '[]', in_clear = $2::jsonb WHERE id = $1"
    mother, child = attempt.ids
    never = told.replace('"other_parent"', '"transit_visa"')
    asked = told.replace('"consent_signed"', '"paper_contested"')
    one_of_two = never.replace('"parent_ids": []', f'"parent_ids": ["{mother}", "{uuid7()}"]')
    async with mission.owner() as owner:
        for in_clear in (never, asked, asked.replace('"parent_ids": []', f'"parent_ids": ["{mother}", "{child}"]'), one_of_two):
            with pytest.raises(asyncpg.CheckViolationError) as refused:
                await owner.execute(moved, attempt.id, in_clear)
            assert refused.value.constraint_name == "ck_cases_other_parent_settled"
        for in_clear in (told, never.replace('"parent_ids": []', f'"parent_ids": ["{mother}", "{child}"]')):
            await owner.execute(moved, attempt.id, in_clear)


async def test_by_what_a_child_goes_beside_one_parent_stands_nowhere_in_clear_and_few_are_shown_it(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("preparing", *family())
    child = attempt.ids[1]
    order = SettleOtherParent(person_id=child, settled_by="death_certificate", settled_on=date(2022, 11, 17))
    answer = await api.post(f"cases/{attempt.id}/settle-other-parent", order.model_dump(mode="json"), ANNA)
    assert answer.status_code == 200, answer.text
    async with mission.owner() as owner:
        for table in ("cases", "event_log", "disclosure", "idempotency"):
            rows = await owner.fetch(f"SELECT encode(convert_to(t::text, 'UTF8'), 'escape') AS body FROM {table} t")
            leaves = await owner.fetch("SELECT convert_from(leaf, 'UTF8') AS body FROM event_log") if table == "event_log" else []
            for row in (*rows, *leaves):
                assert "death_certificate" not in row["body"], table
                assert "2022-11-17" not in row["body"], table
    for reader, shown in ((ANNA, True), (PETRA, True), (BERIN, False), (ZORAN, False), (OLEG, False)):
        body = (await api.get(f"cases/{attempt.id}", reader)).text
        assert ("death_certificate" in body, "2022-11-17" in body) == (shown, shown), reader
    assert (await mission.verified()).sound
