"""What reintegration's tables answer for those who look over the money: exceptions, and what nobody on duty may decide."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.domain.delegation import Thresholds
from services.reintegration.domain.duty import NobodyReason, OnDuty, Waiting, why_nobody
from services.reintegration.domain.exceptions import TOGETHER_DAYS, ExceptionCode, Looked, exceptions_of
from services.reintegration.domain.grant_state import GrantStatus
from services.reintegration.domain.policies import EXAMPLE
from services.reintegration.lost_payment_queries import TOLD_OF_BEFORE
from services.reintegration.sealed import vendors_of
from services.reintegration.sent_files_queries import SENT
from shared.db import Sql, UnitOfWork
from shared.errors import RuleViolation
from shared.ids import UUID_PATTERN
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds
from shared.money import Amount, Money

BATCH: Final = 500
# Of a request of before policies had versions the example counts, as everywhere.
_EXAMPLE: Final = {
    "currency": EXAMPLE.cap_per_person.currency, "one": EXAMPLE.one_approver_up_to.amount,
    "two": EXAMPLE.two_approvers_up_to.amount, "quotations": EXAMPLE.quotations_above.amount,
}  # fmt: skip
# What was given up, sent away or never handed in is asked for no more.
_ASKED_FOR = "status NOT IN ('draft', 'rejected', 'cancelled')"
_TOGETHER = f"interval '{TOGETHER_DAYS} days'"
# Whether something was found otherwise, or paid although something stood against it, is asked of each grant by itself: as EXISTS all spot checks would be read for a page.
LOOKED = Sql(
    "SELECT r.*, (SELECT coalesce(sum(o.amount), 0) FROM grants o WHERE o.person_id = r.person_id AND o.id <> r.id "
    f"AND o.{_ASKED_FOR} AND o.currency = r.currency AND o.amount <= r.one AND o.requested_at >= r.requested_at - {_TOGETHER} "
    f"AND o.requested_at <= r.requested_at + {_TOGETHER}) AS beside FROM (SELECT g.id, g.case_id, g.destination_country, g.status, "
    "g.request_version, g.amount, g.currency, g.requested_at, g.approved_at, g.requester_id, g.endorser_id, g.approver_id, "
    "g.person_id, g.just_below_threshold, (SELECT true FROM spot_checks s WHERE s.grant_id = g.id "
    "AND s.outcome IN ('differs', 'not_found') LIMIT 1) IS NOT NULL AS found_otherwise, "
    # As a line of the bank's waits as `not_sent`.
    "(SELECT true FROM payment_attempts a JOIN bank_lines l ON l.of_attempt = a.attempt_id AND l.kind = 'booked' AND l.state NOT IN ('unconfirmed', 'dropped') WHERE a.grant_id = g.id "
    # Of what left before a restore two persons found which line it is.
    f"AND CASE a.method WHEN 'bank_file' THEN NOT EXISTS (SELECT {SENT}) AND NOT (l.by_hand AND {TOLD_OF_BEFORE}) "
    "ELSE a.method IS NOT NULL AND l.direction = 'debit' END LIMIT 1) IS NOT NULL AS moved_by_hand, "
    "(SELECT true FROM payment_attempts a JOIN bank_lines l ON (l.of_attempt = a.attempt_id AND l.other_payee OR l.attempt_id = a.attempt_id AND l.other_payee_named) "
    "AND l.state NOT IN ('unconfirmed', 'dropped') WHERE a.grant_id = g.id LIMIT 1) IS NOT NULL AS another_payee, "
    # The bank names it, or two persons found it to be that one.
    "(SELECT true FROM payment_attempts a JOIN bank_lines l ON a.attempt_id IN (l.of_attempt, l.attempt_id) AND l.direction = 'debit' AND l.state NOT IN ('unconfirmed', 'dropped') "
    "WHERE a.grant_id = g.id AND (a.reason = 'not_answered' OR a.ended_early_by IS NOT NULL) LIMIT 1) IS NOT NULL AS booked_after_all, "
    "(SELECT true FROM payment_attempts a JOIN bank_lines l ON l.id = a.paid_line AND (l.paid_part IS NOT NULL OR a.bank_charges IS NOT NULL OR a.kept_by_bank IS NOT NULL) WHERE a.grant_id = g.id LIMIT 1) IS NOT NULL AS booked_otherwise, "
    "(SELECT true FROM payment_attempts a JOIN bank_lines l ON l.of_attempt = a.attempt_id AND l.state = 'accepted' AND l.code IN ('ACSC', 'ACCC') "
    "WHERE a.grant_id = g.id AND (a.reason = 'not_answered' OR a.ended_early_by IS NOT NULL) LIMIT 1) IS NOT NULL AS ended_though_reported, (SELECT true FROM paid_although a WHERE a.grant_id = g.id LIMIT 1) IS NOT NULL AS paid_although, coalesce(p.currency, cast(:example_currency AS text)) AS policy_currency, coalesce(p.one_approver_up_to, cast(:one AS numeric)) AS one, "
    "coalesce(p.two_approvers_up_to, cast(:two AS numeric)) AS two, coalesce(p.quotations_above, cast(:quotations AS numeric)) AS quotations, v.submitted_at "
    "FROM grants g LEFT JOIN grant_versions v ON v.grant_id = g.id AND v.request_version = g.request_version "
    "LEFT JOIN policy_versions p ON p.programme = g.policy_programme AND p.policy_version = g.policy_version "
    f"WHERE g.requested_at >= :since AND g.requested_at <= :before AND (g.requested_at, g.id) < (:before, :before_id) AND g.{_ASKED_FOR} "
    "ORDER BY g.requested_at DESC, g.id DESC LIMIT :limit) r ORDER BY r.requested_at DESC, r.id DESC"
)
BUDGETS = Sql(
    "SELECT g.id, g.version, g.budget, g.requested_at FROM grants g WHERE g.requested_at >= :since AND g.requested_at <= :before "
    f"AND (g.requested_at, g.id) < (:before, :before_id) AND g.budget IS NOT NULL AND g.{_ASKED_FOR} "
    "ORDER BY g.requested_at DESC, g.id DESC LIMIT :limit"
)
Place = Annotated[str, Field(pattern=f"^{MICROSECONDS}-{UUID_PATTERN}$")]


class ExceptionRow(BaseModel):
    """One request that somebody should look at, why, and who decided on it; not what it is for."""

    grant_id: UUID
    case_id: UUID
    destination_country: str
    status: GrantStatus
    request_version: int
    amount: Amount
    currency: str
    requested_at: datetime
    approved_at: datetime | None
    requester_id: str
    endorser_id: str | None
    approver_id: str | None
    exceptions: tuple[ExceptionCode, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any], of_vendor: int, zone: ZoneInfo) -> Self:
        """The row of a request, with what is to be looked at by the mission's days."""
        same = row["policy_currency"] == row["currency"]
        approved = row["approved_at"]
        looked = Looked(
            submitted_on=(row["submitted_at"] or row["requested_at"]).astimezone(zone).date(),
            approved_on=approved.astimezone(zone).date() if approved else None, amount=row["amount"],
            thresholds=sorted({row["one"], row["two"], row["quotations"]}) if same else (),
            beside=row["beside"] if same else Decimal(0), of_vendor=of_vendor,
            marked=row["just_below_threshold"], found_otherwise=row["found_otherwise"], moved_by_hand=row["moved_by_hand"],
            another_payee=row["another_payee"], booked_after_all=row["booked_after_all"], booked_otherwise=row["booked_otherwise"], ended_though_reported=row["ended_though_reported"], paid_although=row["paid_although"],
        )  # fmt: skip
        return cls.model_validate({**row, "grant_id": row["id"], "exceptions": exceptions_of(looked)})

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{in_microseconds(self.requested_at)}-{self.grant_id}"


async def exceptions(
    unit: UnitOfWork, first: date, last: date, zone: str, after: Place | None, limit: int
) -> list[ExceptionRow]:
    """The exceptions among the requests of these days, both counted, the newest first."""
    here = ZoneInfo(zone)
    since = datetime.combine(first, time(), here)
    before, before_id = datetime.combine(last + timedelta(days=1), time(), here), UUID(int=0)
    vendors = await _vendors(unit, since, before)
    if after is not None:
        at, _, id = after.partition("-")
        before, before_id = from_microseconds(at), UUID(id)
    asked = {
        "since": since, "limit": BATCH, "example_currency": _EXAMPLE["currency"],
        **{name: _EXAMPLE[name] for name in ("one", "two", "quotations")},
    }  # fmt: skip
    found: list[ExceptionRow] = []
    # Most requests are no exception, so that their pages are read on until there are enough that are.
    while True:
        rows = await unit.rows(LOOKED, before=before, before_id=before_id, **asked)
        looked = (ExceptionRow.of(dict(row), vendors.get(row["id"], 0), here) for row in rows)
        found += [one for one in looked if one.exceptions]
        if len(found) >= limit or len(rows) < BATCH:
            return found[:limit]
        before, before_id = rows[-1]["requested_at"], rows[-1]["id"]


async def _vendors(unit: UnitOfWork, since: datetime, before: datetime) -> dict[UUID, int]:
    """Of each request that chose a vendor how many chose the same; which vendor is told nobody, for it may tell of health."""
    chosen: dict[UUID, str] = {}
    before_id = UUID(int=0)
    while True:
        rows = await unit.rows(BUDGETS, since=since, before=before, before_id=before_id, limit=BATCH)
        of_each = zip(rows, await vendors_of(unit, rows), strict=True)
        chosen |= {row["id"]: vendor for row, vendor in of_each if vendor is not None}
        if len(rows) < BATCH:
            counted = Counter(chosen.values())
            return {id: counted[vendor] for id, vendor in chosen.items()}
        before, before_id = rows[-1]["requested_at"], rows[-1]["id"]


UNDECIDED = Sql(
    "SELECT w.*, support_in(ARRAY[w.person_id], w.id, cast(:now AS timestamptz)) AS support, coalesce(p.currency, "
    "cast(:example_currency AS text)) AS policy_currency, coalesce(p.one_approver_up_to, cast(:one AS numeric)) AS one, "
    "coalesce(p.two_approvers_up_to, cast(:two AS numeric)) AS two FROM (SELECT t.since, g.id, g.case_id, "
    "g.destination_country, g.request_version, g.amount, g.currency, g.requester_id, g.endorser_id, g.counsellor_id, "
    "g.certificate ->> 'attested_by' AS certifier_id, g.former_endorsers, g.person_id, g.policy_programme, g.policy_version, g.approvals FROM (SELECT found.* FROM unnest(ARRAY['approver', 'chief']) own(hat) "
    "CROSS JOIN LATERAL (SELECT n.grant_id, n.since FROM grant_turns n WHERE n.hat = ANY (ARRAY[own.hat]) "
    "AND n.since >= :since AND (n.since, n.grant_id) > (:since, :grant_id) ORDER BY n.hat, n.since, n.grant_id "
    "LIMIT :limit) found ORDER BY found.since, found.grant_id LIMIT :limit) t JOIN grants g ON g.id = t.grant_id) w "
    # As the caps of an approval are looked up: there is no version before the first, so that 0 is the example.
    "LEFT JOIN LATERAL (SELECT v.currency, v.one_approver_up_to, v.two_approvers_up_to FROM policy_versions v "
    "WHERE v.programme IN (coalesce(w.policy_programme, (SELECT c.programme FROM cases c WHERE c.id = w.case_id)), 'default') "
    "AND v.policy_version = coalesce(w.policy_version, 0) "
    "ORDER BY v.programme = 'default', v.policy_version DESC LIMIT 1) p ON true ORDER BY w.since, w.id"
)
_ON_DUTY = Sql(
    "SELECT t.acting_id, t.holder_id, t.role, t.up_to, t.currency FROM open_authorities o "
    "JOIN authority_terms t ON t.authority_id = o.authority_id WHERE t.valid_from <= :today AND t.valid_until >= :today "
    "ORDER BY t.authority_id, t.terms_no"
)


class UndecidableRow(BaseModel):
    """One grant whose next approval nobody on duty may give, and why; not what it is for."""

    grant_id: UUID
    case_id: UUID
    destination_country: str
    request_version: int
    amount: Amount
    currency: str
    since: datetime
    reason: NobodyReason

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{in_microseconds(self.since)}-{self.grant_id}"


async def undecidable(
    unit: UnitOfWork, rates: RatesInForce, now: datetime, today: date, after: Place | None, limit: int
) -> list[UndecidableRow]:
    """The grants that wait for an approval which nobody may give on this day, the longest waiting first."""
    on_duty = [
        OnDuty(row["acting_id"], row["holder_id"], row["role"], Money(amount=row["up_to"], currency=row["currency"]))
        for row in await unit.rows(_ON_DUTY, today=today)
    ]
    since, grant_id = EPOCH, UUID(int=0)
    if after is not None:
        at, _, id = after.partition("-")
        since, grant_id = from_microseconds(at), UUID(id)
    asked = {"now": now, "limit": BATCH, "example_currency": _EXAMPLE["currency"], "one": _EXAMPLE["one"], "two": _EXAMPLE["two"]}
    found: list[UndecidableRow] = []
    while True:
        rows = await unit.rows(UNDECIDED, since=since, grant_id=grant_id, **asked)
        for row in rows:
            reason = why_nobody(_waiting(dict(row), rates), on_duty, rates)
            if reason is not None:
                found.append(UndecidableRow.model_validate({**row, "grant_id": row["id"], "reason": reason}))
        if len(found) >= limit or len(rows) < BATCH:
            return found[:limit]
        since, grant_id = rows[-1]["since"], rows[-1]["id"]


def _waiting(row: Mapping[str, Any], rates: RatesInForce) -> Waiting:
    into = row["policy_currency"]
    sums = [Money(amount=row["amount"], currency=row["currency"]), *map(Money.model_validate, json.loads(row["support"]))]
    try:
        together = sum((rates.convert(money, into).money.amount for money in sums), Decimal(0))
        needed = Thresholds(row["one"], row["two"], into).levels_for(together)
    except RuleViolation:
        # Without a rate nobody can say how many it needs; whoever might approve is refused for the same reason.
        needed = 1
    given = json.loads(row["approvals"])
    # Whom the approver's hat is refused to, and nobody stands in for.
    involved = {
        row["requester_id"], row["endorser_id"], *row["former_endorsers"], row["certifier_id"], row["counsellor_id"],
        *(one["approver_id"] for one in given),
    }  # fmt: skip
    return Waiting(
        money=Money(amount=row["amount"], currency=row["currency"]), level=len(given) + 1,
        levels_needed=max((needed, *(one["levels_needed"] for one in given))), involved=frozenset(involved - {None}),
        holders=frozenset(one["holder_id"] for one in given),
    )  # fmt: skip
