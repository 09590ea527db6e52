"""The one module that speaks HTTP to the services: time limits, the caller's own token, and answers as they came."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import structlog

from services.portal.sessions import Session
from services.portal.settings import PortalSettings
from services.portal.upload import SentFile
from shared import tracing
from shared.certificates import trusted
from shared.outgoing import Outgoing

Service = Literal["counselling", "returns", "reintegration", "audit"]

_TIMEOUT = httpx.Timeout(10.0, connect=2.0)
# A file is looked at whole before its service answers.
_FILE_TIMEOUT = httpx.Timeout(15.0, connect=2.0)
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=20)
_LIST = "/v1/forms"

log = structlog.get_logger("portal")


class ServiceAway(Exception):
    """A service did not answer; ``sent`` says that a change may have been recorded all the same."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("service_away")
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said: a body with an ETag, or a problem with its code and sentence."""

    status: int
    body: Any
    etag: str | None
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether it was done or shown."""
        return self.status < httpx.codes.BAD_REQUEST

    @property
    def code(self) -> str:
        """The stable code of a problem."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    @property
    def sentence(self) -> str:
        """The service's own sentence about a problem."""
        return str(self.body.get("title", "")) if isinstance(self.body, dict) else ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file whose head has come: its pieces are read once, and it is closed whatever became of them."""

    service: Service
    response: httpx.Response

    @property
    def headers(self) -> Mapping[str, str]:
        """What its service says of it."""
        return self.response.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file as it comes; raises `ServiceAway` where it ends before it is whole."""
        try:
            async for piece in self.response.aiter_bytes():
                yield piece
        except httpx.HTTPError as fault:
            log.warning("service_away", service=self.service, kind=type(fault).__name__)
            raise ServiceAway(sent=False) from None

    async def close(self) -> None:
        """Reads no more of it."""
        await self.response.aclose()


@dataclass(frozen=True, slots=True)
class Form:
    """How a command is given, as its service says."""

    service: Service
    name: str
    label: str
    description: str
    path: str
    schema: Mapping[str, Any]


@asynccontextmanager
async def open_services(settings: PortalSettings) -> AsyncIterator["Services"]:
    """The services behind this portal, with one pool of connections."""
    # A proxy from the environment would carry people's tokens off this machine.
    async with Outgoing(
        verify=trusted(), timeout=_TIMEOUT, limits=_LIMITS, trust_env=False, follow_redirects=False
    ) as client:
        yield Services(
            client,
            {
                "counselling": settings.counselling_url,
                "returns": settings.returns_url,
                "reintegration": settings.reintegration_url,
                "audit": settings.audit_url,
            },
        )


class Services:
    """Asks and orders in somebody's name."""

    def __init__(self, client: httpx.AsyncClient, urls: Mapping[Service, str]) -> None:
        self._client = client
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}
        self._forms: dict[tuple[Service, str], Form] = {}

    async def ask(
        self, session: Session, service: Service, path: str, /, **query: str | int | Sequence[str] | None
    ) -> Answer:
        """One question; asked once more if the connection broke, since asking changes nothing."""
        asked = {name: value for name, value in query.items() if value not in (None, "")}
        try:
            return await self._sent(session, "GET", service, path, params=asked)
        except ServiceAway:
            return await self._sent(session, "GET", service, path, params=asked)

    async def ask_under(self, session: Session, service: Service, path: str, correlation_id: str) -> Answer:
        """One of several questions to several services that belong together, and are on record under one id."""
        headers = {"X-Correlation-Id": correlation_id}
        try:
            return await self._sent(session, "GET", service, path, headers=headers)
        except ServiceAway:
            return await self._sent(session, "GET", service, path, headers=headers)

    async def search(self, session: Session, service: Service, path: str, body: Mapping[str, Any]) -> Answer:
        """One question that says something about a person, and so stands in no address; it changes nothing either."""
        try:
            return await self._sent(session, "POST", service, path, json=dict(body))
        except ServiceAway:
            return await self._sent(session, "POST", service, path, json=dict(body))

    async def order(
        self, session: Session, service: Service, path: str, body: Mapping[str, Any], key: str, version: str | None
    ) -> Answer:
        """One command under its key; whoever gets no answer sends the same again, and it is recorded once."""
        headers = {"Idempotency-Key": key}
        if version:
            headers["If-Match"] = version
        return await self._sent(session, "POST", service, path, json=dict(body), headers=headers)

    async def send_file(
        self, session: Session, service: Service, path: str, file: SentFile, **query: str | None
    ) -> Answer:
        """A file to where it is kept; whoever gets no answer sends the same again, and it is recorded once."""
        said = {name: value for name, value in query.items() if value}
        headers = {"Content-Type": file.media_type, "Content-Length": str(len(file.content))}
        return await self._sent(
            session, "PUT", service, path, params=said, content=file.pieces(), headers=headers, timeout=_FILE_TIMEOUT
        )

    async def fetch(self, session: Session, service: Service, path: str, **query: str | None) -> Fetched | Answer:
        """A file, to be read and closed; what its service says where it does not hand it out."""
        headers = {**tracing.headers(), "Authorization": f"Bearer {session.access_token}"}
        said = {name: value for name, value in query.items() if value}
        request = self._client.build_request("GET", self._urls[service] + path, headers=headers, params=said)
        try:
            response = await self._client.send(request, stream=True)
            if response.is_success:
                return Fetched(service, response)
            try:
                await response.aread()
            finally:
                await response.aclose()
        except httpx.HTTPError as fault:
            log.warning("service_away", service=service, kind=type(fault).__name__)
            raise ServiceAway(sent=False) from None
        return _answer(response, sent=False)

    async def form(self, session: Session, service: Service, name: str) -> Form | None:
        """How a command is given; a service is asked for its forms once."""
        if (service, name) not in self._forms:
            answer = await self.ask(session, service, _LIST)
            if answer.ok:
                for found in answer.body:
                    self._forms[service, found["name"]] = Form(
                        service, found["name"], found["label"], found["description"], found["path"], found["body"]
                    )
        return self._forms.get((service, name))

    async def _sent(
        self, session: Session, method: str, service: Service, path: str, **rest: Any
    ) -> Answer:
        stated = {"Authorization": f"Bearer {session.access_token}", **rest.pop("headers", {})}
        try:
            with tracing.span("ask", "client", service=service):
                headers = {**tracing.headers(), **stated}
                answer = await self._client.request(method, self._urls[service] + path, headers=headers, **rest)
        except httpx.ConnectError as fault:
            log.warning("service_away", service=service, kind=type(fault).__name__)
            raise ServiceAway(sent=False) from None
        except httpx.HTTPError as fault:
            log.warning("service_away", service=service, kind=type(fault).__name__)
            raise ServiceAway(sent=method != "GET") from None
        return _answer(answer, sent=method != "GET")


def _answer(answer: httpx.Response, *, sent: bool) -> Answer:
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise ServiceAway(sent=sent)
    try:
        body: Any = answer.json()
    except ValueError:
        body = answer.text
    return Answer(answer.status_code, body, answer.headers.get("ETag"), answer.headers)
