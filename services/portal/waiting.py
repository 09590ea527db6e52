"""What waits for a sign-in: the sign-in itself, known by its state, and forms that were sent when none was there."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import BaseModel, ValidationError

from services.portal.sealing import Seal, Unsealed
from shared.db import Database, Scope, Sql, UnitOfWork

PENDING: Final = timedelta(minutes=10)
KEPT: Final = timedelta(hours=1)
# A form that holds more is not kept: what people type is far shorter, and files are chosen again.
MOST_BYTES: Final = 256 * 1024
MOST_FORMS: Final = 20
# So many rows are deleted in one transaction, and so many times one after the other; what is left then waits a minute.
AT_ONCE: Final = 100
MOST_TIMES: Final = 100

_PORTAL: Final = Scope("portal")
_SIGN_INS: Final = "pending_sign_ins"
_FORMS: Final = "kept_forms"


def _purge(table: str) -> Sql:
    return Sql(
        f"DELETE FROM {table} WHERE id_hash IN (SELECT id_hash FROM {table} WHERE expires_at < :now "
        f"ORDER BY expires_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED) RETURNING 1"
    )


_PURGE_SIGN_INS = _purge(_SIGN_INS)
_PURGE_FORMS = _purge(_FORMS)
_BEGIN = Sql(
    "INSERT INTO pending_sign_ins (id_hash, sealed, expires_at) VALUES (:id, :sealed, :until) RETURNING 1"
)
_FINISH = Sql("DELETE FROM pending_sign_ins WHERE id_hash = :id RETURNING sealed, expires_at")
_KEEP = Sql(
    "INSERT INTO kept_forms (id_hash, owner_hash, sealed, expires_at) VALUES (:id, :owner, :sealed, :until) "
    "ON CONFLICT (id_hash) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at RETURNING 1"
)
_CROWD = Sql(
    "DELETE FROM kept_forms WHERE owner_hash = :owner AND id_hash IN (SELECT id_hash FROM kept_forms "
    "WHERE owner_hash = :owner ORDER BY expires_at DESC OFFSET :most) RETURNING 1"
)
_TAKE = Sql("DELETE FROM kept_forms WHERE id_hash = :id RETURNING sealed, expires_at")

log = structlog.get_logger("sessions")


class PendingSignIn(BaseModel):
    """What the portal has to know again when somebody comes back from the provider."""

    verifier: str
    nonce: str
    max_age: int
    asked_at: datetime
    return_to: str
    # The hash of the secret in the cookie of the browser that began it.
    browser: str
    # The id of the session that this sign-in takes the place of.
    replaces: str | None = None
    # Who has to come back, if the sign-in is a stronger one of somebody who was there.
    person_id: str | None = None


class PendingSignIns:
    """Sign-ins on the way, each for ten minutes and one answer."""

    def __init__(self, database: Database, seal: Seal, now: Callable[[], datetime]) -> None:
        self._database = database
        self._seal = seal
        self._now = now

    async def begin(self, state: str, sign_in: PendingSignIn) -> None:
        """Remembers a sign-in under its state."""
        id_hash, now = _state_hash(state), self._now()
        sealed = self._seal.sealed(_SIGN_INS, id_hash, sign_in.model_dump_json().encode())

        async def begun(unit: UnitOfWork) -> None:
            await unit.rows(_PURGE_SIGN_INS, now=now)
            await unit.rows(_BEGIN, id=id_hash, sealed=sealed, until=now + PENDING)

        await self._database.attempt(_PORTAL, begun)

    async def clear(self) -> None:
        """Deletes those that nobody came back from in time."""
        await in_parts(self._database, lambda unit: unit.rows(_PURGE_SIGN_INS, now=self._now()))

    async def finish(self, state: str) -> PendingSignIn | None:
        """The sign-in of this state, once; None if there is none such, any more."""
        id_hash = _state_hash(state)

        async def finished(unit: UnitOfWork) -> bytes | None:
            row = await unit.row(_FINISH, id=id_hash)
            return bytes(row["sealed"]) if row is not None and row["expires_at"] > self._now() else None

        sealed = await self._database.attempt(_PORTAL, finished)
        if sealed is None:
            return None
        try:
            return PendingSignIn.model_validate_json(self._seal.opened(_SIGN_INS, id_hash, sealed))
        except (Unsealed, ValidationError):
            log.warning("pending_sign_in_unreadable")
            return None


class KeptForms:
    """Forms that were sent when a sign-in was missing, each for an hour, for its own person and page, once."""

    def __init__(self, database: Database, seal: Seal, now: Callable[[], datetime]) -> None:
        self._database = database
        self._seal = seal
        self._now = now

    async def keep(self, person_id: str, path: str, fields: Mapping[str, Sequence[str]]) -> bool:
        """Keeps what this person typed on this page, in place of what was kept of it before; false if it is too much."""
        content = json.dumps({name: list(values) for name, values in fields.items()}).encode()
        if len(content) > MOST_BYTES:
            return False
        id_hash, owner, now = self._name(person_id, path), self._seal.name("owner", person_id), self._now()
        sealed = self._seal.sealed(_FORMS, id_hash, content)

        async def kept(unit: UnitOfWork) -> None:
            await unit.rows(_PURGE_FORMS, now=now)
            await unit.rows(_KEEP, id=id_hash, owner=owner, sealed=sealed, until=now + KEPT)
            await unit.rows(_CROWD, owner=owner, most=MOST_FORMS)

        await self._database.attempt(_PORTAL, kept)
        return True

    async def clear(self) -> None:
        """Deletes those that were kept long enough."""
        await in_parts(self._database, lambda unit: unit.rows(_PURGE_FORMS, now=self._now()))

    async def take(self, person_id: str, path: str) -> dict[str, list[str]] | None:
        """What this person had typed on this page, once."""
        id_hash = self._name(person_id, path)

        async def taken(unit: UnitOfWork) -> bytes | None:
            row = await unit.row(_TAKE, id=id_hash)
            return bytes(row["sealed"]) if row is not None and row["expires_at"] > self._now() else None

        sealed = await self._database.attempt(_PORTAL, taken)
        if sealed is None:
            return None
        try:
            found: dict[str, list[str]] = json.loads(self._seal.opened(_FORMS, id_hash, sealed))
        except Unsealed:
            log.warning("kept_form_unreadable")
            return None
        return found

    def _name(self, person_id: str, path: str) -> bytes:
        return self._seal.name("form", person_id, path)


async def in_parts(database: Database, part: Callable[[UnitOfWork], Awaitable[Sequence[object]]]) -> None:
    """Does this, of `AT_ONCE` rows each time, until there are fewer left, or `MOST_TIMES` times."""
    for _ in range(MOST_TIMES):
        if len(await database.attempt(_PORTAL, part)) < AT_ONCE:
            return


def _state_hash(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
