"""The annual report: what the services counted in a year, each figure with what it is a share of, for screen and paper."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Query, Response

from services.portal.bars import Part, beside_each_other
from services.portal.client import Service, ServiceAway
from services.portal.pages.frame import Page, Reading, Turned
from services.portal.pages.funds import FundShown, shown
from services.portal.pages.given_grants import all_funds
from services.portal.pages.naming import here
from services.portal.wording import word
from services.portal.words import money
from shared.clock import real_time
from shared.contracts.reintegration import GrantCategory

router = APIRouter()

# Nothing of this kind was counted before.
FIRST_YEAR: Final = 2000


@dataclass(frozen=True, slots=True)
class Counted:
    """One figure: how many of what, and of how many where a share is meant."""

    value: int = 0
    unit: str = ""
    of: int | None = None

    @property
    def percent(self) -> str | None:
        """The share in whole percent; None of nothing, and where no share is meant."""
        return f"{100 * self.value / self.of:.0f}" if self.of else None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table that compares: its figure's key, its name, the figure, and its bar."""

    key: str
    name: str
    counted: Counted
    bar: Part


@dataclass(frozen=True, slots=True)
class AtSite:
    """Sessions at one site by their kind, with bars of one measure."""

    site: str
    individual: Counted
    group: Counted
    individual_bar: Part
    group_bar: Part


class Figures:
    """What one service counted; what it says nothing of is 0."""

    def __init__(self, statistics: Mapping[str, Any]) -> None:
        self.time_zone: str = statistics["time_zone"]
        self._counted = {one["key"]: Counted(one["value"], one["unit"], one["of"]) for one in statistics["figures"]}

    @property
    def nothing(self) -> bool:
        """Whether all that was counted is 0."""
        return not any(one.value for one in self._counted.values())

    def tells(self, key: str) -> bool:
        """Whether there is a figure of this key, also of 0."""
        return key in self._counted

    def of(self, key: str) -> Counted:
        """The figure of this key."""
        return self._counted.get(key, Counted())

    def codes(self, prefix: str) -> set[str]:
        """What stands behind a prefix in the keys: countries, or sites."""
        return {key.removeprefix(prefix) for key in self._counted if key.startswith(prefix)}

    def compared(self, prefix: str, codes: Collection[str]) -> list[Line]:
        """The figures of these codes with their bars, the largest first, those of one size by name."""
        ordered = sorted(codes, key=lambda code: (-self.of(prefix + code).value, word(code)))
        bars = beside_each_other([self.of(prefix + code).value for code in ordered])
        return [
            Line(prefix + code, _named(code), self.of(prefix + code), bar) for code, bar in zip(ordered, bars, strict=True)
        ]

    def by_site(self) -> list[AtSite]:
        """The sessions of each site, by its name."""
        sites = sorted(self.codes("sessions_at_") | self.codes("group_sessions_at_"), key=word)
        pairs = [(self.of(f"sessions_at_{site}"), self.of(f"group_sessions_at_{site}")) for site in sites]
        bars = iter(beside_each_other([one.value for pair in pairs for one in pair]))
        return [AtSite(_named(site), *pair, next(bars), next(bars)) for site, pair in zip(sites, pairs, strict=True)]


def year_of(stated: str, this_year: int) -> int | None:
    """The year that somebody typed, in digits of any script; None if it is none that there could be a report of."""
    typed = stated.strip()
    if len(typed) != len("2023") or not typed.isdecimal():
        return None
    return int(typed) if FIRST_YEAR <= int(typed) <= this_year else None


@router.get("/report")
async def report(page: Reading, year: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """The report of a year, this one unless another is asked for; a service that does not answer leaves its part out."""
    today = here(page, real_time()).date()
    asked = today.year if year is None else year_of(year, today.year)
    if asked is None:
        return await page.show("report.html", 422, year=year, years=(FIRST_YEAR, today.year), readable=False)
    counselling, returns, reintegration, funds = await asyncio.gather(
        _figures(page, "counselling", asked), _figures(page, "returns", asked), _figures(page, "reintegration", asked),
        _funds(page, asked, today),
    )  # fmt: skip
    counted = (counselling, returns, reintegration)
    figures = [found for found in counted if found is not None]
    return await page.show(
        "report.html", year=asked, years=(FIRST_YEAR, today.year), readable=True, today=today, amount=money,
        counselling=counselling, returns=returns, reintegration=reintegration, funds=funds,
        categories=grant_categories(reintegration) if reintegration is not None else (),
        nothing=len(figures) == len(counted) and all(found.nothing for found in figures),
        time_zone=figures[0].time_zone if figures else "",
    )  # fmt: skip


def grant_categories(reintegration: Figures) -> tuple[str, ...]:
    """The categories of grants of which anything is told."""
    return tuple(category for category in get_args(GrantCategory) if reintegration.tells(f"grants_{category}"))


def _named(code: str) -> str:
    name = word(code)
    return name[:1].upper() + name[1:]


async def _figures(page: Page, service: Service, year: int) -> Figures | None:
    asked = {"from": f"{year}-01-01", "to": f"{year}-12-31"}
    try:
        answer = await page.services.ask(page.session, service, "/v1/statistics", **asked)
    except ServiceAway:
        return None
    if not answer.ok:
        raise Turned(page.fault(answer.status, answer.code, answer.sentence))
    return Figures(answer.body)


async def _funds(page: Page, year: int, today: date) -> list[FundShown] | None:
    """The funds from which grants could be approved on some day of the year; None where they are not to be had."""
    if not page.has("manager", "chief_of_mission", "finance_approver", "finance_reconciler", "auditor"):
        return None
    try:
        found = await all_funds(page)
    except Turned:
        return None
    first, last = date(year, 1, 1).isoformat(), date(year, 12, 31).isoformat()
    return [shown(fund, today) for fund in found if fund["valid_from"] <= last and fund["valid_until"] >= first]
