"""How a person stays in the host country, over HTTP: sealed in a place of its own, for few to read, each time on record.

All persons here are invented.
"""

import json
from typing import Any
from uuid import UUID

import pytest

from shared.actors import PROGRAMS, Role
from shared.ids import uuid7
from tests.given import staff
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_identity import (
    AT_LIPA,
    COORDINATOR,
    ELSEWHERE,
    PROTECTION,
    everything_kept,
    heard,
    recorded,
)

STATUS = "registered_intention_asylum"


async def stated(desk: Desk, person_id: UUID, body: dict[str, Any] | None = None) -> None:
    answer = await desk.post(f"persons/{person_id}/record-host-status", body or {"host_status": STATUS}, AT_LIPA)
    assert answer.status_code == 200, answer.text


async def test_who_counsels_coordinates_or_protects_reads_it_for_a_purpose_and_each_time_is_on_record(desk: Desk) -> None:
    person_id = await desk.agreed()
    path = f"persons/{person_id}/host-status"
    assert (await desk.get(path, {"purpose": "casework"}, AT_LIPA)).json() == {
        "person_id": str(person_id), "status": None, "versions": []
    }  # fmt: skip
    await stated(desk, person_id)
    await stated(desk, person_id, {"host_status": "refugee", "reason": "changed_since"})
    await heard(desk, person_id, ELSEWHERE)
    for reader in (AT_LIPA, COORDINATOR, PROTECTION, ELSEWHERE):
        found = (await desk.get(path, {"purpose": "casework"}, reader)).json()
        assert found["status"] == "refugee"
        said = [(one["number"], one["recorded_by"], one["status"], one["reason"]) for one in found["versions"]]
        assert said == [(1, "staff:amira", STATUS, None), (2, "staff:amira", "refugee", "changed_since")]
    assert (await desk.get(path, {}, AT_LIPA)).status_code == 422
    readings = [(one["operation"], one["about"], one["purpose"]) for one in await desk.readings()]
    assert readings == [("read_host_status", str(person_id), "casework")] * 5
    assert (await desk.verified()).sound


async def test_nobody_else_reads_or_records_it(desk: Desk) -> None:
    person_id = await desk.agreed()
    await stated(desk, person_id)
    path = f"persons/{person_id}/host-status"
    others = set(Role) - {Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, *PROGRAMS}
    for role in others:
        answer = await desk.get(path, {"purpose": "casework"}, staff("eva", role.value))
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), role
    answer = await desk.get(path, {"purpose": "casework"}, ELSEWHERE)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await desk.post(f"persons/{person_id}/record-host-status", {"host_status": "visa"}, ELSEWHERE)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await desk.get(f"persons/{uuid7()}/host-status", {"purpose": "casework"}, COORDINATOR)).status_code == 404


async def test_it_stands_in_no_table_event_or_other_answer(desk: Desk) -> None:
    person_id = await recorded(desk)
    await stated(desk, person_id)
    await desk.get(f"persons/{person_id}/host-status", {"purpose": "casework"}, AT_LIPA)
    said = await everything_kept(desk)
    for path, query in ((f"persons/{person_id}", {}), (f"persons/{person_id}/identity", {"purpose": "casework"})):
        said += (await desk.get(path, query, AT_LIPA)).text
    assert "host_status_recorded" in said
    assert STATUS not in said
    event = next(line for line in said.splitlines() if '"avrr.counselling.person.host_status_recorded.v1"' in line)
    assert '"data":{"number":1}' in event
    assert json.loads(event)["subject"] == str(person_id)


SWAPS = {
    "of another person": "UPDATE host_statuses SET said = (SELECT o.said FROM host_statuses o WHERE o.person_id = '{other}') "
    "WHERE person_id = '{one}' AND number = 1",
    "of an earlier version": "UPDATE host_statuses h SET said = (SELECT o.said FROM host_statuses o WHERE o.person_id = "
    "h.person_id AND o.number = 1) WHERE person_id = '{one}' AND number = 2",
    "of another table": "UPDATE host_statuses SET said = (SELECT education FROM identities WHERE person_id = '{one}') "
    "WHERE person_id = '{one}'",
    "without a key": "DELETE FROM person_keys WHERE person_id = '{one}'",
}


async def test_a_sealed_status_put_elsewhere_is_refused_on_reading(desk: Desk) -> None:
    other = await recorded(desk)
    await stated(desk, other)
    for swap, statement in SWAPS.items():
        one = await recorded(desk)
        await stated(desk, one)
        await stated(desk, one, {"host_status": "rejected", "reason": "changed_since"})
        await desk.by_hand(statement.format(one=one, other=other))
        answer = await desk.get(f"persons/{one}/host-status", {"purpose": "casework"}, AT_LIPA)
        assert (answer.status_code, answer.json()["code"]) == (500, "not_as_it_was_sealed"), swap


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM host_statuses", "UPDATE host_statuses SET site = 'trc_blazuj'", "UPDATE host_statuses SET number = 2",
        "UPDATE host_statuses SET recorded_by = 'staff:other'",
    ],
)  # fmt: skip
async def test_verify_finds_statuses_that_are_not_what_the_log_says(desk: Desk, change: str) -> None:
    await stated(desk, await desk.agreed())
    assert (await desk.verified()).sound
    await desk.by_hand(change)
    assert not (await desk.verified()).sound
