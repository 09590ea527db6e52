"""What reintegration's tables answer about grants and funds: the facts of their rules, and what a reader is shown."""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg
from pydantic import BaseModel, TypeAdapter

from services.reintegration import payable_queries
from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.delegation import ActingTerms
from services.reintegration.domain.fund import FundBalance
from services.reintegration.domain.grant_facts import GrantFacts, PolicyInForce
from services.reintegration.domain.grant_state import (
    Grant,
)
from services.reintegration.domain.recovery_line import RecoveryLine
from services.reintegration.lost_payment_queries import LOST_TRANCHES, NOT_CLEARED
from services.reintegration.lost_reference_queries import WAITS, waits_for_one_before, waits_unnamed
from services.reintegration.queries import CASE_KNOWN, THE_CASE, THE_PLAN, TODAY, newest_rates
from services.reintegration.recovery_queries import RECOVERY_LINE
from services.reintegration.sealed import plan_of
from services.reintegration.signer_queries import signed_by
from services.reintegration.support_queries import (
    OF_OTHER_CASES,
    SEEN_REVISION,
    SUPPORT,
    TURNS_OF_THE_FAMILY,
    support_of,
)
from shared.db import Sql, UnitOfWork
from shared.money import Amount

_PLAN_OF = Sql(f"SELECT {THE_PLAN} AS plan")
_PROGRAMME_OF = Sql("SELECT programme FROM cases WHERE id = :case_id")


# An authority that is ended at the same moment is so before or after the whole decision: who decides holds that it is open.
_OPEN_AUTHORITIES = "SELECT authority_id FROM open_authorities WHERE authority_id IN (SELECT authority_id FROM authority_terms WHERE acting_id = :actor_id)"
_TERMS = (
    "(SELECT json_agg(t) FROM (SELECT t.authority_id, t.terms_no, t.holder_id, t.acting_id, t.role, t.up_to::text, t.currency, "
    "t.valid_from, t.valid_until, EXISTS (SELECT FROM standing s WHERE s.authority_id = t.authority_id) AS open "
    "FROM authority_terms t WHERE t.acting_id = :actor_id) t) AS terms"
)
_RATES = (
    "(SELECT json_agg(json_build_object('currency', r.currency, 'base', r.base, 'effective_on', r.effective_on, "
    "'revision', r.revision, 'rate', r.rate::text, 'source', r.source)) FROM (WITH pairs AS (SELECT c.currency, b.base FROM (SELECT 'EUR' AS currency UNION SELECT cast(:currency AS text) "
    " UNION SELECT currency FROM policy_versions WHERE programme = cast(:policy_programme AS text) AND policy_version = cast(:policy_version AS integer) "
    " UNION SELECT currency FROM fund_balances WHERE fund_id = :fund_id "
    " UNION SELECT currency FROM authority_terms WHERE acting_id = :actor_id) c CROSS JOIN (VALUES ('USD'), ('EUR')) AS b(base)) "
    f"{newest_rates(f'({TODAY})')}) r) AS rates"
)


def _behind_a_grant(turn: str, locked: str, besides: str = "", seen: str = SEEN_REVISION) -> Sql:
    return Sql(
        f"{turn}SELECT {locked} AS locked_revision, "
        f"{seen} AS seen_revision, "
        f"{THE_CASE} AS case_known, "
        f"{THE_PLAN} AS plan, "
        "(SELECT count(*) FROM taken_plan_lines WHERE plan_id = :plan_id AND plan_line_id = :plan_line_id "
        " AND grant_id <> :grant_id) AS grants_on_line, "
        "(SELECT coalesce(sum(paid), 0) FROM grants WHERE plan_id = :plan_id AND plan_line_id = :plan_line_id "
        " AND id <> :grant_id AND status = 'cancelled') AS paid_on_line, "
        f"{SUPPORT}, "
        "(SELECT to_json(b) FROM (SELECT b.committed::text, b.spent::text, (SELECT to_json(f) FROM (SELECT "
        " project, donor, granted::text, currency, valid_from, valid_until, countries, grant_categories, programmes, status FROM funds "
        " WHERE id = b.fund_id) f) AS fund "
        " FROM fund_balances b WHERE b.fund_id = :fund_id) b) AS fund, "
        "(SELECT count(*) FROM open_advances WHERE person_id = :person_id) AS open_advances, "
        "EXISTS (SELECT FROM payment_references WHERE reference = :reference) AS reference_used, "
        "EXISTS (SELECT FROM payment_attempts a JOIN batch_payments b ON b.attempt_id = a.attempt_id AND b.live "
        " WHERE a.grant_id = :grant_id AND a.status = 'released') AS in_a_batch, "
        "EXISTS (SELECT FROM payment_attempts a JOIN bank_lines l ON l.of_attempt = a.attempt_id AND l.state IN ('unmatched', 'unconfirmed') "
        " AND (l.kind = 'rejected' AND a.status = 'released' OR l.direction = 'debit') WHERE a.grant_id = :grant_id AND a.status = 'released') "
        # Or of what ended, however it did, while nothing else paid that tranche.
        f"OR EXISTS (SELECT FROM payment_attempts a WHERE a.grant_id = :grant_id AND ({waits_unnamed('a')} OR {waits_for_one_before('a')} "
        " AND NOT EXISTS (SELECT FROM payment_attempts p WHERE (p.grant_id, p.tranche) = (a.grant_id, a.tranche) AND p.status = 'paid'))) AS bank_line_waits, "
        f"EXISTS (SELECT FROM payment_attempts a WHERE a.grant_id = :grant_id AND a.status = 'released' AND ({waits_unnamed('a')} OR EXISTS (SELECT FROM bank_lines l "
        f" WHERE l.of_attempt = a.attempt_id AND {WAITS} AND (l.kind = 'rejected' OR l.direction = 'debit')))) AS own_line_waits, "
        f"{NOT_CLEARED} AS restore_not_cleared, {LOST_TRANCHES} AS lost_tranches, "
        f"{signed_by(':signer_id', ':grant_id')} AS signed_its_batch, "
        "ARRAY(SELECT a.tranche FROM payment_attempts a JOIN bank_lines l ON l.id = a.paid_line JOIN bank_files f ON f.id = l.file_id "
        " LEFT JOIN bank_line_acts t ON t.id = l.id "
        " WHERE a.grant_id = :grant_id AND (cast(:signer_id AS text) IN (f.imported_by, f.confirmed_by, f.revocation_asked_by, f.kept_by) OR cast(:signer_id AS text) = ANY (t.spoken))) AS by_my_file, "
        f"{RECOVERY_LINE} AS recovery_line, "
        "EXISTS (SELECT FROM closed_months WHERE month = date_trunc('month', cast(coalesce(cast(:posted_on AS date), "
        f"{TODAY}) AS timestamp))) AS month_closed, "
        "(SELECT cast(min(m) AS date) FROM generate_series(date_trunc('month', cast(cast(:posted_on AS date) AS timestamp)), "
        f" date_trunc('month', cast({TODAY} AS timestamp)), interval '1 month') m "
        " WHERE NOT EXISTS (SELECT FROM closed_months c WHERE c.month = m)) AS open_month, "
        f"{TODAY} AS today, "
        "(SELECT to_json(p) FROM (SELECT v.programme, v.policy_version, v.currency, v.quotations_above::text, "
        f" v.own_contribution_percent, v.required_papers, v.next_tranche_needs, v.reconciling_needs FROM policy_versions v, cases c "
        f" WHERE c.id = :case_id AND v.programme IN (coalesce(cast(:policy_programme AS text), c.programme), '{OF_OTHER_CASES}') "
        " AND v.policy_version = coalesce(cast(:policy_version AS integer), v.policy_version) "
        f" ORDER BY v.programme = '{OF_OTHER_CASES}', v.policy_version DESC LIMIT 1) p) AS policy{besides}"
    )


_TURN = f"WITH turn AS ({TURNS_OF_THE_FAMILY})"
_APPROVING = f", {_TERMS}, {_RATES}"
_PAYING = f", {payable_queries.PAYABLE}"
_GRANT_AS_SEEN = _behind_a_grant("", "NULL")
_GRANT_IN_TURN = _behind_a_grant(f"{_TURN} ", "(SELECT sum(revision) FROM turn)")
_TO_BE_APPROVED = _behind_a_grant(f"WITH standing AS ({_OPEN_AUTHORITIES}) ", "NULL", _APPROVING)
# The plan that is agreed anew at the same moment is so before or after the whole approval. First the person's turn, then the
# plan, then the authorities, whoever approves.
_PLAN_HELD = "SELECT version FROM plans WHERE id = :plan_id AND EXISTS (SELECT FROM turn) FOR SHARE"
_APPROVED_IN_TURN = _behind_a_grant(
    f"{_TURN}, held AS MATERIALIZED ({_PLAN_HELD}), "
    f"standing AS MATERIALIZED ({_OPEN_AUTHORITIES} AND EXISTS (SELECT FROM held) ORDER BY authority_id FOR SHARE) ",
    "(SELECT sum(revision) FROM turn) + (SELECT version FROM held)",
    _APPROVING,
    f"{SEEN_REVISION} + (SELECT version FROM plans WHERE id = :plan_id)",
)

_RELEASED = _behind_a_grant(f"WITH {payable_queries.HELD}", payable_queries.LOCKED, _PAYING, payable_queries.SEEN)
# Of a fund in another currency the rates say what the release costs.
_RELEASED_BY_RATES = _behind_a_grant(
    f"WITH standing AS ({_OPEN_AUTHORITIES}), {payable_queries.HELD}", payable_queries.LOCKED, f"{_APPROVING}{_PAYING}",
    payable_queries.SEEN,
)


class LineOfPlan(BaseModel):
    """The line of the plan as it is agreed now that a grant is for; of who was erased what may tell of health is None."""

    dimension: str | None
    category: str | None
    planned: Amount
    currency: str
    plan_version: int
    agreed_on: date | None


@dataclass(frozen=True, slots=True)
class Acting:
    """Whose authority is asked for, and from which currency amounts are converted by the rates of the day."""

    actor_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class About:
    """Which case, person, line, fund and payment the facts of a grant are about, and on which day that is posted.

    ``policy_version`` None is the newest; there is none before the first, so that 0 is the example of the system.
    """

    grant_id: UUID
    case_id: UUID
    person_id: UUID
    plan_id: UUID
    plan_line_id: UUID
    fund_id: UUID | None = None
    reference: str | None = None
    posted_on: date | None = None
    policy_programme: str | None = None
    policy_version: int | None = None
    acting: Acting | None = None
    payee_id: UUID | None = None
    signer_id: str | None = None
    bank_line: UUID | None = None


_STATEMENTS: Final = {
    (False, False): _GRANT_AS_SEEN, (True, False): _GRANT_IN_TURN, (False, True): _TO_BE_APPROVED, (True, True): _APPROVED_IN_TURN,
}  # fmt: skip
_TERMS_TOLD: TypeAdapter[tuple[ActingTerms, ...]] = TypeAdapter(tuple[ActingTerms, ...])
_RATES_TOLD: TypeAdapter[tuple[RecordedRate, ...]] = TypeAdapter(tuple[RecordedRate, ...])
_FUND: TypeAdapter[FundBalance | None] = TypeAdapter(FundBalance | None)
_RECOVERY_LINE: TypeAdapter[RecoveryLine | None] = TypeAdapter(RecoveryLine | None)
_POLICY: TypeAdapter[PolicyInForce | None] = TypeAdapter(PolicyInForce | None)


async def behind_a_grant(
    unit: UnitOfWork, about: About, now: datetime, zone: str, *, in_turn: bool
) -> GrantFacts:
    """What a grant's rules read beside it. ``in_turn``: no other decision on this person's or family's cap runs meanwhile.

    A cap is a sum over the last twelve months, which slides with time, so that no CHECK on a stored total can
    hold it. Decisions on it take turns instead: they lock the rows of everybody in the family here and keep them until
    they commit. So is the payee locked that a tranche is to be released to. A statement that had to wait for a lock shows what was true before it waited; then the rows' revisions
    are others than the statement saw, and the facts are read once more.
    """
    by_rates, pays = about.acting is not None, about.payee_id is not None
    sql = (_RELEASED_BY_RATES if by_rates else _RELEASED) if pays else _STATEMENTS[in_turn, by_rates]
    row = await _grant_row(unit, sql, about, now, zone)
    if (in_turn or pays) and row["locked_revision"] != row["seen_revision"]:
        row = await _grant_row(unit, sql, about, now, zone)
    fund = _FUND.validate_json(row["fund"] or "null")
    facts = GrantFacts(
        case=CASE_KNOWN.validate_json(row["case_known"] or "null"),
        plan=await plan_of(unit, row["plan"]),
        grants_on_line=row["grants_on_line"],
        paid_on_line=row["paid_on_line"],
        support=support_of(row["support"]),
        fund=fund, fund_closed=fund is not None and fund.fund.status == "closed",
        open_advances=row["open_advances"],
        reference_used=row["reference_used"],
        month_closed=row["month_closed"],
        open_month=row["open_month"],
        today=row["today"],
        policy=_POLICY.validate_json(row["policy"] or "null"),
        recovery_line=_RECOVERY_LINE.validate_json(row["recovery_line"] or "null"),
        in_a_batch=row["in_a_batch"], bank_line_waits=row["bank_line_waits"], own_line_waits=row["own_line_waits"], signed_its_batch=row["signed_its_batch"],
        by_my_file=frozenset(row["by_my_file"]),
        restore_not_cleared=row["restore_not_cleared"], lost_tranches=frozenset(row["lost_tranches"]),
    )
    if pays:
        facts = replace(facts, payable=payable_queries.payable_of(row["payable"]))
    if not by_rates:
        return facts
    return replace(
        facts,
        terms=_TERMS_TOLD.validate_json(row["terms"] or "[]"),
        rates=RatesInForce.on(row["today"], _RATES_TOLD.validate_json(row["rates"] or "[]")),
    )


async def _grant_row(unit: UnitOfWork, sql: Sql, about: About, now: datetime, zone: str) -> asyncpg.Record:
    acting = {} if about.acting is None else asdict(about.acting)
    paying = {} if about.payee_id is None else {"payee_id": about.payee_id}
    row = await unit.row(
        sql,
        **acting, **paying,
        grant_id=about.grant_id, signer_id=about.signer_id, case_id=about.case_id, person_id=about.person_id, plan_id=about.plan_id,
        plan_line_id=about.plan_line_id, fund_id=about.fund_id, reference=about.reference, bank_line=about.bank_line, posted_on=about.posted_on,
        policy_programme=about.policy_programme, policy_version=about.policy_version,
        now=now, zone=zone,
    )  # fmt: skip
    assert row is not None
    return row


async def programme_of(unit: UnitOfWork, grant: Grant) -> str | None:
    """The funding programme of a grant's case; None while its preparation says none."""
    row = await unit.row(_PROGRAMME_OF, case_id=grant.case_id)
    programme: str | None = row["programme"] if row is not None else None
    return programme


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
