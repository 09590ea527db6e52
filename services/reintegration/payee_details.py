"""Where it is kept whose account a payee's is, sealed: written with the event that conceals it, opened for who needs it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from services.reintegration.domain.payee_details import PayeeDetails
from shared.contracts.payees import AccountChangeAsked
from shared.db import Sql, UnitOfWork, Write
from shared.handling import Handled
from shared.private import PersonKey, PersonKeys, Place, Unsealed, opened, seal

TABLE: Final = "payee_details"

_KEEP = Sql(
    "INSERT INTO payee_details (payee_id, account_no, country, person_id, account) "
    "VALUES (:payee_id, :account_no, :country, :person_id, :account)"
)
_FOUND = Sql(
    "SELECT d.payee_id, d.account_no, coalesce(d.person_id, d.payee_id) AS person_id, d.account FROM payee_details d "
    "WHERE d.payee_id = :payee_id AND d.account_no = :account_no"
)
_EACH = Sql(
    "SELECT d.payee_id, d.account_no, d.account, k.person_id, k.about, k.epoch, k.wrapped "
    "FROM unnest(cast(:payee_ids AS uuid[]), cast(:account_nos AS integer[])) asked(payee_id, account_no) "
    "JOIN payee_details d ON (d.payee_id, d.account_no) = (asked.payee_id, asked.account_no) "
    "JOIN person_keys k ON k.person_id = coalesce(d.person_id, d.payee_id) AND k.about = d.payee_id"
)


def stated_no(handled: Handled) -> int:
    """Under which number an account was stated by what was ordered."""
    (event,) = handled.events
    return event.account_no if isinstance(event, AccountChangeAsked) else 1


def kept(
    key: PersonKey, handled: Handled, payee_id: UUID, account_no: int, country: str, person_id: UUID | None
) -> Write:
    """The write that keeps what an order states of an account, sealed, beside the event that conceals it."""
    (stated,) = handled.concealed
    # With the salt whoever is paid can prove that it is the account of which the log holds a digest.
    account = seal(key, _place(payee_id, account_no, key.person_id), json.dumps([json.loads(stated.value), stated.salt]))
    values = {
        "payee_id": payee_id, "account_no": account_no, "country": country, "person_id": person_id, "account": account
    }  # fmt: skip
    return Write(_KEEP, values)


def key_of(payee_id: UUID, person_id: UUID | None) -> tuple[UUID, UUID]:
    """Whose key seals a payee's details, and what it is about: a person's own for this payee, or the payee's."""
    return (person_id or payee_id, payee_id)


async def found(unit: UnitOfWork, keys: PersonKeys, payee_id: UUID, account_no: int) -> PayeeDetails | None:
    """What was stated of one account; None if it went with the person. `Unsealed` if it does not stand where it was sealed."""
    row = await unit.row(_FOUND, payee_id=payee_id, account_no=account_no)
    if row is None:
        return None
    key = await keys.key_of(unit, row["person_id"], payee_id)
    if key is None:
        raise Unsealed
    return _details(key, payee_id, account_no, bytes(row["account"]))


async def found_each(unit: UnitOfWork, keys: PersonKeys, account_nos: Mapping[UUID, int]) -> dict[UUID, PayeeDetails]:
    """What was stated of one account of each of these payees, by one statement; else as `found`."""
    each = await found_accounts(unit, keys, tuple(account_nos.items()))
    return {payee_id: details for (payee_id, _), details in each.items()}


async def found_accounts(
    unit: UnitOfWork, keys: PersonKeys, accounts: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], PayeeDetails]:
    """What was stated of these accounts, each by its payee and number, by one statement; else as `found`."""
    if not accounts:
        return {}
    payee_ids, account_nos = [payee_id for payee_id, _ in accounts], [number for _, number in accounts]
    rows = await unit.rows(_EACH, payee_ids=payee_ids, account_nos=account_nos)
    opening = await keys.unwrapped(rows)
    return {
        (row["payee_id"], row["account_no"]): _details(
            opening[row["person_id"], row["about"]], row["payee_id"], row["account_no"], bytes(row["account"])
        )
        for row in rows
    }


def told(key: PersonKey, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was stated, for the person themselves; `Unsealed` if it does not stand where it was sealed."""
    account = opened(key, _place(UUID(row["payee_id"]), row["account_no"], key.person_id), bytes(row["account"]))
    return {"account": json.loads(account)[0]}


def _details(key: PersonKey, payee_id: UUID, account_no: int, account: bytes) -> PayeeDetails:
    return PayeeDetails.model_validate(json.loads(opened(key, _place(payee_id, account_no, key.person_id), account))[0])


def _place(payee_id: UUID, account_no: int, person_id: UUID) -> Place:
    return Place("reintegration", TABLE, "account", payee_id, person_id, account_no)
