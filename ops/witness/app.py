"""The witness on the wire: one request, `add-checkpoint`, as C2SP's tlog-witness has it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ops.settings import CannotStart
from ops.witness.memory import Memory
from ops.witness.settings import KnownKey
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Signer
from shared.tlog.refusals import LogRefused
from shared.tlog.witnessing import (
    MOST_REQUEST_BYTES,
    NOTHING_SEEN,
    TEXT,
    AddCheckpoint,
    Seen,
    answer,
    is_open,
    keys_of,
)

PATH: Final = "/add-checkpoint"


def create_app(memory: Memory, signer: Signer, logs: Sequence[KnownKey], now: Callable[[], float]) -> FastAPI:
    """A witness of these logs; ``now`` is the second of the signature (since 1970, UTC).

    One request at a time: what is remembered of a log is on disk before its signature leaves, and no second one was
    answered meanwhile. A former key counts until its end, and a former generation of a log until the next one is seen.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, max_body_size=MOST_REQUEST_BYTES)
    turn = asyncio.Lock()
    registry = CollectorRegistry()
    answered = Counter("avrr_witness_answers", "checkpoints that were looked at, by what came of them", ["status"], registry=registry)

    @app.post(PATH)
    async def add_checkpoint(request: Request) -> Response:
        try:
            asked = AddCheckpoint.of(await request.body())
            origin = Checkpoint.of(asked.note).origin
        except LogRefused as refusal:
            return Response(f"{refusal}\n", 400, media_type=TEXT)
        async with turn:
            try:
                at = int(now())
                today = datetime.fromtimestamp(at, UTC).date()
                known = [one.key for one in logs if one.counts_on(today)]
                keys = keys_of(origin, known) if is_open(origin, memory.seen) else ()
                said = answer(asked, memory.seen(origin), keys, signer, at)
                if said.seen is not None:
                    await asyncio.to_thread(_remember, memory, origin, said.seen)
            except (CannotStart, OSError):
                return Response("What was signed before cannot be read or kept, so nothing is signed.\n", 503, media_type=TEXT)
        answered.labels(str(said.status)).inc()
        # Starlette would add a charset to the type that the specification names.
        return Response(said.body, said.status, headers={"content-type": said.media_type})

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/healthz")
    async def alive() -> Response:
        return Response("ok\n", media_type=TEXT)

    return app


def _remember(memory: Memory, origin: str, seen: Seen) -> None:
    """Keeps what was seen of a generation of a log, and first that those before it are over, also where none of them was shown here."""
    former = Origin.of(origin).former
    while former is not None and memory.seen(str(former)) is None:
        memory.remember(str(former), NOTHING_SEEN)
        former = former.former
    memory.remember(origin, seen)
