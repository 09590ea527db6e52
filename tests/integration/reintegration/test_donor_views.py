"""What a donor is told of a fund: whole for whoever answers for it, and withheld in whatever leaves the mission."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.periods import ClosePeriod
from services.reintegration.domain.tranches import ConfirmPayment
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import FUND, PERIOD
from shared.db import Sql
from shared.ids import uuid7
from tests import xlsx
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_periods import close
from tests.unit.reintegration.examples import CHIEF, ENDORSER, MANAGER, PAYER, RECONCILER, eur

people = people_of
JUNE = datetime(2023, 6, 5, 10, 0, tzinfo=UTC)
AUGUST = datetime(2023, 8, 5, 10, 0, tzinfo=UTC)

_TAKEN = Sql("SELECT operation FROM accesses WHERE outcome = 'read' AND operation = 'export_donor_view'")


async def filled(house: House, project: str = "CE-0412") -> UUID:
    """A fund that paid for six businesses and is to pay for five; one grant of housing; one more was cancelled."""
    fund_id = uuid7()
    valid = {"valid_from": "2022-01-01", "valid_until": "2024-12-31"}
    order = OpenFund.model_validate({"project": project, "donor": "EU", "granted": eur("10000.00"), **valid})
    await house.give(FUND, fund_id, order, MANAGER)
    await house.give(FUND, fund_id, ConfirmFund(change_no=1), CHIEF)
    for number in range(6):
        grant_id = await house.approved((await house.line()).request("100.00"), fund_id)
        if number == 0:
            await house.paid(grant_id, 1)
    await house.approved((await house.line("housing")).request("70.00"), fund_id)
    cancelled = await house.approved((await house.line()).request("50.00"), fund_id)
    await house.give(GRANT, cancelled, CancelGrant(reason="not_needed"), ENDORSER)
    return fund_id


async def test_the_manager_sees_all_of_it_and_whoever_does_not_answer_for_the_fund_what_a_donor_sees(house: House, people: People) -> None:
    fund_id = await filled(house)
    path = f"funds/{fund_id}/donor-view"
    whole = (await people.manager.at(JUNE).get(path, month="2023-05")).json()
    assert not whole["withheld"]
    told = {(one["category"], one["country"]): (one["grants"], one["committed"], one["spent"]) for one in whole["cells"]}
    assert told["business", "PK"] == (6, "500.00", "100.00") and told["housing", "PK"] == (1, "70.00", "0")
    assert told[None, None] == (7, "570.00", "100.00")
    still_open = await people.auditor.at(JUNE).get(path, month="2023-05")
    assert (still_open.status_code, still_open.json()["code"]) == (409, "month_not_closed")
    await close(house)
    held_back = (await people.auditor.at(JUNE).get(path, month="2023-05")).json()
    assert held_back["withheld"]
    # One grant of housing, and one payment, wait until four others can be told with them.
    assert [(one["category"], one["grants"], one["committed"], one["spent"]) for one in held_back["cells"]] == [
        ("business", 6, "600.00", "0"), ("business", 6, "600.00", "0"), (None, 6, "600.00", "0"), (None, 6, "600.00", "0"),
    ]  # fmt: skip
    assert (await people.office.at(JUNE).get(path, month="2023-05")).status_code == 403
    early = await people.manager.at(JUNE).get(path, month="2023-06")
    assert (early.status_code, early.json()["code"]) == (409, "month_not_over")
    assert (await people.manager.at(JUNE).get(path, month="2023-04")).json()["cells"][-1]["grants"] == 0


async def test_a_month_without_postings_that_is_open_lets_no_later_one_be_told(house: House, people: People) -> None:
    fund_id = await filled(house)
    late = await house.approved((await house.line()).request("100.00"), fund_id)
    await house.give(GRANT, late, await house.vendors.release(1), PAYER)
    for month in ("2023-05", "2023-07"):
        await house.give(PERIOD, uuid7(), ClosePeriod(month=month), RECONCILER, AUGUST)
    path, file = f"funds/{fund_id}/donor-view", {"fund": str(fund_id), "month": "2023-07"}
    for answer in (
        await people.auditor.at(AUGUST).get(path, month="2023-07"), await people.manager.at(AUGUST).get("exports/donor-view", **file),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (409, "month_not_closed")
        assert "2023-06" in answer.json()["title"]
    # Of the months before it nothing changes by what is posted there.
    assert (await people.auditor.at(AUGUST).get(path, month="2023-05")).status_code == 200
    await house.give(GRANT, late, ConfirmPayment(number=1, reference="BANK-0009", paid_on=date(2023, 6, 20)), PAYER, AUGUST)
    await house.give(PERIOD, uuid7(), ClosePeriod(month="2023-06"), RECONCILER, AUGUST)
    assert (await people.auditor.at(AUGUST).get(path, month="2023-07")).status_code == 200


@pytest.mark.parametrize("month", ["2023-06", "9999-12"])
async def test_of_a_month_that_is_not_over_nothing_is_told_and_no_file_is_put_on_record(house: House, people: People, month: str) -> None:
    fund_id = await filled(house)
    for answer in (
        await people.manager.at(JUNE).get(f"funds/{fund_id}/donor-view", month=month),
        await people.manager.at(JUNE).get("exports/donor-view", fund=str(fund_id), month=month),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (409, "month_not_over")
    assert await house.rows(_TAKEN) == []


@pytest.mark.parametrize("project", ["CE-0412", "-1"], ids=["code", "like_a_formula"])
async def test_the_file_for_a_donor_is_withheld_whoever_takes_it_and_no_cell_of_it_is_a_formula(house: House, people: People, project: str) -> None:
    fund_id = await filled(house, project)
    await close(house)
    answer = await people.manager.at(JUNE).get("exports/donor-view", fund=str(fund_id), month="2023-05")
    assert answer.status_code == 200, answer.text
    file = xlsx.read(answer.content)
    _, *rows = file["Grants"].values()
    assert ("housing", "1") not in {(row[0], row[2]) for row in rows}
    assert rows[-1][:4] == ["all", "all", "6", "EUR"]
    assert b"<f>" not in answer.content
    assert file["About"].pairs()["Project"].value == project
    assert file["About"].pairs()["At the end of"].value == "2023-05"
