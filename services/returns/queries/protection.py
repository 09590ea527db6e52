"""Since when cases wait for protection, once somebody is erased whose alerts they waited for."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.returns.sealed import opened_cases
from services.returns.tables import PROTECTED
from shared.db import Sql, UnitOfWork, Write

_NAMED: Final = "jsonb_build_array(jsonb_build_object('person_id', cast(cast(:person_id AS uuid) AS text)))"
_WAITING = Sql(
    "SELECT c.id, c.version, c.screening::text AS screening, c.holds::text AS holds, "
    "EXISTS (SELECT FROM jsonb_to_recordset(c.persons) AS covered(person_id uuid) LEFT JOIN persons p ON p.id = covered.person_id "
    " WHERE covered.person_id <> :person_id AND p.erased_at IS NULL) AS others "
    f"FROM cases c WHERE c.{PROTECTED} AND (c.persons @> {_NAMED} OR c.screening @> {_NAMED}) ORDER BY c.id FOR UPDATE"
)
_SINCE = Sql(
    "UPDATE cases c SET protection_since = anew.since FROM unnest(cast(:ids AS uuid[]), cast(:sinces AS timestamptz[])) "
    "anew(id, since) WHERE c.id = anew.id"
)


async def wait_without_the_person(unit: UnitOfWork, person_id: UUID) -> None:
    """Lets each case of the person wait for what is left: alerts about others and, where there are others, protection's holds.

    The rows tell it for the last time in this transaction, which erases the person.
    """
    rows = await unit.rows(_WAITING, person_id=person_id)
    told = await opened_cases(unit, rows, ("screening", "holds"))
    sinces = [
        min(_moments(case, str(person_id), others=row["others"]), default=None) for row, case in zip(rows, told, strict=True)
    ]
    if rows:
        unit.write(Write(_SINCE, {"ids": [row["id"] for row in rows], "sinces": sinces}, len(rows)))


def _moments(case: Mapping[str, Any], person_id: str, *, others: bool) -> Iterator[datetime]:
    for found in case["screening"]:
        if found["person_id"] != person_id:
            yield from (datetime.fromisoformat(alert["raised_at"]) for alert in found["alerts"])
    for hold in case["holds"]:
        if others and hold["reason"] == "protection" and hold["lifted_at"] is None:
            yield datetime.fromisoformat(hold["placed_at"])
