"""What else changes with a grant: the rows that hold limits and turns, and the checks that they are true.

The rows are derived as `projections` says, in the order of their tables.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from services.reintegration.attempt_projections import accounts, attempts
from services.reintegration.attempt_tables import erased_in, paid_when_erased
from services.reintegration.bank_projections import settled
from services.reintegration.difference_projections import differences
from services.reintegration.domain.grant_state import TERMINAL, Grant, TrancheStatus
from services.reintegration.domain.turns import Turn, TurnOf, turns
from services.reintegration.grant_decisions import decisions_taken
from services.reintegration.paid_although_projections import paid_although
from services.reintegration.posting_projections import postings, takes_of_its_fund
from services.reintegration.projections import quoted
from services.reintegration.recovery_projections import recoveries
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import ASKED, Check

# A line of a plan is free again once its grant was rejected or cancelled; a completed grant has used it up.
_FREES_THE_LINE = frozenset({"rejected", "cancelled"})
# A tranche that left the mission and whose delivery nobody has seen is an advance.
_ADVANCE: tuple[TrancheStatus, ...] = ("released", "paid")

_REVISE_PERSON = Sql("UPDATE person_caps SET revision = revision + 1 WHERE person_id = :person_id")
_KEEP_VERSION = Sql(
    "INSERT INTO grant_versions (grant_id, request_version, destination_country, requester_id, counsellor_id, amount, "
    "currency, content_hash, policy_programme, policy_version, submitted_at) VALUES (:grant_id, :request_version, "
    ":destination_country, :requester_id, :counsellor_id, :amount, :currency, :content_hash, :policy_programme, "
    ":policy_version, :submitted_at)"
)
_COUNT_GRANT = Sql("UPDATE case_limits SET live_grants = live_grants + :change WHERE case_id = :case_id")
_TAKE_LINE = Sql(
    "INSERT INTO taken_plan_lines (plan_id, plan_line_id, grant_id) VALUES (:plan_id, :plan_line_id, :grant_id)"
)
_FREE_LINE = Sql(
    "DELETE FROM taken_plan_lines WHERE plan_id = :plan_id AND plan_line_id = :plan_line_id AND grant_id = :grant_id"
)
_OPEN_ADVANCE = Sql(
    "INSERT INTO open_advances (person_id, grant_id, tranche) VALUES (:person_id, :grant_id, :tranche)"
)
_SETTLE_ADVANCE = Sql(
    "DELETE FROM open_advances WHERE person_id = :person_id AND grant_id = :grant_id AND tranche = :tranche"
)
_USE_REFERENCE = Sql(
    "INSERT INTO payment_references (reference, grant_id, tranche) VALUES (:reference, :grant_id, :tranche)"
)
_MOVE_BALANCE = Sql(
    "UPDATE fund_balances SET committed = committed + :committed, spent = spent + :spent "
    "WHERE fund_id = :fund_id AND currency = :currency"
)
_BEGIN_TURN = Sql(
    "INSERT INTO grant_turns (grant_id, hat, destination_country, step, since) "
    "VALUES (:grant_id, :hat, :destination_country, :step, :since)"
)
_CHANGE_TURN = Sql("UPDATE grant_turns SET step = :step, since = :since WHERE grant_id = :grant_id AND hat = :hat")
_END_TURN = Sql("DELETE FROM grant_turns WHERE grant_id = :grant_id AND hat = :hat")


def grant_limits(
    grant_id: UUID, before: Grant | None, grant: Grant, events: tuple[Event, ...]
) -> Sequence[Write]:
    """What a grant takes of cap, case, plan line and fund, its versions, advance and references, and whose turn it is."""
    return (
        *_version(grant_id, before, grant),
        *_cap(before, grant),
        *_live_grants(before, grant),
        *_plan_line(grant_id, before, grant),
        *_advance(grant_id, before, grant),
        *_references(grant_id, before, grant),
        *attempts(grant_id, before, grant),
        *accounts(grant_id, before, grant),
        *settled(grant, events),
        *recoveries(grant_id, before, grant),
        *differences(grant_id, before, grant),
        *paid_although(grant_id, grant, events),
        *_balance(before, grant),
        *postings(grant_id, before, grant),
        *_turns(grant_id, before, grant),
        *decisions_taken(grant_id, grant, events),
    )


def _version(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    if grant.submitted_version is None or (before is not None and before.submitted_version == grant.submitted_version):
        return ()
    of = {
        "grant_id": grant_id, "request_version": grant.submitted_version, "destination_country": grant.destination_country,
        "requester_id": grant.requester_id, "counsellor_id": grant.counsellor_id, "amount": grant.amount,
        "currency": grant.currency, "content_hash": grant.content_hash, "policy_programme": grant.policy_programme,
        "policy_version": grant.policy_version, "submitted_at": grant.waiting_since,
    }  # fmt: skip
    return (Write(_KEEP_VERSION, of),)


def _cap(before: Grant | None, grant: Grant) -> Sequence[Write]:
    if _counted(before) == _counted(grant):
        return ()
    return (Write(_REVISE_PERSON, {"person_id": grant.person_id}),)


def _counted(grant: Grant | None) -> Decimal | None:
    """What counts towards the person's cap as long as the grant lives; of a draft nothing does."""
    return None if grant is None or grant.submitted_version is None else grant.amount


def _live_grants(before: Grant | None, grant: Grant) -> Sequence[Write]:
    change = (grant.status not in TERMINAL) - (before is not None and before.status not in TERMINAL)
    return (Write(_COUNT_GRANT, {"case_id": grant.case_id, "change": change}),) if change else ()


def _plan_line(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    line = {"plan_id": grant.plan_id, "plan_line_id": grant.plan_line_id, "grant_id": grant_id}
    if before is None:
        return (Write(_TAKE_LINE, line),)
    if grant.status in _FREES_THE_LINE and before.status not in _FREES_THE_LINE:
        return (Write(_FREE_LINE, line),)
    return ()


def _advance(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    was, now = _open_tranches(before), _open_tranches(grant)
    writes = [(_SETTLE_ADVANCE, number) for number in sorted(was - now)]
    writes += [(_OPEN_ADVANCE, number) for number in sorted(now - was)]
    return [
        Write(sql, {"person_id": grant.person_id, "grant_id": grant_id, "tranche": number})
        for sql, number in writes
    ]


def _open_tranches(grant: Grant | None) -> frozenset[int]:
    if grant is None:
        return frozenset()
    return frozenset(tranche.number for tranche in grant.tranches_in(*_ADVANCE))


def _references(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    known = {tranche.reference for tranche in before.tranches} if before is not None else set()
    return [
        Write(
            _USE_REFERENCE,
            {"reference": tranche.reference, "grant_id": grant_id, "tranche": tranche.number},
        )
        for tranche in grant.tranches
        if tranche.reference is not None and tranche.reference not in known
    ]


def _balance(before: Grant | None, grant: Grant) -> Sequence[Write]:
    moved = takes_of_its_fund(before, grant)
    if grant.fund_id is None or (moved.committed == 0 and moved.spent == 0):
        return ()
    return (
        Write(
            _MOVE_BALANCE,
            {
                "fund_id": grant.fund_id, "currency": grant.fund_currency, "committed": moved.committed, "spent": moved.spent,
            },
        ),
    )  # fmt: skip


def _turns(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    was, now = _listed(before), _listed(grant)
    writes: list[Write] = []
    for hat in sorted(was.keys() | now.keys()):
        row: dict[str, object] = {"grant_id": grant_id, "hat": hat}
        if hat not in now:
            writes.append(Write(_END_TURN, row))
        elif now[hat] != was.get(hat):
            row |= {"step": now[hat].step, "since": now[hat].since}
            if hat in was:
                writes.append(Write(_CHANGE_TURN, row))
            else:
                writes.append(Write(_BEGIN_TURN, {**row, "destination_country": grant.destination_country}))
    return writes


def _listed(grant: Grant | None) -> Mapping[TurnOf, Turn]:
    # Whose turn it is to certify is found among those that wait for their endorsement: that a grant waits for medical staff
    # tells of health, and stands in no row in clear.
    found = turns(grant) if grant is not None else {}
    return {hat: turn for hat, turn in found.items() if hat != "certifier"}


# What the bank pays is no turn of whoever pays: it says itself what became of it. Of cash the office is first.
_BY_HAND = (
    "jsonb_path_exists(g.tranches, '$[*] ? (@.status == \"released\" && (!exists(@.method) || @.method != \"bank_file\") "
    "&& (!exists(@.method) || @.method != \"cash\" || exists(@.witness.witnessed_by)))')"
)
_UNSEEN = (
    "jsonb_path_exists(g.tranches, '$[*] ? (@.status == \"released\" && @.method == \"cash\" && !exists(@.witness.witnessed_by))')"
)


def _has(status: TrancheStatus) -> str:
    return f"""g.tranches @> '[{{"status": "{status}"}}]'"""


CHECKS: tuple[Check, ...] = (
    # Of grants of before only the version that they stood at is kept.
    Check(
        "grant versions",
        Sql(
            "SELECT coalesce(g.id, v.grant_id) FROM grant_versions v FULL JOIN grants g ON g.id = v.grant_id "
            "LEFT JOIN grant_versions n ON n.grant_id = g.id AND n.request_version = g.submitted_version "
            "WHERE g.id IS NULL OR (g.submitted_version IS NULL) <> (v.grant_id IS NULL) "
            "OR v.request_version > g.submitted_version "
            "OR (g.submitted_version IS NULL AND g.status NOT IN ('draft', 'cancelled')) "
            "OR (g.submitted_version IS NOT NULL AND (g.requester_id, g.counsellor_id, g.destination_country, g.amount, "
            "g.currency, g.content_hash, g.policy_programme, g.policy_version) IS DISTINCT FROM (n.requester_id, "
            "n.counsellor_id, n.destination_country, n.amount, n.currency, n.content_hash, n.policy_programme, "
            "n.policy_version))"
        ),
    ),
    Check(
        "taken plan lines",
        Sql(
            "SELECT coalesce(t.grant_id, g.id) FROM taken_plan_lines t FULL JOIN "
            f"(SELECT * FROM grants WHERE status NOT IN ({quoted(_FREES_THE_LINE)})) g "
            "ON g.id = t.grant_id AND g.plan_id = t.plan_id AND g.plan_line_id = t.plan_line_id "
            "WHERE t.grant_id IS NULL OR g.id IS NULL"
        ),
    ),
    Check(
        "open advances",
        Sql(
            "SELECT coalesce(a.grant_id, t.id) FROM open_advances a FULL JOIN "
            "(SELECT g.id, g.person_id, cast(t ->> 'number' AS integer) AS number FROM grants g, "
            f"jsonb_array_elements(g.tranches) t WHERE t ->> 'status' IN ({quoted(_ADVANCE)})) t "
            "ON t.id = a.grant_id AND t.person_id = a.person_id AND t.number = a.tranche "
            "WHERE a.grant_id IS NULL OR t.id IS NULL"
        ),
    ),
    Check(
        "payment references",
        Sql(
            "SELECT coalesce(r.grant_id, p.grant_id) FROM payment_references r FULL JOIN "
            "(SELECT grant_id, tranche, reference FROM payment_attempts WHERE reference IS NOT NULL "
            " UNION ALL SELECT grant_id, 0, reference FROM recovered_money) p "
            "ON p.grant_id = r.grant_id AND p.tranche = r.tranche AND p.reference = r.reference "
            "WHERE r.grant_id IS NULL OR p.grant_id IS NULL"
        ),
    ),
    # What needs and grants of the erased were for is gone, and what the report counts of it is all counted.
    Check(
        "what it was for",
        Sql(
            "SELECT g.id FROM grants g CROSS JOIN LATERAL (SELECT id FROM persons WHERE id = g.person_id OFFSET 0) e "
            f"WHERE g.id = {ASKED} AND (g.category IS NOT NULL "
            "OR EXISTS (SELECT FROM event_log l WHERE l.subject = g.id AND EXISTS (SELECT FROM disclosure d WHERE d.event_id = l.id "
            # What stood against a payment that was made later is told beside it.
            f" AND (d.path = 'category' OR (NOT {paid_when_erased('e', 'g')} "
            f"  AND (l.idx < {erased_in('e')} OR d.path <> 'stood_against'))) OFFSET 0) OFFSET 0)) "
            "UNION ALL SELECT p.id FROM plans p, jsonb_to_recordset(p.lines) AS line(person_id uuid, category text, sealed text) "
            f"WHERE p.id = {ASKED} AND (line.category IS NOT NULL OR line.sealed IS NOT NULL) "
            "AND EXISTS (SELECT FROM persons e WHERE e.id = line.person_id OFFSET 0)"
        ),
        by_id=True,
    ),
    Check(
        "grants of the erased",
        Sql(
            "SELECT counted.grants FROM (SELECT coalesce(sum(grants), 0) AS grants FROM grants_of_the_erased) counted "
            "WHERE counted.grants <> (SELECT count(*) FROM grants "
            " WHERE category IS NULL AND approved_at IS NOT NULL AND status <> 'cancelled')"
        ),
    ),
    # When a turn began is told by events alone; here it must lie within the grant's own time.
    Check(
        "grant turns",
        Sql(
            "SELECT coalesce(t.grant_id, d.id) FROM grant_turns t FULL JOIN "
            "(SELECT g.*, due.* FROM grants g CROSS JOIN LATERAL (VALUES "
            " ('requester', 'submit', g.status = 'draft'), "
            " ('endorser', 'endorse', g.status = 'submitted'), ('requester', 'revise', g.status = 'returned'), "
            " ('approver', 'approve', g.status = 'endorsed' AND jsonb_array_length(g.approvals) < 2), "
            " ('chief', 'approve', g.status = 'endorsed' AND jsonb_array_length(g.approvals) = 2), "
            f" ('payer', 'confirm_payment', {_BY_HAND} AND g.status <> 'cancelled'), "
            f" ('payer', 'release', {_has('planned')} AND NOT {_has('released')} AND NOT {_has('paid')} "
            "  AND g.status IN ('approved', 'in_disbursement') AND (g.recovery_opened_at IS NULL OR g.recovery_closed_at IS NOT NULL) "
            "  AND g.committed >= (SELECT sum(cast(p ->> 'amount' AS numeric)) FROM jsonb_array_elements(g.tranches) p WHERE p ->> 'status' = 'planned')), "
            f" ('deliverer', 'witness_cash', {_UNSEEN}), ('deliverer', 'confirm_delivery', {_has('paid')}), ('reconciler', 'reconcile', {_has('delivered')})) "
            " due(hat, step, is_due) WHERE due.is_due) d ON d.id = t.grant_id AND d.hat = t.hat AND d.step = t.step "
            " AND d.destination_country = t.destination_country AND t.since BETWEEN d.requested_at AND d.waiting_since "
            "WHERE t.grant_id IS NULL OR d.id IS NULL"
        ),
    ),
)
