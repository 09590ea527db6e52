"""Asks every process for its figures, judges them by the rules, and sends mails; what was told is on disk, so that a restart repeats nothing."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from ops.alarms.judging import Judged, Key, Said, Standing, judge
from ops.alarms.mail import written
from ops.alarms.rules import Rule
from ops.alarms.targets import Told
from shared.durable_files import write_durably

ROUND_SECONDS: Final = 15.0
# After so long without a round nobody is told of anything.
STANDS_STILL_SECONDS: Final = 120.0
_FILE: Final = "standing.json"

log = structlog.get_logger("alarms")


class Watching:
    """One round after the other; ``ask`` and ``send`` are how figures come and mails leave.

    What each of ``to`` was told is known apart: ``send`` answers for whom the mail was not taken, and they are told again.
    """

    def __init__(
        self, rules: Sequence[Rule], folder: Path, ask: Callable[[], Awaitable[Told]], send: Callable[[EmailMessage], Collection[str]],
        sender: str, to: Sequence[str], now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.registry = CollectorRegistry()
        self._unsent = Gauge("avrr_alarms_unsent", "alarms of which somebody could not be told", registry=self.registry)
        self._stands = Gauge("avrr_alarms_standing", "alarms that stand", registry=self.registry)
        self._looked_at = now()
        age = Gauge("avrr_alarms_round_age_seconds", "since all figures were last looked at", registry=self.registry)
        age.set_function(self.age)
        self._rules = rules
        self._file = folder / _FILE
        self._ask = ask
        self._send = send
        self._sender = sender
        self._to = to
        self._now = now
        self._known = _read(self._file, to)

    async def round(self) -> None:
        """Asks, judges, and says in one mail what is to be said; what could not be sent is said in the next round."""
        told, now = await self._ask(), self._now()
        judged = {one: judge(self._known.get(one, {}), self._rules, told.samples, now) for one in self._to}
        unsent: set[tuple[str, str, str]] = set()
        for to in _told_alike(judged):
            said = judged[to[0]].said
            missed = await self._missed(said, to) if said else ()
            if missed:
                unsent |= {(one.rule.name, one.place, one.what) for one in said}
            for one in to:
                self._known[one] = judged[one].if_not if one in missed else judged[one].if_sent
        self._unsent.set(len(unsent))
        self._stands.set(len({key for known in self._known.values() for key, one in known.items() if one.told_at is not None}))
        await asyncio.to_thread(write_durably, self._file, _written(self._known))
        self._looked_at = self._now()

    def age(self) -> float:
        """How many seconds ago a round ended; before the first, since there were to be any."""
        return (self._now() - self._looked_at).total_seconds()

    async def _missed(self, said: Sequence[Said], to: Sequence[str]) -> Collection[str]:
        """Says it to these, and answers whom of them it did not reach."""
        try:
            refused = await asyncio.to_thread(self._send, written(said, self._sender, to))
        except Exception as error:  # noqa: BLE001 -- whatever keeps a mail from leaving, nobody was told
            log.warning("mail_not_sent", kind=type(error).__name__, alarms=len(said), recipients=len(to))
            return to
        if refused:
            log.warning("mail_not_sent", kind="recipient_refused", alarms=len(said), recipients=len(refused))
        log.info("mail_sent", alarms=[f"{one.rule.name} {one.what}" for one in said])
        return refused

    async def run(self) -> None:
        """Round after round, for ever; one that fails keeps none of the next from being made."""
        while True:
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 -- alarms that end tell nobody of anything
                log.warning("round_failed", kind=type(error).__name__)
            await asyncio.sleep(ROUND_SECONDS)


def _told_alike(judged: Mapping[str, Judged]) -> list[list[str]]:
    """Who is to be told the same, together: they are told by one mail."""
    found: list[list[str]] = []
    for one, has in judged.items():
        for others in found:
            if judged[others[0]].said == has.said:
                others.append(one)
                break
        else:
            found.append([one])
    return found


def _read(file: Path, to: Sequence[str]) -> dict[str, Mapping[Key, Standing]]:
    try:
        told = json.loads(file.read_text("utf-8"))
        return {
            one: {
                (alarm["rule"], alarm["place"]): Standing(
                    datetime.fromisoformat(alarm["since"]), datetime.fromisoformat(alarm["told_at"]) if alarm["told_at"] else None
                )
                for alarm in told[_mark_of(one)]
            }
            for one in to if _mark_of(one) in told
        }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        # Better told twice than never.
        return {}


def _written(known: Mapping[str, Mapping[Key, Standing]]) -> bytes:
    told = {
        _mark_of(to): [
            {"rule": rule, "place": place, "since": one.since.isoformat(), "told_at": one.told_at.isoformat() if one.told_at else None}
            for (rule, place), one in alarms.items()
        ]
        for to, alarms in known.items()
    }
    return json.dumps(told).encode()


def _mark_of(address: str) -> str:
    """What stands for an address where nobody has to read it."""
    return hashlib.sha256(address.encode()).hexdigest()
