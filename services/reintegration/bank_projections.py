"""What the bank says as rows: statements and lines that are written with the import, and the checks that nobody changed them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.reintegration.booking_queries import BOOKINGS
from services.reintegration.domain.bank_file_state import BankFile
from services.reintegration.domain.bank_files import KeptLine
from services.reintegration.domain.bank_line_acts import OF_THE_ATTEMPT_FOUND, BankLineAct
from services.reintegration.domain.grant_state import Grant
from services.reintegration.lost_payment_queries import TOLD_OF_BEFORE
from services.reintegration.paid_accounts import other_payee
from services.reintegration.sent_files_queries import UNDER_WAY, handed_out_by_now
from shared.contracts.attempts import PaymentFailed, PaymentReversed
from shared.contracts.reintegration import PaymentConfirmed
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

_STATEMENT = Sql(
    "INSERT INTO bank_statements (file_id, number, own_account_id, identification, currency, opening, closing, first_on, closed_on, "
    "lines, live) VALUES (:file_id, :number, :own_account_id, :identification, :currency, :opening, :closing, :first_on, :closed_on, "
    ":lines, true)"
)
_TYPES: Final = {
    "id": "uuid", "number": "integer", "part": "integer", "kind": "text", "own_account_id": "uuid", "amount": "numeric",
    "line_amount": "numeric", "currency": "text", "direction": "text", "reversal": "boolean", "booked_on": "date", "value_on": "date",
    "code": "text", "bank_reference": "text", "remittance_code": "text", "attempt_id": "uuid", "by_code": "boolean",
    "reasons": "text", "occurrence": "integer", "earlier": "uuid", "instructed_amount": "numeric", "instructed_currency": "text",
    "exchange_rate": "numeric", "exchange_unit": "text", "alike": "text", "block": "text", "names_several": "boolean",
}  # fmt: skip
_PLAIN: Final = ", ".join(f"n.{name}" for name in _TYPES if name not in {"reasons", "earlier"})
# A line that a statement of the same file had already is a duplicate of that one.
_KEEP = Sql(
    f"INSERT INTO bank_lines (file_id, imported_at, {_PLAIN.replace('n.', '')}, reasons, of_attempt, duplicate_of, state) "
    f"SELECT cast(:file_id AS uuid), cast(:imported_at AS timestamptz), {_PLAIN}, string_to_array(n.reasons, ' '), n.attempt_id, "
    f"n.earlier, 'unconfirmed' FROM unnest({', '.join(f'cast(:{name} AS {kind}[])' for name, kind in _TYPES.items())}) "
    f"n({', '.join(_TYPES)})"
)
# A line that another statement of the account had as well, each of its payments the same, is a duplicate of that one's first part.
# Without a reference of the bank's nobody knows.
_COUNT = Sql(
    "UPDATE bank_lines l SET duplicate_of = coalesce(n.first_told, l.duplicate_of), state = CASE WHEN coalesce(n.first_told, l.duplicate_of) "
    f"IS NOT NULL THEN 'duplicate' WHEN l.kind = 'accepted' THEN 'accepted' ELSE 'unmatched' END, other_payee = coalesce({other_payee('l', 'l.of_attempt')}, l.other_payee), "
    f"other_payee_named = coalesce({other_payee('l', 'l.attempt_id')}, l.other_payee_named), "
    f"sent_batches = {handed_out_by_now('l', 'n.under_way')} "
    "FROM (SELECT m.id, e.id AS first_told, w.batches AS under_way FROM bank_lines m LEFT JOIN bank_lines e ON m.kind = 'booked' AND e.kind = 'booked' "
    "AND e.duplicate_of IS NULL AND e.part = 1 AND e.state NOT IN ('unconfirmed', 'dropped') "
    "AND m.bank_reference IS NOT NULL AND (e.own_account_id, e.alike, e.occurrence) = (m.own_account_id, m.alike, m.occurrence) "
    f"CROSS JOIN {UNDER_WAY} w WHERE m.file_id = :file_id) n "
    "WHERE l.id = n.id AND l.state = 'unconfirmed'"
)
# All of them or none: of a file that counted none has settled anything.
_LEAVE = Sql(
    "UPDATE bank_lines SET state = 'dropped' WHERE file_id = :file_id AND state IN ('unconfirmed', 'unmatched', 'duplicate', 'accepted')"
)
_STATEMENTS_LEAVE = Sql("UPDATE bank_statements SET live = false WHERE file_id = :file_id AND live")


def of_a_file(file_id: UUID, before: BankFile | None, file: BankFile, __: tuple[Event, ...]) -> Sequence[Write]:
    """Each statement of a file that is imported as a row; of one that is confirmed or dropped, what becomes of its lines."""
    if before is None:
        return [
            Write(_STATEMENT, {"file_id": file_id, "number": number, **dict(one)}) for number, one in enumerate(file.statements, 1)
        ]
    if file.status == before.status:
        # That somebody asked to drop it, or that it is kept, changes none of its lines.
        return ()
    if file.status == "confirmed":
        return (Write(_COUNT, {"file_id": file_id}, file.lines),)
    return (
        Write(_LEAVE, {"file_id": file_id}, file.lines), Write(_STATEMENTS_LEAVE, {"file_id": file_id}, len(file.statements)),
    )  # fmt: skip


def kept(file_id: UUID, imported_at: datetime, lines: Sequence[KeptLine]) -> Sequence[Write]:
    """The write that keeps the lines of a file beside the fact that it was imported."""
    if not lines:
        return ()
    rows = [_row(line) for line in lines]
    columns = {name: [row[name] for row in rows] for name in _TYPES}
    return (Write(_KEEP, {"file_id": file_id, "imported_at": imported_at, **columns}, len(lines)),)


_SETTLED = Sql("UPDATE bank_lines SET state = :state, settled_attempt = :attempt_id WHERE id = :line_id AND state = 'unmatched'")


def settled(grant: Grant, events: Sequence[Event]) -> Sequence[Write]:
    """What these events of a grant settled, on the lines of the bank's that said so; each line settles once."""
    found: list[Write] = []
    for event in events:
        match event:
            case PaymentConfirmed(bank_line=line) if line is not None:
                tranche = grant.tranche(event.number)
                attempt_id, state = (None if tranche is None else tranche.attempt_id), "matched"
            case PaymentReversed(bank_line=line) if line is not None:
                attempt_id, state = event.attempt_id, "returned"
            case PaymentFailed(bank_line=line) if line is not None:
                attempt_id, state = event.attempt_id, "rejected"
            case _:
                continue
        found.append(Write(_SETTLED, {"line_id": line, "attempt_id": attempt_id, "state": state}))
    return found


_EXPLAINED = Sql("UPDATE bank_lines SET state = 'explained' WHERE id = :line_id AND state = 'unmatched'")
# Of the payment that the bank names what was found as its file began to count holds: the hashes may have gone with a person.
_OF_NAMED: Final = f"coalesce(l.other_payee_named, {other_payee('l', 'l.attempt_id')})"
_UNDONE = Sql(
    f"UPDATE bank_lines l SET of_attempt = attempt_id, by_hand = false, paid_part = NULL, part_worth = NULL, other_payee = {_OF_NAMED} "
    "WHERE id = :line_id AND state = 'unmatched'"
)
_TOLD_APART = Sql("UPDATE bank_lines SET state = 'unmatched', apart = true WHERE id = :line_id AND state = 'duplicate'")
_MATCHED = Sql(
    f"UPDATE bank_lines l SET of_attempt = cast(:attempt_id AS uuid), by_hand = true, paid_part = cast(:paid_part AS numeric), part_worth = cast(:part_worth AS numeric), "
    f"other_payee = CASE WHEN l.attempt_id = cast(:attempt_id AS uuid) THEN {_OF_NAMED} ELSE {other_payee('l', 'cast(:attempt_id AS uuid)')} END "
    "WHERE id = :line_id AND state = 'unmatched'"
)


def acts(line_id: UUID, _: BankLineAct | None, act: BankLineAct, events: tuple[Event, ...]) -> Sequence[Write]:
    """What follows for the line itself from what persons said of it."""
    if act.status == "explained":
        return (Write(_EXPLAINED, {"line_id": line_id}),)
    if act.status == "told_apart":
        return (Write(_TOLD_APART, {"line_id": line_id}),)
    if act.status == "matched":
        return (Write(_MATCHED, {"line_id": line_id, "attempt_id": act.attempt_id, "paid_part": act.paid_part, "part_worth": act.part_worth}),)
    if act.status == "match_undone":
        return (Write(_UNDONE, {"line_id": line_id}),)
    return ()


def _row(line: KeptLine) -> dict[str, object]:
    return {
        "id": line.id, "number": line.number, "part": line.part, "kind": line.kind, "own_account_id": line.own_account_id,
        "amount": None if line.money is None else line.money.amount,
        "line_amount": None if line.whole is None else line.whole.amount,
        "currency": None if line.whole is None else line.whole.currency, "direction": line.direction,
        "reversal": line.reversal, "booked_on": line.booked_on, "value_on": line.value_on, "code": line.code,
        "bank_reference": line.bank_reference, "remittance_code": line.remittance_code, "attempt_id": line.attempt_id,
        "by_code": line.by_code, "reasons": " ".join(line.reasons), "occurrence": line.occurrence, "earlier": line.duplicate_of,
        "instructed_amount": None if line.instructed is None else line.instructed.amount,
        "instructed_currency": None if line.instructed is None else line.instructed.currency,
        "exchange_rate": None if line.exchange is None else line.exchange.rate,
        "exchange_unit": None if line.exchange is None else line.exchange.unit, "alike": line.alike, "block": line.block,
        "names_several": line.names_several,
    }  # fmt: skip


# As `KeptLine.told` writes a line.
_TOLD: Final = " || '|' || ".join(
    f"coalesce(cast({value} AS text), '')"
    for value in (
        "id", "number", "part", "kind", "own_account_id", "amount", "currency", "direction", "reversal", "booked_on", "value_on",
        "code", "bank_reference", "remittance_code", "attempt_id", "array_to_string(reasons, ',')",
    )
) + " || CASE WHEN instructed_amount IS NULL THEN '' ELSE concat('|', instructed_amount, '|', instructed_currency, '|', exchange_rate, '|', exchange_unit) END || CASE WHEN block IS NULL THEN '' ELSE concat('|', block) END || CASE WHEN names_several THEN '|several' ELSE '' END"

_FOUND: Final = ", ".join(repr(status) for status in sorted(OF_THE_ATTEMPT_FOUND))

CHECKS: tuple[Check, ...] = (
    Check(
        "lines of the bank",
        Sql(
            "SELECT coalesce(f.id, l.file_id) FROM bank_files f FULL JOIN (SELECT file_id, count(*) AS lines, "
            f"string_agg({_TOLD}, E'\\n' ORDER BY number, part) AS told FROM bank_lines GROUP BY file_id) l ON l.file_id = f.id "
            "WHERE f.id IS NULL OR f.lines <> coalesce(l.lines, 0) "
            "OR f.lines_sha256 <> encode(sha256(convert_to(coalesce(l.told, ''), 'UTF8')), 'hex')"
        ),
    ),
    Check(
        "statements of the bank",
        Sql(
            "SELECT coalesce(f.id, s.file_id) FROM (SELECT f.id, f.status, t.number, t.told FROM bank_files f CROSS JOIN LATERAL "
            "jsonb_array_elements(f.statements) WITH ORDINALITY t(told, number)) f FULL JOIN bank_statements s "
            "ON s.file_id = f.id AND s.number = f.number WHERE f.id IS NULL OR s.file_id IS NULL "
            "OR s.live <> (f.status <> 'dropped') OR (cast(s.own_account_id AS text), s.identification, s.currency, s.opening, s.closing, s.first_on, s.closed_on, s.lines) "
            "IS DISTINCT FROM (f.told ->> 'own_account_id', f.told ->> 'identification', f.told ->> 'currency', "
            "cast(f.told ->> 'opening' AS numeric), cast(f.told ->> 'closing' AS numeric), cast(f.told ->> 'first_on' AS date), "
            "cast(f.told ->> 'closed_on' AS date), cast(f.told ->> 'lines' AS integer))"
        ),
    ),
    # A line counts where its file was confirmed, and nowhere else; what counts not yet or no more settles nothing.
    Check(
        "lines of confirmed files",
        Sql(
            "SELECT l.id FROM bank_lines l JOIN bank_files f ON f.id = l.file_id "
            "WHERE l.state IN ('unconfirmed', 'dropped') <> (f.status <> 'confirmed') OR (l.state = 'dropped') <> (f.status = 'dropped')"
        ),
    ),
    # What a line settled and what settled an attempt are the same thing, said twice.
    Check(
        "lines of the bank and attempts",
        Sql(
            "SELECT coalesce(l.id, a.line_id) FROM (SELECT * FROM bank_lines WHERE settled_attempt IS NOT NULL) l FULL JOIN ("
            "SELECT attempt_id, paid_line AS line_id, 'matched' AS state, amount, currency, bank_charges, booked_short FROM payment_attempts WHERE paid_line IS NOT NULL "
            "UNION ALL SELECT attempt_id, returned_line, 'returned', amount - coalesce(booked_short, 0) - coalesce(kept_by_bank, 0), currency, NULL, NULL FROM payment_attempts WHERE returned_line IS NOT NULL "
            "UNION ALL SELECT attempt_id, failed_line, 'rejected', NULL, NULL, NULL, NULL FROM payment_attempts WHERE failed_line IS NOT NULL"
            ") a ON a.line_id = l.id AND a.attempt_id = l.settled_attempt AND a.state = l.state WHERE l.id IS NULL OR a.line_id IS NULL "
            "OR CASE WHEN a.amount IS NULL THEN false WHEN l.paid_part IS NULL THEN a.booked_short IS NOT NULL "
            "OR (coalesce(l.instructed_amount, l.amount), coalesce(l.instructed_currency, l.currency)) IS DISTINCT FROM (a.amount, a.currency) "
            # What two persons found: the part and what is missing make what was ordered; what was booked `BOOKINGS` adds up.
            "ELSE l.paid_part + coalesce(a.booked_short, 0) <> a.amount END"
        ),
    ),
    BOOKINGS,
    # Nothing was paid that was not ordered: each stands in a file that was handed out, from the account on which it was booked, or two
    # persons found it where a restore lost that.
    Check(
        "paid as it was sent",
        Sql(
            "SELECT l.id FROM payment_attempts a JOIN bank_lines l ON l.id = a.paid_line WHERE NOT EXISTS (SELECT FROM batch_payments b "
            "JOIN payment_batches p ON p.id = b.batch_id WHERE b.attempt_id = a.attempt_id AND p.id = ANY (l.sent_batches) "
            f"AND p.own_account_id = l.own_account_id) AND NOT (l.by_hand AND {TOLD_OF_BEFORE}) OR (l.other_payee AND NOT l.by_hand)"
        ),
    ),
    # What persons said of a line, and what the line says of it; nobody else changes of which attempt it is.
    Check(
        "acts on lines of the bank",
        Sql(
            "SELECT coalesce(l.id, a.id) FROM bank_lines l FULL JOIN bank_line_acts a ON a.id = l.id "
            # What was found to be a recovery is one once it is recorded of a grant.
            "WHERE l.id IS NULL OR CASE WHEN a.status = 'explained' THEN l.state <> 'explained' "
            " AND NOT (l.state = 'recovered' AND a.explanation = 'recovery') ELSE l.state = 'explained' END "
            f"OR l.of_attempt IS DISTINCT FROM CASE WHEN a.status IN ({_FOUND}) THEN a.attempt_id ELSE l.attempt_id END "
            f"OR l.by_hand IS DISTINCT FROM coalesce(a.status IN ({_FOUND}), false) "
            f"OR (l.paid_part, l.part_worth) IS DISTINCT FROM (CASE WHEN a.status IN ({_FOUND}) THEN a.paid_part END, CASE WHEN a.status IN ({_FOUND}) THEN a.part_worth END) "
            "OR (l.apart AND a.id IS NULL) OR (a.status = 'told_apart' AND NOT l.apart)"
        ),
    ),
    # A duplicate is of a line that looks the same and is none itself.
    Check(
        "duplicates of lines of the bank",
        Sql(
            "SELECT d.id FROM bank_lines d LEFT JOIN bank_lines f ON f.id = d.duplicate_of WHERE d.duplicate_of IS NOT NULL AND "
            "(f.own_account_id, f.bank_reference, f.booked_on, f.line_amount, f.direction, f.duplicate_of IS NULL) IS DISTINCT FROM "
            "(d.own_account_id, d.bank_reference, d.booked_on, d.line_amount, d.direction, true)"
        ),
    ),
)
