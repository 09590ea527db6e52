"""Finance's lists to take home as spreadsheets: the file, and the page to which its reader comes back from the key."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.key import goes_on
from services.portal.pages.log_files import begun, sent

router = APIRouter(prefix="/exports")

List = Literal["queue", "grants", "funds", "rates", "exceptions", "undecidable", "donor-view"]
_Text = Annotated[str, Query(max_length=40)]
_OF: Final[Mapping[List, str]] = {"queue": "turns", "grants": "grants", "funds": "funds", "rates": "rates", "exceptions": "exceptions", "undecidable": "undecidable-grants", "donor-view": "donor-view"}


@router.get("/{name}")
async def export(
    name: List, page: Reading, status: _Text = "", currency: _Text = "", fund: _Text = "", month: _Text = "",
    first: Annotated[str, Query(max_length=10, alias="from")] = "", last: Annotated[str, Query(max_length=10, alias="to")] = "",
) -> Response:  # fmt: skip
    """Where a download begins by itself for whoever comes back from touching the key, and anybody else can begin it."""
    file = _address(f"/exports/{name}/file", status, currency, first, last, fund, month)
    begins = await goes_on(page)
    return begun(await page.show("export.html", name=name, file=file, begins=begins), file if begins else None)


@router.get("/{name}/file")
async def file(
    name: List, page: Reading, status: _Text = "", currency: _Text = "", fund: _Text = "", month: _Text = "",
    first: Annotated[str, Query(max_length=10, alias="from")] = "", last: Annotated[str, Query(max_length=10, alias="to")] = "",
) -> Response:  # fmt: skip
    """A list as a spreadsheet, narrowed as it is asked."""
    asked = _asked(status, currency, first, last, fund, month)
    back = _address(f"/exports/{name}", status, currency, first, last, fund, month)
    return await sent(page, [("reintegration", f"/v1/exports/{_OF[name]}", asked)], f"avrr-{name}", "xlsx", back)


def _asked(status: str, currency: str, first: str, last: str, fund: str, month: str) -> dict[str, str]:
    said = {"status": status, "currency": currency.strip().upper(), "from": first.strip(), "to": last.strip(), "fund": fund.strip(), "month": month.strip()}
    return {name: value for name, value in said.items() if value}


def _address(path: str, status: str, currency: str, first: str, last: str, fund: str, month: str) -> str:
    query = urlencode(_asked(status, currency, first, last, fund, month))
    return f"{path}?{query}" if query else path
