"""Asks every process for its figures, judges them by the rules, and sends mails; what was told is on disk, so that a restart repeats nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from ops.alarms.judging import Key, Standing, judge
from ops.alarms.mail import NOT_SENT, written
from ops.alarms.rules import Rule
from ops.alarms.targets import Told
from shared.durable_files import write_durably

ROUND_SECONDS: Final = 15.0
_FILE: Final = "standing.json"

log = structlog.get_logger("alarms")


class Watching:
    """One round after the other; ``ask`` and ``send`` are how figures come and mails leave."""

    def __init__(
        self, rules: Sequence[Rule], folder: Path, ask: Callable[[], Awaitable[Told]], send: Callable[[EmailMessage], None],
        sender: str, to: Sequence[str], now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.registry = CollectorRegistry()
        self._unsent = Gauge("avrr_alarms_unsent", "alarms of which nobody could be told", registry=self.registry)
        self._stands = Gauge("avrr_alarms_standing", "alarms that stand", registry=self.registry)
        self._rules = rules
        self._file = folder / _FILE
        self._ask = ask
        self._send = send
        self._sender = sender
        self._to = to
        self._now = now
        self._known = _read(self._file)

    async def round(self) -> None:
        """Asks, judges, and says in one mail what is to be said; what could not be sent is said in the next round."""
        told = await self._ask()
        judged = judge(self._known, self._rules, told.samples, self._now())
        self._known = judged.if_sent
        if judged.said:
            try:
                await asyncio.to_thread(self._send, written(judged.said, self._sender, self._to))
            except NOT_SENT as error:
                self._known = judged.if_not
                self._unsent.set(len(judged.said))
                log.warning("mail_not_sent", kind=type(error).__name__, alarms=len(judged.said))
            else:
                self._unsent.set(0)
                log.info("mail_sent", alarms=[f"{one.rule.name} {one.what}" for one in judged.said])
        self._stands.set(sum(one.told_at is not None for one in self._known.values()))
        await asyncio.to_thread(write_durably, self._file, _written(self._known))

    async def run(self) -> None:
        """Round after round, for ever; one that fails keeps none of the next from being made."""
        while True:
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 -- alarms that end tell nobody of anything
                log.warning("round_failed", kind=type(error).__name__)
            await asyncio.sleep(ROUND_SECONDS)


def _read(file: Path) -> Mapping[Key, Standing]:
    try:
        return {
            (one["rule"], one["place"]): Standing(
                datetime.fromisoformat(one["since"]), datetime.fromisoformat(one["told_at"]) if one["told_at"] else None
            )
            for one in json.loads(file.read_text("utf-8"))
        }
    except (OSError, ValueError, KeyError, TypeError):
        # Better told twice than never.
        return {}


def _written(known: Mapping[Key, Standing]) -> bytes:
    told = [
        {"rule": rule, "place": place, "since": one.since.isoformat(), "told_at": one.told_at.isoformat() if one.told_at else None}
        for (rule, place), one in known.items()
    ]
    return json.dumps(told).encode()
