"""Finds the Chromium that tests and screenshots drive, installs one where there is none, opens it, and signs in by it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from ops.identity.personas import ABROAD, dashed, persona
from ops.settings import CannotStart

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

# The same engine without the windows and menus around it, which nobody sees here, takes half of the time for a page.
NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip

_APT: Final = (
    ("update",),
    ("install", "--yes", "--no-install-recommends", "chromium-headless-shell"),
    # Older releases have no such package.
    ("install", "--yes", "--no-install-recommends", "chromium"),
)
_OF_PLAYWRIGHT: Final = (
    "from playwright.sync_api import sync_playwright\nwith sync_playwright() as driver: print(driver.chromium.executable_path)"
)


def find_browser(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The browser of this machine, otherwise Playwright's own; None if there is neither, or none that runs."""
    of_this_machine = _of_this_machine(environment)
    if of_this_machine is not None:
        return of_this_machine
    own = own_browser(environment)
    return own if own is not None and _runs(str(own), environment) else None


def _of_this_machine(environment: Mapping[str, str]) -> Path | None:
    named = (shutil.which(name, path=environment.get("PATH", "")) for name in NAMES)
    return next((Path(found) for found in named if found is not None and _runs(found, environment)), None)


def own_browser(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where Playwright has its own browser, or would have it."""
    answer = _ask([sys.executable, "-c", _OF_PLAYWRIGHT], environment)
    return Path(answer.stdout.strip()) if answer.returncode == 0 and answer.stdout.strip() else None


def ensure_browser(environment: Mapping[str, str] = os.environ, *, root: bool | None = None) -> Path:
    """A browser that runs, installed if there was none: Debian's as root, otherwise Playwright's own.

    `CannotStart` if none can be had. `root` is whether packages of the system may be installed.
    """
    found = find_browser(environment)
    if found is not None:
        return found
    print("avrr: installing Chromium for the tests of the pages (once)", file=sys.stderr, flush=True)
    apt = shutil.which("apt-get", path=environment.get("PATH", ""))
    if apt is not None and (os.geteuid() == 0 if root is None else root):
        quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
        # An old list of packages may still do, so that only the installation itself decides.
        for words in _APT:
            _ask([apt, "-q", *words], quiet)
            found = _of_this_machine(environment)
            if found is not None:
                return found
    _ask([sys.executable, "-m", "playwright", "install", "chromium"], environment)
    found = find_browser(environment)
    if found is None:
        raise CannotStart("browser", "there is no Chromium and none can be installed; on Debian: apt install chromium")
    return found


@asynccontextmanager
async def open_browser(executable: Path) -> AsyncIterator["Browser"]:
    """A headless browser with a profile of its own, for as long as the block lasts."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 -- only those who drive a browser have it

    # Chromium keeps what its start leaves in HOME; that folder may be missing or somebody's own.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(
                executable_path=executable, headless=True, args=list(ARGUMENTS), env={**os.environ, "HOME": home}
            )
            try:
                yield browser
            finally:
                await browser.close()


async def sign_in(page: "Page", portal: str, persona_name: str, path: str = "/") -> None:
    """Signs in to the portal by its own and the development provider's pages, and ends at this path of the portal."""
    await page.goto(f"{portal}/sign-in?{urlencode({'return_to': path})}")
    await choose_persona(page, persona_name)
    await page.wait_for_url(f"{portal}{path}")


async def choose_persona(page: "Page", persona_name: str) -> None:
    """On the development provider's page: chooses somebody, and touches the key where one is asked for."""
    chosen = persona(persona_name)
    if chosen.role in ABROAD:
        await page.locator(f'input[name="kind"][value="{dashed(chosen.role)}"]').check()
        await page.locator('input[name="country"]').fill(chosen.countries[0])
        await _follow(page, page.locator("fieldset button"))
    else:
        await _follow(page, page.locator(f'button[name="persona"][value="{chosen.name}"]').first)
    await touch_key(page)


async def touch_key(page: "Page") -> None:
    """Touches the invented security key if the development provider asks for it now."""
    # A page that is still arriving would have no button to count.
    await page.wait_for_load_state()
    key = page.locator('form[action="/second-factor"] button')
    if await key.count():
        await _follow(page, key)


async def _follow(page: "Page", control: "Locator") -> None:
    async with page.expect_navigation():
        await control.click()


def _runs(executable: str, environment: Mapping[str, str]) -> bool:
    # Some systems put a script there that only says where to get a browser.
    return _ask([executable, "--version"], environment).returncode == 0


def _ask(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, stdout=str(error.strerror))
