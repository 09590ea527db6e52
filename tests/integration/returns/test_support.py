"""Support on the way with the database: who is shown it, what the report counts, and what an erasure takes and leaves."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.returns.domain.case_support import GiveSupport, PlanSupport
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.domain.person import RecordErasure
from services.returns.queries import support
from shared.actors import Actor
from shared.contracts.support import SupportNeed
from shared.errors import Refusal
from shared.ids import uuid7
from shared.money import Money
from tests.given import NOON
from tests.integration.returns.api import Api, Register, problem
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    BERIN,
    OLEG,
    PETRA,
    ZORAN,
    Attempt,
    Mission,
    family,
    somebody,
)

FIRST, LAST = date(2023, 1, 1), date(2023, 12, 31)
TODAY = NOON.date()
TELLING = ("medication", '"medical"', "CLINIC-7", "dom_zdravlja")


async def supported(
    mission: Mission, attempt: Attempt, person_id: UUID, need: SupportNeed, by: Actor = ANNA, given_from: date = TODAY,
    provider: str = "dom_zdravlja", at: Any = NOON,
) -> UUID:  # fmt: skip
    """Something that a person needed and was given."""
    support_id = uuid7()
    plan = PlanSupport(support_id=support_id, person_id=person_id, need=need, needed_from=given_from)
    await mission.order(attempt.id, plan, by, at)
    await mission.order(attempt.id, gift(support_id, given_from, provider), by, at)
    return support_id


def counted(figures: dict[str, int]) -> dict[str, int]:
    """What is told of support on the way."""
    return {key: value for key, value in figures.items() if "support" in key}


def gift(support_id: UUID, given_from: date = TODAY, provider: str = "dom_zdravlja") -> GiveSupport:
    return GiveSupport(
        support_id=support_id, provider=provider, given_from=given_from, given_until=given_from,
        cost=Money(amount=Decimal("35.20"), currency="BAM"), budget_line="CLINIC-7", outcome="need_met",
    )


async def test_support_is_planned_and_given_over_http_and_shown_to_those_who_may_know(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("preparing", *family())
    mother, child = attempt.ids
    bed, pills = uuid7(), uuid7()
    for support_id, person_id, need, by in (
        (bed, mother, "nights_before_departure", OLEG), (pills, child, "medication", ANNA),
    ):  # fmt: skip
        planned = {"support_id": str(support_id), "person_id": str(person_id), "need": need, "needed_from": "2023-05-02"}
        assert (await api.post(f"cases/{attempt.id}/plan-support", planned, by)).status_code == 200
    given = {
        "support_id": str(pills), "provider": "dom_zdravlja", "given_from": "2023-05-02", "given_until": "2023-05-02",
        "cost": {"amount": "35.20", "currency": "BAM"}, "budget_line": "CLINIC-7", "outcome": "need_met",
    }  # fmt: skip
    assert problem(await api.post(f"cases/{attempt.id}/give-support", given, OLEG)) == (409, "support_unknown")
    assert problem(await api.post(f"cases/{attempt.id}/give-support", given, ZORAN)) == (403, "not_permitted")
    assert (await api.post(f"cases/{attempt.id}/give-support", given, PETRA)).status_code == 200
    for reader, ids in ((ANNA, [bed, pills]), (PETRA, [bed, pills]), (BERIN, [bed]), (OLEG, [bed]), (ZORAN, [bed])):
        answer = await api.get(f"cases/{attempt.id}", reader)
        assert [one["support_id"] for one in answer.json()["state"]["supports"]] == [str(id) for id in ids]
        assert any(word in answer.text for word in TELLING) is (len(ids) == 2)
    (_, shown) = (await api.get(f"cases/{attempt.id}", ANNA)).json()["state"]["supports"]
    assert (shown["cost"], shown["kind"]) == ({"amount": "35.20", "currency": "BAM"}, "medical")
    cancelled = {"support_id": str(bed), "reason": "declined"}
    assert (await api.post(f"cases/{attempt.id}/cancel-support", cancelled, OLEG)).status_code == 200
    for reader, sees in ((ANNA, True), (PETRA, True), (BERIN, False), (ZORAN, False), (OLEG, False)):
        timeline = (await api.get(f"cases/{attempt.id}/timeline", reader)).text
        assert all(f"support_{fact}" in timeline for fact in ("planned", "given", "cancelled")) is sees
        assert ("support_" in timeline) is sees


async def test_a_receiving_office_is_told_nothing_of_support_nor_that_there_is_any(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("preparing")
    await register.agree(attempt)
    before = await api.get(f"cases/{attempt.id}", ANKARA)
    await supported(mission, attempt, attempt.ids[0], "medication")
    after = await api.get(f"cases/{attempt.id}", ANKARA)
    assert after.status_code == 200
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])
    assert "support" not in after.text
    planned = {"support_id": str(uuid7()), "person_id": str(attempt.ids[0]), "need": "medication", "needed_from": "2023-05-02"}
    assert problem(await api.post(f"cases/{attempt.id}/plan-support", planned, ANKARA)) == (403, "not_permitted")


async def test_no_entry_of_the_log_tells_what_support_it_was(mission: Mission) -> None:
    attempt = await mission.brought_to("preparing")
    await supported(mission, attempt, attempt.ids[0], "medication")
    async with mission.owner() as connection:
        leaves = await connection.fetch("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log WHERE type LIKE '%support%'")
    assert len(leaves) == 2
    assert not any(word in row["leaf"] for row in leaves for word in (*TELLING, "need_met"))


async def test_the_report_counts_support_by_kind_on_its_first_day_and_the_persons_once(mission: Mission) -> None:
    attempt, other = await mission.brought_to("preparing", *family()), await mission.opened(somebody())
    mother, child = attempt.ids
    await supported(mission, attempt, mother, "medication")
    await supported(mission, attempt, mother, "nights_before_departure", OLEG)
    await supported(mission, attempt, child, "care_of_children", OLEG)
    await supported(mission, other, other.ids[0], "medical_aid", given_from=date(2022, 12, 31))
    unused = PlanSupport(support_id=uuid7(), person_id=other.ids[0], need="subsistence", needed_from=TODAY)
    await mission.order(other.id, unused, OLEG)
    for _ in range(4):
        await supported(mission, attempt, mother, "medication")
    for _ in range(5):
        await supported(mission, attempt, child, "care_of_children", OLEG)
    # Of so few nights it is told neither that they were given nor, by what is left of all, how many there were.
    told = {"supports": 12, "supports_childcare": 6, "persons_supported": 2}
    assert counted(await mission.figures(FIRST, LAST)) == told
    assert counted(await mission.figures(date(2022, 1, 1), date(2022, 12, 31))) == {"supports": 1, "persons_supported": 1}
    assert (await mission.figures(TODAY + timedelta(days=1), LAST))["supports"] == 0


@pytest.mark.parametrize(
    ("first", "last"), [(TODAY, TODAY), (date(2023, 5, 1), date(2023, 5, 31)), (FIRST, date(2023, 12, 30)), (date(2022, 1, 1), LAST)]
)
async def test_of_any_time_but_one_whole_year_no_kind_of_support_is_told(mission: Mission, first: date, last: date) -> None:
    attempt = await mission.brought_to("preparing")
    for _ in range(6):
        await supported(mission, attempt, attempt.ids[0], "medication")
    assert counted(await mission.figures(FIRST, LAST))["supports_medical"] == 6
    assert counted(await mission.figures(first, last)) == {"supports": 6, "persons_supported": 1}


async def test_an_erasure_takes_which_support_it_was_and_leaves_the_report_as_it_was(mission: Mission) -> None:
    attempt = await mission.brought_to("preparing", *family())
    mother, child = attempt.ids
    await supported(mission, attempt, mother, "medication")
    for _ in range(4):
        await supported(mission, attempt, child, "medication", PETRA)
    for _ in range(5):
        await supported(mission, attempt, child, "psychological_counselling", PETRA)
    waiting = uuid7()
    await mission.order(
        attempt.id, PlanSupport(support_id=waiting, person_id=mother, need="medical_aid", needed_from=TODAY), ANNA
    )
    await mission.order(attempt.id, WithdrawCase(), ANNA)
    before = await mission.figures(FIRST, LAST)
    assert (before["supports_medical"], before["supports_psychosocial"]) == (5, 5)

    async def left(of: UUID) -> int:
        async with mission.owner() as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.type LIKE '%support%' "
                    "AND convert_from(e.leaf, 'UTF8')::jsonb #>> '{data,person_id}' = $1", str(of),
                )
            )  # fmt: skip

    assert (await left(mother), await left(child)) == (5, 36)
    await mission.note(mother, RecordErasure())
    assert (await left(mother), await left(child)) == (0, 36)
    supports = {one.person_id: one for one in (await mission.case(attempt.id)).supports if one.status == "given"}
    assert (supports[mother].kind, supports[mother].need, supports[mother].provider) == (None, None, None)
    assert (supports[mother].outcome, supports[mother].budget_line) == (None, None)
    assert (supports[mother].cost, supports[child].kind) == (supports[child].cost, "psychosocial")
    assert await mission.figures(FIRST, LAST) == before
    with pytest.raises(Refusal) as refused:
        await mission.order(attempt.id, gift(waiting), PETRA)
    assert refused.value.code == "no_support_planned"
    await mission.note(child, RecordErasure())
    assert await mission.figures(FIRST, LAST) == before
    found = await mission.verified()
    assert found.sound, found.differences


async def test_what_stands_beside_the_log_of_the_support_of_who_was_erased_is_found_with_the_person(mission: Mission) -> None:
    attempt = await mission.brought_to("preparing", *family())
    mother, child = attempt.ids
    for person_id in (mother, child):
        await supported(mission, attempt, person_id, "medication", PETRA)
    async with mission.owner() as connection:
        kept = await connection.fetch(
            "SELECT d.event_id, d.path, d.salt, d.value FROM disclosure d JOIN event_log e ON e.id = d.event_id "
            "JOIN log_mentions m ON m.idx = e.idx WHERE m.about = $1 AND e.type LIKE '%support%'", mother,
        )  # fmt: skip
        await mission.note(mother, RecordErasure())
        found = await mission.verified()
        assert found.sound, found.differences
        await connection.executemany("INSERT INTO disclosure (event_id, path, salt, value) VALUES ($1, $2, $3, $4)", [tuple(row) for row in kept])
    differing = {one for one in (await mission.verified()).differences if "support" in one}
    assert differing == {f"told support of erased persons: {mother}"}


async def test_whoever_records_support_while_the_person_is_erased_leaves_nothing_behind(mission: Mission) -> None:
    attempt = await mission.brought_to("preparing")
    (person,) = attempt.ids
    support_id = uuid7()
    plan = PlanSupport(support_id=support_id, person_id=person, need="medication", needed_from=TODAY)
    await mission.order(attempt.id, plan, ANNA)
    recording = mission.order(attempt.id, gift(support_id), ANNA)
    results = await asyncio.gather(recording, mission.note(person, RecordErasure()), return_exceptions=True)
    # Whichever came first: the bill is on record without what it was for, or it was refused.
    refused = [one for one in results if isinstance(one, BaseException)]
    assert all(isinstance(one, Refusal) for one in refused)
    async with mission.owner() as connection:
        left = await connection.fetchval(
            "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.type LIKE '%support%'"
        )
    assert left == 0
    found = await mission.verified()
    assert found.sound, found.differences


async def test_the_database_keeps_no_support_that_was_given_at_no_time_or_at_no_cost(mission: Mission) -> None:
    attempt = await mission.brought_to("preparing")
    await supported(mission, attempt, attempt.ids[0], "subsistence", OLEG)
    async with mission.owner() as connection:
        for part in ("given_from", "given_until", "cost"):
            with pytest.raises(asyncpg.CheckViolationError, match="support_given_whole"):
                await connection.execute(
                    f"UPDATE cases SET supports = jsonb_set(supports, '{{0,{part}}}', 'null') WHERE id = $1", attempt.id
                )


async def test_the_report_looks_at_cases_with_support_alone(mission: Mission) -> None:
    async with mission.owner() as connection:
        await connection.execute("SET enable_seqscan = off")
        sql = support.FIGURES
        plan = await connection.fetch("EXPLAIN " + sql.text, *sql.arguments({"first": FIRST, "last": LAST}))
    assert "ix_cases_supported_id" in "\n".join(row[0] for row in plan)
