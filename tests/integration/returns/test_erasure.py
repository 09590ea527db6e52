"""Erasing a person in returns: consents are gone, and why a case ended is gone with the last of its persons."""

import asyncio
from datetime import date
from uuid import UUID

import asyncpg

from services.returns.domain.case_evidence import RecordFitToTravel
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import ConfirmBooking
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.domain.given_fields import PersonAssistance
from services.returns.domain.person import RecordConsent, RecordCounselled, RecordErasure
from services.returns.wiring import CASE, WIRING
from shared.db import UnitOfWork
from shared.handling import Handled, Repeat, handle, transact
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.conftest import MakeDatabase
from tests.integration.returns.mission import ANNA, ARRIVES, DEPARTS, OLEG, Mission, family, somebody


async def test_why_a_case_ended_goes_with_the_last_of_its_persons_and_a_late_event_changes_nothing(
    make_database: MakeDatabase,
) -> None:
    mission = Mission(await make_database("returns"))
    attempt, other = await mission.opened(*family()), await mission.opened(*family())
    for one in (attempt, other):
        for person_id in one.ids:
            await mission.note(person_id, RecordConsent(consent="transfer", active=True, recipient_country="TR"))
        await mission.order(one.id, WithdrawCase(reason="health"), ANNA)

    async def reasons() -> int:
        connection = await asyncpg.connect(mission.database.logins.migrate)
        await connection.execute("SET ROLE returns_owner")
        found = await connection.fetchval("SELECT count(*) FROM disclosure")
        await connection.close()
        return int(found)

    first, second = attempt.ids
    assert await reasons() == 2
    await mission.note(first, RecordErasure())
    assert await reasons() == 2
    await mission.note(second, RecordErasure())
    assert await reasons() == 1
    handled = [
        await mission.note(first, order)
        for order in (
            RecordErasure(), RecordConsent(consent="data", active=True),
            RecordCounselled(session_id=uuid7(), held_at=NOON),
        )
    ]  # fmt: skip
    assert [one.changed for one in handled] == [False, False, False]
    found = await mission.verified()
    assert found.sound, found.differences


async def test_what_was_decided_about_somebodys_health_does_not_wait_for_the_rest_of_the_family(
    make_database: MakeDatabase,
) -> None:
    mission = Mission(await make_database("returns"))
    attempt = await mission.brought_to("ready_to_travel", *family())
    for person_id in attempt.ids:
        decision = RecordFitToTravel(
            person_id=person_id, outcome="fit", decided_at=NOON, valid_from=NOON.date(), valid_until=date(2030, 1, 1)
        )
        await mission.order(attempt.id, decision, OLEG)
    await mission.order(attempt.id, WithdrawCase(), ANNA)
    assert all(person.evidence == () for person in (await mission.case(attempt.id)).persons)

    async def disclosed(person_id: UUID) -> int:
        async with mission.owner() as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id "
                    "WHERE e.type = 'avrr.returns.case.evidence_recorded.v1' "
                    "AND convert_from(e.leaf, 'UTF8')::jsonb #>> '{data,person_id}' = $1",
                    str(person_id),
                )
            )

    first, second = attempt.ids
    # Of the exit formalities, of the decision, and of the child by what it goes beside one parent: the kind, the outcome, the
    # conditions, both days and the country.
    assert (await disclosed(first), await disclosed(second)) == (12, 18)
    await mission.note(first, RecordErasure())
    assert (await disclosed(first), await disclosed(second)) == (0, 18)
    assert (await mission.verified()).sound
    await mission.note(second, RecordErasure())
    assert await disclosed(second) == 0
    assert (await mission.verified()).sound


async def test_what_was_booked_for_the_health_of_one_goes_with_them_and_so_do_the_answers_to_such_orders(
    make_database: MakeDatabase,
) -> None:
    mission = Mission(await make_database("returns"))
    attempt, other = [await mission.brought_to("preparing", *family()) for _ in range(2)]
    for one in (attempt, other):
        booking = ConfirmBooking(
            departs_at=DEPARTS, arrives_at=ARRIVES, destination_country="TR", person_ids=one.ids,
            assistance=(PersonAssistance(person_id=one.ids[0], kind="oxygen"),),
        )  # fmt: skip
        await mission.order(one.id, booking, OLEG)

    async def kept(case_id: UUID) -> tuple[int, int]:
        connection = await asyncpg.connect(mission.database.logins.migrate)
        await connection.execute("SET ROLE returns_owner")
        concealed = await connection.fetchval(
            "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.subject = $1 "
            # What screening found about the others stays with them.
            "AND e.type <> 'avrr.returns.case.screening_recorded.v1'", case_id,
        )  # fmt: skip
        answers = await connection.fetchval("SELECT count(*) FROM idempotency WHERE resource_id = $1", case_id)
        await connection.close()
        return int(concealed), int(answers)

    before = await kept(other.id)
    assert min(before) > 0 and await kept(attempt.id) == before
    await mission.order(attempt.id, WithdrawPerson(person_id=attempt.ids[0]), ANNA)
    await mission.note(attempt.ids[0], RecordErasure())
    # What was booked for the other one, be it nothing, is theirs.
    assert await kept(attempt.id) == (before[0] - 1, 0)
    assert await kept(other.id) == before
    found = await mission.verified()
    assert found.sound, found.differences


async def test_what_was_booked_for_somebody_stays_when_who_withdrew_from_their_case_is_erased(make_database: MakeDatabase) -> None:
    mission = Mission(await make_database("returns"))
    attempt = await mission.brought_to("preparing", somebody(), somebody("female"))
    stays, goes = attempt.ids
    booking = ConfirmBooking(
        departs_at=DEPARTS, arrives_at=ARRIVES, destination_country="TR", person_ids=attempt.ids,
        assistance=(PersonAssistance(person_id=stays, kind="oxygen"), PersonAssistance(person_id=goes, kind="wheelchair")),
    )  # fmt: skip
    await mission.order(attempt.id, booking, OLEG)

    async def booked() -> list[str]:
        async with mission.owner() as connection:
            rows = await connection.fetch(
                "SELECT convert_from(e.leaf, 'UTF8')::jsonb #> '{data,assistance}' -> split_part(d.path, '.', 2)::int ->> 'person_id' "
                "AS person_id FROM disclosure d JOIN event_log e ON e.id = d.event_id "
                "WHERE e.type = 'avrr.returns.case.booking_confirmed.v1'"
            )
        return sorted(row["person_id"] for row in rows)

    assert await booked() == sorted(map(str, attempt.ids))
    await mission.order(attempt.id, WithdrawPerson(person_id=stays), ANNA)
    before = await mission.case(attempt.id)
    await mission.note(stays, RecordErasure())
    assert await booked() == [str(goes)]
    assert [one.assistance for one in (await mission.case(attempt.id)).persons if one.person_id == goes] == [("wheelchair",)]
    assert await mission.case(attempt.id) == before
    found = await mission.verified()
    assert found.sound, found.differences
    # What a process of before would have left of it is found.
    async with mission.owner() as connection:
        await connection.execute(
            "INSERT INTO disclosure (event_id, path, salt, value) SELECT e.id, 'assistance.' || place - 1 || '.assistance', '', '' "
            "FROM event_log e CROSS JOIN LATERAL jsonb_array_elements(convert_from(e.leaf, 'UTF8')::jsonb #> '{data,assistance}') "
            "WITH ORDINALITY one(one, place) WHERE e.type = 'avrr.returns.case.booking_confirmed.v1' AND one ->> 'person_id' = $1",
            str(stays),
        )
    found = await mission.verified()
    assert any("concealed about erased persons" in one for one in found.differences), found.differences


async def left_by_the_erased(mission: Mission, person_id: UUID) -> int:
    async with mission.owner() as connection:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id "
                "WHERE convert_from(e.leaf, 'UTF8')::jsonb #>> '{data,person_id}' = $1",
                str(person_id),
            )
        )


async def test_a_departure_of_somebody_erased_is_recorded_and_nothing_is_found_out_about_them(make_database: MakeDatabase) -> None:
    mission = Mission(await make_database("returns"))
    attempt = await mission.brought_to("preparing", somebody(), somebody("female"))
    withdrew, other = attempt.ids
    await mission.order(attempt.id, WithdrawPerson(person_id=withdrew), ANNA)
    await mission.note(withdrew, RecordErasure())
    departure = RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS, record_id=uuid7())
    await mission.order(attempt.id, departure, OLEG, ARRIVES)
    case = await mission.case(attempt.id)
    assert [one.travel for one in case.persons] == ["departed", "departed"]
    # Protection is called for the other one.
    assert [len(case.screening_of(one).alerts) for one in (withdrew, other)] == [0, 1]
    assert await left_by_the_erased(mission, withdrew) == 0
    found = await mission.verified()
    assert found.sound, found.differences


async def test_what_is_recorded_as_somebody_is_erased_goes_with_them(make_database: MakeDatabase) -> None:
    mission = Mission(await make_database("returns"))
    attempt = await mission.brought_to("preparing", somebody(), somebody("female"))
    withdrew = attempt.ids[0]
    await mission.order(attempt.id, WithdrawPerson(person_id=withdrew), ANNA)
    departure = RecordDeparture(person_ids=(withdrew,), departed_at=DEPARTS, record_id=uuid7())
    decided, may_go_on = asyncio.Event(), asyncio.Event()

    async def departs(unit: UnitOfWork) -> Handled:
        handled = await handle(
            unit, CASE, attempt.id, departure, Context(OLEG, ARRIVES), Origin("test-correlation"),
            repeat=Repeat.of(str(uuid7()), "RecordDeparture", attempt.id, b""), reach=EVERYWHERE,
        )  # fmt: skip
        decided.set()
        await may_go_on.wait()
        return handled

    departing = asyncio.create_task(transact(mission.database.api, EVERYWHERE.scope(OLEG), departs, WIRING.refusals))
    await decided.wait()
    erasing = asyncio.create_task(mission.note(withdrew, RecordErasure()))
    watcher = await asyncpg.connect(mission.database.logins.worker)
    async with asyncio.timeout(20):
        while not await watcher.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        ):
            pass
    await watcher.close()
    may_go_on.set()
    assert (await departing).changed
    await erasing
    assert await left_by_the_erased(mission, withdrew) == 0
    found = await mission.verified()
    assert found.sound, found.differences
