"""Signing in at the portal: who comes back is who went, once, in the same browser, and no token leaves the server."""

import asyncpg
import pytest

from ops import databases
from services.portal.sessions import COOKIE
from services.portal.sign_in import SIGNING_IN_COOKIE
from services.portal.waiting import PENDING
from tests.integration.portal.person import People, Portal
from tests.unit.ops.identity_provider import NOW


async def test_somebody_signs_in_and_the_portal_knows_them(people: People) -> None:
    person = people()
    assert await person.who() is None
    answer = await person.sign_in("counsellor-3", "/cases?status=applied")
    assert answer.status_code == 200
    assert answer.headers["refresh"] == "0; url=/cases?status=applied"
    assert 'href="/cases?status=applied"' in answer.text
    found = await person.who()
    assert found is not None
    token = str(found.pop("token"))
    assert found == {
        "person": "staff:counsellor-3", "name": "counsellor-3", "roles": ["counsellor"], "acr": "pwd",
        "organisation": "iom_ba", "countries": ["BA"], "sites": ["trc_lipa"], "auth_time": NOW.isoformat(), "flash": None,
    }  # fmt: skip
    assert token not in answer.text + str(answer.headers)


async def test_the_cookies_are_for_this_host_alone_and_the_sessions_for_its_own_pages(people: People) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    session, signing_in = person.cookies[COOKIE], person.cookies[SIGNING_IN_COOKIE]
    assert (session["samesite"], session["max-age"]) == ("strict", "")
    assert (signing_in["samesite"], signing_in["max-age"]) == ("lax", "600")
    assert len(session.value) == 43


async def test_the_database_holds_nothing_that_anybody_could_use_or_read(
    people: People, front: databases.FrontLogins
) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    token = await person.token()
    await person.post("/cases/42/withdraw", {"reason": "a-reason-nobody-may-read"})
    connection = await asyncpg.connect(front.api)
    rows = [
        bytes(value)
        for table in ("browser_sessions", "pending_sign_ins", "kept_forms")
        for row in await connection.fetch(f"SELECT * FROM {table}")
        for value in row.values()
        if isinstance(value, bytes)
    ]
    await connection.close()
    assert len(rows) >= 7
    for secret in (person.secret, token, token.rpartition(".")[2], "counsellor", "a-reason-nobody-may-read"):
        assert not any(secret.encode() in row for row in rows)


@pytest.mark.parametrize(
    "changes", [{"state": "made-up-0123456789"}, {"state": None}, {"iss": "https://identity.example"}, {"iss": None},
                {"code": "made-up"}, {"code": None}],
)  # fmt: skip
async def test_an_answer_with_anything_changed_signs_nobody_in(changes: dict[str, str | None], people: People) -> None:
    person = people()
    address = await person.at_provider(await person.get("/sign-in"), "counsellor-3")
    answer = await person.back(address, **changes)
    assert answer.status_code == 400
    assert COOKIE not in person.cookies
    assert await person.who() is None
    # What was given up for a wrong answer is not there for the right one either, unless it was another one's state.
    assert ((await person.back(address)).status_code == 200) == ("state" in changes)


async def test_a_parameter_that_stands_there_twice_signs_nobody_in(people: People) -> None:
    person = people()
    address = await person.at_provider(await person.get("/sign-in"), "counsellor-3")
    query = address.partition("?")[2]
    assert (await person.get(f"/signed-in?{query}&iss=x", from_elsewhere=True)).status_code == 400


async def test_a_token_made_for_another_request_signs_nobody_in(people: People) -> None:
    person = people()
    address = await person.at_provider(await person.get("/sign-in"), "counsellor-3", nonce="nonce-of-another-one")
    assert (await person.back(address)).status_code == 400
    assert await person.who() is None


async def test_a_code_of_another_sign_in_signs_nobody_in(people: People) -> None:
    thief, person = people(), people()
    stolen = await thief.at_provider(await thief.get("/sign-in"), "coordinator")
    own = await person.at_provider(await person.get("/sign-in"), "counsellor-3")
    code = stolen.partition("code=")[2].partition("&")[0]
    assert (await person.back(own, code=code)).status_code == 400


async def test_an_answer_works_in_the_browser_that_asked_and_nowhere_else(people: People) -> None:
    person, stranger, third = people(), people(), people()
    await stranger.get("/sign-in")
    for other in (stranger, third):
        address = await person.at_provider(await person.get("/sign-in"), "counsellor-3")
        assert (await other.back(address)).status_code == 400
        assert await other.who() is None
        assert (await person.back(address)).status_code == 400


async def test_an_answer_works_once_and_in_time(people: People, portal: Portal) -> None:
    person = people()
    address = await person.at_provider(await person.get("/sign-in"), "counsellor-3")
    assert (await person.back(address)).status_code == 200
    secret = person.secret
    assert (await person.back(address)).status_code == 400
    assert person.secret == secret
    late = people()
    begun = await late.get("/sign-in")
    portal.hands.forward(PENDING.total_seconds() - 30)
    address = await late.at_provider(begun, "counsellor-3")
    portal.hands.forward(30)
    assert (await late.back(address)).status_code == 400


async def test_two_tabs_sign_in_beside_each_other(people: People) -> None:
    person = people()
    first, second = await person.get("/sign-in?return_to=/a"), await person.get("/sign-in?return_to=/b")
    one = await person.back(await person.at_provider(first, "counsellor-3"))
    two = await person.back(await person.at_provider(second, "counsellor-3"))
    assert [answer.headers["refresh"] for answer in (one, two)] == ["0; url=/a", "0; url=/b"]


async def test_whoever_is_signed_in_is_not_asked_again(people: People) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    answer = await person.get("/sign-in?return_to=/cases")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/sign-in", "javascript:x"])
async def test_nobody_is_led_away_from_the_portal(elsewhere: str, people: People) -> None:
    assert (await people().sign_in("counsellor-3", elsewhere)).headers["refresh"] == "0; url=/"


async def test_whoever_turns_back_is_told_so(people: People) -> None:
    person = people()
    answer = await person.back(await person.turns_back(await person.get("/sign-in")))
    assert answer.status_code == 403
    assert 'href="/sign-in"' in answer.text
    assert await person.who() is None


async def test_each_sign_in_has_a_new_id_and_the_old_one_opens_nothing(people: People) -> None:
    person, thief = people(), people()
    await person.sign_in("counsellor-3")
    thief.cookies[COOKIE] = person.cookies[COOKIE]
    assert await thief.who() is not None
    await person.post("/sign-out")
    await person.sign_in("counsellor-3")
    assert person.secret != thief.secret
    assert await thief.who() is None


async def test_a_made_up_cookie_opens_nothing_and_is_never_taken_over(people: People) -> None:
    person, other = people(), people()
    await other.sign_in("counsellor-3")
    fixed = other.cookies[COOKIE].copy()
    for value in ("A" * 43, "A" * 42, "", "../" * 14):
        fixed.set(COOKIE, value, value)
        person.cookies[COOKIE] = fixed
        assert await person.who() is None
    await person.sign_in("counsellor-4")
    assert person.secret != fixed.value


async def test_when_the_provider_is_away_nobody_is_signed_in_and_it_is_said(people: People, portal: Portal) -> None:
    away = portal.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
    portal.sessions.provider._settings = away
    answer = await people().get("/sign-in")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
