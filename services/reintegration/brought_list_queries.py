"""Lists that somebody brought, of accounts of staff and of sanctions: what waits, what counts, and in what the two differ."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.reintegration.account_tokens import SAME
from services.reintegration.domain.brought_lists import ListFacts
from shared.db import Sql, UnitOfWork

ListStatus = Literal["waits", "counts", "replaced", "dropped"]


def _status(newer: str) -> str:
    return (
        "CASE WHEN l.dropped_at IS NOT NULL THEN 'dropped' WHEN l.counts_since IS NULL THEN 'waits' "
        f"WHEN EXISTS (SELECT FROM {newer} AND (n.counts_since, n.id) > (l.counts_since, l.id)) THEN 'replaced' ELSE 'counts' END AS status"
    )


_WHO: Final = "l.uploaded_by, l.uploaded_at, l.confirmed_by, l.counts_since"
STAFF_LISTED = Sql(
    f"SELECT l.id, l.list_version, l.accounts, {_status('staff_lists n WHERE true')}, {_WHO} FROM staff_lists l "
    "WHERE l.id > :after ORDER BY l.id LIMIT :limit"
)
SANCTIONS_LISTED = Sql(
    f"SELECT l.id, l.list_name, l.list_version, l.entries, l.sha256, "
    f"{_status('sanctions_lists n WHERE n.list_name = l.list_name')}, {_WHO} FROM sanctions_lists l "
    "WHERE l.id > :after ORDER BY l.id LIMIT :limit"
)
_STAFF_WAITS: Final = "EXISTS (SELECT FROM staff_lists WHERE counts_since IS NULL AND dropped_at IS NULL AND id <> :list_id)"
_STAFF = Sql(
    "WITH before AS (SELECT id, accounts FROM staff_lists WHERE counts_since IS NOT NULL AND id <> :list_id "
    "ORDER BY counts_since DESC, id DESC LIMIT 1), "
    "same AS (SELECT a.account_no AS here, b.account_no AS there FROM staff_accounts a JOIN before ON true "
    f"JOIN staff_accounts b ON b.list_id = before.id AND {SAME.format('b', 'a')} WHERE a.list_id = :list_id) "
    f"SELECT {_STAFF_WAITS} AS another_waits, 0 AS changed, "
    "coalesce((SELECT accounts FROM staff_lists WHERE id = :list_id), 0) - (SELECT count(DISTINCT here) FROM same) AS added, "
    "coalesce((SELECT accounts FROM before), 0) - (SELECT count(DISTINCT there) FROM same) AS gone"
)
_SANCTIONS = Sql(
    "WITH before AS (SELECT id FROM sanctions_lists WHERE list_name = :list_name AND counts_since IS NOT NULL AND id <> :list_id "
    "ORDER BY counts_since DESC, id DESC LIMIT 1), "
    "here AS (SELECT entry_id, names, born, country FROM sanctions_entries WHERE list_id = :list_id), "
    "there AS (SELECT entry_id, names, born, country FROM sanctions_entries WHERE list_id = (SELECT id FROM before)) "
    "SELECT EXISTS (SELECT FROM sanctions_lists WHERE list_name = :list_name AND counts_since IS NULL AND dropped_at IS NULL "
    "AND id <> :list_id) AS another_waits, count(*) FILTER (WHERE there.entry_id IS NULL) AS added, "
    "count(*) FILTER (WHERE here.entry_id IS NULL) AS gone, count(*) FILTER (WHERE here.entry_id = there.entry_id "
    "AND (here.names, here.born, here.country) IS DISTINCT FROM (there.names, there.born, there.country)) AS changed "
    "FROM here FULL JOIN there ON there.entry_id = here.entry_id"
)


class StaffListRow(BaseModel):
    """One list of accounts of staff, of which no account is known."""

    id: UUID
    list_version: str
    accounts: int
    status: ListStatus
    uploaded_by: str
    uploaded_at: datetime
    confirmed_by: str | None
    counts_since: datetime | None


class SanctionsListRow(BaseModel):
    """One version of a list of sanctions that was brought."""

    id: UUID
    list_name: str
    list_version: str
    entries: int
    sha256: str
    status: ListStatus
    uploaded_by: str
    uploaded_at: datetime
    confirmed_by: str | None
    counts_since: datetime | None


class Differences(BaseModel):
    """In what a list differs from the one that counts: how many are new in it, not in it any more, and said otherwise."""

    added: int
    gone: int
    changed: int


async def of_staff(unit: UnitOfWork, list_id: UUID) -> ListFacts:
    """What the rules of a list of accounts of staff are told."""
    row = await unit.row(_STAFF, list_id=list_id)
    assert row is not None
    return ListFacts(**dict(row))


async def of_sanctions(unit: UnitOfWork, list_id: UUID, list_name: str) -> ListFacts:
    """What the rules of a version of a list of sanctions of this name are told."""
    row = await unit.row(_SANCTIONS, list_id=list_id, list_name=list_name)
    assert row is not None
    return ListFacts(**dict(row))


def told(facts: ListFacts) -> Differences:
    """In what a list differs, as whoever decides on it is shown."""
    return Differences(added=facts.added, gone=facts.gone, changed=facts.changed)
