"""Clients that don't give up: each command is asked for under the same key until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus

from ops.demo_year.calling import Caller
from ops.demo_year.script import Step
from ops.identity.client import PersonaTokens
from services.counselling.domain.erasure import ApproveErasure
from shared.http import Receipt
from tests.chaos.history import Asked, History
from tests.chaos.journeys import Journey

PATIENCE_SECONDS = 120.0

# What a step needs may still be on its way from another service; nothing was done, and the same may be asked again.
NOT_YET = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


async def _at_once() -> None:
    """Where nothing is to be waited for."""


class Forgetful(PersonaTokens):
    """Tokens that are asked for anew once one was refused: the clock jumped, and by it they had not begun or had ended."""

    def forget(self) -> None:
        """All of them."""
        self._issued.clear()


class Clients:
    """Gives journeys' commands; whatever happens to the services, each command is answered in the end."""

    def __init__(self, caller: Caller, history: History, signed_out: Callable[[], None] = lambda: None) -> None:
        self._caller = caller
        self._history = history
        self._signed_out = signed_out

    async def run(
        self, name: str, journeys: Sequence[Journey], width: int = 12, turn: Callable[[], Awaitable[None]] = _at_once
    ) -> None:
        """All journeys, ``width`` of them at a time; their commands wait for their ``turn`` before they begin."""

        async def give(number: int, journey: Journey) -> None:
            for place, step in enumerate(journey):
                await turn()
                await self.insist(f"{name}-{number}-{place}", step)

        await _side_by_side([partial(give, number, journey) for number, journey in enumerate(journeys)], width)

    async def once_more(self, width: int = 12) -> list[Receipt]:
        """Every command that was ever acknowledged, again under its key.

        What was answered about somebody who was erased since is forgotten with them.
        """
        erased = {
            asked.step.id
            for asked in self._history.asked.values()
            if asked.acknowledged and isinstance(asked.step.order, ApproveErasure)
        }
        receipts: list[Receipt] = []

        async def give(asked: Asked) -> None:
            receipts.append(await self.insist(asked.key, asked.step))

        known = [
            asked for asked in self._history.asked.values() if asked.acknowledged and asked.step.id not in erased
        ]
        await _side_by_side([partial(give, asked) for asked in known], width)
        return receipts

    async def insist(self, key: str, step: Step) -> Receipt:
        """One command, acknowledged; AssertionError if it was refused for good."""
        asked = self._history.begin(key, step)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    answer = await self._caller.give(step.service, step.persona, step.id, step.order, step.at, key)
                    if answer.is_success:
                        return asked.receipts[-1]
                    if answer.status_code == HTTPStatus.UNAUTHORIZED:
                        self._signed_out()
                    else:
                        assert answer.status_code in NOT_YET, _told(asked)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(_told(asked)) from None


async def _side_by_side(works: Sequence[Callable[[], Awaitable[None]]], width: int) -> None:
    waiting = list(reversed(works))

    async def work() -> None:
        while waiting:
            await waiting.pop()()

    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(work())


def _told(asked: Asked) -> str:
    last = asked.attempts[-1]
    return f"{asked.what} was not done; after {len(asked.attempts)} attempts it was told {last.status} {last.code}"
