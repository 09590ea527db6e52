"""What surrounds every request to the portal: whose page may send something, what is bounded, what every answer says."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from services.portal.file_forms import FILE_FORMS
from services.portal.guard import MAX_BODY_BYTES, Guard, GuardBounds, may_come_slowly
from shared.metrics import Answered

ORIGIN = "https://portal.example"
ISSUER = "https://identity.example"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    f"form-action 'self' {ISSUER}; frame-ancestors 'none'; base-uri 'none'"
)
UPLOAD = "/grants/01890a5d-ac96-774b-bcce-b302099a8057/evidence"
PAPER = "/persons/01890a5d-ac96-774b-bcce-b302099a8057/consents/01890a5d-ac96-774b-bcce-b302099a8058"
PAPER_BYTES = FILE_FORMS["/grants/{grant_id}/evidence"].body_bytes
HASHED = "/static/portal.0123abcd.css"


@asynccontextmanager
async def guarded(
    seconds: float = 20.0, in_flight: int = 200, begun: asyncio.Event | None = None, uploads: int = 32
) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()

    @app.api_route("/page", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    async def page(request: Request) -> Response:
        return Response(await request.body(), headers={"cache-control": "public", "content-security-policy": "default-src *"})

    @app.post("/grants/{id}/evidence")
    @app.post("/grants/{id}/evidence/{other}")
    @app.post("/persons/{id}/consents/{other}")
    @app.post("/persons/{id}/consents/{other}/paper")
    @app.post("/bank-files/{id}/confirm")
    @app.post("/bring/{id}")
    async def upload(id: str, request: Request) -> Response:
        return await brought(request)

    @app.post("/bank-files")
    async def brought(request: Request) -> Response:
        # In place of a session, which the page itself looks for.
        if "x-signed-in" in request.headers:
            may_come_slowly(request)
        if begun is not None:
            begun.set()
        return Response(headers={"x-length": str(len(await request.body()))})

    @app.get("/static/{name:path}")
    async def static(name: str) -> Response:
        return Response(b"", 404 if name.startswith("missing") else 200)

    @app.get("/broken")
    async def broken() -> Response:
        raise RuntimeError("what-somebody-typed")

    @app.get("/slow")
    async def slow() -> Response:
        if begun is not None:
            begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response()

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response("figures")

    bounds = GuardBounds(ORIGIN, ISSUER, frozenset({"portal.example"}), in_flight, seconds, uploads)
    app.add_middleware(Guard, bounds=bounds)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        yield client


# Sec-Fetch-Site, Origin, and whether a change may come from there.
SENDERS = [
    ("same-origin", None, True),
    ("same-origin", ORIGIN, True),
    ("same-origin", "null", True),
    ("none", None, True),
    ("same-site", ORIGIN, False),
    ("cross-site", None, False),
    ("cross-site", ORIGIN, False),
    ("", ORIGIN, False),
    ("Same-Origin", None, False),
    (None, ORIGIN, True),
    (None, "https://portal.example:8443", False),
    (None, "http://portal.example", False),
    (None, "https://evil.example", False),
    (None, "https://portal.example.evil.example", False),
    (None, "null", False),
    (None, None, False),
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("site", "origin", "allowed"), SENDERS)
async def test_a_change_comes_from_a_page_of_ours_or_is_refused(
    method: str, site: str | None, origin: str | None, allowed: bool
) -> None:
    stated = {"sec-fetch-site": site, "origin": origin}
    headers = {name: value for name, value in stated.items() if value is not None}
    async with guarded() as client:
        answer = await client.request(method, "/page", headers=headers, content=b"x=1")
    assert answer.status_code == (200 if allowed else 403)
    if not allowed:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("name", ["sec-fetch-site", "origin"])
async def test_a_sender_who_is_named_twice_is_refused(name: str) -> None:
    good = {"sec-fetch-site": "same-origin", "origin": ORIGIN}[name]
    async with guarded() as client:
        answer = await client.post("/page", headers=[(name, good), (name, good)])
    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_whoever_comes_by_a_link_from_elsewhere_may_read(method: str) -> None:
    async with guarded() as client:
        answer = await client.request(method, "/page", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/page", "/broken", "/nothing", "/static/portal.css", "/static/missing.0123abcd.css"])
async def test_every_page_says_that_nothing_from_elsewhere_belongs_to_it_and_that_nobody_keeps_it(path: str) -> None:
    async with guarded() as client:
        answer = await client.get(path)
    assert answer.headers.get_list("content-security-policy") == [POLICY]
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert len(answer.headers["x-correlation-id"]) == 36


async def test_a_file_whose_name_holds_its_hash_may_be_kept_for_a_year() -> None:
    async with guarded() as client:
        answer = await client.get(HASHED)
    assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]


@pytest.mark.parametrize("host", ["evil.example", "portal.example.evil.example", "", "127.0.0.1"])
async def test_nobody_of_another_name_answers(host: str) -> None:
    async with guarded() as client:
        assert (await client.get("/page", headers={"host": host})).status_code == 400
        assert (await client.get("/page", headers={"host": "portal.example:8443"})).status_code == 200


async def test_a_body_may_be_as_long_as_the_bound_and_not_longer_whatever_its_length_is_said_to_be() -> None:
    async def pieces(length: int) -> AsyncIterator[bytes]:
        for _ in range(length // 1024):
            yield b"x" * 1024
        yield b"x" * (length % 1024)

    ours = {"sec-fetch-site": "same-origin"}
    async with guarded() as client:
        assert (await client.post("/page", headers=ours, content=b"x" * MAX_BODY_BYTES)).status_code == 200
        assert (await client.post("/page", headers=ours, content=pieces(MAX_BODY_BYTES))).status_code == 200
        for body in (b"x" * (MAX_BODY_BYTES + 1), pieces(MAX_BODY_BYTES + 1)):
            answer = await client.post("/page", headers=ours, content=body)
            assert (answer.status_code, answer.headers["connection"]) == (413, "close")
            assert "too long for this system" in answer.text


async def test_a_form_with_a_file_may_be_longer_and_beyond_that_is_told_what_to_do() -> None:
    ours = {"sec-fetch-site": "same-origin"}

    async def pieces(length: int) -> AsyncIterator[bytes]:
        for _ in range(length // 65536):
            yield bytes(65536)
        yield bytes(length % 65536)

    async with guarded() as client:
        taken = await client.post(UPLOAD, headers=ours, content=pieces(PAPER_BYTES))
        assert (taken.status_code, taken.headers["x-length"]) == (200, str(PAPER_BYTES))
        for body in (bytes(PAPER_BYTES + 1), pieces(PAPER_BYTES + 1)):
            answer = await client.post(UPLOAD, headers=ours, content=body)
            assert (answer.status_code, answer.headers["connection"]) == (413, "close")
            assert "larger than 10 MB" in answer.text and f'href="{UPLOAD}"' in answer.text
        assert (await client.post(PAPER, headers=ours, content=pieces(PAPER_BYTES))).status_code == 200
        for path in (f"{UPLOAD}/x", f"{PAPER}/paper"):
            assert (await client.post(path, headers=ours, content=bytes(MAX_BODY_BYTES + 1))).status_code == 413
        assert (await client.post(UPLOAD, headers={"sec-fetch-site": "cross-site"}, content=b"x")).status_code == 403


@pytest.mark.parametrize("path", FILE_FORMS)
async def test_each_form_with_a_file_has_a_bound_of_its_own_and_says_it(path: str) -> None:
    form, at = FILE_FORMS[path], re.sub(r"\{\w+\}", "01890a5d-ac96-774b-bcce-b302099a8057", path)
    ours = {"sec-fetch-site": "same-origin"}
    async with guarded(seconds=20) as client:
        taken = await client.post(at, headers=ours, content=bytes(form.body_bytes))
        assert (taken.status_code, taken.headers["x-length"]) == (200, str(form.body_bytes))
        answer = await client.post(at, headers=ours, content=bytes(form.body_bytes + 1))
        said = {500_000: "500 KB", 1_000_000: "1 MB", 10 * 1024 * 1024: "10 MB", 20_000_000: "20 MB"}[form.most_bytes]
        assert answer.status_code == 413
        assert f"larger than {said}" in answer.text
    async with guarded(uploads=0) as client:
        assert "Several files are being sent" in (await client.post(at, headers=ours, content=b"x")).text


async def test_a_form_with_a_file_comes_as_slowly_as_a_line_lets_it_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    real, gone_by = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: real() + gone_by)

    async def pieces(count: int) -> AsyncIterator[bytes]:
        nonlocal gone_by
        for _ in range(count):
            gone_by += 15
            yield b"x"
            await asyncio.sleep(0)

    ours = {"sec-fetch-site": "same-origin"}
    async with guarded(seconds=20) as client:
        signed_in = {**ours, "x-signed-in": "yes"}
        slow = await client.post(UPLOAD, headers=signed_in, content=pieces(10))
        assert (slow.status_code, slow.headers.get("x-length")) == (200, "10")
        assert (await client.post(UPLOAD, headers=signed_in, content=pieces(40))).status_code == 503
        # Without a session it has the time that everything else has.
        assert (await client.post(UPLOAD, headers=ours, content=pieces(10))).status_code == 503
        assert (await client.post("/page", headers=ours, content=pieces(10))).status_code == 503


async def test_forms_with_a_file_leave_room_for_everything_else() -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"
        await goes_on.wait()

    ours = {"sec-fetch-site": "same-origin"}
    async with guarded(uploads=1, begun=begun) as client:
        first = asyncio.ensure_future(client.post(UPLOAD, headers=ours, content=pieces()))
        await begun.wait()
        refused = await client.post(UPLOAD, headers=ours, content=b"x")
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")
        assert "Several files are being sent" in refused.text and f'href="{UPLOAD}"' in refused.text
        assert (await client.post("/page", headers=ours, content=b"x")).status_code == 200
        goes_on.set()
        assert (await first).status_code == 200
        assert (await client.post(UPLOAD, headers=ours, content=b"x")).status_code == 200


async def test_a_fault_is_a_page_without_its_text_and_a_line_without_it() -> None:
    async with guarded() as client:
        with capture_logs() as lines:
            answer = await client.get("/broken")
    assert answer.status_code == 500
    assert "what-somebody-typed" not in answer.text
    assert [line["event"] for line in lines] == ["internal_error", "request"]
    assert (lines[1]["status"], lines[1]["operation"]) == (500, "broken")


async def test_a_line_of_the_log_holds_nothing_of_the_address_or_of_what_was_sent() -> None:
    async with guarded() as client:
        with capture_logs() as lines:
            await client.post("/page?name=fatima", headers={"origin": ORIGIN, "cookie": "a=fatima"}, content=b"name=fatima")
    assert len(lines) == 1
    assert lines[0].keys() == {"event", "log_level", "operation", "method", "status", "ms", "correlation_id"}
    assert "fatima" not in str(lines)


async def test_a_request_that_lasts_too_long_is_given_up_with_a_page() -> None:
    async with guarded(seconds=0.05) as client:
        answer = await client.get("/slow")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_beyond_what_may_be_in_flight_people_are_told_to_wait_and_health_is_still_answered() -> None:
    begun = asyncio.Event()
    async with guarded(in_flight=1, begun=begun) as client:
        first = asyncio.ensure_future(client.get("/slow"))
        await begun.wait()
        assert (await client.get("/page")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await client.get("/page")).status_code == 200


@pytest.mark.parametrize("host", ["portal", "127.0.0.1:8000", "localhost"], ids=["by its name", "loopback", "localhost"])
async def test_figures_are_told_to_whoever_asks_from_inside(host: str) -> None:
    async with guarded() as client:
        assert (await client.get("/metrics", headers={"host": host})).text == "figures"


@pytest.mark.parametrize(
    "headers",
    [{}, {"host": "portal.example"}, {"host": "portal", "x-forwarded-for": "192.0.2.1"}, {"host": "127.0.0.1", "forwarded": "for=192.0.2.1"}],
    ids=["by the origin", "by its public name", "through a proxy", "through another proxy"],
)
async def test_figures_are_told_to_nobody_outside(headers: dict[str, str]) -> None:
    async with guarded() as client:
        answer = await client.get("/metrics", headers=headers)
    assert (answer.status_code, "figures" in answer.text) == (404, False)


async def test_answers_are_counted_by_the_page_and_never_by_the_address() -> None:
    counted = Answered()
    app = FastAPI()

    @app.get("/cases/{id}")
    async def case(id: str) -> Response:
        return Response()

    app.add_middleware(Guard, bounds=GuardBounds(ORIGIN, ISSUER, frozenset({"portal.example"})), metrics=counted)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        await client.get("/cases/what-somebody-typed")
        await client.get("/what-somebody-typed")
    told = generate_latest(counted.registry).decode()
    assert 'avrr_requests_total{operation="case",status="200"} 1.0' in told
    assert 'avrr_requests_total{operation="none",status="404"} 1.0' in told
    assert "what-somebody-typed" not in told
