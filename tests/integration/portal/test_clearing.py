"""What the portal keeps for a time is gone afterwards, also where nobody comes any more, and what has ended opens nothing."""

import json

import asyncpg

from ops import databases
from services.portal.app import create_app
from services.portal.sealing import Seal
from services.portal.sessions import IDLE, REMEMBERED, SURELY, hashed
from services.portal.waiting import AT_ONCE
from tests.integration.bus.house import until
from tests.integration.portal.person import FORM, People, Portal

TABLES = ("browser_sessions", "pending_sign_ins", "kept_forms")


async def counts(front: databases.FrontLogins) -> list[int]:
    connection = await asyncpg.connect(front.api)
    found = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]
    await connection.close()
    return found


async def test_what_was_kept_long_enough_is_gone_though_nobody_comes_and_however_much_it_is(
    people: People, portal: Portal, front: databases.FrontLogins
) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    await person.get("/sign-in", from_elsewhere=True)
    for number in range(2 * AT_ONCE + 1):
        await portal.sessions.forms.keep(f"staff:{number}", FORM, {"reason": ["x"]})
    await portal.sessions.clear()
    assert await counts(front) == [1, 1, 2 * AT_ONCE + 1]
    portal.hands.forward((IDLE + REMEMBERED).total_seconds() + 1)
    await portal.sessions.clear()
    assert await counts(front) == [0, 0, 0]


async def test_a_session_that_ended_keeps_no_token_that_opens_anything(
    people: People, portal: Portal, front: databases.FrontLogins
) -> None:
    person, other = people(), people()
    await person.sign_in("counsellor-3")
    portal.hands.forward(SURELY.total_seconds() + 2)
    await other.sign_in("counsellor-4")
    portal.hands.forward(IDLE.total_seconds() - 1)
    await portal.sessions.clear()

    connection = await asyncpg.connect(front.api)
    seal = Seal(portal.settings.session_key)
    kept = {}
    for one in (person, other):
        id_hash = hashed(one.secret)
        sealed = await connection.fetchval("SELECT sealed FROM browser_sessions WHERE id_hash = $1", id_hash)
        kept[one] = json.loads(seal.opened("browser_sessions", id_hash, bytes(sealed)))
    await connection.close()
    assert (kept[person]["access_token"], kept[person]["refresh_token"]) == ("", None)
    assert kept[other]["access_token"] and kept[other]["refresh_token"]
    assert await other.who() is not None
    # What they typed is still theirs, and signing out still ends the sign-in at the provider.
    await person.post(FORM, {"reason": "x"})
    assert await portal.sessions.forms.take("staff:counsellor-3", FORM) == {"reason": ["x"]}
    assert "id_token_hint" in (await person.post("/sign-out")).headers["location"]


async def test_the_portal_clears_by_itself_while_it_runs(people: People, portal: Portal, front: databases.FrontLogins) -> None:
    # By the clock of the test this is years ago.
    await people().sign_in("counsellor-3")
    assert (await counts(front))[0] == 1
    app = create_app(portal.settings)

    async def cleared() -> bool:
        return await counts(front) == [0, 0, 0]

    async with app.router.lifespan_context(app):
        await until(cleared)
