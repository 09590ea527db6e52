"""Looks at each log every second for as long as the process lives, and says what is wrong when it begins and when it ends."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from ops.checkpointer.reading import AWAY
from ops.checkpointer.watched_log import WatchedLog
from ops.settings import CannotStart
from shared.tlog.refusals import LogRefused

ROUND_SECONDS: Final = 1.0

log = structlog.get_logger("checkpointer")


async def watch_all(logs: Sequence[WatchedLog]) -> None:
    """Rounds of every log beside each other, until it is cancelled."""
    try:
        await asyncio.gather(*(_watch(one) for one in logs))
    finally:
        for one in logs:
            await one.close()


async def _watch(one: WatchedLog) -> None:
    loop = asyncio.get_running_loop()
    wrong, alarmed = "", False
    doubts: Mapping[str, str] = {}
    while True:
        began = loop.time()
        found = await _round(one)
        for witness, code in one.doubts.items() - doubts.items():
            log.error("witness_contradicts", log=one.name, witness=witness, code=code)
        doubts = one.doubts
        if one.alarm is None and alarmed:
            # Two persons accepted that it was set back.
            alarmed = False
            log.warning("log_goes_on_as_next_generation", log=one.name)
        if one.alarm is not None and not alarmed:
            alarmed = True
            log.error("checkpoints_refused", log=one.name, code=one.alarm.code, found=one.alarm.sentence, at=one.alarm.at)
        elif found and found != wrong:
            log.warning("no_checkpoint", log=one.name, code=found)
        elif wrong and not found:
            log.info("checkpoints_again", log=one.name)
        wrong = "" if alarmed else found
        await asyncio.sleep(max(0.0, ROUND_SECONDS - (loop.time() - began)))


async def _round(one: WatchedLog) -> str:
    """Does one round; what hindered it, empty if nothing did."""
    try:
        await one.round()
    except (LogRefused, CannotStart) as refusal:
        return refusal.code
    except AWAY as error:
        await one.close()
        return f"away_{type(error).__name__}"
    except Exception as error:
        # A fault of ours in one log must not keep the others from being signed.
        log.exception("internal_error", log=one.name, exc_info=error)
        await one.close()
        return "internal_error"
    return ""
