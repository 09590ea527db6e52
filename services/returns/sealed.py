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


def _waits_for_protection(hold: JsonObject) -> JsonObject:
    """Since when protection has to look at the case for this hold, which the case's own ``protection_since`` rests on."""
    return {"since": hold["placed_at"]} if hold.get("reason") == "protection" and hold["lifted_at"] is None else {}


def _alerts_wait(found: JsonObject) -> JsonObject:
    """As `_waits_for_protection`, for the alerts about somebody that are open."""
    alerts = found.get("alerts")
    assert isinstance(alerts, list)
    return {"since": min(alert["raised_at"] for alert in alerts)} if alerts else {}


OF_CASES: Final = (
    Sealed("persons", ("evidence", "assistance"), "person_id"),
    Sealed("holds", ("reason",), "hold_id", tells=_waits_for_protection, public=_is_no_secret),
    Sealed(
        "screening", ("voluntariness", "fear", "vulnerability", "trafficking", "best_interests", "alerts"), "person_id",
        tells=_alerts_wait,
    ),
    Sealed("supports", ("kind", "need", "provider", "budget_line", "outcome"), "support_id", public=Gone("need")),
    Sealed("final_report", ("findings",), "report_id", public=Gone("findings")),
)
_CASES: Final = SealedParts("returns", "cases", OF_CASES)


async def supports_in(
    unit: UnitOfWork, rows: Sequence[Mapping[str, Any] | asyncpg.Record]
) -> list[list[dict[str, Any]]]:
    """The support of these cases, each given by ``id``, ``version`` and some of its ``supports`` as JSON."""
    opening = await unit.keys.rows.opening(unit, [row["supports"] for row in rows])
    told = (
        _CASES.open(opening, UUID(str(row["id"])), row["version"], {"supports": json.loads(row["supports"])}) for row in rows
    )
    return [list(_listed(one["supports"])) for one in told]


def _listed(supports: object) -> list[dict[str, Any]]:
    assert isinstance(supports, list)
    return supports
