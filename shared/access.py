"""The rules by which refusals and sensitive reads are put on record, each under a subject of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from shared.aggregate import Aggregate
from shared.contracts.access import (
    EVENTS,
    AccessRefused,
    EntriesRead,
    ExportTaken,
    Purpose,
    ReadingPurpose,
    RecordRead,
    RefusalsCounted,
    StatusAsked,
    StatusReason,
    Told,
    VoucherOpened,
)
from shared.db import UnitOfWork, Write
from shared.decider import Decider, Events, NoFacts, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event

Project = Callable[[UUID, "Access | None", "Access", tuple[Event, ...]], Sequence[Write]]


@dataclass(frozen=True, slots=True)
class Access:
    """One act of access: who, by which operation, how it ended, and about what.

    ``outcome`` is ``read``, ``opened``, ``taken``, ``told``, or the code of the refusal; ``repeats`` how often the same was refused again
    within its minute, None until that is counted.
    """

    operation: str
    outcome: str
    actor_id: str
    about: tuple[UUID, ...] = ()
    purpose: str | None = None
    repeats: int | None = None


class RecordRefusal(Command):
    """Put on record that somebody was refused."""

    actor_id: str
    operation: str
    code: str
    about: UUID | None = None


class CountRefusals(Command):
    """Put on record how often a refusal was repeated within its minute."""

    repeats: int
    last_at: datetime


class RecordReading(Command):
    """Put on record that somebody was shown personal data, or took an export."""

    actor_id: str
    operation: str
    about: UUID | None = None
    shown: tuple[UUID, ...] = ()
    purpose: ReadingPurpose | None = None


class RecordExport(Command):
    """Put on record that somebody begins to take logs home, and the period that its tables are of."""

    actor_id: str
    operation: str
    logs: tuple[str, ...]
    since: datetime
    until: datetime


class RecordEntriesRead(Command):
    """Put on record which archived entries somebody is handed whole, and whom these name."""

    actor_id: str
    operation: str
    log: str
    first: int
    entries: int
    shown: tuple[UUID, ...]
    tail: int | None = None


class RecordVoucherOpened(Command):
    """Put on record that an auditor opens a paper that two persons released to them, by its id and the hash of its file."""

    actor_id: str
    operation: str
    sample_id: UUID
    grant_id: UUID
    about: UUID
    sha256: str


class RecordStatusAsked(Command):
    """Put on record that somebody outside asked where cases stand, and what came of it."""

    actor_id: str
    operation: str
    purpose: Purpose | None
    reason: StatusReason
    about: UUID | None
    told: tuple[Told, ...]


def _refused(order: RecordRefusal, _: NoFacts, __: Context) -> Events:
    return (
        AccessRefused(actor_id=order.actor_id, operation=order.operation, code=order.code, about=order.about),
    )


def _counted(state: Access, order: CountRefusals, _: NoFacts, __: Context) -> Events:
    if state.repeats is not None:
        raise RuleViolation("already_counted", "The repeats of this refusal were counted before.")
    return (RefusalsCounted(actor_id=state.actor_id, repeats=order.repeats, last_at=order.last_at),)


def _read(order: RecordReading, _: NoFacts, __: Context) -> Events:
    return (
        RecordRead(
            actor_id=order.actor_id, operation=order.operation, about=order.about, shown=order.shown, purpose=order.purpose
        ),
    )


def _taken(order: RecordExport, _: NoFacts, __: Context) -> Events:
    return (
        ExportTaken(
            actor_id=order.actor_id, operation=order.operation, logs=order.logs, since=order.since, until=order.until
        ),
    )


def _handed(order: RecordEntriesRead, _: NoFacts, __: Context) -> Events:
    return (
        EntriesRead(
            actor_id=order.actor_id, operation=order.operation, log=order.log, first=order.first, entries=order.entries, shown=order.shown,
            tail=order.tail,
        ),
    )  # fmt: skip


def _opened(order: RecordVoucherOpened, _: NoFacts, __: Context) -> Events:
    return (
        VoucherOpened(
            actor_id=order.actor_id, operation=order.operation, sample_id=order.sample_id, grant_id=order.grant_id,
            about=order.about, sha256=order.sha256,
        ),
    )  # fmt: skip


def _asked(order: RecordStatusAsked, _: NoFacts, context: Context) -> Events:
    return (
        StatusAsked(
            actor_id=order.actor_id, operation=order.operation, purpose=order.purpose, reason=order.reason,
            about=order.about, told=order.told, asked_at=context.now,
        ),
    )


def evolve(state: Access | None, event: Event) -> Access:
    """The access after one fact; TypeError for a fact that is none of an access or comes out of turn."""
    match event:
        case AccessRefused() if state is None:
            return Access(event.operation, event.code, event.actor_id, _one(event.about))
        case RecordRead() if state is None:
            return Access(event.operation, "read", event.actor_id, (*_one(event.about), *event.shown), event.purpose)
        case ExportTaken() if state is None:
            return Access(event.operation, "taken", event.actor_id)
        case EntriesRead() if state is None:
            return Access(event.operation, "read", event.actor_id, event.shown)
        case VoucherOpened() if state is None:
            return Access(event.operation, "opened", event.actor_id, (event.about, event.grant_id, event.sample_id))
        case StatusAsked() if state is None:
            about = tuple(told.case_id for told in event.told) or _one(event.about)
            return Access(event.operation, event.reason, event.actor_id, about, event.purpose)
        case RefusalsCounted() if state is not None:
            return replace(state, repeats=event.repeats)
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to an access here")


def _one(about: UUID | None) -> tuple[UUID, ...]:
    return () if about is None else (about,)


ACCESS: Decider[Access, NoFacts] = Decider(
    rules=(
        opening(RecordRefusal, "Record a refusal", _refused),
        changing(CountRefusals, "Count the repeats of a refusal", _counted),
        opening(RecordReading, "Record a reading", _read),
        opening(RecordExport, "Record an export of logs", _taken),
        opening(RecordEntriesRead, "Record the reading of archived entries", _handed),
        opening(RecordVoucherOpened, "Record the opening of a voucher", _opened),
        opening(RecordStatusAsked, "Record a question about a status", _asked),
    ),
    evolve=evolve,
    events=EVENTS,
)


async def _no_facts(_: UnitOfWork, __: UUID, ___: object, ____: Command | None, _____: Context) -> NoFacts:
    return NoFacts()


def _nothing_else(_: UUID, __: Access | None, ___: Access, ____: tuple[Event, ...]) -> Sequence[Write]:
    return ()


def access_of(service: str, table: sa.Table, project: Project = _nothing_else) -> Aggregate[Access, NoFacts]:
    """The accesses of one service, as wired as any of its aggregates."""
    return Aggregate(
        service=service, name="access", decider=ACCESS, table=table, state=Access, facts=_no_facts, project=project
    )
