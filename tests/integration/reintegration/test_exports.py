"""What finance takes home: who may, that it is on record, and that a file says what there is at one moment of the log."""

from datetime import timedelta

import httpx
import pytest

from services.reintegration.domain.fund import CloseFund, ConfirmFund
from services.reintegration.domain.rates import CorrectRate, RecordRate
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import FUND, RATE
from shared.clock import Clock
from shared.db import Sql
from shared.ids import uuid7
from tests import xlsx
from tests.given import NOON
from tests.integration.reintegration.office import REQUESTER, House
from tests.integration.reintegration.test_api import APP, People, asked_for, shown
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import CHIEF, MANAGER, RECONCILER, TODAY

people = people_of
LISTS = ("turns", "grants", "funds", "rates")
_EVENTS = Sql("SELECT size FROM log_head")
_READ = Sql("SELECT operation, actor_id FROM accesses WHERE outcome = 'read' ORDER BY id")


async def events(house: House) -> str:
    return str((await house.rows(_EVENTS))[0]["size"])


def sheets(answer: httpx.Response) -> dict[str, xlsx.Sheet]:
    assert (answer.status_code, answer.headers["content-type"]) == (
        200, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ), answer.text  # fmt: skip
    return xlsx.read(answer.content)


def table(sheet: xlsx.Sheet) -> list[dict[str, str]]:
    head, *rows = sheet.values()
    return [dict(zip(head, row, strict=True)) for row in rows]


async def test_grants_are_taken_home_with_their_money_and_without_what_they_are_for(house: House, people: People) -> None:
    line, other = await house.lines("business", "medical")
    fund_id = await house.fund()
    approved = await house.approved(line.request("1000.50", "600.50", "400.00"), fund_id)
    waiting = await house.endorsed(other.request("250.00"), NOON + timedelta(days=3))
    await house.give(GRANT, uuid7(), (await house.line()).request("70.00"), REQUESTER)
    known = await events(house)
    file = sheets(await people.auditor.get("exports/grants"))
    rows = table(file["Grants"])
    assert [(row["Grant"], row["Status"], row["Amount"], row["Committed"], row["Fund"]) for row in rows] == [
        (str(approved), "approved", "1000.50", "1000.50", str(fund_id)), (str(waiting), "endorsed", "250.00", "0", "")
    ]  # fmt: skip
    about = file["About"].pairs()
    # That somebody takes it home is on record before it is read.
    assert int(about["Events of the log that it knows"].value) == int(known) + 1
    assert about["Asked for by"].value == "staff:auditor"
    said = " ".join(cell for sheet in file.values() for row in sheet.values() for cell in row)
    for untold in ("medical", "business", str(line.person_id), str(line.plan_id)):
        assert untold not in said
    narrowed = [
        ({"status": "endorsed"}, [waiting]), ({"status": "rejected"}, []), ({"to": str(TODAY)}, [approved]),
        ({"from": str(TODAY + timedelta(days=1))}, [waiting]), ({"from": str(TODAY), "to": str(TODAY), "status": "endorsed"}, []),
    ]  # fmt: skip
    for asked, expected in narrowed:
        file = sheets(await people.manager.get("exports/grants", **asked))
        assert [row["Grant"] for row in table(file["Grants"])] == [str(id) for id in expected], asked
        assert file["About"].pairs()["Rows of Grants"].value == str(len(expected))
        if "status" in asked:
            assert file["About"].pairs()["Status"].value == asked["status"]


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"to": "9999-12-31"}, "day_out_of_reach"), ({"from": "0001-01-01"}, "day_out_of_reach"),
        ({"from": "2023-05-02", "to": "2023-05-01"}, "period_reversed"),
    ],
)  # fmt: skip
async def test_days_of_no_year_of_ours_and_the_wrong_way_round_are_refused(people: People, days: dict[str, str], code: str) -> None:
    answer = await people.auditor.get("exports/grants", **days)
    assert (answer.status_code, answer.json()["code"]) == (409, code)


async def test_the_queue_is_taken_home_with_the_days_and_the_reason_why_its_reader_may_not(house: House, people: People) -> None:
    line, other = await house.lines("business", "housing")
    later = await house.endorsed(line.request("300.00"), NOON - timedelta(days=2))
    first = await house.endorsed(other.request("200.00"), NOON - timedelta(days=9, hours=1))
    rows = table(sheets(await people.approver.get("exports/turns"))["Queue"])
    assert [(row["Grant"], row["Waits for"], row["Days"], row["You may"], row["Reason"]) for row in rows] == [
        (str(first), "approver", "9", "yes", ""), (str(later), "approver", "2", "yes", "")
    ]  # fmt: skip
    own = await asked_for(people, (await house.lines("business"))[0])
    await people.coordinator.post(f"grants/{own}/endorse", await shown(people, own))
    page = (await people.endorser_and_approver.get("turns")).json()["items"]
    why = {one["id"]: action["reason"] for one in page for action in one["actions"] if action["name"] == "approve_grant"}
    rows = table(sheets(await people.endorser_and_approver.get("exports/turns"))["Queue"])
    assert {row["Grant"]: row["Reason"] or None for row in rows} == why
    assert [(row["Grant"], row["You may"], row["Reason"]) for row in rows if row["You may"] == "no"] == [(str(own), "no", "four_eyes")]
    assert table(sheets(await people.payer.get("exports/turns"))["Queue"]) == []


async def test_each_donor_line_is_taken_home_with_what_its_grants_use_of_it(house: House, people: People) -> None:
    line, other = await house.lines("business", "housing")
    fund_id = await house.fund("10000.00")
    await house.approved(line.request("1000.00"), fund_id)
    await house.paid(await house.approved(other.request("500.00"), fund_id), 1)
    unused, closed = await house.fund("20.00"), await house.fund("30.00")
    await house.give(FUND, closed, CloseFund(reason="project_ended"), MANAGER)
    await house.give(FUND, closed, ConfirmFund(change_no=2), CHIEF)
    await house.give(FUND, unused, CloseFund(reason="project_ended"), MANAGER)
    file = sheets(await people.reconciler.get("exports/funds"))
    held = {row["Fund"]: tuple(row[name] for name in ("Granted", "Committed", "Spent", "Available")) for row in table(file["Funds"])}
    assert held == {
        str(fund_id): ("10000.00", "1000.00", "500.00", "8500.00"), str(unused): ("20.00", "0", "0", "20.00"), str(closed): ("30.00", "0", "0", "0")
    }  # fmt: skip
    assert {row["Fund"]: (row["Status"], row["Waits to be confirmed"]) for row in table(file["Funds"])} == {
        str(fund_id): ("open", ""), str(unused): ("open", "close"), str(closed): ("closed", "")
    }  # fmt: skip
    used = {(row["Fund"], row["Status"]): (row["Grants"], row["Committed"], row["Paid"]) for row in table(file["Grants by fund"])}
    assert used == {(str(fund_id), "approved"): ("1", "1000.00", "0"), (str(fund_id), "disbursed"): ("1", "0.00", "500.00")}


async def test_rates_are_taken_home_with_every_revision(house: House, people: People) -> None:
    empty = sheets(await people.payer.get("exports/rates"))
    assert (len(empty["Rates"].rows), empty["About"].pairs()["Rows of Rates"].value) == (1, "0")
    rate_id = uuid7()
    for currency, id in (("TND", rate_id), ("XOF", uuid7())):
        record = RecordRate.model_validate(
            {"currency": currency, "base": "USD", "effective_on": TODAY, "rate": "3.0420", "source": "un_operational_rate"}
        )
        await house.give(RATE, id, record, RECONCILER)
    correct = CorrectRate.model_validate({"rate": "3.024", "source": "central_bank", "reason": "mistyped"})
    await house.give(RATE, rate_id, correct, RECONCILER)
    rows = table(sheets(await people.payer.get("exports/rates", currency="TND"))["Rates"])
    assert [(row["Revision"], row["Rate: one of the base is"], row["Reason"], row["Rate's id"]) for row in rows] == [
        ("2", "3.024", "mistyped", str(rate_id)), ("1", "3.0420", "", str(rate_id))
    ]  # fmt: skip
    assert len(table(sheets(await people.payer.get("exports/rates"))["Rates"])) == 3


async def test_each_file_is_on_record_before_it_is_handed_out(house: House, people: People) -> None:
    for name in LISTS:
        await people.reconciler.get(f"exports/{name}")
    taken = [(str(row["operation"]), str(row["actor_id"])) for row in await house.rows(_READ)]
    assert taken == [(f"export_{name}", "staff:reconciler") for name in LISTS]


@pytest.mark.parametrize("name", LISTS)
async def test_whoever_has_no_part_in_the_money_takes_nothing_home(people: People, name: str) -> None:
    for caller in (people.office, people.counsellor, people.coordinator, people.consul):
        assert (await caller.get(f"exports/{name}")).status_code == 403


async def test_at_the_end_of_a_month_every_list_is_taken_home_and_none_of_them_often(people: People) -> None:
    # A replay is held to nobody's pace, as the other tests are.
    APP.state.runtime.clock = Clock("real")
    for caller in (people.auditor, people.manager):
        caller.now()
    lists = ("grants", "funds", "rates")
    for _ in range(3):
        assert [(await people.auditor.get(f"exports/{name}")).status_code for name in lists] == [200] * len(lists)
    for name in lists:
        answer = await people.auditor.get(f"exports/{name}")
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert (await people.manager.get("exports/grants")).status_code == 200
