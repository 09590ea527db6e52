"""What reintegration's tables answer about sealed vouchers: what can be drawn, who had a part in it, and what is open to whom."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from services.reintegration.domain.vouchers import VoucherFacts, VoucherSample, VoucherSampleStatus
from shared.contracts.vouchers import DrawnGrant, VouchersOffered, VouchersReleased, VouchersWithdrawn
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.messages import Event
from shared.verify import Check

Result = TypeVar("Result")

_GRANTS: TypeAdapter[tuple[DrawnGrant, ...]] = TypeAdapter(tuple[DrawnGrant, ...])
# Of one auditor one asking comes after the other, so that the later one meets the earlier. The first number is this use's own.
_HOLD_AUDITOR = Sql("SELECT pg_advisory_xact_lock(7045, hashtext(cast(:actor_id AS text)))")
_BEHIND_ASKING = Sql(
    "SELECT cast(cast(:to_day AS date) + 1 AS timestamp) AT TIME ZONE cast(:zone AS text) AS over_at, "
    "EXISTS (SELECT FROM voucher_samples WHERE asked_by = :actor_id AND from_day <= :to_day AND to_day >= :from_day) AS asked_before"
)
# What was sent back was paid as well; each such attempt has an event that says on which day. A payment and its event come with
# one commit, and commits in the log's order: in one snapshot these are the payments that its first so many entries tell.
_POPULATION = Sql(
    "SELECT log_size() AS log_size, cast(coalesce(json_agg(p), '[]') AS text) AS population FROM (SELECT DISTINCT grant_id, destination_country AS country "
    "FROM payment_attempts WHERE paid_on BETWEEN :from_day AND :to_day) p"
)
# A payee's handlers are all who ever stated an account of it, confirmed one or dropped a change, or found right there that another
# has the same; a file's, who said that it counts
# or counts no more; a line's, who ever said something of it.
_TOOK_PART = Sql(
    "WITH tried AS (SELECT attempt_id, payee_id FROM payment_attempts WHERE grant_id = ANY (cast(:grant_ids AS uuid[]))), "
    "lines AS (SELECT id, file_id FROM bank_lines WHERE of_attempt IN (SELECT attempt_id FROM tried) "
    " UNION SELECT l.id, l.file_id FROM recovered_money m JOIN bank_lines l ON l.id = m.bank_line WHERE m.grant_id = ANY (cast(:grant_ids AS uuid[]))) "
    "SELECT who FROM tried JOIN batch_payments p USING (attempt_id) JOIN payment_batches b ON b.id = p.batch_id "
    " CROSS JOIN LATERAL unnest(b.takers || b.made_by || b.approved_by) who WHERE who IS NOT NULL "
    "UNION SELECT who FROM payees p CROSS JOIN LATERAL unnest(p.handlers || p.clearers || p.clearing_asked_by || p.cleared_by) who "
    " WHERE p.id IN (SELECT payee_id FROM tried) AND who IS NOT NULL "
    "UNION SELECT s.accepted_by FROM payee_shares s WHERE s.other_id IN (SELECT payee_id FROM tried) "
    "UNION SELECT who FROM bank_files f CROSS JOIN LATERAL unnest(ARRAY[f.imported_by, f.confirmed_by, f.dropped_by, "
    " f.revocation_asked_by, f.kept_by]) who WHERE f.id IN (SELECT file_id FROM lines) AND who IS NOT NULL "
    "UNION SELECT who FROM bank_line_acts a CROSS JOIN LATERAL unnest(a.spoken || a.acted_by || a.asked_by) who "
    " WHERE a.id IN (SELECT id FROM lines) AND who IS NOT NULL"
)
LISTED = Sql(
    "SELECT id, status, from_day, to_day, size, population, asked_by, asked_at, ends_at FROM voucher_samples "
    "WHERE id > :after ORDER BY id LIMIT :limit"
)
_OPEN = Sql(
    "INSERT INTO released_vouchers (sample_id, grant_id, auditor_id, released_by, ends_at) SELECT cast(:sample_id AS uuid), grant_id, "
    "cast(:auditor_id AS text), cast(:released_by AS text), cast(:ends_at AS timestamptz) FROM unnest(cast(:grant_ids AS uuid[])) grant_id"
)
_OPEN_PAPERS = Sql(
    "INSERT INTO released_papers (sample_id, evidence_id, grant_id, auditor_id, released_by, ends_at) SELECT cast(:sample_id AS uuid), "
    "p.evidence_id, p.grant_id, cast(:auditor_id AS text), cast(:released_by AS text), cast(:ends_at AS timestamptz) "
    "FROM unnest(cast(:evidence_ids AS uuid[]), cast(:grant_ids AS uuid[])) p(evidence_id, grant_id)"
)
# Its papers' rows go with it.
_CLOSE = Sql("DELETE FROM released_vouchers WHERE sample_id = :sample_id")
_AT = Sql("SELECT set_config('app.vouchers_at', cast(:now AS text), true)")


class SampleRow(BaseModel):
    """One sample: what was asked for, by whom, and until when it is or was open last."""

    id: UUID
    status: VoucherSampleStatus
    from_day: date
    to_day: date
    size: int
    population: int | None
    asked_by: str
    asked_at: datetime
    ends_at: datetime | None


async def behind_asking(unit: UnitOfWork, days: tuple[date, date], actor_id: str, counterseed: str, zone: str) -> VoucherFacts:
    """When the last of these days was over, and whether the auditor asked for one of them before."""
    await unit.row(_HOLD_AUDITOR, actor_id=actor_id)
    row = await unit.row(_BEHIND_ASKING, from_day=days[0], to_day=days[1], actor_id=actor_id, zone=zone)
    assert row is not None
    return VoucherFacts(counterseed=counterseed, over_at=row["over_at"], asked_before=row["asked_before"])


async def behind_a_draw(unit: UnitOfWork, state: VoucherSample) -> VoucherFacts:
    """The grants of which money was paid on the days of a sample, and how long the log is that says so."""
    row = await unit.row(_POPULATION, from_day=state.from_day, to_day=state.to_day)
    assert row is not None
    return VoucherFacts(population=_GRANTS.validate_json(row["population"]), log_size=row["log_size"])


async def took_part_in_paying(unit: UnitOfWork, grant_ids: Collection[UUID]) -> frozenset[str]:
    """Who had a part in how one of these grants was paid, or paid back.

    Who made, approved or took a batch of it, stated, changed or confirmed its payee's account or cleared that of what stood against
    it, brought or confirmed a file with a line of it from the bank, or said of such a line what it is.
    """
    return frozenset(row["who"] for row in await unit.rows(_TOOK_PART, grant_ids=list(grant_ids)))


async def as_released(
    database: Database, auditor_id: str, now: datetime, question: Callable[[UnitOfWork], Awaitable[Result]]
) -> Result:
    """A query in a transaction to which row security shows, of papers, what is open to this auditor at this moment, and nothing else."""

    async def work(unit: UnitOfWork) -> Result:
        await unit.row(_AT, now=now.isoformat())
        return await question(unit)

    return await database.attempt(Scope(auditor_id), work)


def released_vouchers(sample_id: UUID, _: VoucherSample | None, state: VoucherSample, events: tuple[Event, ...]) -> Sequence[Write]:
    """Each grant of an open sample as a row, by which row security opens its papers; none of a sample that is not."""
    match events:
        case (VouchersReleased(),):
            values = {
                "sample_id": sample_id, "grant_ids": [one.grant_id for one in state.drawn], "auditor_id": state.asked_by,
                "released_by": state.released_by, "ends_at": state.ends_at,
            }  # fmt: skip
            return (Write(_OPEN, values, len(state.drawn)),)
        # What was open before and is over by its time, or is ended now.
        case (VouchersOffered() | VouchersWithdrawn(),):
            return (Write(_CLOSE, {"sample_id": sample_id}, None),)
        case _:
            return ()


def released_papers(sample_id: UUID, auditor_id: str, released_by: str, ends_at: datetime, papers: Mapping[UUID, UUID]) -> Sequence[Write]:
    """Each voucher of a sample, by its id with its grant's, as a row beside those of `released_vouchers`, for as long as these stand."""
    values = {
        "sample_id": sample_id, "evidence_ids": list(papers), "grant_ids": list(papers.values()), "auditor_id": auditor_id,
        "released_by": released_by, "ends_at": ends_at,
    }  # fmt: skip
    return (Write(_OPEN_PAPERS, values, len(papers)),) if papers else ()


CHECKS = (
    Check(
        "released papers",
        Sql("SELECT r.sample_id FROM released_papers r JOIN evidence_files f USING (evidence_id) WHERE f.grant_id <> r.grant_id"),
    ),
    Check(
        "released vouchers",
        Sql(
            "SELECT coalesce(r.sample_id, s.id) FROM released_vouchers r FULL JOIN (SELECT s.id, cast(d ->> 'grant_id' AS uuid) AS grant_id, "
            "s.asked_by, s.released_by, s.ends_at FROM voucher_samples s CROSS JOIN LATERAL jsonb_array_elements(s.drawn) d "
            "WHERE s.status = 'released') s ON (s.id, s.grant_id, s.asked_by, s.released_by, s.ends_at) "
            "= (r.sample_id, r.grant_id, r.auditor_id, r.released_by, r.ends_at) WHERE r.sample_id IS NULL OR s.id IS NULL"
        ),
    ),
)
