"""How somebody signs in: what was asked for, what is still missing, and the code that a client exchanges; in memory."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, Literal, TypeVar

from ops.identity.clients import Client
from ops.identity.personas import ACR_PHISHING_RESISTANT, ACR_PLAIN, Persona
from ops.identity.tokens import SignIn

BROWSER_SECONDS: Final = 8 * 3600
WAITING_SECONDS: Final = 600
CODE_SECONDS: Final = 60

_MOST: Final = 1000
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_OPAQUE: Final = re.compile(r"[\x21-\x7e]{8,512}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}")

T = TypeVar("T")
Step = Literal["done", "choose", "touch"]


class Unacceptable(Exception):
    """A request that its client is told about; `error` is the OAuth or OpenID code."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to sign somebody in, of a known client that a registered address answers for.

    ``device`` is the code by which a program without a browser waits, for which no address answers.
    """

    client: Client
    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    strong: bool
    prompt: Literal["none", "login"] | None
    max_age: int | None
    device: str | None = None

    @classmethod
    def for_device(cls, client: Client, user_code: str) -> "Asked":
        """What a program without a browser asks for: that somebody is chosen now and touches the key."""
        return cls(client, "", "", "", "", strong=True, prompt="login", max_age=0, device=user_code)

    @classmethod
    def of(cls, client: Client, redirect_uri: str, given: Mapping[str, str]) -> "Asked":
        """What these parameters ask for; Unacceptable if a part is missing, malformed or not offered here."""
        if given.get("response_type") != "code":
            raise Unacceptable("unsupported_response_type")
        if "request" in given or "request_uri" in given:
            raise Unacceptable("request_not_supported")
        if "openid" not in given.get("scope", "").split(" "):
            raise Unacceptable("invalid_scope")
        prompt = given.get("prompt")
        if (
            given.get("response_mode", "query") != "query"
            or given.get("code_challenge_method") != "S256"
            or not _CHALLENGE.fullmatch(given.get("code_challenge", ""))
            or not _OPAQUE.fullmatch(given.get("state", ""))
            or not _OPAQUE.fullmatch(given.get("nonce", ""))
            or not _SECONDS.fullmatch(given.get("max_age", "0"))
            or (prompt is not None and prompt not in {"none", "login"})
        ):
            raise Unacceptable("invalid_request")
        return cls(
            client=client,
            redirect_uri=redirect_uri,
            state=given["state"],
            nonce=given["nonce"],
            challenge=given["code_challenge"],
            strong=ACR_PHISHING_RESISTANT in given.get("acr_values", "").split(" "),
            prompt="none" if prompt == "none" else "login" if prompt == "login" else None,
            max_age=int(given["max_age"]) if "max_age" in given else None,
        )

    def next_step(self, present: SignIn | None, now: datetime) -> Step:
        """What is still missing for who is signed in, if anybody is."""
        if present is None or self.prompt == "login":
            return "choose"
        age = (now - present.at).total_seconds()
        stale = self.max_age is not None and (self.max_age == 0 or age > self.max_age)
        if self.needs_key(present.persona) and (stale or present.acr != ACR_PHISHING_RESISTANT):
            return "touch"
        return "choose" if stale else "done"

    def needs_key(self, persona: Persona) -> bool:
        """Whether this persona has to touch a key: because it was asked for, or because the role always does."""
        return self.strong or persona.acr == ACR_PHISHING_RESISTANT


@dataclass(slots=True, eq=False)
class Browser:
    """One browser, known by a cookie whose value changes with every sign-in."""

    present: SignIn | None = None


@dataclass(slots=True, eq=False)
class Waiting:
    """A request on the way; `chosen` has been picked and has to touch a key."""

    asked: Asked
    browser: Browser
    chosen: Persona | None = None


@dataclass(frozen=True, slots=True)
class Coded:
    """What a code stands for."""

    asked: Asked
    browser: Browser
    sign_in: SignIn


@dataclass(slots=True)
class _Forgetful(Generic[T]):
    # Values under unguessable names, each for so many seconds; the oldest goes when there are too many.
    seconds: float
    now: Callable[[], datetime]
    found: dict[str, tuple[T, float]] = field(default_factory=dict)

    def put(self, value: T) -> str:
        while len(self.found) >= _MOST:
            del self.found[next(iter(self.found))]
        name = secrets.token_urlsafe(32)
        self.found[name] = value, self.now().timestamp() + self.seconds
        return name

    def get(self, name: str) -> T | None:
        value, until = self.found.get(name, (None, 0.0))
        return value if self.now().timestamp() < until else None

    def pop(self, name: str) -> T | None:
        value = self.get(name)
        self.found.pop(name, None)
        return value


def _every(_: SignIn) -> bool:
    return True


class SignIns:
    """Browsers, requests on the way and codes of one provider process; all end with it.

    ``stands`` says whether a sign-in of before still counts.
    """

    def __init__(self, now: Callable[[], datetime], stands: Callable[[SignIn], bool] = _every) -> None:
        self._now = now
        self.stands = stands
        self._browsers = _Forgetful[Browser](BROWSER_SECONDS, now)
        self._waiting = _Forgetful[Waiting](WAITING_SECONDS, now)
        self._codes = _Forgetful[Coded](CODE_SECONDS, now)

    def browser(self, cookie: str) -> Browser | None:
        """The browser that holds this cookie."""
        browser = self._browsers.get(cookie)
        if browser is not None and browser.present is not None and not self.stands(browser.present):
            browser.present = None
        return browser

    def new_browser(self) -> tuple[str, Browser]:
        """A browser that was not seen before, and its cookie."""
        browser = Browser()
        return self._browsers.put(browser), browser

    def wait(self, asked: Asked, browser: Browser, chosen: Persona | None = None) -> str:
        """Lets a request wait for its person; what its form has to bring back."""
        return self._waiting.put(Waiting(asked, browser, chosen))

    def waiting(self, name: str, browser: Browser | None) -> Waiting | None:
        """The request that waits under this name in this browser; nobody else's browser may finish it."""
        found = self._waiting.get(name)
        return found if found is not None and found.browser is browser else None

    def give_up(self, name: str) -> None:
        """Ends a request that its person did not want to go on with."""
        self._waiting.pop(name)

    def signed_in(self, name: str, persona: Persona, cookie: str, *, touched: bool) -> tuple[str, str]:
        """Signs a persona in and ends the waiting request; the new cookie, and the code for the client.

        How strong and when belong together: signing in again without the key leaves nothing of an earlier touch.
        """
        waiting = self._waiting.pop(name)
        assert waiting is not None
        acr = ACR_PHISHING_RESISTANT if touched else ACR_PLAIN
        waiting.browser.present = SignIn(persona, acr, self._now())
        self._browsers.pop(cookie)
        return self._browsers.put(waiting.browser), self.code(waiting.asked, waiting.browser)

    def code(self, asked: Asked, browser: Browser) -> str:
        """A code for a request whose person is signed in."""
        assert browser.present is not None
        return self._codes.put(Coded(asked, browser, browser.present))

    def redeem(self, code: str, client: Client, redirect_uri: str, verifier: str) -> Coded:
        """What a code stands for, once; Unacceptable unless the same client brings the same address and its verifier.

        A code is used up by the first attempt, whether that succeeds or not, and ends with the person's sign-in.
        """
        coded = self._codes.pop(code)
        if (
            coded is None
            or coded.asked.client.id != client.id
            or coded.asked.redirect_uri != redirect_uri
            or coded.browser.present is None
            or not self.stands(coded.sign_in)
            or not _VERIFIER.fullmatch(verifier)
            or not hmac.compare_digest(_challenge(verifier), coded.asked.challenge)
        ):
            raise Unacceptable("invalid_grant")
        return coded

    def sign_out(self, cookie: str) -> None:
        """Ends whatever this browser was signed in as."""
        browser = self._browsers.pop(cookie)
        if browser is not None:
            browser.present = None


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
