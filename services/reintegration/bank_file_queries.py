"""What reintegration's tables answer of files of the bank's: the facts of those who bring and confirm them, and the lists."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, BeforeValidator

from services.reintegration.bank_queries import LineState
from services.reintegration.domain.bank_file_state import BankFileFacts, BankFileStatus
from services.reintegration.domain.bank_files import ImportBankFile
from services.reintegration.paid_accounts import await_the_erasing_of
from shared.contracts.bank import Balance, BankFileDropReason, BankFileKind
from shared.db import Sql, UnitOfWork


def _paid(person: str, attempts: str, instruction: str) -> str:
    """Whether a person released one of these payments, or signed or took a batch with one, or the batch that a report is on."""
    signed = f"(cast({person} AS text) IN (b.made_by, b.approved_by) OR cast({person} AS text) = ANY (b.takers))"
    return (
        f"(EXISTS (SELECT FROM payment_attempts a WHERE a.attempt_id IN ({attempts}) AND (a.released_by = cast({person} AS text) "
        f"OR EXISTS (SELECT FROM batch_payments p JOIN payment_batches b ON b.id = p.batch_id WHERE p.attempt_id = a.attempt_id AND {signed}))) "
        f"OR EXISTS (SELECT FROM payment_batches b WHERE b.id = {instruction} AND {signed}))"
    )


_BEHIND_AN_IMPORT = Sql(
    "SELECT (SELECT id FROM (SELECT id, 1 AS place FROM bank_files WHERE sha256 = :sha256 AND status <> 'dropped' "
    "UNION ALL SELECT s.file_id, 2 FROM bank_statements s JOIN unnest(cast(:accounts AS uuid[]), cast(:identifications AS text[]), "
    " cast(:closed_on AS date[])) n(own_account_id, identification, closed_on) USING (own_account_id, identification, closed_on) WHERE s.live "
    "UNION ALL SELECT id, 3 FROM bank_files WHERE file_kind = 'status_report' AND instruction_id = :instruction_id "
    " AND identification = :identification AND status <> 'dropped') f ORDER BY place, id LIMIT 1) AS imported_already, "
    f"{_paid(':person_id', 'SELECT unnest(cast(:attempts AS uuid[]))', 'cast(:instruction_id AS uuid)')} AS i_paid, "
    "(SELECT count(*) FROM bank_files WHERE status = 'unconfirmed' AND imported_by = cast(:person_id AS text)) AS waiting"
)
_NAMED: Final = "SELECT l.of_attempt FROM bank_lines l WHERE l.file_id = f.id"
_BEHIND_A_FILE = Sql(
    f"SELECT {_paid(':person_id', _NAMED, 'f.instruction_id')} AS i_paid, "
    f"{_paid(':importer_id', _NAMED, 'f.instruction_id')} AS importer_paid, "
    "EXISTS (SELECT FROM bank_lines l WHERE l.file_id = f.id AND (l.state NOT IN ('unconfirmed', 'unmatched', 'duplicate', 'accepted') "
    "OR EXISTS (SELECT FROM bank_line_acts t WHERE t.id = l.id AND t.status NOT IN ('match_dropped', 'match_undone', 'explanation_dropped', 'apart_dropped')) "
    "OR EXISTS (SELECT FROM bank_lines d WHERE d.duplicate_of = l.id AND d.file_id <> l.file_id AND d.state NOT IN ('unconfirmed', 'dropped')))) AS followed "
    "FROM bank_files f WHERE f.id = :file_id"
)

# Of one account one file begins to count after the other, so that the later one sees which of its lines are told again.
_HOLD_ACCOUNTS = Sql(
    "SELECT o.id FROM own_accounts o WHERE o.id IN (SELECT s.own_account_id FROM bank_statements s WHERE s.file_id = :file_id) "
    "ORDER BY o.id FOR NO KEY UPDATE"
)

# Of one person one file is brought after the other, so that the later one counts the earlier. The first number is this use's own.
_HOLD_IMPORTER = Sql("SELECT pg_advisory_xact_lock(7043, hashtext(cast(:person_id AS text)))")

# What whoever confirms has to find at the bank is not told before: the balance it closes with, and the file's hash.
_CLOSING: Final = "CASE WHEN f.status <> 'unconfirmed' THEN cast(s.closing AS text) END AS closing"
# Nor how many lines it has, and where its balance begins: that whoever brought it may see alone.
_TOLD: Final = "(f.status <> 'unconfirmed' OR f.imported_by = cast(:reader AS text))"
_COLUMNS: Final = (
    f"f.id, f.file_kind, f.imported_by, f.imported_at, CASE WHEN {_TOLD} THEN f.lines END AS lines, f.instruction_id, f.status, f.before_rule, f.confirmed_by, f.confirmed_at, "
    "f.dropped_by, f.dropped_at, f.drop_reason, f.revocation_asked_by, CASE WHEN f.status <> 'unconfirmed' THEN f.sha256 END AS sha256, "
    "(SELECT coalesce(jsonb_object_agg(n.state, n.lines), '{}') FROM (SELECT state, count(*) AS lines FROM bank_lines "
    f" WHERE file_id = f.id AND {_TOLD} GROUP BY state) n) AS states, "
    # Which of its lines are told again is found out for good as it is confirmed.
    "CASE WHEN f.status = 'unconfirmed' THEN (SELECT count(*) FROM bank_lines l WHERE l.file_id = f.id AND (l.duplicate_of IS NOT NULL "
    " OR EXISTS (SELECT FROM bank_lines e WHERE e.kind = 'booked' AND e.duplicate_of IS NULL AND e.part = 1 "
    "  AND e.state NOT IN ('unconfirmed', 'dropped') "
    "  AND l.bank_reference IS NOT NULL AND (e.own_account_id, e.alike, e.occurrence) = (l.own_account_id, l.alike, l.occurrence)))) "
    " ELSE (SELECT count(*) FROM bank_lines l WHERE l.file_id = f.id AND l.state = 'duplicate') END AS told_again, "
    "(SELECT coalesce(jsonb_agg(n ORDER BY n.number), '[]') FROM (SELECT s.number, s.own_account_id, s.identification, s.currency, "
    f"  CASE WHEN {_TOLD} THEN cast(s.opening AS text) END AS opening, {_CLOSING}, s.first_on, s.closed_on, "
    f"  CASE WHEN {_TOLD} THEN s.lines END AS lines, "
    # The first of its account continues none.
    "  s.live AND EXISTS (SELECT FROM bank_statements b WHERE b.own_account_id = s.own_account_id AND b.live AND b.closed_on < s.closed_on) "
    "  AND NOT EXISTS (SELECT FROM bank_statements b WHERE b.own_account_id = s.own_account_id AND b.live AND b.closed_on <= s.closed_on "
    "   AND b.closing = s.opening AND (b.file_id, b.number) <> (s.file_id, s.number)) AS gap "
    "  FROM bank_statements s WHERE s.file_id = f.id) n) AS statements "
)
LISTED = Sql(f"SELECT {_COLUMNS} FROM bank_files f WHERE f.id > :after ORDER BY f.id LIMIT :limit")
_ONE = Sql(f"SELECT {_COLUMNS} FROM bank_files f WHERE f.id = :file_id")


class StatementRow(BaseModel):
    """One statement that was imported; ``gap`` says that none was that ends as this one begins, so that days are missing between.

    ``closing`` is told once the file was confirmed or dropped: whoever confirms has it from the bank. So are ``opening`` and
    ``lines``, and before to whoever brought the file.
    """

    number: int
    own_account_id: UUID
    identification: str
    currency: str
    opening: Balance | None
    closing: Balance | None
    first_on: date | None
    closed_on: date
    lines: int | None
    gap: bool


def _parsed(value: object) -> object:
    # The driver hands JSON on as text.
    return json.loads(value) if isinstance(value, str) else value


class BankFileRow(BaseModel):
    """One file that was imported, whether it counts, and how many of its lines stand at which state.

    How many there are is told once it was confirmed or dropped, and before to whoever brought it. ``told_again`` counts those that a statement which counts has as well. ``before_rule``: it was imported before a second
    person had to confirm.
    """

    id: UUID
    file_kind: BankFileKind
    imported_by: str
    imported_at: datetime
    status: BankFileStatus
    before_rule: bool
    confirmed_by: str | None
    confirmed_at: datetime | None
    dropped_by: str | None
    dropped_at: datetime | None
    drop_reason: BankFileDropReason | None
    revocation_asked_by: str | None
    sha256: str | None
    lines: int | None
    told_again: int
    instruction_id: UUID | None
    states: Annotated[dict[LineState, int], BeforeValidator(_parsed)]
    statements: Annotated[list[StatementRow], BeforeValidator(_parsed)]


async def behind_an_import(unit: UnitOfWork, order: ImportBankFile, person_id: str) -> BankFileFacts:
    """The file that has the same content already, or a statement or report of this one; and of whoever brings it whether they paid and how many wait.

    Whoever brings it brings no other one before the end of the transaction, and nobody to whom it names a payment is erased before.
    """
    await unit.rows(_HOLD_IMPORTER, person_id=person_id)
    await await_the_erasing_of(unit, order.attempts)
    row = await unit.row(
        _BEHIND_AN_IMPORT, sha256=order.sha256, accounts=[one.own_account_id for one in order.statements],
        identifications=[one.identification for one in order.statements], closed_on=[one.closed_on for one in order.statements],
        instruction_id=order.instruction_id,
        identification=order.identification, attempts=list(order.attempts), person_id=person_id,
    )  # fmt: skip
    assert row is not None
    return BankFileFacts(row["imported_already"], i_paid=row["i_paid"], waiting=row["waiting"])


async def hold_accounts(unit: UnitOfWork, file_id: UUID) -> None:
    """Holds the accounts of a file's statements to the end of the transaction."""
    await unit.rows(_HOLD_ACCOUNTS, file_id=file_id)


async def behind_a_file(unit: UnitOfWork, file_id: UUID, importer_id: str, person_id: str) -> BankFileFacts:
    """Whether whoever acts, or whoever imported a file, released or signed a payment that it names; and whether something followed."""
    row = await unit.row(_BEHIND_A_FILE, file_id=file_id, importer_id=importer_id, person_id=person_id)
    assert row is not None
    return BankFileFacts(i_paid=row["i_paid"], importer_paid=row["importer_paid"], followed=row["followed"])


async def one_file(unit: UnitOfWork, file_id: UUID, reader: str) -> Mapping[str, Any] | None:
    """One file as it stands in this person's list."""
    row = await unit.row(_ONE, file_id=file_id, reader=reader)
    return None if row is None else dict(row)
