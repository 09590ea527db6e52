"""Whoever sits in front of a browser has signed in already: the pages on the way there are what test_sign_in.py is about."""

import re
from http.cookies import Morsel, SimpleCookie
from typing import Final, Literal
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
from playwright.async_api import Page

from shared.certificates import trusted

_WAITING: Final = re.compile(r'name="waiting" value="([^"]+)"')
_SAME_SITE: Final[dict[str, Literal["Lax", "Strict"]]] = {"lax": "Lax", "strict": "Strict"}


class _Errand:
    """Asks in a browser's place, with its cookies, and keeps those that it is given."""

    def __init__(self, client: httpx.AsyncClient, cookies: dict[str, str]) -> None:
        self._client = client
        self._cookies = cookies
        self.given: dict[str, tuple[str, Morsel[str]]] = {}

    async def ask(self, method: str, address: str, form: dict[str, str] | None = None) -> httpx.Response:
        # On one machine they are the same for each port, so that the portal and the provider have theirs side by side.
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        answer = await self._client.request(method, address, headers={"Cookie": cookies}, data=form)
        for line in answer.headers.get_list("set-cookie"):
            for name, cookie in SimpleCookie(line).items():
                self._cookies[name] = cookie.value
                self.given[name] = (address, cookie)
        return answer


async def _signed_in(portal: str, persona_name: str, path: str, known: dict[str, str]) -> _Errand:
    async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=30) as client:
        errand = _Errand(client, known)
        answer = await errand.ask("GET", f"{portal}/sign-in?{urlencode({'return_to': path})}")
        answer = await errand.ask("GET", answer.headers["location"])
        for action, chosen in (("/sign-in", {"persona": persona_name}), ("/second-factor", {})):
            if f'action="{action}"' in answer.text:
                waiting = _WAITING.search(answer.text)
                assert waiting is not None
                answer = await errand.ask("POST", urljoin(str(answer.url), action), {"waiting": waiting[1], **chosen})
        assert urlsplit(answer.headers["location"]).path == "/signed-in"
        answer = await errand.ask("GET", answer.headers["location"])
        assert answer.status_code == 200, answer.text
    return errand


async def signed_in(portal: str, persona_name: str) -> str:
    """The cookies of somebody who signed in to the portal at the development provider, as a browser would send them."""
    errand = await _signed_in(portal, persona_name, "/", {})
    return "; ".join(f"{name}={cookie.value}" for name, (_, cookie) in errand.given.items() if cookie["max-age"] != "0")


async def sign_in(page: Page, portal: str, persona_name: str, path: str = "/") -> None:
    """Signs in to the portal at the development provider, and opens this path of the portal.

    No page on the way is drawn, for which a browser needs longer than for most of what a test asks of it.
    """
    known = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies(portal)}
    errand = await _signed_in(portal, persona_name, path, known)
    # A browser takes this machine for safe; whoever gives it a Secure cookie by hand has to name a safe address.
    await page.context.add_cookies(
        [
            {
                "name": name, "value": cookie.value, "httpOnly": bool(cookie["httponly"]),
                "url": address.replace("http:", "https:", 1) if cookie["secure"] else address,
                "sameSite": _SAME_SITE[cookie["samesite"].lower()],
            }
            for name, (address, cookie) in errand.given.items()
            if cookie["max-age"] != "0"
        ]
    )  # fmt: skip
    await page.goto(portal + path)
