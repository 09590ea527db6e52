"""The frozen ground types of what is ordered (commands), what became true (events) and how a fact travels."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    SerializationInfo,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.actors import Actor

_DIGEST: Final = r"^[A-Za-z0-9_-]{43}$"
_CONCEALED: Final = "The salted SHA-256 of a text that must not stand in the log, in base64url; the text stays sealed beside it."


class Command(BaseModel):
    """An order by somebody, e.g. ``ApproveGrant``; its fields are what a caller may say, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Whether what comes of it takes out what others may be about to write: then the log, which puts all of them in order, is
    # appended to before triggers fire behind the rows (`shared.db.UnitOfWork.log_first`).
    log_first: ClassVar[bool] = False


class Part(BaseModel):
    """A value inside a command or an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(BaseModel):
    """A fact, e.g. ``GrantApproved``; ``kind`` is its CloudEvents type ``avrr.<service>.<aggregate>.<event>.v1``.

    Fields hold ids, codes, counts, amounts and times. Of a person at most sex, child or adult, and country may
    stand in clear; what tells more is `Concealed`. A ``*`` in the kind stands for the service that records it: such
    a fact means the same wherever it happens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str] = ""

    def __init_subclass__(cls, *, kind: str = "") -> None:
        super().__init_subclass__()
        cls.kind = kind

    @classmethod
    def kind_in(cls, service: str) -> str:
        """The type under which this service records such a fact."""
        return cls.kind.replace("*", service)


class Concealed(BaseModel):
    """A value that must not stand in the log: the leaf carries its salted digest, the value stays beside the row.

    In memory it has its value; in a leaf it is the string ``base64url(SHA-256(salt ‖ value))``; read from a leaf it
    is the digest alone until `reveal` puts the value back and proves that it is the one that was meant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str | None = None
    salt: str | None = None
    digest: str | None = None

    @classmethod
    def of(cls, value: str) -> Self:
        """The value as the core states it, before it was given a salt."""
        return cls(value=value)

    def clear(self) -> str:
        """The value itself; a programming error if only the digest is known here."""
        if self.value is None:
            raise LookupError("a concealed value was used where only its digest is known")
        return self.value

    def salted(self, salt: str) -> Self:
        """The same value bound to a salt, ready for a leaf."""
        return type(self)(value=self.value, salt=salt, digest=_digest(salt, self.clear()))

    def reveal(self, salt: str, value: str) -> Self:
        """The value put back; ValueError if it is not the one whose digest stands in the leaf."""
        if _digest(salt, value) != self.digest:
            raise ValueError("a disclosed value does not match its digest")
        return type(self)(value=value, salt=salt, digest=self.digest)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Concealed):
            return NotImplemented
        if self.value is not None and other.value is not None:
            return self.value == other.value
        return self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.value)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What a reader of a leaf finds there: the digest alone."""
        return {"type": "string", "pattern": _DIGEST, "description": _CONCEALED}

    @model_validator(mode="wrap")
    @classmethod
    def _from_leaf(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return handler({"digest": value}) if isinstance(value, str) else handler(value)

    @model_serializer(mode="plain")
    def _to_leaf(self, info: SerializationInfo) -> str:
        if self.digest is None:
            raise ValueError("a concealed value must be salted before it is written")
        return self.digest


def _digest(salt: str, value: str) -> str:
    digest = hashlib.sha256(f"{salt}\x00{value}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class SignIn:
    """How an actor had signed in when an operation that demands it let them in: how strongly, and how many seconds before.

    The age is told by the real clock, whatever time it is for the domain, and is below zero where the issuer's clock is ahead.
    """

    strength: Literal["phishing_resistant"]
    age_seconds: int


@dataclass(frozen=True, slots=True)
class Context:
    """Who orders, and what time it is for the domain (UTC); ``sign_in`` is known where the operation demands a step-up."""

    actor: Actor
    now: datetime
    sign_in: SignIn | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that led to a command: its id, the hash of its leaf, and the correlation it belongs to."""

    event_id: UUID
    leaf_hash: bytes
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a command comes from: its correlation, and the event that caused it if it was a reaction."""

    correlation_id: str
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What a reaction may know of a fact besides its data: which aggregate it is about, when it was recorded, by whom."""

    subject: UUID
    at: datetime
    actor_id: str


@dataclass(frozen=True, slots=True)
class Order:
    """A command that a reaction gives to one of its own service's aggregates."""

    aggregate: str
    id: UUID
    command: Command


@dataclass(frozen=True, slots=True)
class OrderAbout:
    """A command that a reaction gives to each of its own service's aggregates that concerns one of these persons.

    Which these are the service finds in its own rows (`Wiring.concerning`).
    """

    aggregate: str
    about: tuple[UUID, ...]
    command: Command


class Envelope(BaseModel):
    """CloudEvents 1.0 attributes of one event, flat, with its data; its RFC 8785 form is the leaf."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: str = "1.0"
    id: UUID
    source: str
    type: str
    subject: UUID
    partitionkey: UUID
    time: datetime
    dataschema: str
    aggregateversion: int
    actorid: str
    actorrole: str
    actororg: str
    actorcountry: str
    actoracr: str
    authtime: datetime | None = None
    correlationid: str
    causationid: UUID | None = None
    causeleafhash: str | None = None
    data: dict[str, object]
