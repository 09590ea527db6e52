"""The archive behind the portal, and the log that it archives, moved by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from pydantic import SecretStr

from ops.supervisor import Running
from services.portal.client import Services
from services.portal.pages import archive, archive_entries, integrity
from services.portal.pages.frame import NotSignedIn, Turned, not_signed_in, turned
from services.portal.pages.log_selection import SERVICES
from services.portal.settings import PortalSettings
from shared.auth import open_tokens
from shared.certificates import trusted
from shared.clock import Clock
from shared.settings import Settings
from shared.step_up import StepUp
from tests.integration.any_service import app_of
from tests.integration.audit.archived_log import ArchivedLog
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.person import Portal

URL = "http://127.0.0.1:8004"


@asynccontextmanager
async def archive_behind(
    portal: Portal, settings: PortalSettings, make_database: MakeDatabase, servers: Running
) -> AsyncIterator[ArchivedLog]:
    """The portal with the archive behind it and nobody else."""
    nowhere = SecretStr("postgresql://nowhere")
    told = Settings(
        oidc_issuer=settings.oidc_issuer, nats_url="nats://127.0.0.1:4222", api_database_url=nowhere,
        worker_database_url=nowhere, allowed_hosts=("127.0.0.1",),
    )  # fmt: skip
    server = servers.postgres
    async with (
        open_tokens(told, portal.hands) as tokens,
        ArchivedLog.opened(make_database, lambda name: server.url_for(name, server.user, server.password)) as archived,
    ):
        app = app_of("audit", told, archived.made, tokens, clock=Clock("real"), step_up=StepUp(present=portal.hands))
        async with httpx.AsyncClient(verify=trusted(), mounts={URL: httpx.ASGITransport(app)}) as client:
            portal.app.state.services = Services(client, {**dict.fromkeys(SERVICES, "http://127.0.0.1:1"), "audit": URL})
            portal.app.include_router(integrity.router)
            portal.app.include_router(archive.router)
            portal.app.include_router(archive_entries.router)
            portal.app.add_exception_handler(Turned, turned)
            portal.app.add_exception_handler(NotSignedIn, not_signed_in)
            yield archived
