"""What is open with finance, and for how long: a table of numbers, and the list behind each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading, Turned
from services.portal.pages.naming import short
from services.portal.translation import _

router = APIRouter()

KINDS: Final = (
    "waits_for_batch", "waits_for_bank", "waits_for_payer", "cash_not_handed_over", "not_delivered", "not_reconciled",
    "unmatched_line", "open_recovery", "unconfirmed_file",
)  # fmt: skip
AGES: Final = ("0-30", "31-60", "61-90", "over-90")
_PATH: Final = "/open-items"


@dataclass(frozen=True, slots=True)
class Number:
    """How many items stand behind a number of the table, how much they are, and where they are listed."""

    items: int
    total: str
    path: str


@dataclass(frozen=True, slots=True)
class Row:
    """One kind in one currency: a number for each age, None where nothing is open, and one for all of them."""

    kind: str
    currency: str
    ages: tuple[Number | None, ...]
    whole: Number


def rows_of(groups: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The table of these groups, in the order of a payment's way and of the currencies' codes."""
    found: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for group in groups:
        found.setdefault((group["kind"], group["currency"]), {})[group["age"]] = group
    return [
        Row(kind, currency, tuple(_number(kind, currency, age, of) for age in AGES), _whole(kind, currency, of.values()))
        for (kind, currency), of in sorted(found.items(), key=lambda one: (KINDS.index(one[0][0]), one[0][1]))
    ]


def _number(kind: str, currency: str, age: str, groups: Mapping[str, Mapping[str, Any]]) -> Number | None:
    group = groups.get(age)
    return None if group is None else Number(group["items"], group["total"], listed_at(kind, age, currency))


def _whole(kind: str, currency: str, every: Collection[Mapping[str, Any]]) -> Number:
    total = sum((Decimal(one["total"]) for one in every), Decimal(0))
    return Number(sum(one["items"] for one in every), f"{total:f}", listed_at(kind, "", currency))


def listed_at(kind: str, age: str, currency: str) -> str:
    """The address of a list, narrowed to what is given."""
    query = urlencode({name: value for name, value in (("age", age), ("currency", currency)) if value})
    return f"{_PATH}/{kind}?{query}" if query else f"{_PATH}/{kind}"


@router.get(_PATH)
async def open_items(page: Reading) -> Response:
    """How much waits of each kind, currency and age; each number leads to its list."""
    found = (await page.ask("reintegration", "/v1/open-items")).body
    return await page.show("open_items.html", found=found, rows=rows_of(found["groups"]), ages=AGES)


@router.get(_PATH + "/{kind}")
async def open_items_of_kind(
    kind: str, page: Reading, age: Annotated[str, Query(max_length=10)] = "", currency: Annotated[str, Query(max_length=3)] = "",
    after: Annotated[str | None, Query(max_length=60)] = None,
) -> Response:  # fmt: skip
    """The open items of one kind, the longest waiting first."""
    if kind not in KINDS or (age and age not in AGES):
        raise Turned(page.fault(404, "not_found", _("There is no such list.")))
    found = (
        await page.ask("reintegration", f"/v1/open-items/{kind}", age=age or None, currency=currency or None, after=after)
    ).body
    here = listed_at(kind, age, currency)
    goes_on = f"{here}{'&' if '?' in here else '?'}"
    return await page.show(
        "open_items_of_kind.html", found=found, kind=kind, age=age, currency=currency, goes_on=goes_on, short=short
    )
