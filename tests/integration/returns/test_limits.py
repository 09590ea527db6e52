"""What holds when the domain is bypassed, or when many act on one case at the same moment."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from services.returns.domain.case_application import ApproveCase
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_preparation import ClearToBoard
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.domain.person import RecordConsent
from shared.contracts.returns import CaseApproved, CaseWithdrawn, PersonArrived, PersonDeparted
from shared.errors import Refusal
from shared.handling import Handled
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    DEPARTS,
    EVE,
    MIRA,
    OLEG,
    ZORAN,
    Mission,
    Stretch,
    family,
    somebody,
)

# How a command writes what is kept sealed, for the database to look at.
WRITTEN = "version = version + 1, in_clear"
NOBODY_ADULT = f"""{WRITTEN} = jsonb_set(told, '{{persons,0,travel}}', '"withdrawn"')"""
UNFIT = '{"kind": "fitness", "outcome": "unfit", "conditions": []}'
ASKED = '{"kind": "fitness_asked", "outcome": null, "conditions": []}'
ESCORTED = '{"kind": "fitness", "outcome": "fit_with_conditions", "conditions": ["medication", "escort"]}'


def refusals(answers: list[Handled | BaseException]) -> list[str]:
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Refusal):
            raise answer
    return sorted(answer.code for answer in answers if isinstance(answer, Refusal))


async def count(mission: Mission, kind: str) -> int:
    async with mission.owner() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM event_log WHERE type = $1", kind))


@pytest.mark.parametrize(
    ("stretch", "change", "held_by"),
    [
        ("applied", "approved_by = counsellor_id", "four_eyes"),
        ("applied", "approved_by = submitted_by, counsellor_id = 'staff:other'", "four_eyes"),
        ("screening", "status = 'applied'", "applied_by_somebody"),
        ("applied", "status = 'approved'", "approved_by_somebody"),
        ("approved", "status = 'preparing'", "office_settled"),
        ("approved", "status = 'preparing', programme = 'x', receiving_country = 'IQ'", "office_settled"),
        ("ready_to_travel", f"{NOBODY_ADULT}, booked_person_ids = booked_person_ids[2:2]", "child_with_guardian"),
        ("cleared_to_board", f"{NOBODY_ADULT}, booked_person_ids = booked_person_ids[2:2]", "child_with_guardian"),
        (
            "cleared_to_board",
            "persons = jsonb_set(jsonb_set(persons, '{0,travel}', '\"withdrawn\"'), '{1,confirmed_at}', '\"2023-05-03T12:00:00Z\"')",
            "exactly_they_are_booked",
        ),
        ("cleared_to_board", "persons = jsonb_set(persons, '{0,travel}', '\"withdrawn\"')", "cleared_on_confirmation"),
        ("cleared_to_board", NOBODY_ADULT, "child_with_guardian"),
        ("ready_to_travel", "persons = '[]', booked_person_ids = '{}'", "everybody_prepared"),
        ("ready_to_travel", "persons = jsonb_set(persons, '{1,declared_by}', 'null')", "everybody_prepared"),
        ("ready_to_travel", "persons = persons #- '{1,declared_by}'", "everybody_prepared"),
        ("cleared_to_board", "persons = jsonb_set(persons, '{0,document}', 'null')", "everybody_prepared"),
        ("cleared_to_board", "persons = jsonb_set(persons, '{0,own_plan_id}', 'null')", "everybody_prepared"),
        ("ready_to_travel", "booked_person_ids = booked_person_ids[1:1]", "exactly_they_are_booked"),
        ("ready_to_travel", "booked_person_ids = booked_person_ids || gen_random_uuid()", "exactly_they_are_booked"),
        ("ready_to_travel", "departs_at = NULL, arrives_at = NULL", "exactly_they_are_booked|no_seat_without_booking"),
        ("ready_to_travel", f"status = 'cleared_to_board', {WRITTEN} = told", "cleared_on_confirmation"),
        ("cleared_to_board", "persons = jsonb_set(persons, '{0,confirmed_at}', 'null')", "cleared_on_confirmation"),
        ("ready_to_travel", "reception_arranged_at = NULL", "arranged_for_everybody"),
        ("ready_to_travel", f"{WRITTEN} = jsonb_set(told, '{{persons,1,evidence}}', '[]')", "other_parent_settled"),
        ("ready_to_travel", f"{WRITTEN} = jsonb_set(told, '{{persons,0,evidence}}', '[]')", "arranged_for_everybody"),
        ("cleared_to_board", f"{WRITTEN} = told, transit_visa_needed = true", "visa_for_everybody"),
        ("cleared_to_board", f"{WRITTEN} = jsonb_insert(told, '{{persons,0,evidence,0}}', '{UNFIT}')", "nobody_unfit"),
        ("ready_to_travel", f"{WRITTEN} = jsonb_insert(told, '{{persons,1,evidence,0}}', '{ASKED}')", "nobody_unfit"),
        ("ready_to_travel", f"{WRITTEN} = jsonb_insert(told, '{{persons,0,evidence,0}}', '{ESCORTED}')", "help_is_booked"),
        ("ready_to_travel", "version = version + 1", "child_with_guardian"),
        ("preparing", "status = 'ready_to_travel'", "child_with_guardian"),
        ("ready_to_travel", "reopening_reason = 'contact_regained'", "reopened_from_closed"),
        ("ready_to_travel", "arrives_at = departs_at", "booking_in_order"),
        ("ready_to_travel", "arrives_at = NULL", "booking_in_order"),
        ("preparing", "booked_person_ids = ARRAY[gen_random_uuid()]", "no_seat_without_booking"),
        ("cleared_to_board", "status = 'departed'", "departed_has_time"),
        ("cleared_to_board", "status = 'arrived', departed_at = now()", "arrived_after_departure"),
        ("cleared_to_board", "status = 'reintegrating'", "arrived_after_departure"),
        ("screening", "version = 1", "beginning"),
        ("screening", "case_ref = 'Hasan'", "case_ref_form"),
    ],
)
async def test_the_database_refuses_what_no_rule_allows(
    mission: Mission, stretch: Stretch, change: str, held_by: str
) -> None:
    attempt = await mission.brought_to(stretch, *family())
    told = await mission.in_clear(attempt)
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await connection.execute(
                f"UPDATE cases SET {change} FROM (SELECT $2::jsonb AS told) written WHERE id = $1", attempt.id, told
            )
    assert (refused.value.constraint_name or "") in [f"ck_cases_{name}" for name in held_by.split("|")]


async def test_nobody_stands_as_ready_of_whom_screening_lacks_a_part(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    places = {one.person_id: place for place, one in enumerate((await mission.case(attempt.id)).screening)}
    mother, child = (places[person_id] for person_id in attempt.ids)
    changes = {
        f"{mother},voluntariness,free": "false", f"{mother},voluntariness,informed": "false",
        f"{child},voluntariness,capable": "false", f"{mother},voluntariness,company": '"family"',
        f"{mother},voluntariness,company ": '"guardian"', f"{child},voluntariness,interpreter": '"family"',
        f"{mother},voluntariness,alternatives_explained": "false",
        f"{mother},voluntariness,legal_consequences_explained": "null", f"{mother},voluntariness": "null",
        f"{child},fear,fears_return": "true", f"{mother},fear": "null", f"{mother},vulnerability": "null",
        f"{mother},vulnerability,indicators": '["elderly", "vot_presumed"]', f"{child},alerts": "[{}]",
        # Of an adult of whom it is doubted the determination is asked as of a child.
        f"{mother},vulnerability,indicators ": '["separated"]',
        f"{child},best_interests": "null", f"{child},best_interests,outcome": '"remain"',
        f"{child},best_interests,agreed": '["guardian", "family"]',
    }  # fmt: skip
    told = await mission.in_clear(attempt)
    written = f"UPDATE cases SET {WRITTEN} = {{}} FROM (SELECT $2::jsonb AS told) written WHERE id = $1"
    changed = written.format("jsonb_set(told, $3::text[], $4::jsonb)")

    def under(path: str) -> list[str]:
        return ["screening", *path.strip().split(",")]

    async with mission.owner() as connection:
        for path, value in changes.items():
            with pytest.raises(asyncpg.CheckViolationError, match="not ready") as refused:
                await connection.execute(changed, attempt.id, told, under(path), value)
            assert refused.value.constraint_name == "ck_cases_everybody_screened"
        for place in (mother, child):
            with pytest.raises(asyncpg.CheckViolationError, match="not ready"):
                await connection.execute(written.format("told #- $3::text[]"), attempt.id, told, under(str(place)))
        # A child on its own needs a determination, and a guardian may be with a child.
        alone = "jsonb_set(told, $3::text[], '[\"separated\"]')"
        noted = under(f"{child},vulnerability,indicators")
        await connection.execute(written.format(alone), attempt.id, told, noted)
        with pytest.raises(asyncpg.CheckViolationError, match="not ready"):
            await connection.execute(
                written.format(f"jsonb_set({alone}, $4::text[], '\"assessment\"')"), attempt.id, told, noted,
                under(f"{child},best_interests,procedure"),
            )  # fmt: skip
        await connection.execute(changed, attempt.id, told, under(f"{child},voluntariness,company"), '"guardian"')
        # Nothing of it was kept.
        assert await connection.fetchval("SELECT count(*) FROM cases WHERE in_clear IS NOT NULL") == 0


async def test_a_confirmation_of_arrival_lies_after_the_departure_in_the_projection_too(mission: Mission) -> None:
    attempt = await mission.opened()
    await mission.depart(attempt)
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="arrived_after_departure"):
            await connection.execute("UPDATE travels SET arrived_at = departed_at - interval '1 second'")


async def test_a_transfer_names_no_country_without_consent(mission: Mission) -> None:
    await mission.opened()
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="no_transfer_without_consent"):
            await connection.execute("UPDATE persons SET transfer_country = 'TR'")


@pytest.mark.parametrize(
    ("stretch", "status"),
    [
        ("intention", "applied"),
        ("intention", "cleared_to_board"),
        ("applied", "preparing"),
        ("preparing", "cleared_to_board"),
        ("cleared_to_board", "lapsed"),
        ("cleared_to_board", "closed"),
        ("approved", "ineligible"),
    ],
)
async def test_a_status_that_cannot_follow_is_refused_by_the_database(
    mission: Mission, stretch: Stretch, status: str
) -> None:
    attempt = await mission.brought_to(stretch)
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute("UPDATE cases SET status = $1 WHERE id = $2", status, attempt.id)
    assert refused.value.sqlstate == "AV003"


async def test_an_ended_case_begins_nothing_in_the_database(mission: Mission) -> None:
    attempt = await mission.brought_to("screening")
    await mission.order(attempt.id, WithdrawCase(), ANNA)
    async with mission.owner() as connection:
        for status in ("screening", "applied", "departed", "closed"):
            with pytest.raises(asyncpg.PostgresError) as refused:
                await connection.execute("UPDATE cases SET status = $1", status)
            assert refused.value.sqlstate == "AV003"


async def test_two_coordinators_at_once_approve_once(mission: Mission) -> None:
    attempt = await mission.brought_to("applied")
    answers = await asyncio.gather(
        *(mission.order(attempt.id, ApproveCase(), (ZORAN, MIRA)[turn % 2]) for turn in range(8)),
        return_exceptions=True,
    )
    assert refusals(answers) == ["wrong_status"] * 7
    assert await count(mission, CaseApproved.kind) == 1
    assert (await mission.verified()).sound


async def test_one_departure_recorded_many_times_at_once_happened_once(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    departure = RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS)
    answers = await asyncio.gather(
        *(mission.order(attempt.id, departure, OLEG, DEPARTS) for _ in range(8)), return_exceptions=True
    )
    assert refusals(answers) == ["already_departed"] * 7
    assert await count(mission, PersonDeparted.kind) == 2
    assert (await mission.verified()).sound


async def test_arrivals_of_a_family_confirmed_at_once_are_each_counted_once(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family(), somebody("female", "child"))
    await mission.depart(attempt)
    arrivals = [
        ConfirmArrival(person_id=person_id, arrived_at=ARRIVES, known_by="met") for person_id in attempt.ids
    ]
    await asyncio.gather(*(mission.order(attempt.id, arrival, ANKARA, ARRIVES) for arrival in arrivals * 4))
    assert await count(mission, PersonArrived.kind) == 3
    assert (await mission.case(attempt.id)).status == "arrived"
    assert (await mission.verified()).sound


async def test_a_withdrawal_wins_whoever_clears_at_the_same_moment(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    await mission.caught_up()
    await mission.confirm(attempt)
    await asyncio.gather(
        mission.order(attempt.id, ClearToBoard(), OLEG, EVE),
        mission.order(attempt.id, WithdrawCase(), ANNA, EVE),
        mission.order(attempt.id, ClearToBoard(), OLEG, EVE),
        return_exceptions=True,
    )
    assert (await mission.case(attempt.id)).status == "withdrawn"
    assert await count(mission, CaseWithdrawn.kind) == 1
    assert (await mission.verified()).sound


async def test_a_consent_taken_back_while_the_clearance_waits_is_seen(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    await mission.caught_up()
    await mission.confirm(attempt)
    async with mission.owner() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetch("SELECT 1 FROM cases WHERE id = $1 FOR UPDATE", attempt.id)
        clearing = asyncio.create_task(mission.order(attempt.id, ClearToBoard(), OLEG, EVE))
        # A login sees what its own sessions wait for.
        watcher = await asyncpg.connect(mission.database.logins.api)
        async with asyncio.timeout(20):
            while not await watcher.fetchval(
                "SELECT EXISTS (SELECT FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock')"
            ):
                pass
        await watcher.close()
        await mission.note(attempt.ids[0], RecordConsent(consent="data", active=False), EVE)
        await transaction.commit()
    with pytest.raises(Refusal, match="data_consent_missing"):
        await clearing
    assert (await mission.case(attempt.id, EVE + timedelta(hours=1))).status == "ready_to_travel"
