"""Which cases a family's record concerns, and what is known here of who is to be a child's guardian."""

from typing import Final
from uuid import UUID

from services.returns.tables import OPEN
from shared.db import Sql, UnitOfWork

# Open cases are few, and those with somebody under way: who is named in them is in no index.
CONCERNING: Final = Sql(
    f"SELECT c.id FROM cases c WHERE c.id IN (SELECT id FROM cases WHERE {OPEN} "
    " UNION SELECT case_id FROM travels WHERE arrived_at IS NULL) AND EXISTS ("
    " SELECT FROM jsonb_to_recordset(c.persons) AS p(person_id uuid, guardian_id uuid, parent_ids jsonb) "
    " JOIN unnest(cast(:ids AS uuid[])) AS named(id) "
    " ON named.id IN (p.person_id, p.guardian_id) OR p.parent_ids @> to_jsonb(named.id)) ORDER BY c.id"
)
# Who was a child when their own wish was recorded: of cases that have ended that may be years ago.
_GUARDIAN_TO_BE = Sql(
    "SELECT EXISTS (SELECT FROM persons WHERE id = :guardian_id AND erased_at IS NOT NULL) AS erased, "
    "EXISTS (SELECT FROM cases c CROSS JOIN LATERAL jsonb_to_recordset(c.persons) AS p(person_id uuid, age_group text) "
    f" WHERE c.{OPEN} AND p.person_id = :guardian_id AND p.age_group = 'child') AS is_a_child"
)


async def guardian_to_be(unit: UnitOfWork, guardian_id: UUID) -> tuple[bool, bool]:
    """Whether this person was erased, and whether they are a child of an open case."""
    row = await unit.row(_GUARDIAN_TO_BE, guardian_id=guardian_id)
    assert row is not None
    return row["erased"], row["is_a_child"]
