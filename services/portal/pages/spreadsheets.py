"""Finance's lists to take home as spreadsheets: the file, and the page to which its reader comes back from the key."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.key import goes_on
from services.portal.pages.log_files import begun, sent

router = APIRouter(prefix="/exports")

List = Literal["queue", "grants", "funds", "rates", "exceptions", "undecidable", "donor-view", "open-items"]
_Text = Annotated[str, Query(max_length=40)]
_Format = Literal["xlsx", "csv"]
_OF: Final[Mapping[List, str]] = {"queue": "turns", "grants": "grants", "funds": "funds", "rates": "rates", "exceptions": "exceptions", "undecidable": "undecidable-grants", "donor-view": "donor-view", "open-items": "open-items"}


@router.get("/{name}")
async def export(
    name: List, page: Reading, status: _Text = "", currency: _Text = "", fund: _Text = "", month: _Text = "", format: _Format = "xlsx", table: _Text = "",
    first: Annotated[str, Query(max_length=10, alias="from")] = "", last: Annotated[str, Query(max_length=10, alias="to")] = "",
) -> Response:  # fmt: skip
    """Where a download begins by itself for whoever comes back from touching the key, and anybody else can begin it."""
    asked = _asked(status, currency, first, last, fund, month, table)
    file, csv = (_address(f"/exports/{name}/file", asked, one) for one in ("xlsx", "csv"))
    begins = (csv if format == "csv" else file) if await goes_on(page) else None
    return begun(await page.show("export.html", name=name, file=file, csv=csv, begins=begins), begins)


@router.get("/{name}/file")
async def file(
    name: List, page: Reading, status: _Text = "", currency: _Text = "", fund: _Text = "", month: _Text = "", format: _Format = "xlsx", table: _Text = "",
    first: Annotated[str, Query(max_length=10, alias="from")] = "", last: Annotated[str, Query(max_length=10, alias="to")] = "",
) -> Response:  # fmt: skip
    """A list as a spreadsheet or as CSV, narrowed as it is asked."""
    asked = _asked(status, currency, first, last, fund, month, table)
    back = _address(f"/exports/{name}", asked, format)
    return await sent(page, [("reintegration", f"/v1/exports/{_OF[name]}", asked | {"format": format})], f"avrr-{name}", format, back)


def _asked(status: str, currency: str, first: str, last: str, fund: str, month: str, table: str) -> dict[str, str]:
    said = {
        "status": status, "currency": currency.strip().upper(), "from": first.strip(), "to": last.strip(), "fund": fund.strip(),
        "month": month.strip(), "table": table.strip(),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _address(path: str, asked: Mapping[str, str], format: str) -> str:
    query = urlencode({**asked, **({} if format == "xlsx" else {"format": format})})
    return f"{path}?{query}" if query else path
