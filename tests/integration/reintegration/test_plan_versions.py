"""A plan from its draft to its completion, as those who may know of it read it: its stages, and every version that it had."""

from uuid import UUID

import asyncpg
import httpx
import pytest

from services.reintegration.domain.case import (
    RecordArrival,
    RecordCaseEnd,
    RecordPersonsLeft,
    RecordProgramme,
)
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.plan import AgreePlan, DraftPlan, RecordOwnPlan, RevisePlan
from services.reintegration.domain.plan_completion import CompletePlan, OtherwiseSettled
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PLAN
from shared.contracts.plans import Dimension
from shared.contracts.reintegration import GrantCategory
from shared.db import Sql, Write
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.integration.reintegration.office import OFFICE, REQUESTER, House, Line
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_evidence import leaves
from tests.unit.reintegration.examples import ARRIVED_AT, COUNSELLOR, ENDORSER, TODAY, eur

people = people_of
NOT_FOUND = (404, "not_found")


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def needed(
    person_id: UUID, category: GrantCategory = "business", dimension: Dimension = "economic", objectives: str = "To bake bread."
) -> PlannedLine:
    return PlannedLine(
        line_id=uuid7(), person_id=person_id, dimension=dimension, category=category, planned=eur("900.00"),
        objectives=objectives, language="eng",
    )  # fmt: skip


async def own_plan(house: House, person_id: UUID, *lines: PlannedLine) -> tuple[UUID, UUID]:
    """A case in preparation whose person recorded their plan: case and plan."""
    plan_id, case_id = uuid7(), await house.case(person_id, arrived=False, programme="default")
    order = RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=lines, method="verbal")
    await house.give(PLAN, plan_id, order, COUNSELLOR)
    return case_id, plan_id


def agreement(*lines: PlannedLine) -> dict[str, object]:
    return AgreePlan(lines=lines, agreed_on=TODAY, method="signed").model_dump(mode="json")


async def seen(people: People, plan_id: UUID) -> set[tuple[int, str]]:
    """How the office finds the plan, its versions, and the lists that it would stand in."""
    answers = [await people.office.get(f"plans/{plan_id}{of}") for of in ("", "/versions")]
    listed = (await people.office.get("plans")).json()["items"]
    answers_of_lists = (200, "") if [row["id"] for row in listed] == [str(plan_id)] else NOT_FOUND
    return {*map(problem, answers), answers_of_lists}


async def test_an_office_reads_a_plan_before_anybody_arrives_once_it_is_shared_and_as_long_as_there_is_consent(
    house: House, people: People
) -> None:
    person_id = uuid7()
    case_id, plan_id = await own_plan(house, person_id, needed(person_id))
    assert await seen(people, plan_id) == {NOT_FOUND}
    house.register.taken_back.add(person_id)
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (409, "not_consented")
    house.register.away = True
    assert (await people.counsellor.post(f"plans/{plan_id}/share", {})).status_code == 503
    house.register.away = False
    house.register.taken_back.clear()
    assert await seen(people, plan_id) == {NOT_FOUND}
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (200, "")
    assert await seen(people, plan_id) == {(200, "")}
    assert problem(await people.office_abroad.get(f"plans/{plan_id}")) == NOT_FOUND
    # Of the case itself an office still hears from returns alone.
    assert problem(await people.office.get(f"cases/{case_id}")) == NOT_FOUND
    house.register.taken_back.add(person_id)
    unknown = await people.office.get(f"plans/{uuid7()}")
    for of in ("", "/versions"):
        hidden = await people.office.get(f"plans/{plan_id}{of}")
        assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)
    assert await seen(people, plan_id) == {NOT_FOUND}
    house.register.taken_back.clear()
    looked = await people.office.get(f"plans/{plan_id}")
    agree = await people.office.post(f"plans/{plan_id}/agree", agreement(needed(person_id)), looked.headers["ETag"])
    assert problem(agree) == (409, "not_arrived_yet")
    await house.react(case_id, RecordCaseEnd())
    assert await seen(people, plan_id) == {NOT_FOUND}
    assert (await house.findings()).sound


async def test_nobody_abroad_hears_of_a_plan_before_its_case_is_approved(house: House, people: People) -> None:
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    order = RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=(needed(person_id),), method="verbal")
    await house.give(PLAN, plan_id, order, COUNSELLOR)
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (409, "case_not_approved")
    (action,) = [one for one in (await people.counsellor.get(f"plans/{plan_id}")).json()["actions"] if one["name"] == "share_plan"]
    assert (action["allowed"], action["reason"]) == (False, "case_not_approved")
    await house.react(case_id, RecordProgramme(programme="default"))
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (200, "")
    assert await seen(people, plan_id) == {(200, "")}


async def test_a_plan_that_was_shared_before_its_case_was_approved_is_told_once_it_is(house: House, people: People) -> None:
    person_id = uuid7()
    case_id, plan_id = await own_plan(house, person_id, needed(person_id))
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (200, "")
    read = (await people.office.get(f"plans/{plan_id}")).headers["ETag"]
    # As a release left it that asked for no approval.
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    assert await owner.execute("UPDATE cases SET programme = NULL WHERE id = $1", case_id) == "UPDATE 1"
    await owner.close()
    assert await seen(people, plan_id) == {NOT_FOUND}
    orders = {"agree": agreement(needed(person_id)), "complete": CompletePlan().model_dump(mode="json")}
    for verb, body in orders.items():
        assert problem(await people.office.post(f"plans/{plan_id}/{verb}", body, read)) == NOT_FOUND
    await house.react(case_id, RecordProgramme(programme="default"))
    assert await seen(people, plan_id) == {(200, "")}
    assert problem(await people.office.post(f"plans/{plan_id}/agree", orders["agree"], read)) == (409, "not_arrived_yet")


async def test_a_shared_plan_tells_nothing_of_health_where_the_consent_leaves_it_out(house: House, people: People) -> None:
    person_id = uuid7()
    talk = needed(person_id, "psychosocial", "psychosocial", "To sleep at night.")
    _, plan_id = await own_plan(house, person_id, needed(person_id), talk)
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (200, "")
    house.register.health_untold.add(person_id)
    for of in ("", "/versions"):
        answer = await people.office.get(f"plans/{plan_id}{of}")
        assert answer.status_code == 200
        assert "bake" in answer.text
        for told in ("sleep", "psychosocial", str(talk.line_id)):
            assert told not in answer.text
    (row,) = (await people.office.get("plans")).json()["items"]
    assert (row["status"], row["lines"]) == ("shared", 1)


async def test_a_draft_is_known_to_nobody_abroad_until_somebody_arrives(house: House, people: People) -> None:
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    draft = DraftPlan(case_id=case_id, person_ids=(person_id,), lines=(needed(person_id),)).model_dump(mode="json")
    assert problem(await people.counsellor.post(f"plans/{plan_id}/draft", draft)) == (201, "")
    assert await seen(people, plan_id) == {NOT_FOUND}
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (409, "still_a_draft")
    changed = {"lines": [needed(person_id).model_dump(mode="json")]}
    assert problem(await people.counsellor.post(f"plans/{plan_id}/change-draft", changed, '"v1"')) == (200, "")
    # A draft is no version.
    assert (await people.counsellor.get(f"plans/{plan_id}/versions")).json()["items"] == []
    # What was changed meanwhile nobody confirms or replaces unread.
    for verb, body in (("confirm-draft", {"method": "signed"}), ("change-draft", changed)):
        assert problem(await people.counsellor.post(f"plans/{plan_id}/{verb}", body)) == (428, "if_match_required")
        assert problem(await people.counsellor.post(f"plans/{plan_id}/{verb}", body, '"v1"')) == (412, "stale")
    assert problem(await people.counsellor.post(f"plans/{plan_id}/confirm-draft", {"method": "signed"}, '"v2"')) == (200, "")
    (version,) = (await people.counsellor.get(f"plans/{plan_id}/versions")).json()["items"]
    assert (version["plan_version"], version["kind"], version["method"]) == (1, "own_plan", "signed")
    assert [line["line_id"] for line in version["lines"]] == [changed["lines"][0]["line_id"]]
    assert (await house.findings()).sound


async def three_versions(house: House, people: People, person_id: UUID, *own: PlannedLine) -> tuple[UUID, UUID]:
    """A plan that was recorded, agreed, and revised: case and plan."""
    case_id, plan_id = await own_plan(house, person_id, *own)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    lines = (needed(person_id, objectives="To sell bread."),)
    await house.give(PLAN, plan_id, AgreePlan(lines=lines, agreed_on=TODAY, method="signed"), OFFICE)
    lines = (needed(person_id, objectives="To sell cakes."),)
    await house.give(PLAN, plan_id, RevisePlan(lines=lines, agreed_on=TODAY, method="verbal", reason="not_feasible"), OFFICE)
    return case_id, plan_id


async def test_every_version_is_read_as_it_was_and_as_it_came_to_be(house: House, people: People) -> None:
    person_id = uuid7()
    _, plan_id = await three_versions(house, people, person_id, needed(person_id))
    newest = await people.coordinator.get(f"plans/{plan_id}/versions", limit=2)
    rest = await people.coordinator.get(f"plans/{plan_id}/versions", limit=2, after=newest.json()["next"])
    # It goes on by the number of a version, not by how often the plan changed.
    assert (newest.json()["next"], rest.json()["next"]) == ("2", None)
    told = [
        (one["plan_version"], one["kind"], one["method"], one["reason"], one["agreed_by"], one["lines"][0]["details"]["objectives"])
        for one in (*newest.json()["items"], *rest.json()["items"])
    ]
    assert told == [
        (3, "revised", "verbal", "not_feasible", OFFICE.person_id, "To sell cakes."),
        (2, "agreed", "signed", None, OFFICE.person_id, "To sell bread."),
        (1, "own_plan", "verbal", None, None, "To bake bread."),
    ]
    # The versions stand in the log, which whoever takes over the API cannot change.
    for statement in ("UPDATE event_log SET leaf = leaf WHERE subject = :id", "DELETE FROM event_log WHERE subject = :id"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with house.made.api.unit_of_work(EVERYWHERE.scope(OFFICE)) as unit:
                unit.write(Write(Sql(statement), {"id": plan_id}, None))
    for who, answer in ((people.manager, 403), (people.payer, 403), (people.consul, 403), (people.office_abroad, 404)):
        assert (await who.get(f"plans/{plan_id}/versions")).status_code == answer
    read = str([leaf["data"] for leaf in await leaves(house, "access.record_read.v1")])
    assert read.count("list_plan_versions") == 2


async def test_an_office_keeps_the_versions_that_it_agreed_itself_and_no_other_while_money_is_owed(
    house: House, people: People
) -> None:
    person_id = uuid7()
    talk = needed(person_id, "psychosocial", "psychosocial", "To sleep at night.")
    case_id, plan_id = await three_versions(house, people, person_id, needed(person_id), talk)
    versions = f"plans/{plan_id}/versions"
    assert len((await people.office.get(versions)).json()["items"]) == 3
    house.register.health_untold.add(person_id)
    answer = await people.office.get(versions)
    assert [len(one["lines"]) for one in answer.json()["items"]] == [1, 1, 1]
    assert "sleep" not in answer.text
    house.register.taken_back.add(person_id)
    assert problem(await people.office.get(versions)) == NOT_FOUND
    known = (await people.coordinator.get(f"plans/{plan_id}")).json()["state"]["lines"][0]
    line = Line(case_id, person_id, plan_id, UUID(known["line_id"]), known["category"])
    await house.endorsed(line.request("500.00"))
    answer = await people.office.get(versions)
    assert "etag" not in answer.headers
    assert [one["plan_version"] for one in answer.json()["items"]] == [3, 2]
    assert "To bake" not in answer.text


async def test_of_who_went_on_in_another_case_no_version_tells_an_office(house: House, people: People) -> None:
    stayed, gone, plan_id = uuid7(), uuid7(), uuid7()
    case_id = await house.case(stayed, gone, arrived=False)
    lines = (needed(stayed), needed(gone, objectives="To go to school."))
    order = RecordOwnPlan(case_id=case_id, person_ids=(stayed, gone), lines=lines, method="signed")
    await house.give(PLAN, plan_id, order, COUNSELLOR)
    await house.react(case_id, RecordPersonsLeft(person_ids=(gone,)))
    await house.react(case_id, RecordArrival(person_id=stayed, arrived_at=ARRIVED_AT))
    answer = await people.office.get(f"plans/{plan_id}/versions")
    (version,) = answer.json()["items"]
    assert (version["person_ids"], len(version["lines"])) == ([str(stayed)], 1)
    assert str(gone) not in answer.text
    assert "school" not in answer.text


async def test_a_plan_is_completed_when_its_grants_ended_and_takes_no_grant_until_it_is_taken_up(
    house: House, people: People
) -> None:
    granted, other = await house.lines("business", "housing")
    fund_id = await house.fund()
    grant_id = await house.approved(granted.request("500.00"), fund_id)
    said = {"otherwise": [{"line_id": str(other.line_id), "outcome": "other_support"}]}
    path = f"plans/{granted.plan_id}"
    assert problem(await people.office.post(f"{path}/complete", said)) == (409, "grants_under_way")
    await house.accounted_for(grant_id, 1)
    assert problem(await people.office.post(f"{path}/complete", {})) == (409, "line_not_settled")
    assert problem(await people.office_abroad.post(f"{path}/complete", said)) == NOT_FOUND
    assert problem(await people.office.post(f"{path}/complete", said)) == (200, "")
    state = (await people.counsellor.get(path)).json()["state"]
    assert (state["status"], [line["outcome"] for line in state["lines"]]) == ("completed", ["granted", "other_support"])
    assert await house.try_to(GRANT, uuid7(), other.request("100.00"), REQUESTER) == "plan_completed"
    assert (await house.findings()).differences == []
    line = PlannedLine(
        line_id=other.line_id, person_id=other.person_id, dimension="social", category="housing", planned=eur("900.00")
    )
    revise = RevisePlan(lines=(line,), agreed_on=TODAY, method="signed", reason="needs_changed")
    await house.give(PLAN, other.plan_id, revise, OFFICE)
    assert await house.try_to(GRANT, uuid7(), other.request("100.00"), REQUESTER) == "done"
    assert (await house.findings()).differences == []


async def test_an_office_that_is_not_told_of_health_completes_a_plan_without_it(house: House, people: People) -> None:
    business, medical = await house.lines("business", "medical")
    house.register.health_untold.add(medical.person_id)
    path, said = f"plans/{business.plan_id}", [{"line_id": str(business.line_id), "outcome": "not_needed"}]
    of_health = {"line_id": str(medical.line_id), "outcome": "referred"}
    assert problem(await people.office.post(f"{path}/complete", {"otherwise": [*said, of_health]})) == (409, "line_not_in_plan")
    assert problem(await people.office.post(f"{path}/complete", {"otherwise": said})) == (200, "")
    lines = (await people.coordinator.get(path)).json()["state"]["lines"]
    assert [line["outcome"] for line in lines] == ["not_needed", "not_told"]


async def test_a_plan_is_not_completed_beside_a_grant_that_is_asked_for_at_the_same_moment(house: House) -> None:
    asked, other = await house.lines("business", "housing")
    complete = CompletePlan(
        otherwise=tuple(OtherwiseSettled(line_id=line.line_id, outcome="referred") for line in (asked, other))
    )
    grant_id = uuid7()
    async with house.half_done(GRANT, grant_id, asked.request("500.00"), REQUESTER):
        waiting = await house.meanwhile(house.try_to(PLAN, asked.plan_id, complete, OFFICE))
    assert await waiting == "grants_under_way"
    await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), ENDORSER)
    async with house.half_done(PLAN, asked.plan_id, complete, OFFICE):
        waiting = await house.meanwhile(house.try_to(GRANT, uuid7(), other.request("500.00"), REQUESTER))
    assert await waiting == "plan_completed"
    assert (await house.findings()).differences == []
    assert await house.seal(asked.case_id) == "sealed"
