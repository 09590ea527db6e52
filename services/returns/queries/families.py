"""Which cases a family's record concerns."""

from typing import Final

from services.returns.tables import OPEN
from shared.db import Sql

# Open cases are few, and those with somebody under way: who is named in them is in no index.
CONCERNING: Final = Sql(
    f"SELECT c.id FROM cases c WHERE c.id IN (SELECT id FROM cases WHERE {OPEN} "
    " UNION SELECT case_id FROM travels WHERE arrived_at IS NULL) AND EXISTS ("
    " SELECT FROM jsonb_to_recordset(c.persons) AS p(person_id uuid, guardian_id uuid, parent_ids jsonb) "
    " JOIN unnest(cast(:ids AS uuid[])) AS named(id) "
    " ON named.id IN (p.person_id, p.guardian_id) OR p.parent_ids @> to_jsonb(named.id)) ORDER BY c.id"
)
