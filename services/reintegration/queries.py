"""What reintegration's tables answer: the facts that rules are handed, and what a reader is shown beside a state."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel, TypeAdapter

from services.reintegration.domain.case import Arrival, Case
from services.reintegration.domain.grant_state import TERMINAL
from services.reintegration.domain.person import PersonFacts
from services.reintegration.domain.plan_state import PlanFacts
from shared.contracts.erasure import Deleted
from shared.db import Sql, UnitOfWork
from shared.erasing import TAKE_TURN

_LIVE_GRANTS = Sql("SELECT live_grants FROM case_limits WHERE case_id = :case_id")

# The mission's calendar day is PostgreSQL's answer, like the days of the statistics: one source of time zones.
TODAY = "cast(cast(:now AS timestamptz) AT TIME ZONE cast(:zone AS text) AS date)"
# From a fund that is closed nothing can be approved any more.
AVAILABLE = "CASE WHEN f.status = 'closed' THEN 0 ELSE coalesce(b.granted - b.committed - b.spent, 0) END AS available"
OF_A_REVISION = "currency, base, effective_on, revision, rate_id, rate, source, reason, recorded_by, recorded_at, void"
# Of a day only its last revision counts, and nothing if that is void.
STANDS = (
    "NOT e.void AND NOT EXISTS (SELECT FROM exchange_rates l WHERE l.currency = e.currency AND l.base = e.base "
    "AND l.effective_on = e.effective_on AND l.revision > e.revision)"
)


def newest_rates(on: str) -> str:
    """Of each of ``pairs`` the rate that counts on a day; one place in the key is looked up, however many days there are."""
    return (
        f"SELECT r.* FROM pairs CROSS JOIN LATERAL (SELECT {OF_A_REVISION} FROM exchange_rates e "
        f"WHERE e.currency = pairs.currency AND e.base = pairs.base AND e.effective_on <= {on} "
        f"AND {STANDS} ORDER BY e.effective_on DESC, e.revision DESC LIMIT 1) r ORDER BY r.currency, r.base"
    )

THE_CASE = (
    "(SELECT to_json(c) FROM (SELECT person_ids, destination_country, counsellor_id, arrived, status, deciding_ids, "
    "programme FROM cases WHERE id = :case_id) c)"
)

THE_PLAN = (
    "(SELECT to_json(p)::text FROM (SELECT id, version, case_id, destination_country, person_ids, lines, status, plan_version, "
    "agreed_on, recorded_at, first_agreed_on FROM plans WHERE id = :plan_id) p)"
)
_BEHIND_A_PLAN = Sql(
    f"SELECT {THE_CASE} AS case_known, "
    "EXISTS (SELECT FROM case_plans WHERE case_id = :case_id AND plan_id <> :plan_id) AS case_has_a_plan, "
    "ARRAY(SELECT g.plan_line_id FROM grants g WHERE g.plan_id = :plan_id AND g.status NOT IN "
    f"({', '.join(repr(status) for status in sorted(TERMINAL))})) AS live_lines, "
    "ARRAY(SELECT g.plan_line_id FROM grants g WHERE g.plan_id = :plan_id AND g.status = 'completed') AS granted_lines, "
    f"{TODAY} AS today"
)


# For which lines money of a case is still to be accounted for: by a request that has not ended, or by one that has and of
# which what was paid is not reconciled. A draft asks for nothing yet, so it keeps nothing open to an office.
_OWED = (
    "ARRAY(SELECT g.plan_line_id FROM grants g WHERE g.case_id = c.id AND g.submitted_version IS NOT NULL AND (g.status NOT IN "
    f"({', '.join(repr(status) for status in sorted(TERMINAL))}) "
    """OR g.tranches @> '[{"status": "paid"}]' OR g.tranches @> '[{"status": "delivered"}]'))"""
)


def sharing_of(case_id: str) -> str:
    """The expression, in a statement, that says what decides whether an office may know of the case of this id."""
    return (
        "(SELECT to_json(k) FROM (SELECT c.person_ids, c.destination_country, c.counsellor_id, c.arrived, c.status, "
        f"c.deciding_ids, c.programme, {_OWED} AS owed FROM cases c WHERE c.id = {case_id}) k)"
    )


_SHARING = Sql(f"SELECT {sharing_of(':case_id')} AS sharing")
_SHARINGS = Sql(
    f"SELECT own.case_id, {sharing_of('own.case_id')} AS sharing FROM unnest(cast(:case_ids AS uuid[])) own(case_id)"
)


# Whatever pays, or takes back a payment, holds its grant from the start, and the log only at its end.
_HOLD_GRANTS = Sql("SELECT id FROM grants WHERE person_id = :person_id ORDER BY id FOR NO KEY UPDATE")
_BEHIND_AN_ERASURE = Sql(
    "SELECT (SELECT count(*) FROM person_keys k WHERE k.person_id = :person_id "
    " AND NOT EXISTS (SELECT FROM grants g WHERE g.id = k.about AND g.paid > 0)) AS person_keys, "
    "(SELECT count(*) FROM payee_details d WHERE d.person_id = :person_id) AS payee_details, "
    "(SELECT count(*) FROM survey_answers a WHERE a.person_id = :person_id) AS survey_answers, "
    "count(f.evidence_id) FILTER (WHERE g.paid = 0) AS evidence_files, "
    "count(f.evidence_id) FILTER (WHERE g.paid > 0) AS receipts, "
    "max((SELECT max(cast(t ->> 'paid_on' AS date)) FROM jsonb_array_elements(g.tranches) t)) AS last_paid_on "
    "FROM grants g LEFT JOIN evidence_files f ON f.grant_id = g.id WHERE g.person_id = :person_id"
)
_BEHIND_AN_END = Sql(
    f"SELECT {TODAY} AS today, "
    "(SELECT count(*) FROM person_keys k WHERE k.person_id = :person_id) AS person_keys, "
    "count(f.evidence_id) AS evidence_files, "
    "coalesce(array_agg(DISTINCT g.id) FILTER (WHERE f.evidence_id IS NOT NULL), '{}') AS grant_ids "
    "FROM grants g LEFT JOIN evidence_files f ON f.grant_id = g.id WHERE g.person_id = :person_id"
)
KEPT_RECEIPTS = Sql(
    "SELECT id, kept_until FROM persons WHERE id > :after AND kept_until <= :until AND kept_ended_on IS NULL "
    "ORDER BY id LIMIT :limit"
)

class CaseForReceivingOffice(BaseModel):
    """A return case as the office of its country sees it once somebody has arrived: who did."""

    destination_country: str
    arrived: tuple[Arrival, ...]
    open: bool


class KeptReceiptsRow(BaseModel):
    """An erased person, and the last day on which receipts of money paid to them are kept."""

    id: UUID
    kept_until: date


@dataclass(frozen=True, slots=True)
class Sharing:
    """What decides whether an office may know of a case: its country, and whose consent it goes by.

    ``person_ids`` are its persons now, ``owed_lines`` the lines of its plan for which money is still to be accounted for.
    Before an arrival (``arrived``) an office knows of a plan that is shared alone, and of that while the case
    ``may_be_shared``: it is approved, and has not ended.
    """

    country: str
    person_ids: frozenset[UUID]
    whose_consent: frozenset[UUID]
    owed_lines: frozenset[UUID]
    arrived: bool
    may_be_shared: bool

    @property
    def owed(self) -> bool:
        """Whether money of it is still to be accounted for."""
        return bool(self.owed_lines)

    @classmethod
    def of(cls, found: str) -> Self:
        """What `sharing_of` answered."""
        told = json.loads(found)
        owed = frozenset(UUID(line_id) for line_id in told.pop("owed"))
        case = _KNOWN.validate_python(told)
        return cls(
            case.destination_country, frozenset(case.person_ids), case.whose_consent(), owed, bool(case.arrived),
            case.may_be_shared,
        )


_KNOWN: TypeAdapter[Case] = TypeAdapter(Case)
CASE_KNOWN: TypeAdapter[Case | None] = TypeAdapter(Case | None)


async def sharing(unit: UnitOfWork, case_id: UUID) -> Sharing | None:
    """What decides whether an office may know of a case; None for one that is not known."""
    row = await unit.row(_SHARING, case_id=case_id)
    return Sharing.of(row["sharing"]) if row is not None and row["sharing"] is not None else None


async def sharings(unit: UnitOfWork, case_ids: Collection[UUID]) -> dict[UUID, Sharing]:
    """The same of each of these cases that is known."""
    rows = await unit.rows(_SHARINGS, case_ids=sorted(case_ids))
    return {row["case_id"]: Sharing.of(row["sharing"]) for row in rows if row["sharing"] is not None}


async def live_grants(unit: UnitOfWork, case_id: UUID) -> int:
    """How many grants of a case are live; 0 for a case that is not known."""
    row = await unit.row(_LIVE_GRANTS, case_id=case_id)
    return int(row["live_grants"]) if row is not None else 0


async def behind_a_plan(
    unit: UnitOfWork, plan_id: UUID, case_id: UUID, now: datetime, zone: str
) -> PlanFacts:
    """What a plan's rules read: its case, whether that has another plan, the mission's day, and how its grants stand."""
    row = await unit.row(_BEHIND_A_PLAN, plan_id=plan_id, case_id=case_id, now=now, zone=zone)
    assert row is not None
    return PlanFacts(
        CASE_KNOWN.validate_json(row["case_known"] or "null"), row["case_has_a_plan"], row["today"],
        frozenset(row["live_lines"]), frozenset(row["granted_lines"]),
    )  # fmt: skip


async def behind_an_erasure(unit: UnitOfWork, person_id: UUID) -> PersonFacts:
    """What is held of a person, at their turn: nobody files or pays anything between this and the end of the transaction."""
    await unit.rows(_HOLD_GRANTS, person_id=person_id)
    await unit.row(TAKE_TURN, person_id=person_id)
    row = await unit.row(_BEHIND_AN_ERASURE, person_id=person_id)
    assert row is not None
    return PersonFacts(_held(row), row["receipts"], row["last_paid_on"])


async def behind_an_end_of_papers(unit: UnitOfWork, person_id: UUID, now: datetime, zone: str) -> PersonFacts:
    """What is kept of an erased person, at their turn, and the mission's day."""
    await unit.rows(_HOLD_GRANTS, person_id=person_id)
    await unit.row(TAKE_TURN, person_id=person_id)
    row = await unit.row(_BEHIND_AN_END, person_id=person_id, now=now, zone=zone)
    assert row is not None
    return PersonFacts(_held(row), grant_ids=tuple(row["grant_ids"]), today=row["today"])


def _held(row: asyncpg.Record) -> tuple[Deleted, ...]:
    return tuple(Deleted(what=what, count=row[what]) for what in ("person_keys", "evidence_files", "payee_details", "survey_answers") if what in row.keys())  # noqa: SIM118 -- a record has values, not names


def for_receiving_office(case: Case) -> CaseForReceivingOffice:
    """A case without those who did not come, and without who counselled them."""
    return CaseForReceivingOffice(
        destination_country=case.destination_country, arrived=case.arrived, open=case.status == "arrived"
    )
