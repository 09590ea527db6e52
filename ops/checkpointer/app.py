"""What the checkpointer tells whoever asks: the latest checkpoint that was seen by witnesses, whom to trust, and how it is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ops.checkpointer.bringing import MOST_BROUGHT_BYTES
from ops.checkpointer.generations import MOST_SHOWN_BYTES
from ops.checkpointer.reading import AWAY
from ops.checkpointer.rounds import watch_all
from ops.checkpointer.watched_log import WatchedLog
from ops.settings import CannotStart
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy

# A log of which nothing was said for so long does not do what it promises.
LATE_AFTER: Final = 60.0
_NOT_YET: Final = "No checkpoint of this log was seen by the witnesses yet.\n"


def create_app(logs: Sequence[WatchedLog], policy: TrustPolicy, now: Callable[[], datetime]) -> Starlette:
    """Answers while the logs are looked at, and has nothing that anybody may not read.

    What it is shown of a restore anybody may show: nothing but what stands in the log counts (`WatchedLog.show`). So may anybody
    bring what was signed before, which counts by its signatures and as the log bears it out (`WatchedLog.bring`).
    """
    by_name = {one.name: one for one in logs}
    figures = _Figures(logs, now)

    async def checkpoint(request: Request) -> Response:
        one = by_name.get(request.path_params["log"])
        if one is None:
            return PlainTextResponse("There is no such log.\n", 404)
        return PlainTextResponse(str(one.published) if one.published else _NOT_YET, 200 if one.published else 503)

    async def broken(request: Request) -> Response:
        one = by_name.get(request.path_params["log"])
        found = one.broken(request.path_params["generation"]) if one is not None else None
        if found is None:
            return PlainTextResponse("Nothing proves such a generation of a log.\n", 404)
        return Response(found, media_type="application/json")

    async def show(request: Request) -> Response:
        one = by_name.get(request.path_params["log"])
        if one is None:
            return PlainTextResponse("There is no such log.\n", 404)
        try:
            await one.show(await request.body())
        except LogRefused as refusal:
            return JSONResponse({"code": refusal.code, "detail": str(refusal)}, 409 if refusal.code == "not_set_back" else 400)
        return PlainTextResponse("Looked at in the next round.\n", 202)

    async def bring(request: Request) -> Response:
        one = by_name.get(request.path_params["log"])
        if one is None:
            return PlainTextResponse("There is no such log.\n", 404)
        try:
            await one.bring(await request.body())
        except LogRefused as refusal:
            return JSONResponse({"code": refusal.code, "detail": str(refusal)}, 409)
        except CannotStart as refusal:
            return JSONResponse({"code": refusal.code, "detail": refusal.sentence}, 503)
        except AWAY:
            await one.close()
            return JSONResponse({"code": "away", "detail": "The log's database, or a disk, does not do its part."}, 503)
        return PlainTextResponse("Taken.\n")

    async def trusted(_: Request) -> Response:
        return PlainTextResponse(str(policy))

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        wrong = {name: state for name, one in by_name.items() if (state := _wrong(one, now())) is not None}
        doubts = {name: dict(one.doubts) for name, one in by_name.items() if one.doubts}
        return JSONResponse({"logs": wrong} | ({"doubts": doubts} if doubts else {}), 503 if wrong else 200)

    async def metrics(_: Request) -> Response:
        return Response(figures.now(), media_type=CONTENT_TYPE_LATEST)

    @contextlib.asynccontextmanager
    async def watching(_: Starlette) -> AsyncIterator[None]:
        rounds = asyncio.create_task(watch_all(logs), name="rounds of all logs")
        try:
            yield
        finally:
            rounds.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await rounds

    routes = [
        Route("/policy", trusted), Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics),
        Route("/{log}/checkpoint", checkpoint), Route("/{log}/breaks/{generation:int}", broken),
        Route("/{log}/breaks", show, methods=["POST"], max_body_size=MOST_SHOWN_BYTES),
        Route("/{log}/signed", bring, methods=["POST"], max_body_size=MOST_BROUGHT_BYTES),
    ]  # fmt: skip
    return Starlette(routes=routes, lifespan=watching)


def _wrong(one: WatchedLog, now: datetime) -> Mapping[str, str] | None:
    """What keeps a log's checkpoints from being believed to be the newest, None if nothing does."""
    if one.alarm is not None:
        told = {"code": one.alarm.code, "found": one.alarm.sentence, "at": one.alarm.at, "under": one.origin}
        return told | ({"unaccepted": one.unaccepted} if one.unaccepted else {})
    if one.seen_at is None or not one.confirmed:
        return {"code": one.hindered or "no_checkpoint_yet"}
    if now.timestamp() - one.seen_at > LATE_AFTER:
        return {"code": one.hindered or "checkpoint_late"}
    return None


class _Figures:
    """What alert rules look at."""

    def __init__(self, logs: Sequence[WatchedLog], now: Callable[[], datetime]) -> None:
        self._logs = logs
        self._now = now
        self._began = now().timestamp()
        self._registry = CollectorRegistry()
        self._entries = Gauge("avrr_checkpoint_entries", "entries of the latest checkpoint", ["log"], registry=self._registry)
        self._seen = Gauge(
            "avrr_checkpoint_seen_timestamp_seconds", "when a witness saw the latest checkpoint", ["log"], registry=self._registry
        )
        self._age = Gauge(
            "avrr_checkpoint_age_seconds", "since a witness saw the latest checkpoint, or since the start", ["log"], registry=self._registry
        )
        self._alarm = Gauge("avrr_checkpoint_alarm", "1 where nothing is signed any more", ["log"], registry=self._registry)
        self._doubts = Gauge(
            "avrr_checkpoint_doubts", "witnesses that know another history than enough others", ["log"], registry=self._registry
        )

    def now(self) -> bytes:
        """The figures of this moment, as Prometheus reads them."""
        for one in self._logs:
            self._alarm.labels(one.name).set(one.alarm is not None or one.hindered == "generation_unknown")
            self._doubts.labels(one.name).set(len(one.doubts))
            self._age.labels(one.name).set(self._now().timestamp() - (one.seen_at or self._began))
            if one.published is not None:
                self._entries.labels(one.name).set(Checkpoint.of(one.published).size)
                self._seen.labels(one.name).set(one.seen_at or 0)
        return generate_latest(self._registry)
