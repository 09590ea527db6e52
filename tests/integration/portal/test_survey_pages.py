"""Surveys and spot checks on their pages, with the real reintegration behind them and without a script."""

import re

from services.reintegration.domain.survey_rounds import PlanRound
from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.grant_wiring import GRANT
from services.reintegration.survey_wiring import SURVEY_ROUND
from shared.ids import uuid7
from tests.integration.portal.person import People, Person
from tests.integration.reintegration.office import OFFICE, House
from tests.unit.reintegration.examples import MANAGER
from tests.unit.reintegration.test_surveys import ANSWERS


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def form_of(page: str) -> str:
    return str(re.findall(r'href="(/surveys/[^"]+/interview[^"]+)"', page)[0]).replace("&amp;", "&")


async def planned(house: House, instrument: str = "satisfaction_demo") -> None:
    order = PlanRound(
        instrument=instrument, instrument_version=1, scheme="equal", round="endline", from_month=0, to_month=120
    )
    await house.give(SURVEY_ROUND, uuid7(), order, MANAGER)


async def test_an_office_asks_in_the_language_of_the_person_and_reads_what_came_of_it(people: People, house: House) -> None:
    await planned(house)
    person_id = uuid7()
    await house.case(person_id, country="TR")
    office = people()
    await office.sign_in("receiving-office-tr")
    page = await at(office, "/surveys")
    assert str(person_id)[-6:] in page
    form = form_of(page)
    asked = await at(office, form)
    assert "An example: no survey of IOM." in asked
    assert "How satisfied are you with the counselling?" in asked
    # What was answered so far stays when the questions are shown in another language, in its own direction.
    half = {"answer.counselling": "satisfied", "consented": "yes", "language": "eng", "key": str(uuid7())}
    shown = (await office.post(form, {**half, "to": "urd"})).text
    assert re.search(r'<span lang="ur" dir="rtl">[^<]*مشاورت', shown)
    assert re.search(r'value="satisfied" checked', shown)
    assert "اردو" in shown
    # What is missing is named and leads to its place, and nothing is lost.
    refused = await office.post(form, {**half, "interviewed_on": "2026-13-01"})
    assert refused.status_code == 422
    for place in ("#mode", "#interviewed_on", "#answer.overall"):
        assert f'href="{place}"' in refused.text
    assert "#answer.counselling" not in refused.text
    whole = {**half, "mode": "phone", "interviewed_on": "2023-06-01", **{f"answer.{item}": option for item, option in ANSWERS.items()}}
    sent = await office.post(form, whole)
    assert sent.status_code == 303, sent.text
    result = await at(office, sent.headers["location"])
    assert "0.6250" in result
    assert "from 4 of 5 answers" in result
    assert "An example: no survey of IOM." in result
    assert "Nobody is due now." in await at(office, "/surveys")

    # Recorded anew for a reason, with what was recorded before beside it.
    correcting = sent.headers["location"] + "/correct"
    assert re.search(r'value="satisfied" checked', await at(office, correcting))
    again = {"language": "eng", "key": str(uuid7()), **{f"answer.{item}": option for item, option in {**ANSWERS, "overall": "neither"}.items()}}
    assert (await office.post(correcting, again)).status_code == 422
    assert (await office.post(correcting, {**again, "reason": "mistyped"})).status_code == 303
    assert "As it was recorded before" in await at(office, sent.headers["location"])


async def test_a_question_that_is_skipped_says_so_and_is_left_out(people: People, house: House) -> None:
    await planned(house, "rss_demo_equal_weights")
    await house.case(uuid7(), country="TR")
    office = people()
    await office.sign_in("receiving-office-tr")
    form = form_of(await at(office, "/surveys"))
    asked = await at(office, form)
    assert "Not asked after this answer:" in asked
    options = {name: value for name, value in re.findall(r'name="(answer\.\w+)" value="(\w+)"', asked) if value}
    options["answer.can_stay"] = "yes"
    first = {"consented": "yes", "mode": "video", "interviewed_on": "2023-06-01", "language": "eng", "key": str(uuid7())}
    refused = await office.post(form, {**first, **options})
    assert refused.status_code == 409
    assert "This was not recorded" in refused.text
    del options["answer.why_leave"]
    assert (await office.post(form, {**first, **options})).status_code == 303


async def test_what_may_tell_of_health_is_on_no_page_of_an_office_without_a_consent_that_names_it(people: People, house: House) -> None:
    await planned(house, "rss_demo_equal_weights")
    person_id = uuid7()
    await house.case(person_id, country="TR")
    office = people()
    await office.sign_in("receiving-office-tr")
    form = form_of(await at(office, "/surveys"))
    options = dict(re.findall(r'name="(answer\.\w+)" value="(\w+)"', await at(office, form)))
    options = dict.fromkeys(options, "declined")
    first = {"consented": "yes", "mode": "video", "interviewed_on": "2023-06-01", "language": "eng", "key": str(uuid7())}
    sent = await office.post(form, {**first, **options})
    assert sent.status_code == 303, sent.text
    path = sent.headers["location"]
    told = ("psychosocial", "talk to somebody who is trained")
    page = await at(office, path)
    assert all(one in page for one in told)
    house.register.health_untold.add(person_id)
    page, correcting = await at(office, path), await at(office, f"{path}/correct")
    assert "What may tell of health is not shown" in page
    assert not any(one in shown for one in told for shown in (page, correcting))
    assert "answer.water" in correcting
    again = {name: option for name, option in options.items() if f'name="{name}"' in correcting}
    again |= {"answer.water": "good", "reason": "mistyped", "language": "eng", "key": str(uuid7())}
    assert (await office.post(f"{path}/correct", again)).status_code == 303


async def test_whoever_does_not_agree_is_recorded_so_from_the_list(people: People, house: House) -> None:
    await planned(house)
    person_id = uuid7()
    await house.case(person_id, country="TR")
    office = people()
    await office.sign_in("receiving-office-tr")
    page = await at(office, "/surveys")
    form = form_of(page)
    no = {"consented": "no", "mode": "phone", "interviewed_on": "2023-06-01", "language": "eng", "key": str(uuid7())}
    refused = await office.post(form, no)
    assert (refused.status_code, "Record that the person refused instead." in refused.text) == (409, True)
    path = re.findall(r'href="(/do/reintegration/refuse_survey/[^"]+)"', page)[0].replace("&amp;", "&")
    assert str(person_id)[-6:] in await at(office, path)
    sent = await office.post(path, {"mode": "phone", "asked_on": "2023-06-01", "key": str(uuid7()), "version": "", "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/surveys"), sent.text
    assert "did not wish to be asked before" in await at(office, "/surveys")


async def test_a_manager_plans_and_ends_rounds_and_sees_averages_of_no_few(people: People, house: House) -> None:
    manager = people()
    await manager.sign_in("manager")
    page = await at(manager, "/survey-rounds")
    assert "No round is planned, so nobody is asked." in page
    assert "پښتو" in page
    path = re.findall(r'href="(/do/reintegration/plan_round/[^"]+)"', page)[0]
    plan = {
        "instrument": "satisfaction_demo", "instrument_version": "1", "scheme": "equal", "round": "midline", "from_month": "",
        "to_month": "", "key": str(uuid7()), "version": "", "step": "send",
    }  # fmt: skip
    sent = await manager.post(path, plan)
    assert sent.status_code == 303, sent.text
    page = await at(manager, "/survey-rounds")
    assert "5–8" in page
    assert "No round of it has ended yet, or nobody was asked." in await at(manager, "/surveys/averages?instrument=satisfaction_demo")
    end = re.findall(r'href="(/do/reintegration/end_round/[^"]+)"', page)[0]
    assert (await manager.post(end, {"key": str(uuid7()), "version": "", "step": "send"})).status_code == 303
    assert "end_round" not in await at(manager, "/survey-rounds")


async def test_a_spot_check_is_drawn_and_recorded_on_its_pages(people: People, house: House) -> None:
    fund_id, line = await house.fund(), await house.line()
    await house.lenient()
    grant_id = await house.approved(line.request("100.00"), fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    auditor = people()
    await auditor.sign_in("auditor")
    path = re.findall(r'href="(/do/reintegration/draw_spot_check/[^"]+)"', await at(auditor, "/spot-checks"))[0]
    asked = {"from_day": "2023-05-01", "to_day": "2023-05-02", "size": "3", "key": str(uuid7()), "version": "", "step": "send"}
    sent = await auditor.post(path, asked)
    assert sent.status_code == 303, sent.text
    draw = re.findall(r'href="(/spot-checks/[^"]+)"', await at(auditor, "/spot-checks?open=true"))[0]
    page = await at(auditor, draw)
    assert str(grant_id)[-6:] in page
    path = re.findall(r'href="(/do/reintegration/record_spot_check/[^"]+)"', page)[0].replace("&amp;", "&")
    found = {"outcome": "differs", "mode": "in_person", "checked_on": "2026-01-01", "key": str(uuid7()), "version": "", "step": "send"}
    found["checked_on"] = re.findall(r'name="checked_on"[^>]*value="([^"]+)"', await at(auditor, path))[0]
    sent = await auditor.post(path, found)
    assert (sent.status_code, sent.headers["location"]) == (303, draw), sent.text
    assert "it is otherwise than was confirmed" in await at(auditor, draw)
    assert "a spot check found otherwise" in await at(auditor, "/exceptions?from=2023-05-01&to=2023-05-03")
