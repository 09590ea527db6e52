"""Every list that leaves as a file, as XLSX and as CSV: whoever opens it calculates nothing, and it is on record."""

import csv
import io
import re

import pytest

from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.policy import EXPORTS
from services.reintegration.routes import router
from services.reintegration.routes.exports import Spreadsheet
from services.reintegration.wiring import FUND
from shared.db import Sql
from shared.endpoints import api_routes
from shared.ids import uuid7
from shared.plain_cells import is_risky
from tests import xlsx
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_donor_views import JUNE
from tests.integration.reintegration.test_periods import close
from tests.unit.reintegration.examples import CHIEF, MANAGER, eur

people = people_of
ROUTES = {route.name: route.path for route in api_routes([router]) if route.response_class is Spreadsheet}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_READ = Sql("SELECT operation FROM accesses WHERE outcome = 'read' ORDER BY id")


def test_every_export_is_walked_here() -> None:
    assert ROUTES.keys() == set(EXPORTS)


@pytest.mark.parametrize("operation", sorted(ROUTES))
async def test_no_cell_of_an_export_is_a_formula_and_each_file_is_on_record(house: House, people: People, operation: str) -> None:
    fund_id = uuid7()
    order = OpenFund.model_validate(
        {"project": "-1", "donor": "-2", "granted": eur("10000.00"), "valid_from": "2022-01-01", "valid_until": "2024-12-31"}
    )
    await house.give(FUND, fund_id, order, MANAGER)
    await house.give(FUND, fund_id, ConfirmFund(change_no=1), CHIEF)
    grants = [await house.approved((await house.line()).request("100.00"), fund_id) for _ in range(5)]
    await house.endorsed((await house.line()).request("70.00"))
    await house.paid(grants[0], 1)
    await close(house)
    asked = {
        "export_donor_view": {"fund": str(fund_id), "month": "2023-05"}, "export_exceptions": {"from": "2023-05-01", "to": "2023-05-31"},
    }.get(operation, {})  # fmt: skip
    caller = (people.approver if operation == "export_turns" else people.chief).at(JUNE)
    path = ROUTES[operation].removeprefix("/v1/")
    tables = {"export_funds": ("funds", "uses"), "export_open_items": ("numbers", "items")}.get(operation, ("",))

    whole = await caller.get(path, **asked)
    assert whole.status_code == 200, whole.text
    assert b"<f>" not in whole.content and b"<hyperlink" not in whole.content
    sheets = list(xlsx.read(whole.content).values())
    for number, table in enumerate(tables):
        answer = await caller.get(path, **asked, format="csv", **({"table": table} if table else {}))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), answer.text
        head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
        assert head == sheets[number].values()[0]
        assert {len(row) for row in rows} <= {len(head)}
        assert len(rows) == len(sheets[number].rows) - 1
        assert not [cell for row in rows for cell in row if is_risky(cell) and not _NUMBER.fullmatch(cell)]
        if "Project" in head:
            # What looks like a number is a code here, and stays one.
            assert rows[0][head.index("Project")] == "'-1"
            assert sheets[number].rows[1][head.index("Project")] == xlsx.Cell("text", "-1", "0")
    taken = [str(row["operation"]) for row in await house.rows(_READ)]
    assert taken.count(operation) == 1 + len(tables)
    assert (await caller.get(path, **asked, format="pdf")).status_code == 422
