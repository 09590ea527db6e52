"""The checkpointer as a process of its own, killed between signing and being seen: no size is ever signed with two roots."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from ops.checkpointer.keys import LogKeys
from ops.checkpointer.settings import LOG_NAMES, log_url_variable
from ops.ports import next_free
from ops.settings import PROJECT
from ops.supervisor import Running
from ops.witness.app import create_app
from ops.witness.memory import memory_in
from ops.witness.settings import signer_in
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.witnessing import AddCheckpoint
from tests.integration.checkpointer.office import HOUSE, LOG, NOW, Log
from tests.integration.conftest import MakeDatabase

_WITNESS = "w.invented.example"


class Watching:
    """A witness that notes each checkpoint of one log that it is shown, and kills whoever shows it where that is wanted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.signed: dict[int, set[bytes]] = {}
        self.kill: Callable[[], None] | None = None
        self.before = True
        self.shown = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        message = await receive()
        said = Checkpoint.of(AddCheckpoint.of(message["body"]).note)
        ours = said.origin == f"{HOUSE}/{LOG}"
        if ours:
            self.signed.setdefault(said.size, set()).add(said.root)
        if ours and self.before:
            self._strike()

        async def again() -> object:
            return message

        await self._app(scope, again, send)  # type: ignore[arg-type]
        if ours:
            self._strike()

    def _strike(self) -> None:
        if self.kill is not None:
            self.kill()
            self.kill = None
            self.shown.set()


@asynccontextmanager
async def witness(folder: Path) -> AsyncIterator[tuple[Watching, str]]:
    """A witness with an address."""
    keys = LogKeys(folder / "keys", HOUSE)
    known = [keys.of(log, NOW.date())[-1].signer.verifier_key for log in LOG_NAMES]
    with memory_in(folder / "witness") as seen:
        watching = Watching(create_app(seen, signer_in(folder / "witness", _WITNESS), known, NOW.timestamp))
        port = next_free(18306)
        server = uvicorn.Server(uvicorn.Config(watching, port=port, log_level="warning", access_log=False, lifespan="off"))
        serving = asyncio.create_task(server.serve())
        yield watching, f"http://127.0.0.1:{port}"
        server.should_exit = True
        await serving


@asynccontextmanager
async def checkpointer(folder: Path, urls: dict[str, str], witness_url: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process; it is dead when the block ends."""
    key = signer_in(folder / "witness", _WITNESS).verifier_key
    told = {
        "AVRR_CHECKPOINTER_FOLDER": str(folder / "signs"), "AVRR_CHECKPOINTER_KEYS": str(folder / "keys"), "AVRR_LOGS_ORIGIN": HOUSE,
        "AVRR_WITNESSES": f"witness w {key} {witness_url}, quorum w", "AVRR_PORT": str(port), **urls,
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


async def test_a_checkpointer_that_is_killed_while_a_witness_looks_signs_no_size_twice(
    make_database: MakeDatabase, servers: Running, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    logs = {name: await Log.of(name, make_database, servers) for name in LOG_NAMES}
    urls = {log_url_variable(name): log.made.logins.checkpoint for name, log in logs.items()}
    ours, port = logs[LOG], next_free(18305)
    async with witness(tmp_path) as (watching, url), httpx.AsyncClient(trust_env=False) as client:
        for kill in range(request.config.getoption("--checkpoint-kills")):
            watching.before = kill % 2 == 0
            watching.shown.clear()
            await ours.append(40)
            async with checkpointer(tmp_path, urls, url, port) as process:
                watching.kill = lambda process=process: process.send_signal(signal.SIGKILL)
                async with asyncio.timeout(60):
                    await watching.shown.wait()
        async with checkpointer(tmp_path, urls, url, port):
            assert await state_of(client, port) == {}
            answer = await client.get(f"http://127.0.0.1:{port}/{LOG}/checkpoint")
            size = int(answer.text.splitlines()[1])
        # Killed, and then the database was restored and went on otherwise.
        await ours.restore(size - 10)
        await ours.append(30, "otherwise")
        before = dict(watching.signed)
        async with checkpointer(tmp_path, urls, url, port):
            assert (await state_of(client, port))["code"] == "log_rewritten"
        assert watching.signed == before
    assert len(watching.signed) >= 2
    assert all(len(roots) == 1 for roots in watching.signed.values())
    for log in logs.values():
        await log.superuser.close()
