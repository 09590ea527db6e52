"""The development provider's pages in a browser: what every test that signs in by pages stands on."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import expect

from ops.browser import choose_persona
from tests.browser.axe import assert_for_everybody, axe_faults, keyboard_faults, sideways, stops
from tests.browser.conftest import Visits
from tests.listening import listening
from tests.running import Mission

# The icon is named, or the browser would ask for one when nobody answers any more.
PAGE = b'<!doctype html><title>back</title><link rel="icon" href="data:,">'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(PAGE), PAGE)


@pytest.fixture
async def back() -> AsyncIterator[str]:
    """Where the provider sends people to in these tests: something that answers in the portal's place."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()

    async with listening(answer) as port:
        yield f"http://127.0.0.1:{port}/signed-in"


def asking(issuer: str, back: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 50).digest()).rstrip(b"=").decode()
    return f"{issuer}/authorize?" + urlencode(
        {
            "response_type": "code", "client_id": "avrr-portal", "redirect_uri": back, "scope": "openid",
            "state": "s" * 32, "nonce": "n" * 32, "code_challenge": challenge, "code_challenge_method": "S256",
        }
    )  # fmt: skip


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("name", ["counsellor-3", "finance-approver", "receiving-office-tn"])
async def test_everybody_can_be_chosen(mission: Mission, visits: Visits, back: str, name: str, scripts: bool) -> None:
    page = await visits.open(scripts=scripts)
    await page.goto(asking(mission.addresses.issuer, back))
    await choose_persona(page, name)
    assert page.url.startswith(back)
    assert parse_qs(urlsplit(page.url).query)["code"]


async def test_the_page_where_one_chooses_is_for_everybody(mission: Mission, visits: Visits, back: str) -> None:
    page = await visits.open()
    await page.goto(asking(mission.addresses.issuer, back))
    await assert_for_everybody(page)


async def test_the_page_on_which_a_command_lines_code_is_typed_is_for_everybody(mission: Mission, visits: Visits) -> None:
    page = await visits.open()
    await page.goto(f"{mission.addresses.issuer}/device")
    await assert_for_everybody(page)
    await page.fill("#user_code", "BCDF-GHJK")
    await page.click("button.main")
    await expect(page.locator("main")).to_contain_text("Nobody waits for that code")
    await assert_for_everybody(page)


async def test_what_is_looked_for_is_found_where_it_is_wrong(visits: Visits) -> None:
    page = await visits.open()
    await page.set_content(
        '<!doctype html><html lang="en"><title>Wrong</title><style>button:focus { outline: none }</style>'
        '<main><h1>Wrong</h1><p style="width: 900px">wide</p><input><button tabindex="1">first</button></main></html>'
    )
    assert any(fault.startswith("label:") for fault in await axe_faults(page))
    assert "px too wide" in (await sideways(page))[0]
    assert [stop.name for stop in await stops(page)] == ["first", "INPUT"]
    assert any("comes after 'first'" in fault for fault in await keyboard_faults(page))
    assert "the focus on 'first' can't be seen" in await keyboard_faults(page)
