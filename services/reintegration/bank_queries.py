"""What reintegration's tables answer of lines of the bank's: the facts of their rules, what is due to be settled, and the lists."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, PlainSerializer, TypeAdapter

from services.reintegration.bank.pain002 import HAD_BEFORE
from services.reintegration.booking_queries import ABOUT_ITS_BOOKING, with_its_rest
from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.bank_files import KnownAccount, LineKind
from services.reintegration.domain.bank_line_acts import BankLineAct, BankLineActStatus
from services.reintegration.domain.bank_lines import BankLineFacts, ConfirmMatch, MatchLine
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.matching import (
    AttemptStatus,
    BankLine,
    KnownAttempt,
    Unmatched,
    why_not,
)
from services.reintegration.domain.settlement import day_of, first_that_settles
from services.reintegration.lost_bank_queries import MAY_BE_LOST
from services.reintegration.lost_payment_queries import LEFT_BEFORE
from services.reintegration.lost_reference_queries import ENDED, WAITS, may_be_of, waits_for_one_before
from services.reintegration.posting_projections import place_of_a_return
from services.reintegration.queries import TODAY
from services.reintegration.returned_unnamed_queries import MAY_RETURN_SEVERAL, may_return, several_paid_by
from services.reintegration.sent_files_queries import SENT
from services.reintegration.several_payments_queries import (
    NAMES_SEVERAL,
    may_be_among,
    of_a_booking,
)
from services.reintegration.signer_queries import signed_by
from services.reintegration.worth_queries import with_worth, worth_of
from shared.contracts.attempts import PaymentMethod
from shared.contracts.bank import Explanation, OtherThanNamed
from shared.db import Sql, UnitOfWork
from shared.money import Amount, Money

LineState = Literal["unconfirmed", "dropped", "unmatched", "matched", "returned", "rejected", "explained", "recovered", "duplicate", "accepted"]
# Those of the files in which an attempt was in the bank's hands that are of the line: from the account that was booked on, or the very file that a report speaks of.
_SENT_AS_THE_LINE_SAYS: Final = (
    f"{SENT} AND CASE l.kind WHEN 'booked' THEN p.own_account_id = l.own_account_id "
    "ELSE p.id = (SELECT f.instruction_id FROM bank_files f WHERE f.id = l.file_id) END"
)
# The file of ours that the bank says to have had it by has no such attempt, or is none of ours.
_OTHER_BLOCK: Final = (
    "l.block IS NOT NULL AND NOT EXISTS (SELECT FROM batch_payments b WHERE b.attempt_id = a.attempt_id "
    "AND replace(cast(b.batch_id AS text), '-', '') = left(l.block, 32))"
)
_LINE: Final = (
    "l.id, l.kind, l.of_attempt AS attempt_id, l.amount, l.currency, l.direction, l.reversal, l.booked_on, l.bank_reference, "
    "l.reasons, l.by_code, l.by_hand, l.paid_part, l.part_worth, l.imported_at, l.instructed_amount, l.instructed_currency, "
    f"{ABOUT_ITS_BOOKING}, coalesce(l.other_payee, false) AS other_payee, {_OTHER_BLOCK} AS other_block, "
    f"(SELECT min(p.sent_at) {_SENT_AS_THE_LINE_SAYS}) AS sent_at, EXISTS (SELECT {SENT}) AS sent_otherwise, {LEFT_BEFORE} AS left_before_restore"
)
# Another attempt pays the same tranche, or did.
_ANOTHER: Final = (
    "EXISTS (SELECT FROM payment_attempts n WHERE (n.grant_id, n.tranche) = (a.grant_id, a.tranche) AND n.attempt_no <> a.attempt_no "
    "AND n.status IN ('released', 'paid')"
)
# What was delivered is no open advance any more.
_ATTEMPT: Final = (
    "a.grant_id, a.tranche, a.status AS attempt_status, a.method, a.amount AS attempt_amount, a.currency AS attempt_currency, "
    "a.released_by, a.status = 'paid' AND NOT EXISTS (SELECT FROM open_advances o WHERE o.grant_id = a.grant_id "
    "AND o.tranche = a.tranche) AS delivered, a.reason IS NOT DISTINCT FROM 'not_answered' AS unanswered, a.booked_short AS attempt_short, "
    f"NOT {_ANOTHER}) AS planned, {_ANOTHER} AND n.status = 'paid') AS paid_anew"
)
# Of an open one, or of one that was refused, came back or was ended and of which it may be that it left all the same.
_MAY_BE_OURS: Final = (
    f"l.state = 'unmatched' AND ({NAMES_SEVERAL} OR EXISTS (SELECT FROM payment_attempts o WHERE {may_be_of('o')} OR {may_be_among('o')}) "
    f"OR EXISTS (SELECT FROM payment_attempts o WHERE {may_be_of('o', ENDED)}) "
    f"OR EXISTS (SELECT FROM payment_attempts o WHERE {may_be_among('o', ENDED)}) "
    f"OR {MAY_RETURN_SEVERAL} OR EXISTS (SELECT FROM payment_attempts o WHERE {may_return('o')}) OR {MAY_BE_LOST}) AS may_be_ours"
)
# A row for each of the two attempts of which it may be, the one that the bank names and the one that is meant.
_ABOUT_A_LINE = Sql(
    f"SELECT {_LINE}, l.state = 'unmatched' AS waits, l.state = 'duplicate' AS told_again, {_ATTEMPT}, a.attempt_id AS known_attempt, l.attempt_id AS named, "
    f"a.released_by = cast(:reader AS text) OR {signed_by(':reader', 'a.grant_id')} "
    f"OR EXISTS (SELECT FROM payment_attempts o WHERE ({may_be_of('o')} OR {may_be_among('o')} OR {of_a_booking('o')}) AND (o.released_by = cast(:reader AS text) OR {signed_by(':reader', 'o.grant_id')})) "
    # Nor does who paid what ended since, or what may have come back, alone or with others.
    f"OR EXISTS (SELECT FROM payment_attempts o WHERE ({may_be_of('o', ENDED)} OR {may_be_among('o', ENDED)} OR {may_return('o')}) "
    f"AND (o.released_by = cast(:reader AS text) OR {signed_by(':reader', 'o.grant_id')})) OR {several_paid_by(':reader')} "
    f"AS paid_by_reader, {_MAY_BE_OURS}, "
    # Of several payments at once, or of another one than is meant. Without an amount of its own it is a part of something larger.
    "l.names_several OR EXISTS (SELECT FROM payment_attempts o WHERE o.attempt_id <> cast(:attempt_id AS uuid) "
    f"AND ({may_be_of('o')} OR l.amount IS NOT NULL AND {may_be_among('o')})) AS may_be_another FROM bank_lines l "
    "LEFT JOIN payment_attempts a ON a.attempt_id IN (l.attempt_id, cast(:attempt_id AS uuid)) WHERE l.id = :line_id"
)
# A report on a file that was dropped says nothing of a payment that stands in another one; and what the bank said to have
# settled before it may have paid, whatever it says of a file that came once more.
_OF_ITS_FILE: Final = (
    "NOT EXISTS (SELECT FROM batch_payments b WHERE b.attempt_id = a.attempt_id AND b.live AND b.batch_id <> "
    "(SELECT f.instruction_id FROM bank_files f WHERE f.id = l.file_id)) AND NOT EXISTS (SELECT FROM bank_lines d "
    "WHERE d.of_attempt = a.attempt_id AND d.state = 'accepted' AND d.code IN ('ACSC', 'ACCC'))"
)
_OF_A_GRANT = Sql(
    f"SELECT {TODAY} AS today, (SELECT json_agg(n) FROM (SELECT {_LINE.replace('l.amount', 'cast(l.amount AS text) AS amount', 1).replace('l.instructed_amount', 'cast(l.instructed_amount AS text) AS instructed_amount', 1).replace('l.paid_part', 'cast(l.paid_part AS text) AS paid_part', 1).replace('l.part_worth', 'cast(l.part_worth AS text) AS part_worth', 1)} "
    "FROM payment_attempts a JOIN bank_lines l ON l.of_attempt = a.attempt_id "
    "WHERE a.grant_id = :grant_id AND l.state = 'unmatched' AND "
    f"(l.kind = 'booked' OR {_OF_ITS_FILE})) n) AS lines"
)
_POSTING = Sql(
    "SELECT EXISTS (SELECT FROM payment_references WHERE reference = :reference) AS reference_used, "
    "EXISTS (SELECT FROM closed_months WHERE month = date_trunc('month', cast(:posted_on AS timestamp))) AS month_closed, "
    "EXISTS (SELECT FROM fund_balances WHERE fund_id = :fund_id AND closed) AS fund_closed, "
    "(SELECT cast(min(m) AS date) FROM generate_series(date_trunc('month', cast(:posted_on AS timestamp)), "
    f" date_trunc('month', cast({TODAY} AS timestamp)), interval '1 month') m "
    " WHERE NOT EXISTS (SELECT FROM closed_months c WHERE c.month = m)) AS open_month"
)
_SETTLES: Final = (
    f"l.state = 'unmatched' AND a.method = 'bank_file' AND (EXISTS (SELECT {_SENT_AS_THE_LINE_SAYS}) OR l.by_hand AND {LEFT_BEFORE}) AND "
    "(l.kind = 'booked' AND (l.paid_part IS NOT NULL AND (l.currency = a.currency OR l.part_worth IS NOT NULL) OR (coalesce(l.instructed_amount, l.amount), coalesce(l.instructed_currency, l.currency)) = (a.amount, a.currency) "
    # What comes back of one that was booked short is what was booked, and no more of it is ever due.
    "AND (l.currency <> a.currency OR l.amount = a.amount) AND (l.direction = 'debit' OR a.booked_short IS NULL) OR l.direction = 'credit' AND (l.amount, l.currency) = (a.amount - a.booked_short, a.currency)) "
    "AND (l.direction = 'debit' AND NOT l.reversal AND (a.status = 'released' OR l.by_hand AND a.reason = 'not_answered') "
    f"AND (l.by_hand OR NOT coalesce(l.other_payee, false) AND NOT ({_OTHER_BLOCK})) OR l.direction = 'credit' AND a.status = 'paid' "
    "AND (l.currency = a.currency AND (NOT l.by_code OR l.reversal OR l.reasons <> '{}') OR l.by_hand)) "
    f"OR l.kind = 'rejected' AND a.status = 'released' AND {_OF_ITS_FILE} AND NOT l.reasons && ARRAY[{', '.join(repr(one) for one in sorted(HAD_BEFORE))}])"
)
# Grants of which a line of the bank's settles an attempt, by the rows alone; whatever else stands against it the grant says.
DUE = Sql(
    "SELECT DISTINCT a.grant_id AS id FROM bank_lines l JOIN payment_attempts a ON a.attempt_id = l.of_attempt "
    f"WHERE {_SETTLES} AND a.grant_id > :after AND cast(:now AS timestamptz) IS NOT NULL ORDER BY 1 LIMIT :limit"
)
DUE_OF_FILE = Sql(
    "SELECT DISTINCT a.grant_id AS id FROM bank_lines l JOIN payment_attempts a ON a.attempt_id = l.of_attempt "
    f"WHERE {_SETTLES} AND l.file_id = :file_id ORDER BY 1"
)
_OWN_ACCOUNTS = Sql(
    "SELECT id, currency, details FROM own_accounts WHERE kind = 'bank' AND confirmed_by IS NOT NULL "
    "ORDER BY status = 'closed', registered_at DESC, id DESC"
)
_WAITS_FOR = Sql(
    f"SELECT EXISTS (SELECT FROM bank_lines l WHERE l.of_attempt = :attempt_id AND {WAITS} "
    "AND (l.direction = 'debit' OR l.kind = 'rejected')) "
    # Or one of the payment before it, which two persons ended since the bank had not answered.
    f"OR EXISTS (SELECT FROM payment_attempts a WHERE a.attempt_id = :attempt_id AND {waits_for_one_before('a')}) AS waits"
)
_IN_THE_FILE = Sql("SELECT attempt_id FROM batch_payments WHERE batch_id = :instruction_id AND live ORDER BY attempt_id")
_CODED = Sql("SELECT attempt_id FROM payment_attempts WHERE method = 'bank_file' AND status IN ('released', 'paid') ORDER BY attempt_id")

_LISTED: Final = (
    f"SELECT {_LINE}, l.file_id, l.number, l.part, l.own_account_id, l.line_amount, l.exchange_rate, l.exchange_unit, l.value_on, l.code, l.remittance_code, "
    f"l.duplicate_of, l.state, {_ATTEMPT}, c.status AS act, c.explanation, c.attempt_id AS match_attempt, c.asked_by, "
    f"l.attempt_id AS named_attempt, c.other_than_named, c.paid_part AS found_part, (SELECT m.currency FROM payment_attempts m WHERE m.attempt_id = c.attempt_id) AS match_currency, CASE a.paid_line WHEN l.id THEN a.bank_charges END AS bank_charges, CASE a.paid_line WHEN l.id THEN coalesce(a.charges_currency, a.currency) END AS charges_currency, CASE a.paid_line WHEN l.id THEN a.booked_short END AS booked_short, {_MAY_BE_OURS} "
    "FROM bank_lines l LEFT JOIN payment_attempts a ON a.attempt_id = l.of_attempt LEFT JOIN bank_line_acts c ON c.id = l.id "
)
# What a file says that nobody confirmed yet whoever confirms has to find at the bank, so that who brought it is told alone.
_TOLD: Final = (
    "(l.state <> 'unconfirmed' OR EXISTS (SELECT FROM bank_files b WHERE b.id = l.file_id AND b.imported_by = cast(:reader AS text)))"
)
_OF_STATE = Sql(f"{_LISTED}WHERE l.state = ANY (ARRAY[:state]) AND l.id > :after AND {_TOLD} ORDER BY l.state, l.id LIMIT :limit")
_OF_FILE = Sql(
    f"{_LISTED}WHERE l.file_id = ANY (ARRAY[cast(:file_id AS uuid)]) AND l.id > :after AND {_TOLD} ORDER BY l.file_id, l.id LIMIT :limit"
)
# Money that came and may be what was asked back: that waits, was explained as such, or of which some is recorded so. An index holds these alone.
_RECOVERS = Sql(
    f"{_LISTED}WHERE l.kind = 'booked' AND l.direction = 'credit' AND NOT l.reversal AND l.state IN ('unmatched', 'recovered', 'explained') "
    "AND l.currency = ANY (ARRAY[:currency]) AND l.id > :after AND l.amount > l.recovered "
    "AND (l.state <> 'explained' OR c.explanation = 'recovery') ORDER BY l.currency, l.id LIMIT :limit"
)
_ONE = Sql(f"{_LISTED}WHERE l.id = :line_id AND {_TOLD}")
_COUNTED = Sql(
    "SELECT state, count(*) AS lines FROM bank_lines WHERE state <> 'unconfirmed' GROUP BY state UNION ALL SELECT l.state, count(*) "
    "FROM bank_files f JOIN bank_lines l ON l.file_id = f.id WHERE f.status = 'unconfirmed' AND f.imported_by = cast(:reader AS text) GROUP BY l.state"
)

# What it is worth, and what a booking has beyond its parts, no row says.
_FIELDS: Final = tuple(field.name for field in fields(BankLine) if field.name not in ("worth", "booking_rest"))
_ONE_LINE: TypeAdapter[BankLine] = TypeAdapter(BankLine)
_LINES: TypeAdapter[tuple[BankLine, ...]] = TypeAdapter(tuple[BankLine, ...])


class BankLineRow(BaseModel):
    """A line of the bank's in the queue: what it says, the attempt that it is of, and why it waits.

    ``why`` is ``waits_for_its_grant`` where it fits, and is settled with the next look unless something stands against that on
    the grant. ``match_attempt`` is what somebody found it to be of, which waits for a colleague while ``act`` is ``match_asked``.
    ``found_part`` is how much of what was ordered somebody found it to have paid, in ``match_currency``; of what it paid
    ``bank_charges`` is what was booked beyond that, in ``charges_currency``, ``booked_short`` what is missing.
    ``may_be_ours``: it names no payment of ours, and has the amount of an open one that the bank was ordered from its account, or
    may be several of them; or it has the amount of one that was paid and may have come back by it; or it names one that a restore
    lost which is not cleared.
    """

    id: UUID
    file_id: UUID
    number: int
    part: int
    kind: LineKind
    own_account_id: UUID | None
    amount: Amount | None
    line_amount: Amount | None
    currency: str | None
    instructed_amount: Amount | None
    instructed_currency: str | None
    exchange_rate: Annotated[Decimal, PlainSerializer(lambda rate: f"{rate:f}", return_type=str)] | None
    exchange_unit: str | None
    direction: Literal["credit", "debit"] | None
    reversal: bool
    booked_on: date | None
    value_on: date | None
    code: str | None
    bank_reference: str | None
    remittance_code: str | None
    reasons: list[str]
    imported_at: datetime
    state: LineState
    why: Unmatched | Literal["waits_for_its_grant"] | None
    attempt_id: UUID | None
    grant_id: UUID | None
    tranche: int | None
    duplicate_of: UUID | None
    act: BankLineActStatus | None
    explanation: Explanation | None
    match_attempt: UUID | None
    asked_by: str | None
    named_attempt: UUID | None
    other_than_named: OtherThanNamed | None
    found_part: Amount | None
    match_currency: str | None
    bank_charges: Amount | None
    charges_currency: str | None
    booked_short: Amount | None
    may_be_ours: bool


async def known_accounts(unit: UnitOfWork) -> Sequence[KnownAccount]:
    """The mission's own accounts at banks of which statements are read: those that were confirmed, be they closed since.

    Of those of one number and currency the one that is not closed comes first, else the newest, so that it counts.
    """
    rows = await unit.rows(_OWN_ACCOUNTS)
    details = [AccountDetails.model_validate_json(row["details"]) for row in rows]
    return [KnownAccount(row["id"], one.account, row["currency"]) for row, one in zip(rows, details, strict=True)]


async def blocks_of(unit: UnitOfWork, instruction_id: UUID) -> Mapping[UUID, str]:
    """The attempts that stand in a file of ours; of what is said of a whole block alone nobody knows which it means."""
    rows = await unit.rows(_IN_THE_FILE, instruction_id=instruction_id)
    return dict.fromkeys((row["attempt_id"] for row in rows), "")


async def behind_a_line(unit: UnitOfWork, line_id: UUID, state: BankLineAct | None, order: object, reader: str) -> BankLineFacts:
    """The line, the attempt that the bank names, the one that somebody says or said it to be of, and whether ``reader`` paid one."""
    attempt_id = order.attempt_id if isinstance(order, MatchLine) else None if state is None else state.attempt_id
    rows = await unit.rows(_ABOUT_A_LINE, line_id=line_id, attempt_id=attempt_id, reader=reader)
    if not rows:
        return BankLineFacts()
    # Whether it was sent, and from which account, is of each attempt its own.
    held = {row["known_attempt"]: (_line(dict(row)), _attempt(dict(row), row["known_attempt"])) for row in rows}
    named, nobody = rows[0]["named"], (_line(dict(rows[0])), None)
    line, attempt = held.get(attempt_id, nobody)
    part = order.paid_part if isinstance(order, MatchLine) else _found(state, attempt) if isinstance(order, ConfirmMatch) else None
    of_named, found = held.get(named, nobody)
    return BankLineFacts(
        line, rows[0]["waits"], rows[0]["told_again"], named=found, of_named=replace(of_named, attempt_id=named), attempt=attempt,
        part_worth=None if part is None else await worth_of(unit, part, line.currency, line.booked_on),
        may_be_ours=rows[0]["may_be_ours"], may_be_another=rows[0]["may_be_another"], paid_by_reader=any(row["paid_by_reader"] for row in rows),
    )  # fmt: skip


def _found(state: BankLineAct | None, attempt: KnownAttempt | None) -> Money | None:
    if state is None or state.paid_part is None or attempt is None:
        return None
    return Money(amount=state.paid_part, currency=attempt.currency)


async def behind_a_settlement(unit: UnitOfWork, grant_id: UUID, grant: Grant, now: datetime, zone: str) -> GrantFacts:
    """The line that settles the next attempt of this grant, and where what it says is posted."""
    row = await unit.row(_OF_A_GRANT, grant_id=grant_id, now=now, zone=zone)
    assert row is not None
    today = row["today"]
    line = first_that_settles(grant, await with_worth(unit, _LINES.validate_json(row["lines"] or "[]")), today)
    day = None if line is None else day_of(line)
    if line is None or day is None:
        return GrantFacts(today=today)
    # What goes out is of a tranche that is not paid yet, and posted on its own day.
    place = place_of_a_return(grant, next((one for one in grant.tranches if one.attempt_id == line.attempt_id), None), day)
    found = await unit.row(_POSTING, reference=line.reference, fund_id=grant.fund_id, posted_on=place.posted_on, now=now, zone=zone)
    assert found is not None
    return GrantFacts(
        today=today, bank_line=await with_its_rest(unit, line, grant.currency), reference_used=found["reference_used"], month_closed=found["month_closed"],
        open_month=found["open_month"], later_month=place.later_month, fund_closed=found["fund_closed"],
    )  # fmt: skip


async def waits_for(unit: UnitOfWork, attempt_id: UUID) -> bool:
    """Whether a line says that money may have left for an attempt, be its file confirmed or not, and nobody found out what it is."""
    row = await unit.row(_WAITS_FOR, attempt_id=attempt_id)
    assert row is not None
    return bool(row["waits"])


async def attempts_with_codes(unit: UnitOfWork) -> Sequence[UUID]:
    """The attempts that a bank may still speak of by the code of their remittance."""
    return [row["attempt_id"] for row in await unit.rows(_CODED)]


async def due_of_file(unit: UnitOfWork, file_id: UUID) -> Sequence[UUID]:
    """The grants of which a line of this file settles an attempt."""
    return [row["id"] for row in await unit.rows(DUE_OF_FILE, file_id=file_id)]


async def lines_of_state(unit: UnitOfWork, state: LineState, reader: str, after: UUID, limit: int) -> list[BankLineRow]:
    """Lines at this state, as they were imported; of a file that nobody confirmed yet whoever brought it is told alone."""
    rows = await unit.rows(_OF_STATE, state=state, reader=reader, after=after, limit=limit)
    return await _all_told(unit, [dict(row) for row in rows])


async def lines_of_file(unit: UnitOfWork, file_id: UUID, reader: str, after: UUID, limit: int) -> list[BankLineRow]:
    """The lines of one file in their order; as `lines_of_state`."""
    rows = await unit.rows(_OF_FILE, file_id=file_id, reader=reader, after=after, limit=limit)
    return await _all_told(unit, [dict(row) for row in rows])


async def lines_that_recover(unit: UnitOfWork, currency: str, after: UUID, limit: int) -> list[BankLineRow]:
    """Credits in this currency by which money that was asked back may have come, and of which some is not recorded yet."""
    rows = await unit.rows(_RECOVERS, currency=currency, after=after, limit=limit)
    return await _all_told(unit, [dict(row) for row in rows])


async def one_line(unit: UnitOfWork, line_id: UUID, reader: str) -> BankLineRow | None:
    """One line with what became of it; as `lines_of_state`."""
    row = await unit.row(_ONE, line_id=line_id, reader=reader)
    return None if row is None else (await _all_told(unit, [dict(row)]))[0]


async def counted(unit: UnitOfWork, reader: str) -> dict[LineState, int]:
    """How many lines stand at each state; as `lines_of_state`."""
    return {row["state"]: row["lines"] for row in await unit.rows(_COUNTED, reader=reader)}


async def _all_told(unit: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> list[BankLineRow]:
    lines = {line.id: line for line in await with_worth(unit, [_line(row) for row in rows if row["state"] == "unmatched"])}
    return [_told(row, lines.get(row["id"])) for row in rows]


def _told(row: Mapping[str, Any], line: BankLine | None) -> BankLineRow:
    why: Unmatched | Literal["waits_for_its_grant"] | None = None
    if line is not None:
        why = why_not(line, _attempt(row, row["attempt_id"])) or "waits_for_its_grant"
    return BankLineRow.model_validate({**row, "why": why})


def _line(row: Mapping[str, Any]) -> BankLine:
    return _ONE_LINE.validate_python({name: row[name] for name in _FIELDS})


def _attempt(row: Mapping[str, Any], attempt_id: UUID | None) -> KnownAttempt | None:
    if attempt_id is None or row["grant_id"] is None:
        return None
    status: AttemptStatus = row["attempt_status"]
    method: PaymentMethod | None = row["method"]
    return KnownAttempt(attempt_id, status, method, row["attempt_amount"], row["attempt_currency"], row["delivered"], row["unanswered"], row["attempt_short"], row["planned"], row["paid_anew"], (row["grant_id"], row["tranche"]))
