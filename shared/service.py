"""Makes a service's API and worker out of its wiring."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from shared.auth import open_tokens
from shared.clock import Clock, real_time
from shared.db import Database
from shared.endpoints import forms_of, operations_of, router_for, without_policy
from shared.http import Runtime
from shared.metrics import Metrics
from shared.problems import install_problems
from shared.reacting import reacting
from shared.settings import Settings
from shared.surroundings import Surroundings
from shared.telemetry import configure_logging
from shared.wiring import Wiring
from shared.worker import Worker

log = structlog.get_logger("service")


def create_app(wiring: Wiring, routers: Sequence[APIRouter], settings: Settings) -> FastAPI:
    """A service: its API, its worker, or both, as ``AVRR_ROLE`` says.

    Raises RuntimeError if a route has no policy row: nobody could use it, or everybody might.
    """
    api = Database(
        settings.api_database_url.get_secret_value(), f"{wiring.service.name}-api", settings.pool_size,
        notify=settings.role == "api",
    )
    back = Database(settings.worker_database_url.get_secret_value(), f"{wiring.service.name}-worker", 4)
    clock = Clock(settings.clock)
    works = settings.role in ("all", "worker")
    wake = asyncio.Event()
    api.on_append = wake.set
    back.on_append = wake.set
    worker = Worker(
        wiring.service, settings, back, wake,
        reacting(wiring.service.name, wiring.heard, wiring.reactions, wiring.by_name, clock),
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            await api.open()
            stack.push_async_callback(api.close)
            await back.open()
            stack.push_async_callback(back.close)
            app.state.runtime = Runtime(
                service=wiring.service.name,
                database=api,
                tokens=await stack.enter_async_context(open_tokens(settings, real_time)),
                clock=clock,
                policy=wiring.policy,
                operations=operations_of(routers),
                refusals=wiring.refusals,
                mission_time_zone=settings.mission_time_zone,
            )
            if works:
                await stack.enter_async_context(worker.running())
            log.info("started", service=wiring.service.name, role=settings.role)
            yield

    metrics = Metrics(wiring.service.name)
    common = router_for(
        lambda: forms_of(routers, wiring.by_name), worker.status, {"api": api, "worker": back}, back, metrics
    )
    everything = (*routers, common) if settings.role != "worker" else (common,)
    nameless = without_policy(everything, wiring.policy.operations)
    if nameless:
        raise RuntimeError(f"{wiring.service.name}: no policy row for {', '.join(nameless)}")
    app = FastAPI(
        title=f"avrr {wiring.service.name}", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    for router in everything:
        app.include_router(router)
    install_problems(app)
    app.add_middleware(Surroundings, metrics=metrics)
    return app


def serve(wiring: Wiring, routers: Sequence[APIRouter]) -> None:
    """Runs one service until it is told to stop."""
    settings = Settings()
    configure_logging(settings.log_level)
    uvicorn.run(
        create_app(wiring, routers, settings), host=settings.host, port=settings.port or wiring.service.port,
        log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5, timeout_keep_alive=30,
    )
