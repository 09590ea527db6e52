"""The real returns behind the portal, for tests of its pages about cases; no other service answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

import httpx
from pydantic import SecretStr

from services.portal.client import Services
from services.portal.pages import (
    assessments,
    case_family,
    cases,
    corrections,
    ordering,
    screening,
    tickets,
)
from services.portal.pages.frame import NotSignedIn, Turned, not_signed_in, turned
from services.portal.pages.log_selection import SERVICES
from services.portal.settings import PortalSettings
from services.returns.domain.person import RecordConsent
from shared.auth import open_tokens
from shared.certificates import trusted
from shared.clock import Clock
from shared.settings import Settings
from tests.integration.any_service import app_of
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.person import Portal
from tests.integration.reintegration.office import Register
from tests.integration.returns.mission import Attempt, Mission, family

URL = "http://127.0.0.1:8002"


@dataclass(frozen=True)
class Returns:
    """The service behind the portal, its cases, and what counselling would answer it."""

    mission: Mission
    register: Register

    async def coming(self) -> Attempt:
        """A family that is about to leave and agreed that the office is told of it."""
        attempt = await self.mission.brought_to("cleared_to_board", *family())
        for person_id in attempt.adults:
            agreed = RecordConsent(consent="transfer", active=True, recipient_country="TR", expires_on=date(2100, 1, 1))
            await self.mission.note(person_id, agreed)
        return attempt


@asynccontextmanager
async def returns_behind(portal: Portal, settings: PortalSettings, make_database: MakeDatabase) -> AsyncIterator[Returns]:
    """The portal with returns behind it and nobody else."""
    nowhere = SecretStr("postgresql://nowhere")
    told = Settings(
        oidc_issuer=settings.oidc_issuer, nats_url="nats://127.0.0.1:4222", api_database_url=nowhere,
        worker_database_url=nowhere, allowed_hosts=("127.0.0.1",),
    )  # fmt: skip
    async with open_tokens(told, portal.hands) as tokens:
        found = Returns(Mission(await make_database("returns")), Register())
        app = app_of("returns", told, found.mission.database, tokens, clock=Clock("real"))
        app.state.runtime.consents = found.register
        async with httpx.AsyncClient(verify=trusted(), mounts={URL: httpx.ASGITransport(app)}) as client:
            portal.app.state.services = Services(client, {**dict.fromkeys(SERVICES, "http://127.0.0.1:1"), "returns": URL})
            portal.app.include_router(cases.router)
            portal.app.include_router(case_family.router)
            portal.app.include_router(corrections.router)
            portal.app.include_router(assessments.router)
            portal.app.include_router(screening.router)
            portal.app.include_router(tickets.router)
            portal.app.include_router(ordering.router)
            portal.app.add_exception_handler(Turned, turned)
            portal.app.add_exception_handler(NotSignedIn, not_signed_in)
            yield found
