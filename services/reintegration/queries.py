"""What reintegration's tables answer: the facts that rules are handed, lists, and the figures of the annual report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel, TypeAdapter

from services.reintegration.domain.case import Arrival, Case
from services.reintegration.domain.fund import FundBalance
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Evidence, Grant, GrantStatus, TrancheStatus
from services.reintegration.domain.plan import Plan, PlanFacts
from shared.contracts.reintegration import EvidenceKind, Filer, GrantModality
from shared.db import Sql, UnitOfWork
from shared.files.media import MediaType
from shared.money import Amount
from shared.statistics import Figure, Period

_LIVE_GRANTS = Sql("SELECT live_grants FROM case_limits WHERE case_id = :case_id")

# The mission's calendar day is PostgreSQL's answer, like the days of the statistics: one source of time zones.
_TODAY = "cast(cast(:now AS timestamptz) AT TIME ZONE cast(:zone AS text) AS date)"
_CASE = (
    "(SELECT to_json(c) FROM (SELECT person_ids, destination_country, counsellor_id, arrived, status "
    "FROM cases WHERE id = :case_id) c)"
)

_THE_PLAN = (
    "(SELECT to_json(p) FROM (SELECT case_id, destination_country, person_ids, lines, status, plan_version, "
    "agreed_on, recorded_at, first_agreed_on FROM plans WHERE id = :plan_id) p)"
)
_PLAN_OF = Sql(f"SELECT {_THE_PLAN} AS plan")

_BEHIND_A_PLAN = Sql(
    f"SELECT {_CASE} AS case_known, "
    "EXISTS (SELECT FROM case_plans WHERE case_id = :case_id AND plan_id <> :plan_id) AS case_has_a_plan, "
    f"{_TODAY} AS today"
)


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

_FIGURES = Sql(
    "WITH period AS (SELECT cast(:first AS date)::timestamp AT TIME ZONE cast(:zone AS text) AS begins, "
    " (cast(:last AS date) + 1)::timestamp AT TIME ZONE cast(:zone AS text) AS ends), "
    "approved AS (SELECT count(*) AS grants, count(DISTINCT person_id) AS persons, "
    " count(*) FILTER (WHERE category = 'business') AS business, "
    " count(*) FILTER (WHERE category = 'housing') AS housing, "
    " count(*) FILTER (WHERE category = 'medical') AS medical, "
    " count(*) FILTER (WHERE category = 'other') AS other "
    " FROM grants, period WHERE approved_at >= begins AND approved_at < ends AND status <> 'cancelled'), "
    "asked AS (SELECT count(*) AS requested, count(*) FILTER (WHERE status = 'rejected') AS rejected "
    " FROM grants, period WHERE requested_at >= begins AND requested_at < ends), "
    "own AS (SELECT count(*) AS own_plans FROM plans, period WHERE recorded_at >= begins AND recorded_at < ends), "
    "agreed AS (SELECT count(*) AS plans FROM plans "
    " WHERE first_agreed_on BETWEEN cast(:first AS date) AND cast(:last AS date)) "
    "SELECT * FROM approved, asked, own, agreed"
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
    kind: EvidenceKind
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
    category: str
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


_CASE_KNOWN: TypeAdapter[Case | None] = TypeAdapter(Case | None)
_PLAN: TypeAdapter[Plan | None] = TypeAdapter(Plan | None)
_FUND: TypeAdapter[FundBalance | None] = TypeAdapter(FundBalance | None)


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
        plan=_PLAN.validate_json(row["plan"] or "null"),
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
    plan = _PLAN.validate_json(row["plan"] or "null") if row is not None else None
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


async def figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Reintegration's part of the report.

    A grant counts on the day of its approval, unless it is cancelled at the time of asking: what is published is
    support that was given. ``grants_rejected`` are those of the requests of the period that are rejected by now. A
    plan counts once, on the day of its first agreement, however often it is agreed again. Amounts are no figures
    here, for they differ by currency: they stand with each fund.
    """
    row = await unit.row(_FIGURES, first=period.first, last=period.last, zone=period.zone)
    assert row is not None
    grants = row["grants"]
    return [
        Figure(key="grants", unit="grants", value=grants),
        Figure(key="grants_business", unit="grants", value=row["business"], of=grants),
        Figure(key="grants_housing", unit="grants", value=row["housing"], of=grants),
        Figure(key="grants_medical", unit="grants", value=row["medical"], of=grants),
        Figure(key="grants_other", unit="grants", value=row["other"], of=grants),
        Figure(key="persons_with_grant", unit="persons", value=row["persons"]),
        Figure(key="grants_requested", unit="grants", value=row["requested"]),
        Figure(key="grants_rejected", unit="grants", value=row["rejected"], of=row["requested"]),
        Figure(key="own_plans_recorded", unit="cases", value=row["own_plans"]),
        Figure(key="plans_agreed", unit="cases", value=row["plans"]),
    ]
