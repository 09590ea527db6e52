"""`./avrr token` at a provider of the mission's own: whoever types the code elsewhere gives it a token, and it waits as RFC 8628 says."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.device_sign_in import LONGEST_SECONDS, DeviceSignIn
from ops.settings import CannotStart, OpsSettings
from shared.actors import Role
from tests.unit.ops.identity_provider import ISSUER, Browser, Provider, running

ELSEWHERE = "https://identity.example/realms/avrr"
DISCOVERY = {
    "issuer": ELSEWHERE, "token_endpoint": f"{ELSEWHERE}/token", "device_authorization_endpoint": f"{ELSEWHERE}/device",
}  # fmt: skip
CODES = {"device_code": "kept", "user_code": "BCDF-GHJK", "verification_uri": f"{ELSEWHERE}/device", "expires_in": 600}
GIVEN = (200, {"access_token": "a.b.c", "token_type": "Bearer"})
PENDING = (400, {"error": "authorization_pending"})


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


def settings(tmp_path: Path, issuer: str) -> OpsSettings:
    return OpsSettings(data=tmp_path, oidc_issuer=issuer)


async def test_whoever_signs_in_on_their_own_computer_meanwhile_gives_a_token(provider: Provider, tmp_path: Path) -> None:
    said: list[str] = []
    browser = Browser(provider.app)

    async def meanwhile(seconds: float) -> None:
        provider.hands.forward(seconds)
        # The first look is too early; before the second one the auditor has signed in.
        waited.append(seconds)
        if len(waited) == 2:
            await browser.send("/device", user_code=said[0].partition("type ")[2].split()[0])
            await browser.send("/sign-in", persona="auditor")
            await browser.send("/second-factor")

    waited: list[float] = []
    sign_in = DeviceSignIn(provider.http, settings(tmp_path, ISSUER), said.append, meanwhile, lambda: provider.hands().timestamp())
    found = await provider.tokens.verify(await sign_in.token())
    assert (found.person_id, found.roles, found.acr, found.auth_time) == ("staff:auditor", frozenset({Role.AUDITOR}), "phr", provider.hands())
    assert f"Open {ISSUER}/device" in said[0]
    assert "good for 10 min" in said[1]


class Answers:
    """A provider that gives these answers one after the other, and a clock on which nobody really waits."""

    def __init__(self, *polls: tuple[int, object], discovery: object = DISCOVERY, codes: tuple[int, object] = (200, CODES)) -> None:
        self.polls = list(polls)
        self.discovery = discovery
        self.codes = codes
        self.waited: list[float] = []
        self.said: list[str] = []
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=self.discovery)
        self.asked.append(dict(httpx.QueryParams(request.content.decode())))
        assert "authorization" not in request.headers
        status, answer = self.codes if len(self.asked) == 1 else self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]
        if status == 0:
            raise httpx.ConnectError("gone", request=request)
        return httpx.Response(status, json=answer)

    async def token(self, tmp_path: Path) -> str:
        async def wait(seconds: float) -> None:
            self.waited.append(seconds)

        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return await DeviceSignIn(client, settings(tmp_path, ELSEWHERE), self.said.append, wait, lambda: sum(self.waited)).token()


async def test_the_provider_is_asked_as_often_as_it_says_and_less_where_it_wants_that_or_is_away(tmp_path: Path) -> None:
    answers = Answers(PENDING, (400, {"error": "slow_down"}), PENDING, (0, None), PENDING, (503, {}), GIVEN)
    assert await answers.token(tmp_path) == "a.b.c"
    assert answers.waited == [5, 5, 10, 10, 20, 20, 40]
    assert answers.asked[0] == {"client_id": "avrr-command-line", "scope": "openid", "acr_values": "phr"}
    asked = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "kept", "client_id": "avrr-command-line"}
    assert answers.asked[1:] == [asked] * 7
    # The code by which the token is had is told to nobody.
    assert "kept" not in "".join(answers.said)


ENDS: dict[str, tuple[tuple[int, object], str]] = {
    "it was refused": ((400, {"error": "access_denied"}), "access_denied"),
    "nobody came in time": ((400, {"error": "expired_token"}), "expired_token"),
    "nobody comes and the provider never says so": (PENDING, "expired_token"),
    "the provider stays away": ((0, None), "expired_token"),
    "the code is nobody's": ((400, {"error": "invalid_grant"}), "token_refused"),
    "it is no error of the standard's": ((400, {"error": "\x1b[2J"}), "token_refused"),
    "it is no JSON of the standard's": ((401, []), "token_refused"),
    "a token of another kind": ((200, {"access_token": "a.b.c", "token_type": "DPoP"}), "token_unreadable"),
    "no token": ((200, {"token_type": "Bearer"}), "token_unreadable"),
    "a token that does something to the terminal": ((200, {"access_token": "\x1b[2J", "token_type": "Bearer"}), "token_unreadable"),
}


@pytest.mark.parametrize(("answer", "code"), ENDS.values(), ids=ENDS.keys())
async def test_without_a_token_it_ends_and_says_why(answer: tuple[int, object], code: str, tmp_path: Path) -> None:
    answers = Answers(answer)
    with pytest.raises(CannotStart) as refused:
        await answers.token(tmp_path)
    assert refused.value.code == code
    assert "\x1b" not in refused.value.sentence
    assert sum(answers.waited) <= 600


async def test_nobody_is_waited_for_longer_than_half_an_hour(tmp_path: Path) -> None:
    answers = Answers(PENDING, codes=(200, CODES | {"expires_in": 10**9, "interval": 60}))
    with pytest.raises(CannotStart, match="Nobody signed in"):
        await answers.token(tmp_path)
    assert sum(answers.waited) <= LONGEST_SECONDS


BEFORE: dict[str, tuple[Callable[[], Answers], str]] = {
    "somebody else": (lambda: Answers(discovery=DISCOVERY | {"issuer": "https://evil.example"}), "provider_other"),
    "no device grant": (lambda: Answers(discovery={name: DISCOVERY[name] for name in ("issuer", "token_endpoint")}), "no_device_grant"),
    "codes by plain HTTP": (lambda: Answers(discovery=DISCOVERY | {"device_authorization_endpoint": "http://identity.example/device"}), "provider_away"),
    "tokens by plain HTTP": (lambda: Answers(discovery=DISCOVERY | {"token_endpoint": "http://identity.example/token"}), "provider_away"),
    "no such client": (lambda: Answers(codes=(401, {"error": "invalid_client"})), "client_refused"),
    "a fault": (lambda: Answers(codes=(500, {})), "provider_away"),
    "away": (lambda: Answers(codes=(0, None)), "provider_away"),
    "a code for the terminal": (lambda: Answers(codes=(200, CODES | {"user_code": "\x1b]0;x\x07"})), "provider_away"),
    "a page that is no page": (lambda: Answers(codes=(200, CODES | {"verification_uri": "javascript:alert(1)"})), "provider_away"),
    "a page by plain HTTP": (lambda: Answers(codes=(200, CODES | {"verification_uri": "http://identity.example/device"})), "provider_away"),
}


@pytest.mark.parametrize(("made", "code"), BEFORE.values(), ids=BEFORE.keys())
async def test_nobody_is_told_a_code_by_a_provider_that_cannot_be_trusted_with_it(made: Callable[[], Answers], code: str, tmp_path: Path) -> None:
    answers = made()
    with pytest.raises(CannotStart) as refused:
        await answers.token(tmp_path)
    assert (refused.value.code, answers.said, answers.waited) == (code, [], [])


BY_PERSONA = [
    ["token", "--persona", "auditor"],
    ["token", "--client", "office-tn"],
    ["restored", "accept", "--by", "auditor"],
    ["restored", "settle", "--event", "00000000-0000-7000-8000-000000000000", "--outcome", "left", "--by", "finance-reconciler"],
    ["restored", "clear-payments", "--by", "finance-reconciler"],
]


@pytest.mark.parametrize("order", BY_PERSONA, ids=" ".join)
def test_at_a_provider_of_its_own_there_are_no_personas_and_it_is_said_how_people_sign_in(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVRR_DATA", str(tmp_path))
    monkeypatch.setenv("AVRR_OIDC_ISSUER", ELSEWHERE)
    ended = CliRunner().invoke(app, order)
    assert isinstance(ended.exception, CannotStart)
    assert ended.exception.code == "persona_elsewhere"
    assert "./avrr token" in ended.exception.sentence


@pytest.mark.parametrize("order", [BY_PERSONA[2][:2], BY_PERSONA[3][:-2], BY_PERSONA[4][:2]], ids=" ".join)
def test_a_token_that_nobody_gave_is_missing(order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_DATA", str(tmp_path))
    monkeypatch.setenv("AVRR_OIDC_ISSUER", ELSEWHERE)
    # As the shell leaves it where ./avrr token gave none.
    monkeypatch.setenv("AVRR_TOKEN", "")
    ended = CliRunner().invoke(app, order)
    assert isinstance(ended.exception, CannotStart)
    assert ended.exception.code == "token_missing"
