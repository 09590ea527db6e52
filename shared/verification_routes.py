"""The route by which an auditor, and the archive's program, hear what a service's verification of its rows found."""

from datetime import datetime

from pydantic import BaseModel

from shared.db import Sql, UnitOfWork
from shared.http import Calling

_STANDS = Sql(
    "SELECT (SELECT count(*) FROM verify_differences WHERE gone_at IS NULL) AS differences, "
    "extract(epoch FROM clock_timestamp() - p.looked_at)::bigint AS looked_seconds_ago, coalesce(p.looks, 0) AS looks, coalesce(p.rounds, 0) AS rounds, "
    "p.round_began_at, p.round_ended_at, p.round_seconds FROM (SELECT 1) one LEFT JOIN verify_progress p ON true"
)
# The oldest that are there still, and what was there until lately.
_TOLD = Sql(
    "(SELECT kind, about, fault, columns, found_at, gone_at FROM verify_differences WHERE gone_at IS NULL ORDER BY id LIMIT 200) "
    "UNION ALL (SELECT kind, about, fault, columns, found_at, gone_at FROM verify_differences "
    "WHERE gone_at > clock_timestamp() - interval '1 day' ORDER BY gone_at DESC, id LIMIT 200)"
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

    ``looks`` counts the looks for what was changed, and rises with each.
    """

    differences: int
    looked_seconds_ago: int | None
    looks: int
    rounds: int
    round_began_at: datetime | None
    round_ended_at: datetime | None
    round_seconds: float | None
    rows: list[DifferingRow]


async def read_verification(call: Calling) -> Verification:
    """What the verification of this service's rows found, at most 200 that are there still, and how far it is.

    The whole of it stands in the table for good; the archive keeps what it is told as well.
    """

    async def work(unit: UnitOfWork) -> Verification:
        stands = await unit.row(_STANDS)
        assert stands is not None
        rows = [
            DifferingRow(**{**row, "columns": [name for name in row["columns"].split(",") if name]})
            for row in await unit.rows(_TOLD)
        ]
        return Verification(**stands, rows=rows)

    return await call.ask(work, log=True)
