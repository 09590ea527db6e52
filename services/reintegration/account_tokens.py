"""By what an account is found again without being read: keyed hashes of payees' accounts, and of those of staff."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.reintegration import payee_details
from shared.blind_index import IndexKeys, Term, tokens_of
from shared.db import Sql, UnitOfWork, Write
from shared.private import PersonKeys

# There are so many accounts that no two share a hash, and so few digits in one that only the key protects it.
_BITS: Final = 128

_KEEP = Sql(
    "INSERT INTO payee_tokens (payee_id, account_no, person_id, token, key) "
    "VALUES (:payee_id, :account_no, :person_id, :token, :key)"
)
_KEEP_STAFF = Sql(
    "INSERT INTO staff_accounts (list_id, token, key) SELECT cast(:list_id AS uuid), token, cast(:key AS text) "
    "FROM unnest(cast(:tokens AS bytea[])) token"
)
_UNDER_OTHER_KEYS = Sql(
    "SELECT payee_id, account_no FROM ((SELECT payee_id, account_no, key FROM payee_tokens WHERE key < :key ORDER BY key LIMIT :most) "
    "UNION ALL (SELECT payee_id, account_no, key FROM payee_tokens WHERE key > :key ORDER BY key LIMIT :most)) other LIMIT :most"
)
_HASH = Sql(
    "UPDATE payee_tokens t SET token = anew.token, key = :key FROM unnest(cast(:payee_ids AS uuid[]), cast(:account_nos AS integer[]), "
    "cast(:tokens AS bytea[])) anew(payee_id, account_no, token) WHERE t.payee_id = anew.payee_id AND t.account_no = anew.account_no"
)
_AGAINST = Sql(
    "SELECT ARRAY(SELECT DISTINCT o.payee_id FROM payee_tokens t JOIN payee_tokens o ON o.token = t.token "
    " AND o.payee_id <> t.payee_id WHERE t.payee_id = :payee_id AND NOT EXISTS (SELECT FROM payee_shares s WHERE "
    " (s.payee_id = t.payee_id AND s.other_id = o.payee_id) OR (s.payee_id = o.payee_id AND s.other_id = t.payee_id))) AS shared_with, "
    "EXISTS (SELECT FROM payee_tokens t JOIN staff_accounts a ON a.token = t.token WHERE t.payee_id = :payee_id AND a.list_id = "
    " (SELECT id FROM staff_lists ORDER BY uploaded_at DESC, id DESC LIMIT 1)) AS of_staff"
)


async def kept(
    unit: UnitOfWork, payee_id: UUID, account_no: int, person_id: UUID | None, account: str
) -> Sequence[Write]:
    """The write by which this account, in its one spelling, is found again from now on."""
    key, (token,) = await _hashed(unit.keys.index, [account])
    values = {"payee_id": payee_id, "account_no": account_no, "person_id": person_id, "token": token, "key": key}
    return (Write(_KEEP, values),)


async def kept_of_staff(unit: UnitOfWork, list_id: UUID, accounts: Sequence[str]) -> Sequence[Write]:
    """The write that keeps the accounts of staff, each in its one spelling, as hashes and as nothing else."""
    key, tokens = await _hashed(unit.keys.index, accounts)
    return (Write(_KEEP_STAFF, {"list_id": list_id, "tokens": tokens, "key": key}, len(tokens)),)


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
    there = [(row, found.same_account) for row, found in known if found is not None]
    if there:
        key, tokens = await _hashed(keys.index, [account for _, account in there])
        values = {
            "key": key, "payee_ids": [row["payee_id"] for row, _ in there], "account_nos": [row["account_no"] for row, _ in there],
            "tokens": tokens,
        }  # fmt: skip
        unit.write(Write(_HASH, values, len(there)))
    return len(there)


async def _hashed(index: IndexKeys, accounts: Sequence[str]) -> tuple[str, list[bytes]]:
    key = await index.current()
    return key, await tokens_of(index, key, [Term("account", account, _BITS) for account in accounts])
