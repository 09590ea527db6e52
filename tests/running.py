"""The whole system, running for real on the replay clock: one for all tests of a folder that use it from outside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import httpx
import pytest

from ops.demo_year import exchange, granting
from ops.demo_year.calling import Caller
from ops.demo_year.people import Dice, day_of, moment
from ops.demo_year.script import Journey
from ops.demo_year.wire import Wire
from ops.identity.client import PersonaTokens
from ops.identity.personas import persona
from ops.settings import OpsSettings
from ops.supervisor import Running
from ops.system import Addresses, addresses, development_secret, make_system
from services.reintegration.domain.authority import GiveAuthority
from services.reintegration.domain.payee import ConfirmPayee
from services.reintegration.domain.tranches import ReleaseTranche
from shared.ids import uuid7
from shared.messages import Command
from tests.hurry import HURRIED

# One approves all that the cap of a person lets ask for: how many do otherwise is tried elsewhere.
ALONE = Decimal(3000)
# What a mission's own processes say of each request is looked at as well (tests/e2e/test_canaries.py).
TALKATIVE = {**HURRIED, "AVRR_LOG_LEVEL": "info"}


@dataclass(frozen=True)
class Mission:
    """A running system with somebody who calls it."""

    settings: OpsSettings
    running: Running
    addresses: Addresses
    client: httpx.AsyncClient
    caller: Caller
    tokens: PersonaTokens
    vendors: dict[str, UUID] = field(default_factory=dict)

    async def release(self, number: int, country: str) -> ReleaseTranche:
        """The order to pay a tranche to an invented vendor of a country, made once: stated by its office, confirmed by another."""
        if country not in self.vendors:
            payee_id = uuid7()
            office, order = f"receiving-office-{country.lower()}", granting.vendor(country, f"V-{payee_id.hex[-12:]}")
            await self.done("reintegration", office, payee_id, order, moment(1, 12))
            await self.done("reintegration", "finance-reconciler", payee_id, ConfirmPayee(), moment(1, 13))
            self.vendors[country] = payee_id
        return ReleaseTranche(number=number, payee_id=self.vendors[country], method="office_account")

    async def give(
        self, service: str, persona: str, id: UUID, order: Command, at: datetime, key: str | None = None
    ) -> httpx.Response:
        return await self.caller.give(service, persona, id, order, at, key or str(uuid7()))

    async def done(self, service: str, persona: str, id: UUID, order: Command, at: datetime) -> None:
        answer = await self.give(service, persona, id, order, at)
        assert answer.is_success, (type(order).__name__, answer.status_code, answer.text)

    async def refused(self, service: str, persona: str, id: UUID, order: Command, at: datetime) -> tuple[int, str]:
        answer = await self.give(service, persona, id, order, at)
        assert not answer.is_success
        return answer.status_code, answer.json()["code"]

    async def read(self, service: str, persona: str, path: str) -> httpx.Response:
        return await self.caller.read(service, persona, path)

    async def raw(
        self, method: str, service: str, path: str, persona: str | None, body: object = None, **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if persona is not None:
            sent["Authorization"] = f"Bearer {await self.tokens.token(persona)}"
        return await self.client.request(method, self.addresses.services[service] + path, json=body, headers=sent)


@asynccontextmanager
async def started(settings: OpsSettings, *, restored: bool = False, **environment: str) -> AsyncIterator[Mission]:
    """The system with its data in these settings' folder, ready; one that was ``restored`` answers nobody before it is accepted.

    ``environment`` is what its services and its portal are told besides.
    """
    system = make_system(settings, clock="replay", environment={**TALKATIVE, **environment})
    async with system as running, httpx.AsyncClient(timeout=30, transport=Wire(), trust_env=False) as client:
        found = addresses(running, "replay")
        tokens = PersonaTokens(found.issuer, development_secret(settings), client=client)
        caller = Caller(client, found.services, tokens)
        made = Mission(settings, running, found, client, caller, tokens)
        if not restored:
            await caller.learn()
            await _open(made)
        yield made


async def _open(made: Mission) -> None:
    # Requests are asked for no papers; without a policy the example asks for some.
    await made.done("reintegration", "manager", granting.POLICY_ID, granting.POLICY.model_copy(update={"one_approver_up_to": granting.euro(ALONE)}), moment(0, 7))
    # Whoever approves needs authority for it.
    opening = Journey(Dice(0))
    granting.authorise(opening, 0)
    exchange.record(opening, 0)
    deputys = GiveAuthority(
        holder_id=persona("deputy").subject, role="finance_approver", up_to=granting.euro(ALONE), valid_from=day_of(0),
        valid_until=date(2035, 12, 31),
    )  # fmt: skip
    opening.give(moment(0, 8), "chief-of-mission", opening.dice.id(0), deputys)
    for step in opening.in_order():
        await made.done(step.service, step.persona, step.id, step.order, step.at)


# Not for the session: its processes look after their work also when no test has any for them, and would until the run ends.
@pytest.fixture(scope="package")
async def mission(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mission]:
    async with started(OpsSettings(data=tmp_path_factory.mktemp("mission") / "data")) as made:
        yield made
