"""Shows the checkpointer where two persons accepted a restore, so that it signs the log again, as the next generation of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Final

import httpx

from ops.after_restore import sources
from ops.operating import checkpointer_of
from ops.settings import OpsSettings
from shared.consumer import FAULTS
from shared.db import Database, Sql
from shared.outgoing import Outgoing
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.topology import LOGS, Service

# A round takes a second; a log of a million entries is read anew in less than this.
_PATIENCE: Final = 30
_HEAD: Final = Sql("SELECT size FROM log_head")
# From the first acceptance to the second: what was recorded before, since the database was set back, is nobody's to show.
_ACCEPTED: Final = Sql(
    "SELECT w.second, e.leaf FROM restores r CROSS JOIN LATERAL (SELECT max(a.idx) FILTER (WHERE a.type = :proposed) AS first, "
    "max(a.idx) FILTER (WHERE a.type = :accepted) AS second FROM event_log a WHERE a.subject = r.id) w "
    "JOIN event_log e ON e.idx BETWEEN w.first AND w.second WHERE r.accepted_at IS NOT NULL ORDER BY w.second, e.idx"
)


async def show_again(settings: OpsSettings, say: Callable[[str], None]) -> bool:
    """Shows of every log that was ever set back what was accepted of that; whether the checkpointer signs all of them."""
    return all([await show(settings, service, say) for service in LOGS])


async def show(settings: OpsSettings, service: Service, say: Callable[[str], None]) -> bool:
    """Shows what was accepted of a log, and waits until the checkpointer signs it; whether it does.

    What is not signed keeps nobody from their work: it stays an alarm, and can be shown again.
    """
    url = checkpointer_of(settings).rstrip("/")
    async with sources.database_of(settings, service) as database:
        restores = await accepted_of(database, service)
        if not restores:
            return True
        async with Outgoing(timeout=10, trust_env=False, follow_redirects=False) as client:
            wrong = await until_signed(client, url, service, database, restores)
    say(f"{service.name}: " + (f"not signed yet, {wrong}: ./avrr restored show" if wrong else "signed again"))
    return not wrong


async def accepted_of(database: Database, service: Service) -> Sequence[bytes]:
    """What is shown of each restore of a log that two persons accepted, the oldest first."""
    of = f"avrr.{service.name}.restore"
    async with database.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        rows = await unit.rows(_ACCEPTED, proposed=f"{of}.acceptance_proposed.v1", accepted=f"{of}.accepted.v1")
    return [b"".join(bytes(row["leaf"]) + b"\n" for row in own) for _, own in groupby(rows, key=lambda row: row["second"])]


async def until_signed(client: httpx.AsyncClient, url: str, service: Service, database: Database, restores: Sequence[bytes]) -> str:
    """Shows one restore after the other until the checkpointer signs the log; why it does not in the end, empty if it does.

    The checkpointer may have been away during any of them: which is the one that it waits for, it alone knows.
    """
    wrong = ""
    try:
        for shown in restores:
            wrong = await _until_signed(client, url, service.name, database, shown)
            if not wrong:
                break
    except (*FAULTS, httpx.HTTPError, ValueError, LookupError, TypeError):
        wrong = "it does not answer"
    return wrong


async def _until_signed(client: httpx.AsyncClient, url: str, log: str, database: Database, shown: bytes) -> str:
    """Why a log is not signed, empty once it is."""
    wrong, taken = "no_checkpoint_yet", False
    under = _under((await client.get(f"{url}/readyz")).json()["logs"].get(log))
    for _ in range(_PATIENCE):
        if not taken:
            answer = await client.post(f"{url}/{log}/breaks", content=shown)
            taken = answer.status_code == HTTPStatus.ACCEPTED
            # A checkpointer that has not found yet that the log was set back takes nothing of it; its next round finds it.
            if not taken and _code(answer) != "not_set_back":
                return _code(answer)
        # What stood there before is judged by the round after what was shown.
        await asyncio.sleep(1)
        told = (await client.get(f"{url}/readyz")).json()["logs"].get(log)
        if told is None:
            signed = await client.get(f"{url}/{log}/checkpoint")
            head = await database.alone(_HEAD)
            # A log that was not looked at since is said to have more.
            if signed.status_code == HTTPStatus.OK and head is not None and Checkpoint.of(Note.of(signed.content)).size <= head["size"]:
                return ""
        else:
            wrong = str(told.get("unaccepted") or told["code"])
            # Begun by this, it waits for what was accepted of a later restore.
            if "unaccepted" in told or (under is not None and _under(told) not in (None, under)):
                break
    return wrong


def _under(told: Mapping[str, str] | None) -> str | None:
    """Under which name a log is refused."""
    return told.get("under") if told is not None else None


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, LookupError, TypeError):
        return str(answer.status_code)
