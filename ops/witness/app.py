"""The witness on the wire: one request, `add-checkpoint`, as C2SP's tlog-witness has it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from fastapi import FastAPI, Request, Response

from ops.settings import CannotStart
from ops.witness.memory import Memory
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Signer, VerifierKey
from shared.tlog.refusals import LogRefused
from shared.tlog.witnessing import MOST_REQUEST_BYTES, TEXT, AddCheckpoint, answer, keys_of

PATH: Final = "/add-checkpoint"


def create_app(memory: Memory, signer: Signer, logs: Sequence[VerifierKey], now: Callable[[], float]) -> FastAPI:
    """A witness of these logs; ``now`` is the second of the signature (since 1970, UTC).

    One request at a time: what is remembered of a log is on disk before its signature leaves, and no second one was
    answered meanwhile.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, max_body_size=MOST_REQUEST_BYTES)
    turn = asyncio.Lock()

    @app.post(PATH)
    async def add_checkpoint(request: Request) -> Response:
        try:
            asked = AddCheckpoint.of(await request.body())
            origin = Checkpoint.of(asked.note).origin
        except LogRefused as refusal:
            return Response(f"{refusal}\n", 400, media_type=TEXT)
        async with turn:
            try:
                said = answer(asked, memory.seen(origin), keys_of(origin, logs), signer, int(now()))
                if said.seen is not None:
                    await asyncio.to_thread(memory.remember, origin, said.seen)
            except (CannotStart, OSError):
                return Response("What was signed before cannot be read or kept, so nothing is signed.\n", 503, media_type=TEXT)
        # Starlette would add a charset to the type that the specification names.
        return Response(said.body, said.status, headers={"content-type": said.media_type})

    @app.get("/healthz")
    async def alive() -> Response:
        return Response("ok\n", media_type=TEXT)

    return app
