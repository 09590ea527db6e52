"""A reintegration plan: its lines, what can be done with it, its grants, and every version that it had side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading
from services.portal.pages.naming import short
from shared.ids import uuid7

router = APIRouter()

# What a line says, in the order in which a page shows it.
SAID: Final = (
    "dimension", "category", "planned", "activity", "modality", "provider", "referral", "begins_on", "ends_on", "objectives",
    "feasibility", "language",
)  # fmt: skip
# How many versions stand side by side on one page.
SHOWN: Final = 6
Change = Literal["new", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One line in one version: what it says, which of that is other than in the version before, and what became of it."""

    said: Mapping[str, Any]
    other: frozenset[str] = frozenset()
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line through all versions that are shown; None where a version does not have it."""

    person_id: str
    cells: tuple[Cell | None, ...]


@router.get("/plans/{plan_id}")
async def plan(plan_id: UUID, page: Reading) -> Response:
    """One plan in its present version, and the grants of its case."""
    found = (await page.ask("reintegration", f"/v1/plans/{plan_id}")).body
    grants = await page.try_asking("reintegration", "/v1/grants", case_id=found["state"]["case_id"])
    return await page.show(
        "plan.html", found=found, state=found["state"], grants=grants["items"] if grants else (), grant_id=uuid7,
        short=short, lines=[(line, flat(line)) for line in found["state"]["lines"]], details=SAID[3:],
    )  # fmt: skip


@router.get("/plans/{plan_id}/versions")
async def versions(
    plan_id: UUID, page: Reading, after: Annotated[str | None, Query(max_length=20)] = None
) -> Response:
    """The versions of a plan side by side, the newest first: what is new in each, what changed and what is gone."""
    # One more than is shown, so that the oldest that is shown is compared with what it replaced.
    found = (await page.ask("reintegration", f"/v1/plans/{plan_id}/versions", after=after, limit=SHOWN + 1)).body
    shown, further = found["items"][:SHOWN], found["items"][SHOWN:]
    return await page.show(
        "plan_versions.html", plan_id=plan_id, versions=shown, rows=compared(shown, *further),
        next=shown[-1]["plan_version"] if further else found["next"], short=short, details=SAID,
    )  # fmt: skip


def flat(line: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that a line says, by the name of what it is; nothing of what it does not say."""
    planned = {"amount": line["planned"], "currency": line["currency"]}
    told = {**line, **(line["details"] or {}), "planned": planned}
    return {name: told[name] for name in SAID if told.get(name) is not None}


def compared(versions: Sequence[Mapping[str, Any]], *before: Mapping[str, Any]) -> list[Row]:
    """Each line with its cell in each of these versions, newest first.

    The oldest of them is compared with the one ``before`` it; where there is none, with nothing.
    """
    by_version = [{line["line_id"]: line for line in version["lines"]} for version in (*versions, *before)]
    ids = dict.fromkeys(id for lines in by_version for id in lines)
    rows = []
    for id in ids:
        cells = tuple(
            _cell(lines.get(id), by_version[place + 1].get(id), last=False) if place + 1 < len(by_version) else _cell(lines.get(id), None, last=True)
            for place, lines in enumerate(by_version[: len(versions)])
        )
        whose = next(lines[id]["person_id"] for lines in by_version if id in lines)
        rows.append(Row(whose, cells))
    return rows


def _cell(line: Mapping[str, Any] | None, before: Mapping[str, Any] | None, *, last: bool) -> Cell | None:
    if line is None:
        return Cell({}, change="gone") if before is not None else None
    said = flat(line)
    if last:
        return Cell(said)
    if before is None:
        return Cell(said, change="new")
    earlier = flat(before)
    other = frozenset(name for name in SAID if said.get(name) != earlier.get(name))
    return Cell(said, other, "changed" if other else None)
