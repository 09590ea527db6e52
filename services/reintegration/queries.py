"""What reintegration's tables answer: the facts that rules are handed, and what a reader is shown beside a state."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel, TypeAdapter

from services.reintegration.domain.case import Arrival, Case
from services.reintegration.domain.fund import FundBalance
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import (
    TERMINAL,
    Evidence,
    Grant,
    GrantStatus,
    TrancheStatus,
)
from services.reintegration.domain.person import PersonFacts
from services.reintegration.domain.plan import PlanFacts
from services.reintegration.sealed import plan_of
from shared.contracts.erasure import Deleted
from shared.contracts.reintegration import EvidenceKind, Filer, GrantModality
from shared.db import Sql, UnitOfWork
from shared.erasing import TAKE_TURN
from shared.files.media import MediaType
from shared.money import Amount

_LIVE_GRANTS = Sql("SELECT live_grants FROM case_limits WHERE case_id = :case_id")

# The mission's calendar day is PostgreSQL's answer, like the days of the statistics: one source of time zones.
_TODAY = "cast(cast(:now AS timestamptz) AT TIME ZONE cast(:zone AS text) AS date)"
_CASE = (
    "(SELECT to_json(c) FROM (SELECT person_ids, destination_country, counsellor_id, arrived, status, deciding_ids "
    "FROM cases WHERE id = :case_id) c)"
)

_THE_PLAN = (
    "(SELECT to_json(p)::text FROM (SELECT id, version, case_id, destination_country, person_ids, lines, status, plan_version, "
    "agreed_on, recorded_at, first_agreed_on FROM plans WHERE id = :plan_id) p)"
)
_PLAN_OF = Sql(f"SELECT {_THE_PLAN} AS plan")

_BEHIND_A_PLAN = Sql(
    f"SELECT {_CASE} AS case_known, "
    "EXISTS (SELECT FROM case_plans WHERE case_id = :case_id AND plan_id <> :plan_id) AS case_has_a_plan, "
    f"{_TODAY} AS today"
)


# Whether money of a case is still to be accounted for: a grant that has not ended, or one that has and of which what was
# paid is not reconciled. With an offset it cannot become a read of all grants beforehand.
_OWED = (
    "EXISTS (SELECT FROM grants g WHERE g.case_id = c.id AND (g.status NOT IN "
    f"({', '.join(repr(status) for status in sorted(TERMINAL))}) "
    """OR g.tranches @> '[{"status": "paid"}]' OR g.tranches @> '[{"status": "delivered"}]') OFFSET 0)"""
)


def sharing_of(case_id: str) -> str:
    """The expression, in a statement, that says what decides whether an office may know of the case of this id."""
    return (
        "(SELECT to_json(k) FROM (SELECT c.person_ids, c.destination_country, c.counsellor_id, c.arrived, c.status, "
        f"c.deciding_ids, {_OWED} AS owed FROM cases c WHERE c.id = {case_id}) k)"
    )


_SHARING = Sql(f"SELECT {sharing_of(':case_id')} AS sharing")


def _behind_a_grant(turn: str, locked: str) -> Sql:
    return Sql(
        f"{turn}SELECT {locked} AS locked_revision, "
        "(SELECT revision FROM person_caps WHERE person_id = :person_id) AS seen_revision, "
        f"{_CASE} AS case_known, "
        f"{_THE_PLAN} AS plan, "
        "(SELECT count(*) FROM taken_plan_lines WHERE plan_id = :plan_id AND plan_line_id = :plan_line_id "
        " AND grant_id <> :grant_id) AS grants_on_line, "
        "(SELECT coalesce(sum(paid), 0) FROM grants WHERE plan_id = :plan_id AND plan_line_id = :plan_line_id "
        " AND id <> :grant_id AND status = 'cancelled') AS paid_on_line, "
        # Grants in countries that the reader does not see count as well, so a function asks for them.
        "support_elsewhere(:person_id, :grant_id, cast(:now AS timestamptz)) AS other_support, "
        "(SELECT to_json(b) FROM (SELECT b.committed::text, b.spent::text, (SELECT to_json(f) FROM (SELECT "
        " project, donor, granted::text, currency, valid_from, valid_until FROM funds WHERE id = b.fund_id) f) AS fund "
        " FROM fund_balances b WHERE b.fund_id = :fund_id) b) AS fund, "
        "(SELECT count(*) FROM open_advances WHERE person_id = :person_id) AS open_advances, "
        "EXISTS (SELECT FROM payment_references WHERE reference = :reference) AS reference_used, "
        f"{_TODAY} AS today"
    )


_GRANT_AS_SEEN = _behind_a_grant("", "NULL")
_GRANT_IN_TURN = _behind_a_grant(
    "WITH turn AS (SELECT revision FROM person_caps WHERE person_id = :person_id FOR UPDATE) ",
    "(SELECT revision FROM turn)",
)

_BEHIND_AN_ERASURE = Sql(
    "SELECT (SELECT count(*) FROM person_keys k WHERE k.person_id = :person_id "
    " AND NOT EXISTS (SELECT FROM grants g WHERE g.id = k.about AND g.paid > 0)) AS person_keys, "
    "count(f.evidence_id) FILTER (WHERE g.paid = 0) AS evidence_files, "
    "count(f.evidence_id) FILTER (WHERE g.paid > 0) AS receipts, "
    "max((SELECT max(cast(t ->> 'paid_on' AS date)) FROM jsonb_array_elements(g.tranches) t)) AS last_paid_on "
    "FROM grants g LEFT JOIN evidence_files f ON f.grant_id = g.id WHERE g.person_id = :person_id"
)
_BEHIND_AN_END = Sql(
    f"SELECT {_TODAY} AS today, "
    "(SELECT count(*) FROM person_keys k WHERE k.person_id = :person_id) AS person_keys, "
    "count(f.evidence_id) AS evidence_files, "
    "coalesce(array_agg(DISTINCT g.id) FILTER (WHERE f.evidence_id IS NOT NULL), '{}') AS grant_ids "
    "FROM grants g LEFT JOIN evidence_files f ON f.grant_id = g.id WHERE g.person_id = :person_id"
)
KEPT_RECEIPTS = Sql(
    "SELECT id, kept_until FROM persons WHERE id > :after AND kept_until <= :until AND kept_ended_on IS NULL "
    "ORDER BY id LIMIT :limit"
)

_BALANCE = Sql(
    "SELECT currency, granted, committed, spent, granted - committed - spent AS available FROM fund_balances "
    "WHERE fund_id = :fund_id"
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


class TrancheToPay(BaseModel):
    """One instalment as who pays and who reconciles see it."""

    number: int
    amount: Amount
    status: TrancheStatus
    reference: str | None
    paid_on: date | None
    released_by: str | None
    released_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    delivered_by: str | None
    delivered_at: datetime | None
    reconciled_by: str | None
    reconciled_at: datetime | None


class EvidenceRow(BaseModel):
    """A receipt or another paper of a grant as its readers see it: what it is, and in which role it was filed."""

    evidence_id: UUID
    kind: EvidenceKind | None
    media_type: MediaType
    size: int
    sha256: str
    tranche: int | None
    filed_as: Filer
    filed_at: datetime


class GrantToPay(BaseModel):
    """A grant as who pays and who reconciles see it: the money, who decided on it and its papers, not what it is for."""

    case_id: UUID
    person_id: UUID
    destination_country: str
    status: GrantStatus
    modality: GrantModality
    amount: Amount
    currency: str
    fund_id: UUID | None
    committed: Amount
    paid: Amount
    requested_at: datetime
    waiting_since: datetime
    endorser_id: str | None
    endorsed_at: datetime | None
    approver_id: str | None
    approved_at: datetime | None
    tranches: tuple[TrancheToPay, ...]
    evidence: tuple[EvidenceRow, ...]


class LineOfPlan(BaseModel):
    """The line of the plan as it is agreed now that a grant is for."""

    dimension: str
    category: str | None
    planned: Amount
    currency: str
    plan_version: int
    agreed_on: date | None


class Balance(BaseModel):
    """What a fund holds: ``committed`` is approved and not yet paid, ``available`` can still be approved."""

    currency: str
    granted: Amount
    committed: Amount
    spent: Amount
    available: Amount


@dataclass(frozen=True, slots=True)
class About:
    """Which case, person, line, fund and payment the facts of a grant are about."""

    grant_id: UUID
    case_id: UUID
    person_id: UUID
    plan_id: UUID
    plan_line_id: UUID
    fund_id: UUID | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Sharing:
    """What decides whether an office may know of a case: its country, and whose consent it goes by.

    ``person_ids`` are its persons now, ``owed`` is whether money of it is still to be accounted for.
    """

    country: str
    person_ids: frozenset[UUID]
    whose_consent: frozenset[UUID]
    owed: bool

    @classmethod
    def of(cls, found: str) -> Self:
        """What `sharing_of` answered."""
        told = json.loads(found)
        owed = bool(told.pop("owed"))
        case = _KNOWN.validate_python(told)
        return cls(case.destination_country, frozenset(case.person_ids), case.whose_consent(), owed)


_KNOWN: TypeAdapter[Case] = TypeAdapter(Case)
_CASE_KNOWN: TypeAdapter[Case | None] = TypeAdapter(Case | None)
_FUND: TypeAdapter[FundBalance | None] = TypeAdapter(FundBalance | None)


async def sharing(unit: UnitOfWork, case_id: UUID) -> Sharing | None:
    """What decides whether an office may know of a case; None for one that is not known."""
    row = await unit.row(_SHARING, case_id=case_id)
    return Sharing.of(row["sharing"]) if row is not None and row["sharing"] is not None else None


async def live_grants(unit: UnitOfWork, case_id: UUID) -> int:
    """How many grants of a case are live; 0 for a case that is not known."""
    row = await unit.row(_LIVE_GRANTS, case_id=case_id)
    return int(row["live_grants"]) if row is not None else 0


async def behind_a_plan(
    unit: UnitOfWork, plan_id: UUID, case_id: UUID, now: datetime, zone: str
) -> PlanFacts:
    """What a plan's rules read: its case, whether that has another plan, and the mission's day."""
    row = await unit.row(_BEHIND_A_PLAN, plan_id=plan_id, case_id=case_id, now=now, zone=zone)
    assert row is not None
    return PlanFacts(_CASE_KNOWN.validate_json(row["case_known"] or "null"), row["case_has_a_plan"], row["today"])


async def behind_a_grant(
    unit: UnitOfWork, about: About, now: datetime, zone: str, *, in_turn: bool
) -> GrantFacts:
    """What a grant's rules read beside it. ``in_turn``: no other decision on this person's cap runs meanwhile.

    The cap is a sum over the last twelve months, which slides with time, so that no CHECK on a stored total can
    hold it. Decisions on it take turns instead: they lock the person's row here and keep it until they commit. A
    statement that had to wait for the lock shows what was true before it waited; then the row's revision is
    another one than the statement saw, and the facts are read once more.
    """
    sql = _GRANT_IN_TURN if in_turn else _GRANT_AS_SEEN
    row = await _grant_row(unit, sql, about, now, zone)
    if in_turn and row["locked_revision"] != row["seen_revision"]:
        row = await _grant_row(unit, sql, about, now, zone)
    return GrantFacts(
        case=_CASE_KNOWN.validate_json(row["case_known"] or "null"),
        plan=await plan_of(unit, row["plan"]),
        grants_on_line=row["grants_on_line"],
        paid_on_line=row["paid_on_line"],
        other_support=row["other_support"],
        fund=_FUND.validate_json(row["fund"] or "null"),
        open_advances=row["open_advances"],
        reference_used=row["reference_used"],
        today=row["today"],
    )


async def _grant_row(unit: UnitOfWork, sql: Sql, about: About, now: datetime, zone: str) -> asyncpg.Record:
    row = await unit.row(
        sql,
        grant_id=about.grant_id,
        case_id=about.case_id,
        person_id=about.person_id,
        plan_id=about.plan_id,
        plan_line_id=about.plan_line_id,
        fund_id=about.fund_id,
        reference=about.reference,
        now=now,
        zone=zone,
    )
    assert row is not None
    return row


async def behind_an_erasure(unit: UnitOfWork, person_id: UUID) -> PersonFacts:
    """What is held of a person, at their turn: nobody files anything between this and the end of the transaction."""
    await unit.row(TAKE_TURN, person_id=person_id)
    row = await unit.row(_BEHIND_AN_ERASURE, person_id=person_id)
    assert row is not None
    return PersonFacts(_held(row), row["receipts"], row["last_paid_on"])


async def behind_an_end_of_papers(unit: UnitOfWork, person_id: UUID, now: datetime, zone: str) -> PersonFacts:
    """What is kept of an erased person, at their turn, and the mission's day."""
    await unit.row(TAKE_TURN, person_id=person_id)
    row = await unit.row(_BEHIND_AN_END, person_id=person_id, now=now, zone=zone)
    assert row is not None
    return PersonFacts(_held(row), grant_ids=tuple(row["grant_ids"]), today=row["today"])


def _held(row: asyncpg.Record) -> tuple[Deleted, ...]:
    return tuple(Deleted(what=what, count=row[what]) for what in ("person_keys", "evidence_files"))


def for_receiving_office(case: Case) -> CaseForReceivingOffice:
    """A case without those who did not come, and without who counselled them."""
    return CaseForReceivingOffice(
        destination_country=case.destination_country, arrived=case.arrived, open=case.status == "arrived"
    )


def to_pay(grant: Grant) -> GrantToPay:
    """A grant without what it is for."""
    return GrantToPay(
        case_id=grant.case_id, person_id=grant.person_id, destination_country=grant.destination_country,
        status=grant.status, modality=grant.modality, amount=grant.amount, currency=grant.currency,
        fund_id=grant.fund_id, committed=grant.committed, paid=grant.paid,
        requested_at=grant.requested_at, waiting_since=grant.waiting_since, endorser_id=grant.endorser_id,
        endorsed_at=grant.endorsed_at, approver_id=grant.approver_id, approved_at=grant.approved_at,
        tranches=tuple(TrancheToPay.model_validate(tranche, from_attributes=True) for tranche in grant.tranches),
        evidence=evidence_of(grant.evidence),
    )


async def line_of(unit: UnitOfWork, grant: Grant) -> LineOfPlan | None:
    """The line that a grant is for; None if the plan was agreed again without it."""
    row = await unit.row(_PLAN_OF, plan_id=grant.plan_id)
    plan = await plan_of(unit, row["plan"]) if row is not None else None
    line = plan.line(grant.plan_line_id) if plan is not None else None
    if plan is None or line is None:
        return None
    return LineOfPlan(
        dimension=line.dimension, category=line.category, planned=line.planned, currency=line.currency,
        plan_version=plan.plan_version, agreed_on=plan.agreed_on,
    )


def evidence_of(filed: Sequence[Evidence]) -> tuple[EvidenceRow, ...]:
    """The evidence of a grant in the order in which it was filed, without who filed it."""
    return tuple(EvidenceRow.model_validate(one, from_attributes=True) for one in filed)


async def balance(unit: UnitOfWork, fund_id: UUID) -> Balance:
    """What a fund holds now; LookupError for a fund that does not exist."""
    row = await unit.row(_BALANCE, fund_id=fund_id)
    if row is None:
        raise LookupError("a fund without a balance")
    return Balance.model_validate(dict(row))
