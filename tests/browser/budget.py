"""What the first view of a page costs on a slow line: bytes as they come over the wire, and requests after the page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page

MOST_BYTES = 35 * 1024
MOST_REQUESTS_AFTER = 3


@dataclass
class View:
    """What was sent for one page as to somebody whose browser knows nothing of the portal yet."""

    bytes: int = 0
    requests: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What is more than a slow line should carry."""
        found = []
        if self.bytes > MOST_BYTES:
            found.append(f"{self.bytes} bytes")
        if len(self.requests) - 1 > MOST_REQUESTS_AFTER:
            found.append(f"{len(self.requests) - 1} requests after the page: {self.requests}")
        return found


@asynccontextmanager
async def first_view(page: Page) -> AsyncIterator[View]:
    """Counts what a page asks for in the block, with nothing kept from before."""
    view = View()
    session = await page.context.new_cdp_session(page)

    def asked(event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            view.requests.append(event["request"]["url"])

    def came(event: dict[str, Any]) -> None:
        view.bytes += int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", came)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield view
    await page.wait_for_load_state("networkidle")
    await session.detach()
