"""The checkpointer as a process of its own, and a witness with an address that it is told."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import uvicorn
from starlette.types import ASGIApp

from ops.checkpointer.keys import LogKeys
from ops.checkpointer.settings import LOG_NAMES
from ops.ports import Reservations, next_free
from ops.settings import PROJECT
from ops.witness.app import create_app
from ops.witness.memory import memory_in
from ops.witness.settings import KnownKey, signer_in
from shared.tlog.notes import VerifierKey
from tests.integration.checkpointer.office import HOUSE, LOG

_WITNESS: Final = "w.invented.example"


@contextmanager
def own_port() -> Iterator[int]:
    """A free port that no other test of ours takes meanwhile."""
    reservations = Reservations()
    yield next_free(18305, take=reservations.take)
    reservations.close()


@asynccontextmanager
async def witness(
    folder: Path, now: Callable[[], float], around: Callable[[ASGIApp], ASGIApp] = lambda app: app, name: str = "witness"
) -> AsyncIterator[str]:
    """The address of a witness that signs with this time, and of whatever is put around it; ``name`` is the folder of what it is."""
    keys = LogKeys(folder / "keys", HOUSE)
    known = [KnownKey(keys.of(log, datetime.now(UTC).date())[-1].signer.verifier_key) for log in LOG_NAMES]
    with memory_in(folder / name) as seen, own_port() as port:
        app = around(create_app(seen, signer_in(folder / name, _WITNESS), known, now))
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False, lifespan="off"))
        serving = asyncio.create_task(server.serve())
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await serving


def key_of(folder: Path, name: str) -> VerifierKey:
    """By which key what the witness with this folder signs is checked."""
    return signer_in(folder / name, _WITNESS).verifier_key


@asynccontextmanager
async def checkpointer(
    folder: Path, urls: Mapping[str, str], witness_url: str, port: int, witness_name: str = "witness", former: str = "", exports: str = "",
) -> AsyncIterator[asyncio.subprocess.Process]:  # fmt: skip
    """The process; it is dead when the block ends. ``former`` are lines about witnesses of before, ``exports`` keys of these."""
    key = key_of(folder, witness_name)
    told = {
        "AVRR_CHECKPOINTER_FOLDER": str(folder / "signs"), "AVRR_CHECKPOINTER_KEYS": str(folder / "keys"), "AVRR_LOGS_ORIGIN": HOUSE,
        "AVRR_WITNESSES": f"witness w {key} {witness_url}, quorum w, {former}", "AVRR_EXPORT_KEYS": exports, "AVRR_PORT": str(port), **urls,
    }  # fmt: skip
    rest = {name: value for name, value in os.environ.items() if not name.startswith("AVRR_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops.checkpointer", env={**rest, **told}, cwd=PROJECT, stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def state_of(client: httpx.AsyncClient, port: int) -> dict[str, str]:
    """What is wrong with the log, once the process says it."""
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await client.get(f"http://127.0.0.1:{port}/readyz")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            found: dict[str, str] = answer.json()["logs"].get(LOG, {})
            if found.get("code") not in ("no_checkpoint_yet", "checkpoint_late"):
                return found
            await asyncio.sleep(0.05)
