"""`avrr verify`: every service against its own log, its log against its stream, and the services against each other."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

from ops.keys import epochs_of
from ops.operating import BrokerAway, operator_bus
from ops.settings import CannotStart, OpsSettings
from ops.system import verify_url
from shared.bus import BusFault
from shared.db import Database, Scope, Sql
from shared.epochs import EpochsAway
from shared.private import PersonKeys
from shared.revisions import OtherRevision
from shared.topology import BY_NAME, LOGS, Service
from shared.verify import verify
from shared.wiring import Wiring

SHOWN = 20
_LOOKS = 20
_SECONDS_BETWEEN = 0.25

_HEAD = Sql("SELECT size FROM log_head")
_LETTERS = Sql("SELECT count(*) AS waiting FROM dead_letter")
_KNOWN_TO_RETURNS = Sql("SELECT id, status, grants::text AS grants FROM cases")
_KNOWN_TO_REINTEGRATION = Sql("SELECT id, case_id, status FROM grants")

# How far a grant is, as returns is told: each status of reintegration's grant has one stage.
STAGES = {
    "draft": "requested", "submitted": "requested", "returned": "requested", "endorsed": "requested", "approved": "approved",
    "in_disbursement": "approved", "suspended": "approved", "disbursed": "disbursed", "completed": "ended", "rejected": "ended",
    "cancelled": "ended",
}  # fmt: skip


async def verify_system(settings: OpsSettings, only: str | None) -> AsyncIterator[tuple[str, int]]:
    """Lines for people, each with how many differences it stands for.

    The comparison of grants between two services is meant for a system at rest; the rest bears work going on.
    """
    for service in LOGS:
        if only in (None, service.name):
            async for line in _or_waits(service.name, _verified(settings, service)):
                yield line
    if only is None:
        async for line in _or_waits("returns and reintegration", _grants(settings)):
            yield line


async def _or_waits(name: str, lines: AsyncIterator[tuple[str, int]]) -> AsyncIterator[tuple[str, int]]:
    """These lines; and where they end early a last one that says why, by codes and places and no value."""
    try:
        async for line in lines:
            yield line
    except CannotStart:
        raise
    except OtherRevision as other:
        yield f"{name}: verification_waits: {other.reason}", 1
    except EpochsAway:
        yield f"{name}: verification_waits: whoever holds the keys of its epochs does not answer", 1
    except Exception as error:  # noqa: BLE001 -- what one service's verification ends by keeps no other from its own
        frame = traceback.extract_tb(error.__traceback__)[-1]
        yield f"{name}: verification_waits: {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}", 1


async def _verified(settings: OpsSettings, service: Service) -> AsyncIterator[tuple[str, int]]:
    wiring: Wiring = import_module(f"{service.module}.wiring").WIRING
    database = Database(verify_url(settings, service), "avrr-verify", 2)
    await database.open()
    try:
        async with epochs_of(settings, service) as (epochs, _):
            database.keys = PersonKeys(service.name, epochs)
            findings = await verify(database, service.name, wiring.by_name, wiring.checks)
        yield f"{service.name}: {findings.events} events, {findings.rows} rows compared with their fold", 0
        for difference in findings.differences[:SHOWN]:
            yield f"{service.name}: {difference}", 1
        if len(findings.differences) > SHOWN:
            yield f"{service.name}: and {len(findings.differences) - SHOWN} more", len(findings.differences) - SHOWN
        yield await _letters(service, database)
        yield await _stream(settings, service, database)
    finally:
        await database.close()


async def _letters(service: Service, database: Database) -> tuple[str, int]:
    async with database.unit_of_work(Scope("verify")) as unit:
        row = await unit.row(_LETTERS)
    waiting = int(row["waiting"]) if row else 0
    return f"{service.name}: {waiting} dead letters", waiting


async def _stream(settings: OpsSettings, service: Service, database: Database) -> tuple[str, int]:
    try:
        async with operator_bus(settings) as bus:
            for _ in range(_LOOKS):
                state = await bus.stream_state(service.stream)
                size = await _log_size(database)
                if state.last == size:
                    break
                # Something was done just now, and is about to be published.
                await asyncio.sleep(_SECONDS_BETWEEN)
    except (BusFault, BrokerAway) as fault:
        return f"{service.name}: the stream cannot be read ({type(fault).__name__})", 1
    whole = state.last == size and state.messages == size and (size == 0 or state.first == 1)
    verdict = "equals" if whole else "DIFFERS FROM"
    return f"{service.name}: stream last_seq {state.last} {verdict} log size {size}", 0 if whole else 1


async def _log_size(database: Database) -> int:
    async with database.unit_of_work(Scope("verify")) as unit:
        row = await unit.row(_HEAD)
    return int(row["size"]) if row else 0


async def _grants(settings: OpsSettings) -> AsyncIterator[tuple[str, int]]:
    returns = Database(verify_url(settings, BY_NAME["returns"]), "avrr-verify", 1)
    reintegration = Database(verify_url(settings, BY_NAME["reintegration"]), "avrr-verify", 1)
    await returns.open()
    await reintegration.open()
    try:
        async with returns.unit_of_work(Scope("verify")) as unit:
            cases = await unit.rows(_KNOWN_TO_RETURNS)
        async with reintegration.unit_of_work(Scope("verify")) as unit:
            grants = await unit.rows(_KNOWN_TO_REINTEGRATION)
    finally:
        await returns.close()
        await reintegration.close()
    noted = {
        (str(case["id"]), grant["grant_id"]): grant["stage"] for case in cases for grant in json.loads(case["grants"])
    }
    true = {(str(grant["case_id"]), str(grant["id"])): STAGES[grant["status"]] for grant in grants}
    wrong = sorted(key for key in noted.keys() | true.keys() if noted.get(key) != true.get(key))
    yield f"returns and reintegration: {len(true)} grants of {len(cases)} cases compared", 0
    for case_id, grant_id in wrong[:SHOWN]:
        yield (
            f"case {case_id}: grant {grant_id} is {true.get((case_id, grant_id))}, returns noted "
            f"{noted.get((case_id, grant_id))}"
        ), 1
    if len(wrong) > SHOWN:
        yield f"returns and reintegration: and {len(wrong) - SHOWN} more", len(wrong) - SHOWN
