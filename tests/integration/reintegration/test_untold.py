"""What an office is not told although money of the case is owed: health that it never saw, drafts, plans that it does not know of."""

import json
from functools import reduce
from uuid import UUID

from services.reintegration.domain.case import RecordArrival
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.plan import AgreePlan, DraftPlan, RecordOwnPlan
from services.reintegration.domain.plan_completion import CompletePlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.grant_wiring import GRANT
from services.reintegration.reactions import REACTIONS
from services.reintegration.wiring import PLAN
from shared.contracts.reintegration import GrantCategory
from shared.contracts.returns import PersonWithdrew
from shared.ids import uuid7
from shared.messages import Received
from tests.integration.reintegration.office import House, Line
from tests.integration.reintegration.test_api import People, request_of, shown
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_plan_versions import own_plan
from tests.integration.reintegration.test_window import NOT_FOUND, listed, problem, said_again, seen
from tests.unit.reintegration.examples import ARRIVED_AT, COUNSELLOR, ENDORSER, TODAY, eur

people = people_of


def needed(person_id: UUID, category: GrantCategory = "business") -> PlannedLine:
    return PlannedLine(line_id=uuid7(), person_id=person_id, dimension="social", category=category, planned=eur("900.00"))


def agreement(*lines: PlannedLine) -> dict[str, object]:
    return AgreePlan(lines=lines, agreed_on=TODAY, method="signed").model_dump(mode="json")


async def agreed_without_health(house: House, people: People) -> tuple[list[Line], list[str]]:
    """The lines of a plan that its office agreed without consent to health, and of those the ids that it was told."""
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    lines = [needed(person_id), needed(person_id, "medical"), needed(person_id, "psychosocial")]
    own = RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=tuple(lines), method="signed")
    await house.give(PLAN, plan_id, own, COUNSELLOR)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    house.register.health_untold.add(person_id)
    assert problem(await said_again(people, plan_id, agreement(lines[0]))) == (200, "")
    return [Line(case_id, person_id, plan_id, line.line_id, line.category) for line in lines], [str(lines[0].line_id)]


async def told(people: People, plan_id: UUID) -> list[list[str]]:
    """The lines that an office is told by the plan and by each of its agreed versions; its list counts as many."""
    plan = (await people.office.get(f"plans/{plan_id}")).json()["state"]["lines"]
    (row,) = (await people.office.get("plans")).json()["items"]
    assert row["lines"] == len(plan)
    versions = (await people.office.get(f"plans/{plan_id}/versions")).json()["items"]
    return [[line["line_id"] for line in lines] for lines in (plan, *(one["lines"] for one in versions if one["agreed_on"]))]


async def test_lines_of_health_that_an_office_never_saw_stay_untold_while_another_grant_is_under_way(
    house: House, people: People
) -> None:
    (business, medical, talk), seen_lines = await agreed_without_health(house, people)
    assert await told(people, business.plan_id) == [seen_lines] * 2
    grant_id = await house.approved(business.request("500.00", "300.00", "200.00"), await house.fund())
    await house.paid(grant_id, 1)
    assert await told(people, business.plan_id) == [seen_lines] * 2
    house.register.away = True
    assert await told(people, business.plan_id) == [seen_lines] * 2
    house.register.away = False
    house.register.taken_back.add(business.person_id)
    assert await told(people, business.plan_id) == [seen_lines] * 2
    house.register.taken_back.clear()
    # Nor is it asked what came of them.
    await house.give(GRANT, grant_id, CancelGrant(reason="lost_contact"), ENDORSER)
    path = f"plans/{business.plan_id}/complete"
    said = {"otherwise": [{"line_id": str(line.line_id), "outcome": "referred"} for line in (business, medical)]}
    assert problem(await people.office.post(path, said)) == (409, "line_not_in_plan")
    assert problem(await people.office.post(path, {"otherwise": said["otherwise"][:1]})) == (200, "")
    # Once their health is told, all of it is.
    house.register.health_untold.clear()
    assert len((await told(people, business.plan_id))[0]) == len((business, medical, talk))
    assert (await house.findings()).sound


async def test_a_line_of_health_is_told_for_the_money_that_is_owed_for_it_and_what_came_of_it_can_be_said(
    house: House, people: People
) -> None:
    (business, medical, _), seen_lines = await agreed_without_health(house, people)
    house.register.health_untold.clear()
    grant_id = await house.approved(medical.request("500.00", "300.00", "200.00"), await house.fund())
    await house.paid(grant_id, 1)
    house.register.health_untold.add(medical.person_id)
    assert await told(people, medical.plan_id) == [[*seen_lines, str(medical.line_id)]] * 2
    await house.give(GRANT, grant_id, CancelGrant(reason="lost_contact"), ENDORSER)
    said = [{"line_id": str(line.line_id), "outcome": "given_up"} for line in (business, medical)]
    path = f"plans/{medical.plan_id}"
    assert problem(await people.office.post(f"{path}/complete", {"otherwise": said[:1]})) == (409, "line_not_settled")
    assert problem(await people.office.post(f"{path}/complete", {"otherwise": said})) == (200, "")
    lines = (await people.coordinator.get(path)).json()["state"]["lines"]
    assert [line["outcome"] for line in lines] == ["given_up", "given_up", "not_told"]


async def test_a_draft_of_a_grant_goes_no_further_once_the_consent_is_taken_back(house: House, people: People) -> None:
    line, grant_id = await house.line(), uuid7()
    await house.lenient()
    assert problem(await people.office.post(f"grants/{grant_id}", request_of(line))) == (201, "")
    read = await shown(people, grant_id)
    paths = (f"grants/{grant_id}", f"plans/{line.plan_id}", f"plans/{line.plan_id}/versions")
    assert await seen(people, paths) == {(200, "")}
    assert listed(await people.office.get("turns")) == [str(grant_id)]
    house.register.taken_back.add(line.person_id)
    # A draft holds nothing open: it is gone as everything is of which nobody has to account for money.
    assert await seen(people, paths) == {NOT_FOUND}
    for of in ("grants", "plans", "turns"):
        assert listed(await people.office.get(of)) == []
    changed = {name: value for name, value in request_of(line).items() if name in ("modality", "money", "tranches", "budget_lines")}
    for verb, body in (("submit", read), ("revise", changed), ("cancel", {"reason": "not_needed"})):
        assert problem(await people.office.post(f"grants/{grant_id}/{verb}", body)) == NOT_FOUND, verb
    house.register.away = True
    assert problem(await people.office.post(f"grants/{grant_id}/submit", read))[0] == 503
    house.register.away = False
    house.register.taken_back.clear()
    assert problem(await people.office.post(f"grants/{grant_id}/revise", changed)) == (200, "")
    assert problem(await people.office.post(f"grants/{grant_id}/submit", await shown(people, grant_id))) == (200, "")


async def test_money_that_is_owed_for_one_grant_of_a_case_hands_no_draft_on(house: House, people: People) -> None:
    business, housing = await house.lines("business", "housing")
    owed, draft = await house.endorsed(business.request("500.00")), uuid7()
    assert problem(await people.office.post(f"grants/{draft}", request_of(housing))) == (201, "")
    read = await shown(people, draft)
    house.register.taken_back.add(business.person_id)
    assert problem(await people.office.get(f"grants/{draft}")) == NOT_FOUND
    assert problem(await people.office.post(f"grants/{draft}/submit", read)) == NOT_FOUND
    assert listed(await people.office.get("grants")) == [str(owed)]
    assert (await people.coordinator.get(f"grants/{draft}")).json()["state"]["status"] == "draft"


async def test_a_plan_that_an_office_does_not_know_of_is_not_there_whatever_version_it_names(house: House, people: People) -> None:
    person_id = uuid7()
    case_id, plan_id = await own_plan(house, person_id, needed(person_id))
    revised = {**agreement(needed(person_id)), "reason": "needs_changed"}
    orders = {"agree": agreement(needed(person_id)), "revise": revised, "complete": CompletePlan().model_dump(mode="json")}
    for verb, body in orders.items():
        answers = [await people.office.post(f"plans/{id}/{verb}", body, '"v1"') for id in (plan_id, uuid7())]
        assert [problem(answer) for answer in answers] == [NOT_FOUND] * 2
        assert len({answer.content for answer in answers}) == 1, verb
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    assert problem(await people.office.post(f"plans/{plan_id}/agree", orders["agree"], '"v1"')) == (412, "stale")


async def test_who_withdraws_while_the_others_go_is_in_no_plan_that_an_office_reads(house: House, people: People) -> None:
    going, staying, plan_id = uuid7(), uuid7(), uuid7()
    case_id = await house.case(going, staying, arrived=False, programme="default")
    lines = (needed(going), needed(staying), needed(staying, "medical"))
    own = RecordOwnPlan(case_id=case_id, person_ids=(going, staying), lines=lines, method="signed")
    await house.give(PLAN, plan_id, own, COUNSELLOR)
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (200, "")
    assert str(staying) in (await people.office.get(f"plans/{plan_id}")).text
    heard = Received(subject=case_id, at=ARRIVED_AT, actor_id="service:returns")
    for order in REACTIONS[PersonWithdrew](PersonWithdrew(person_id=staying), heard):
        await house.react(case_id, order.command)
    # Nor is it their consent by which the plan of the others is told.
    house.register.taken_back.add(staying)
    for of in ("", "/versions"):
        answer = await people.office.get(f"plans/{plan_id}{of}")
        assert (answer.status_code, str(staying) in answer.text) == (200, False)
    (row,) = (await people.office.get("plans")).json()["items"]
    assert (row["persons"], row["lines"]) == (1, 1)
    await house.react(case_id, RecordArrival(person_id=going, arrived_at=ARRIVED_AT))
    assert problem(await said_again(people, plan_id, agreement(lines[0]))) == (200, "")
    assert (await people.coordinator.get(f"plans/{plan_id}")).json()["state"]["person_ids"] == [str(going)]
    assert (await house.findings()).sound


async def test_what_stands_in_a_draft_is_told_to_no_office_and_none_of_it_is_agreed_unseen(house: House, people: People) -> None:
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    business, medical = needed(person_id), needed(person_id, "medical")
    await house.give(PLAN, plan_id, DraftPlan(case_id=case_id, person_ids=(person_id,), lines=(business, medical)), COUNSELLOR)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    assert await told(people, plan_id) == [[]]
    house.register.health_untold.add(person_id)
    assert await told(people, plan_id) == [[]]
    # Neither an id nor a currency that a draft has is taken.
    said = [{**line.model_dump(mode="json"), "planned": {"amount": "90.00", "currency": "PKR"}} for line in (needed(person_id), business)]
    said[1]["line_id"] = str(medical.line_id)
    agreed = {**agreement(business), "lines": said}
    assert problem(await said_again(people, plan_id, agreed)) == (200, "")
    state = (await people.coordinator.get(f"plans/{plan_id}")).json()["state"]
    assert (state["status"], state["plan_version"]) == ("agreed", 1)
    assert [(line["line_id"], line["category"]) for line in state["lines"]] == [(one["line_id"], "business") for one in said]
    assert (await house.findings()).sound


async def test_a_plan_of_which_nothing_may_be_told_is_there_for_nobody_abroad_before_an_arrival(house: House, people: People) -> None:
    person_id = uuid7()
    case_id, plan_id = await own_plan(house, person_id, needed(person_id, "medical"), needed(person_id, "psychosocial"))
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (200, "")
    assert listed(await people.office.get("plans")) == [str(plan_id)]
    house.register.health_untold.add(person_id)
    unknown = await people.office.get(f"plans/{uuid7()}")
    for of in ("", "/versions"):
        hidden = await people.office.get(f"plans/{plan_id}{of}")
        assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)
    for narrowed in ({}, {"status": "shared"}, {"status": "draft"}, {"case_id": str(case_id)}):
        assert listed(await people.office.get("plans", **narrowed)) == []
    answers = [await people.office.post(f"plans/{id}/agree", agreement(needed(person_id)), '"v1"') for id in (plan_id, uuid7())]
    assert [problem(answer) for answer in answers] == [NOT_FOUND] * 2
    # Who agrees is asked of it as of any other.
    house.register.away = True
    assert (await people.office.get("plans")).status_code == 503
    assert (await people.office.post(f"plans/{plan_id}/agree", agreement(needed(person_id)), '"v1"')).status_code == 503


async def test_a_plan_of_which_nothing_may_be_told_is_a_draft_to_its_office_and_agreed_in_any_currency(
    house: House, people: People
) -> None:
    drafted, confirmed = uuid7(), uuid7()
    draft_of = await house.case(drafted, arrived=False, programme="default")
    draft_id = uuid7()
    draft = DraftPlan(case_id=draft_of, person_ids=(drafted,), lines=(needed(drafted),))
    await house.give(PLAN, draft_id, draft, COUNSELLOR)
    medical = needed(confirmed, "medical")
    case_id, plan_id = await own_plan(house, confirmed, medical)
    assert problem(await people.counsellor.post(f"plans/{plan_id}/share", {})) == (200, "")
    for case, person_id in ((draft_of, drafted), (case_id, confirmed)):
        await house.react(case, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    house.register.health_untold.add(confirmed)

    async def told(plan_id: UUID, person_id: UUID) -> list[str]:
        """What the office is told of a plan by every way, but for what says which one it is."""
        plan, versions = await people.office.get(f"plans/{plan_id}"), await people.office.get(f"plans/{plan_id}/versions")
        rows = [[row for row in (await people.office.get("plans", **by)).json()["items"] if row["id"] == str(plan_id)]
                for by in ({}, {"status": "draft"}, {"status": "shared"}, {"status": "own_plan"})]  # fmt: skip
        assert plan.headers["ETag"] == f'"v{plan.json()["version"]}"'
        said = [json.dumps(one) for one in ({**plan.json(), "version": 0}, versions.json(), rows)]
        ids = {str(plan_id): "plan", str(person_id): "person", plan.json()["state"]["case_id"]: "case"}
        return [reduce(lambda text, id: text.replace(id, ids[id]), ids, one) for one in said]

    assert await told(plan_id, confirmed) == await told(draft_id, drafted)
    said = {**needed(confirmed).model_dump(mode="json"), "planned": {"amount": "90.00", "currency": "PKR"}}
    assert problem(await said_again(people, plan_id, {**agreement(needed(confirmed)), "lines": [said]})) == (200, "")
    plan = await people.office.get(f"plans/{plan_id}")
    assert (plan.json()["state"]["status"], [line["line_id"] for line in plan.json()["state"]["lines"]]) == ("agreed", [said["line_id"]])
    (version,) = (await people.office.get(f"plans/{plan_id}/versions", limit=1)).json()["items"]
    assert version["kind"] == "agreed"
    assert (await people.office.get(f"plans/{plan_id}/versions", limit=1)).json()["next"] is None
    lines = (await people.coordinator.get(f"plans/{plan_id}")).json()["state"]["lines"]
    assert {(line["line_id"], line["currency"]) for line in lines} == {(said["line_id"], "PKR"), (str(medical.line_id), "EUR")}
    # In another currency than what is told it is refused as before.
    other = {**agreement(needed(confirmed)), "reason": "price_changed"}
    revised = await people.office.post(f"plans/{plan_id}/revise", other, plan.headers["ETag"])
    assert revised.status_code == 409
    assert (await house.findings()).sound
