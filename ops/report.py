"""The annual report: each service's own figures, put together, and for 2023 beside what the mission published."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import get_args

import httpx
from rich.table import Table

from ops.identity.client import PersonaTokens
from services.returns.queries.standing import STANDS_IN_WORDS
from shared.certificates import trusted
from shared.contracts.reintegration import GrantCategory
from shared.outgoing import Outgoing
from shared.statistics import Figure, Statistics, Unit
from shared.topology import SERVICES

READER = "manager"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: what is counted, in which unit, and where a share is meant, of what.

    ``where_known`` is left out where the services have no such figure, as of what is told of no few; of others that is 0.
    """

    key: str
    label: str
    unit: Unit
    of: str | None = None
    where_known: bool = False


LINES: tuple[Line, ...] = (
    Line("sessions", "Counselling sessions (held, individual)", "sessions"),
    Line("virtual_sessions", "of which virtual with countries of origin", "sessions", of="sessions"),
    Line("group_sessions", "Group information sessions", "sessions"),
    Line("outreach_contacts", "People reached by outreach", "contacts"),
    Line("outreach_locations", "Outreach locations", "locations"),
    Line("intentions", "Persons expressing an intention to return", "persons"),
    Line("returns", "Persons returned (departed in the year, arrival confirmed)", "persons"),
    Line("countries", "Countries returned to", "countries"),
    Line("female", "Female", "persons", of="returns"),
    Line("male", "Male", "persons", of="returns"),
    Line("children", "Children", "persons", of="returns"),
    Line("returns_TR", "To Türkiye", "persons", of="returns"),
    Line("returns_MA", "To Morocco", "persons", of="returns"),
    Line("returns_PK", "To Pakistan", "persons", of="returns"),
    Line("returns_DZ", "To Algeria", "persons", of="returns"),
    Line("returns_IN", "To India", "persons", of="returns"),
    Line("grants", "Reintegration grants (by date of approval)", "grants"),
    *(
        Line(f"grants_{category}", category.replace("_", " ").capitalize(), "grants", of="grants", where_known=True)
        for category in get_args(GrantCategory)
    ),
    Line("counselled", "Returned persons individually counselled", "persons", of="returns"),
    Line("own_plans", "Returned persons with an own reintegration plan", "persons", of="returns"),
    Line("days_to_departure", "Median days from the wish to the departure", "days", where_known=True),
    Line("days_to_departure_TR", "Median days, to Türkiye", "days", where_known=True),
    Line("days_to_departure_MA", "Median days, to Morocco", "days", where_known=True),
    Line("days_to_departure_PK", "Median days, to Pakistan", "days", where_known=True),
    Line("days_to_departure_DZ", "Median days, to Algeria", "days", where_known=True),
    Line("days_to_departure_IN", "Median days, to India", "days", where_known=True),
    Line("supports", "Support on the way (by its first day)", "supports"),
    Line("supports_medical", "Support, medical", "supports", of="supports", where_known=True),
    Line("supports_psychosocial", "Support, psychosocial", "supports", of="supports", where_known=True),
    Line("supports_childcare", "Support, childcare", "supports", of="supports", where_known=True),
    Line("supports_accommodation", "Support, accommodation", "supports", of="supports", where_known=True),
    Line("supports_financial", "Support, financial", "supports", of="supports", where_known=True),
    Line("persons_supported", "Persons supported on the way", "persons"),
    Line("withdrawn_cases", "Cases withdrawn", "cases"),
    Line("ineligible_cases", "Cases found ineligible", "cases"),
    Line("lapsed_cases", "Cases lapsed", "cases"),
    Line("missed_flights", "Cases that missed a flight", "cases"),
    Line("open_cases", "Cases open at the end of the year", "cases"),
    Line("begun_cases", "Cases that began in the year", "cases"),
    *(
        Line(f"cases_{stands}", f"Of these now: {words}", "cases", of="begun_cases", where_known=True)
        for stands, words in STANDS_IN_WORDS.items()
    ),
)

# The mission's report of 2023 gives whole percentages; each has exactly one count that rounds to it.
PUBLISHED: dict[int, dict[str, int]] = {
    2023: {
        "sessions": 1658, "virtual_sessions": 24, "group_sessions": 856, "outreach_contacts": 11700,
        "outreach_locations": 130, "intentions": 290, "returns": 96, "countries": 23, "female": 7, "male": 89,
        "children": 4, "returns_TR": 16, "returns_MA": 9, "returns_PK": 8, "returns_DZ": 7, "returns_IN": 7,
        "grants": 67, "grants_business": 32, "grants_housing": 30, "grants_medical": 5, "counselled": 96,
        "own_plans": 96,
    }
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report with its figures; ``of`` is the denominator where a percentage is meant."""

    key: str
    label: str
    unit: Unit
    published: int | None
    computed: int
    of: int | None

    @property
    def equal(self) -> bool:
        """Whether the computed figure is the published one; true where nothing was published."""
        return self.published is None or self.published == self.computed

    def as_json(self) -> dict[str, str | int | bool | None]:
        """The row as the comparison file holds it."""
        return {
            "key": self.key, "label": self.label, "unit": self.unit, "published": self.published,
            "computed": self.computed, "equal": self.equal, "of": self.of,
        }


async def compute(services: dict[str, str], tokens: PersonaTokens, year: int) -> list[Row]:
    """The report of one year out of the services' statistics; a figure nobody counts is 0."""
    async with Outgoing(timeout=30, verify=trusted(), trust_env=False) as client:
        answers = await asyncio.gather(*(_ask(client, services[service.name], tokens, year) for service in SERVICES))
    return rows_of([figure for answer in answers for figure in answer.figures], year)


def rows_of(found: Iterable[Figure], year: int, untold: Collection[str] = ()) -> list[Row]:
    """The lines of a year's report out of figures; none of what ``untold`` names, and a figure that nobody counts is 0."""
    figures = {figure.key: figure for figure in found}
    values = {line.key: figures[line.key].value if line.key in figures else 0 for line in LINES}
    published = PUBLISHED.get(year, {})
    return [
        Row(
            line.key, line.label, line.unit, published.get(line.key), values[line.key],
            values[line.of] if line.of else None,
        )
        for line in LINES
        if line.key not in untold and (line.key in figures or not line.where_known)
    ]


async def _ask(client: httpx.AsyncClient, url: str, tokens: PersonaTokens, year: int) -> Statistics:
    answer = await client.get(
        f"{url}/v1/statistics", params={"from": f"{year}-01-01", "to": f"{year}-12-31"},
        headers={"Authorization": f"Bearer {await tokens.token(READER)}"},
    )
    answer.raise_for_status()
    return Statistics.model_validate_json(answer.content)


def as_table(rows: list[Row], year: int) -> Table:
    """The report as people read it: numerator and denominator beside each percentage."""
    table = Table(title=f"Assisted voluntary return and reintegration, {year}", title_justify="left")
    table.add_column("", no_wrap=False)
    table.add_column("unit")
    table.add_column("published", justify="right")
    table.add_column("computed", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    for row in rows:
        share = f"{row.computed}/{row.of} = {100 * row.computed / row.of:.0f} %" if row.of else ""
        published = "" if row.published is None else f"{row.published:,}"
        verdict = "" if row.published is None else ("equal" if row.equal else "DIFFERS")
        table.add_row(row.label, row.unit, published, f"{row.computed:,}", share, verdict)
    return table
