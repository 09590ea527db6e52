"""The nightly run of retention: asks who is due and that they are erased, on which a person decides; ends kept receipts."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
from pydantic import SecretStr

from ops.identity.clients import client_of, secret_of
from ops.identity.settings import is_loopback_url
from ops.operating import issuer_of
from ops.reaching import service_urls
from ops.retention.policy import Policy, read_policy
from ops.retention.report import Due, all_due
from ops.settings import CannotStart, OpsSettings
from ops.system import identity_folder
from shared.certificates import trusted
from shared.outgoing import Outgoing
from shared.service_token import ServiceToken

CLIENT: Final = "service-retention"
_ZONE: Final = "AVRR_MISSION_TIME_ZONE"
# What can have come between the report and the order: somebody asked, a hold was placed, a case begun; or that a service
# counts the day otherwise.
_OVERTAKEN: Final = frozenset({"erasure_requested", "legal_hold", "case_open", "person_erased", "not_due"})
# What is ordered of which service where a class ends; of persons that their erasure is asked for.
_ORDERS: Final = {
    "receipts": ("reintegration", "persons/{id}/end-kept-papers"), "payees": ("reintegration", "payees/{id}/delete-details"),
}  # fmt: skip

Token = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Nightly:
    """The services as the program that keeps count of the time reaches them, and the policy that it holds.

    ``token`` gives one that is good now, however long the night is. ``states_time`` tells services on a replayed clock which
    time it is.
    """

    client: httpx.AsyncClient
    urls: Mapping[str, str]
    token: Token
    policy: Policy
    zone: ZoneInfo
    states_time: bool = False

    async def report(self, now: datetime) -> list[Due]:
        """Everybody who is due; nothing is changed."""
        return [due async for due in all_due(self._ask, self.policy, self.zone, now)]

    async def run(self, now: datetime) -> list[Due]:
        """Asks for the erasure of everybody who is due and for whom nobody asked yet, and ends receipts and payees whose time is over;
        answers with those.
        """
        return [due for due in await self.report(now) if due.stands == "due" and await self.carry_out(due, now)]

    async def carry_out(self, due: Due, now: datetime) -> bool:
        """Gives the one order that the policy has for what is due; whether it was not given before nor overtaken."""
        headers = {
            "Authorization": f"Bearer {await self.token()}", **({"Avrr-Now": now.isoformat()} if self.states_time else {}),
            # The same day's same question, whoever asks it again.
            "Idempotency-Key": f"retention-{due.person_id}-{due.due_on}",
        }  # fmt: skip
        service, order = _ORDERS.get(due.kept_as, ("counselling", "persons/{id}/request-erasure-when-due"))
        path = f"/v1/{order.format(id=due.person_id)}"
        answer = await self.client.post(self.urls[service] + path, json={}, headers=headers)
        if answer.is_success:
            return not answer.json()["repeated"]
        if answer.status_code == HTTPStatus.CONFLICT and answer.json()["code"] in _OVERTAKEN:
            return False
        raise CannotStart("retention_refused", f"{service} refuses what the retention policy asks for; see its log.")

    async def _ask(self, service: str, path: str, query: Mapping[str, Any]) -> Any:
        stated = {name: value for name, value in query.items() if value is not None}
        headers = {"Authorization": f"Bearer {await self.token()}"}
        answer = await self.client.get(self.urls[service] + path, params=stated, headers=headers)
        if not answer.is_success:
            raise CannotStart("retention_refused", f"{service} does not say what it keeps; see its log.")
        return answer.json()


@asynccontextmanager
async def nightly(settings: OpsSettings) -> AsyncIterator[Nightly]:
    """The running system's services, asked by the client that may do nothing else; `CannotStart` says what is missing or away."""
    urls, zone = service_urls(settings), ZoneInfo(os.environ.get(_ZONE, "Europe/Sarajevo"))
    async with Outgoing(verify=trusted(), timeout=30, trust_env=False, follow_redirects=False) as client:
        try:
            yield Nightly(client, urls, _own_token(settings, client), read_policy(), zone)
        except httpx.TransportError:
            raise CannotStart("not_running", "The services do not answer: what is left is done at the next run.") from None


def _own_token(settings: OpsSettings, client: httpx.AsyncClient) -> Token:
    issuer, client_id, secret = issuer_of(settings), settings.retention_client_id, settings.retention_client_secret
    if secret is None:
        # What is made up for development is never sent to another provider.
        if settings.oidc_issuer is not None or not is_loopback_url(issuer):
            raise CannotStart(
                "retention_secret_missing", f"Say the secret of the client {client_id} at {issuer} in AVRR_RETENTION_CLIENT_SECRET."
            )
        client_id, known = CLIENT, client_of(CLIENT)
        assert known is not None
        secret = SecretStr(secret_of(identity_folder(settings), known))
    own = ServiceToken(client, issuer, client_id, secret, settings.service_scope)

    async def token() -> str:
        try:
            return await own()
        except (httpx.HTTPError, TimeoutError):
            raise CannotStart(
                "retention_token_missing", f"The identity provider at {issuer} gives the client {client_id} no token, or does not answer."
            ) from None

    return token


def lines(found: list[Due], policy: Policy) -> list[str]:
    """The report for a terminal: each person by id, then how many of each class."""
    shown = [
        f"{due.person_id} {due.kept_as:16} since {due.since} due {due.due_on} {due.stands}"
        + (f" for {due.refused_for}" if due.refused_for else "")
        for due in found
    ]
    counts = [
        f"{name}: {len(of)} due, {sum(due.stands == 'on_hold' for due in of)} on legal hold, "
        f"{sum(due.stands == 'asked' for due in of)} asked for already, {sum(due.stands == 'refused' for due in of)} refused"
        for name in policy.classes
        if (of := [due for due in found if due.kept_as == name])
    ]
    return [*shown, *(counts or ["Nobody is due."])]


def present() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)
