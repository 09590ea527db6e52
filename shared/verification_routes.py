"""The route by which an auditor, and the archive's program, hear what a service's verification of its rows found."""

from datetime import datetime
from typing import Annotated, Final

import asyncpg
from fastapi import Query
from pydantic import BaseModel

from shared.db import Sql, UnitOfWork
from shared.http import Calling
from shared.moments import MICROSECONDS, from_microseconds, in_microseconds

_STANDS = Sql(
    "SELECT (SELECT count(*) FROM verify_differences WHERE gone_at IS NULL) AS differences, "
    "extract(epoch FROM clock_timestamp() - p.looked_at)::bigint AS looked_seconds_ago, coalesce(p.looks, 0) AS looks, coalesce(p.rounds, 0) AS rounds, "
    "p.round_began_at, p.round_ended_at, p.round_seconds FROM (SELECT 1) one LEFT JOIN verify_progress p ON true"
)
# Of what is there still, and of what is gone, so many are told at a time.
MOST_TOLD: Final = 200
_COLUMNS: Final = "id, kind, about, fault, columns, found_at, gone_at"
# The oldest that are there still, and what was there until lately.
_TOLD = Sql(
    f"(SELECT {_COLUMNS} FROM verify_differences WHERE gone_at IS NULL ORDER BY id LIMIT {MOST_TOLD}) "
    f"UNION ALL (SELECT {_COLUMNS} FROM verify_differences "
    f"WHERE gone_at > clock_timestamp() - interval '1 day' ORDER BY gone_at DESC, id LIMIT {MOST_TOLD})"
)
# What went, in the order in which it did, so that whoever keeps them is told of each, however many went at once.
_GONE_AFTER = Sql(
    f"(SELECT {_COLUMNS} FROM verify_differences WHERE gone_at IS NULL ORDER BY id LIMIT {MOST_TOLD}) "
    f"UNION ALL (SELECT {_COLUMNS} FROM verify_differences WHERE (gone_at, id) > (cast(:gone_at AS timestamptz), cast(:id AS bigint)) "
    f"ORDER BY gone_at, id LIMIT {MOST_TOLD})"
)


class DifferingRow(BaseModel):
    """A row that is not as the log has it, or was not until ``gone_at``; names of columns and nothing that stands in them."""

    kind: str
    about: str
    fault: str
    columns: list[str]
    found_at: datetime
    gone_at: datetime | None


class Verification(BaseModel):
    """How it stands with a service's rows: each is held against its events, in rounds and whenever it was changed.

    ``looks`` counts the looks for what was changed, and rises with each. ``gone_until`` is what ``gone_after`` takes to go on
    behind the last difference that is told as gone, None where there is nothing behind it now.
    """

    differences: int
    looked_seconds_ago: int | None
    looks: int
    rounds: int
    round_began_at: datetime | None
    round_ended_at: datetime | None
    round_seconds: float | None
    rows: list[DifferingRow]
    gone_until: str | None = None


async def read_verification(
    call: Calling, gone_after: Annotated[str | None, Query(pattern=f"^{MICROSECONDS}-[0-9]{{1,18}}$")] = None
) -> Verification:
    """What the verification of this service's rows found, at most 200 that are there still, and how far it is.

    Of what is gone the newest 200 of a day are told, or with ``gone_after`` the first 200 that went after that, in their order.
    The whole of it stands in the table for good; the archive keeps what it is told as well.
    """
    behind = _gone_after(gone_after) if gone_after is not None else None

    async def work(unit: UnitOfWork) -> Verification:
        stands = await unit.row(_STANDS)
        assert stands is not None
        told = await unit.rows(_TOLD) if behind is None else await unit.rows(_GONE_AFTER, **behind)
        rows = [DifferingRow(**{**row, "columns": [name for name in row["columns"].split(",") if name]}) for row in told]
        gone = [row for row in told if row["gone_at"] is not None]
        more = behind is not None and len(gone) == MOST_TOLD
        return Verification(**stands, rows=rows, gone_until=_place_of(gone[-1]) if more else None)

    return await call.ask(work, log=True)


def _gone_after(place: str) -> dict[str, object]:
    microseconds, id = place.split("-")
    return {"gone_at": from_microseconds(microseconds), "id": int(id)}


def _place_of(row: asyncpg.Record) -> str:
    return f"{in_microseconds(row['gone_at'])}-{row['id']}"
