"""By what an account is found again without being read: keyed hashes of payees' accounts, and of those of staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from services.reintegration import payee_details
from services.reintegration.domain.payee_details import PayeeDetails
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.same_account import Spelling
from shared.blind_index import IndexKeys, Term, tokens_of
from shared.contracts.payees import SharedAccount
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
    "(s.payee_id, s.account_no, s.other_id, s.other_no) = (t.payee_id, t.account_no, o.payee_id, o.account_no) "
    "OR (s.payee_id, s.account_no, s.other_id, s.other_no) = (o.payee_id, o.account_no, t.payee_id, t.account_no))"
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
# The turns of whom they are of, the payees, the turns of the hashes, and only then the rows, each in its order: as whoever registers
# or changes an account does, and whoever erases.
_TURNS_OF_PERSONS = Sql(
    "SELECT pg_advisory_xact_lock_shared(7041, turn) FROM (SELECT DISTINCT mod(hashtext(cast(person_id AS text)), 256) AS turn "
    "FROM unnest(cast(:person_ids AS uuid[])) person_id ORDER BY 1) n"
)
_HOLD_PAYEES = Sql("SELECT id FROM payees WHERE id = ANY (cast(:payee_ids AS uuid[])) ORDER BY id FOR SHARE")
_TURNS_OF_HASHES = Sql(
    "SELECT await_hashes(cast(:tokens AS bytea[]) || ARRAY(SELECT t.token FROM payee_tokens t WHERE t.payee_id = ANY (cast(:payee_ids AS uuid[]))))"
)
# An account may be forgotten, or hashed by somebody else, until one has all turns.
_STILL = Sql(
    "SELECT DISTINCT payee_id, account_no, person_id FROM payee_tokens WHERE payee_id = ANY (cast(:payee_ids AS uuid[])) AND key <> :key"
)
# Lines of the bank's were hashed under the former key, and go with the person by it.
_OF_FORMER_KEYS: Final = (
    "FROM payee_tokens t WHERE (t.payee_id, t.account_no) IN (SELECT * FROM unnest(cast(:payee_ids AS uuid[]), "
    "cast(:account_nos AS integer[]))) AND t.key <> :key"
)
_FORGET_FORMER = Sql(f"DELETE {_OF_FORMER_KEYS}")
_KEEP_ASIDE = Sql(
    "INSERT INTO former_payee_tokens (payee_id, account_no, person_id, token, key) SELECT t.payee_id, t.account_no, t.person_id, t.token, "
    f"t.key {_OF_FORMER_KEYS} AND t.person_id IS NOT NULL ON CONFLICT DO NOTHING"
)
_KEEP_ANEW = Sql(
    "INSERT INTO payee_tokens (payee_id, account_no, person_id, token, bank, bank_number, key) SELECT h.*, cast(:key AS text) "
    "FROM unnest(cast(:payee_ids AS uuid[]), cast(:account_nos AS integer[]), cast(:person_ids AS uuid[]), cast(:tokens AS bytea[]), "
    "cast(:banks AS bytea[]), cast(:bank_numbers AS bytea[])) h"
)
# Accounts that a returnee had before, which lines of the bank's may still go to.
_FORMER_UNDER_OTHER_KEYS = Sql(
    "SELECT d.payee_id, d.account_no, d.person_id FROM payee_details d WHERE d.person_id IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM payee_tokens t WHERE (t.payee_id, t.account_no) = (d.payee_id, d.account_no)) "
    "AND NOT EXISTS (SELECT FROM former_payee_tokens f WHERE (f.payee_id, f.account_no, f.key) = (d.payee_id, d.account_no, :key)) "
    "ORDER BY d.payee_id, d.account_no LIMIT :most"
)
_KEEP_FORMER = Sql(
    "INSERT INTO former_payee_tokens (payee_id, account_no, person_id, token, key) SELECT h.*, cast(:key AS text) FROM unnest("
    "cast(:payee_ids AS uuid[]), cast(:account_nos AS integer[]), cast(:person_ids AS uuid[]), cast(:tokens AS bytea[])) h "
    "ON CONFLICT DO NOTHING"
)
_AGAINST = Sql(
    "SELECT (SELECT json_agg(s ORDER BY s.other_id, s.account_no, s.other_no) FROM (SELECT DISTINCT t.account_no, o.payee_id AS other_id, "
    f"o.account_no AS other_no FROM payee_tokens t JOIN {SHARED_BY} WHERE t.payee_id = :payee_id) s) AS shared, "
    # As far as whoever asks sees them; whoever may find that right sees all.
    "(SELECT json_agg(b) FROM (SELECT DISTINCT o.payee_id, a.stated_by AS by_whom FROM payee_tokens t "
    f"JOIN {SHARED_BY} JOIN payee_accounts a ON (a.payee_id, a.account_no) = (o.payee_id, o.account_no) "
    "WHERE t.payee_id = :payee_id) b) AS stated, "
    "(SELECT json_agg(b) FROM (SELECT DISTINCT o.payee_id, c.confirmed_by AS by_whom FROM payee_tokens t "
    f"JOIN {SHARED_BY} JOIN payee_confirmations c ON (c.payee_id, c.account_no) IN ((o.payee_id, o.account_no), (t.payee_id, t.account_no)) "
    "WHERE t.payee_id = :payee_id) b) AS confirmed, "
    # The account that waits, if one does, is the newest that was stated.
    "ARRAY(SELECT s.accepted_by FROM payees p JOIN payee_shares s ON (s.payee_id, s.account_no) = (p.id, p.stated_no) WHERE p.id = :payee_id "
    "UNION SELECT s.accepted_by FROM payees p JOIN payee_shares s ON (s.other_id, s.other_no) = (p.id, p.stated_no) WHERE p.id = :payee_id) AS sharers, "
    f"EXISTS (SELECT FROM payee_tokens t JOIN {OF_STAFF} WHERE t.payee_id = :payee_id) AS of_staff"
)


@dataclass(frozen=True, slots=True)
class PartIn:
    """Who stated or confirmed an account that another payee has as well, by that payee."""

    payee_id: UUID
    by_whom: str


_SHARED: Final = TypeAdapter(tuple[SharedAccount, ...])
_PARTS: Final = TypeAdapter(tuple[PartIn, ...])


@dataclass(frozen=True, slots=True)
class Against:
    """What stands against the accounts of a payee: which others have without anybody having found that right, and whether one is of staff.

    ``stated_by`` says of each of these others who stated the accounts that it shares, ``confirmed_by`` who confirmed them on either
    side, and ``sharers`` who found it right of the account that was stated last.
    """

    shared: tuple[SharedAccount, ...]
    of_staff: bool
    stated_by: Mapping[UUID, frozenset[str]]
    confirmed_by: Mapping[UUID, frozenset[str]]
    sharers: frozenset[str]

    def known(self) -> PayeeFacts:
        """The same as the rules of a payee read it."""
        return PayeeFacts(
            shared_with=frozenset(one.other_id for one in self.shared), shared_accounts=self.shared, shared_stated_by=self.stated_by,
            shared_confirmed_by=self.confirmed_by, sharers=self.sharers, of_staff=self.of_staff,
        )  # fmt: skip


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

    def of(self, wanted: Sequence[bool]) -> "Hashed":
        """Those of the spellings that are wanted, by their places."""
        banks, bank_numbers = (tuple(compress(values, wanted)) for values in (self.banks, self.bank_numbers))
        return Hashed(self.key, tuple(compress(self.tokens, wanted)), banks, bank_numbers)

    def kept(self, payee_id: UUID, account_no: int, person_id: UUID | None) -> Write:
        """The write by which this account of a payee is found again from now on, however it is written elsewhere."""
        of = {"payee_id": payee_id, "account_no": account_no, "person_id": person_id}
        return Write(_KEEP, of | self.values, len(self.tokens))


async def kept_of_staff(unit: UnitOfWork, list_id: UUID, accounts: Sequence[tuple[Spelling, ...]]) -> Sequence[Write]:
    """The write that keeps the accounts of staff, by their spellings, as hashes and as nothing else."""
    hashes = await hashed(unit.keys.index, [one for account in accounts for one in account])
    numbers = [number for number, account in enumerate(accounts, 1) for _ in account]
    return (Write(_KEEP_STAFF, {"list_id": list_id, "account_nos": numbers} | hashes.values, len(numbers)),)


async def against(unit: UnitOfWork, payee_id: UUID) -> Against:
    """What stands against the accounts of this payee by now."""
    row = await unit.row(_AGAINST, payee_id=payee_id)
    assert row is not None
    stated_by, confirmed_by = _by_payee(row["stated"]), _by_payee(row["confirmed"])
    return Against(_SHARED.validate_json(row["shared"] or "[]"), row["of_staff"], stated_by, confirmed_by, frozenset(row["sharers"]))


def _by_payee(parts: str | None) -> dict[UUID, frozenset[str]]:
    by: dict[UUID, frozenset[str]] = {}
    for one in _PARTS.validate_json(parts or "[]"):
        by[one.payee_id] = by.get(one.payee_id, frozenset()) | {one.by_whom}
    return by


async def hash_accounts_anew(unit: UnitOfWork, keys: PersonKeys, most: int = 200) -> int:
    """Hashes accounts of payees anew under the current index key; says of how many, 0 once none is left.

    Accounts of staff are not known here, so that they have to be brought again. `Unsealed` as for a reading.
    """
    stale = await unit.rows(_UNDER_OTHER_KEYS, key=await keys.index.current(), most=most)
    accounts = await held_accounts(unit, keys, [(row["payee_id"], row["account_no"], row["person_id"]) for row in stale])
    spelled = [(account, one) for account in sorted(accounts) for one in accounts[account].spellings]
    if not spelled:
        return 0
    hashes = await hashed(keys.index, [one for _, one in spelled])
    payee_ids = sorted({payee_id for payee_id, _ in accounts})
    await unit.rows(_TURNS_OF_HASHES, tokens=list(hashes.tokens), payee_ids=payee_ids)
    still = {(row["payee_id"], row["account_no"]): row["person_id"] for row in await unit.rows(_STILL, payee_ids=payee_ids, key=hashes.key)}
    kept = hashes.of([account in still for account, _ in spelled])
    whose = [account for account, _ in spelled if account in still]
    of = {"payee_ids": [one for one, _ in accounts], "account_nos": [one for _, one in accounts], "key": hashes.key}
    unit.write(
        Write(_KEEP_ASIDE, of, None),
        Write(_FORGET_FORMER, of, None),
        Write(
            _KEEP_ANEW,
            {
                "payee_ids": [payee_id for payee_id, _ in whose], "account_nos": [number for _, number in whose],
                "person_ids": [still[account] for account in whose], **kept.values,
            },
            len(whose),
        ),
    )  # fmt: skip
    return len(accounts)


async def hash_former_anew(unit: UnitOfWork, keys: PersonKeys, most: int = 200) -> int:
    """Hashes accounts that returnees had before under the current index key too; says of how many, 0 once none is left.

    The former hashes stay, for what was imported before. `Unsealed` as for a reading.
    """
    key = await keys.index.current()
    stale = await unit.rows(_FORMER_UNDER_OTHER_KEYS, key=key, most=most)
    whose = {(row["payee_id"], row["account_no"]): row["person_id"] for row in stale}
    accounts = await held_accounts(unit, keys, [(*account, person_id) for account, person_id in whose.items()])
    spelled = [(account, one) for account in sorted(accounts) for one in accounts[account].spellings]
    if spelled:
        hashes = await hashed(keys.index, [one for _, one in spelled])
        of = {
            "payee_ids": [payee_id for (payee_id, _), _ in spelled], "account_nos": [number for (_, number), _ in spelled],
            "person_ids": [whose[account] for account, _ in spelled],
        }  # fmt: skip
        unit.write(Write(_KEEP_FORMER, of | {"tokens": list(hashes.tokens), "key": hashes.key}, None))
    return len(accounts)


async def held_accounts(
    unit: UnitOfWork, keys: PersonKeys, accounts: Sequence[tuple[UUID, int, UUID | None]]
) -> dict[tuple[UUID, int], PayeeDetails]:
    """What these accounts are, each by payee, number and person, until the transaction ends: nobody changes, closes or erases a payee."""
    if not accounts:
        return {}
    await unit.rows(_TURNS_OF_PERSONS, person_ids=list({person_id for _, _, person_id in accounts if person_id is not None}))
    await unit.rows(_HOLD_PAYEES, payee_ids=list({payee_id for payee_id, _, _ in accounts}))
    return await payee_details.found_accounts(unit, keys, [(payee_id, number) for payee_id, number, _ in accounts])


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
