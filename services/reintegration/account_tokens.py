"""By what an account is found again without being read: keyed hashes of payees' accounts, and of those of staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.reintegration import payee_details
from services.reintegration.domain.same_account import Spelling
from shared.blind_index import IndexKeys, Term, tokens_of
from shared.db import Sql, UnitOfWork, Write
from shared.private import PersonKeys

# There are so many accounts that no two share a hash, and so few digits in one that only the key protects it.
_BITS: Final = 128

# Two hashes are of one account unless both say of which bank it is, in the same way, and it is another one.
SAME: Final = (
    "{0}.token = {1}.token AND ({0}.bank = {1}.bank) IS NOT FALSE AND ({0}.bank_number = {1}.bank_number) IS NOT FALSE"
)
# Who else has an account of this payee ``t`` without anybody having found that right.
SHARED_BY: Final = (
    f"payee_tokens o ON {SAME.format('o', 't')} AND o.payee_id <> t.payee_id AND NOT EXISTS (SELECT FROM payee_shares s WHERE "
    "(s.payee_id = t.payee_id AND s.other_id = o.payee_id) OR (s.payee_id = o.payee_id AND s.other_id = t.payee_id))"
)
OF_STAFF: Final = (
    f"staff_accounts a ON {SAME.format('a', 't')} AND a.list_id = "
    "(SELECT id FROM staff_lists WHERE counts_since IS NOT NULL ORDER BY counts_since DESC, id DESC LIMIT 1)"
)

_KEEP = Sql(
    "INSERT INTO payee_tokens (payee_id, account_no, person_id, token, bank, bank_number, key) "
    "SELECT cast(:payee_id AS uuid), cast(:account_no AS integer), cast(:person_id AS uuid), h.*, cast(:key AS text) "
    "FROM unnest(cast(:tokens AS bytea[]), cast(:banks AS bytea[]), cast(:bank_numbers AS bytea[])) h"
)
_KEEP_STAFF = Sql(
    "INSERT INTO staff_accounts (list_id, account_no, token, bank, bank_number, key) SELECT cast(:list_id AS uuid), h.*, "
    "cast(:key AS text) FROM unnest(cast(:account_nos AS integer[]), cast(:tokens AS bytea[]), cast(:banks AS bytea[]), "
    "cast(:bank_numbers AS bytea[])) h"
)
_UNDER_OTHER_KEYS = Sql(
    "SELECT DISTINCT payee_id, account_no, person_id FROM ((SELECT payee_id, account_no, person_id, key FROM payee_tokens WHERE key < :key ORDER BY key LIMIT :most) "
    "UNION ALL (SELECT payee_id, account_no, person_id, key FROM payee_tokens WHERE key > :key ORDER BY key LIMIT :most)) other LIMIT :most"
)
_FORGET = Sql("DELETE FROM payee_tokens WHERE payee_id = :payee_id AND account_no = :account_no")
_AGAINST = Sql(
    f"SELECT ARRAY(SELECT DISTINCT o.payee_id FROM payee_tokens t JOIN {SHARED_BY} WHERE t.payee_id = :payee_id) AS shared_with, "
    f"EXISTS (SELECT FROM payee_tokens t JOIN {OF_STAFF} WHERE t.payee_id = :payee_id) AS of_staff"
)


@dataclass(frozen=True, slots=True)
class Hashed:
    """The hashes of spellings under one key, in their order."""

    key: str
    tokens: Sequence[bytes]
    banks: Sequence[bytes | None]
    bank_numbers: Sequence[bytes | None]

    @property
    def values(self) -> dict[str, object]:
        """As a statement takes them."""
        return {
            "key": self.key, "tokens": list(self.tokens), "banks": list(self.banks), "bank_numbers": list(self.bank_numbers)
        }  # fmt: skip

    def kept(self, payee_id: UUID, account_no: int, person_id: UUID | None) -> Write:
        """The write by which this account of a payee is found again from now on, however it is written elsewhere."""
        of = {"payee_id": payee_id, "account_no": account_no, "person_id": person_id}
        return Write(_KEEP, of | self.values, len(self.tokens))


async def kept_of_staff(unit: UnitOfWork, list_id: UUID, accounts: Sequence[tuple[Spelling, ...]]) -> Sequence[Write]:
    """The write that keeps the accounts of staff, by their spellings, as hashes and as nothing else."""
    hashes = await hashed(unit.keys.index, [one for account in accounts for one in account])
    numbers = [number for number, account in enumerate(accounts, 1) for _ in account]
    return (Write(_KEEP_STAFF, {"list_id": list_id, "account_nos": numbers} | hashes.values, len(numbers)),)


async def against(unit: UnitOfWork, payee_id: UUID) -> tuple[frozenset[UUID], bool]:
    """Which other payees have an account of this one's without anybody having found that right; and whether one is of staff."""
    row = await unit.row(_AGAINST, payee_id=payee_id)
    assert row is not None
    return frozenset(row["shared_with"]), row["of_staff"]


async def hash_accounts_anew(unit: UnitOfWork, keys: PersonKeys, most: int = 200) -> int:
    """Hashes accounts of payees anew under the current index key; says of how many, 0 once none is left.

    Accounts of staff are not known here, so that they have to be brought again. `Unsealed` as for a reading.
    """
    stale = await unit.rows(_UNDER_OTHER_KEYS, key=await keys.index.current(), most=most)
    known = [(row, await payee_details.found(unit, keys, row["payee_id"], row["account_no"])) for row in stale]
    there = [(row, found) for row, found in known if found is not None]
    for row, found in there:
        unit.write(Write(_FORGET, {"payee_id": row["payee_id"], "account_no": row["account_no"]}, None))
        hashes = await hashed(keys.index, found.spellings)
        unit.write(hashes.kept(row["payee_id"], row["account_no"], row["person_id"]))
    return len(there)


async def hashed(index: IndexKeys, accounts: Sequence[Spelling]) -> Hashed:
    """The hashes of these spellings under the key of now; may raise `EpochsAway`."""
    key = await index.current()
    tokens = await tokens_of(index, key, [Term("account", one.account, _BITS) for one in accounts])
    banks = await _where_known(index, key, "bank", [one.bank for one in accounts])
    return Hashed(key, tokens, banks, await _where_known(index, key, "bank number", [one.bank_number for one in accounts]))


async def _where_known(index: IndexKeys, key: str, purpose: str, texts: Sequence[str | None]) -> list[bytes | None]:
    terms = [Term(purpose, text, _BITS) for text in texts if text is not None]
    found = iter(await tokens_of(index, key, terms) if terms else ())
    return [None if text is None else next(found) for text in texts]
