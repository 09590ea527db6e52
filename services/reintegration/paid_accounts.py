"""Whether a debit went to the account that its attempt was released to: by keyed hashes of both, of which nobody reads an account."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.reintegration.account_tokens import SAME, hashed, held_accounts
from services.reintegration.bank.creditors import Creditor
from services.reintegration.domain.bank_files import KeptLine
from services.reintegration.domain.same_account import Spelling, spellings
from shared.db import Sql, UnitOfWork, Write
from shared.private import PersonKeys

# As they stand when it is released: another account of the payee, or none, may be found again later.
_KEEP_RELEASED = Sql(
    "INSERT INTO attempt_accounts (attempt_id, token, bank, bank_number, key) SELECT cast(:attempt_id AS uuid), t.token, t.bank, "
    "t.bank_number, t.key FROM payee_tokens t WHERE (t.payee_id, t.account_no) = (:payee_id, :account_no)"
)
_KEEP_ANEW = Sql(
    "INSERT INTO attempt_accounts (attempt_id, token, bank, bank_number, key) SELECT h.*, cast(:key AS text) FROM unnest("
    "cast(:attempt_ids AS uuid[]), cast(:tokens AS bytea[]), cast(:banks AS bytea[]), cast(:bank_numbers AS bytea[])) h"
)
# Of whoever was erased nothing is kept any more, and what the bank says of a payment of theirs says nothing of their account. That
# is asked as it is written, after `await_the_erasing_of` took the turns.
_KEEP_OF_LINES = Sql(
    "INSERT INTO bank_line_accounts (line_id, token, bank, bank_number, key) SELECT h.line_id, h.token, h.bank, h.bank_number, "
    "cast(:key AS text) FROM unnest(cast(:line_ids AS uuid[]), cast(:attempt_ids AS uuid[]), cast(:tokens AS bytea[]), "
    "cast(:banks AS bytea[]), cast(:bank_numbers AS bytea[])) h(line_id, attempt_id, token, bank, bank_number) "
    "WHERE NOT EXISTS (SELECT FROM payment_attempts a JOIN payees p ON p.id = a.payee_id JOIN persons e ON e.id = p.person_id "
    "WHERE a.attempt_id = h.attempt_id AND e.erased_at IS NOT NULL)"
)
# The turns of whom these payments are to, shared with others who keep something, as by `await_the_erasing` of `erasure_1.sql`.
_TURNS = Sql(
    "SELECT pg_advisory_xact_lock_shared(7041, n.turn) FROM (SELECT DISTINCT mod(hashtext(cast(p.person_id AS text)), 256) AS turn "
    "FROM payment_attempts a JOIN payees p ON p.id = a.payee_id WHERE a.attempt_id = ANY (cast(:attempt_ids AS uuid[])) "
    "AND p.person_id IS NOT NULL ORDER BY 1) n"
)
# Of what is not settled yet, and can still be opened.
_UNDER_FORMER_KEYS = Sql(
    "SELECT a.attempt_id, a.payee_id, a.account_no, p.person_id FROM payment_attempts a JOIN payees p ON p.id = a.payee_id WHERE a.status = 'released' "
    "AND EXISTS (SELECT FROM attempt_accounts t WHERE t.attempt_id = a.attempt_id) "
    "AND NOT EXISTS (SELECT FROM attempt_accounts t WHERE t.attempt_id = a.attempt_id AND t.key = :key) "
    "AND EXISTS (SELECT FROM payee_details d WHERE (d.payee_id, d.account_no) = (a.payee_id, a.account_no)) "
    "ORDER BY a.attempt_id LIMIT :most"
)
_COUNTRIES = Sql(
    "SELECT DISTINCT destination_country FROM payment_attempts WHERE status = 'released' AND method = 'bank_file' ORDER BY 1"
)

_STATED: Final = "SELECT FROM bank_line_accounts s WHERE s.line_id = {line}.id"
_RELEASED: Final = "SELECT FROM attempt_accounts t WHERE t.attempt_id = {attempt}"
_OTHER_PAYEE: Final = (
    f"CASE WHEN EXISTS ({_STATED}) AND EXISTS ({_RELEASED}) THEN NOT EXISTS (SELECT FROM bank_line_accounts s "
    f"JOIN attempt_accounts t ON {SAME.format('s', 't')} WHERE s.line_id = {{line}}.id AND t.attempt_id = {{attempt}}) END"
)


def other_payee(line: str, attempt: str) -> str:
    """Whether a line went to another account than this attempt was released to; NULL where either is not known; SQL."""
    return _OTHER_PAYEE.format(line=line, attempt=attempt)


def of_a_release(attempt_id: object, payee_id: object, account_no: object) -> Write:
    """The write by which it is known to which account an attempt was released, whatever becomes of the payee."""
    return Write(_KEEP_RELEASED, {"attempt_id": attempt_id, "payee_id": payee_id, "account_no": account_no}, None)


async def of_lines(unit: UnitOfWork, lines: Sequence[KeptLine]) -> Sequence[Write]:
    """The write that keeps of each debit the hashes of the account that the bank states; may raise `EpochsAway`.

    A number without a word of its bank or country is taken for one of each country to which a bank is to pay at this moment. It is
    written in a transaction that asked `await_the_erasing_of` before, and of a payment to somebody who was erased nothing is.
    """
    stated = [(line, line.creditor) for line in lines if line.creditor is not None]
    if not stated:
        return ()
    countries: list[str] = []
    if any(account.is_of_no_country for _, account in stated):
        countries = [row["destination_country"] for row in await unit.rows(_COUNTRIES)]
    spelled = [(line, one) for line, account in stated for one in _spellings(account, countries)]
    hashes = await hashed(unit.keys.index, [one for _, one in spelled])
    of = {"line_ids": [line.id for line, _ in spelled], "attempt_ids": [line.attempt_id for line, _ in spelled]}
    return (Write(_KEEP_OF_LINES, of | hashes.values, None),)


async def await_the_erasing_of(unit: UnitOfWork, attempts: Sequence[UUID]) -> None:
    """Waits for whoever erases somebody to whom one of these payments is, and keeps others from it until the transaction ends."""
    if attempts:
        await unit.rows(_TURNS, attempt_ids=list(attempts))


async def hash_released_anew(unit: UnitOfWork, keys: PersonKeys, most: int = 200) -> int:
    """Hashes accounts of attempts that are under way under the current index key too; says of how many, 0 once none is left.

    The former hashes stay: what was imported before is compared with them. `Unsealed` as for a reading.
    """
    stale = await unit.rows(_UNDER_FORMER_KEYS, key=await keys.index.current(), most=most)
    accounts = await held_accounts(unit, keys, [(row["payee_id"], row["account_no"], row["person_id"]) for row in stale])
    known = [(row["attempt_id"], accounts.get((row["payee_id"], row["account_no"]))) for row in stale]
    spelled = [(attempt_id, one) for attempt_id, found in known if found is not None for one in found.spellings]
    if spelled:
        hashes = await hashed(keys.index, [one for _, one in spelled])
        unit.write(Write(_KEEP_ANEW, {"attempt_ids": [attempt_id for attempt_id, _ in spelled]} | hashes.values, len(spelled)))
    return sum(found is not None for _, found in known)


def _spellings(account: Creditor, countries: Sequence[str]) -> tuple[Spelling, ...]:
    if account.is_of_no_country:
        every = [one for country in countries or [""] for one in spellings(None, account.number, None, country)]
    else:
        every = list(spellings(account.iban, account.number, account.bank_code, account.bank_country))
    return tuple(dict.fromkeys(every))

