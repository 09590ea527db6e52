"""The portal as a process."""

import contextlib
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from services.portal import sign_in
from services.portal.clearing import clearing
from services.portal.client import open_services
from services.portal.guard import METRICS, Guard, GuardBounds
from services.portal.packing import Packing
from services.portal.pages import (
    access_requests,
    approval_policies,
    archive,
    archive_entries,
    archive_searches,
    assessments,
    authorities,
    bank,
    bank_confirming,
    batches,
    bringing,
    brought_lists,
    case_family,
    cases,
    cash,
    consents,
    control,
    corrections,
    erasures,
    evidence,
    finance,
    findings,
    funds,
    home,
    identity,
    integrity,
    log,
    lost_payments,
    open_items,
    ordering,
    own_accounts,
    payees,
    periods,
    persons,
    plans,
    rates,
    report,
    screening,
    spot_checks,
    spreadsheets,
    surveys,
    tickets,
    vouchers,
)
from services.portal.pages.frame import NotSignedIn, Turned, busy, no_such_page, not_signed_in, turned
from services.portal.provider import ProviderAway
from services.portal.sessions import open_sessions
from services.portal.settings import PortalSettings
from services.portal.staff import StaffNames
from services.portal.static_files import PREFIX, StaticFiles
from services.portal.upload import Places
from shared.connections import BoundedConnection
from shared.db import Busy
from shared.metrics import Answered
from shared.starting import begin
from shared.telemetry import configure_logging
from shared.topology import PORTAL
from shared.tracing import Traced, telling


def create_app(settings: PortalSettings) -> FastAPI:
    """The portal's pages, with its sessions and everything that surrounds a request."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with telling(PORTAL.name, settings.otlp_endpoint):
            async with open_sessions(settings) as sessions, open_services(settings) as services, clearing(sessions):
                app.state.sessions = sessions
                app.state.services = services
                yield

    app = FastAPI(
        title="avrr portal", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.static = StaticFiles.load()
    app.state.places = Places()
    app.state.staff = StaffNames(settings.staff_list)
    app.mount(PREFIX, app.state.static)
    # An included router makes its routes once more when somebody first asks, and then looks through them twice each time.
    app.router.routes.extend(sign_in.router.routes)
    for pages in (
        home, persons, identity, consents, cases, case_family, corrections, assessments, screening, plans, finance, evidence, funds, payees, brought_lists, bringing, own_accounts, bank, bank_confirming, batches, cash, open_items, lost_payments, periods, rates, spreadsheets, control, authorities, approval_policies, surveys, spot_checks, vouchers, tickets, report, log, integrity, findings, archive, archive_entries, archive_searches, access_requests, erasures, ordering,
    ):  # fmt: skip
        app.router.routes.extend(pages.router.routes)

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response(status_code=200)

    @app.get("/readyz")
    async def readyz() -> Response:
        return Response(status_code=200 if await app.state.sessions.is_ready() else 503)

    figures = Answered()

    @app.get(METRICS)
    async def metrics() -> Response:
        return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)

    app.add_exception_handler(NotSignedIn, not_signed_in)
    app.add_exception_handler(Turned, turned)
    app.add_exception_handler(RequestValidationError, no_such_page)
    app.add_exception_handler(HTTPException, no_such_page)
    app.add_exception_handler(Busy, busy)
    app.add_exception_handler(ProviderAway, sign_in.provider_away)
    if settings.otlp_endpoint is not None:
        app.add_middleware(Traced)
    app.add_middleware(Packing)
    app.add_middleware(Guard, bounds=GuardBounds.of(settings), metrics=figures)
    return app


def serve() -> None:
    """Runs the portal until it is told to stop."""
    settings = PortalSettings()
    configure_logging(settings.log_level)
    app = create_app(settings)
    begin()
    uvicorn.run(
        app, host=settings.host, port=settings.port or PORTAL.port, log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=5, timeout_keep_alive=30, http=BoundedConnection, ws="none",
        proxy_headers=False,
    )


if __name__ == "__main__":
    serve()
