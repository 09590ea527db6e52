"""What is packed for a slow line, and what is not because a stranger's page might measure it."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from services.portal.packing import Packing

PAGE = "<p>a page of some length</p>" * 100


async def shown(_: object) -> HTMLResponse:
    return HTMLResponse(PAGE)


async def asked(*headers: tuple[str, str]) -> httpx.Response:
    app = Packing(Starlette(routes=[Route("/", shown)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://portal.test") as client:
        return await client.get("/", headers=[("Accept-Encoding", "gzip"), *headers])


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_what_our_own_pages_and_the_address_bar_ask_for_is_packed(site: str) -> None:
    answer = await asked(("Sec-Fetch-Site", site))
    assert (answer.headers["content-encoding"], answer.text) == ("gzip", PAGE)
    assert int(answer.headers["content-length"]) < len(PAGE) / 10


@pytest.mark.parametrize(
    "headers",
    [(), (("Sec-Fetch-Site", "cross-site"),), (("Sec-Fetch-Site", "same-site"),), (("Sec-Fetch-Site", "none"),) * 2],
)
async def test_what_anybody_else_asks_for_is_as_long_as_it_is(headers: tuple[tuple[str, str], ...]) -> None:
    answer = await asked(*headers)
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == str(len(PAGE))
