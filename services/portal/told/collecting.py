"""Collects from all services what is held about one person, under one correlation id, whole or not at all."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from services.portal.client import Answer, Service

SERVICES: Final[tuple[Service, ...]] = ("counselling", "returns", "reintegration")
# Holds nothing of anybody, and tells who looked for them in the archive.
ARCHIVE: Final[Service] = "audit"
# Asks one service for a path under a correlation id.
Asking = Callable[[Service, str, str], Awaitable[Answer]]


class NotTold(Exception):
    """A service did not tell what it holds, so that nothing is told: a part must not pass for the whole."""

    def __init__(self, service: Service, answer: Answer) -> None:
        super().__init__("not_told")
        self.service = service
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Collected:
    """What is held about one person, as each service that holds something told it."""

    person_id: UUID
    asked_at: datetime
    correlation_id: str
    held: Mapping[Service, Mapping[str, Any]]

    @property
    def nothing(self) -> bool:
        """Whether no service holds anything."""
        return not self.held

    @property
    def erased(self) -> bool:
        """Whether the person was erased, and what is held is what had to be kept."""
        return any(row.get("erased_at") for row in self._rows("persons"))

    @property
    def spoken(self) -> tuple[str, ...]:
        """The languages that the person speaks (ISO 639-3), as the latest version that states any has them."""
        stated = [version["languages"] for version in self._rows("identities") if version.get("languages")]
        return tuple(stated[-1]) if stated else ()

    @property
    def signed(self) -> tuple[Mapping[str, Any], ...]:
        """The consents whose signed paper is kept, the latest first; what was taken back is among them."""
        told = [one for row in self._rows("persons") for one in row.get("consents") or ()]
        return tuple(one for one in reversed(told) if one.get("paper") and one.get("consent_id"))

    def _rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.held.get("counselling", {}).get("records", {}).get(table, [])
        return found

    def as_json(self) -> str:
        """All of it as a file."""
        told = {
            "person_id": str(self.person_id), "asked_at": self.asked_at.isoformat(), "correlation_id": self.correlation_id,
            "held": self.held,
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


async def collect(ask: Asking, person_id: UUID, asked_at: datetime, correlation_id: str) -> Collected:
    """Asks all services at once; a service that knows nothing of the person holds nothing. Else raises `NotTold`.

    Who looked for them in the archive is told with what the others hold, and not of somebody of whom nobody holds anything.
    """
    path = f"/v1/persons/{person_id}/held"
    asked = (*SERVICES, ARCHIVE)
    answers = await asyncio.gather(*(ask(service, path, correlation_id) for service in asked))
    held: dict[Service, Mapping[str, Any]] = {}
    for service, answer in zip(asked, answers, strict=True):
        if answer.ok:
            held[service] = answer.body
        elif answer.status != HTTPStatus.NOT_FOUND:
            raise NotTold(service, answer)
    if held.keys() <= {ARCHIVE}:
        held = {}
    return Collected(person_id, asked_at, correlation_id, held)
