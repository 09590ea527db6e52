"""Returns' API as callers with real tokens meet it, with the counselling service that it asks for consents behind it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import SecretStr

from services.counselling import routes as counselling_routes
from services.counselling import wiring as counselling
from services.counselling.domain.person import GiveConsent, RegisterPerson, WithdrawConsent
from services.returns.domain.person import RecordConsent
from services.returns.routes import router
from services.returns.wiring import WIRING
from shared.actors import Actor
from shared.auth import Tokens
from shared.clock import Clock
from shared.db import UnitOfWork
from shared.disclosure import Consents, ConsentsOverHttp
from shared.endpoints import operations_of
from shared.handling import transact
from shared.http import Runtime
from shared.ids import uuid7
from shared.jwks import VerificationKey, usable_keys
from shared.messages import Command, Context
from shared.policy import EVERYWHERE
from shared.recording import Recorder
from shared.service import create_app
from shared.settings import Settings
from tests.given import NOON, staff
from tests.integration.conftest import ServiceDatabase
from tests.integration.registering import given
from tests.integration.returns.mission import ANNA, Attempt, Mission

KEY = ECKey.generate_key("P-256", {"kid": "test"})
SETTINGS = Settings(
    oidc_issuer="https://identity.example", nats_url="nats://127.0.0.1:4222", clock="replay",
    api_database_url=SecretStr("postgresql://nowhere"), worker_database_url=SecretStr("postgresql://nowhere"),
    allowed_hosts=("returns.test", "counselling.test"),
)  # fmt: skip
APP = create_app(WIRING, (router,), SETTINGS)
COUNSELLING = create_app(counselling.WIRING, (counselling_routes.router,), SETTINGS)
SERVICE = Actor(
    person_id="client:service-returns", roles=frozenset({"service"}), organisation="avrr", countries=frozenset(),
    sites=frozenset(), acr="", auth_time=None,
)  # fmt: skip
EARLIER = NOON - timedelta(days=30)


class Keys:
    """The provider's published keys, at hand."""

    async def key(self, kid: str) -> VerificationKey | None:
        return usable_keys({"keys": [KEY.as_dict(private=False)]}, frozenset({"ES256"})).get(kid)


def token(by: Actor) -> str:
    second = int(datetime.now(UTC).timestamp())
    claims: dict[str, object] = {
        "iss": SETTINGS.oidc_issuer, "aud": SETTINGS.oidc_audience, "sub": by.person_id, "iat": second,
        "exp": second + 300, "roles": sorted(by.roles), "org": by.organisation, "countries": sorted(by.countries),
        "sites": sorted(by.sites),
    }  # fmt: skip
    if by.acr:
        claims |= {"acr": by.acr, "auth_time": second - 60}
    return jwt.encode({"alg": "ES256", "kid": "test", "typ": "at+jwt"}, claims, KEY)


class Api:
    """The service's routes; each request is made by somebody, at the time that a test says."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(
        self, path: str, by: Actor, at: datetime = NOON, correlation: str | None = None, **query: str
    ) -> httpx.Response:
        named = {name.removesuffix("_"): value for name, value in query.items()}
        headers = self._headers(by, at)
        if correlation is not None:
            headers["X-Correlation-Id"] = correlation
        return await self._client.get(f"/v1/{path}", params=named, headers=headers)

    async def get_in_real_time(self, path: str, by: Actor) -> httpx.Response:
        """Without a stated time, for a replay is not held to people's pace."""
        return await self._client.get(f"/v1/{path}", headers={"Authorization": f"Bearer {token(by)}"})

    async def post(
        self, path: str, body: Mapping[str, object], by: Actor, at: datetime = NOON, match: str | None = None,
        key: str = "",
    ) -> httpx.Response:  # fmt: skip
        headers = {**self._headers(by, at), "Idempotency-Key": key or str(uuid7())}
        if match is not None:
            headers["If-Match"] = match
        return await self._client.post(f"/v1/{path}", json=body, headers=headers)

    @staticmethod
    def _headers(by: Actor, at: datetime) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(by)}", "Avrr-Now": at.isoformat()}


def runtime(mission: Mission, consents: Consents) -> Runtime:
    return Runtime(
        service="returns", database=mission.database.api, tokens=Tokens(SETTINGS, Keys(), lambda: datetime.now(UTC)),
        clock=Clock("replay"), policy=WIRING.policy, operations=operations_of((router,)), refusals=WIRING.refusals,
        recorder=Recorder(mission.database.api, WIRING.access), consents=consents, teller=WIRING.teller,
    )  # fmt: skip


def runtime_of_counselling(database: ServiceDatabase) -> Runtime:
    return Runtime(
        service="counselling", database=database.api, tokens=Tokens(SETTINGS, Keys(), lambda: datetime.now(UTC)),
        clock=Clock("replay"), policy=counselling.WIRING.policy,
        operations=operations_of((counselling_routes.router,)), refusals=counselling.WIRING.refusals,
        recorder=Recorder(database.api, counselling.WIRING.access),
        person_keys=database.person_keys, teller=counselling.WIRING.teller,
    )  # fmt: skip


async def away(*_: object) -> None:
    """Counselling, where nobody answers."""
    raise httpx.ConnectError("nobody there")


def asking(client: httpx.AsyncClient) -> ConsentsOverHttp:
    async def own_token() -> str:
        return token(SERVICE)

    return ConsentsOverHttp(client, "http://counselling.test", own_token)


class Register:
    """Who agreed to what, as counselling has it and as returns has heard of it, which need not be the same."""

    def __init__(self, mission: Mission, database: ServiceDatabase) -> None:
        self._mission = mission
        self._database = database

    async def agree(self, attempt: Attempt, country: str = "TR", last_day: date | None = None) -> None:
        """Every adult of a case agrees that the office in a country is told of them, and returns hears of it."""
        for person_id in attempt.adults:
            await self._give(
                person_id,
                RegisterPerson(sex="female", birth_year=1990, country_of_origin=country, site="trc_lipa"),
                GiveConsent(
                    consent="data", text_version="v1", language="tur", method="signature", given_at=EARLIER
                ),
                GiveConsent(
                    consent="transfer", text_version="v1", language="tur", method="signature", given_at=EARLIER,
                    recipient_country=country, expires_on=last_day,
                ),
            )  # fmt: skip
            await self._mission.note(
                person_id, RecordConsent(consent="transfer", active=True, recipient_country=country, expires_on=last_day)
            )

    async def take_back(self, person_id: UUID) -> None:
        """A person takes the transfer consent back; returns has not heard of it yet."""
        await self._give(person_id, WithdrawConsent(consent="transfer"))

    async def _give(self, person_id: UUID, *commands: Command) -> None:
        # Agreed the day before, so that a last day may be the present one.
        context = Context(ANNA, NOON - timedelta(days=1))

        async def work(unit: UnitOfWork) -> None:
            for command in commands:
                await given(unit, counselling.PERSON, person_id, command, context)
                await unit.flush()

        await transact(self._database.api, EVERYWHERE.scope(ANNA), work)


def in_json(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


BAGHDAD = staff("sara", "receiving_office", countries=("IQ",))
FINANCE = staff("lejla", "finance_approver", "finance_payer")
AUDITOR = staff("amra", "auditor")
