"""Whether persons agree, at this moment, that an office abroad is told of them: asked of counselling, never remembered."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from shared.clock import REPLAY_HEADER
from shared.contracts.counselling import ConsentKind, DataCategory, TransferConsents

MOST_PERSONS = 100
# What asks has to answer within ten seconds, and to put on record before that what came of it.
DEADLINE_SECONDS = 5.0
_TIMEOUT = httpx.Timeout(3.0, connect=1.0)

log = structlog.get_logger("disclosure")


class ConsentUnanswered(Exception):
    """Nobody could say whether the persons agree, so nothing can be told; the caller may try again soon."""


@dataclass(frozen=True, slots=True)
class Question:
    """What persons are said to agree to: that the office in this country (ISO 3166-1) is told of them, and of what.

    Without categories it is anything at all; ``consent`` is the kind by which they agree. ``replayed`` is the stated time on a replayed clock, None on the real one.
    """

    country: str
    correlation_id: str
    categories: tuple[DataCategory, ...] = ()
    replayed: datetime | None = None
    consent: ConsentKind = "transfer"


@dataclass(frozen=True, slots=True)
class Agreed:
    """The answer: the persons who agree to what was asked, and those among them whose health may be told as well."""

    persons: frozenset[UUID] = frozenset()
    health: frozenset[UUID] = frozenset()

    def __or__(self, other: "Agreed") -> "Agreed":
        return Agreed(self.persons | other.persons, self.health | other.health)


class Consents(Protocol):
    """Where the answer comes from; `ConsentsOverHttp` in every running service."""

    async def agreed(self, person_ids: Collection[UUID], question: Question) -> Agreed | None:
        """Those of these persons who agree to what the question says; None: no answer."""


def _nothing() -> None:
    """Where a token is not kept, none has to be forgotten."""


class NobodyAgreed:
    """For a service that discloses nothing."""

    async def agreed(self, _: Collection[UUID], __: Question) -> Agreed | None:
        """Nobody."""
        return Agreed()


class ConsentsOverHttp:
    """Asks counselling as a service, with a token of its own; no answer in time is no answer."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        token: Callable[[], Awaitable[str]],
        refused: Callable[[], None] = _nothing,
    ) -> None:
        self._client = client
        self._url = url.rstrip("/") + "/v1/transfer-consents"
        self._token = token
        self._refused = refused

    async def agreed(self, person_ids: Collection[UUID], question: Question) -> Agreed | None:
        """Those of these persons who agree to what the question says; None: no answer."""
        asked = sorted(set(person_ids))
        found = Agreed()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                for first in range(0, len(asked), MOST_PERSONS):
                    answer = await self._asked(asked[first : first + MOST_PERSONS], question)
                    if answer is None:
                        return None
                    found |= answer
        except TimeoutError:
            log.warning("consent_unanswered", kind="TimeoutError")
            return None
        return found

    async def _asked(self, asked: Sequence[UUID], question: Question) -> Agreed | None:
        try:
            response = await self._client.get(
                self._url,
                params={
                    "recipient_country": question.country, "person_id": [str(id) for id in asked],
                    "category": list(question.categories),
                    **({"consent": question.consent} if question.consent != "transfer" else {}),
                },
                headers={
                    "Authorization": f"Bearer {await self._token()}", "X-Correlation-Id": question.correlation_id,
                    **({REPLAY_HEADER: question.replayed.isoformat()} if question.replayed else {}),
                },
                timeout=_TIMEOUT,
            )
            if response.status_code == httpx.codes.UNAUTHORIZED:
                self._refused()
            response.raise_for_status()
            answer = TransferConsents.model_validate_json(response.content)
        except (httpx.HTTPError, ValidationError, OSError) as fault:
            log.warning("consent_unanswered", kind=type(fault).__name__)
            return None
        # An answer to another question, from a cache say, must not open anything.
        said = (answer.recipient_country, answer.categories, answer.consent)
        if said != (question.country, question.categories, question.consent):
            log.error("consent_to_something_else")
            return None
        persons = frozenset(answer.agreed) & frozenset(asked)
        return Agreed(persons, frozenset(answer.health) & persons)
