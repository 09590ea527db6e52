"""What clients asked and were told, as it happened: an attempt without an answer is unknown, never failed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import httpx

from ops.demo_year.script import Step
from shared.http import Receipt

Outcome = Literal["unknown", "accepted", "refused"]


@dataclass(slots=True)
class Attempt:
    """One request for a command; the events it makes carry its correlation, so that it can be told from the others."""

    correlation: str
    outcome: Outcome = "unknown"
    status: int | None = None
    code: str = ""
    retry_after: str | None = None


@dataclass(slots=True)
class Asked:
    """One command under one Idempotency-Key: each time it was asked for, and each receipt that came back."""

    key: str
    step: Step
    attempts: list[Attempt] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        """Whether somebody was told that it is done."""
        return bool(self.receipts)

    @property
    def what(self) -> str:
        """For a finding: which command of which service."""
        return f"{self.step.service}: {type(self.step.order).__name__} {self.step.id} ({self.key})"


class History:
    """Everything that was asked of one system; its hooks let an httpx client write down what it sends and hears.

    An answer about which ``deaf`` says so is lost on its way: whoever asked hears that the line broke.
    """

    def __init__(self, deaf: Callable[[Asked], bool] = lambda _: False) -> None:
        self.asked: dict[str, Asked] = {}
        self.answered = 0
        self._attempts = 0
        self._deaf = deaf

    @property
    def hooks(self) -> dict[str, list[Callable[..., Awaitable[None]]]]:
        """For `httpx.AsyncClient(event_hooks=…)`."""
        return {"request": [self._sent], "response": [self._heard]}

    @property
    def under_way(self) -> int:
        """How many commands were begun and nobody has been told yet that they are done."""
        return len(self.asked) - self.answered

    @property
    def asked_again(self) -> int:
        """How many commands were asked for again because the outcome was unknown."""
        return sum(any(attempt.outcome == "unknown" for attempt in asked.attempts) for asked in self.asked.values())

    @property
    def done_unheard(self) -> int:
        """How many of them had been done already, and only the answer had been lost."""
        return sum(asked.acknowledged and asked.receipts[0].repeated for asked in self.asked.values())

    def begin(self, key: str, step: Step) -> Asked:
        """A command that is about to be asked for."""
        return self.asked.setdefault(key, Asked(key, step))

    async def _sent(self, request: httpx.Request) -> None:
        asked = self.asked.get(request.headers.get("Idempotency-Key", ""))
        if asked is None:
            return
        self._attempts += 1
        attempt = Attempt(str(UUID(int=self._attempts)))
        asked.attempts.append(attempt)
        request.headers["X-Correlation-Id"] = attempt.correlation
        request.extensions = {**request.extensions, "asked": asked, "attempt": attempt}

    async def _heard(self, response: httpx.Response) -> None:
        attempt = response.request.extensions.get("attempt")
        asked = response.request.extensions.get("asked")
        if not (isinstance(attempt, Attempt) and isinstance(asked, Asked)):
            return
        # An answer that broke off says nothing: reading it to its end raises, and the outcome stays unknown.
        await response.aread()
        if self._deaf(asked):
            raise httpx.ReadError("the answer was lost", request=response.request)
        attempt.status = response.status_code
        attempt.retry_after = response.headers.get("Retry-After")
        if response.is_success:
            attempt.outcome = "accepted"
            self.answered += not asked.acknowledged
            asked.receipts.append(Receipt.model_validate_json(response.content))
        elif response.is_client_error:
            attempt.outcome = "refused"
            attempt.code = response.json()["code"]
