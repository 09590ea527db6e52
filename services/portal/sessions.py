"""Browser sessions: who is signed in behind a cookie, with tokens that never leave the server and stay fresh there."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from fastapi import Request
from pydantic import BaseModel, ValidationError

from services.portal.provider import (
    UNREACHABLE,
    GrantRefused,
    Identity,
    Issued,
    Provider,
    ProviderAway,
    open_provider,
)
from services.portal.sealing import Seal, Unsealed
from services.portal.settings import PortalSettings
from services.portal.waiting import AT_ONCE, KeptForms, PendingSignIns, in_parts
from shared.clock import real_time
from shared.db import INFRASTRUCTURE, Busy, Database, Scope, Sql, UnitOfWork

COOKIE: Final = "__Host-avrr"
IDLE: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(hours=8)
# For so long a session that has ended is still known, so that a form sent too late is kept for its own person.
REMEMBERED: Final = timedelta(hours=8)
# By so much the clocks of two processes may differ about whether one has ended.
SURELY: Final = timedelta(minutes=1)
RENEW_BEFORE: Final = timedelta(seconds=60)
# However long its tokens are good: the provider is asked again after so long, so that the pages of whoever was suspended there
# end within five minutes.
ASK_AGAIN: Final = timedelta(minutes=4)
# Once it did not answer, of those whose token is good still one in so long asks it again: whoever asks waits, and holds a
# connection meanwhile.
AWAY: Final = timedelta(seconds=15)

PORTAL: Final = Scope("portal")
_TABLE: Final = "browser_sessions"
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")

_TOUCH = Sql(
    "UPDATE browser_sessions SET seen_at = :now, expires_at = least(:until, created_at + interval '8 hours') "
    "WHERE id_hash = :id AND expires_at > :now RETURNING sealed"
)
_LOCK = Sql("SELECT sealed FROM browser_sessions WHERE id_hash = :id AND expires_at > :now FOR UPDATE")
_KNOWN = Sql("SELECT sealed FROM browser_sessions WHERE id_hash = :id")
_PUT = Sql("UPDATE browser_sessions SET sealed = :sealed WHERE id_hash = :id RETURNING 1")
_END = Sql("UPDATE browser_sessions SET sealed = :sealed, expires_at = :now WHERE id_hash = :id RETURNING 1")
_DELETE = Sql("DELETE FROM browser_sessions WHERE id_hash = :id RETURNING sealed")
_INSERT = Sql(
    "INSERT INTO browser_sessions (id_hash, sealed, created_at, seen_at, expires_at) "
    "VALUES (:id, :sealed, :now, :now, :until) RETURNING 1"
)
_READY = Sql("SELECT count(*) FROM (SELECT 1 FROM browser_sessions LIMIT 1) AS one")
_PURGE = Sql(
    "DELETE FROM browser_sessions WHERE id_hash IN (SELECT id_hash FROM browser_sessions WHERE expires_at < :past "
    f"ORDER BY expires_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED) RETURNING 1"
)
# One that was emptied says that it was last seen when it ended, which is later than any other can say.
_ENDED = Sql(
    "SELECT id_hash, sealed FROM browser_sessions WHERE expires_at < :past AND seen_at < expires_at "
    f"ORDER BY expires_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED"
)
_EMPTY = Sql("UPDATE browser_sessions SET sealed = :sealed, seen_at = expires_at WHERE id_hash = :id RETURNING 1")

log = structlog.get_logger("sessions")


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, for display, and the access token that the services are asked with."""

    id_hash: bytes
    person_id: str
    name: str
    roles: frozenset[str]
    organisation: str
    countries: frozenset[str]
    sites: frozenset[str]
    acr: str
    auth_time: datetime
    access_token: str
    flash: str | None


class _Content(BaseModel):
    """What a session's row holds, sealed."""

    person_id: str
    name: str
    roles: list[str]
    organisation: str
    countries: list[str]
    sites: list[str]
    acr: str
    auth_time: datetime
    access_token: str
    access_until: datetime
    renewed_at: datetime | None = None
    refresh_token: str | None
    id_token: str
    flash: str | None = None

    def is_stale(self, now: datetime) -> bool:
        """Whether the provider has to be asked before the session goes on."""
        asked = self.renewed_at
        return self.access_until - now <= RENEW_BEFORE or (asked is not None and now - asked >= ASK_AGAIN)

    def emptied(self) -> "_Content":
        """Without the tokens that open anything: whose it was stays, and by what the provider's own session is ended."""
        return self.model_copy(update={"access_token": "", "refresh_token": None})

    def session(self, id_hash: bytes) -> Session:
        return Session(
            id_hash, self.person_id, self.name, frozenset(self.roles), self.organisation, frozenset(self.countries),
            frozenset(self.sites), self.acr, self.auth_time, self.access_token, self.flash,
        )


@asynccontextmanager
async def open_sessions(
    settings: PortalSettings, now: Callable[[], datetime] = real_time
) -> AsyncIterator["Sessions"]:
    """The sessions of this process, with their database and the provider; to be put into `app.state.sessions`."""
    database = Database(settings.portal_database_url.get_secret_value(), "portal-api", settings.pool_size)
    await database.open()
    try:
        async with open_provider(settings, now) as provider:
            sessions = Sessions(settings, database, provider, now)
            try:
                yield sessions
            finally:
                await sessions.settled()
    finally:
        await database.close()


class Sessions:
    """All browser sessions of one database.

    A session ends after 15 minutes in which nobody asked for anything, after 8 hours, or when the provider no longer
    renews its tokens, which it is asked at least every four minutes in which somebody asks for anything. Its id changes with every sign-in. Everything about time is by the real clock.
    """

    def __init__(
        self, settings: PortalSettings, database: Database, provider: Provider, now: Callable[[], datetime]
    ) -> None:
        self.settings = settings
        self.database = database
        self.provider = provider
        self.now = now
        self._seal = Seal(settings.session_key)
        self.pending = PendingSignIns(database, self._seal, now)
        self.forms = KeptForms(database, self._seal, now)
        self._renewing: dict[bytes, asyncio.Task[_Content | None]] = {}
        # A provider that is slow leaves connections to whoever needs nothing of it.
        self._places = asyncio.Semaphore(max(1, settings.pool_size // 2))
        # When the provider, which did not answer, is asked again; None while it does.
        self._next_asked: datetime | None = None

    async def of(self, request: Request) -> Session | None:
        """The session of this request's cookie, its access token good for a minute at least; None if there is none.

        While the provider does not answer it goes on with the token that it has; `ProviderAway` once that has ended.
        """
        id_hash = id_hash_of(request)
        if id_hash is None:
            return None
        under_way = self._renewing.get(id_hash)
        if under_way is not None:
            await asyncio.wait([under_way])
        now = self.now()

        async def touched(unit: UnitOfWork) -> bytes | None:
            row = await unit.row(_TOUCH, id=id_hash, now=now, until=now + IDLE)
            return bytes(row["sealed"]) if row is not None else None

        sealed = await self.database.attempt(PORTAL, touched)
        content = self._opened(id_hash, sealed)
        if content is not None and content.is_stale(now):
            content = await self._renewed(id_hash, content)
        return content.session(id_hash) if content is not None else None

    async def begin(self, identity: Identity, issued: Issued, replaces: bytes | None) -> str:
        """A session for who has just signed in, in place of an earlier one; what its cookie holds."""
        secret = secrets.token_urlsafe(32)
        id_hash = hashed(secret)
        now = self.now()
        content = _Content(
            person_id=identity.person_id, name=identity.name, roles=sorted(identity.roles),
            organisation=identity.organisation, countries=sorted(identity.countries), sites=sorted(identity.sites),
            acr=identity.acr, auth_time=identity.auth_time, access_token=issued.access_token,
            access_until=issued.until, renewed_at=now, refresh_token=issued.refresh_token, id_token=issued.id_token or "",
        )  # fmt: skip
        sealed = self._sealed(id_hash, content)

        async def begun(unit: UnitOfWork) -> None:
            if replaces is not None:
                await unit.rows(_DELETE, id=replaces)
            await unit.rows(_PURGE, past=now - REMEMBERED)
            await unit.rows(_INSERT, id=id_hash, sealed=sealed, now=now, until=now + IDLE)

        await self.database.attempt(PORTAL, begun)
        return secret

    async def end(self, request: Request) -> str | None:
        """Ends the session of this request's cookie for good; its ID token, for the provider to end its own."""
        id_hash = id_hash_of(request)
        if id_hash is None:
            return None

        async def ended(unit: UnitOfWork) -> bytes | None:
            row = await unit.row(_DELETE, id=id_hash)
            return bytes(row["sealed"]) if row is not None else None

        content = self._opened(id_hash, await self.database.attempt(PORTAL, ended))
        return content.id_token or None if content is not None else None

    async def whose(self, request: Request) -> str | None:
        """Whose session this request's cookie names, even if that has ended in the last hours; their person id."""
        id_hash = id_hash_of(request)
        if id_hash is None:
            return None

        async def known(unit: UnitOfWork) -> bytes | None:
            row = await unit.row(_KNOWN, id=id_hash)
            return bytes(row["sealed"]) if row is not None else None

        content = self._opened(id_hash, await self.database.attempt(PORTAL, known))
        return content.person_id if content is not None else None

    async def tell(self, session: Session, sentence: str | None) -> None:
        """Leaves a sentence for the next page that is shown, as `Session.flash`; None once it has been shown."""

        async def told(unit: UnitOfWork) -> None:
            row = await unit.row(_LOCK, id=session.id_hash, now=self.now())
            content = self._opened(session.id_hash, bytes(row["sealed"]) if row is not None else None)
            if content is not None:
                content.flash = sentence
                await unit.rows(_PUT, id=session.id_hash, sealed=self._sealed(session.id_hash, content))

        await self.database.attempt(PORTAL, told)

    async def clear(self) -> None:
        """Takes their tokens from sessions that ended, and deletes those, sign-ins and forms that were kept long enough.

        Some thousands of each at most; what is left is cleared the next time.
        """

        async def emptied(unit: UnitOfWork) -> Sequence[object]:
            rows = await unit.rows(_ENDED, past=self.now() - SURELY)
            for row in rows:
                id_hash = bytes(row["id_hash"])
                content = self._opened(id_hash, bytes(row["sealed"]))
                if content is None:
                    await unit.rows(_DELETE, id=id_hash)
                else:
                    await unit.rows(_EMPTY, id=id_hash, sealed=self._sealed(id_hash, content.emptied()))
            return rows

        await in_parts(self.database, emptied)
        await in_parts(self.database, lambda unit: unit.rows(_PURGE, past=self.now() - REMEMBERED))
        await self.pending.clear()
        await self.forms.clear()

    async def is_ready(self) -> bool:
        """Whether the database answers."""

        async def asked(unit: UnitOfWork) -> bool:
            return await unit.row(_READY) is not None

        try:
            return await self.database.attempt(PORTAL, asked, tries=1)
        except (*INFRASTRUCTURE, Busy):
            return False

    async def settled(self) -> None:
        """Waits for renewals that are under way, so that no token is lost between the provider and us."""
        if self._renewing:
            await asyncio.wait(self._renewing.values())

    async def _renewed(self, id_hash: bytes, stale: _Content) -> _Content | None:
        good = stale.access_until > self.now()
        task = self._renewing.get(id_hash)
        try:
            if task is None:
                task = asyncio.create_task(self._renew(id_hash, tries=self._tries_again(good)), name="session-renewal")
                self._renewing[id_hash] = task
                task.add_done_callback(lambda _: self._renewing.pop(id_hash, None))
            # A request that is given up must not lose the one refresh token that is still good.
            return await asyncio.shield(task)
        except (ProviderAway, Busy):
            if good:
                return stale
            raise

    def _tries_again(self, good: bool) -> bool:
        """Whether this asks a provider that did not answer lately; `ProviderAway` where somebody else does that."""
        if self._next_asked is None:
            return False
        if self._places.locked() if not good else self.now() < self._next_asked:
            raise ProviderAway("asked_lately")
        if good:
            self._next_asked = self.now() + AWAY
        return True

    async def _renew(self, id_hash: bytes, *, tries: bool) -> _Content | None:
        async with self._places:
            if self._next_asked is not None and not tries:
                raise ProviderAway("asked_lately")
            return await self._renew_in_place(id_hash)

    async def _renew_in_place(self, id_hash: bytes) -> _Content | None:
        # The row stays locked meanwhile: a second process must not send the same refresh token, which would end all.
        async with self.database.unit_of_work(PORTAL) as unit:
            row = await unit.row(_LOCK, id=id_hash, now=self.now())
            content = self._opened(id_hash, bytes(row["sealed"]) if row is not None else None)
            if content is None or not content.is_stale(self.now()):
                return content
            issued = await self._issued(content)
            if issued is None:
                if content.refresh_token is None and content.access_until > self.now():
                    return content
                log.info("session_not_renewed")
                await unit.rows(_END, id=id_hash, sealed=self._sealed(id_hash, content.emptied()), now=self.now())
                return None
            fresh = content.model_copy(
                update={
                    "access_token": issued.access_token, "access_until": issued.until, "renewed_at": self.now(),
                    "refresh_token": issued.refresh_token or content.refresh_token,
                }
            )  # fmt: skip
            await unit.rows(_PUT, id=id_hash, sealed=self._sealed(id_hash, fresh))
            return fresh

    async def _issued(self, content: _Content) -> Issued | None:
        if content.refresh_token is None:
            return None
        try:
            issued = await self.provider.renewed(content.refresh_token)
        except GrantRefused:
            issued = None
        except ProviderAway as away:
            log.warning("provider_away", code=away.code)
            if away.code == UNREACHABLE:
                self._next_asked = self.now() + AWAY
            raise
        self._next_asked = None
        return issued

    def _sealed(self, id_hash: bytes, content: _Content) -> bytes:
        return self._seal.sealed(_TABLE, id_hash, content.model_dump_json().encode())

    def _opened(self, id_hash: bytes, sealed: bytes | None) -> _Content | None:
        if sealed is None:
            return None
        try:
            return _Content.model_validate_json(self._seal.opened(_TABLE, id_hash, sealed))
        except (Unsealed, ValidationError):
            log.warning("session_unreadable")
            return None


def hashed(secret: str) -> bytes:
    """How a secret of a browser is known here."""
    return hashlib.sha256(secret.encode()).digest()


def id_hash_of(request: Request) -> bytes | None:
    """The id of the session that this request's cookie names, whether there is such a session or not."""
    secret = request.cookies.get(COOKIE, "")
    return hashed(secret) if _SECRET.fullmatch(secret) else None
