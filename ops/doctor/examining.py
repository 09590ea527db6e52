"""All checks of the doctor together: none of them waits for another, and one that fails is a finding itself."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Final

from ops.alarms import targets
from ops.alarms.rules import read_rules
from ops.backup.status import backup_status
from ops.doctor.broker import broker
from ops.doctor.copies import copies, of_others
from ops.doctor.databases import database
from ops.doctor.findings import Finding, well, wrong
from ops.doctor.machine import certificate, disk, present, private_files
from ops.doctor.processes import processes, told_of_alarms
from ops.operating import broker_settings, knows_broker
from ops.settings import CannotStart, OpsSettings
from ops.system import owner_url, read_addresses, verify_url
from shared.topology import LOGS, Service

WATCHED: Final = "AVRR_WATCHED"
ORIGIN: Final = "AVRR_PORTAL_ORIGIN"
_START: Final = "./avrr up starts everything and stays."


async def examine(settings: OpsSettings, now: Callable[[], datetime] = present) -> list[Finding]:
    """Everything that is wrong, or well; asks databases, broker and processes at once and changes nothing."""
    checks: list[tuple[str, Coroutine[None, None, list[Finding]]]] = [
        ("disk", _disk(settings)), ("files", _files(settings)), ("certificate", certificate(os.environ.get(ORIGIN), now())),
        ("backup", _copies(settings, now)), ("processes", _processes(settings)), ("broker", _broker(settings, now)),
        *((f"database of {service.name}", _database(settings, service, now)) for service in LOGS),
    ]  # fmt: skip
    answers = await asyncio.gather(*(check for _, check in checks), return_exceptions=True)
    found: list[Finding] = []
    for (name, _), answer in zip(checks, answers, strict=True):
        if isinstance(answer, CannotStart):
            found.append(wrong(name, answer.sentence, _START if answer.code == "not_running" else "Put that right first."))
        elif isinstance(answer, Exception):
            found.append(wrong(name, f"The check {name} failed itself ({type(answer).__name__}).", "Tell whoever develops avrr."))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found += answer
    return list(dict.fromkeys(found))


async def _disk(settings: OpsSettings) -> list[Finding]:
    return [disk(settings.data_folder)]


async def _files(settings: OpsSettings) -> list[Finding]:
    return private_files(settings)


async def _copies(settings: OpsSettings, now: Callable[[], datetime]) -> list[Finding]:
    return [copies(backup_status(settings), now(), elsewhere=WATCHED in os.environ), *of_others(settings, now())]


async def _processes(settings: OpsSettings) -> list[Finding]:
    written = os.environ.get(WATCHED)
    watched = targets.named(written) if written else targets.of_this_machine(settings)
    replayed = not written and read_addresses(settings).clock == "replay"
    return [*await processes(watched, read_rules(), replayed=replayed), *told_of_alarms(watched)]


async def _database(settings: OpsSettings, service: Service, now: Callable[[], datetime]) -> list[Finding]:
    # Either sees all that is asked; whoever operates a system in containers has no login that changes tables.
    for kind, url in (("migrate", owner_url), ("verify", verify_url)):
        role = f"{service.name}_{kind}"
        # To ask for a password that is not there would make it.
        if os.environ.get(f"AVRR_PASSWORD_{role.upper()}") or (settings.secrets_folder / role).exists():
            return await database(service, url(settings, service), now)
    return [well("database", f"The database of {service.name} is not looked at from here: the password of {service.name}_verify is elsewhere.")]


async def _broker(settings: OpsSettings, now: Callable[[], datetime]) -> list[Finding]:
    if not knows_broker(settings):
        return [well("broker", "The broker is not looked at from here: the operator's keys or password for it are elsewhere.")]
    return await broker(broker_settings(settings), now)
