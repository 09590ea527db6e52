"""How a session goes on and ends: by idleness, after a day, at the provider, by signing out; and tokens that stay fresh."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from starlette.requests import Request

from ops import databases
from ops.identity.staff import Staff
from services.portal.provider import Issued
from services.portal.sessions import COOKIE, IDLE, LONGEST, REMEMBERED, hashed
from tests.integration.portal.person import FORM, People, Person, Portal, running_portal


async def signed_in(people: People, persona: str = "counsellor-3") -> Person:
    person = people()
    assert (await person.sign_in(persona)).status_code == 200
    return person


async def test_a_session_ends_after_fifteen_minutes_in_which_nobody_asked(people: People, portal: Portal) -> None:
    person = await signed_in(people)
    for _ in range(3):
        portal.hands.forward(IDLE.total_seconds() - 1)
        assert await person.who() is not None
    portal.hands.forward(IDLE.total_seconds())
    assert await person.who() is None


async def test_a_session_ends_after_eight_hours_however_busy_it_is(
    people: People, portal: Portal, front: databases.FrontLogins
) -> None:
    person = await signed_in(people)
    for _ in range(int(LONGEST.total_seconds()) // 600):
        assert await person.who() is not None
        portal.hands.forward(600)
    # The provider would not renew it any more either; that is not what the portal relies on.
    connection = await asyncpg.connect(front.api)
    assert await connection.fetchval("SELECT expires_at - created_at FROM browser_sessions") == LONGEST
    await connection.close()
    assert await person.who() is None


async def test_the_token_that_is_handed_out_is_good_for_a_minute_and_the_sign_in_stays_what_it_was(
    people: People, portal: Portal
) -> None:
    person = await signed_in(people)
    first = await person.who()
    portal.hands.forward(239)
    assert await person.who() == first
    portal.hands.forward(1)
    second = await person.who()
    assert first is not None and second is not None
    assert first.pop("token") != second.pop("token")
    assert first == second


async def test_many_requests_at_once_renew_once_in_one_process_and_in_two(people: People, portal: Portal) -> None:
    # A refresh token that came to the provider twice would end the sign-in there.
    person = await signed_in(people)
    async with running_portal(portal.settings, portal.hands) as second:
        elsewhere = Person(second)
        elsewhere.cookies = person.cookies
        for _ in range(3):
            portal.hands.forward(250)
            seen = await asyncio.gather(*(browser.token() for browser in [person, elsewhere] * 6))
            assert len(set(seen)) == 1
        await elsewhere.close()


async def test_a_request_that_is_given_up_loses_no_token(
    people: People, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await signed_in(people)
    portal.hands.forward(250)
    renewed, given = portal.sessions.provider.renewed, asyncio.Event()

    async def renewed_and_told(token: str) -> Issued:
        issued = await renewed(token)
        given.set()
        await asyncio.sleep(0)
        return issued

    monkeypatch.setattr(portal.sessions.provider, "renewed", renewed_and_told)
    asking = asyncio.ensure_future(person.who())
    await given.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await portal.sessions.settled()
    portal.hands.forward(250)
    assert await person.who() is not None


async def test_a_sign_in_that_ended_at_the_provider_ends_here_at_the_next_renewal(people: People, portal: Portal) -> None:
    person = await signed_in(people)
    await person.provider.post("/end-session")
    portal.hands.forward(239)
    assert await person.who() is not None
    portal.hands.forward(1)
    assert await person.who() is None


def good_for(asked: Callable[..., Awaitable[Issued]], seconds: int) -> Callable[..., Awaitable[Issued]]:
    """The same tokens as a provider gives that lets them live for so long."""

    async def given(*asking: str) -> Issued:
        return (await asked(*asking)).model_copy(update={"expires_in": seconds})

    return given


@pytest.mark.parametrize("token_seconds", [300, 3600])
async def test_open_pages_of_whoever_is_suspended_end_within_five_minutes_however_long_tokens_are_good(
    people: People, portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token_seconds: int
) -> None:
    for name in ("redeemed", "renewed"):
        monkeypatch.setattr(portal.sessions.provider, name, good_for(getattr(portal.sessions.provider, name), token_seconds))
    person, other = await signed_in(people), await signed_in(people, "counsellor-4")
    for _ in range(2):
        portal.hands.forward(239)
        assert await person.who() is not None
    assert await other.who() is not None
    Staff(tmp_path / "identity", portal.hands).suspend("counsellor-3")
    portal.hands.forward(241)
    assert await person.who() is None
    assert await other.who() is not None


async def test_while_the_provider_is_away_people_go_on_until_their_token_ends(people: People, portal: Portal) -> None:
    person = await signed_in(people)
    endpoint = (await portal.sessions.provider.discovery()).token_endpoint
    (await portal.sessions.provider.discovery()).token_endpoint = "http://127.0.0.1:9/token"
    portal.hands.forward(250)
    assert await person.who() is not None
    portal.hands.forward(50)
    answer = await person.get("/who")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    (await portal.sessions.provider.discovery()).token_endpoint = endpoint
    assert await person.who() is not None


async def test_signing_out_ends_the_session_here_and_at_the_provider(people: People) -> None:
    person = await signed_in(people)
    kept = person.cookies[COOKIE]
    answer = await person.post("/sign-out")
    assert answer.status_code == 303
    assert COOKIE not in person.cookies
    left = await person.provider.get(answer.headers["location"])
    assert (left.status_code, left.headers["location"]) == (303, "http://127.0.0.1:8000/signed-out")
    assert (await person.get("/signed-out", from_elsewhere=True)).status_code == 200
    person.cookies[COOKIE] = kept
    assert await person.who() is None
    begun = await person.get("/sign-in")
    assert "login_required" in await person.at_provider(begun, prompt="none")


async def test_signing_out_is_nothing_that_a_link_can_do(people: People) -> None:
    person = await signed_in(people)
    assert (await person.get("/sign-out")).status_code == 405
    assert await person.who() is not None


async def test_a_sentence_is_left_for_the_next_page(people: People, portal: Portal) -> None:
    person = await signed_in(people)
    request = _request(person)
    session = await portal.sessions.of(request)
    assert session is not None
    await portal.sessions.tell(session, "The case was approved.")
    again = await portal.sessions.of(request)
    assert again is not None and again.flash == "The case was approved."
    await portal.sessions.tell(again, None)
    last = await portal.sessions.of(request)
    assert last is not None and last.flash is None


@pytest.mark.parametrize("change", ["flipped", "another row's", "another table's", "cut", "empty"])
async def test_contents_that_somebody_changed_in_the_database_open_nothing(
    change: str, people: People, front: databases.FrontLogins
) -> None:
    person, other = await signed_in(people), await signed_in(people, "finance-approver")
    await person.get("/sign-in", from_elsewhere=True)
    connection = await asyncpg.connect(front.api)
    rows = {bytes(row["id_hash"]): bytes(row["sealed"]) for row in await connection.fetch("SELECT * FROM browser_sessions")}
    mine = next(id_hash for id_hash in rows if id_hash == hashed(person.secret))
    theirs = next(id_hash for id_hash in rows if id_hash != mine)
    pending = await connection.fetchval("SELECT sealed FROM pending_sign_ins LIMIT 1")
    changed = {
        "flipped": rows[mine][:-1] + bytes([rows[mine][-1] ^ 1]), "another row's": rows[theirs],
        "another table's": pending, "cut": rows[mine][:20], "empty": b"",
    }[change]  # fmt: skip
    await connection.execute("UPDATE browser_sessions SET sealed = $1 WHERE id_hash = $2", changed, mine)
    await connection.close()
    assert await person.who() is None
    assert await other.who() is not None
    assert (await person.post(FORM, {"reason": "x"})).headers["location"].startswith("/sign-in?")
    assert (await person.post("/sign-out")).headers["location"] == "/signed-out"


async def test_what_has_ended_long_ago_is_deleted_as_others_come(
    people: People, portal: Portal, front: databases.FrontLogins
) -> None:
    person = await signed_in(people)
    await person.get("/sign-in", from_elsewhere=True)
    await person.post(FORM, {"reason": "x"})
    portal.hands.forward((IDLE + REMEMBERED).total_seconds() + 1)
    other = await signed_in(people, "counsellor-4")
    await other.post(FORM, {"reason": "y"})
    connection = await asyncpg.connect(front.api)
    counts = [
        await connection.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("browser_sessions", "pending_sign_ins", "kept_forms")
    ]
    await connection.close()
    assert counts == [1, 1, 1]


def _request(person: Person) -> Request:
    headers = [(b"cookie", f"{COOKIE}={person.secret}".encode())]
    return Request({"type": "http", "headers": headers, "method": "GET", "path": "/", "query_string": b""})
