"""Findings as people explain and accept them: the aggregate with what the archive has found, and the list of all that is open."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.audit.domain import explained
from services.audit.domain.explained import CAUSES, ExplainedFinding, FindingFacts, FoundNow
from services.audit.findings import ACCEPTED, LASTING, SIGHTINGS, Kind
from services.audit.tables import EXPLAINED_FINDINGS
from shared.aggregate import Aggregate
from shared.contracts.audit import FindingCause, RejectionReason
from shared.db import Sql, UnitOfWork
from shared.http import Action
from shared.messages import Command, Context

_FOUND = Sql(
    f"SELECT log, kind, first_idx, last_idx, gone_at, {SIGHTINGS} AS sightings FROM archive_differences d WHERE d.id = :id"
)
# What people said of a finding stands in no other of these columns.
_SAID: Final = ("cause", "incident", "explained_by", "explained_at", "status", "accepted_by", "accepted_at", "rejected_by", "rejected_at", "rejection")
_OPEN: Final = (
    "SELECT d.id, d.log, d.kind, d.first_idx, d.last_idx, d.found_at, d.seen_at, "
    f"{SIGHTINGS} AS found_times, {ACCEPTED} AS accepted, e.version, e.first, e.last, e.sightings, {', '.join(f'e.{name}' for name in _SAID)} "
    "FROM archive_differences d LEFT JOIN explained_findings e ON e.id = d.id WHERE d.gone_at IS NULL"
)
# Whatever is open, accepted or not; what waits for somebody is looked for by ``accepted``.
LISTED = Sql(
    f"SELECT f.* FROM ({_OPEN} AND d.id > :after) f WHERE cast(:accepted AS boolean) IS NULL OR f.accepted = cast(:accepted AS boolean) "
    "ORDER BY f.id LIMIT :limit"
)
OF_ID = Sql(f"{_OPEN} AND d.id = :id")

FindingStands = Literal["not_explained", "explained", "accepted", "rejected", "found_again"]


class FindingRow(BaseModel):
    """One open finding: which entries and how, when it was found first and last and how often, and what people say of it.

    ``stands`` is ``found_again`` where what was said is of fewer times than it was found. ``lasts`` is false for what ends by itself
    once it is mended. ``version`` is that of what was said, 0 where nothing was, and ``causes`` are those that fit its kind.
    """

    id: UUID
    log: str
    finding: Kind
    first: int
    last: int
    found_at: datetime
    seen_at: datetime
    sightings: int
    lasts: bool
    accepted: bool
    stands: FindingStands
    version: int
    cause: FindingCause | None
    incident: str | None
    explained_by: str | None
    explained_at: datetime | None
    accepted_by: str | None
    accepted_at: datetime | None
    rejected_by: str | None
    rejected_at: datetime | None
    rejection: RejectionReason | None
    causes: list[FindingCause]
    actions: list[Action]

    @classmethod
    def of(cls, row: asyncpg.Record, actions: Sequence[Action]) -> Self:
        """A row of `LISTED` with what its reader can do."""
        said = {name: row[name] for name in _SAID if name != "status"}
        return cls(
            id=row["id"], log=row["log"], finding=row["kind"], first=row["first_idx"], last=row["last_idx"], found_at=row["found_at"],
            seen_at=row["seen_at"], sightings=row["found_times"], lasts=row["kind"] in LASTING, accepted=row["accepted"],
            stands=stands_of(row["found_times"], said_of(row)), version=row["version"] or 0, causes=sorted(CAUSES.get(row["kind"], ())),
            actions=list(actions), **said,
        )  # fmt: skip


def said_of(row: asyncpg.Record) -> ExplainedFinding | None:
    """What people said of the finding of a row of `LISTED`, None where nobody said anything."""
    if row["version"] is None:
        return None
    return ExplainedFinding(**{one.name: row["kind" if one.name == "finding" else one.name] for one in fields(ExplainedFinding)})


def stands_of(sightings: int, said: ExplainedFinding | None) -> FindingStands:
    """How a finding stands that was found so often, with what people said of it."""
    if said is None:
        return "not_explained"
    return said.status if said.sightings >= sightings else "found_again"


async def _facts(
    unit: UnitOfWork, id: UUID, _: ExplainedFinding | None, __: Command | None, ___: Context
) -> FindingFacts:
    row = await unit.row(_FOUND, id=id)
    if row is None:
        return FindingFacts()
    return FindingFacts(
        FoundNow(
            row["log"], row["kind"] if row["kind"] in LASTING else None, row["first_idx"], row["last_idx"], row["sightings"],
            gone=row["gone_at"] is not None,
        )
    )  # fmt: skip


# Under the finding's own id, so that there is one explanation of each, and who comes second is told so.
FINDING: Final[Aggregate[ExplainedFinding, FindingFacts]] = Aggregate(
    service="audit", name="finding", decider=explained.FINDING, table=EXPLAINED_FINDINGS, state=ExplainedFinding, facts=_facts,
    chosen=False,
)  # fmt: skip
