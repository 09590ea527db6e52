"""Spot checks as callers, the log and the database meet them: drawn by nobody's choice, drawn again by anybody, on record for good."""

import asyncio
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from services.reintegration.domain.cash import WitnessCash
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql
from shared.ids import uuid7
from tests.given import NOON, staff
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import code
from tests.unit.reintegration.examples import PAYER, RECONCILER, TODAY

people = people_of
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log ORDER BY idx")
LATER = NOON + timedelta(days=1)
DAY = {"from_day": "2023-05-02", "to_day": "2023-05-02"}


async def delivered(house: House, how_many: int) -> list[UUID]:
    """Grants of which the first tranche was delivered at noon, and one more that was only paid."""
    fund_id, grants = await house.fund(), []
    for number in range(how_many + 1):
        line = await house.line()
        grant_id = await house.approved(line.request("100.00"), fund_id)
        await house.paid(grant_id, 1)
        if number < how_many:
            await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
            grants.append(grant_id)
    return grants


async def drawn(people: People, size: int = 2, by: str = "auditor") -> UUID:
    draw_id = uuid7()
    answer = await getattr(people, by).at(LATER).post(f"spot-check-draws/{draw_id}", {**DAY, "size": size})
    assert answer.status_code == 201, answer.text
    return draw_id


def check(draw_id: UUID, found: dict[str, Any], outcome: str = "confirmed") -> dict[str, Any]:
    return {
        "draw_id": str(draw_id), "grant_id": found["grant_id"], "number": found["number"], "outcome": outcome,
        "mode": "in_person", "checked_on": "2023-05-03",
    }  # fmt: skip


async def test_anybody_draws_again_what_was_drawn_out_of_the_log_alone(house: House, people: People) -> None:
    grants = await delivered(house, 5)
    draw_id = await drawn(people)
    # From here on nothing but the leaves, as an auditor takes them home.
    leaves = [json.loads(row["leaf"]) for row in await house.rows(_LOG)]  # type: ignore[arg-type]
    (event,) = [leaf["data"] for leaf in leaves if leaf["type"].endswith("spot_check_draw.drawn.v1")]
    mission = ZoneInfo("Europe/Sarajevo")
    listed = sorted(
        f"{leaf['subject']}/{leaf['data']['number']}"
        for leaf in leaves
        if leaf["type"] == "avrr.reintegration.grant.delivery_confirmed.v1"
        and event["from_day"]
        <= str(datetime.fromisoformat(leaf["data"]["confirmed_at"]).astimezone(mission).date())
        <= event["to_day"]
    )
    assert (event["population"], event["population_hash"]) == (5, hashlib.sha256("\n".join(listed).encode()).hexdigest())
    again = sorted(listed, key=lambda name: hashlib.sha256(bytes.fromhex(event["seed"]) + name.encode()).digest())[: event["size"]]
    assert [f"{one['grant_id']}/{one['number']}" for one in event["drawn"]] == again
    assert {name.partition("/")[0] for name in listed} == {str(id) for id in grants}
    found = (await people.manager.get(f"spot-check-draws/{draw_id}")).json()
    assert [f"{one['grant_id']}/{one['number']}" for one in found["found"]] == again
    assert (await house.findings()).differences == []


async def test_nobody_draws_the_same_days_twice_and_each_draw_is_listed_with_its_own_seed(house: House, people: People) -> None:
    await delivered(house, 3)
    first = await drawn(people)
    auditor = people.auditor.at(LATER)
    wider = {"from_day": "2023-04-01", "to_day": "2023-05-02", "size": 1}
    assert await code(await auditor.post(f"spot-check-draws/{uuid7()}", wider)) == "period_drawn"
    second = await drawn(people, by="manager")
    listed = (await people.coordinator.get("spot-check-draws")).json()["items"]
    assert [(one["id"], one["drawn_by"], one["open"]) for one in listed] == [
        (str(first), "staff:auditor", 2), (str(second), "staff:manager", 2),
    ]  # fmt: skip
    seeds = {(await people.auditor.get(f"spot-check-draws/{id}")).json()["state"]["seed"] for id in (first, second)}
    assert len(seeds) == 2
    assert await code(await people.auditor.post(f"spot-check-draws/{uuid7()}", {**DAY, "size": 1})) == "period_not_over"
    for nobody in (people.office, people.payer, people.counsellor, people.coordinator):
        assert (await nobody.at(LATER).post(f"spot-check-draws/{uuid7()}", {**DAY, "size": 1})).status_code == 403
    empty = {"from_day": "2023-01-01", "to_day": "2023-01-31", "size": 1}
    assert await code(await auditor.post(f"spot-check-draws/{uuid7()}", empty)) == "nothing_to_draw"


async def test_what_was_found_closes_a_delivery_and_who_was_not_reached_is_tried_again(house: House, people: People) -> None:
    await delivered(house, 2)
    draw_id = await drawn(people)
    found = (await people.manager.get(f"spot-check-draws/{draw_id}")).json()["found"]
    manager = people.manager.at(LATER)
    unreached = check(draw_id, found[0], "beneficiary_unreachable")
    for _ in range(2):
        assert (await manager.post(f"spot-checks/{uuid7()}", unreached)).status_code == 201
    (row,) = (await people.auditor.get("spot-check-draws", open="true")).json()["items"]
    assert row["open"] == 2
    other = {**check(draw_id, found[0]), "grant_id": str(uuid7())}
    assert await code(await manager.post(f"spot-checks/{uuid7()}", other)) == "not_drawn"
    for one in found:
        assert (await manager.post(f"spot-checks/{uuid7()}", check(draw_id, one))).status_code == 201
    assert await code(await manager.post(f"spot-checks/{uuid7()}", check(draw_id, found[0]))) == "spot_check_recorded"
    assert (await people.auditor.get("spot-check-draws", open="true")).json()["items"] == []
    told = (await people.auditor.get(f"spot-check-draws/{draw_id}")).json()["found"]
    assert [(one["outcome"], one["recorded_by"]) for one in told] == [("confirmed", "staff:manager")] * 2
    assert (await house.findings()).differences == []


async def test_whoever_paid_or_delivered_does_not_look_and_what_differs_is_an_exception(house: House, people: People) -> None:
    (grant_id,) = await delivered(house, 1)
    draw_id = await drawn(people)
    (found,) = (await people.manager.get(f"spot-check-draws/{draw_id}")).json()["found"]
    assert found["grant_id"] == str(grant_id)
    asked = {"from": "2023-05-01", "to": "2023-05-03"}
    before = (await people.auditor.get("exceptions", **asked)).json()["items"]
    assert not any("spot_check" in one["exceptions"] for one in before)
    await house.give(GRANT, grant_id, ReconcileTranche(number=1), RECONCILER)
    reconciler = people.reconciler.at(LATER)
    assert await code(await reconciler.post(f"spot-checks/{uuid7()}", check(draw_id, found, "differs"))) == "four_eyes"
    assert (await people.office.at(LATER).post(f"spot-checks/{uuid7()}", check(draw_id, found, "differs"))).status_code == 403
    assert (await people.coordinator.at(LATER).post(f"spot-checks/{uuid7()}", check(draw_id, found, "differs"))).status_code == 201
    after = (await people.auditor.get("exceptions", **asked)).json()["items"]
    assert [one["grant_id"] for one in after if "spot_check" in one["exceptions"]] == [str(grant_id)]
    assert (await house.findings()).differences == []


async def test_whoever_saw_the_cash_handed_over_does_not_look(house: House, people: People) -> None:
    grant_id = await house.approved((await house.line()).request("100.00"), await house.fund())
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="cash"), PAYER)
    witness = WitnessCash(number=1, identity_document="identity_card", handed_over_on=TODAY)
    await house.give(GRANT, grant_id, witness, staff("manager", "receiving_office", countries=("PK",)))
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    draw_id = await drawn(people)
    (found,) = (await people.auditor.get(f"spot-check-draws/{draw_id}")).json()["found"]
    assert await code(await people.manager.at(LATER).post(f"spot-checks/{uuid7()}", check(draw_id, found))) == "four_eyes"
    assert (await people.coordinator.at(LATER).post(f"spot-checks/{uuid7()}", check(draw_id, found))).status_code == 201
    assert (await house.findings()).differences == []


@pytest.mark.parametrize(
    "asked",
    [
        """tranches = jsonb_set(tranches, '{0,end_asked}', '{"asked_by": "staff:manager"}')""",
        """tranches = jsonb_set(tranches, '{0,ended_early}', '{"asked_by": "staff:manager", "ended_by": "staff:x"}')""",
        """tranches = jsonb_set(tranches, '{0,ended_early}', '{"asked_by": "staff:x", "ended_by": "staff:manager"}')""",
        """former_attempts = '[{"end_asked_by": "staff:manager"}]'""",
    ],
    ids=["asked to end", "asked for an end too early", "ended too early", "asked for what ended"],
)
async def test_whoever_asked_to_end_a_payment_of_the_grant_does_not_look(house: House, people: People, asked: str) -> None:
    await delivered(house, 1)
    draw_id = await drawn(people)
    (found,) = (await people.auditor.get(f"spot-check-draws/{draw_id}")).json()["found"]
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    # Each as its event would have left it; nothing else of the row is looked at.
    await owner.execute(f"UPDATE grants SET {asked}")
    await owner.close()
    assert await code(await people.manager.at(LATER).post(f"spot-checks/{uuid7()}", check(draw_id, found))) == "four_eyes"
    assert (await people.coordinator.at(LATER).post(f"spot-checks/{uuid7()}", check(draw_id, found))).status_code == 201


async def test_two_findings_at_the_same_moment_are_one(house: House, people: People) -> None:
    await delivered(house, 1)
    draw_id = await drawn(people)
    (found,) = (await people.manager.get(f"spot-check-draws/{draw_id}")).json()["found"]
    answers = await asyncio.gather(
        *(by.at(LATER).post(f"spot-checks/{uuid7()}", check(draw_id, found)) for by in (people.manager, people.auditor))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_nobody_changes_a_draw_or_draws_in_anothers_name_past_the_domain(house: House, people: People) -> None:
    await delivered(house, 1)
    draw_id = await drawn(people, 1)
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:x', false)")
    drew = (
        "INSERT INTO spot_check_draws VALUES (gen_random_uuid(), 1, '2023-01-01', '2023-01-02', $1, 1, '', '', '[{}]', $2, now())"
    )
    faults: list[str] = []
    for sql, values in (
        ("UPDATE spot_check_draws SET seed = 'x' WHERE id = $1", (draw_id,)), (drew, (1, "staff:y")), (drew, (0, "staff:x")),
        ("INSERT INTO spot_checks VALUES (gen_random_uuid(), 1, $1, $1, 1, 'PK', 'confirmed', 'phone', now(), 'staff:x', now())", (draw_id,)),
    ):  # fmt: skip
        try:
            await connection.execute(sql, *values)
        except asyncpg.PostgresError as fault:
            faults.append(getattr(fault, "constraint_name", None) or type(fault).__name__)
    await connection.close()
    assert faults == [
        "InsufficientPrivilegeError", "InsufficientPrivilegeError", "ck_spot_check_draws_drew_as_many", "fk_spot_checks_drawn",
    ]  # fmt: skip
