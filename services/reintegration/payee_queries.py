"""What reintegration's tables answer about payees: the facts of their rules, and the lists."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from services.reintegration import account_tokens
from services.reintegration.domain.payee import RegisterPayee
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import PayeeStatus, contact_to_call
from services.reintegration.queries import CASE_KNOWN, THE_CASE, Sharing, sharing_of
from shared.contracts.payees import KnownContact, PayeeKind
from shared.contracts.sanctions import HowAlike
from shared.db import Sql, UnitOfWork
from shared.ids import FIRST

_BEHIND = Sql(f"SELECT {THE_CASE} AS case_known")
# Whoever is to be registered as they were before, under another payee of theirs; an office by its country.
_FORMER = Sql(
    "SELECT id, status, contacts FROM payees WHERE kind = :kind AND id <> :payee_id AND CASE kind "
    "WHEN 'returnee' THEN person_id = cast(:person_id AS uuid) WHEN 'vendor' THEN country = :country AND "
    "vendor_key = lower(cast(:vendor_code AS text)) ELSE country = :country END ORDER BY id"
)
_CONTACTS: Final = TypeAdapter(tuple[KnownContact, ...])
_COLUMNS: Final = (
    "id, kind, country, currency, status, case_id, vendor_code, registered_at, held_until, status = 'on_hold' AS waits, hits <> '[]' AS screening_hit"
)
LISTED = Sql(f"SELECT {_COLUMNS} FROM payees WHERE id > :after ORDER BY id LIMIT :limit")
# A list of one, and named in the order, so that the index that begins with it is walked (`lists`).
LISTED_OF_STATUS = Sql(
    f"SELECT {_COLUMNS} FROM payees WHERE status = ANY (ARRAY[:status]) AND id > :after ORDER BY status, id LIMIT :limit"
)
LISTED_OF_VENDOR = Sql(
    f"SELECT {_COLUMNS} FROM payees WHERE vendor_key = ANY (ARRAY[:vendor_key]) AND id > :after ORDER BY vendor_key, id LIMIT :limit"
)


def _abroad(equal: str, order: str = "country, id") -> Sql:
    return Sql(
        f"SELECT found.*, {sharing_of('found.case_id')} AS sharing FROM unnest(cast(:countries AS text[])) own(country) "
        f"CROSS JOIN LATERAL (SELECT {_COLUMNS} FROM payees WHERE country = ANY (ARRAY[own.country]) AND {equal}id > :after "
        f"ORDER BY {order} LIMIT :limit) found ORDER BY found.id LIMIT :limit"
    )


ABROAD = _abroad("")
ABROAD_OF_STATUS = _abroad("status = ANY (ARRAY[:status]) AND ", "country, status, id")
ABROAD_OF_VENDOR = _abroad("vendor_key = :vendor_key AND ")


class PayeeRow(BaseModel):
    """One payee in a list, without name and account; ``waits`` says that a change of account waits for somebody to call back."""

    id: UUID
    kind: PayeeKind
    country: str
    currency: str
    status: PayeeStatus
    case_id: UUID | None
    vendor_code: str | None
    registered_at: datetime
    held_until: datetime | None
    waits: bool
    screening_hit: bool


@dataclass(frozen=True, slots=True)
class PayeeAbroad:
    """A payee in an office's list, with what decides whether it is shown: a returnee's goes by their consent."""

    row: PayeeRow
    sharing: Sharing

    @property
    def id(self) -> UUID:
        """The payee's."""
        return self.row.id

    def kept(self) -> Self | None:
        """As it is without anybody's consent: a business, an office, and a returnee while money is to be accounted for."""
        return self if self.row.case_id is None or self.sharing.owed else None

    def without_health(self) -> Self | None:
        """The same, for it says nothing of health."""
        return self


async def behind_a_payee(unit: UnitOfWork, payee_id: UUID, order: RegisterPayee, now: datetime) -> PayeeFacts:
    """The case of a returnee who is to be registered, and how whoever is so was known before, as far as row security lets it be."""
    row = await unit.row(_BEHIND, case_id=order.case_id) if order.case_id is not None else None
    case = CASE_KNOWN.validate_json(row["case_known"] or "null") if row is not None else None
    former = await unit.rows(
        _FORMER, payee_id=payee_id, kind=order.payee_kind, country=order.country, person_id=order.person_id,
        vendor_code=order.vendor_code,
    )  # fmt: skip
    contacts = sorted(
        (
            contact.model_copy(update={"payee_id": one["id"]})
            for one in former
            for contact in _CONTACTS.validate_json(one["contacts"])
            # Another's is among that one's own.
            if contact.payee_id is None
        ),
        key=lambda contact: contact.since,
    )
    return PayeeFacts(
        case, former=contact_to_call(contacts, now), former_blocked=any(one["status"] == "blocked" for one in former)
    )


# Each payee that is not closed of which something has to be looked at, by its id. Few may be such: whom a list may mean, and
# whose account somebody else has or had, which both have an index of their own; of these it is asked whether it is so still.
FOUND = Sql(
    "SELECT found.* FROM (SELECT id FROM payees WHERE hits <> '[]' AND status <> 'closed' AND id > :after "
    "UNION SELECT payee_id FROM payee_tokens WHERE met AND payee_id > :after) few "
    f"CROSS JOIN LATERAL (SELECT {_COLUMNS} FROM payees WHERE id = few.id AND status <> 'closed' OFFSET 0) found "
    f"WHERE EXISTS (SELECT FROM payee_tokens t JOIN {account_tokens.SHARED_BY} WHERE t.payee_id = found.id) "
    f"OR EXISTS (SELECT FROM payee_tokens t JOIN {account_tokens.OF_STAFF} WHERE t.payee_id = found.id) "
    "OR found.screening_hit ORDER BY found.id LIMIT :limit"
)
_HIT = Sql(
    "SELECT hit ->> 'list_name' AS list_name, l.list_version, hit ->> 'how' AS how, e.entry_id, e.names, e.born, e.country "
    "FROM payees p CROSS JOIN LATERAL jsonb_array_elements(p.hits) hit "
    "JOIN sanctions_lists l ON l.id = cast(hit ->> 'list_id' AS uuid) "
    "JOIN sanctions_entries e ON e.list_id = l.id AND e.entry_id = hit ->> 'entry_id' WHERE p.id = :payee_id "
    "ORDER BY 1, 4"
)


class HitRow(BaseModel):
    """An entry of a list that may mean a payee, as the list has it."""

    list_name: str
    list_version: str
    how: HowAlike
    entry_id: str
    names: list[str]
    born: str | None
    country: str | None


async def hits(unit: UnitOfWork, payee_id: UUID) -> list[HitRow]:
    """What the lists say of each entry that may mean this payee."""
    rows = await unit.rows(_HIT, payee_id=payee_id)
    return [HitRow.model_validate({**dict(row), "names": row["names"].split("\n")}) for row in rows]


def asked_for(status: PayeeStatus | None, vendor_code: str | None) -> tuple[Sql, Sql, Mapping[str, object]]:
    """The list of the mission and that of an office, of payees of this status or of one vendor's code, with what they take."""
    if vendor_code is not None:
        return LISTED_OF_VENDOR, ABROAD_OF_VENDOR, {"vendor_key": vendor_code.lower()}
    if status is not None:
        return LISTED_OF_STATUS, ABROAD_OF_STATUS, {"status": status}
    return LISTED, ABROAD, {}


async def abroad(
    unit: UnitOfWork, sql: Sql, countries: Sequence[str], after: UUID | None, limit: int, asked: Mapping[str, object]
) -> list[PayeeAbroad]:
    """Up to ``limit`` payees of these countries, oldest first, each with what decides whether an office is shown it."""
    rows = await unit.rows(sql, countries=list(countries), after=after or FIRST, limit=limit, **asked)
    return [PayeeAbroad(PayeeRow.model_validate(dict(row)), _sharing(dict(row))) for row in rows]


def _sharing(row: Mapping[str, Any]) -> Sharing:
    if row["sharing"] is not None and json.loads(row["sharing"]) is not None:
        return Sharing.of(row["sharing"])
    # Nobody's consent: a business or an office.
    return Sharing(row["country"], frozenset(), frozenset(), frozenset(), arrived=True, may_be_shared=True)
