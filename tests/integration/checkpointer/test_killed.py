"""The checkpointer as a process of its own, killed between signing and being seen: no size is ever signed with two roots."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from ops.checkpointer.settings import LOG_NAMES, log_url_variable
from ops.supervisor import Running
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.witnessing import AddCheckpoint
from tests.integration.checkpointer.office import HOUSE, LOG, Log
from tests.integration.checkpointer.processes import checkpointer, state_of, witness
from tests.integration.conftest import MakeDatabase


class Watching:
    """A witness that notes each checkpoint of one log that it is shown, and kills whoever shows it where that is wanted."""

    def __init__(self) -> None:
        self._app: ASGIApp
        self.signed: dict[int, set[bytes]] = {}
        self.kill: Callable[[], None] | None = None
        self.before = True
        self.shown = asyncio.Event()

    def around(self, app: ASGIApp) -> ASGIApp:
        """The witness, watched."""
        self._app = app
        return self

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


@pytest.mark.timeout(1800)
async def test_a_checkpointer_that_is_killed_while_a_witness_looks_signs_no_size_twice(
    make_database: MakeDatabase, servers: Running, tmp_path: Path, request: pytest.FixtureRequest, one_port: int
) -> None:
    logs = {name: await Log.of(name, make_database, servers) for name in LOG_NAMES}
    urls = {log_url_variable(name): log.made.logins.checkpoint for name, log in logs.items()}
    ours, watching = logs[LOG], Watching()
    async with witness(tmp_path, time.time, watching.around) as url, httpx.AsyncClient(trust_env=False) as client:
        for kill in range(request.config.getoption("--checkpoint-kills")):
            watching.before = kill % 2 == 0
            watching.shown.clear()
            await ours.append(40)
            async with checkpointer(tmp_path, urls, url, one_port) as process:
                watching.kill = lambda process=process: process.send_signal(signal.SIGKILL)
                async with asyncio.timeout(60):
                    await watching.shown.wait()
        async with checkpointer(tmp_path, urls, url, one_port):
            assert await state_of(client, one_port) == {}
            answer = await client.get(f"http://127.0.0.1:{one_port}/{LOG}/checkpoint")
            size = int(answer.text.splitlines()[1])
        # Killed, and then the database was restored and went on otherwise.
        await ours.restore(size - 10)
        await ours.append(30, "otherwise")
        before = dict(watching.signed)
        async with checkpointer(tmp_path, urls, url, one_port):
            assert (await state_of(client, one_port))["code"] == "log_rewritten"
        assert watching.signed == before
    assert len(watching.signed) >= 2
    assert all(len(roots) == 1 for roots in watching.signed.values())
    for log in logs.values():
        await log.close()
