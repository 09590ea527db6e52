"""Whether persons agree, at this moment, that an office abroad is told of them: asked of counselling, never remembered."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from shared.contracts.counselling import TransferConsents

MOST_PERSONS = 100
# What asks has to answer within ten seconds, and to put on record before that what came of it.
DEADLINE_SECONDS = 5.0
_TIMEOUT = httpx.Timeout(3.0, connect=1.0)

log = structlog.get_logger("disclosure")


class ConsentUnanswered(Exception):
    """Nobody could say whether the persons agree, so nothing can be told; the caller may try again soon."""


class Consents(Protocol):
    """Where the answer comes from; `ConsentsOverHttp` in every running service."""

    async def agreed(
        self, person_ids: Collection[UUID], country: str, correlation_id: str
    ) -> frozenset[UUID] | None:
        """Those of these persons who agree that the office in this country (ISO 3166-1) is told; None: no answer."""


def _nothing() -> None:
    """Where a token is not kept, none has to be forgotten."""


class NobodyAgreed:
    """For a service that discloses nothing."""

    async def agreed(self, _: Collection[UUID], __: str, ___: str) -> frozenset[UUID] | None:
        """Nobody."""
        return frozenset()


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

    async def agreed(
        self, person_ids: Collection[UUID], country: str, correlation_id: str
    ) -> frozenset[UUID] | None:
        """Those of these persons who agree that the office in this country is told of them; None: no answer."""
        asked = sorted(set(person_ids))
        found: set[UUID] = set()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                for first in range(0, len(asked), MOST_PERSONS):
                    answer = await self._asked(asked[first : first + MOST_PERSONS], country, correlation_id)
                    if answer is None:
                        return None
                    found |= answer
        except TimeoutError:
            log.warning("consent_unanswered", kind="TimeoutError")
            return None
        return frozenset(found)

    async def _asked(self, asked: Sequence[UUID], country: str, correlation_id: str) -> set[UUID] | None:
        try:
            response = await self._client.get(
                self._url,
                params={"recipient_country": country, "person_id": [str(id) for id in asked]},
                headers={"Authorization": f"Bearer {await self._token()}", "X-Correlation-Id": correlation_id},
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
        if answer.recipient_country != country:
            log.error("consent_of_another_country")
            return None
        return set(answer.agreed) & set(asked)
