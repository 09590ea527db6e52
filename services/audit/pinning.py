"""By which keys the archive believes checkpoints: those it began with, and others only by a rotation or by what people set."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, Literal

import asyncpg
import structlog

from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import COSIGNATURE, Note, VerifierKey
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy

# first: the first that was served to an archive of which nobody set one; set: what people set; rotation: the one before with a
# new key of a log, which signed beside the former one.
Why = Literal["first", "set", "rotation"]

# The first has the number 1, so that nobody puts one before it.
_PINS = Sql("SELECT number, policy, why, note FROM archive_policies WHERE number >= 1 ORDER BY number")
_PIN = Sql(
    "INSERT INTO archive_policies (number, policy, why, note) "
    "VALUES (next_archive_pin(), cast(:policy AS text), cast(:why AS text), cast(:note AS text))"
)

POLICY_SECONDS: Final = 60.0

log = structlog.get_logger("pinning")


class Pin:
    """The policy that is believed. Each one that ever was stays in a table to which rows are only added."""

    def __init__(self, database: Database, scope: Scope, logs: Collection[str], by_people: TrustPolicy | None = None) -> None:
        """``logs`` are those that are followed; ``by_people`` is what people set, which counts before anything that is served."""
        self.policy: TrustPolicy | None = None
        self._database = database
        self._scope = scope
        self._logs = logs
        self._by_people = by_people

    async def begin(self) -> bool:
        """Takes what was believed until now, or what people set since; whether there is one."""
        if self.policy is None:
            self.policy = await self._database.attempt(self._scope, self._known)
        return self.policy is not None

    async def first(self, served: TrustPolicy) -> None:
        """Believes what is served, where nobody said otherwise and nothing was believed before."""
        await self._take(served, "first", None)

    async def rotated(self, served: TrustPolicy, signed: Note) -> list[VerifierKey]:
        """Believes each served key of the log of this checkpoint that signed it beside the log's newest one; says which.

        The checkpoint is one that `checked` did not refuse.
        """
        assert self.policy is not None
        added = _added(self.policy, served, signed)
        if added:
            await self._take(replace(self.policy, logs=(*self.policy.logs, *added)), "rotation", signed)
        return added

    def checked(self, signed: Note) -> Checkpoint:
        """What a checkpoint says; LogRefused where the policy does not have it believed.

        As ``former_key`` where the newest key of its log did not sign it: one that was changed for another signs beside that for
        a time, and what it signs alone is made by whoever took it.
        """
        assert self.policy is not None
        return _checked(self.policy, signed)

    def kept(self, name: str, row: asyncpg.Record) -> Note | None:
        """The latest note of a kept checkpoint that a key of this log signed, None where no such one stands there.

        Who writes in the table is not believed for that.
        """
        assert self.policy is not None
        for written in (row["again"], row["note"]):
            try:
                signed = Note.of((written or "").encode())
                said = Checkpoint.of(signed)
                by = signed.signed_by(self.policy.keys_of(said.origin))
            except LogRefused:
                continue
            if by and (log_of(said.origin), said.size, said.root) == (name, row["size"], bytes(row["root"])):
                return signed
        return None

    def is_unlike(self, served: TrustPolicy) -> bool:
        """Whether what is served is another policy than what is believed.

        Addresses are not what anybody is believed by, nor are keys of what is not followed, such as those of exports. Former witnesses
        may be believed that are not served, and none may be served that is not believed: an export would take their word.
        """
        believed = self.policy
        return believed is not None and (self._meaning(served) != self._meaning(believed) or not _former(served) <= _former(believed))

    async def _take(self, policy: TrustPolicy, why: Why, signed: Note | None) -> None:
        async def work(unit: UnitOfWork) -> None:
            unit.write(_pinned(policy, why, signed))

        await self._database.attempt(self._scope, work)
        self.policy = policy

    async def _known(self, unit: UnitOfWork) -> TrustPolicy | None:
        held = self._replayed(await unit.rows(_PINS))
        if held is None and self._by_people is not None:
            unit.write(_pinned(self._by_people, "set", None))
            return self._by_people
        return held

    def _replayed(self, rows: Sequence[asyncpg.Record]) -> TrustPolicy | None:
        """What these rows, the oldest first, prove: by each rotation from what people set, or else from the very first.

        A row says of itself why it is there; so nothing counts as set by people but what they set at present, and what came by
        rotations since then stays.
        """
        held: TrustPolicy | None = None
        for row in rows:
            try:
                written = TrustPolicy.of(row["policy"])
                if row["why"] == "rotation":
                    if held is not None:
                        held = _rotated(held, written, row["note"])
                elif self._by_people is None:
                    held = held or written
                elif row["why"] == "set":
                    held = (held or self._by_people) if self._meaning(written) == self._meaning(self._by_people) else None
            except LogRefused as refusal:
                _not_believed(row["number"], refusal.code)
        return held

    def _meaning(self, policy: TrustPolicy) -> object:
        followed = frozenset(key for key in policy.logs if log_of(key.name) in self._logs)
        return followed, dict(policy.witnesses), dict(policy.groups), policy.quorum


def _former(policy: TrustPolicy) -> frozenset[tuple[int, int, frozenset[VerifierKey]]]:
    return frozenset((one.until, one.enough, frozenset(one.keys)) for one in policy.former)


def _not_believed(number: int, reason: str) -> None:
    log.error("pin_unproven", number=number, reason=reason)


def _rotated(held: TrustPolicy, written: TrustPolicy, note: str | None) -> TrustPolicy:
    signed = Note.of((note or "").encode())
    _checked(held, signed)
    return replace(held, logs=(*held.logs, *_added(held, written, signed)))


def _added(held: TrustPolicy, offered: TrustPolicy, signed: Note) -> list[VerifierKey]:
    said = Origin.of(Checkpoint.of(signed).origin)
    new = (key for key in offered.logs if key.name == said.family and key not in held.logs)
    return [key for key in new if _signed_by(signed, key.under(str(said)))]


def _checked(policy: TrustPolicy, signed: Note) -> Checkpoint:
    said = policy.checked(signed)
    newest = policy.keys_of(said.origin)[-1]
    if not _signed_by(signed, newest):
        raise LogRefused("former_key", "A key of the log signed the checkpoint that was changed for another.")
    return said


def log_of(origin: str) -> str:
    """Which log this is the origin of."""
    return Origin.of(origin).log


def is_earlier(signed: Note, kept: Note, witnesses: Sequence[VerifierKey]) -> bool:
    """Whether witnesses saw the one before the other.

    Two witnesses' clocks may be apart, so that each one's time is held against its own; only where nobody saw both the latest
    times say it.
    """
    now, then = _seen(signed, witnesses), _seen(kept, witnesses)
    both = now.keys() & then.keys()
    if not both:
        return max(now.values(), default=0) < max(then.values(), default=0)
    return any(now[key] < then[key] for key in both) and not any(now[key] > then[key] for key in both)


def _seen(note: Note, witnesses: Sequence[VerifierKey]) -> dict[VerifierKey, int]:
    return {key: at for key, at in note.signed_by(witnesses).items() if at is not None}


def _pinned(policy: TrustPolicy, why: Why, signed: Note | None) -> Write:
    return Write(_PIN, {"policy": str(policy), "why": why, "note": str(signed) if signed is not None else None})


def _signed_by(signed: Note, key: VerifierKey) -> bool:
    return key.type != COSIGNATURE and key in signed.signed_by([key])
