"""Loads an aggregate's row under lock, writes it back and turns its events into leaves; for handling, verify and whoever seals rows anew only."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import rfc8785
from pydantic import BaseModel, TypeAdapter

from shared.aggregate import IN_CLEAR, Aggregate
from shared.db import Sql, UnitOfWork, Write
from shared.ids import uuid7
from shared.messages import Concealed, Context, Envelope, Event, Origin
from shared.row_keys import MARK, NEWEST, NOTHING_SEALED, Opening, RowKey, is_sealed, place
from shared.sealed_rows import SealedParts

State = TypeVar("State")
Facts = TypeVar("Facts")

_SOURCE = "urn:avrr:{service}"
_SCHEMA = "urn:avrr:schema:{type}"


@dataclass(frozen=True)
class Rows(Generic[State, Facts]):
    """How the rows of one aggregate are locked, read and written; each statement is made once."""

    aggregate: Aggregate[State, Facts]

    @cached_property
    def _adapter(self) -> TypeAdapter[State]:
        return TypeAdapter(self.aggregate.state)

    @cached_property
    def _names(self) -> Sequence[str]:
        names = [field.name for field in fields(self.aggregate.state)]  # type: ignore[arg-type]
        return [f'"{name}"' for name in (*names, *([IN_CLEAR] if self._checked else []))]

    @cached_property
    def _columns(self) -> str:
        return ", ".join(self._names)

    @cached_property
    def _checked(self) -> bool:
        return IN_CLEAR in self.aggregate.table.columns

    @cached_property
    def parts(self) -> SealedParts:
        """What of a row is sealed, and how."""
        return SealedParts(self.aggregate.service, self.aggregate.table.name, self.aggregate.sealed)

    @cached_property
    def lock_sql(self) -> Sql:
        """The row under lock, what was answered to this actor's key before, and the key under which is sealed now."""
        return Sql(
            f"WITH locked AS (SELECT to_jsonb(t) AS body FROM {self.aggregate.table.name} t WHERE t.id = :id FOR UPDATE), "
            "seen AS (SELECT fingerprint, status, version, resource_id FROM idempotency "
            "WHERE actor_id = :actor_id AND key = :key) "
            f"SELECT (SELECT body::text FROM locked) AS body, {NEWEST} AS row_key, seen.* "
            "FROM (SELECT 1) one LEFT JOIN seen ON true"
        )

    @cached_property
    def read_sql(self) -> Sql:
        """The row as it is, without lock."""
        return Sql(f"SELECT to_jsonb(t)::text AS body FROM {self.aggregate.table.name} t WHERE t.id = :id")

    @cached_property
    def many_sql(self) -> Sql:
        """Several rows as they are, without lock."""
        return Sql(
            f"SELECT t.id, to_jsonb(t)::text AS body FROM {self.aggregate.table.name} t "
            "WHERE t.id = ANY(cast(:ids AS uuid[]))"
        )

    @cached_property
    def insert_sql(self) -> Sql:
        """What makes the row."""
        return Sql(
            f"INSERT INTO {self.aggregate.table.name} (id, version, {self._columns}) "
            f"SELECT id, version, {self._columns} "
            f"FROM jsonb_populate_record(NULL\\:\\:{self.aggregate.table.name}, cast(:row AS jsonb))"
        )

    @cached_property
    def update_sql(self) -> Sql:
        """What changes the row as it was read."""
        # Column by column: of a list that is set to one query PostgreSQL keeps that query once for each of the columns, in every
        # connection that prepared it.
        each = ", ".join(f"{name} = r.{name}" for name in ("version", *self._names))
        return Sql(
            f"UPDATE {self.aggregate.table.name} AS t SET {each} "
            f"FROM jsonb_populate_record(NULL\\:\\:{self.aggregate.table.name}, cast(:row AS jsonb)) r "
            "WHERE t.id = :id AND t.version = :before"
        )

    async def parsed(self, unit: UnitOfWork, body: str) -> tuple[int, State]:
        """As `parse`, with the keys that it takes."""
        return self.parse(body, await unit.keys.rows.opening(unit, (body,)) if MARK in body else NOTHING_SEALED)

    def parse(self, body: str, opening: Opening) -> tuple[int, State]:
        """Version and state out of a row's JSON; `Unsealed` if a part does not stand where it was sealed."""
        row = json.loads(body, parse_float=Decimal)
        version = row.pop("version")
        row.pop(IN_CLEAR, None)
        id = UUID(row.pop("id"))
        return version, self._adapter.validate_python(self.parts.open(opening, id, version, row))

    def save(self, id: UUID, before: int, after: int, state: State, key: RowKey) -> Write:
        """The write that replaces version ``before`` (0: nothing yet) by this state as version ``after``."""
        told = self._adapter.dump_python(state, mode="json")
        row = {"id": str(id), "version": after, **self.parts.seal(key, id, after, told)}
        if self._checked:
            row[IN_CLEAR] = {part.column: told[part.column] for part in self.aggregate.sealed if part.checked}
        body = json.dumps(row)
        if before == 0:
            return Write(self.insert_sql, {"row": body})
        return Write(self.update_sql, {"row": body, "id": id, "before": before})

    def dump(self, state: State) -> dict[str, object]:
        """The state as plain JSON values."""
        return cast("dict[str, object]", self._adapter.dump_python(state, mode="json"))


def rows_of(aggregate: Aggregate[State, Facts]) -> Rows[State, Facts]:
    """The rows of an aggregate, the same object each time."""
    key = (aggregate.service, aggregate.name)
    if key not in _ROWS or _ROWS[key].aggregate is not aggregate:
        _ROWS[key] = Rows(aggregate)
    return cast("Rows[State, Facts]", _ROWS[key])


_ROWS: dict[tuple[str, str], Rows[Any, Any]] = {}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A concealed value with the salt that binds it to its digest in a leaf; ``path`` says where it stood."""

    path: str
    salt: str
    value: str


def conceal(event: Event) -> tuple[Event, tuple[Disclosure, ...]]:
    """The event with every concealed value salted, and what was concealed."""
    disclosures: list[Disclosure] = []

    def salted(value: object, path: str) -> object:
        if isinstance(value, Concealed):
            salt = secrets.token_urlsafe(16)
            disclosures.append(Disclosure(path, salt, value.clear()))
            return value.salted(salt)
        if isinstance(value, BaseModel):
            changed = {
                name: new
                for name in type(value).model_fields
                if (new := salted(old := getattr(value, name), f"{path}.{name}" if path else name)) is not old
            }
            return value.model_copy(update=changed) if changed else value
        if isinstance(value, tuple):
            new_items = tuple(salted(item, f"{path}.{place}") for place, item in enumerate(value))
            return new_items if any(new is not old for new, old in zip(new_items, value, strict=True)) else value
        return value

    return cast("Event", salted(event, "")), tuple(disclosures)


def concealing(event: Event) -> set[str]:
    """Where in it the event conceals something, by the paths of its disclosures."""
    found: set[str] = set()

    def look(value: object, path: str) -> None:
        if isinstance(value, Concealed):
            found.add(path)
        elif isinstance(value, BaseModel):
            for name in type(value).model_fields:
                look(getattr(value, name), f"{path}.{name}" if path else name)
        elif isinstance(value, tuple):
            for place, item in enumerate(value):
                look(item, f"{path}.{place}")

    look(event, "")
    return found


def reveal(event: Event, disclosures: Mapping[str, Disclosure]) -> Event:
    """The event with its concealed values put back; ValueError if one does not match its digest."""

    def revealed(value: object, path: str) -> object:
        if isinstance(value, Concealed):
            known = disclosures.get(path)
            return value if known is None else value.reveal(known.salt, known.value)
        if isinstance(value, BaseModel):
            changed = {
                name: new
                for name in type(value).model_fields
                if (new := revealed(old := getattr(value, name), f"{path}.{name}" if path else name)) is not old
            }
            return value.model_copy(update=changed) if changed else value
        if isinstance(value, tuple):
            return tuple(revealed(item, f"{path}.{place}") for place, item in enumerate(value))
        return value

    return cast("Event", revealed(event, ""))


DISCLOSE = Sql(
    "INSERT INTO disclosure (event_id, path, salt, value) SELECT t.event_id, t.path, '', t.value FROM unnest("
    "cast(:event_ids AS uuid[]), cast(:paths AS text[]), cast(:values AS text[])) t(event_id, path, value)"
)


def disclose(service: str, key: RowKey | None, disclosed: Sequence[tuple[UUID, Disclosure]]) -> Iterator[Write]:
    """The write that keeps concealed values beside the log, sealed; none if nothing was concealed."""
    if disclosed and key is not None:
        yield Write(
            DISCLOSE,
            {
                "event_ids": [event_id for event_id, _ in disclosed],
                "paths": [item.path for _, item in disclosed],
                "values": [sealed_disclosure(service, key, event_id, item) for event_id, item in disclosed],
            },
            len(disclosed),
        )


def sealed_disclosure(service: str, key: RowKey, event_id: UUID, item: Disclosure) -> str:
    """A concealed value as it is kept: with its salt, without which the few possible values cannot be tried."""
    return key.seal(_beside(service, event_id, item.path), json.dumps([item.salt, item.value]))


def opened_disclosure(service: str, opening: Opening, event_id: UUID, path: str, kept: str, salt: str = "") -> Disclosure:
    """A concealed value out of what is kept; of one from before they were sealed the salt stands beside it."""
    if not is_sealed(kept):
        return Disclosure(path, salt, kept)
    return Disclosure(path, *json.loads(opening.text(_beside(service, event_id, path), kept)))


def _beside(service: str, event_id: UUID, path: str) -> bytes:
    return place(service, "disclosure", "value", event_id, path)


def enclose(
    service: str, subject: UUID, partition: UUID, version: int, event: Event, context: Context, origin: Origin
) -> tuple[Envelope, bytes]:
    """The envelope of one event and its leaf: the RFC 8785 bytes that are stored, hashed and published."""
    actor, kind = context.actor, event.kind_in(service)
    envelope = Envelope(
        id=uuid7(),
        source=_SOURCE.format(service=service),
        type=kind,
        subject=subject,
        partitionkey=partition,
        time=context.now,
        dataschema=_SCHEMA.format(type=kind),
        aggregateversion=version,
        actorid=actor.person_id,
        actorrole=",".join(sorted(actor.roles)),
        actororg=actor.organisation,
        actorcountry=",".join(sorted(actor.countries)),
        actoracr=actor.acr,
        authtime=actor.auth_time,
        correlationid=origin.correlation_id,
        causationid=origin.cause.event_id if origin.cause else None,
        causeleafhash=origin.cause.leaf_hash.hex() if origin.cause else None,
        data=event.model_dump(mode="json"),
    )
    return envelope, rfc8785.dumps(envelope.model_dump(mode="json", exclude_none=True))

