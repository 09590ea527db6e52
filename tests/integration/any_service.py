"""Any of the services as a test runs it in its own process: its real routes, over a database of its own."""

from importlib import import_module

from fastapi import APIRouter, FastAPI

from shared.auth import Tokens
from shared.clock import Clock
from shared.endpoints import operations_of
from shared.http import Runtime
from shared.recording import Recorder
from shared.service import create_app
from shared.settings import Settings
from shared.step_up import StepUp
from shared.wiring import Wiring
from tests.integration.conftest import ServiceDatabase

REPLAYED = Clock("replay")


def app_of(
    service: str, settings: Settings, database: ServiceDatabase, tokens: Tokens, *, clock: Clock = REPLAYED,
    step_up: StepUp | None = None,
) -> FastAPI:  # fmt: skip
    """The service's application, without a worker."""
    wiring: Wiring = import_module(f"services.{service}.wiring").WIRING
    router: APIRouter = import_module(f"services.{service}.routes").router
    app = create_app(wiring, (router,), settings)
    app.state.runtime = Runtime(
        service=service, database=database.api, tokens=tokens, clock=clock, policy=wiring.policy,
        operations=operations_of((router,)), refusals=wiring.refusals, recorder=Recorder(database.api, wiring.access),
        step_up=step_up or StepUp(), person_keys=database.person_keys,
        teller=wiring.teller,
    )  # fmt: skip
    return app
