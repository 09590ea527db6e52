"""A real browser for the tests of pages, and people in front of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from ops.browser import find_browser, open_browser
from tests.browser.days import not_about_to_end
from tests.browser.signing_in import sign_in
from tests.running import mission

KILOBIT = 1000 / 8
# Whichever test is the first with the system waits until all of it has started, beside whatever else starts then; and a page for
# everybody is looked at stop by stop; and one that would pass midnight waits for it.
SECONDS = 1200
_HERE = Path(__file__).parent
# As long as anything else that a page is waited for.
_PATIENCE_MS = 20_000
expect.set_options(timeout=_PATIENCE_MS)
OURS = {"127.0.0.1", "localhost"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives each test here time enough; said before a test begins, or it would not count."""
    for item in items:
        if item.path.is_relative_to(_HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))


@dataclass
class Visits:
    """Opens contexts in one browser; what went wrong in any page is kept for the end of the test."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def open(
        self, *, width: int = 1280, scripts: bool = True, languages: str = "en-GB", slow: bool = False, relay: str | None = None
    ) -> Page:
        """A page of a person whom nobody knows yet; `slow` is 400 kbit/s with answers 400 ms late.

        `relay` is the address of a `tests.browser.relay.Relay` that carries what this browser asks.
        """
        context = await self.browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, locale=languages, reduced_motion="reduce",
            proxy=None if relay is None else {"server": relay},
        )  # fmt: skip
        self.contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        context.on("request", self._note_stranger)
        context.on("console", self._note_console)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        page = await context.new_page()
        if slow:
            await slow_down(page)
        return page

    async def close(self) -> None:
        """Ends all contexts."""
        for context in self.contexts:
            await context.close()

    def _note_stranger(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob", "about"} and parts.hostname not in OURS:
            self.faults.append(f"a request to {parts.hostname}")

    def _note_console(self, message: ConsoleMessage) -> None:
        # A page that answers 4xx or 5xx is an error to the browser's console and may be what the test is about.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.faults.append(f"console: {message.text}")


async def slow_down(page: Page) -> None:
    """The network of a reception centre from now on: 400 kbit/s, and every answer 400 ms late."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 400, "downloadThroughput": 400 * KILOBIT, "uploadThroughput": 400 * KILOBIT},
    )


@pytest.fixture(autouse=True)
async def within_a_day() -> None:
    """A test is over on the day on which it began."""
    await not_about_to_end()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    executable = find_browser()
    if executable is None:
        pytest.fail("there is no browser: ./avrr test installs one; on Debian: apt install chromium", pytrace=False)
    async with open_browser(executable) as opened:
        yield opened


@pytest.fixture
async def visits(browser: Browser) -> AsyncIterator[Visits]:
    """Opens pages; afterwards no page may have had a fault of its own or asked a stranger for anything."""
    opened = Visits(browser)
    yield opened
    await opened.close()
    assert opened.faults == []


__all__ = ["Visits", "mission", "sign_in", "slow_down"]
