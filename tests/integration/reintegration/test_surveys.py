"""Surveys as callers and the database meet them: agreed to each time, sealed, counted again, told to the person, gone with them."""

import json
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration import survey_answers
from services.reintegration.domain.case import RecordArrival, RecordCase
from services.reintegration.domain.scoring import is_skipped
from services.reintegration.domain.survey_averages import LEAST_COUNTED
from services.reintegration.domain.surveys import RecordSurvey
from services.reintegration.survey_recount import Recounted, recount
from services.reintegration.survey_wiring import SURVEY
from services.reintegration.surveys import shipped
from shared.db import Sql
from shared.handling import handle
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.reintegration.office import OFFICE, WORKER, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import code, erased
from tests.unit.reintegration.examples import ARRIVED_AT, COUNSELLOR, PAYER
from tests.unit.reintegration.test_instruments import FOLDER
from tests.unit.reintegration.test_surveys import ANSWERS

people = people_of
DEMO = "rss_demo_equal_weights"
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log ORDER BY idx")
_COUNTED = Sql("SELECT (SELECT count(*) FROM surveys) AS surveys, (SELECT count(*) FROM survey_answers) AS answers")
_READ = Sql("SELECT operation FROM accesses WHERE operation LIKE '%survey%' AND outcome = 'read' ORDER BY operation")
_DISCLOSED = Sql("SELECT count(*) AS told FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.type LIKE '%.survey.%'")


async def planned(people: People, instrument: str = "satisfaction_demo", round: str = "baseline", **said: Any) -> UUID:
    round_id = uuid7()
    body = {"instrument": instrument, "instrument_version": 1, "scheme": "equal", "round": round, **said}
    answer = await people.manager.post(f"survey-rounds/{round_id}", body)
    assert answer.status_code == 201, answer.text
    return round_id


def interview(case_id: UUID, person_id: UUID, round_id: UUID, **said: Any) -> dict[str, Any]:
    answers = [{"item": item, "option": option} for item, option in {**ANSWERS, **said.pop("answered", {})}.items()]
    return {
        "case_id": str(case_id), "person_id": str(person_id), "round_id": str(round_id), "mode": "phone",
        "interviewed_on": "2023-05-02", "consented": True, "answers": answers, **said,
    }  # fmt: skip


async def surveyed(house: House, people: People, round_id: UUID, **said: Any) -> tuple[UUID, UUID, UUID]:
    person_id = uuid7()
    case_id = await house.case(person_id)
    survey_id = uuid7()
    answer = await people.office.post(f"surveys/{survey_id}", interview(case_id, person_id, round_id, **said))
    assert answer.status_code == 201, answer.text
    return survey_id, case_id, person_id


async def test_an_office_asks_who_is_due_and_nobody_in_finance_reads_it(house: House, people: People) -> None:
    round_id = await planned(people)
    person_id = uuid7()
    case_id = await house.case(person_id)
    (due,) = (await people.office.get("due-surveys")).json()["items"]
    (asked,) = due["due"]
    assert (due["id"], asked["person_id"], asked["round_id"]) == (str(case_id), str(person_id), str(round_id))
    assert (asked["arrived_on"], asked["months"], asked["round"], asked["refused"]) == ("2023-04-20", 0, "baseline", False)
    assert (await people.counsellor.get("due-surveys")).json()["items"] == [due]
    assert (await people.office_abroad.get("due-surveys")).json()["items"] == []
    survey_id = uuid7()
    answer = await people.office.post(f"surveys/{survey_id}", interview(case_id, person_id, round_id))
    assert answer.status_code == 201, answer.text
    assert (await people.office.get("due-surveys")).json()["items"] == []
    found = (await people.office.get(f"surveys/{survey_id}")).json()
    assert (found["state"]["months"], found["state"]["out_of_window"]) == (0, False)
    (recorded,) = found["recorded"]
    assert recorded["answers"] == ANSWERS
    assert recorded["scores"]["dimensions"]["help"]["value"] == "0.6250"
    listed = (await people.counsellor.get(f"cases/{case_id}/surveys")).json()["items"]
    assert [one["id"] for one in listed] == [str(survey_id)]
    for nobody in (people.payer, people.approver, people.reconciler, people.coordinator, people.manager, people.auditor):
        assert (await nobody.get(f"surveys/{survey_id}")).status_code == 403
        assert (await nobody.get(f"cases/{case_id}/surveys")).status_code == 403
    assert (await people.office_abroad.get(f"surveys/{survey_id}")).status_code == 404
    assert [row["operation"] for row in await house.rows(_READ)] == ["read_survey"]
    assert (await house.findings()).differences == []


async def test_no_answer_and_no_score_stands_in_the_log_in_a_row_or_in_a_refusal(house: House, people: People) -> None:
    round_id = await planned(people)
    survey_id, case_id, person_id = await surveyed(house, people, round_id)
    changed = {"reason": "mistyped", "answers": interview(case_id, person_id, round_id, answered={"overall": "neither"})["answers"]}
    assert (await people.counsellor.post(f"surveys/{survey_id}/correct", changed)).status_code == 200
    refusals = [
        await people.office.post(f"surveys/{uuid7()}", interview(case_id, person_id, round_id)),
        await people.office.post(f"surveys/{uuid7()}", interview(case_id, person_id, round_id, mode="dissatisfied")),
        await people.office.post(f"surveys/{survey_id}/correct", {**changed, "answers": changed["answers"][1:]}),
    ]
    assert [answer.status_code for answer in refusals] == [409, 422, 409]
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    rows = [str(row["leaf"]) for row in await house.rows(_LOG)]
    for table in ("surveys", "survey_answers", "idempotency", "accesses", "disclosure"):
        # The moment of an answer may have any figures behind its second.
        rows += [str(row[0]) for row in await connection.fetch(f"SELECT (to_jsonb(t) - 'at')::text FROM {table} t")]
    await connection.close()
    for told in (*rows, *(answer.text for answer in refusals)):
        assert not any(secret in told for secret in ("satisfied", "neither", "0.62", "too_few"))
    assert (await house.rows(_DISCLOSED))[0]["told"] == 0
    assert [one["answers"]["overall"] for one in (await people.office.get(f"surveys/{survey_id}")).json()["recorded"]] == [
        "satisfied", "neither",
    ]  # fmt: skip
    assert (await house.findings()).differences == []


async def test_whoever_refuses_is_kept_so_stays_due_and_may_agree_later(house: House, people: People) -> None:
    round_id = await planned(people)
    person_id = uuid7()
    case_id = await house.case(person_id)
    body = interview(case_id, person_id, round_id, consented=False)
    assert await code(await people.office.post(f"surveys/{uuid7()}", body)) == "survey_not_consented"
    named = {name: body[name] for name in ("case_id", "person_id", "round_id", "mode")}
    assert (await people.office.post(f"surveys/{uuid7()}/refusal", {**named, "asked_on": "2023-05-02"})).status_code == 201
    (due,) = (await people.office.get("due-surveys")).json()["items"]
    assert due["due"][0]["refused"] is True
    assert (await people.office.post(f"surveys/{uuid7()}", {**body, "consented": True})).status_code == 201
    assert await code(await people.office.post(f"surveys/{uuid7()}", {**body, "consented": True})) == "surveyed_already"
    assert (await house.rows(_COUNTED))[0] == {"surveys": 2, "answers": 1}
    assert (await house.findings()).differences == []


async def test_two_who_ask_one_person_at_the_same_time_record_one_survey(house: House, people: People) -> None:
    round_id = await planned(people)
    person_id = uuid7()
    case_id = await house.case(person_id)
    order = RecordSurvey.model_validate(interview(case_id, person_id, round_id))
    async with house.half_done(SURVEY, uuid7(), order, COUNSELLOR):
        second = await house.meanwhile(house.try_to(SURVEY, uuid7(), order, OFFICE))
    assert await second == "surveyed_already"


async def test_nobody_asks_whom_they_pay(house: House, people: People) -> None:
    round_id = await planned(people)
    line = await house.line()
    await house.paid(await house.approved(line.request("500.00"), await house.fund()), 1)
    order = RecordSurvey.model_validate(interview(line.case_id, line.person_id, round_id))
    assert await house.try_to(SURVEY, uuid7(), order, PAYER) == "interviewer_pays"


async def test_outside_the_months_of_a_round_it_has_to_be_said(house: House, people: People) -> None:
    round_id = await planned(people, round="midline")
    person_id = uuid7()
    case_id = await house.case(person_id)
    body = interview(case_id, person_id, round_id)
    assert (await people.office.get("due-surveys")).json()["items"] == []
    assert await code(await people.office.post(f"surveys/{uuid7()}", body)) == "outside_window"
    survey_id = uuid7()
    assert (await people.office.post(f"surveys/{survey_id}", {**body, "out_of_window": True})).status_code == 201
    assert (await people.office.get(f"surveys/{survey_id}")).json()["state"]["out_of_window"] is True


async def test_an_office_asks_and_reads_only_while_the_persons_agree(house: House, people: People) -> None:
    round_id = await planned(people)
    survey_id, case_id, person_id = await surveyed(house, people, round_id)
    house.register.taken_back.add(person_id)
    assert (await people.office.get(f"surveys/{survey_id}")).status_code == 404
    assert (await people.office.get(f"cases/{case_id}/surveys")).status_code == 404
    again = {"reason": "mistyped", "answers": interview(case_id, person_id, round_id)["answers"]}
    assert (await people.office.post(f"surveys/{survey_id}/correct", again)).status_code == 404
    other = await planned(people, DEMO)
    assert (await people.office.get("due-surveys")).json()["items"] == []
    assert (await people.office.post(f"surveys/{uuid7()}", interview(case_id, person_id, other))).status_code == 404
    assert (await people.counsellor.get(f"surveys/{survey_id}")).status_code == 200
    for nobodys in (survey_id, uuid7()):
        assert (await people.office_abroad.post(f"surveys/{nobodys}/correct", again)).status_code == 404
    assert (await people.counsellor.post(f"surveys/{uuid7()}/correct", again)).status_code == 404
    before = uuid7()
    case_before = await house.case(before, arrived=False)
    assert (await people.office.post(f"surveys/{uuid7()}", interview(case_before, before, round_id))).status_code in (404, 409)


async def asked_of_health(house: House, people: People) -> tuple[UUID, UUID, dict[str, str]]:
    """A survey with psychosocial questions that a colleague of an office recorded: the survey, the person and the answers."""
    instrument = shipped()[DEMO]
    answers = {item.code: instrument.scales[item.scale][0].code for item in instrument.items}
    answers = {item.code: answers[item.code] for item in instrument.items if not is_skipped(item, answers)}
    round_id, person_id, survey_id = await planned(people, DEMO), uuid7(), uuid7()
    body = interview(await house.case(person_id), person_id, round_id)
    body["answers"] = [{"item": item, "option": option} for item, option in answers.items()]
    answer = await people.office.post(f"surveys/{survey_id}", body)
    assert answer.status_code == 201, answer.text
    return survey_id, person_id, answers


async def test_what_a_survey_tells_of_health_is_told_to_an_office_by_a_consent_that_names_it(house: House, people: People) -> None:
    survey_id, person_id, answers = await asked_of_health(house, people)
    of_health = shipped()[DEMO].items_of({"psychosocial"})
    assert {"distress", "wants_to_talk"} <= of_health & answers.keys()
    whole = (await people.office.get(f"surveys/{survey_id}")).json()
    assert (whole["untold"], whole["recorded"][0]["answers"]) == ([], answers)
    house.register.health_untold.add(person_id)
    answer = await people.office.get(f"surveys/{survey_id}")
    found = answer.json()
    assert found["untold"] == ["psychosocial"]
    assert not any(item in answer.text for item in (*of_health, "composite"))
    (recorded,) = found["recorded"]
    assert recorded["answers"] == {item: option for item, option in answers.items() if item not in of_health}
    assert recorded["scores"]["dimensions"].keys() == {"economic", "social"}
    for part in ("economic", "social"):
        assert recorded["scores"]["dimensions"][part] == whole["recorded"][0]["scores"]["dimensions"][part]
    of_the_mission = (await people.counsellor.get(f"surveys/{survey_id}")).json()
    assert (of_the_mission["untold"], of_the_mission["recorded"]) == ([], whole["recorded"])


async def test_what_an_office_is_not_told_of_a_survey_stands_when_it_corrects_the_rest(house: House, people: People) -> None:
    survey_id, person_id, answers = await asked_of_health(house, people)
    of_health = shipped()[DEMO].items_of({"psychosocial"})
    house.register.health_untold.add(person_id)

    async def corrected(**said: str) -> tuple[int, str]:
        given = {item: option for item, option in answers.items() if item not in of_health} | said
        body = {"reason": "mistyped", "answers": [{"item": item, "option": option} for item, option in given.items()]}
        answer = await people.office.post(f"surveys/{survey_id}/correct", body)
        return answer.status_code, answer.json().get("code", "")

    assert await corrected(distress="declined") == (404, "not_found")
    assert await corrected(water="declined") == (200, "")
    recorded = (await people.counsellor.get(f"surveys/{survey_id}")).json()["recorded"]
    assert [one["answers"] for one in recorded] == [answers, {**answers, "water": "declined"}]
    assert recorded[0]["scores"]["dimensions"]["psychosocial"] == recorded[1]["scores"]["dimensions"]["psychosocial"]
    assert (await house.findings()).differences == []


async def test_children_of_a_case_are_not_asked_and_nobody_who_was_erased(house: House, people: People) -> None:
    round_id = await planned(people)
    adult, child = uuid7(), uuid7()
    case_id = uuid7()
    order = RecordCase(
        person_ids=(adult, child), destination_country="PK", counsellor_id=COUNSELLOR.person_id, deciding_ids=(adult,)
    )
    await house.react(case_id, order)
    for person_id in (adult, child):
        await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    (due,) = (await people.office.get("due-surveys")).json()["items"]
    assert [one["person_id"] for one in due["due"]] == [str(adult)]
    assert await code(await people.office.post(f"surveys/{uuid7()}", interview(case_id, child, round_id))) == "child_not_asked"
    await erased(house, adult)
    assert await code(await people.office.post(f"surveys/{uuid7()}", interview(case_id, adult, round_id))) == "person_erased"


async def test_a_returnee_is_told_what_they_answered_and_it_goes_with_them(house: House, people: People) -> None:
    round_id = await planned(people)
    survey_id, _, person_id = await surveyed(house, people, round_id)
    held = (await people.protector.get(f"persons/{person_id}/held")).json()
    assert [row["id"] for row in held["records"]["surveys"]] == [str(survey_id)]
    (answered,) = held["records"]["survey_answers"]
    assert answered["answered"]["answers"] == ANSWERS
    assert answered["answered"]["scores"]["composite"]["answered"] == 6
    assert "staff:" not in json.dumps(held)
    await erased(house, person_id)
    assert (await house.rows(_COUNTED))[0] == {"surveys": 1, "answers": 0}
    found = (await people.counsellor.get(f"surveys/{survey_id}")).json()
    assert found["recorded"] == []
    assert (await recounted(house)) == Recounted(0, ())
    assert (await house.findings()).differences == []


async def averages(people: People) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await people.coordinator.get("survey-averages/satisfaction_demo")).json()["items"]
    return found


async def test_averages_are_told_once_a_round_ended_and_nothing_that_changed_later(house: House, people: People) -> None:
    round_id = await planned(people)
    surveys = [await surveyed(house, people, round_id) for _ in range(LEAST_COUNTED - 1)]
    surveys.append(await surveyed(house, people, round_id, answered={"overall": "very_dissatisfied", "expectations": "not_at_all"}))
    survey_id, case_id, person_id = surveys[0]
    answers = interview(case_id, person_id, round_id, answered={"overall": "very_satisfied"})["answers"]
    await people.office.post(f"surveys/{survey_id}/correct", {"reason": "mistyped", "answers": answers})
    assert await averages(people) == []
    assert (await people.manager.post(f"survey-rounds/{round_id}/end", {})).status_code == 200
    found = {one["dimension"]: one for one in await averages(people)}
    assert set(found) == {"help", "altogether", "composite"}
    assert (found["altogether"]["counted"], found["altogether"]["country"], found["altogether"]["round"]) == (5, "PK", "baseline")
    # Thrice five eighths, once three quarters, and nothing, of five.
    assert found["altogether"]["value"] == "0.5250"
    told = await averages(people)
    again = {"reason": "mistyped", "answers": interview(case_id, person_id, round_id)["answers"]}
    assert (await people.office.post(f"surveys/{survey_id}/correct", again)).status_code == 200
    await erased(house, surveys[1][2])
    assert await averages(people) == told
    for nobody in (people.office, people.payer, people.reconciler):
        assert (await nobody.get("survey-averages/satisfaction_demo")).status_code == 403
    assert (await house.findings()).differences == []


async def test_of_a_round_of_fewer_than_five_neither_mean_nor_number_is_kept(house: House, people: People) -> None:
    round_id = await planned(people)
    for _ in range(LEAST_COUNTED - 1):
        await surveyed(house, people, round_id)
    assert (await people.manager.post(f"survey-rounds/{round_id}/end", {})).status_code == 200
    assert {(one["counted"], one["value"]) for one in await averages(people)} == {(None, None)}


async def test_a_published_survey_is_whole_never_changes_and_can_be_asked(house: House, people: People) -> None:
    content = (shipped_file("satisfaction_demo")).replace('code = "satisfaction_demo"', 'code = "wellbeing"', 1)
    instrument_id = uuid7()
    sent = await people.manager.put(f"instruments/{instrument_id}", content.encode(), "text/plain")
    assert sent.status_code == 201, sent.text
    again = await people.manager.put(f"instruments/{instrument_id}", content.encode(), "text/plain")
    assert again.json()["repeated"] is True
    other = await people.manager.put(f"instruments/{uuid7()}", content.encode(), "text/plain")
    assert await code(other) == "instrument_version_taken"
    shipped_one = await people.manager.put(f"instruments/{uuid7()}", shipped_file("satisfaction_demo").encode(), "text/plain")
    assert await code(shipped_one) == "instrument_version_taken"
    for broken in (content.replace('score = "0.75"', 'score = "7"').encode(), b"= no toml", "code = 'é'".encode("latin-1")):
        refused = await people.manager.put(f"instruments/{uuid7()}", broken, "text/plain")
        assert await code(refused) == "instrument_unreadable"
    assert (await people.counsellor.put(f"instruments/{uuid7()}", content.encode(), "text/plain")).status_code == 403
    listed = {one["instrument"]: one for one in (await people.counsellor.get("instruments")).json()["items"]}
    assert set(listed) == {DEMO, "satisfaction_demo", "wellbeing"}
    assert (listed["wellbeing"]["published_by"], listed[DEMO]["published_by"]) == ("staff:manager", None)
    found = (await people.office.get("instruments/wellbeing/1")).json()
    assert len(found["items"]) == 7
    assert (await people.office.get("instruments/wellbeing/2")).status_code == 404
    await surveyed(house, people, await planned(people, "wellbeing"))
    assert await recounted(house) == Recounted(1, ())
    assert (await house.findings()).differences == []


async def test_a_round_is_planned_once_at_a_time_and_ended_rounds_ask_nobody(house: House, people: People) -> None:
    round_id = await planned(people)
    body = {"instrument": "satisfaction_demo", "instrument_version": 1, "scheme": "equal", "round": "baseline"}
    assert await code(await people.manager.post(f"survey-rounds/{uuid7()}", body)) == "round_planned"
    assert await code(await people.coordinator.post(f"survey-rounds/{uuid7()}", body)) == "not_permitted"
    person_id = uuid7()
    case_id = await house.case(person_id)
    assert (await people.manager.post(f"survey-rounds/{round_id}/end", {})).status_code == 200
    assert (await people.office.get("due-surveys")).json()["items"] == []
    assert await code(await people.office.post(f"surveys/{uuid7()}", interview(case_id, person_id, round_id))) == "round_ended"
    await planned(people)
    assert [one["ended_by"] for one in (await people.auditor.get("survey-rounds")).json()["items"]] == ["staff:manager", None]
    assert (await house.findings()).differences == []


@pytest.mark.timeout(1800)  # for --answer-sets 10000
async def test_every_set_of_answers_that_was_stored_is_counted_again_to_the_same_scores(
    house: House, people: People, request: pytest.FixtureRequest
) -> None:
    sets = int(request.config.getoption("--answer-sets"))
    random, demo = Random(7), shipped()[DEMO]
    round_id, keys = await planned(people, DEMO), house.made.person_keys
    person_ids = [uuid7() for _ in range(sets)]
    scope, unanswered = EVERYWHERE.scope(OFFICE), 0
    for number, person_id in enumerate(person_ids):
        given: dict[str, str] = {}
        for item in demo.items:
            if not is_skipped(item, given):
                given[item.code] = random.choice(demo.scales[item.scale]).code
        if number % 5 == 0:
            for asked in random.sample([code for code in given if code != "can_stay"], 3):
                given[asked] = "declined"
            unanswered += 1
        if number % 20 == 0:
            case_id = await house.case(*person_ids[number : number + 20])
        body = interview(case_id, person_id, round_id)
        order = RecordSurvey.model_validate({**body, "answers": [{"item": item, "option": option} for item, option in given.items()]})

        async def work(unit: Any, order: RecordSurvey = order, person_id: UUID = person_id) -> None:
            survey_id = uuid7()
            key = await keys.made_key(unit, person_id)
            handled = await handle(
                unit, SURVEY, survey_id, order, Context(OFFICE, NOON), Origin("x"), reach=EVERYWHERE, apart=True
            )
            unit.write(*survey_answers.kept(survey_id, 1, "PK", person_id)(key, handled))

        await house.api.attempt(scope, work)
    assert unanswered >= sets // 5
    assert await recounted(house) == Recounted(sets, ())
    # One score that was kept otherwise is found.
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute("UPDATE surveys SET scheme = 'other' WHERE id = (SELECT id FROM surveys ORDER BY id LIMIT 1)")
    await connection.close()
    assert len((await recounted(house)).differ) == 1


async def recounted(house: House) -> Recounted:
    return await house.api.attempt(EVERYWHERE.scope(WORKER), partial(recount, keys=house.made.person_keys, batch=150))


def shipped_file(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
