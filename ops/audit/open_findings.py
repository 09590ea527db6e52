"""`./avrr audit findings`: every open finding of the archive in a line, with what people said of it, also while no page answers."""

from uuid import UUID

import asyncpg

from ops.settings import OpsSettings
from ops.system import verify_url
from services.audit import explaining
from services.audit.findings import LASTING
from shared.db import Database, Scope, UnitOfWork
from shared.ids import FIRST
from shared.topology import AUDIT

_AT_A_TIME = 500


async def from_here(settings: OpsSettings) -> tuple[list[str], int]:
    """The lines of `lines_of` out of the archive's database on this machine, read by the login that changes nothing."""
    database = Database(verify_url(settings, AUDIT), "avrr-findings", 1)
    await database.open()
    try:
        return await lines_of(database)
    finally:
        await database.close()


async def lines_of(database: Database) -> tuple[list[str], int]:
    """A line for each open finding, and how many of them nobody accepted; of what entries say nothing stands in any."""
    lines: list[str] = []
    ringing, after = 0, FIRST
    while rows := await _after(database, after):
        lines += [_line(row) for row in rows]
        ringing += sum(not row["accepted"] for row in rows)
        after = rows[-1]["id"]
    return lines, ringing


async def _after(database: Database, after: UUID) -> list[asyncpg.Record]:
    async def work(unit: UnitOfWork) -> list[asyncpg.Record]:
        return await unit.rows(explaining.LISTED, accepted=None, after=after, limit=_AT_A_TIME)

    return await database.attempt(Scope("verify"), work)


def _line(row: asyncpg.Record) -> str:
    said = explaining.said_of(row)
    stands = explaining.stands_of(row["found_times"], said) if row["kind"] in LASTING else "ends_by_itself"
    told = f"{row['log']} {row['first_idx']}-{row['last_idx']} {row['kind']}, found {row['found_at']:%Y-%m-%d %H:%M} UTC: {stands}"
    if said is None:
        return told
    by = f", accepted by {said.accepted_by}" if said.accepted_by is not None else ""
    return f"{told} ({said.cause}, {said.incident}, explained by {said.explained_by}{by})"
