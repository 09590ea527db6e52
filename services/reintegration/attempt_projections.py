"""Each attempt to pay a tranche as a row, derived from the grant, and the checks that rows, postings and funds agree."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.reintegration import paid_accounts
from services.reintegration.domain.grant_state import FormerAttempt, Grant, GrantTranche
from services.reintegration.posting_projections import month_of
from shared.db import Sql, Write
from shared.settings import MISSION
from shared.verify import Check

_OF_THE_RELEASE = (
    "grant_id, tranche, attempt_no, attempt_id, destination_country, fund_id, amount, currency, amount_in_fund, fund_currency, "
    "status, released_by, released_at, payee_id, account_no, method"
)
_OF_ITS_END = (
    "confirmed_by", "confirmed_at", "reference", "paid_on", "paid_month", "ended_as", "ended_by", "ended_at", "ended_on",
    "reason", "return_month", "paid_line", "failed_line", "returned_line", "end_asked_by",
    "bank_charges", "charges_currency", "booked_short", "kept_by_bank", "ended_early_by", "ended_early_asked_by", "ended_early_at",
)  # fmt: skip
_BEGIN = Sql(
    f"INSERT INTO payment_attempts ({_OF_THE_RELEASE}) "
    f"VALUES ({', '.join(f':{name.strip()}' for name in _OF_THE_RELEASE.split(','))})"
)
_GO_ON = Sql(
    f"UPDATE payment_attempts SET status = :status, {', '.join(f'{name} = :{name}' for name in _OF_ITS_END)} "
    "WHERE grant_id = :grant_id AND tranche = :tranche AND attempt_no = :attempt_no"
)
_Row = Mapping[str, object]


def attempts(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    """The attempts that began or went on between two states of a grant."""
    was, now = ({} if one is None else _attempts_of(grant_id, one) for one in (before, grant))
    return [
        Write(_BEGIN if place not in was else _GO_ON, row) for place, row in now.items() if row != was.get(place)
    ]  # fmt: skip


def accounts(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    """To which accounts the attempts were released that began between two states of a grant."""
    was, now = ({} if one is None else _attempts_of(grant_id, one) for one in (before, grant))
    begun = [row for place, row in now.items() if place not in was and row["payee_id"] is not None]
    return [paid_accounts.of_a_release(row["attempt_id"], row["payee_id"], row["account_no"]) for row in begun]


def _attempts_of(grant_id: UUID, grant: Grant) -> dict[tuple[int, int], _Row]:
    over: Sequence[FormerAttempt | GrantTranche] = grant.former_attempts
    begun = [tranche for tranche in grant.tranches if tranche.status != "planned"]
    return {_place(one): _row(grant_id, grant, one) for one in (*over, *begun)}


def _place(attempt: FormerAttempt | GrantTranche) -> tuple[int, int]:
    return (attempt.tranche if isinstance(attempt, FormerAttempt) else attempt.number), attempt.attempt_no


def _row(grant_id: UUID, grant: Grant, attempt: FormerAttempt | GrantTranche) -> _Row:
    number, attempt_no = _place(attempt)
    paid_on = attempt.paid_on
    row: dict[str, object] = {
        "grant_id": grant_id, "tranche": number, "attempt_no": attempt_no, "attempt_id": attempt.attempt_id,
        "destination_country": grant.destination_country, "fund_id": grant.fund_id, "amount": attempt.amount,
        "currency": grant.currency, "amount_in_fund": attempt.amount if attempt.in_fund is None else attempt.in_fund,
        "fund_currency": grant.fund_currency, "status": "released" if paid_on is None else "paid",
        "released_by": attempt.released_by, "released_at": attempt.released_at, "confirmed_by": attempt.confirmed_by,
        "confirmed_at": attempt.confirmed_at, "payee_id": attempt.payee_id, "account_no": attempt.account_no,
        "method": attempt.method, "reference": attempt.reference, "paid_on": paid_on,
        "paid_month": _month_of(grant, paid_on, attempt.posted_in), **dict.fromkeys(_OF_ITS_END[5:]), "paid_line": attempt.paid_line,
        "bank_charges": attempt.bank_charges, "charges_currency": attempt.charges_currency, "booked_short": attempt.booked_short,
    }
    if attempt.ended_early is not None:
        early = attempt.ended_early
        row |= {"ended_early_by": early.ended_by, "ended_early_asked_by": early.asked_by, "ended_early_at": early.ended_at}
    if isinstance(attempt, FormerAttempt):
        row |= {
            "status": "failed" if paid_on is None else "reversed", "ended_as": attempt.ended_as, "ended_by": attempt.ended_by,
            "ended_at": attempt.ended_at, "ended_on": attempt.ended_on, "reason": attempt.reason, "end_asked_by": attempt.end_asked_by, "kept_by_bank": attempt.kept_by_bank,
            "return_month": None if paid_on is None else _month_of(grant, attempt.ended_on, attempt.return_posted_in),
            "failed_line" if paid_on is None else "returned_line": attempt.ended_line,
        }  # fmt: skip
    return row


def _month_of(grant: Grant, day: date | None, posted_in: date | None) -> date | None:
    return None if day is None else month_of(grant, day, posted_in)


# An attempt as the grant says it: of tranches that are released or more, and of those that are over.
_SAID = (
    "attempt_no, attempt_id, amount, in_fund, released_by, released_at, confirmed_by, confirmed_at, reference, paid_on, posted_in, "
    "payee_id, account_no, method, paid_line, bank_charges, charges_currency, booked_short, ended_early"
)
_TYPES = (
    "attempt_no integer, attempt_id uuid, amount numeric, in_fund numeric, released_by text, released_at timestamptz, "
    "confirmed_by text, confirmed_at timestamptz, reference text, paid_on date, posted_in date, payee_id uuid, "
    "account_no integer, method text, paid_line uuid, bank_charges numeric, charges_currency text, booked_short numeric, ended_early jsonb"
)
_ENDED = "ended_as, ended_by, ended_at, ended_on, reason, return_posted_in, ended_line, end_asked_by, kept_by_bank"
_ENDED_TYPES = "ended_as text, ended_by text, ended_at timestamptz, ended_on date, reason text, return_posted_in date, ended_line uuid, end_asked_by text, kept_by_bank numeric"
# What was paid in the west on the day before the commitment was once posted on that day, and is since with the commitment.
_DAY = (
    "CASE p.occurred_on WHEN a.day THEN a.day ELSE greatest(a.day, (SELECT cast(g.approved_at AT TIME ZONE "
    f"'{MISSION.mission_time_zone}' AS date) FROM grants g WHERE g.id = a.grant_id)) END"
)

CHECKS: tuple[Check, ...] = (
    Check(
        "payment attempts",
        Sql(
            "SELECT coalesce(p.grant_id, a.id) FROM payment_attempts p FULL JOIN ("
            f"SELECT g.id, g.fund_id, g.currency, g.fund_currency, g.destination_country, t.number AS tranche, {_SAID.replace('attempt_no', 'coalesce(attempt_no, 1) AS attempt_no', 1)}, "
            " CASE WHEN t.paid_on IS NULL THEN 'released' ELSE 'paid' END AS status, NULL AS ended_as, NULL AS ended_by, "
            " cast(NULL AS timestamptz) AS ended_at, cast(NULL AS date) AS ended_on, NULL AS reason, cast(NULL AS date) AS return_posted_in, cast(NULL AS uuid) AS ended_line, cast(NULL AS text) AS end_asked_by, cast(NULL AS numeric) AS kept_by_bank "
            f" FROM (SELECT id, fund_id, currency, fund_currency, destination_country, tranches FROM grants) g, jsonb_to_recordset(g.tranches) AS t(number integer, status text, {_TYPES}) "
            " WHERE t.status <> 'planned' "
            f"UNION ALL SELECT g.id, g.fund_id, g.currency, g.fund_currency, g.destination_country, f.tranche, {_SAID}, "
            f" CASE WHEN f.paid_on IS NULL THEN 'failed' ELSE 'reversed' END, {_ENDED} "
            f" FROM (SELECT id, fund_id, currency, fund_currency, destination_country, former_attempts FROM grants) g, jsonb_to_recordset(g.former_attempts) AS f(tranche integer, {_TYPES}, {_ENDED_TYPES}) "
            ") a ON a.id = p.grant_id AND a.tranche = p.tranche AND a.attempt_no = p.attempt_no "
            "WHERE (p.attempt_id, p.fund_id, p.currency, p.fund_currency, p.destination_country, p.amount, p.amount_in_fund, p.status, p.released_by, p.released_at, "
            " p.payee_id, p.account_no, p.method, p.confirmed_by, p.confirmed_at, p.reference, p.paid_on, p.paid_month, p.ended_as, p.ended_by, p.ended_at, p.ended_on, p.reason, p.return_month, "
            " p.paid_line, p.failed_line, p.returned_line, p.end_asked_by, p.bank_charges, p.charges_currency, p.booked_short, p.kept_by_bank, p.ended_early_by, p.ended_early_asked_by, p.ended_early_at) "
            "IS DISTINCT FROM (a.attempt_id, a.fund_id, a.currency, a.fund_currency, a.destination_country, a.amount, coalesce(a.in_fund, a.amount), a.status, a.released_by, a.released_at, "
            " a.payee_id, a.account_no, a.method, a.confirmed_by, a.confirmed_at, a.reference, a.paid_on, coalesce(a.posted_in, p.paid_month), a.ended_as, a.ended_by, a.ended_at, a.ended_on, a.reason, "
            " coalesce(a.return_posted_in, p.return_month), a.paid_line, CASE a.status WHEN 'failed' THEN a.ended_line END, "
            " CASE a.status WHEN 'reversed' THEN a.ended_line END, a.end_asked_by, a.bank_charges, a.charges_currency, a.booked_short, a.kept_by_bank, a.ended_early ->> 'ended_by', a.ended_early ->> 'asked_by', "
            " cast(a.ended_early ->> 'ended_at' AS timestamptz))"
        ),
    ),
    # What was posted as paid is each payment, in the order in which they were, and what was posted as reversed each that came back.
    Check(
        "postings of attempts",
        Sql(
            "SELECT coalesce(p.grant_id, a.grant_id) FROM (SELECT *, row_number() OVER (PARTITION BY grant_id, tranche, kind "
            " ORDER BY posting_no) AS nth FROM fund_postings WHERE kind IN ('spend', 'reverse')) p FULL JOIN ("
            "SELECT grant_id, tranche, 'spend' AS kind, amount, currency, amount_in_fund, paid_on AS day, paid_month AS month, "
            " row_number() OVER (PARTITION BY grant_id, tranche ORDER BY confirmed_at NULLS FIRST, attempt_no) AS nth FROM payment_attempts WHERE paid_on IS NOT NULL "
            "UNION ALL SELECT grant_id, tranche, 'reverse', amount, currency, amount_in_fund, ended_on, return_month, "
            " row_number() OVER (PARTITION BY grant_id, tranche ORDER BY ended_at NULLS FIRST, attempt_no) FROM payment_attempts WHERE status = 'reversed'"
            ") a ON (a.grant_id, a.tranche, a.kind, a.nth) = (p.grant_id, p.tranche, p.kind, p.nth) "
            "WHERE (p.amount, p.currency, p.amount_in_fund, p.occurred_on, p.month) "
            f"IS DISTINCT FROM (a.amount, a.currency, a.amount_in_fund, {_DAY}, a.month)"
        ),
    ),
    Check(
        "paid attempts of funds",
        Sql(
            "SELECT b.fund_id FROM fund_balances b LEFT JOIN (SELECT fund_id, sum(amount_in_fund) AS spent FROM payment_attempts "
            " WHERE status = 'paid' GROUP BY fund_id) p ON p.fund_id = b.fund_id LEFT JOIN (SELECT fund_id, sum(amount_in_fund) AS back "
            " FROM recovered_money GROUP BY fund_id) r ON r.fund_id = b.fund_id WHERE b.spent <> coalesce(p.spent, 0) - coalesce(r.back, 0)"
        ),
    ),
)
