"""The real reintegration behind the portal, for tests of its pages; no other service answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from pydantic import SecretStr

from services.portal.client import Services
from services.portal.pages import (
    bank,
    bank_confirming,
    bringing,
    brought_lists,
    control,
    lost_payments,
    open_items,
    ordering,
    spot_checks,
    surveys,
    vouchers,
)
from services.portal.pages.frame import NotSignedIn, Turned, not_signed_in, turned
from services.portal.pages.log_selection import SERVICES
from services.portal.settings import PortalSettings
from services.portal.upload import Places
from shared.auth import open_tokens
from shared.certificates import trusted
from shared.clock import Clock
from shared.settings import Settings
from shared.step_up import StepUp
from tests.integration.any_service import app_of
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.person import Portal
from tests.integration.reintegration.office import House

URL = "http://127.0.0.1:8003"


@asynccontextmanager
async def reintegration_behind(portal: Portal, settings: PortalSettings, make_database: MakeDatabase) -> AsyncIterator[House]:
    """The portal with reintegration behind it and nobody else."""
    nowhere = SecretStr("postgresql://nowhere")
    told = Settings(
        oidc_issuer=settings.oidc_issuer, nats_url="nats://127.0.0.1:4222", api_database_url=nowhere,
        worker_database_url=nowhere, allowed_hosts=("127.0.0.1",),
    )  # fmt: skip
    async with open_tokens(told, portal.hands) as tokens:
        house = House(await make_database("reintegration"))
        app = app_of("reintegration", told, house.made, tokens, clock=Clock("real"), step_up=StepUp(present=portal.hands))
        app.state.runtime.consents = house.register
        async with httpx.AsyncClient(verify=trusted(), mounts={URL: httpx.ASGITransport(app)}) as client:
            portal.app.state.services = Services(client, {**dict.fromkeys(SERVICES, "http://127.0.0.1:1"), "reintegration": URL})
            portal.app.state.places = Places()
            for pages in (surveys, spot_checks, vouchers, control, open_items, lost_payments, brought_lists, bringing, bank, bank_confirming, ordering):
                portal.app.include_router(pages.router)
            portal.app.add_exception_handler(Turned, turned)
            portal.app.add_exception_handler(NotSignedIn, not_signed_in)
            yield house
