"""How long the server takes for each page of a running portal, next to an answer that asks nothing of anybody."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import httpx

from ops.browser import ensure_browser, open_browser, sign_in
from ops.screenshots import PAGES, Shot, arrive, expect_portal
from ops.settings import CannotStart
from shared.outgoing import Outgoing

if TYPE_CHECKING:
    from playwright.async_api import Browser

# The budget of the reference for the demo's year: what a counsellor waits for beside the network.
MOST_MILLISECONDS: Final = 80
FLOOR: Final = Shot(None, "/healthz", "floor")


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one page in milliseconds, from the question to the last byte, and its bytes on the wire."""

    name: str
    times: tuple[float, ...]
    bytes: int

    @property
    def median(self) -> float:
        """Half of the times are below it."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """Nineteen of twenty times are not above it (nearest rank)."""
        return sorted(self.times)[math.ceil(0.95 * len(self.times)) - 1]

    def as_json(self) -> dict[str, Any]:
        """For a file that is read by programs."""
        return {"page": self.name, "p50_ms": round(self.median, 1), "p95_ms": round(self.p95, 1), "bytes": self.bytes}


async def time_pages(
    portal: str, times: int, pages: Sequence[Shot] = PAGES, say: Callable[[str], None] = print
) -> list[Timing]:
    """Asks for each page so many times, one after the other, as whoever sees it; the first answer is not counted.

    The first of the timings is the floor. `CannotStart` if the portal does not answer or there is no browser.
    """
    await expect_portal(portal)
    found: list[Timing] = []
    async with open_browser(ensure_browser()) as browser:
        for persona, shots in groupby((FLOOR, *pages), key=lambda shot: shot.persona):
            found += await _of_person(browser, portal, persona, list(shots), times)
    floor = found[0]
    say(f"{'page':34} {'p50 ms':>8} {'p95 ms':>8} {'x floor':>8} {'bytes':>8}")
    for one in found:
        say(f"{one.name:34} {one.median:8.1f} {one.p95:8.1f} {one.median / floor.median:8.1f} {one.bytes:8}")
    return found


async def _of_person(
    browser: "Browser", portal: str, persona: str | None, shots: Sequence[Shot], times: int
) -> list[Timing]:
    context = await browser.new_context()
    try:
        page = await context.new_page()
        if persona is not None:
            await sign_in(page, portal, persona)
        paths = []
        for shot in shots:
            if shot.follow:
                fault = await arrive(page, portal, shot)
                if fault is not None:
                    raise CannotStart("page_missing", f"{shot.name} cannot be timed: {fault}.")
            paths.append(page.url.removeprefix(portal) if shot.follow else shot.path)
        cookies = {cookie["name"]: cookie["value"] for cookie in await context.cookies(portal)}
    finally:
        await context.close()
    # A proxy from the environment would not find this machine's own addresses.
    async with Outgoing(trust_env=False, timeout=30, base_url=portal) as client:
        kept = "; ".join(f"{name}={value}" for name, value in cookies.items())
        # As a browser asks from one of our own pages, so that packing is timed as well.
        asked = {"Sec-Fetch-Site": "same-origin"} | ({"Cookie": kept} if kept else {})
        return [await _timed(client, asked, shot.name, path, times) for shot, path in zip(shots, paths, strict=True)]


async def _timed(client: httpx.AsyncClient, headers: dict[str, str], name: str, path: str, times: int) -> Timing:
    taken: list[float] = []
    size = 0
    for _ in range(times + 1):
        begun = time.perf_counter()
        answer = await client.get(path, headers=headers)
        taken.append((time.perf_counter() - begun) * 1000)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise CannotStart(
                "too_many_requests",
                "Nobody may ask as fast as that here. Start the system with AVRR_READS_PER_MINUTE=1000000 and "
                "AVRR_DISCLOSURES_PER_MINUTE=1000000 to measure it.",
            )
        answer.raise_for_status()
        size = answer.num_bytes_downloaded
    return Timing(name, tuple(taken[1:]), size)
