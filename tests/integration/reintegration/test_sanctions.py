"""Lists of sanctions as callers, the clock and the database meet them: brought whole, and nobody is named in the log."""

import json
from typing import Any
from uuid import UUID

import asyncpg

from services.reintegration.domain.payee_state import MOST_HITS
from services.reintegration.payee_wiring import TIMERS
from services.reintegration.wiring import WIRING
from shared.db import Sql
from shared.ids import uuid7
from shared.timers import Looked, look
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import (
    CHANGED,
    active,
    code,
    erased,
    of_a_returnee,
    registered,
)

people = people_of
LIST = "id,name,aliases,birth_date,country\nQDi.001,Tools Invented,Other Name,1970,XX\nQDi.002,Nobody Here,,,\n"
_SCREENED = Sql(
    "SELECT convert_from(leaf, 'UTF8')::jsonb #>> '{data,list_ids}' AS lists FROM event_log WHERE subject = :payee_id "
    "AND type = 'avrr.reintegration.payee.screened.v1' ORDER BY idx"
)
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log ORDER BY idx")


async def proposed(people: People, content: str = LIST, version: str = "1", name: str = "UN") -> UUID:
    list_id = uuid7()
    path = f"sanctions-lists/{list_id}?list_name={name}&list_version={version}"
    answer = await people.reconciler.put(path, content.encode(), "text/csv")
    assert answer.status_code == 201, answer.text
    return list_id


async def brought(people: People, content: str = LIST, version: str = "1", name: str = "UN") -> UUID:
    """A version of a list that a second person put in force."""
    list_id = await proposed(people, content, version, name)
    confirmed = await people.chief.post(f"sanctions-lists/{list_id}/confirm", {})
    assert confirmed.status_code == 200, confirmed.text
    return list_id


async def by_the_clock(house: House) -> Looked:
    return await look(house.made.worker, "reintegration", WIRING.by_name, TIMERS, NOON)


async def state_of(people: People, payee_id: UUID) -> Any:
    return (await people.reconciler.get(f"payees/{payee_id}")).json()["state"]


async def test_the_clock_screens_everybody_against_each_new_list_and_once(house: House, people: People) -> None:
    payee_id = await registered(people)
    assert await by_the_clock(house) == Looked()
    await brought(people)
    assert await code(await people.reconciler.post(f"payees/{payee_id}/confirm", {})) == "not_screened"
    assert await by_the_clock(house) == Looked(1, 1)
    assert await by_the_clock(house) == Looked()
    state = await state_of(people, payee_id)
    assert [(hit["entry_id"], hit["how"]) for hit in state["hits"]] == [("QDi.001", "near")]
    assert await code(await people.reconciler.post(f"payees/{payee_id}/confirm", {})) == "screening_hit"
    assert [one["id"] for one in (await people.reconciler.get("payee-findings")).json()["items"]] == [str(payee_id)]
    told = (await people.reconciler.get(f"payees/{payee_id}/hits")).json()
    assert [(one["entry_id"], one["names"], one["born"]) for one in told] == [("QDi.001", ["Tools Invented", "Other Name"], "1970")]
    assert (await people.payer.get(f"payees/{payee_id}/hits")).status_code == 403
    assert (await house.findings()).differences == []


async def test_the_clock_screens_anew_whom_it_screened_by_other_rules(house: House, people: People) -> None:
    await registered(people)
    await brought(people)
    assert await by_the_clock(house) == Looked(1, 1)
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute("UPDATE payees SET screened_with = 1")
    await connection.close()
    assert await by_the_clock(house) == Looked(1, 1)
    assert await by_the_clock(house) == Looked()
    assert (await house.findings()).differences == []


async def test_whoever_replays_a_day_says_that_payees_are_to_be_screened(house: House, people: People) -> None:
    payee_id = await registered(people)
    await brought(people)
    found = await people.administrator.post("looks-at-the-clock", {})
    assert (found.status_code, found.json()) == (200, {"due": 1, "changed": 1})
    assert (await state_of(people, payee_id))["hits"] != []
    assert (await people.reconciler.post("looks-at-the-clock", {})).status_code == 403


async def test_two_persons_clear_a_hit_and_no_name_of_a_list_stands_in_the_log(house: House, people: People) -> None:
    payee_id = await registered(people)
    await brought(people)
    assert (await people.reconciler.post(f"payees/{payee_id}/screen", {})).status_code == 200
    asked = {"reason": "another_kind"}
    assert (await people.reconciler.post(f"payees/{payee_id}/ask-to-clear-hits", asked)).status_code == 200
    assert await code(await people.reconciler.post(f"payees/{payee_id}/clear-hits", {})) == "four_eyes"
    assert (await people.chief.post(f"payees/{payee_id}/clear-hits", {})).status_code == 200
    assert (await people.reconciler.post(f"payees/{payee_id}/confirm", {})).status_code == 200
    await brought(people, version="2")
    await by_the_clock(house)
    state = await state_of(people, payee_id)
    assert (state["hits"], state["status"]) == ([], "active")
    for leaf in [str(row["leaf"]) for row in await house.rows(_LOG)]:
        assert not any(name in leaf for name in ("Tools", "Other Name", "Nobody Here"))
    assert (await house.findings()).differences == []


async def test_a_confirmed_hit_blocks_a_payee_for_good(house: House, people: People) -> None:
    payee_id = await registered(people)
    await brought(people)
    await by_the_clock(house)
    assert (await people.chief.post(f"payees/{payee_id}/confirm-hits", {})).status_code == 200
    assert (await state_of(people, payee_id))["status"] == "blocked"
    assert await code(await people.reconciler.post(f"payees/{payee_id}/close", {"reason": "not_needed"})) == "payee_closed"
    assert (await house.findings()).differences == []


async def test_a_new_name_is_screened_and_a_list_replaces_the_one_of_its_name_alone(house: House, people: People) -> None:
    payee_id = await active(people)
    await brought(people, LIST.replace("Tools Invented", "Somebody Else"))
    await brought(people, LIST.replace("Tools Invented", "Another Person"), name="EU")
    await by_the_clock(house)
    state = await state_of(people, payee_id)
    assert (state["hits"], len(state["screened_lists"])) == ([], 2)
    await people.office.post(f"payees/{payee_id}/change-account", {**CHANGED, "holder": "Person Another"})
    await by_the_clock(house)
    assert [(hit["list_name"], hit["how"]) for hit in (await state_of(people, payee_id))["hits"]] == [("EU", "exact")]
    assert (await house.findings()).differences == []


async def test_who_was_erased_is_screened_no_more_and_a_returnee_is_not_told_what_a_list_says(house: House, people: People) -> None:
    _, person_id = await of_a_returnee(house, people)
    await brought(people)
    await by_the_clock(house)
    held = (await people.protector.get(f"persons/{person_id}/held")).json()
    assert "QDi.001" not in str(held["records"])
    await erased(house, person_id)
    await brought(people, version="2")
    assert await by_the_clock(house) == Looked()
    assert (await house.findings()).differences == []


async def test_what_lists_said_of_somebody_goes_with_them_from_beside_the_log_and_from_the_rows(house: House, people: People) -> None:
    payee_id, person_id = await of_a_returnee(house, people)
    other_id = await registered(people)
    await brought(people)
    await by_the_clock(house)
    for payee in (payee_id, other_id):
        await people.reconciler.post(f"payees/{payee}/ask-to-clear-hits", {"reason": "another_kind"})
    nothing: dict[str, list[object]] = {"hits": [], "cleared": [], "clearers": []}
    assert (await state_of(people, payee_id))["hits"] == (await state_of(people, other_id))["hits"] != []
    assert (await people.chief.post(f"payees/{payee_id}/clear-hits", {})).status_code == 200
    assert (await people.chief.post(f"payees/{other_id}/confirm-hits", {})).status_code == 200
    await brought(people, LIST.replace("QDi.001", "QDi.009"), version="2")
    await by_the_clock(house)
    assert (await people.chief.post(f"payees/{payee_id}/confirm-hits", {})).status_code == 200
    assert (await state_of(people, payee_id))["status"] == "blocked"
    assert (await house.findings()).differences == []
    await erased(house, person_id)
    state = await state_of(people, payee_id)
    assert {name: state[name] for name in nothing} == nothing
    assert (state["status"], state["clearing_reason"], state["cleared_by"], state["closing_reason"]) == ("closed", None, None, None)
    theirs = "FROM event_log e JOIN disclosure d ON d.event_id = e.id WHERE e.subject = :payee_id"
    assert await house.rows(Sql(f"SELECT d.path {theirs}"), payee_id=payee_id) == []
    assert await house.rows(Sql("SELECT entry_id FROM payee_clearances")) == []
    assert len(await house.rows(Sql(f"SELECT d.path {theirs}"), payee_id=other_id)) == 3
    assert (await state_of(people, other_id))["status"] == "blocked"
    # What is left says no more of this one than of whoever was closed for any other reason.
    kinds = {row["type"] for row in await house.rows(Sql("SELECT type FROM event_log WHERE subject = :payee_id"), payee_id=payee_id)}
    assert {str(kind).split(".")[3] for kind in kinds} == {"registered", "screened", "ended"}
    assert not [row["leaf"] for row in await house.rows(_LOG) if "QDi." in str(row["leaf"])]
    assert (await house.findings()).differences == []


async def test_who_was_erased_between_two_clearings_is_in_their_row_as_the_facts_say(house: House, people: People) -> None:
    payee_id, person_id = await of_a_returnee(house, people)
    head, first, *_ = LIST.splitlines()
    await brought(people, "\n".join([head, *(first.replace("QDi.001", f"QDi.{number}") for number in range(MOST_HITS + 1))]) + "\n")
    for _ in range(2):
        assert (await people.reconciler.post(f"payees/{payee_id}/screen", {})).status_code == 200
    assert len((await state_of(people, payee_id))["hits"]) == MOST_HITS
    await people.reconciler.post(f"payees/{payee_id}/ask-to-clear-hits", {"reason": "another_kind"})
    assert (await people.chief.post(f"payees/{payee_id}/clear-hits", {})).status_code == 200
    assert (await state_of(people, payee_id))["screened_lists"] == []
    screened = await house.rows(_SCREENED, payee_id=payee_id)
    assert [len(json.loads(str(row["lists"]))) for row in screened] == [1] * 4
    await erased(house, person_id)
    assert len((await state_of(people, payee_id))["screened_lists"]) == 1
    assert (await house.findings()).differences == []


async def test_a_list_is_brought_whole_or_not_at_all(house: House, people: People) -> None:
    path = f"sanctions-lists/{uuid7()}?list_name=UN&list_version=1"
    refused = await people.reconciler.put(path, (LIST + "QDi.003,=cmd,,,\n").encode(), "text/csv")
    assert (await code(refused), "4" in refused.text, "cmd" in refused.text) == ("rows_unreadable", True, False)
    assert (await people.payer.put(path, LIST.encode(), "text/csv")).status_code == 403
    assert (await people.reconciler.get("sanctions-lists")).json()["items"] == []
    assert (await people.reconciler.put(path, LIST.encode(), "text/csv")).status_code == 201
    again = await people.reconciler.put(path, LIST.encode(), "text/csv")
    assert again.json()["repeated"] is True
    (listed,) = (await people.auditor.get("sanctions-lists")).json()["items"]
    assert (listed["list_name"], listed["entries"]) == ("UN", 2)
    assert (await house.findings()).differences == []


async def test_nobody_clears_a_hit_alone_or_in_anothers_name_past_the_domain(house: House, people: People) -> None:
    payee_id = await registered(people)
    await brought(people)
    await by_the_clock(house)
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:x', false)")
    clear = "INSERT INTO payee_clearances VALUES ($1, $1, 'QDi.001', now(), 'alike_by_chance', 'staff:x', $2)"
    faults: list[str] = []
    for sql, values in (
        (clear, (payee_id, "staff:x")), (clear, (payee_id, "staff:y")),
        ("UPDATE payees SET clearing_reason = 'x', clearing_asked_by = 'staff:x', cleared_by = 'staff:x' WHERE id = $1", (payee_id,)),
    ):  # fmt: skip
        try:
            await connection.execute(sql, *values)
        except asyncpg.PostgresError as fault:
            faults.append(getattr(fault, "constraint_name", None) or type(fault).__name__)
    await connection.close()
    assert faults == ["ck_payee_clearances_two_persons", "InsufficientPrivilegeError", "ck_payees_cleared_by_two_persons"]
