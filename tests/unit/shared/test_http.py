"""What surrounds every route: whatever fails is answered, headed and logged alike, and no body is read for ever."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from structlog.testing import capture_logs

from shared.metrics import Metrics
from shared.problems import install_problems
from shared.surroundings import MAX_BODY_BYTES, AnswerCutShort, Surroundings


class Note(BaseModel):
    """A body of any length."""

    text: str


def house() -> tuple[FastAPI, Metrics]:
    app, metrics = FastAPI(), Metrics("test")

    @app.get("/bug")
    async def bug() -> None:
        raise KeyError("what-a-migrant-said")

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            yield b"one\n"
            raise KeyError("what-a-migrant-said")

        return StreamingResponse(lines())

    @app.post("/note")
    async def note(body: Note) -> int:
        return len(body.text)

    install_problems(app)
    app.add_middleware(Surroundings, metrics=metrics)
    return app, metrics


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house()[0]), base_url="http://test") as client:
        yield client


async def test_a_bug_is_answered_with_the_same_headers_as_everything_else(client: httpx.AsyncClient) -> None:
    answer = await client.get("/bug")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"]
    assert "what-a-migrant-said" not in answer.text


async def test_a_bug_is_counted_and_logged_as_a_500_and_goes_no_further() -> None:
    app, metrics = house()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        with capture_logs() as lines:
            await client.get("/bug")
    told = next(line for line in lines if line["event"] == "request")
    assert (told["operation"], told["status"]) == ("bug", 500)
    assert metrics.requests.labels("bug", "500")._value.get() == 1


async def test_an_answer_that_breaks_off_halfway_tells_the_server_nothing_of_why(client: httpx.AsyncClient) -> None:
    with pytest.raises(AnswerCutShort) as broken:
        await client.get("/half")
    assert not broken.value.args
    assert broken.value.__suppress_context__


async def test_a_body_longer_than_any_command_is_refused(client: httpx.AsyncClient) -> None:
    just_fits = json.dumps({"text": "x" * (MAX_BODY_BYTES - len(json.dumps({"text": ""})))})
    assert len(just_fits) == MAX_BODY_BYTES
    headers = {"Content-Type": "application/json"}
    assert (await client.post("/note", content=just_fits, headers=headers)).status_code == 200
    answer = await client.post("/note", content=just_fits + " ", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(client: httpx.AsyncClient) -> None:
    given = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal given
        while given < 100 * MAX_BODY_BYTES:
            given += MAX_BODY_BYTES // 4
            yield b" " * (MAX_BODY_BYTES // 4)

    answer = await client.post("/note", content=without_end(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert given <= 2 * MAX_BODY_BYTES
