"""What surrounds every route: whatever fails is answered, headed and logged alike, and nothing lasts for ever."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from structlog.testing import capture_logs

from shared import surroundings
from shared.buckets import TooManyRequests
from shared.epochs import EpochsAway
from shared.metrics import MOST_CODES, Metrics
from shared.problems import install_problems
from shared.surroundings import MAX_BODY_BYTES, AnswerCutShort, Bounds, Surroundings

HEADERS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Note(BaseModel):
    """A body of any length."""

    text: str


class House:
    """An application with every way to fail in it."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.metrics = Metrics("test")
        self.cancelled = 0
        self.entered = asyncio.Semaphore(0)
        self.let_go = asyncio.Event()
        router = APIRouter(prefix="/v1")

        @router.get("/bug")
        async def bug() -> None:
            raise KeyError("what-a-migrant-said")

        @router.get("/sealed")
        async def sealed() -> None:
            raise EpochsAway

        @router.get("/half")
        async def half() -> StreamingResponse:
            async def lines() -> AsyncIterator[bytes]:
                yield b"one\n"
                raise KeyError("what-a-migrant-said")

            return StreamingResponse(lines())

        @router.get("/wait")
        async def wait() -> int:
            self.entered.release()
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            return 1

        @router.get("/slowly")
        async def slowly() -> StreamingResponse:
            async def lines() -> AsyncIterator[bytes]:
                yield b"one\n"
                self.entered.release()
                await self.let_go.wait()
                yield b"two\n"

            return StreamingResponse(lines())

        @router.get("/often")
        async def often(seconds: float) -> None:
            raise TooManyRequests(seconds)

        @router.post("/notes")
        async def note(body: Note) -> int:
            return len(body.text)

        @router.get("/notes")
        async def notes() -> int:
            return 0

        @router.put("/notes/{number}")
        async def change(number: int) -> int:
            return number

        app = FastAPI(redirect_slashes=False, openapi_url=None)
        app.include_router(router)

        @app.get("/healthz")
        async def healthz() -> int:
            return 1

        install_problems(app)
        app.add_middleware(Surroundings, metrics=self.metrics, bounds=bounds or Bounds())
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    async with made.client:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/notes", 200), ("GET", "/v1/nothing", 404), ("GET", "/v1/notes/", 404), ("PATCH", "/v1/notes", 405),
        ("POST", "/v1/notes", 422), ("GET", "/v1/bug", 500), ("GET", "/v1/sealed", 503), ("GET", "/v1/often?seconds=1", 429), ("GET", "/healthz", 200),
    ],
)  # fmt: skip
async def test_every_answer_has_every_private_header_once(house: House, method: str, path: str, status: int) -> None:
    answer = await house.client.request(method, path)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value]
    assert len(answer.headers["x-correlation-id"]) == 36
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


async def test_an_answer_in_pieces_has_them_too(house: House) -> None:
    house.let_go.set()
    answer = await house.client.get("/v1/slowly")
    assert answer.text == "one\ntwo\n"
    assert HEADERS.items() <= dict(answer.headers).items()


async def test_the_same_refusal_is_the_same_bytes(house: House) -> None:
    first, second = [await house.client.get("/v1/nothing") for _ in range(2)]
    assert first.content == second.content
    assert first.headers["x-correlation-id"] != second.headers["x-correlation-id"]


KNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize("stated", [KNOWN, "short", "with a blank in it", "x" * 36, f"{KNOWN}\n", "Amina-born-1990-02-03"])
async def test_a_correlation_id_is_the_callers_own_if_it_can_be_one(house: House, stated: str) -> None:
    answer = await house.client.get("/v1/notes", headers=[(b"X-Correlation-Id", stated.encode())])
    assert (answer.headers["x-correlation-id"] == stated) is (stated == KNOWN)


async def test_a_bug_is_answered_without_what_it_said(house: House) -> None:
    answer = await house.client.get("/v1/bug")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "what-a-migrant-said" not in answer.text


async def test_a_bug_is_counted_and_logged_as_a_500_and_goes_no_further(house: House) -> None:
    with capture_logs() as lines:
        await house.client.get("/v1/bug")
    told = next(line for line in lines if line["event"] == "request")
    assert (told["operation"], told["status"]) == ("bug", 500)
    assert house.metrics.requests.labels("bug", "500")._value.get() == 1


async def test_every_refusal_is_counted_by_its_code_and_nothing_else_is(house: House) -> None:
    for path in ("/v1/bug", "/v1/nothing", "/v1/nothing/else", "/v1/notes", "/healthz"):
        await house.client.get(path)
    await house.client.post("/v1/notes", json={"text": 7})
    counted = {
        sample.labels["code"]: sample.value
        for family in house.metrics.registry.collect() for sample in family.samples if sample.name == "avrr_refusals_total"
    }  # fmt: skip
    assert counted == {"internal_error": 1, "not_found": 2, "malformed": 1}
    lately = [house.metrics.registry.get_sample_value(f"avrr_{what}_lately") for what in ("internal_errors", "turned_away")]
    assert lately == [1, 2]


async def test_refusals_have_no_more_labels_than_there_may_be_codes() -> None:
    metrics = Metrics("test")
    for number in range(MOST_CODES + 5):
        metrics.refused(f"code_{number}")
    assert metrics.registry.get_sample_value("avrr_refusals_total", {"code": "other"}) == 5


async def test_an_answer_that_breaks_off_halfway_tells_the_server_nothing_of_why(house: House) -> None:
    with pytest.raises(AnswerCutShort) as broken:
        await house.client.get("/v1/half")
    assert not broken.value.args
    assert broken.value.__suppress_context__
    assert house.metrics.registry.get_sample_value("avrr_internal_errors_lately") == 1


async def test_a_body_longer_than_any_command_is_refused(house: House) -> None:
    just_fits = json.dumps({"text": "x" * (MAX_BODY_BYTES - len(json.dumps({"text": ""})))})
    assert len(just_fits) == MAX_BODY_BYTES
    headers = {"Content-Type": "application/json"}
    assert (await house.client.post("/v1/notes", content=just_fits, headers=headers)).status_code == 200
    answer = await house.client.post("/v1/notes", content=just_fits + " ", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"


async def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(house: House) -> None:
    given = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal given
        while given < 100 * MAX_BODY_BYTES:
            given += MAX_BODY_BYTES // 4
            yield b" " * (MAX_BODY_BYTES // 4)

    answer = await house.client.post("/v1/notes", content=without_end(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert given <= 2 * MAX_BODY_BYTES


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"{", b"[" * 100_000, b'{"text": %s}' % (b"1" * 5000), b"NaN", b""]
)
async def test_a_body_that_is_not_what_it_should_be_is_the_callers_fault(house: House, body: bytes) -> None:
    answer = await house.client.post("/v1/notes", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("unreadable", "malformed")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost:8001", "127.0.0.1:1", "[::1]", "[::1]:80"])
async def test_a_host_that_may_be_named_is_answered_under_any_port(house: House, host: str) -> None:
    assert (await house.client.get("/v1/notes", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("path", ["/v1/notes", "/healthz", "/nothing"])
@pytest.mark.parametrize(
    "host", ["mission.example", "localhost.", "localhost:", "localhost:80:80", "a@localhost", "localhost/", "", "[::1", "::1"]
)  # fmt: skip
async def test_another_host_is_refused_before_anything_else(house: House, path: str, host: str) -> None:
    answer = await house.client.get(path, headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "host_unknown")
    assert HEADERS.items() <= dict(answer.headers).items()


async def test_of_two_hosts_neither_is_believed(house: House) -> None:
    answer = await house.client.get("/v1/notes", headers=[("Host", "localhost"), ("Host", "localhost")])
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v1/notes", "GET, POST"), ("OPTIONS", "/v1/notes", "GET, POST"), ("HEAD", "/v1/notes", "GET, POST"),
        ("TRACE", "/v1/notes/7", "PUT"), ("GET", "/v1/notes/7", "PUT"), ("POST", "/healthz", "GET"),
    ],
)  # fmt: skip
async def test_who_asks_by_another_method_is_told_all_that_there_are(
    house: House, method: str, path: str, allowed: str
) -> None:
    answer = await house.client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(("seconds", "told"), [("0.001", "1"), ("1", "1"), ("1.5", "2"), ("1200", "1200")])
async def test_whoever_asks_too_often_is_told_for_how_many_whole_seconds_to_wait(
    house: House, seconds: str, told: str
) -> None:
    answer = await house.client.get(f"/v1/often?seconds={seconds}")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == told


async def test_beyond_so_many_at_a_time_the_next_is_sent_away_and_health_still_answers() -> None:
    house = House(Bounds(in_flight=2))
    async with house.client, asyncio.TaskGroup() as group:
        held = [group.create_task(house.client.get("/v1/wait")) for _ in range(2)]
        for _ in held:
            await house.entered.acquire()
        answer = await house.client.get("/v1/notes")
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await house.client.get("/healthz")).status_code == 200
        house.let_go.set()
        assert [(await one).status_code for one in held] == [200, 200]
        assert (await house.client.get("/v1/notes")).status_code == 200


async def test_a_request_that_lasts_too_long_is_cancelled_and_told_so() -> None:
    house = House(Bounds(seconds=0.05))
    async with house.client:
        answer = await house.client.get("/v1/wait")
    assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")
    assert int(answer.headers["retry-after"]) >= 1
    assert house.cancelled == 1


async def test_a_body_that_never_ends_is_waited_for_no_longer_than_anything_else() -> None:
    house = House(Bounds(seconds=0.05))

    async def one_piece_and_no_more() -> AsyncIterator[bytes]:
        yield b'{"text":'
        await house.let_go.wait()

    async with house.client:
        answer = await house.client.post(
            "/v1/notes", content=one_piece_and_no_more(), headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")
    assert answer.headers["connection"] == "close"


async def test_an_answer_that_has_begun_may_last_longer() -> None:
    house = House(Bounds(seconds=0.05))
    async with house.client, asyncio.TaskGroup() as group:
        asked = group.create_task(house.client.get("/v1/slowly"))
        await house.entered.acquire()
        # Somebody who came later has waited for too long in the meantime.
        assert (await house.client.get("/v1/wait")).status_code == 503
        house.let_go.set()
        assert (await asked).text == "one\ntwo\n"


async def test_an_answer_that_stands_still_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "STALL_SECONDS", 0.05)
    house = House()
    async with house.client:
        with pytest.raises(AnswerCutShort):
            await house.client.get("/v1/slowly")
