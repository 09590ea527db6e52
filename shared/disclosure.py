"""What counselling is asked at this moment and nobody remembers: whether persons agree to be told of, and who is an adult."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from shared.clock import REPLAY_HEADER
from shared.contracts.adults import KnownAdults
from shared.contracts.counselling import ConsentKind, DataCategory
from shared.contracts.transfer_consents import TransferConsents
from shared.messages import Part

MOST_PERSONS = 100
# What asks has to answer within ten seconds, and to put on record before that what came of it.
DEADLINE_SECONDS = 5.0
_TIMEOUT = httpx.Timeout(3.0, connect=1.0)

log = structlog.get_logger("disclosure")

Answer = TypeVar("Answer", bound=Part)


class ConsentUnanswered(Exception):
    """Nobody could say whether the persons agree or are adults, so nothing can rest on it; the caller may try again soon."""


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

    async def is_adult(self, person_id: UUID, correlation_id: str, replayed: datetime | None) -> bool | None:
        """Whether this is a registered adult who was not erased; None: no answer. The time as of a `Question`."""


def _nothing() -> None:
    """Where a token is not kept, none has to be forgotten."""


class NobodyAgreed:
    """For a service that discloses nothing."""

    async def agreed(self, _: Collection[UUID], __: Question) -> Agreed | None:
        """Nobody."""
        return Agreed()

    async def is_adult(self, _: UUID, __: str, ___: datetime | None) -> bool | None:
        """Nobody is known."""
        return False


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
        self._url = url.rstrip("/") + "/v1/"
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

    async def is_adult(self, person_id: UUID, correlation_id: str, replayed: datetime | None) -> bool | None:
        """Whether this is a registered adult who was not erased; None: no answer. The time as of a `Question`."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await self._answer(KnownAdults, "adults", {"person_id": [str(person_id)]}, correlation_id, replayed)
        except TimeoutError:
            log.warning("adults_unanswered", kind="TimeoutError")
            return None
        return None if answer is None else person_id in answer.adults

    async def _asked(self, asked: Sequence[UUID], question: Question) -> Agreed | None:
        query: dict[str, str | list[str]] = {
            "recipient_country": question.country, "person_id": [str(id) for id in asked],
            "category": [str(one) for one in question.categories],
            **({"consent": question.consent} if question.consent != "transfer" else {}),
        }  # fmt: skip
        answer = await self._answer(
            TransferConsents, "transfer-consents", query, question.correlation_id, question.replayed
        )
        if answer is None:
            return None
        # An answer to another question, from a cache say, must not open anything.
        said = (answer.recipient_country, answer.categories, answer.consent)
        if said != (question.country, question.categories, question.consent):
            log.error("consent_to_something_else")
            return None
        persons = frozenset(answer.agreed) & frozenset(asked)
        return Agreed(persons, frozenset(answer.health) & persons)

    async def _answer(
        self, kind: type[Answer], path: str, query: Mapping[str, str | list[str]], correlation_id: str, replayed: datetime | None
    ) -> Answer | None:
        """What counselling answers; None: no answer that can be read."""
        try:
            response = await self._client.get(
                self._url + path,
                params=query,
                headers={
                    "Authorization": f"Bearer {await self._token()}", "X-Correlation-Id": correlation_id,
                    **({REPLAY_HEADER: replayed.isoformat()} if replayed else {}),
                },
                timeout=_TIMEOUT,
            )
            if response.status_code == httpx.codes.UNAUTHORIZED:
                self._refused()
            response.raise_for_status()
            return kind.model_validate_json(response.content)
        except (httpx.HTTPError, ValidationError, OSError) as fault:
            log.warning("consent_unanswered", kind=type(fault).__name__)
            return None
