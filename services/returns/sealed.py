"""What the rows of cases keep sealed: health, what screening found, which support was given, and why a case is on hold."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from shared.db import UnitOfWork
from shared.sealed_rows import Gone, JsonObject, Sealed, SealedParts


def _is_no_secret(hold: JsonObject) -> bool:
    """Whether the log says why, or nobody knows it any more."""
    return "reason" in hold and hold["reason"] in (None, "transit")


OF_CASES: Final = (
    # Exit formalities are on record for everybody, a decision on fitness beside them is not told by the length.
    Sealed("persons", ("evidence", "assistance"), "person_id", least=1024, checked=True),
    Sealed("holds", ("reason",), "hold_id", public=_is_no_secret),
    Sealed(
        "screening",
        ("voluntariness", "fear", "vulnerability", "trafficking", "best_interests", "family_assessment", "alerts"),
        "person_id", least=1024, checked=True,
    ),
    Sealed("supports", ("kind", "need", "provider", "budget_line", "outcome"), "support_id", public=Gone("need")),
    Sealed("final_report", ("findings",), "report_id", public=Gone("findings")),
)
_CASES: Final = SealedParts("returns", "cases", OF_CASES)


async def opened_cases(
    unit: UnitOfWork, rows: Sequence[Mapping[str, Any] | asyncpg.Record], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """These columns, which hold parts, of cases that are each given by ``id``, ``version`` and the columns as JSON."""
    opening = await unit.keys.rows.opening(unit, [row[column] for row in rows for column in columns])
    return [
        _CASES.open(
            opening, UUID(str(row["id"])), row["version"], {column: json.loads(row[column]) for column in columns}
        )
        for row in rows
    ]


async def supports_in(
    unit: UnitOfWork, rows: Sequence[Mapping[str, Any] | asyncpg.Record]
) -> list[list[dict[str, Any]]]:
    """The support of these cases, each given by ``id``, ``version`` and some of its ``supports`` as JSON."""
    return [case["supports"] for case in await opened_cases(unit, rows, ("supports",))]
