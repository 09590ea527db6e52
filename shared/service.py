"""Makes a service's API and worker out of its wiring."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from shared.answers import forgetting_answers
from shared.auth import open_tokens
from shared.blind_index import FileIndexKeys, TransitIndexKeys
from shared.buckets import DAY, HOUR, MINUTE, Allowance, Buckets, Kind
from shared.certificates import trusted
from shared.clock import Clock, real_time
from shared.connections import BoundedConnection
from shared.countries import ALPHA_2
from shared.db import INFRASTRUCTURE, Busy, Database, Scope, Sql, UnitOfWork
from shared.disclosure import Consents, ConsentsOverHttp, NobodyAgreed
from shared.endpoints import forms_of, operations_of, router_for, without_policy
from shared.epochs import EpochsAway, FileEpochs
from shared.http import Runtime
from shared.metrics import Metrics
from shared.openapi import document
from shared.outgoing import Outgoing
from shared.private import PersonKeys
from shared.problems import install_problems
from shared.reacting import concerned, reacting
from shared.recording import Recorder, counting_refusals
from shared.sampling import KERNEL, Sampled
from shared.sealing import FileSeal, key_from
from shared.service_token import ServiceToken
from shared.set_back import Standing
from shared.settings import Settings
from shared.starting import begin
from shared.step_up import StepUp
from shared.surroundings import Bounds, Surroundings
from shared.telemetry import configure_logging
from shared.timers import keeping_time
from shared.tracing import Traced, telling
from shared.transit import TransitEpochs
from shared.verifying import Verifying
from shared.wiring import Wiring
from shared.worker import Worker

_A_KEY = Sql("SELECT person_id FROM person_keys LIMIT 1")
_A_ROW_KEY = Sql("SELECT name FROM row_keys LIMIT 1")
# What is found by a hash, in whichever table a service keeps these.
_A_TOKEN = {finds_by: Sql(f"SELECT key FROM {finds_by} LIMIT 1") for finds_by in ("search_tokens", "payee_tokens")}
_AGAIN_SECONDS = 2.0
# A plan of a grant's change takes a quarter of a megabyte in every connection, and of a hundred that each came to have one after the
# other a small server would have no memory left; nearly all that is asked is asked by some twenty statements.
_STATEMENTS_KEPT = 24
# A check over a whole table takes as long as it takes; nobody waits for it.
_VERIFY_SECONDS = 60

log = structlog.get_logger("service")


def create_app(wiring: Wiring, routers: Sequence[APIRouter], settings: Settings) -> FastAPI:
    """A service: its API, its worker, or both, as ``AVRR_ROLE`` says.

    Raises RuntimeError if a route has no policy row: nobody could use it, or everybody might.
    """
    works, answers = settings.role != "api", settings.role != "worker"
    databases = _databases(wiring.service.name, settings, works=works, answers=answers)
    # Who does one of both has one login, for what it does beside that, too.
    api, back = databases.get("api") or databases["worker"], databases.get("worker") or databases["api"]
    clock = Clock(settings.clock)
    wake = asyncio.Event()
    for database in databases.values():
        database.on_append = wake.set
    metrics = Metrics(wiring.service.name)
    own = settings.epochs_folder or settings.memory_folder
    if works and own is not None:
        metrics.room("data", own)
    standing = Standing(wiring.service, settings, back, metrics)
    worker = _worker(wiring, settings, back, wake, clock, standing, metrics) if works else None
    beside = wiring.beside(settings, back, metrics) if wiring.beside is not None and works else None
    verifying = _verifying(wiring, settings, back, metrics) if works else None

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(telling(wiring.service.name, settings.otlp_endpoint))
            for database in databases.values():
                await database.open()
                stack.push_async_callback(database.close)
            keys = await stack.enter_async_context(_person_keys(wiring, settings, lambda row: _is_there(wiring, databases.get("api"), row)))
            for database in databases.values():
                database.keys = keys
            app.state.runtime = Runtime(
                service=wiring.service.name,
                database=api,
                tokens=await stack.enter_async_context(open_tokens(settings, real_time)),
                clock=clock,
                policy=wiring.policy,
                operations=operations_of(routers),
                refusals=wiring.refusals,
                recorder=Recorder(api, wiring.access),
                step_up=StepUp(settings.step_up_acr_values, settings.step_up_max_age_seconds),
                consents=await stack.enter_async_context(_consents(wiring, settings)),
                buckets=Buckets(_allowances(settings)),
                mission_time_zone=settings.mission_time_zone,
                seal=_seal(wiring, settings),
                teller=wiring.teller,
                person_keys=keys,
            )
            app.state.standing = standing
            await stack.enter_async_context(standing.running(works=works))
            if answers:
                await stack.enter_async_context(_beginning(wiring, api))
            if worker is not None:
                await stack.enter_async_context(worker.running())
                if beside is not None:
                    await stack.enter_async_context(beside.running())
                if verifying is None:
                    raise RuntimeError(f"{wiring.service.name} verifies its rows while it works: it needs AVRR_VERIFY_DATABASE_URL")
                await stack.enter_async_context(verifying.running(keys))
                await stack.enter_async_context(counting_refusals(back, wiring.access, clock))
                await stack.enter_async_context(forgetting_answers(back, wiring.service.name))
                await stack.enter_async_context(keeping_time(back, wiring.service.name, wiring.by_name, wiring.timers, clock, standing.is_open))
            log.info("started", service=wiring.service.name, role=settings.role)
            yield

    common = router_for(
        lambda: forms_of(routers, wiring.by_name), lambda: {**(worker.status() if worker else {}), **standing.status(), **(beside.status() if beside else {}), **(verifying.status() if verifying else {})},
        databases, back, metrics,
        _sampled(wiring, back, verifying, metrics, lambda: {"now": clock.present(), "zone": settings.mission_time_zone, "heads": json.dumps(worker.heads() if worker else {})}) if works else [],
    )
    everything = (*routers, common) if settings.role != "worker" else (common,)
    nameless = without_policy(everything, wiring.policy.operations)
    if nameless:
        raise RuntimeError(f"{wiring.service.name}: no policy row for {', '.join(nameless)}")
    app = FastAPI(
        title=f"avrr {wiring.service.name}", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/v1/openapi.json" if settings.api_docs else None, redirect_slashes=False,
    )
    # An included router makes its routes once more when somebody first asks, and then looks through them twice each time.
    app.router.routes.extend(route for router in everything for route in router.routes)
    install_problems(app)
    _surround(app, wiring, settings, metrics)
    document(app, everything)
    return app


def _surround(app: FastAPI, wiring: Wiring, settings: Settings, metrics: Metrics) -> None:
    # By its own name the services beside it call it, and whoever reads its figures.
    hosts = frozenset({*settings.allowed_hosts, wiring.service.name, f"{wiring.service.name}-worker"})
    bounds = Bounds(hosts, settings.requests_in_flight, settings.request_seconds)
    if settings.otlp_endpoint is not None:
        app.add_middleware(Traced)
    app.add_middleware(Surroundings, metrics=metrics, bounds=bounds)


def _databases(name: str, settings: Settings, *, works: bool, answers: bool) -> dict[str, Database]:
    found: dict[str, Database] = {}
    if answers:
        found["api"] = Database(settings.api_login, f"{name}-api", settings.pool_size, notify=not works, statements_kept=_STATEMENTS_KEPT)
    if works:
        found["worker"] = Database(settings.worker_login, f"{name}-worker", 4)
    return found


def _worker(
    wiring: Wiring, settings: Settings, database: Database, wake: asyncio.Event, clock: Clock, standing: Standing, metrics: Metrics
) -> Worker:
    worker = Worker(
        wiring.service, settings, database, wake,
        reacting(wiring.service.name, wiring.heard, wiring.reactions, wiring.by_name, clock, wiring.concerning),
        concerned(wiring.heard, wiring.reactions),
        wiring.following, standing,
    )  # fmt: skip
    worker.measured(metrics)
    return worker


def _verifying(wiring: Wiring, settings: Settings, noting: Database, metrics: Metrics) -> Verifying | None:
    if settings.verify_database_url is None:
        return None
    url = settings.verify_database_url.get_secret_value()
    reading = Database(url, f"{wiring.service.name}-verify", 4, statement_seconds=_VERIFY_SECONDS)
    verifying = Verifying(wiring.service.name, wiring.by_name, wiring.checks, reading, noting)
    verifying.measured(metrics)
    return verifying


def _sampled(
    wiring: Wiring, back: Database, verifying: Verifying | None, metrics: Metrics, values: Callable[[], Mapping[str, object]]
) -> list[Sampled]:
    # What waits is read by the login that reads every row; the worker's reads no more than it works with.
    own = [] if verifying is None else [Sampled(wiring.measures, verifying.reading, metrics, values, login="verify")]
    return [Sampled(KERNEL, back, metrics, values), *own]


def _seal(wiring: Wiring, settings: Settings) -> FileSeal | None:
    # Needed only for as long as something is left that was sealed before papers had keys of their own.
    if not wiring.service.kept_files or settings.files_key is None:
        return None
    return FileSeal(key_from(settings.files_key.get_secret_value()))


@contextlib.asynccontextmanager
async def _person_keys(
    wiring: Wiring, settings: Settings, is_there: Callable[[Sql], Awaitable[bool]]
) -> AsyncIterator[PersonKeys]:
    name = wiring.service.name
    if settings.transit_url is not None and settings.transit_token_file is not None:
        async with Outgoing(verify=trusted(), trust_env=False, follow_redirects=False) as client:
            held = (client, settings.transit_url, name, settings.transit_token_file)
            index = TransitIndexKeys(*held) if wiring.service.finds_by else None
            yield PersonKeys(name, TransitEpochs(*held), index)
    elif settings.epochs_folder is not None:
        epochs = FileEpochs(settings.epochs_folder)
        if not epochs.begun():
            # A folder that was lost, or is another one, must not be taken for one that never was: what is sealed would
            # stay shut for ever and nobody would know before it is needed.
            if await is_there(_A_ROW_KEY) or (wiring.service.seals_persons and await is_there(_A_KEY)):
                raise RuntimeError(
                    f"{name}: wrapped keys are in its database, and none of the epochs that wrap them in "
                    "AVRR_EPOCHS_FOLDER. Put the folder back before anything else."
                )
            epochs.begin()
        hashes = FileIndexKeys(settings.epochs_folder) if wiring.service.finds_by else None
        if hashes is not None and not hashes.begun():
            # Likewise: nothing kept before would be found by a new key, and everybody would be registered again.
            if await is_there(_A_TOKEN[wiring.service.finds_by]):
                raise RuntimeError(
                    f"{name}: people or accounts are found by hashes in its database, and the key that makes them is not in the folder "
                    "index of AVRR_EPOCHS_FOLDER. Put the folder back before anything else."
                )
            hashes.begin()
        yield PersonKeys(name, epochs, hashes)
    else:
        raise RuntimeError(
            f"{name} seals what it keeps: it needs AVRR_TRANSIT_URL with AVRR_TRANSIT_TOKEN_FILE, or AVRR_EPOCHS_FOLDER"
        )


async def _is_there(wiring: Wiring, database: Database | None, row: Sql) -> bool:
    if database is None:
        # A worker alone begins no keys: whoever answers requests sees whether there were some, and begins them.
        return True
    scope = Scope(f"service:{wiring.service.name}", ALPHA_2)
    return await database.attempt(scope, lambda unit: unit.row(row)) is not None


@contextlib.asynccontextmanager
async def _beginning(wiring: Wiring, database: Database) -> AsyncIterator[None]:
    """Does what the service has to do once, before it serves; what cannot be done then is tried again while the block runs."""
    begins = wiring.begins
    if begins is None or await _begun(wiring, database, begins):
        yield
        return

    async def again() -> None:
        while not await _begun(wiring, database, begins):  # noqa: ASYNC110 -- nothing tells when the database is back
            await asyncio.sleep(_AGAIN_SECONDS)

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _begun(wiring: Wiring, database: Database, begins: Callable[[UnitOfWork], Awaitable[int]]) -> bool:
    try:
        while await database.attempt(Scope(f"service:{wiring.service.name}", ALPHA_2), begins):
            pass
    except Exception as fault:  # noqa: BLE001 -- a service that does all the rest is worth more than none
        level = log.warning if isinstance(fault, (*INFRASTRUCTURE, Busy, EpochsAway)) else log.error
        level("not_begun", service=wiring.service.name, kind=type(fault).__name__)
        return False
    return True


@contextlib.asynccontextmanager
async def _consents(wiring: Wiring, settings: Settings) -> AsyncIterator[Consents]:
    if wiring.service.archives or "counselling" not in wiring.service.asks or settings.role == "worker":
        yield NobodyAgreed()
        return
    url, client_id, secret = settings.counselling_url, settings.service_client_id, settings.service_client_secret
    if url is None or client_id is None or secret is None:
        raise RuntimeError(
            f"{wiring.service.name} asks counselling before it tells anybody outside: it needs AVRR_COUNSELLING_URL, "
            "AVRR_SERVICE_CLIENT_ID and AVRR_SERVICE_CLIENT_SECRET"
        )
    # A proxy from the environment would carry loopback addresses off this machine.
    async with Outgoing(verify=trusted(), trust_env=False, follow_redirects=False) as client:
        token = ServiceToken(client, settings.oidc_issuer, client_id, secret, settings.service_scope)
        yield ConsentsOverHttp(client, url, token, token.forget)


def _allowances(settings: Settings) -> dict[Kind, Allowance]:
    return {
        "write": Allowance(settings.writes_per_minute, MINUTE),
        "read": Allowance(settings.reads_per_minute, MINUTE),
        "search": Allowance(settings.searches_per_minute, MINUTE),
        "person_search": Allowance(settings.person_searches_per_day, DAY),
        "disclosure": Allowance(settings.disclosures_per_minute, MINUTE),
        "export": Allowance(settings.exports_per_hour, HOUR),
        "held": Allowance(settings.held_per_hour, HOUR),
    }


def serve(wiring: Wiring, routers: Sequence[APIRouter]) -> None:
    """Runs one service until it is told to stop."""
    settings = Settings()
    configure_logging(settings.log_level)
    app = create_app(wiring, routers, settings)
    begin()
    uvicorn.run(
        app, host=settings.host, port=settings.port or wiring.service.port,
        log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5, timeout_keep_alive=30,
        http=BoundedConnection, ws="none", proxy_headers=False,
    )
