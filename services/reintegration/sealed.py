"""What the rows of plans and grants keep sealed, for it may tell of somebody's health: what needs, grants and papers are for."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from services.reintegration.domain.plan_lines import Line
from services.reintegration.domain.plan_state import Plan
from shared.db import UnitOfWork
from shared.sealed_rows import Gone, JsonObject, Sealed, SealedParts

_SERVICE: Final = "reintegration"
_PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
_LINES: TypeAdapter[list[Line]] = TypeAdapter(list[Line])


OF_PLANS: Final = (
    # Of older rows the dimension stands in clear, as their facts do.
    Sealed("lines", ("category", "dimension", "details", "outcome"), "line_id", public=Gone("category")),
)
OF_GRANTS: Final = (
    Sealed("category"), Sealed("evidence", ("kind",), "evidence_id", public=Gone("kind")),
    Sealed("budget", ("lines", "own_contribution", "quotations", "nonce"), least=512),
    Sealed("certificate", ("outcome", "reason", "price_from", "price_to")),
)  # fmt: skip
_PLANS: Final = SealedParts(_SERVICE, "plans", OF_PLANS)
_GRANTS: Final = SealedParts(_SERVICE, "grants", OF_GRANTS)


async def plan_of(unit: UnitOfWork, body: str | None) -> Plan | None:
    """The plan whose row, with its id and version, a statement answered as JSON; None if it answered none."""
    if body is None:
        return None
    (told,) = await _opened(unit, _PLANS, [json.loads(body, parse_float=Decimal)])
    return _PLAN.validate_python({name: value for name, value in told.items() if name not in ("id", "version")}, strict=False)


async def categories_of(unit: UnitOfWork, rows: Sequence[Mapping[str, Any] | asyncpg.Record]) -> list[str | None]:
    """What these grants are for, each given by ``id``, ``version`` and the column as it stands."""
    told = await _opened(unit, _GRANTS, [{name: row[name] for name in ("id", "version", "category")} for row in rows])
    return [None if one["category"] is None else str(one["category"]) for one in told]


async def vendors_of(unit: UnitOfWork, rows: Sequence[Mapping[str, Any] | asyncpg.Record]) -> list[str | None]:
    """Whose quotation each of these grants chose, each given by ``id``, ``version`` and ``budget`` as JSON; it may tell of health."""
    told = await _opened(
        unit, _GRANTS, [{"id": row["id"], "version": row["version"], "budget": json.loads(row["budget"])} for row in rows]
    )
    return [_chosen(one["budget"]) for one in told]


def _chosen(budget: object) -> str | None:
    quotations = budget["quotations"] if isinstance(budget, dict) else ()
    return next((str(one["vendor"]) for one in quotations if one["chosen"]), None)


async def lines_of(unit: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> list[list[Line]]:
    """The lines of these plans, each plan given by ``id``, ``version`` and ``lines`` as JSON."""
    told = await _opened(
        unit, _PLANS, [{"id": row["id"], "version": row["version"], "lines": json.loads(row["lines"], parse_float=Decimal)} for row in rows]
    )
    return [_LINES.validate_python(one["lines"], strict=False) for one in told]


async def _opened(unit: UnitOfWork, parts: SealedParts, rows: Sequence[JsonObject]) -> list[dict[str, object]]:
    opening = await unit.keys.rows.opening(unit, [json.dumps(row, default=str) for row in rows])
    return [parts.open(opening, UUID(str(row["id"])), int(str(row["version"])), row) for row in rows]
