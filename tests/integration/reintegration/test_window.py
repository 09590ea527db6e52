"""What a receiving office may know after an arrival: what persons agree to now, and its own records while money is owed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import httpx

from services.reintegration.domain.case import (
    RecordArrival,
    RecordCase,
    RecordPersonsLeft,
    RecordProgramme,
    RecordStay,
)
from services.reintegration.domain.plan import AgreePlan, RecordOwnPlan, RevisePlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.wiring import PLAN
from shared.contracts.reintegration import GrantCategory
from shared.ids import uuid7
from tests.integration.reintegration.office import House, Line
from tests.integration.reintegration.test_api import People, asked_for, request_of
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_evidence import filed
from tests.unit.reintegration.examples import ARRIVED_AT, COUNSELLOR, TODAY, eur

people = people_of
NOT_FOUND = (404, "not_found")
CATEGORIES: tuple[GrantCategory, ...] = ("business", "medical")
OF_HEALTH: tuple[GrantCategory, ...] = ("medical", "psychosocial")


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def listed(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


async def own_plan(house: House) -> tuple[UUID, UUID, UUID]:
    """A case whose person arrived and whose plan is still their own: case, person, plan."""
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    line = PlannedLine(
        line_id=uuid7(), person_id=person_id, dimension="economic", category="business", planned=eur("900.00")
    )
    await house.give(PLAN, plan_id, RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=(line,), method="signed"), COUNSELLOR)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    return case_id, person_id, plan_id


async def seen(people: People, paths: Sequence[str]) -> set[tuple[int, str]]:
    return {problem(await people.office.get(path)) for path in paths}


async def said_again(people: People, plan_id: UUID, agreed: Mapping[str, object]) -> httpx.Response:
    """What the office agrees after a look at the plan, which it revises once it is agreed."""
    looked = await people.office.get(f"plans/{plan_id}")
    if looked.json()["state"]["status"] == "agreed":
        revised = {**agreed, "reason": "needs_changed"}
        return await people.office.post(f"plans/{plan_id}/revise", revised, looked.headers["ETag"])
    return await people.office.post(f"plans/{plan_id}/agree", agreed, looked.headers["ETag"])


async def test_what_the_office_did_not_record_is_gone_with_the_consent_and_while_nobody_answers(
    house: House, people: People
) -> None:
    case_id, person_id, plan_id = await own_plan(house)
    paths = (f"cases/{case_id}", f"plans/{plan_id}")
    assert await seen(people, paths) == {(200, "")}
    assert listed(await people.office.get("plans")) == [str(plan_id)]
    house.register.away = True
    assert await seen(people, paths) == {NOT_FOUND}
    assert (await people.office.get("plans")).status_code == 503
    house.register.away = False
    house.register.taken_back.add(person_id)
    assert await seen(people, (*paths, f"plans/{uuid7()}")) == {NOT_FOUND}
    assert listed(await people.office.get("plans")) == []
    line = PlannedLine(
        line_id=uuid7(), person_id=person_id, dimension="economic", category="business", planned=eur("900.00")
    )
    agreed = AgreePlan(lines=(line,), agreed_on=TODAY, method="signed").model_dump(mode="json")
    assert problem(await people.office.post(f"plans/{plan_id}/agree", agreed, '"v1"')) == NOT_FOUND
    assert {"plan", "travel"} <= {category for asked in house.register.asked for category in asked.categories}


async def test_every_no_is_the_same_bytes(house: House, people: People) -> None:
    case_id, person_id, _ = await own_plan(house)
    elsewhere = await house.case(uuid7(), country="TR")
    house.register.taken_back.add(person_id)
    answers = [await people.office.get(f"cases/{id}") for id in (case_id, elsewhere, uuid7())]
    assert len({answer.content for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {404}


async def test_an_office_cannot_count_who_did_not_come_nor_what_else_became_of_a_case(house: House, people: People) -> None:
    coming, staying = uuid7(), uuid7()
    case_id = await house.case(coming, staying, arrived=False)
    await house.react(case_id, RecordArrival(person_id=coming, arrived_at=ARRIVED_AT))
    before = await people.office.get(f"cases/{case_id}")
    assert before.status_code == 200
    for fact in (RecordStay(person_id=staying), RecordProgramme(programme="AVRR-BA")):
        await house.react(case_id, fact)
        after = await people.office.get(f"cases/{case_id}")
        assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
    assert (await people.coordinator.get(f"cases/{case_id}")).json()["version"] == 4
    assert before.headers["ETag"] == f'"v{before.json()["version"]}"'


async def test_an_office_keeps_its_plan_its_grants_and_its_evidence_until_the_money_is_accounted_for(
    house: House, people: People
) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("500.00"), fund_id)
    await house.paid(grant_id, 1)
    mine, theirs = await filed(people, grant_id), uuid7()
    photo = await people.counsellor.put(f"grants/{grant_id}/evidence/{theirs}?kind=photo", b"%PDF", "application/pdf")
    assert photo.status_code == 409
    kept = (f"plans/{line.plan_id}", f"grants/{grant_id}", f"grants/{grant_id}/evidence", f"grants/{grant_id}/evidence/{mine}")
    for away in (False, True):
        house.register.away = away
        house.register.taken_back.add(line.person_id)
        assert {(await people.office.get(path)).status_code for path in kept} == {200}
        assert problem(await people.office.get(f"cases/{line.case_id}")) == NOT_FOUND
        for path in ("plans", "grants", "turns"):
            assert len(listed(await people.office.get(path))) == 1
    assert (await people.office.post(f"grants/{grant_id}/confirm-delivery", {"number": 1})).status_code == 200
    house.register.away = False
    reconciled = await people.reconciler.post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})
    assert reconciled.status_code == 200, reconciled.text
    assert await seen(people, kept) == {NOT_FOUND}
    assert problem(await people.office.post(f"grants/{grant_id}/confirm-delivery", {"number": 1})) == NOT_FOUND
    for path in ("plans", "grants"):
        assert listed(await people.office.get(path)) == []
    assert (await house.findings()).sound


async def test_evidence_of_a_counsellor_is_not_the_offices_own(house: House, people: People) -> None:
    line = await house.line()
    grant_id = await asked_for(people, line)
    mine = await filed(people, grant_id)
    people.office, people.counsellor = people.counsellor, people.office
    theirs = await filed(people, grant_id)
    people.office, people.counsellor = people.counsellor, people.office
    house.register.taken_back.add(line.person_id)
    known = (await people.office.get(f"grants/{grant_id}/evidence")).json()
    assert [row["evidence_id"] for row in known] == [str(mine)]
    assert problem(await people.office.get(f"grants/{grant_id}/evidence/{theirs}")) == NOT_FOUND
    assert len((await people.coordinator.get(f"grants/{grant_id}/evidence")).json()) == 2


async def test_nothing_new_is_begun_without_consent_and_it_is_tried_again_while_nobody_answers(
    house: House, people: People
) -> None:
    lines = await house.lines("business", "housing")
    await asked_for(people, lines[0])
    house.register.away = True
    assert (await people.office.post(f"grants/{uuid7()}", request_of(lines[1]))).status_code == 503
    house.register.away = False
    house.register.taken_back.add(lines[1].person_id)
    assert problem(await people.office.post(f"grants/{uuid7()}", request_of(lines[1]))) == NOT_FOUND


async def test_a_page_is_filled_from_behind_what_may_not_be_told(house: House, people: People) -> None:
    cases = [await own_plan(house) for _ in range(5)]
    house.register.taken_back |= {person_id for _, person_id, _ in cases[:3]}
    answer = await people.office.get("plans", limit=1)
    assert listed(answer) == [str(cases[3][2])]
    following = await people.office.get("plans", limit=1, after=answer.json()["next"])
    assert (listed(following), following.json()["next"]) == ([str(cases[4][2])], None)


async def test_staff_are_asked_no_consent(house: House, people: People) -> None:
    case_id, person_id, plan_id = await own_plan(house)
    house.register.taken_back.add(person_id)
    for path in (f"cases/{case_id}", f"plans/{plan_id}"):
        assert (await people.coordinator.get(path)).status_code == 200
    assert house.register.asked == []


async def test_children_are_there_with_the_consent_of_the_adults(house: House, people: People) -> None:
    mother, child, case_id = uuid7(), uuid7(), uuid7()
    order = RecordCase(
        person_ids=(mother, child), destination_country="PK", counsellor_id=COUNSELLOR.person_id, deciding_ids=(mother,)
    )
    await house.react(case_id, order)
    for person_id in (mother, child):
        await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    house.register.taken_back.add(child)
    assert (await people.office.get(f"cases/{case_id}")).status_code == 200
    house.register.taken_back.add(mother)
    assert problem(await people.office.get(f"cases/{case_id}")) == NOT_FOUND


async def test_an_office_is_told_no_medical_line_where_the_consent_leaves_health_out(house: House, people: People) -> None:
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    business, *of_health = (
        PlannedLine(line_id=uuid7(), person_id=person_id, dimension="social", category=category, planned=eur("900.00"))
        for category in ("business", *OF_HEALTH)
    )
    order = RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=(business, *of_health), method="signed")
    await house.give(PLAN, plan_id, order, COUNSELLOR)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))

    async def told() -> tuple[set[str], int]:
        lines = (await people.office.get(f"plans/{plan_id}")).json()["state"]["lines"]
        (row,) = (await people.office.get("plans")).json()["items"]
        return {line["line_id"] for line in lines}, row["lines"]

    assert await told() == ({str(line.line_id) for line in order.lines}, 3)
    house.register.health_untold.add(person_id)
    house.register.asked.clear()
    assert await told() == ({str(business.line_id)}, 1)
    assert len(house.register.asked) == 2
    # What it cannot see it cannot remove: neither with its first agreement nor with any after that.
    for lines, answer in (
        *(((business, line), NOT_FOUND) for line in of_health), ((business,), (200, "")), ((business,), (200, "")),
    ):  # fmt: skip
        agreed = AgreePlan(lines=lines, agreed_on=TODAY, method="signed").model_dump(mode="json")
        assert problem(await said_again(people, plan_id, agreed)) == answer
        assert await told() == ({str(business.line_id)}, 1)
        known = (await people.coordinator.get(f"plans/{plan_id}")).json()["state"]["lines"]
        assert {line["line_id"]: (line["category"], line["planned"]) for line in known} == {
            str(line.line_id): (line.category, "900.00") for line in order.lines
        }  # fmt: skip
    assert (await house.findings()).sound
    house.register.health_untold.clear()
    agreed = AgreePlan(lines=(business,), agreed_on=TODAY, method="signed").model_dump(mode="json")
    assert problem(await said_again(people, plan_id, agreed)) == (200, "")
    assert await told() == ({str(business.line_id)}, 1)


async def test_an_office_replaces_no_line_without_saying_what_it_was_shown(house: House, people: People) -> None:
    business, medical = await house.lines(*CATEGORIES)
    agreed = AgreePlan(
        lines=(
            PlannedLine(
                line_id=business.line_id, person_id=business.person_id, dimension="economic", category="business",
                planned=eur("2000.00"),
            ),
        ),
        agreed_on=TODAY, method="signed",
    )  # fmt: skip
    path, body = f"plans/{business.plan_id}", agreed.model_dump(mode="json")
    assert problem(await people.office.post(f"{path}/agree", body)) == (428, "if_match_required")
    lines = (await people.coordinator.get(path)).json()["state"]["lines"]
    assert {line["line_id"] for line in lines} == {str(business.line_id), str(medical.line_id)}
    # Nor does the answer tell whether there is such a plan.
    assert problem(await people.office.post(f"plans/{uuid7()}/agree", body)) == (428, "if_match_required")


async def test_an_office_that_looked_before_health_was_told_removes_no_medical_line(house: House, people: People) -> None:
    business, medical = await house.lines(*CATEGORIES)
    path = f"plans/{business.plan_id}"
    house.register.health_untold.add(medical.person_id)
    looked = await people.office.get(path)
    said = PlannedLine(
        line_id=business.line_id, person_id=business.person_id, dimension="economic", category="business",
        planned=eur("2000.00"),
    )  # fmt: skip
    agreed = RevisePlan(lines=(said,), agreed_on=TODAY, method="signed", reason="price_changed").model_dump(mode="json")
    house.register.health_untold.clear()
    assert problem(await people.office.post(f"{path}/revise", agreed, looked.headers["ETag"])) == (412, "stale")
    lines = (await people.coordinator.get(path)).json()["state"]["lines"]
    assert {line["line_id"] for line in lines} == {str(business.line_id), str(medical.line_id)}
    looked = await people.office.get(path)
    done = await people.office.post(f"{path}/revise", agreed, looked.headers["ETag"])
    assert problem(done) == (200, "")
    again = await people.office.get(path)
    assert done.headers["ETag"] == again.headers["ETag"] != looked.headers["ETag"]
    assert [line["line_id"] for line in again.json()["state"]["lines"]] == [str(business.line_id)]


async def test_a_medical_line_that_an_office_still_sees_it_can_say_again_and_not_change(house: House, people: People) -> None:
    (business, medical), fund_id = await house.lines(*CATEGORIES), await house.fund()
    grant_id = await house.approved(medical.request("500.00"), fund_id)
    await house.paid(grant_id, 1)
    house.register.health_untold = {medical.person_id}

    async def agree(*lines: Line, planned: str = "3000.00") -> tuple[int, str]:
        said = [
            PlannedLine(
                line_id=line.line_id, person_id=line.person_id, dimension="economic", category=line.category,
                planned=eur("3000.00" if line is business else planned),
            )
            for line in lines
        ]  # fmt: skip
        body = AgreePlan(lines=tuple(said), agreed_on=TODAY, method="signed").model_dump(mode="json")
        return problem(await said_again(people, business.plan_id, body))

    assert await agree(business, medical) == (200, "")
    assert await agree(business, medical, planned="1.00") == NOT_FOUND
    assert await agree(business) == (200, "")
    lines = (await people.coordinator.get(f"plans/{business.plan_id}")).json()["state"]["lines"]
    assert [(line["line_id"], line["planned"]) for line in lines] == [
        (str(line.line_id), "3000.00") for line in (business, medical)
    ]
    assert (await house.findings()).sound


async def test_a_medical_grant_is_not_there_without_health_but_while_money_is_owed(house: House, people: People) -> None:
    (business, medical), fund_id = await house.lines(*CATEGORIES), await house.fund()
    grants = []
    for line in (business, medical):
        grant_id = await house.approved(line.request("500.00"), fund_id)
        await house.paid(grant_id, 1)
        grants.append(grant_id)
        house.register.health_untold = {line.person_id}
        # What it recorded itself it sees, grants and the lines that they are for, until the money is accounted for.
        assert [row["id"] for row in (await people.office.get("grants")).json()["items"]] == [str(id) for id in grants]
        lines = (await people.office.get(f"plans/{line.plan_id}")).json()["state"]["lines"]
        assert {told["line_id"] for told in lines} == {str(business.line_id), str(line.line_id)}
        assert (await people.office.post(f"grants/{grant_id}/confirm-delivery", {"number": 1})).status_code == 200
        assert (await people.reconciler.post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})).status_code == 200
    house.register.asked.clear()
    assert listed(await people.office.get("grants")) == [str(grants[0])]
    assert len(house.register.asked) == 1
    of_health = f"grants/{grants[1]}"
    assert await seen(people, (of_health, f"{of_health}/evidence")) == {NOT_FOUND}
    assert problem(await people.office.post(f"{of_health}/confirm-delivery", {"number": 1})) == NOT_FOUND
    assert await seen(people, (f"grants/{grants[0]}",)) == {(200, "")}
    house.register.health_untold.clear()
    assert listed(await people.office.get("grants")) == [str(id) for id in grants]
    assert await seen(people, (of_health,)) == {(200, "")}


async def test_a_medical_grant_is_asked_for_where_the_consent_names_health(house: House, people: People) -> None:
    business, *of_health = await house.lines("business", *OF_HEALTH)
    house.register.health_untold.add(business.person_id)
    for line in of_health:
        assert problem(await people.office.post(f"grants/{uuid7()}", request_of(line))) == NOT_FOUND
    assert problem(await people.office.post(f"grants/{uuid7()}", request_of(business))) == (201, "")
    house.register.health_untold.clear()
    for line in of_health:
        assert problem(await people.office.post(f"grants/{uuid7()}", request_of(line))) == (201, "")


async def test_of_who_went_on_in_another_case_an_office_is_told_nothing_by_the_plan_of_those_who_stayed(
    house: House, people: People
) -> None:
    stayed, gone, plan_id = uuid7(), uuid7(), uuid7()
    case_id = await house.case(stayed, gone, arrived=False)
    own, others, of_health = (
        PlannedLine(line_id=uuid7(), person_id=person_id, dimension="social", category=category, planned=eur("900.00"))
        for person_id, category in ((stayed, "business"), (gone, "business"), (gone, "medical"))
    )
    order = RecordOwnPlan(case_id=case_id, person_ids=(stayed, gone), lines=(own, others, of_health), method="signed")
    await house.give(PLAN, plan_id, order, COUNSELLOR)
    await house.react(case_id, RecordPersonsLeft(person_ids=(gone,)))
    await house.react(case_id, RecordArrival(person_id=stayed, arrived_at=ARRIVED_AT))
    agreed = AgreePlan(lines=(own,), agreed_on=TODAY, method="signed").model_dump(mode="json")
    for health_untold, agree in ((False, False), (True, True), (False, True)):
        if health_untold:
            house.register.health_untold.add(stayed)
        else:
            house.register.health_untold.clear()
        if agree:
            assert problem(await said_again(people, plan_id, agreed)) == (200, "")
        answer = await people.office.get(f"plans/{plan_id}")
        assert answer.json()["state"]["person_ids"] == [str(stayed)]
        assert [line["line_id"] for line in answer.json()["state"]["lines"]] == [str(own.line_id)]
        assert str(gone) not in answer.text
        (row,) = (await people.office.get("plans")).json()["items"]
        assert (row["persons"], row["lines"]) == (1, 1)
    known = (await people.coordinator.get(f"plans/{plan_id}")).json()["state"]["lines"]
    assert [line["line_id"] for line in known] == [str(own.line_id)]
